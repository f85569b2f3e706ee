"""How an engine is made for a sample, and the default one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from kullback.data.sample import RowSource
from kullback.data.stream import Workers
from kullback.engines.engine import Engine
from kullback.engines.local import LocalEngine
from kullback.engines.streaming import StreamingEngine

EngineFactory: TypeAlias = Callable[[RowSource], Engine]


def workers_of(engine: object) -> Workers | None:
    """Return what makes an engine, where it reads data by workers of its own."""
    return engine if isinstance(engine, Workers) else None


def engine_for(sample: RowSource) -> Engine:
    """Return the local engine for a sample in memory, and the streaming one for others."""
    return LocalEngine(sample) if sample.in_memory else StreamingEngine(sample)
