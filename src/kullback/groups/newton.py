"""Newton's method in a trust region for many small problems at once, in NumPy.

The steps are those of ``solvers.newton`` with one column for each problem, and its rule for
estimates that rounding keeps from a vanishing gradient left out: a problem that does not converge
without it is left to that solver. Every operation is elementwise over the problems, so that the
bits of one do not depend on the others, and a problem that has ended is not touched again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from kullback._core.arrays import Vector

Places: TypeAlias = NDArray[np.intp]

# Points at which a problem is evaluated, and steps refused in a row, before it is given up. Fits
# that end well take four to ten; one that is given up is solved alone.
_MOST_STEPS, _MOST_REFUSED = 40, 8

# The solver's own constants, for whose reasons see ``solvers.newton``.
_RADIUS, _SINGULAR, _ROUNDING = 1.0, 1e-14, 1e-14


@final
@dataclass(frozen=True)
class Points:
    """An objective of each problem at a point.

    Attributes:
        at: the points, shape (k, problems).
        value: the objectives, shape (problems,).
        gradient: shape (k, problems).
        hessian: shape (k, k, problems).
    """

    at: Vector
    value: Vector
    gradient: Vector
    hessian: Vector

    def __getitem__(self, which: NDArray[np.bool_] | Places) -> Points:
        """Return some of the problems."""
        return Points(
            self.at[:, which],
            self.value[which],
            self.gradient[:, which],
            self.hessian[:, :, which],
        )

    def put(self, where: Places, points: Points) -> None:
        """Write the points of some problems."""
        self.at[:, where] = points.at
        self.value[where] = points.value
        self.gradient[:, where] = points.gradient
        self.hessian[:, :, where] = points.hessian


@final
@dataclass(frozen=True)
class Solutions:
    """Where the searches ended.

    Attributes:
        best: the best point of each problem.
        step: the Newton step from there, shape (k, problems).
        slope: the length of the scaled gradient there.
        determinant: of the Hessian scaled to a unit diagonal; 0 where it is not positive definite.
        converged: whether the scaled gradient has vanished.
        steps: number of evaluated points.
    """

    best: Points
    step: Vector
    slope: Vector
    determinant: Vector
    converged: NDArray[np.bool_]
    steps: Places


def minimise(
    evaluate: Callable[[Places, Vector], Points], start: Vector, tolerance: float
) -> Solutions:
    """Minimise every objective.

    Args:
        evaluate: returns the objectives of some problems, by their numbers, at points.
        start: the starting points, shape (k, problems).
        tolerance: scaled gradient at which a point counts as a minimum.
    """
    size = start.shape[1]
    every = np.arange(size)
    with np.errstate(all="ignore"):  # a trial point may lie anywhere, and is then refused
        best = evaluate(every, start.copy())  # which is written to
        radius, refused = np.full(size, _RADIUS), np.zeros(size, dtype=np.intp)
        steps = np.ones(size, dtype=np.intp)
        step, slope, determinant = np.zeros_like(start), np.full(size, np.inf), np.zeros(size)
        live = np.flatnonzero(_finite(best))
        for _ in range(_MOST_STEPS):
            here = (
                best if live.size == size else best[live]
            )  # a copy of all takes as long as a step
            aim = _aim(here, radius[live])
            step[:, live], slope[live], determinant[live] = aim.step, aim.slope, aim.determinant
            going = (aim.slope > tolerance) & (refused[live] <= _MOST_REFUSED)
            if not going.any():
                break
            if not going.all():
                live, here, aim = live[going], here[going], aim[going]
            there = evaluate(live, here.at + aim.step)
            steps[live] += 1
            taken, radius[live] = _judged(here, there, aim, radius[live])
            if taken.all() and live.size == size:
                best = there
            else:
                best.put(live[taken], there[taken])
            refused[live] = np.where(taken, 0, refused[live] + 1)
        converged = slope <= tolerance
    return Solutions(best, step, slope, determinant, converged, steps)


def _judged(
    here: Points, there: Points, aim: _Aim, radius: Vector
) -> tuple[NDArray[np.bool_], Vector]:
    """Return which steps are taken, and the new regions."""
    ratio = (here.value - there.value) / np.where(aim.promised > 0.0, aim.promised, 1.0)
    finite = _finite(there)
    # below this the difference of two values is rounding, and the gradient has to decide
    rounding = aim.promised <= _ROUNDING * (1.0 + np.abs(here.value))
    taken = finite & (ratio > 1e-4)
    if rounding.any():
        smaller = _length(there.gradient / _scale(there.hessian)) < aim.slope
        taken = finite & np.where(rounding, smaller, ratio > 1e-4)
    length = _length(aim.step * _scale(here.hessian))
    poor = ~finite | (~rounding & (ratio < 0.25))
    good = finite & (ratio > 0.75) & (length > 0.9 * radius)
    return taken, np.where(poor, 0.25 * length, np.where(good, 4.0 * radius, radius))


@final
@dataclass(frozen=True)
class _Aim:
    """The steps to the minima of the quadratic models inside the regions."""

    step: Vector
    slope: Vector
    promised: Vector
    determinant: Vector

    def __getitem__(self, which: NDArray[np.bool_]) -> _Aim:
        return _Aim(
            self.step[:, which], self.slope[which], self.promised[which], self.determinant[which]
        )


def _aim(point: Points, radius: Vector) -> _Aim:
    scale = _scale(point.hessian)
    gradient, hessian = point.gradient / scale, scaled(point.hessian, scale)
    step, determinant = newton_step(gradient, hessian)
    length = _length(step)
    step = step * (radius / np.maximum(length, radius))
    bend = np.sum(hessian * step[None, :, :], axis=1)
    promised = -(np.sum(gradient * step, axis=0) + 0.5 * np.sum(step * bend, axis=0))
    return _Aim(step / scale, _length(gradient), promised, determinant)


def scaled(hessian: Vector, scale: Vector) -> Vector:
    """Return Hessians in units of their diagonals' square roots."""
    out: Vector = hessian / (scale[:, None, :] * scale[None, :, :])
    return out


