"""Where the rows of an epoch come from: memory, or the blocks of a stream."""

from __future__ import annotations

import abc
from collections.abc import Callable, Generator, Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias, final

import jax
import numpy as np

from kullback._core.arrays import Array, Vector
from kullback.data.blocks import Block, blocks
from kullback.data.covariate_stream import CovariateStream, row_fractions
from kullback.data.sample import Chunk
from kullback.data.stream import read_ahead

Columns: TypeAlias = Mapping[str, Any]

# The encoded rows of one window of a stream, of which two are in memory at a time, take about so
# many bytes; rows are shuffled within a window, so it should hold many.
_WINDOW_BYTES = 64 * 2**20
_MOST_ROWS, _FEWEST_ROWS = 2**18, 2**12


class Window(NamedTuple):
    """Rows to be gone through in minibatches.

    Attributes:
        columns: inputs, outcomes and weights.
        order: the rows in the order of their use, then −1 up to a multiple of the batch.
        steps: how many minibatches have rows.
        rows: how many rows there are in ``order``.
    """

    columns: Mapping[str, Array]
    order: Any
    steps: int
    rows: int


class Batches(abc.ABC):
    """Gives each member of a training its rows, epoch after epoch.

    Attributes:
        rows: how many rows an epoch has.
    """

    rows: int

    @abc.abstractmethod
    def windows(self, member: int, epoch: int, batch: int) -> Iterator[Window]:
        """Give the windows of an epoch; the same ones whenever they are asked for."""


@final
class Memory(Batches):
    """Rows in memory: one window an epoch, shuffled as a whole.

    Args:
        columns: of all rows.
        members: the rows of each member. All use as many rows an epoch as the one with the fewest,
            so that one compiled program serves them all; which ones is drawn anew each time.
        seed: of the order.
    """

    def __init__(self, columns: Columns, members: tuple[Any, ...], seed: int) -> None:
        """Put the columns where JAX has them."""
        self.rows = min(len(rows) for rows in members)
        self.columns = {name: jax.device_put(column) for name, column in columns.items()}
        self.members = members
        self._seed = seed

    def windows(self, member: int, epoch: int, batch: int) -> Iterator[Window]:
        """Give all rows, shuffled."""
        rng = np.random.default_rng([self._seed, 2, member, epoch])
        chosen = rng.permutation(self.members[member])[: self.rows]
        yield Window(self.columns, *_padded(chosen, self.rows, batch))


@final
class Streamed(Batches):
    """Rows of a stream: its blocks are the windows, each shuffled.

    Args:
        stream: the rows.
        encode: from a block's fields and weights to columns.
        width: how many encoded inputs a row has.
        held_share: rows whose fraction (``row_fractions``) is below are held out.
        seed: of the order.

    Attributes:
        size: how many rows a window has.
    """

    def __init__(
        self,
        stream: CovariateStream,
        encode: Callable[[Columns, Vector], dict[str, Any]],
        width: int,
        held_share: float,
        seed: int,
    ) -> None:
        """Hold the stream; nothing is read yet."""
        self.rows = max(round(stream.count * (1.0 - held_share)), 1)
        self._stream, self._encode = stream, encode
        self._held_share, self._seed = held_share, seed
        fitting = max(_WINDOW_BYTES // (4 * max(width, 1)), _FEWEST_ROWS)
        self.size = min(2 ** int(np.log2(fitting)), _MOST_ROWS)

    def windows(self, member: int, epoch: int, batch: int) -> Iterator[Window]:
        """Read the stream once."""
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
        """The rows that are neither held out nor of weight zero."""
        for chunk in self._stream.chunks():
            rows = chunk.first_row + np.arange(chunk.count) if chunk.rows is None else chunk.rows
            kept = row_fractions(rows) >= self._held_share
            if chunk.weight is not None:
                kept &= chunk.weight > 0.0
            if kept.any():
                fields = {name: values[kept] for name, values in chunk.fields.items()}
                weight = None if chunk.weight is None else chunk.weight[kept]
                numbers = rows[kept]
                yield Chunk(chunk.kind, fields, weight, int(numbers[0]), numbers)


def _padded(order: Any, capacity: int, batch: int) -> tuple[Any, int, int]:
    """An order with −1 up to a length that depends on the capacity only; its steps and rows."""
    out = np.full(-(-capacity // batch) * batch, -1, dtype=np.int32)
    out[: len(order)] = order
    return out, -(-len(order) // batch), len(order)
