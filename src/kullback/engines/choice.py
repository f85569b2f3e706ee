"""Which engine suits a sample."""

from __future__ import annotations

from kullback.data.sample import Sample
from kullback.engines.engine import Engine
from kullback.engines.local import LocalEngine
from kullback.engines.streaming import StreamingEngine


def engine_for(sample: Sample) -> Engine:
    """Give the local engine to what is in memory, and the streaming one to what is not."""
    return LocalEngine(sample) if sample.in_memory else StreamingEngine(sample)
