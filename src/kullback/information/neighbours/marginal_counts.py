"""Counts of the rows within a distance of each row, in the maximum norm; ranks as normal scores."""

from __future__ import annotations

from typing import final

import numpy as np

from kullback._core.arrays import Vector
from kullback.information.neighbours.search import Whole


def normal_scores(rows: Vector) -> Vector:
    """Replace every column by Φ⁻¹(rank/(n + 1)), with the mean rank where values are tied."""
    from scipy.special import ndtri

    n = len(rows)
    scores = np.empty_like(rows)
    whole = np.arange(1.0, n + 1.0)
    for column in range(rows.shape[1]):
        order = np.argsort(rows[:, column], kind="stable")
        ordered = rows[order, column]
        starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
        ranks = whole
        if len(starts) < n:
            runs = np.diff(starts, append=n)
            ranks = np.repeat(starts + 0.5 * (runs + 1), runs)
        scores[order, column] = ndtri(ranks / (n + 1))
    return scores


@final
class Slab:
    """One side of a sample, and the rows near to each of its rows in that side alone.

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

    def count(self, radius: Vector, *, closed: bool, rows: Whole | None = None) -> Vector:
        """Count the rows within a distance of each row, the row itself among them.

        Args:
            radius: a distance for each row.
            closed: whether rows at that very distance count.
            rows: which rows are asked for; all of them by default.

        Returns:
            The counts, as floats; the row itself counts even where the radius is zero.
        """
        if not self._column:
            points = self.values if rows is None else self.values[rows]
            return _count_in_tree(self.values, points, radius, closed)
        if rows is not None:
            low, high = _run(self._sorted, self.values[rows], radius, closed)
            return np.asarray(high - low, np.float64)
        # Asked along the column, where rows that follow each other look at the same places.
        low, high = _run(self._sorted, self._sorted, radius[self._order], closed)
        return np.asarray((high - low)[self._places], np.float64)

    def spread(self, amounts: Vector, radius: Vector) -> Vector:
        """Give each row the sum of the amounts of all rows that are nearer than their radius to it.

        For one column only: it takes as many steps as there are rows, where pairs would be many.
        """
        n = len(amounts)
        along = amounts[self._order]
        low, high = _run(self._sorted, self._sorted, radius[self._order], closed=False)
        steps = np.bincount(low, along, n + 1) - np.bincount(high, along, n + 1)
        total: Vector = np.cumsum(steps)[:n][self._places]
        return total

    def runs(self) -> Whole:
        """How many rows each distinct value has."""
        if self._column:
            edges = np.flatnonzero(np.concatenate(([True], np.diff(self._sorted) != 0.0)))
            return np.diff(edges, append=len(self._sorted))
        return np.unique(self.values, axis=0, return_counts=True)[1]


def within(rows: Vector, radius: Vector, *, closed: bool) -> Vector:
    """Count the rows within a distance of each row, the row itself among them."""
    return Slab(rows).count(radius, closed=closed)


def kth_distance(rows: Vector, k: int) -> Vector:
    """Distance from each row to its k-th neighbour, which is zero where k others coincide."""
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
    for below in range(k + 1):  # of k neighbours, so many lie below and the others above
        left = values - padded[k - below : k - below + n]
        right = padded[2 * k - below : 2 * k - below + n] - values
        least = np.minimum(least, np.maximum(left, right))
    distances = np.empty(n)
    distances[order] = least
    return distances


def _run(ordered: Vector, values: Vector, radius: Vector, closed: bool) -> tuple[Whole, Whole]:
    """First place, and the one after the last, of the sorted values nearer than a radius.

    Nearer by the very difference of floats that a distance is: the sum of value and radius may
    round to either side of a value at that distance, so the ends are moved until they fit.
    """
    if closed:
        low = np.searchsorted(ordered, values - radius, side="left")
        high = np.searchsorted(ordered, values + radius, side="right")
    else:
        low = np.searchsorted(ordered, values - radius, side="right")
        high = np.searchsorted(ordered, values + radius, side="left")
    n = len(ordered)

    def inside(places: Whole) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
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


def _count_in_tree(rows: Vector, points: Vector, radius: Vector, closed: bool) -> Vector:
    from scipy.spatial import cKDTree

    # The tree counts distances up to a radius, so the next smaller float makes it "nearer than".
    reach = radius if closed else np.nextafter(radius, 0.0)
    tree = cKDTree(rows, balanced_tree=False)
    counts = tree.query_ball_point(points, reach, p=np.inf, return_length=True, workers=-1)
    return np.asarray(counts, np.float64)
