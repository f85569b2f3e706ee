"""The rows of all groups by kind, group after group, with the facts that a fit needs of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from kullback._core.arrays import Vector
from kullback.data.keys import GroupedRows
from kullback.data.observation import Exact, RowKind
from kullback.data.sample import Chunk, ChunkSample, RowSource
from kullback.models.forms import OneExponential

Places: TypeAlias = NDArray[np.intp]


@final
@dataclass(frozen=True, eq=False)
class KindRows:
    """The rows of one kind, group after group; rows of weight zero are left out.

    Attributes:
        chunk: the rows, as the user gave them.
        grouped: the groups, some of which may have no row here.
    """

    chunk: Chunk
    grouped: GroupedRows
    _coordinates: list[tuple[Vector, Vector]] = field(default_factory=list)

    @property
    def kind(self) -> RowKind:
        """How their outcomes were observed."""
        return self.chunk.kind

    @cached_property
    def _kept(self) -> tuple[Places | None, Places]:
        """The positions of the rows in the chunk, and where each group begins among them."""
        weight, order, offsets = self.chunk.weight, self.grouped.order, self.grouped.offsets
        if weight is None or bool(np.all(weight)):
            return order, offsets
        position = np.arange(weight.size) if order is None else order
        counts = np.concatenate([[0], np.cumsum(weight[position] > 0.0)])
        return position[weight[position] > 0.0], counts[offsets].astype(np.intp)

    def ordered(self, column: Vector) -> Vector:
        """Return one value of each row of the chunk, group after group."""
        positions = self._kept[0]
        return column if positions is None else column[positions]

    @cached_property
    def fields(self) -> Mapping[str, Vector]:
        """The outcomes, or what was observed of them."""
        return {name: self.ordered(self.chunk.fields[name]) for name in self.kind.fields}

    @cached_property
    def y(self) -> Vector:
        """The outcomes; of rows that are not exact, one that each allows."""
        return self.kind.located(self.fields)

    @cached_property
    def w(self) -> Vector | None:
        """The weights; None where all are one."""
        return None if self.chunk.weight is None else self.ordered(self.chunk.weight)

    @property
    def first(self) -> Places:
        """Where each group begins."""
        return self._kept[1][:-1]

    @cached_property
    def size(self) -> Places:
        """The number of rows of each group; 0 where all weights are zero."""
        return np.diff(self._kept[1])

    @cached_property
    def weight(self) -> Vector:
        """The total weight of each group."""
        return self.size.astype(np.float64) if self.w is None else self.total(self.w)

    def total(self, values: Vector) -> Vector:
        """Return the sum over each group of one value a row, in an order of its rows alone."""
        sums: Vector = self._reduced(np.add, values, 0.0)
        return sums

    def mean(self, values: Vector) -> Vector:
        """Return the weighted mean over each group of one value a row."""
        weighted = values if self.w is None else values * self.w
        with np.errstate(all="ignore"):  # of a group without rows
            return self.total(weighted) / self.weight

    @cached_property
    def extremes(self) -> tuple[Vector, Vector]:
        """The smallest and the largest outcome of each group."""
        return (
            self._reduced(np.minimum, self.y, np.inf),
            self._reduced(np.maximum, self.y, -np.inf),
        )

    def _reduced(self, operation: Any, values: Vector, empty: float) -> Vector:
        out = np.full(self.size.size, empty)
        some = self.size > 0
        if some.any():
            out[some] = operation.reduceat(values, self.first[some])
        return out

    def by_row(self, numbers: Vector) -> Vector:
        """Repeat a number of each group for its rows."""
        return np.repeat(numbers, self.size)

    def coordinate(self, form: OneExponential) -> tuple[Vector, Vector]:
        """Return an origin of each group, and every row's coordinate from it (of one form)."""
        if not self._coordinates:
            with np.errstate(all="ignore"):  # a group without rows
                origin = self.total(self.y) / self.size
                self._coordinates.append((origin, form.coordinate(self.y, self.by_row(origin))))
        return self._coordinates[0]

    def rows_of(self, group: int) -> slice:
        """The rows of a group."""
        return slice(int(self.first[group]), int(self.first[group] + self.size[group]))

    def of(self, group: int) -> Chunk:
        """Return the rows of one group: views of these rows."""
        rows, chunk, positions = self.rows_of(group), self.chunk, self._kept[0]
        own = np.arange(rows.start, rows.stop) if positions is None else positions[rows]
        fields = {
            name: (self.fields[name] if name in self.fields else self.ordered(column))[rows]
            for name, column in chunk.fields.items()
        }
        numbers = _numbers(chunk, own)
        weight = None if self.w is None else self.w[rows]
        return Chunk(chunk.kind, fields, weight, int(numbers[0]) if own.size else 0, numbers)

    def some(self, groups: NDArray[np.bool_]) -> Chunk:
        """Return the rows of some groups, in the order of the user's data."""
        chunk, grouped = self.chunk, self.grouped
        own = np.flatnonzero(np.repeat(groups, np.diff(grouped.offsets)))
        own = own if grouped.order is None else np.sort(grouped.order[own])
        return replace(
            chunk,
            fields={name: column[own] for name, column in chunk.fields.items()},
            weight=None if chunk.weight is None else chunk.weight[own],
            rows=_numbers(chunk, own),
        )


