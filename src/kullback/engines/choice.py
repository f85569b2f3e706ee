"""The default engine for a sample."""

from __future__ import annotations

from kullback.data.sample import Sample
from kullback.engines.engine import Engine
from kullback.engines.local import LocalEngine
from kullback.engines.streaming import StreamingEngine


def engine_for(sample: Sample) -> Engine:
    """Return the local engine for a sample in memory, and the streaming one for others."""
    return LocalEngine(sample) if sample.in_memory else StreamingEngine(sample)
