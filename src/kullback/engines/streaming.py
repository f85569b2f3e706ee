"""The engine for samples that are read from files at every pass, in bounded memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ClassVar, TypeVar, final

from kullback._core.arrays import Vector, float64
from kullback.data.blocks import Block, blocks
from kullback.data.observation import RowKind
from kullback.data.sample import RowSource
from kullback.engines.engine import Engine, Subtotal
from kullback.engines.local import first_of, threads_or_all
from kullback.objective.statistics import Statistic

Partial = TypeVar("Partial")

# Blocks waiting for each thread: enough that no thread waits for the reader, few enough that memory
# stays bounded (a block of one column and its weights is 1 MiB).
_WAITING = 4


@final
class StreamingEngine(Engine):
    """Adds up statistics over a sample that is read again in every pass.

    Args:
        sample: the sample.
        threads: number of threads that compute while the sample is read ahead; by default one for
            each core, also for NumPy, which shares the interpreter's lock with the reader (40
            million Student-t rows: 1.95 s with one, 1.75 s with two). It changes no bit of the
            result.
    """

    reads_all: ClassVar[bool] = True

    def __init__(self, sample: RowSource, threads: int | None = None) -> None:
        """Store the sample; nothing is read yet."""
        super().__init__()
        self._sample = sample
        self._threads = threads_or_all(threads)

    def first_block(self, kind: RowKind | None = None) -> Block | None:
        """Read the first block of the sample, or that of a kind of rows."""
        return first_of(blocks(self._sample.chunks()), kind)

    def results(self, statistic: Statistic[Partial], arguments: Vector) -> Iterator[Subtotal]:
        """Evaluate blocks in threads as they are read."""

        def evaluate(block: Block) -> Subtotal:
            with float64():  # the context holds for one thread
                return Subtotal.of(block, statistic.of_block(block, arguments))

        waiting: deque[Future[Subtotal]] = deque()
        with ThreadPoolExecutor(self._threads) as pool:
            for block in blocks(self._sample.chunks()):
                if not statistic.covers(block.kind):
                    continue
                waiting.append(pool.submit(evaluate, block))
                if len(waiting) > _WAITING * self._threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