def _numbers(chunk: Chunk, own: Places) -> NDArray[np.int64]:
    """Return the numbers in the user's data of some rows of a chunk."""
    return own.astype(np.int64) + chunk.first_row if chunk.rows is None else chunk.rows[own]


def joined_by_kind(sample: RowSource) -> ChunkSample:
    """Return a sample in memory as one chunk for each kind of its rows, in their order."""
    by_kind: dict[RowKind, list[Chunk]] = {}
    for chunk in sample.chunks():
        by_kind.setdefault(chunk.kind, []).append(chunk)
    return ChunkSample(
        tuple(_joined(chunks) for chunks in by_kind.values()),
        label=sample.label,
        schema=sample.schema,
        dropped=sample.dropped,
        source=sample.describe_source(),
        name_row=getattr(sample, "name_row", sample.locate),
        others=sample.others,
    )


def _joined(chunks: list[Chunk]) -> Chunk:
    if len(chunks) == 1:
        return chunks[0]
    first = chunks[0]
    weights = None
    if any(chunk.weight is not None for chunk in chunks):
        own = (np.ones(c.count) if c.weight is None else c.weight for c in chunks)
        weights = np.concatenate([*own])
    return Chunk(
        first.kind,
        {name: np.concatenate([c.fields[name] for c in chunks]) for name in first.fields},
        weights,
        first.first_row,
        row_numbers(chunks),
    )


def row_numbers(chunks: list[Chunk] | tuple[Chunk, ...]) -> NDArray[np.int64]:
    """Return the numbers in the user's data of all rows, chunk after chunk."""
    return np.concatenate([_numbers(chunk, np.arange(chunk.count)) for chunk in chunks])


@final
@dataclass(frozen=True, eq=False)
class GroupRows:
    """The rows of all groups; rows of weight zero are left out.

    Attributes:
        sample: all rows, one chunk for each kind.
        grouped: the groups, of the rows chunk after chunk.
    """

    sample: ChunkSample
    grouped: GroupedRows

    @cached_property
    def parts(self) -> tuple[KindRows, ...]:
        """The rows of each kind, exact ones first."""
        chunks = self.sample.parts
        groups = self.grouped.parted([chunk.count for chunk in chunks])
        parts = map(KindRows, chunks, groups)
        return tuple(sorted(parts, key=lambda part: (part.kind != Exact(), part.kind.order)))

    @property
    def count(self) -> int:
        """The number of groups."""
        return len(self.grouped.keys)

    @cached_property
    def size(self) -> Places:
        """The number of rows of each group; 0 where all weights are zero."""
        size: Places = np.sum([part.size for part in self.parts], axis=0)
        return size

    @cached_property
    def weight(self) -> Vector:
        """The total weight of each group."""
        if len(self.parts) == 1:
            return self.parts[0].weight
        weight: Vector = np.sum([part.weight for part in self.parts], axis=0)
        return weight

    @cached_property
    def exact(self) -> NDArray[np.bool_]:
        """Which groups have exact rows alone."""
        exact: NDArray[np.bool_] = np.zeros(self.count, dtype=bool)
        for part in self.parts[:1]:
            exact = part.size == self.size if part.kind == Exact() else exact
        return exact

    @cached_property
    def to_start(self) -> KindRows:
        """The outcomes that starting values are computed from, as exact rows.

        Those of the exact rows; where a group has none, what its rows locate.
        """
        first = self.parts[0]
        if first.kind == Exact() and bool(np.all((first.size > 0) | (self.size == 0))):
            return first
        used = [(first.size > 0) if first.kind == Exact() else np.zeros(self.count, dtype=bool)]
        chunks, groups = [], []
        for part in self.parts:
            kept = used[0] if part.kind == Exact() else ~used[0]
            rows = np.repeat(kept, part.size)
            weight = np.ones(rows.sum()) if part.w is None else part.w[rows]
            chunks.append(Chunk(Exact(), {"y": part.y[rows]}, weight))
            groups.append(np.repeat(np.arange(self.count), part.size)[rows])
        group = np.concatenate(groups)
        offsets = np.concatenate([[0], np.cumsum(np.bincount(group, minlength=self.count))])
        order = np.argsort(group, kind="stable")
        grouped = GroupedRows(self.grouped.names, self.grouped.keys, order, offsets)
        return KindRows(_joined(chunks), grouped)

    def some(self, groups: NDArray[np.bool_]) -> ChunkSample:
        """Return the rows of some groups as a sample, in the order of the user's data."""
        if bool(np.all(groups)):
            return self.sample
        return self._with(part.some(groups) for part in self.parts)

    def of(self, group: int) -> ChunkSample:
        """Return the rows of one group as a sample: views of these rows."""
        return self._with(part.of(group) for part in self.parts)

    def _with(self, chunks: Any) -> ChunkSample:
        parts = tuple(chunk for chunk in chunks if chunk.count)
        sample = self.sample
        read = sum(chunk.count for chunk in sample.parts) + sample.dropped
        return replace(
            sample,
            parts=parts,
            source=sample.describe_source(),
            dropped=0,
            part_of=read if sample.part_of is None else sample.part_of,
        )
