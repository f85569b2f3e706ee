"""The rows of all groups, group after group, with the facts that a fit needs of each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from kullback._core.arrays import Vector
from kullback.data.sample import ArraySample
from kullback.groups.keys import GroupedRows

Places: TypeAlias = NDArray[np.intp]


@final
@dataclass(frozen=True, eq=False)
class GroupRows:
    """The rows of all groups, group after group; rows of weight zero are left out.

    Attributes:
        sample: all rows, as the user gave them.
        grouped: the groups.
    """

    sample: ArraySample
    grouped: GroupedRows

    @cached_property
    def _kept(self) -> tuple[Places | None, Places]:
        """The positions of the rows in the sample, and where each group begins among them."""
        weight, order, offsets = self.sample.weight, self.grouped.order, self.grouped.offsets
        if weight is None or bool(np.all(weight)):
            return order, offsets
        position = np.arange(weight.size) if order is None else order
        counts = np.concatenate([[0], np.cumsum(weight[position] > 0.0)])
        return position[weight[position] > 0.0], counts[offsets].astype(np.intp)

    def _ordered(self, column: Vector) -> Vector:
        positions = self._kept[0]
        return column if positions is None else column[positions]

    @cached_property
    def y(self) -> Vector:
        """The outcomes."""
        return self._ordered(self.sample.fields["y"])

    @cached_property
    def w(self) -> Vector | None:
        """The weights; None where all are one."""
        return None if self.sample.weight is None else self._ordered(self.sample.weight)

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

    def some(self, groups: NDArray[np.bool_]) -> ArraySample:
        """Return the rows of some groups as a sample, in the order of the user's data."""
        sample, grouped = self.sample, self.grouped
        if bool(np.all(groups)):
            return sample
        own = np.flatnonzero(np.repeat(groups, np.diff(grouped.offsets)))
        own = own if grouped.order is None else np.sort(grouped.order[own])
        return replace(
            sample,
            fields={name: column[own] for name, column in sample.fields.items()},
            weight=None if sample.weight is None else sample.weight[own],
            rows=own.astype(np.int64) if sample.rows is None else sample.rows[own],
        )

    def of(self, group: int) -> ArraySample:
        """Return the rows of one group as a sample: views of these rows."""
        rows = slice(int(self.first[group]), int(self.first[group] + self.size[group]))
        sample, positions = self.sample, self._kept[0]
        own = np.arange(rows.start, rows.stop) if positions is None else positions[rows]
        return ArraySample(
            {
                name: self.y[rows] if name == "y" else self._ordered(column)[rows]
                for name, column in sample.fields.items()
            },
            None if self.w is None else self.w[rows],
            label=sample.label,
            schema=sample.schema,
            rows=own.astype(np.int64) if sample.rows is None else sample.rows[own],
            source=sample.describe_source(),
            name_row=sample.name_row,
        )
