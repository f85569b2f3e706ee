"""The engine for samples in memory: blocks shared out among threads."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cached_property
from typing import TypeVar, final

from kullback._core.arrays import Vector, float64
from kullback._core.errors import DataError
from kullback.data.blocks import Block, blocks
from kullback.data.observation import RowKind
from kullback.data.sample import RowSource
from kullback.engines.engine import Engine, Subtotal
from kullback.objective.statistics import Statistic

Partial = TypeVar("Partial")

# Blocks that a thread takes at once: few, so that threads finish together and progress is shown
# often, but enough that waking a thread takes little of the time. Of a regression one, which takes
# milliseconds.
_RUN = 4

# Up to this size of the rows their designs are kept for further passes; those of columns of numbers
# are as large as the rows. (Student t, location and scale linear in ten columns of 100,000 rows:
# designs are a sixth of the time.)
_MOST_KEPT = 1 << 27


def threads_or_all(threads: int | None) -> int:
    """Return the number of threads to use: by default, one for each core of the process."""
    if threads is None:
        return (
            len(os.sched_getaffinity(0))
            if hasattr(os, "sched_getaffinity")
            else os.cpu_count() or 1
        )
    if threads < 1:
        raise DataError(f"threads must be at least 1, got {threads}.")
    return threads


def first_of(sample: Iterable[Block], kind: RowKind | None) -> Block | None:
    """Return the first block of a sample, or the first of a kind of rows; None for no rows."""
    return next((block for block in sample if kind is None or block.kind == kind), None)


@final
class LocalEngine(Engine):
    """Adds up statistics over a sample in memory.

    Args:
        sample: the sample.
        threads: number of threads; by default one for each core, and a single one for statistics
            that NumPy computes. It changes no bit of the result.
    """

    def __init__(self, sample: RowSource, threads: int | None = None) -> None:
        """Split the sample into blocks, once for all passes."""
        super().__init__()
        self._blocks = list(blocks(sample.chunks()))
        if sum(block.nbytes for block in self._blocks) <= _MOST_KEPT:
            self._blocks = [replace(block, memo={}) for block in self._blocks]
        self._given = threads is not None
        self._threads = min(threads_or_all(threads), max(len(self._blocks), 1))

    def first_block(self, kind: RowKind | None = None) -> Block | None:
        """Return the first block, or that of a kind of rows."""
        return first_of(self._blocks, kind)

    def results(self, statistic: Statistic[Partial], arguments: Vector) -> Iterator[Subtotal]:
        """Evaluate the blocks, in threads where there are several."""

        def evaluate(part: list[Block]) -> list[Subtotal]:
            with float64():  # the context holds for one thread
                return [Subtotal.of(b, statistic.of_block(b, arguments)) for b in part]

        covered = [block for block in self._blocks if statistic.covers(block.kind)]
        run = 1 if statistic.uses_blas else _RUN
        parts = [covered[i : i + run] for i in range(0, len(covered), run)]
        if min(self._threads, len(parts)) <= 1 or (statistic.uses_numpy and not self._given):
            with float64():
                for block in covered:
                    yield Subtotal.of(block, statistic.of_block(block, arguments))
            return
        for done in self._pool.map(evaluate, parts):
            yield from done

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        """The threads, kept for all passes: starting them takes longer than a block."""
        return ThreadPoolExecutor(self._threads)
