"""Cut a sample into blocks of a fixed size, the same blocks however the rows arrive.

A sum over rows is computed block by block, and the sums of blocks are added in the order of their
index. To give the same bits from memory and from files with any row groups, block i of a kind
always holds that kind's rows `i * size` to `(i + 1) * size`, whatever chunks they arrived in.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any, final

import numpy as np

from kullback._core.memory import aligned
from kullback.data.observation import RowKind
from kullback.data.sample import Chunk, Floats, Integers

# Rows in a block, and rows in a tile, of which a block holds 32. Measured with the compiled
# kernels: a tile with its derivatives stays in a core's cache, and a block is long enough for the
# cost of calling a kernel (tens of microseconds) not to count.
ROWS = 65_536
TILE = 2_048


@final
@dataclass(frozen=True, eq=False)
class Block:
    """Rows of one kind, padded to a fixed length.

    Attributes:
        kind: how these rows' outcomes were observed.
        index: the block's position among the blocks of its kind, which fixes the order of addition.
        fields: the outcome and the covariates, each of the block's capacity. The padding beyond
            `count` repeats the block's first row, on which the model is evaluated anyway.
        weight: the rows' weights; zero on the padding.
        count: the number of real rows.
        tiles: the number of tiles with real rows: the kernel may skip the rest.
        origin: runs of rows as (position of the first in the block, its number in the user's data,
            the numbers of all where they are not consecutive).
        memo: what passes compute of the rows alone and keep with them; None where nothing is kept.
    """

    kind: RowKind
    index: int
    fields: dict[str, Floats]
    weight: Floats
    count: int
    tiles: int
    origin: tuple[tuple[int, int, Integers | None], ...]
    memo: dict[Hashable, Any] | None = None

    @property
    def weighted(self) -> bool:
        """Whether any weight may differ from one (the shared array of ones is recognised)."""
        return (
            self.weight is not _ones(len(self.weight)) if self.count == len(self.weight) else True
        )

    @cached_property
    def extremes(self) -> tuple[float, float]:
        """The smallest and the largest outcome, as located; NaN if any outcome is NaN."""
        y = self.located
        return float(y.min()), float(y.max())

    @cached_property
    def located(self) -> Floats:
        """One outcome for each real row: itself where it is exact, else one that the row allows."""
        return self.kind.located({name: f[: self.count] for name, f in self.fields.items()})

    @property
    def few(self) -> bool:
        """Whether all rows of its kind are in one tile."""
        return self.capacity <= TILE

    @property
    def nbytes(self) -> int:
        """The size of its arrays."""
        return self.weight.nbytes + sum(values.nbytes for values in self.fields.values())

    @property
    def capacity(self) -> int:
        """The length of every array in the block."""
        return len(self.weight)

    def without(self, field: str) -> Block:
        """The block without one of its fields."""
        return replace(self, memo=None, fields={n: v for n, v in self.fields.items() if n != field})

    def row_number(self, position: int) -> int:
        """The number in the user's data of the row at a position (on the padding: of the first)."""
        if position >= self.count:
            position = 0
        start, first_row, rows = next(run for run in reversed(self.origin) if run[0] <= position)
        return first_row + position - start if rows is None else int(rows[position - start])

    @property
    def row_numbers(self) -> Integers:
        """The number in the user's data of every real row."""
        numbers = np.empty(self.count, dtype=np.int64)
        ends = [start for start, _, _ in self.origin[1:]] + [self.count]
        for (start, first_row, rows), end in zip(self.origin, ends, strict=True):
            own = np.arange(first_row, first_row + end - start) if rows is None else rows
            numbers[start:end] = own[: end - start]
        return numbers


def blocks(
    chunks: Iterable[Chunk], size: int = ROWS, before: Mapping[RowKind, int] | None = None
) -> Iterator[Block]:
    """Cut chunks into blocks.

    Block i of a kind holds that kind's rows `i * size` to `(i + 1) * size` and has the capacity
    `size`, except that a kind whose rows all fit in one tile gets the capacity of one tile. A block
    that lies inside one chunk is a view of it; only blocks across chunks and the last block are
    copied. A row of weight zero is left out: it was observed zero times, and adds nothing to the
    sum whatever it holds, even an outcome of probability zero.

    Args:
        chunks: consecutive rows; chunks of several kinds may alternate.
        size: the number of rows in a block.
        before: by kind, the number of rows before these, where they are a part of a sample: the
            first ones then belong to a block that begins before them, and are left out.

    Yields:
        The blocks, those of each kind in the order of their index.
    """
    cutters: dict[RowKind, _Cutter] = {}
    for chunk in chunks:
        cutter = cutters.get(chunk.kind)
        if cutter is None:
            cutter = cutters[chunk.kind] = _Cutter(
                chunk.kind, size, (before or {}).get(chunk.kind, 0)
            )
        yield from cutter.add(counted(chunk))
    for cutter in cutters.values():
        yield from cutter.finish()


