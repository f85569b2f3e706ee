"""Equal rows merged into weighted ones: exactly the same sums from fewer rows.

Rows of categories, whole numbers and few outcomes repeat: a hundred million rows of ten categories
with four levels each are a million distinct ones. Every sum over rows that a fit needs is a sum
over distinct rows, each times the weight of the rows that equal it. The rows of a kind are counted
by a mixed-radix code of their fields, one digit a field. The first block shows whether all fields
are whole numbers in small ranges: where they are not, nothing is counted.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from kullback._core.arrays import Vector
from kullback.data.blocks import ROWS, Block
from kullback.data.observation import RowKind
from kullback.data.sample import Chunk, ChunkSample, RowSource
from kullback.objective.statistics import Statistic

# Codes of fields lie below this: a table of as many weights takes 32 MB.
_MOST_CODES = 1 << 22

# Rows that are looked at before all.
_LOOK = 64

# Distinct rows are used where there are at most this share of the rows.
_SHARE = 0.25


class Field(NamedTuple):
    """The whole numbers that a field may hold: ``size`` of them from ``low``."""

    low: int
    size: int


class Counted(NamedTuple):
    """Rows of one kind by their codes.

    Attributes:
        codes: of rows, or None for those from 0.
        weights: of the rows of these codes; None for one each.
    """

    codes: NDArray[np.int32] | None
    weights: Vector | None


@final
@dataclass(frozen=True)
class CountEqualRows(Statistic[dict[RowKind, Counted | None]]):
    """Adds up the weights of equal rows, by kind; None where a field is not what it may be.

    Attributes:
        fields: by kind and name, what the fields may hold.
    """

    fields: Mapping[RowKind, Mapping[str, Field]]

    def size(self, kind: RowKind) -> int:
        """The number of codes."""
        return math.prod(field.size for field in self.fields[kind].values())

    def of_block(self, block: Block, arguments: Vector) -> dict[RowKind, Counted | None]:  # noqa: ARG002
        """Return the codes and weights of one block."""
        if block.kind not in self.fields:
            return {block.kind: None}
        codes = np.zeros(block.count, dtype=np.int32)
        for name, field in self.fields[block.kind].items():
            values = block.fields[name][: block.count]
            with np.errstate(invalid="ignore"):  # a number too large for an integer
                digits = values.astype(np.int32)
            if (digits != values).any():
                return {block.kind: None}
            digits -= field.low
            if digits.min() < 0 or digits.max() >= field.size:
                return {block.kind: None}
            codes *= field.size
            codes += digits
        return {block.kind: Counted(codes, block.weight[: block.count] if block.weighted else None)}

    def merge(
        self, left: dict[RowKind, Counted | None], right: dict[RowKind, Counted | None]
    ) -> dict[RowKind, Counted | None]:
        """Join the rows of two parts, and count those of many by code."""
        out = {**left, **right}
        for kind in left.keys() & right.keys():
            a, b = left[kind], right[kind]
            out[kind] = None if a is None or b is None else self._joined(kind, a, b)
        return out

    def _joined(self, kind: RowKind, a: Counted, b: Counted) -> Counted:
        if a.codes is not None and b.codes is not None:
            codes, weights = np.concatenate([a.codes, b.codes]), None
            if a.weights is not None or b.weights is not None:
                weights = np.concatenate([_weights(a), _weights(b)])
            joined = Counted(codes, weights)
            # a table of the weights of all codes, once it is not larger than the codes
            return joined if 2 * codes.size < self.size(kind) else self.table(kind, joined)
        return Counted(None, _weights(self.table(kind, a)) + _weights(self.table(kind, b)))

    def table(self, kind: RowKind, counted: Counted) -> Counted:
        """Return the weights of all codes."""
        if counted.codes is None:
            return counted
        weights = np.bincount(counted.codes, counted.weights, self.size(kind))
        return Counted(None, weights.astype(np.float64, copy=False))


def _weights(counted: Counted) -> Vector:
    if counted.weights is not None:
        return counted.weights
    assert counted.codes is not None  # a table has weights
    return np.ones(counted.codes.size)


def countable(
    sample: RowSource, columns: Sequence[str], first_block: Callable[[RowKind], Block | None]
) -> CountEqualRows | None:
    """Return what counts the equal rows of a sample; None where its first rows say that few are.

    Args:
        sample: the sample. Of a stream with rows of several kinds none are counted: their first
            blocks may be at its end.
        columns: the columns that the model reads.
        first_block: returns the first block of a kind of rows, or None.
    """
    if not (sample.in_memory or len(sample.kinds) == 1):
        return None
    first = {kind: block for kind in sample.kinds if (block := first_block(kind)) is not None}
    if sum(block.count for block in first.values()) < ROWS:
        return None  # a pass over so few rows costs as little
    categories = sample.schema.categories
    fields: dict[RowKind, dict[str, Field]] = {}
    for kind, block in first.items():
        own: dict[str, Field] = {}
        codes = 1
        for name in dict.fromkeys((*kind.fields, *columns)):
            values, outcome = block.fields[name][: block.count], name in kind.fields
            field = _field(values, categories.get(name), outcome=outcome)
            if field is None or (codes := codes * field.size) > _MOST_CODES:
                return None
            own[name] = field
        fields[kind] = own
    return CountEqualRows(fields) if fields else None


def _field(values: Vector, levels: tuple[Any, ...] | None, *, outcome: bool) -> Field | None:
    """What a field may hold: a category's codes, or whole numbers; an outcome's twice as far."""
    if levels is not None:
        return Field(0, len(levels))
    few = values[:_LOOK]  # of numbers that are not whole a look is enough
    if (few != np.floor(few)).any() or (values != np.floor(values)).any():
        return None
    low, high = float(values.min()), float(values.max())
    if not high - low < _MOST_CODES or abs(low) > _MOST_CODES:
        return None
    span = int(high - low) + 1
    return Field(int(low), 2 * span if outcome and span > 2 else span)  # 0 and 1 stay so


def merged_rows(
    counter: CountEqualRows, found: Mapping[RowKind, Counted | None], rows: int, sample: RowSource
) -> ChunkSample | None:
    """Return the distinct rows with their weights; None where they are not few.

    Args:
        counter: what counted them.
        found: the weights by kind.
        rows: the number of rows.
        sample: the sample that they are of.
    """
    chunks: list[Chunk] = []
    for kind, counted in found.items():
        if counted is None:
            return None
        weights = _weights(counter.table(kind, counted))
        codes = np.flatnonzero(weights)
        fields: dict[str, Vector] = {}
        rest: NDArray[Any] = codes
        for name, field in reversed(list(counter.fields[kind].items())):
            rest, digits = np.divmod(rest, field.size)
            fields[name] = (digits + field.low).astype(np.float64)
        chunks.append(Chunk(kind, fields, weights[codes]))
    if sum(chunk.count for chunk in chunks) > _SHARE * rows:
        return None
    return ChunkSample(tuple(chunks), sample.label, sample.schema, sample.dropped)
