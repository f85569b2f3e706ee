"""From the minimum on few rows towards that on many, by gradients of the many alone.

The gradient of a regression costs a few products of its design with a vector, second derivatives a
product of the design with itself. Those of a subsample of m rows differ from those of all rows by
about √(p/m) of their size, p the number of columns: a quasi-Newton method that starts from them
gains a factor of that size a step, and more as it learns the difference from the gradients
(J. Nocedal 1980, "Updating quasi-Newton matrices with limited storage": every step is kept). The
search ends where one evaluation with second derivatives, and their Newton step, complete it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from kullback._core.arrays import Vector
from kullback._core.hessians import ScaledHessian, scaled_hessian
from kullback.solvers.correction import corrected_minimum
from kullback.solvers.solver import Outcome, Point, Solution, Solver

# In standard deviations of a row: an expected error below which the search ends, so that second
# derivatives there have the digits of those at the minimum; and a first step which is too long for
# the second derivatives at the start.
_NEAR, _FAR = 1e-10, 1.0

# A step of more than this part of the one before gains less than second derivatives would.
_SLOW = 0.3

# Least eigenvalue of second derivatives in units of their diagonal: with a smaller one the
# subsample lacks rows that determine some combination of the coefficients.
_LEAST = 1e-9

_MOST = 20

# A corrected objective whose minimum is not found in so many steps may have none.
_MOST_CORRECTED = 12


@final
@dataclass(frozen=True)
class Approach:
    """Where a search by gradients ended.

    Attributes:
        at: the point, shape (k,).
        evaluations: number of gradients.
        near: whether the minimum is near; else steps became too short.
    """

    at: Vector
    evaluations: int
    near: bool


def nearer_minimum(
    solver: Solver[Any],
    few: Callable[[Vector], Point],
    many: Callable[[Vector], Point],
    slope: Callable[[Vector], Vector],
    there: Solution[Any],
    *,
    slopes_alone: bool,
) -> tuple[Vector, int]:
    """Return a point near the minimum on all rows, and the number of evaluations on them.

    Args:
        solver: finds minima on the subsample.
        few: the objective on a subsample.
        many: the objective on all rows.
        slope: its gradient.
        there: the minimum on the subsample.
        slopes_alone: whether to try without second derivatives on all rows, which then cost more
            than several gradients do.
    """
    at, count = there.estimate, 0
    if slopes_alone:
        found = approach(slope, at, there.best.hessian)
        at, count = found.at, found.evaluations
        if found.near:
            return at, count
    corrected = corrected_minimum(solver, few, many, at, _MOST_CORRECTED)
    if corrected.outcome is not Outcome.CONVERGED:
        return at, count + 1
    hessian, following = corrected.best.hessian, corrected.estimate
    length = np.sqrt(np.abs(np.diag(hessian))) * (following - at)
    found = approach(slope, following, hessian, float(np.linalg.norm(length)))
    return found.at, count + 1 + found.evaluations


def approach(
    slope: Callable[[Vector], Vector], start: Vector, hessian: Vector, before: float = math.inf
) -> Approach:
    """Search for the minimum by gradients.

    Args:
        slope: the gradient on all rows.
        start: the point where to begin, shape (k,).
        hessian: approximate second derivatives there, shape (k, k).
        before: length of the step that led to the start, in standard deviations of a row.
    """
    own = scaled_hessian(hessian)
    if not (np.isfinite(hessian).all() and own.values.size and own.values[0] > _LEAST):
        return Approach(start, 0, near=False)
    at, gradient = start, slope(start)
    changes: list[tuple[Vector, Vector]] = []  # of point and gradient, in units of the scale
    for count in range(1, _MOST + 1):
        scaled = gradient / own.scale
        step = -_solved(scaled, changes, own)
        length = float(np.linalg.norm(step))
        first = count == 1 and math.isinf(before)
        if not length <= (_FAR if first else _SLOW * before):
            return Approach(at, count, near=False)
        at = at + step / own.scale
        if length <= _NEAR or (not first and length * length <= _NEAR * before):
            return Approach(at, count, near=True)
        following = slope(at)
        changes.append((step, following / own.scale - scaled))
        gradient, before = following, length
    return Approach(at, _MOST + 1, near=False)


def _solved(
    gradient: Vector, changes: list[tuple[Vector, Vector]], hessian: ScaledHessian
) -> Vector:
    """Return the inverse second derivatives, corrected by the changes, times a gradient."""
    kept = [(s, y, float(s @ y)) for s, y in changes if s @ y > 0.0]
    q, shares = gradient, []
    for s, y, product in reversed(kept):
        share = float(s @ q) / product
        q = q - share * y
        shares.append(share)
    out: Vector = -hessian.descent(q)
    for (s, y, product), share in zip(kept, reversed(shares), strict=True):
        out = out + (share - float(y @ out) / product) * s
    return out
