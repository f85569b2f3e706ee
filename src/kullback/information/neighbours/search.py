"""Nearest neighbours: checks, whitening, duplicates and the search itself."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, TypeAlias, final

import numpy as np
import numpy.typing as npt

from kullback._core.arrays import Vector
from kullback._core.errors import DataError

Integers: TypeAlias = npt.NDArray[np.intp]
"""Counts or positions."""

# The rows that set the covariance lie within this many interquartile ranges of each median, which
# is four standard deviations of a normal distribution; a few outliers must not set the distances.
_BULK = 3.0

# A column whose spread around the best linear function of the others is below this share of the
# column's spread is that linear function: the remainder is rounding error of sums over rows.
_DEPENDENT = 1e-13


@final
@dataclass(frozen=True)
class Duplicates:
    """Repeated rows, and the most frequent value of a column.

    Attributes:
        repeated: rows that repeat an earlier one.
        first: the first such row, as text; empty without one.
        atom_rows: rows that share the most frequent value of a column; 0 for a single column.
        atom: that value.
        column: that column.
    """

    repeated: int
    first: str
    atom_rows: int
    atom: float
    column: int


@final
@dataclass(frozen=True)
class Whitened:
    """Rows after an affine map that gives their bulk about unit covariance.

    Attributes:
        rows: the rows, shape (n, d).
        log_scale: log-determinant of the inverse map.
        dependent: a column that is a linear function of those before it, without such a map.
    """

    rows: Vector
    log_scale: float
    dependent: int | None


@final
@dataclass(frozen=True)
class Neighbours:
    """The neighbours of some points, beyond exact copies of the point.

    Attributes:
        order: the points' positions, in the order of the other arrays.
        distances: Euclidean, of shape (points, k), in ascending order.
        indices: the neighbours' rows in the sample, shape (points, k).
        copies: other rows of the sample at the point itself, shape (points,).
    """

    order: Integers
    distances: Vector
    indices: Integers
    copies: Integers


def matrix(values: npt.ArrayLike, name: str) -> Vector:
    """Check a sample and return it as float64 of shape (n, d).

    Raises:
        DataError: for other shapes, text, and values that are not finite.
    """
    kind = np.asarray(values).dtype.kind
    if kind not in "fiubO":  # NumPy would read text as numbers, and drop imaginary parts
        raise DataError(f"{name} holds values of type {np.asarray(values).dtype}, not numbers")
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"{name} holds values that are not numbers: {error}") from error
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2 or array.shape[1] == 0:
        raise DataError(f"{name} must have shape (n,) or (n, d), got {np.shape(values)}")
    if len(array) < 4:
        rows = f"{len(array)} row{'' if len(array) == 1 else 's'}"
        raise DataError(f"{name} has {rows}; nearest neighbours need at least 4")
    finite = np.isfinite(array)
    if not finite.all():
        row, column = np.argwhere(~finite)[0]
        raise DataError(
            f"{name} has {int((~finite).sum())} values that are not finite, the first of them "
            f"{array[row, column]} in row {row}, column {column}; leave such rows out first"
        )
    return array + 0.0  # a copy, in which −0.0 is 0.0


def count_duplicates(rows: Vector) -> Duplicates:
    """Count rows that repeat an earlier one, and those with the most frequent value of a column."""
    n, d = rows.shape
    atoms = []
    distinct_somewhere = False
    for column in range(d):
        ordered = np.sort(rows[:, column])
        starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
        runs = np.diff(starts, append=n)
        longest = int(runs.argmax())
        atoms.append((int(runs[longest]), float(ordered[starts[longest]]), column))
        distinct_somewhere = distinct_somewhere or len(starts) == n
    atom_rows, atom, column = max(atoms) if d > 1 else (0, 0.0, 0)
    if distinct_somewhere:  # then no two rows are the same
        return Duplicates(0, "", atom_rows, atom, column)
    order = np.lexsort(rows.T)  # stable: copies stay in the order of the data
    ordered = rows[order]
    again = order[1:][(ordered[1:] == ordered[:-1]).all(axis=1)]
    first = "" if not again.size else ", ".join(f"{value:.10g}" for value in rows[again.min()])
    return Duplicates(int(again.size), first, atom_rows, atom, column)


def whiten(rows: Vector, name: str) -> Whitened:
    """Map rows affinely so that the bulk of a sample has unit covariance.

    Args:
        rows: the sample, shape (n, d).
        name: the name of the sample in messages.

    Raises:
        DataError: for a constant column.
    """
    n, d = rows.shape
    columns = np.ascontiguousarray(rows.T)  # NumPy is slow along rows of a few numbers
    ordered = np.sort(columns, axis=1)
    constant = np.flatnonzero(ordered[:, 0] == ordered[:, -1])
    if constant.size:
        column = int(constant[0])
        raise DataError(
            f"column {column} of {name} is constant ({rows[0, column]:.10g}), without a density; "
            "leave it out"
        )
    low, middle, high = (ordered[:, place] for place in (n // 4, n // 2, (3 * n) // 4))
    scale = np.where(high > low, high - low, ordered[:, -1] - ordered[:, 0])
    standard = (columns - middle[:, None]) / scale[:, None]
    if not np.isfinite(standard).all():
        raise DataError(f"{name} has values too far apart for float64; divide the columns first")
    log_scale = float(np.log(scale).sum())
    if d == 1:
        return Whitened(standard.T, log_scale, None)
    near = np.ones(n, np.bool_)
    for values in standard:
        near &= np.abs(values) <= _BULK
    count = np.count_nonzero(near)
    # Heavy tails in many columns leave too few rows in the bulk; then all rows set the covariance.
    bulk = standard[:, near] if d < count < n and 2 * count > n else standard
    bulk = (bulk - bulk.mean(axis=1)[:, None]).T
    upper: Vector = np.linalg.qr(bulk, mode="r")  # type: ignore[assignment]
    upper /= math.sqrt(len(bulk) - 1)
    spreads = np.abs(np.diag(upper))
    flat = np.flatnonzero(spreads <= _DEPENDENT * np.linalg.norm(upper, axis=0))
    if flat.size:
        return Whitened(np.ascontiguousarray(standard.T), log_scale, int(flat[0]))
    # Column by column, because a matrix product rounds equal rows differently, and copies would
    # then lie some 1e-17 apart.
    back = np.linalg.inv(upper)
    mapped = np.zeros_like(standard)
    for column in range(d):
        for source in range(column + 1):
            mapped[column] += standard[source] * back[source, column]
    return Whitened(np.ascontiguousarray(mapped.T), log_scale + float(np.log(spreads).sum()), None)


def nearest(points: Vector, sample: Vector, k: int, *, own: bool) -> Neighbours:
    """Find the k nearest rows of a sample that do not coincide with the point.

    Args:
        points: shape (p, d), preferably with near points next to each other, so that successive
            searches use the same cache; with ``own`` they are put in such an order.
        sample: shape (n, d), with at least k rows that differ from any point.
        k: the number of neighbours.
        own: whether the points are the sample itself, so that each finds itself.
    """
    if points.shape[1] == 1:
        return _nearest_on_a_line(points[:, 0], sample[:, 0], k, own)
    from scipy.spatial import cKDTree

    # A tree split at the middle of its boxes: built in half the time, searched as fast.
    tree = cKDTree(sample, balanced_tree=False)
    order = tree.indices if own else np.arange(len(points))
    queries = points[order]
    itself = int(own)
    distances, indices = _query(tree, queries, k + itself)
    # The first distance is to the point itself; the next one is zero where there are copies.
    copies = np.zeros(len(queries), np.intp)
    tied = np.flatnonzero(distances[:, itself] == 0.0)
    distances, indices = distances[:, itself:], indices[:, itself:]
    if tied.size:
        _beyond_copies(tree, queries, distances, indices, copies, tied, own)
    return Neighbours(order, distances, indices, copies)


def _query(tree: Any, points: Vector, k: int) -> tuple[Vector, Integers]:
    distances, indices = tree.query(points, k=np.arange(1, k + 1), workers=-1)
    return distances, indices


def _all_found(distances: Vector) -> None:
    if not np.isfinite(distances).all():
        raise DataError(
            "too few rows differ from each other for so many neighbours; give fewer neighbours"
        )


def _beyond_copies(
    tree: Any,
    points: Vector,
    distances: Vector,
    indices: Integers,
    copies: Integers,
    tied: Integers,
    own: bool,
) -> None:
    """Count the copies of each tied row, and replace them by the neighbours beyond."""
    counts = tree.query_ball_point(points[tied], 0.0, return_length=True, workers=-1)
    copies[tied] = counts - own
    for count in np.unique(counts):  # at most √(2n) distinct counts
        rows = tied[counts == count]
        places, one_each = np.unique(points[rows], axis=0, return_inverse=True)
        further, which = _query(tree, places, distances.shape[1] + int(count))
        _all_found(further)
        distances[rows] = further[one_each.ravel(), count:]
        indices[rows] = which[one_each.ravel(), count:]


def _nearest_on_a_line(points: Vector, sample: Vector, k: int, own: bool) -> Neighbours:
    """`nearest` in one dimension: outwards through the sorted sample, k times."""
    sorting = np.argsort(sample)
    ordered = sample[sorting]
    order = sorting if own else np.arange(len(points))
    queries = points[order]
    start = np.searchsorted(ordered, queries, side="left")
    stop = np.searchsorted(ordered, queries, side="right")
    padded = np.concatenate(([-np.inf], ordered, [np.inf]))
    left, right = start.copy(), stop + 1  # positions in the padded sample
    distances, places = np.empty((k, len(queries))), np.empty((k, len(queries)), np.intp)
    for j in range(k):
        below, above = queries - padded[left], padded[right] - queries
        lower = below <= above
        distances[j] = np.where(lower, below, above)
        places[j] = np.where(lower, left, right)
        left -= lower
        right += ~lower
    _all_found(distances)
    return Neighbours(order, distances.T, sorting[places - 1].T, stop - start - own)


def overlap(own: Neighbours, other: Neighbours) -> list[str]:
    """Warn of two samples that share rows, or do not overlap."""
    if same := int(np.count_nonzero(other.copies)):
        return [
            f"{same:,} of {other.copies.size:,} rows of p are rows of q as well: independent "
            "samples from densities do not share rows, and the value is too low"
        ]
    if float(other.distances[:, 0].min()) > float(own.distances[:, 0].max()):
        return [
            "every row of p is further from the rows of q than any is from the other rows of p: "
            "the samples do not overlap; the truth may be far above the value, and infinite"
        ]
    return []