def counted(chunk: Chunk) -> Chunk:
    """The chunk without its rows of weight zero."""
    weight = chunk.weight
    if weight is None or bool(np.all(weight)):
        return chunk
    kept = np.flatnonzero(weight)
    rows = kept + chunk.first_row if chunk.rows is None else chunk.rows[kept]
    fields = {name: values[kept] for name, values in chunk.fields.items()}
    return replace(chunk, fields=fields, weight=weight[kept], rows=rows)


@lru_cache(maxsize=8)
def _ones(size: int) -> Floats:
    """The weights of a full block of rows of weight one, shared by all such blocks."""
    ones = aligned(size)
    ones[:] = 1.0
    ones.flags.writeable = False
    return ones


@dataclass(frozen=True)
class _Piece:
    """Rows `start` to `stop` of a chunk."""

    chunk: Chunk
    start: int
    stop: int

    @property
    def origin(self) -> tuple[int, Integers | None]:
        """The number of the first row; the numbers of all rows if they are not consecutive."""
        if self.chunk.rows is None:
            return self.chunk.first_row + self.start, None
        rows = self.chunk.rows[self.start : self.stop]
        return int(rows[0]), rows


class _Cutter:
    """Collects the rows of one kind until they fill a block."""

    def __init__(self, kind: RowKind, size: int, before: int) -> None:
        self._kind = kind
        self._size = size
        self._skip = -before % size
        self._index = (before + self._skip) // size
        self._pieces: list[_Piece] = []
        self._pending = 0

    def add(self, chunk: Chunk) -> Iterator[Block]:
        """Add a chunk's rows and yield the blocks that they fill."""
        count = chunk.count
        start = min(self._skip, count)
        self._skip -= start
        while start < count:
            stop = min(count, start + self._size - self._pending)
            self._pieces.append(_Piece(chunk, start, stop))
            self._pending += stop - start
            start = stop
            if self._pending == self._size:
                yield self._block()

    def finish(self) -> Iterator[Block]:
        """Yield the last block, if rows are left."""
        if self._pending:
            yield self._block()

    def _block(self) -> Block:
        """Make the next block of the collected rows."""
        pieces, count = self._pieces, self._pending
        if len(pieces) == 1 and count == self._size:
            (piece,) = pieces
            rows, weights = slice(piece.start, piece.stop), piece.chunk.weight
            fields = {name: values[rows] for name, values in piece.chunk.fields.items()}
            weight = _ones(count) if weights is None else weights[rows]
        else:
            alone = self._index == 0 and count <= TILE
            capacity = min(TILE, self._size) if alone else self._size
            fields = {name: _joined(pieces, name, capacity) for name in pieces[0].chunk.fields}
            weight = _joined_weights(pieces, capacity)
        block = Block(
            self._kind, self._index, fields, weight, count, -(-count // TILE), _origin(pieces)
        )
        self._index += 1
        self._pieces, self._pending = [], 0
        return block


def _joined(pieces: list[_Piece], name: str, capacity: int) -> Floats:
    """One field of several pieces in one array, padded with its first value."""
    joined = aligned(capacity)
    end = 0
    for piece in pieces:
        start, end = end, end + piece.stop - piece.start
        joined[start:end] = piece.chunk.fields[name][piece.start : piece.stop]
    joined[end:] = joined[0]
    return joined


def _joined_weights(pieces: list[_Piece], capacity: int) -> Floats:
    """The weights of several pieces in one array, zero on the padding."""
    joined = aligned(capacity)
    end = 0
    for piece in pieces:
        start, end = end, end + piece.stop - piece.start
        weights = piece.chunk.weight
        joined[start:end] = 1.0 if weights is None else weights[piece.start : piece.stop]
    joined[end:] = 0.0
    return joined


def _origin(pieces: list[_Piece]) -> tuple[tuple[int, int, Integers | None], ...]:
    """The runs of consecutive rows in several pieces."""
    runs: list[tuple[int, int, Integers | None]] = []
    position = 0
    for piece in pieces:
        first_row, rows = piece.origin
        follows = (
            bool(runs)
            and rows is None
            and runs[-1][2] is None
            and first_row == runs[-1][1] + position - runs[-1][0]
        )
        if not follows:
            runs.append((position, first_row, rows))
        position += piece.stop - piece.start
    return tuple(runs)
