"""Mean and variance of cut distributions whose parameters differ by row, by quadrature."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from kullback._core.arrays import Vector
from kullback.models.model import Model

# Panels end at these quantiles, between which densities are smooth: 24 nodes of Gauss–Legendre
# then give the moments of gamma, normal and Weibull distributions to 1e-12.
_BELOW = (1e-300, 1e-12, 1e-8, 1e-5, 1e-3, 0.01, 0.05, 0.15, 0.3, 0.5)
_EDGES = np.array([*_BELOW, *(1.0 - u for u in _BELOW[-2:1:-1]), 1.0 - 2.0**-52])
_NODES = 24

# The total probability must be 1 to within this.
_MASS = 1e-10

# Counts are added up to the last quantile where there are at most this many.
_MOST = 4_096

# Points that are evaluated together, of all rows.
_AT_ONCE = 1 << 19

Function = Callable[[Vector, Any], Vector]


def cut_moments(
    log_density: Function, quantiles: Function, count: int, first: Model
) -> tuple[Vector, Vector] | None:
    """Return mean and variance of each row; NaN where they were not found.

    Args:
        log_density: of points, and the row of each.
        quantiles: of levels, and the row of each.
        count: the number of rows.
        first: the distribution of the first row.

    Returns:
        None where a tail may be heavy, or there are too many counts.
    """
    runs = max(_AT_ONCE // (_NODES * _EDGES.size), 1)
    found = []
    for begin in range(0, count, runs):
        rows = np.arange(begin, min(begin + runs, count))
        points = _counts(quantiles, rows) if first.discrete else _nodes(quantiles, rows, first)
        if points is None:
            return None
        x, weights = points
        place = np.repeat(rows, x.shape[1])
        q = weights * np.exp(log_density(x.ravel(), place).reshape(x.shape))
        mass = np.sum(q, axis=1)
        centre = np.sum(q * x, axis=1) / mass
        variance = np.sum(q * (x - centre[:, None]) ** 2, axis=1) / mass
        good = np.abs(mass - 1.0) <= _MASS
        found.append(np.where(good, [centre, variance], np.nan))
    both = np.concatenate(found, axis=1)
    return both[0], both[1]


def _counts(quantiles: Function, rows: Any) -> tuple[Vector, Vector] | None:
    levels = np.array([1e-300, 1.0 - 2.0**-52])
    ends = quantiles(np.tile(levels, rows.size), np.repeat(rows, 2)).reshape(-1, 2)
    low, high = float(ends[:, 0].min()), float(ends[:, 1].max())
    # beyond the quantile the counts of a light tail fall off as far again
    if not high - low < _MOST:
        return None
    x = np.arange(low, high + 0.25 * (high - low) + 8.0)
    return np.tile(x, (rows.size, 1)), np.ones((rows.size, x.size))


def _nodes(quantiles: Function, rows: Any, first: Model) -> tuple[Vector, Vector] | None:
    tails = first.tails
    far = () if tails is None else (tails.lower_tail, tails.upper_tail)
    ends = () if tails is None else (tails.lower, tails.upper)
    heavy = [
        math.isinf(end) and (tail is None or tail.order == "power")
        for end, tail in zip(ends, far, strict=True)
    ]
    if tails is None or any(heavy):
        return None
    edges = quantiles(np.tile(_EDGES, rows.size), np.repeat(rows, _EDGES.size))
    edges = edges.reshape(rows.size, -1)
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    half = 0.5 * np.diff(edges, axis=1)[:, :, None]
    middle = 0.5 * (edges[:, 1:] + edges[:, :-1])[:, :, None]
    x = (middle + half * nodes).reshape(rows.size, -1)
    return x, (half * weights).reshape(rows.size, -1)
