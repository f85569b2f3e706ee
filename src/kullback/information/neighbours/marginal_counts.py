"""Counts of the rows within a radius in one marginal, in the maximum norm; normal scores."""

from __future__ import annotations

from typing import final

import numpy as np

from kullback._core.arrays import Vector
from kullback.information.neighbours.search import Integers


def normal_scores(rows: Vector) -> Vector:
    """Replace every column by Φ⁻¹(rank/(n + 1)), with the mean rank where values are tied."""
    from scipy.special import ndtri
    from scipy.stats import rankdata

    scores: Vector = ndtri(rankdata(rows, axis=0) / (len(rows) + 1))
    return scores


@final
class Marginal:
    """Count, for each row, the rows within a radius in one marginal (KSG's n_x).

    With one column they are runs of the sorted column; with more, a tree counts them.

    Attributes:
        values: the column, or the rows where there are several columns.
    """

    def __init__(self, rows: Vector) -> None:
        n, columns = rows.shape
        self._column = columns == 1
        self.values: Vector = rows[:, 0] if self._column else rows
        if self._column:
            self._order = np.argsort(self.values, kind="stable")
            self._sorted = self.values[self._order]
            self._places = np.empty(n, np.intp)
            self._places[self._order] = np.arange(n)

    def count(self, radius: Vector, *, closed: bool, rows: Integers | None = None) -> Vector:
        """Count the rows within a distance of each row, the row itself included.

        Args:
            radius: a distance for each row.
            closed: whether rows at exactly that distance count.
            rows: the rows to count for, by default all.

        Returns:
            The counts, as floats; the row itself counts even where the radius is zero.
        """
        if not self._column:
            from scipy.spatial import cKDTree

            # The tree counts distances up to a radius; the next smaller float excludes the radius.
            reach = radius if closed else np.nextafter(radius, 0.0)
            points = self.values if rows is None else self.values[rows]
            tree = cKDTree(self.values, balanced_tree=False)
            counts = tree.query_ball_point(points, reach, p=np.inf, return_length=True, workers=-1)
            return np.asarray(counts, np.float64)
        if rows is not None:
            low, high = _run(self._sorted, self.values[rows], radius, closed)
            return np.asarray(high - low, np.float64)
        # Along the sorted column, successive rows search the same part of it.
        low, high = _run(self._sorted, self._sorted, radius[self._order], closed)
        return np.asarray((high - low)[self._places], np.float64)

    def spread(self, amounts: Vector, radius: Vector) -> Vector:
        """For each row, sum the amounts of all rows whose radius reaches beyond it.

        For one column only, in as many steps as there are rows.
        """
        n = len(amounts)
        along = amounts[self._order]
        low, high = _run(self._sorted, self._sorted, radius[self._order], closed=False)
        steps = np.bincount(low, along, n + 1) - np.bincount(high, along, n + 1)
        total: Vector = np.cumsum(steps)[:n][self._places]
        return total

    def runs(self) -> Integers:
        """Count the rows of each distinct value."""
        if self._column:
            edges = np.flatnonzero(np.concatenate(([True], np.diff(self._sorted) != 0.0)))
            return np.diff(edges, append=len(self._sorted))
        return np.unique(self.values, axis=0, return_counts=True)[1]


def kth_distance(rows: Vector, k: int) -> Vector:
    """Distance from each row to its k-th neighbour, in the maximum norm; 0 for k exact copies."""
    if rows.shape[1] > 1:
        from scipy.spatial import cKDTree

        found: Vector = cKDTree(rows).query(rows, k=[k + 1], p=np.inf, workers=-1)[0][:, 0]
        return found
    order = np.argsort(rows[:, 0], kind="stable")
    values = rows[order, 0]
    n = len(values)
    padding = np.full(k, np.inf)
    padded = np.concatenate((-padding, values, padding))
    least = np.full(n, np.inf)
    for below in range(k + 1):  # that many of the k neighbours lie below, the others above
        left = values - padded[k - below : k - below + n]
        right = padded[2 * k - below : 2 * k - below + n] - values
        least = np.minimum(least, np.maximum(left, right))
    distances = np.empty(n)
    distances[order] = least
    return distances


def _run(
    ordered: Vector, values: Vector, radius: Vector, closed: bool
) -> tuple[Integers, Integers]:
    """First place, and the one after the last, of the sorted values within a radius.

    A distance is the rounded difference of two values. The sum of value and radius may round to
    either side of a value at that distance, so the ends are moved until the differences fit.
    """
    if closed:
        low = np.searchsorted(ordered, values - radius, side="left")
        high = np.searchsorted(ordered, values + radius, side="right")
    else:
        low = np.searchsorted(ordered, values - radius, side="right")
        high = np.searchsorted(ordered, values + radius, side="left")
    n = len(ordered)

    def inside(places: Integers) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        gap = np.abs(ordered[np.minimum(np.maximum(places, 0), n - 1)] - values)
        return (gap <= radius if closed else gap < radius) & (places >= 0) & (places < n)

    while (move := inside(low - 1)).any():
        low = low - move
    while (move := (low < high) & ~inside(low)).any():
        low = low + move
    while (move := inside(high)).any():
        high = high + move
    while (move := (low < high) & ~inside(high - 1)).any():
        high = high - move
    return low, high
