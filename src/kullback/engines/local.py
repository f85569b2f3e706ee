"""The engine for samples in memory: blocks shared out among threads."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import TypeVar, final

from kullback._core.arrays import Vector, float64
from kullback._core.errors import DataError
from kullback.data.blocks import Block, blocks
from kullback.data.sample import Sample
from kullback.engines.engine import Engine
from kullback.objective.statistics import Statistic

Partial = TypeVar("Partial")

# Blocks that a thread takes at once: few, so that threads finish together and progress can be
# shown, but enough that waking a thread does not count.
_RUN = 4


def threads_or_all(threads: int | None) -> int:
    """Give the number of threads to use: as many as the process may use cores, unless told."""
    if threads is None:
        return (
            len(os.sched_getaffinity(0))
            if hasattr(os, "sched_getaffinity")
            else os.cpu_count() or 1
        )
    if threads < 1:
        raise DataError(f"threads={threads} is no number of threads. Give 1 or more.")
    return threads


@final
class LocalEngine(Engine):
    """Adds up over a sample that is held in memory.

    Args:
        sample: the sample.
        threads: how many threads work at once; None: one a core, and one alone for what NumPy does.
            It changes no bit of the result.
    """

    def __init__(self, sample: Sample, threads: int | None = None) -> None:
        """Cut the sample into blocks, once for all passes."""
        super().__init__()
        self._blocks = list(blocks(sample.chunks()))
        self._told = threads is not None
        self._threads = min(threads_or_all(threads), max(-(-len(self._blocks) // _RUN), 1))

    def first_block(self) -> Block:
        """Give the first block."""
        if not self._blocks:
            raise DataError("the sample has no rows. Give at least one.")
        return self._blocks[0]

    def results(
        self, statistic: Statistic[Partial], arguments: Vector
    ) -> Iterator[tuple[Block, Partial]]:
        """Evaluate the blocks, in threads where there are several."""

        def evaluate(part: list[Block]) -> list[tuple[Block, Partial]]:
            with float64():  # the context belongs to a thread
                return [(block, statistic.of_block(block, arguments)) for block in part]

        if self._threads == 1 or (statistic.uses_numpy and not self._told):
            with float64():
                for block in self._blocks:
                    yield block, statistic.of_block(block, arguments)
            return
        parts = [self._blocks[i : i + _RUN] for i in range(0, len(self._blocks), _RUN)]
        for done in self._pool.map(evaluate, parts):
            yield from done

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        """The threads, kept for all passes: to start them takes longer than a block."""
        return ThreadPoolExecutor(self._threads)