def newton_step(gradient: Vector, hessian: Vector) -> tuple[Vector, Vector]:
    """Return −H⁻¹g, with absolute values of the eigenvalues, and the determinants of H.

    Args:
        gradient: shape (k, problems).
        hessian: shape (k, k, problems), with a unit diagonal.

    Returns:
        The steps; and the determinants, 0 where a Hessian is not positive definite.
    """
    step, pivots = solve(hessian, -gradient)
    definite = np.all(pivots > _SINGULAR, axis=0)
    odd = np.flatnonzero(~definite)
    if odd.size:
        values, vectors = np.linalg.eigh(
            np.ascontiguousarray(np.moveaxis(hessian[:, :, odd], 2, 0))
        )
        size = np.abs(values)
        least = _SINGULAR * size.max(axis=1, keepdims=True)
        least = np.where(least > 0.0, least, 1.0)
        # sums in a fixed order, which matrix products do not promise
        along = np.sum(vectors * gradient[:, odd].T[:, :, None], axis=1)
        along /= np.where(size > least, size, least)
        step[:, odd] = -np.sum(vectors * along[:, None, :], axis=2).T
    return step, np.where(definite, np.prod(pivots, axis=0), 0.0)


def solve(matrix: Vector, right: Vector) -> tuple[Vector, Vector]:
    """Solve H x = b for every problem by H = L D L', and return x and the pivots D.

    Args:
        matrix: shape (k, k, problems), symmetric.
        right: shape (k, problems).
    """
    k = right.shape[0]
    lower, pivots, x = np.zeros_like(matrix), np.zeros_like(right), right.copy()
    for j in range(k):
        pivots[j] = matrix[j, j] - sum(lower[j, m] ** 2 * pivots[m] for m in range(j))
        for i in range(j + 1, k):
            inner = sum(lower[i, m] * lower[j, m] * pivots[m] for m in range(j))
            lower[i, j] = (matrix[i, j] - inner) / pivots[j]
            x[i] = x[i] - lower[i, j] * x[j]
    x = x / pivots
    for i in range(k - 1, -1, -1):
        for j in range(i + 1, k):
            x[i] = x[i] - lower[j, i] * x[j]
    return x, pivots


def _scale(hessian: Vector) -> Vector:
    """Return square roots of the diagonals' absolute values; 1 where zero or not finite."""
    size = np.sqrt(np.abs(np.einsum("iip->ip", hessian)))
    return np.where(np.isfinite(size) & (size > 0.0), size, 1.0)


def _length(vectors: Vector) -> Vector:
    length: Vector = np.sqrt(np.sum(vectors * vectors, axis=0))
    return length


def _finite(points: Points) -> NDArray[np.bool_]:
    finite: NDArray[np.bool_] = np.all(np.isfinite(points.hessian), axis=(0, 1))
    finite &= np.isfinite(points.value)
    return finite
