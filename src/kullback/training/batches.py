"""The minibatches of an epoch: from rows in memory, or from the blocks of a stream."""

from __future__ import annotations

import abc
from collections.abc import Callable, Generator, Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias, final

import jax
import numpy as np

from kullback._core.arrays import Array, Vector
from kullback.data.blocks import Block, blocks
from kullback.data.sample import Chunk
from kullback.data.sample_head import row_fractions
from kullback.data.stream import FileSample, read_ahead

Columns: TypeAlias = Mapping[str, Any]

# The encoded rows of one window of a stream take about this many bytes; two windows are in memory
# at a time. Rows are shuffled within a window only, so it should hold many.
_WINDOW_BYTES = 64 * 2**20
_MOST_ROWS, _FEWEST_ROWS = 2**18, 2**12


class Window(NamedTuple):
    """Rows that are shuffled together and used in minibatches.

    Attributes:
        columns: inputs, outcomes and weights.
        order: indices of the rows in the order of their use, padded with −1 to a multiple of the
            batch.
        steps: the number of minibatches with rows.
        rows: the number of rows in ``order``.
    """

    columns: Mapping[str, Array]
    order: Any
    steps: int
    rows: int


class Batches(abc.ABC):
    """The rows of each member of a training, epoch by epoch.

    Attributes:
        rows: the number of rows in an epoch.
    """

    rows: int

    @abc.abstractmethod
    def windows(self, member: int, epoch: int, batch: int) -> Iterator[Window]:
        """Yield the windows of an epoch; every call yields the same ones."""


@final
class InMemoryBatches(Batches):
    """Rows in memory: one window an epoch, shuffled as a whole.

    Args:
        columns: of all rows.
        members: the rows of each member. In an epoch all use as many rows as the member with the
            fewest, so that they share one compiled program; the choice is drawn in every epoch.
        seed: of the order.
    """

    def __init__(self, columns: Columns, members: tuple[Any, ...], seed: int) -> None:
        """Move the columns to JAX's device."""
        self.rows = min(len(rows) for rows in members)
        self.columns = {name: jax.device_put(column) for name, column in columns.items()}
        self.members = members
        self._seed = seed

    def windows(self, member: int, epoch: int, batch: int) -> Iterator[Window]:
        """Yield one window with all rows, shuffled."""
        rng = np.random.default_rng([self._seed, 2, member, epoch])
        chosen = rng.permutation(self.members[member])[: self.rows]
        yield Window(self.columns, *_padded(chosen, self.rows, batch))


@final
class StreamedBatches(Batches):
    """Rows of a stream: each of its blocks is a window, shuffled.

    Args:
        stream: the rows.
        encode: maps a block's fields and weights to columns.
        width: the number of encoded inputs of a row.
        held_out_fraction: rows whose fraction (``row_fractions``) is smaller are held out.
        seed: of the order.

    Attributes:
        size: the number of rows in a window.
    """

    def __init__(
        self,
        stream: FileSample,
        encode: Callable[[Columns, Vector], dict[str, Any]],
        width: int,
        held_out_fraction: float,
        seed: int,
    ) -> None:
        """Store the stream; nothing is read yet."""
        assert stream.head is not None  # drawn when the stream was opened
        self.rows = max(round(stream.head.of * (1.0 - held_out_fraction)), 1)
        self._stream, self._encode = stream, encode
        self._held_out_fraction, self._seed = held_out_fraction, seed
        fitting = max(_WINDOW_BYTES // (4 * max(width, 1)), _FEWEST_ROWS)
        self.size = min(2 ** int(np.log2(fitting)), _MOST_ROWS)

    def windows(self, member: int, epoch: int, batch: int) -> Iterator[Window]:
        """Yield the windows of one pass over the stream."""
        return read_ahead(self._windows(member, epoch, batch), ahead=1)

    def _windows(self, member: int, epoch: int, batch: int) -> Generator[Window, None, None]:
        rng = np.random.default_rng([self._seed, 2, member, epoch])
        for block in blocks(self._training_rows(), self.size):
            yield self._window(block, rng, batch)

    def _window(self, block: Block, rng: np.random.Generator, batch: int) -> Window:
        columns = self._encode(block.fields, block.weight)
        order = rng.permutation(block.count)
        return Window(columns, *_padded(order, block.capacity, batch))

    def _training_rows(self) -> Iterator[Chunk]:
        """Yield the rows that are not held out and have a positive weight."""
        for chunk in self._stream.chunks():
            rows = chunk.first_row + np.arange(chunk.count) if chunk.rows is None else chunk.rows
            kept = row_fractions(rows) >= self._held_out_fraction
            if chunk.weight is not None:
                kept &= chunk.weight > 0.0
            if kept.any():
                fields = {name: values[kept] for name, values in chunk.fields.items()}
                weight = None if chunk.weight is None else chunk.weight[kept]
                numbers = rows[kept]
                yield Chunk(chunk.kind, fields, weight, int(numbers[0]), numbers)


def _padded(order: Any, capacity: int, batch: int) -> tuple[Any, int, int]:
    """The order padded with −1 to a length set by the capacity alone; its steps and rows."""
    out = np.full(-(-capacity // batch) * batch, -1, dtype=np.int32)
    out[: len(order)] = order
    return out, -(-len(order) // batch), len(order)
