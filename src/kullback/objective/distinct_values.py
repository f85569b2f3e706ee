"""Samples condensed to a table of their distinct values and weights, without loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from kullback._core.arrays import Vector
from kullback.data.blocks import Block
from kullback.objective.statistics import Statistic

# More distinct values than this are not tabulated: each pass then reads the rows themselves.
_DISTINCT = 1 << 20

# Whole numbers in a range no longer than this are counted in an array, others by sorting.
_COUNTED = 1 << 16


@final
@dataclass(frozen=True)
class Table:
    """Distinct outcomes with their weights.

    Attributes:
        values: the outcomes in ascending order; None where there are too many.
        weights: the total weight of each.
        rows: the number of rows with each.
    """

    values: Vector | None
    weights: Vector
    rows: Vector


@final
@dataclass(frozen=True)
class Tabulate(Statistic[Table]):
    """Adds up a table of distinct outcomes: the exact empirical distribution of discrete data."""

    uses_numpy: ClassVar[bool] = True

    def of_block(self, block: Block, arguments: Vector) -> Table:  # noqa: ARG002
        """Count one block."""
        y, w = block.fields["y"][: block.count], block.weight[: block.count]
        low, high = y.min(), y.max()
        if high - low < _COUNTED and bool(np.all(y == np.floor(y))):
            codes = (y - low).astype(np.intp)
            rows = np.bincount(codes)
            present = np.flatnonzero(rows)
            weights: Vector = np.bincount(codes, weights=w)[present].astype(np.float64)
            return Table(present + low, weights, rows[present].astype(np.float64))
        values, codes, rows = np.unique(y, return_inverse=True, return_counts=True)
        weights = np.bincount(codes, weights=w).astype(np.float64)
        return Table(values, weights, rows.astype(np.float64))

    def merge(self, left: Table, right: Table) -> Table:
        """Add the counts of equal outcomes."""
        if left.values is None or right.values is None:
            return Table(None, np.zeros(0), np.zeros(0))
        values = np.union1d(left.values, right.values)
        if values.size > _DISTINCT:
            return Table(None, np.zeros(0), np.zeros(0))
        weights, rows = np.zeros(values.size), np.zeros(values.size)
        for part, own in ((left, left.values), (right, right.values)):
            at = np.searchsorted(values, own)
            weights[at] += part.weights
            rows[at] += part.rows
        return Table(values, weights, rows)
