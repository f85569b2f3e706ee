"""Nonlinear least squares by variable projection, in a trust region.

The coefficients that the function is linear in are solved for at every point of the others, by an
orthogonal factorisation. The others take Levenberg–Marquardt steps on the projected residuals, in
units of the columns of their Jacobian. A point where the function overflows shortens the step.
Sources: G. H. Golub and V. Pereyra (1973); L. Kaufman (1975), "A variable projection method for
solving separable nonlinear least squares problems"; J. J. Moré (1978).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from kullback._core.arrays import Vector

# Singular values below this part of the largest are rounding, and give no direction.
_RANK = 1e-14

# Points that a descent may evaluate. Far starts along curved valleys take some hundred.
_MOST = 400

# A step or a decrease below this part of the coefficients or of the sum of squares is rounding.
_SMALL = 1e-15

# Powers of ten by which starting values are scaled, all together and one by one.
_TOGETHER = (-6, -5, -4, -3, -2, -1, 1, 2, 3, 4, 5, 6)
_ALONE = (-8, -5, -3, -2, -1, 1, 2, 3, 5, 8)

# Of the scaled starts so many of the best are followed, for so many points at first.
_FOLLOWED, _AT_FIRST = 3, 100

# Most steps of a refinement: each leaves at most half of the error.
_REFINEMENTS = 60

# Half the distance of 1 to the next double: the rounding of a number, relative.
_ROUNDING = 2.0**-53


@final
@dataclass(frozen=True)
class Projected:
    """A point with its best linear coefficients.

    Attributes:
        at: all coefficients, shape (p,).
        square: the sum of squares, inf where the function is not finite.
        residual: the weighted residuals that the linear coefficients leave, shape (n,).
        slopes: the columns of the other coefficients, without their projection, shape (n, q).
        noise: the length of the residuals' rounding, from that of f and of the coefficients.
    """

    at: Vector
    square: float
    residual: Vector
    slopes: Vector
    noise: float


@final
@dataclass(frozen=True)
class LeastSquares:
    """Σ weight (target − f)² as a function of the coefficients.

    Attributes:
        evaluate: returns the function's values, shape (n,), and Jacobian, shape (p, n).
        target: shape (n,).
        root: the square roots of the weights, shape (n,).
        linear: the coefficients that f is linear in, given the others.
    """

    evaluate: Callable[[Vector], tuple[Vector, Vector]]
    target: Vector
    root: Vector
    linear: NDArray[np.intp]

    def project(self, at: Vector) -> Projected:
        """Solve for the linear coefficients, given the others."""
        with np.errstate(all="ignore"):  # a trial point may lie anywhere
            return self._project(at)

    def _project(self, at: Vector) -> Projected:
        others = self._others(at)
        given, at = at, at.copy()
        # corrections of large coefficients would be their rounding; but 0 may be outside a domain
        at[self.linear] = 0.0
        found = self._at(at)
        if found is None:
            at = given
            found = self._at(at)
        if found is None:
            return Projected(at, math.inf, self.target, np.zeros((0, others.size)), 0.0)
        residual, slopes = found
        basis = np.zeros((residual.size, 0))
        if self.linear.size:
            columns = _Columns.of(slopes[:, self.linear])
            basis = columns.left
            for _ in range(2):  # the second time for the digits that the first has lost
                moved = at.copy()
                moved[self.linear] += columns.solve(residual)
                after = self._at(moved)
                if after is None or not after[0] @ after[0] <= residual @ residual:
                    break
                at, (residual, slopes) = moved, after
        square = float(residual @ residual)
        own = slopes[:, others]
        rounding = np.abs(self.root * self.target) + np.abs(residual) + np.abs(slopes) @ np.abs(at)
        noise = _ROUNDING * math.sqrt(float(rounding @ rounding))
        own = own - basis @ (basis.T @ own)
        return Projected(at, square, residual - basis @ (basis.T @ residual), own, noise)

    def _at(self, at: Vector) -> tuple[Vector, Vector] | None:
        values, jacobian = self.evaluate(at)
        residual = self.root * (self.target - values)
        slopes = self.root[:, None] * jacobian.T
        finite = np.isfinite(residual @ residual) and np.isfinite(slopes).all()
        return (residual, slopes) if finite else None

    def minimum(self, start: Vector) -> tuple[Projected, Projected]:
        """Return the best minimum found, and that found from the start itself.

        Starts of other sizes are tried too, and replace the user's where they lead further down.
        """
        first = best = self.descend(self.project(start))
        for point in self._scaled(self.project(start)):
            found = self.descend(point, _AT_FIRST)
            if _below(found, best):
                best = self.descend(found)
        return self._reflected(best, start), first

    def _reflected(self, point: Projected, start: Vector) -> Projected:
        """Give coefficients the signs of their starts, where that changes nothing."""
        turned = [j for j in self._others(start) if start[j] * point.at[j] < 0.0]
        for places in (turned, *([j] for j in turned)):
            at = point.at.copy()
            at[places] *= -1.0
            other = self.project(at)
            still = places and all(start[j] * point.at[j] < 0.0 for j in places)
            if still and not _below(point, other):
                point = other
        return point

    def _others(self, at: Vector) -> NDArray[np.intp]:
        """The coefficients that f is not linear in."""
        return np.setdiff1d(np.arange(at.size), self.linear)

    def _scaled(self, start: Projected) -> list[Projected]:
        """Points of which the coefficients have other sizes than the start's, the best first."""
        others = self._others(start.at)
        if not others.size:
            return []

        def times(power: int, which: NDArray[np.intp], of: Projected) -> Projected:
            at = of.at.copy()
            at[which] *= 10.0**power
            return self.project(at)

        together = sorted((times(k, others, start) for k in _TOGETHER), key=_square)
        alone = min(start, *together, key=_square)
        for place in [*others, *others]:
            one = np.array([place])
            alone = min([alone, *(times(k, one, alone) for k in _ALONE)], key=_square)
        points = [*together[:_FOLLOWED], alone]
        return [point for point in points if math.isfinite(point.square)]

    def descend(self, start: Projected, most: int = _MOST) -> Projected:
        """Descend from a point to a minimum, or to where no step descends any more."""
        with np.errstate(all="ignore"):  # slopes may be as large as doubles go
            return self._descend(start, most)

    def _descend(self, start: Projected, most: int) -> Projected:
        others = self._others(start.at)
        point, radius = start, math.inf
        if not others.size or not math.isfinite(point.square):
            return point
        unit = np.zeros(others.size)
        for _ in range(most):
            lengths = np.sqrt(np.einsum("ij,ij->j", point.slopes, point.slopes))
            unit = np.maximum(unit, lengths)
            scale = np.where(unit > 0.0, unit, 1.0)
            size = math.hypot(*(scale * point.at[others]))
            if math.isinf(radius):  # a step that changes the coefficients by their own size
                radius = size if size > 0.0 else math.sqrt(point.square)
            step, promised = _step(point.slopes / scale, point.residual, radius)
            length = math.hypot(*step)
            rounding = max(_SMALL * point.square, point.noise**2)
            if not promised > rounding or length <= _SMALL * size:
                break
            moved = point.at.copy()
            moved[others] += step / scale
            trial = self.project(moved)
            ratio = (point.square - trial.square) / promised
            if not ratio > 0.25:
                radius = 0.25 * length
            elif ratio > 0.75:
                radius = max(radius, 4.0 * length)
            if ratio > 1e-4:
                point = trial
        return point


def refined(
    at: Vector,
    evaluate: Callable[[Any], tuple[Any, Any] | None],
    basis: Vector,
    target: Vector,
    weight: Vector,
) -> tuple[Vector, Vector] | None:
    """Refine a minimum by Gauss–Newton steps whose residuals have more digits than a double.

    Where coefficients are strongly correlated, their largest error is the residuals' rounding.
    Source: Å. Björck (1967), "Iterative refinement of linear least squares solutions".

    Args:
        at: the minimum, shape (p,).
        evaluate: returns values and Jacobian at ``numpy.longdouble`` coefficients; None where it
            cannot.
        basis: vectors along which the weighted slopes are orthonormal, as columns, shape (p, p).
        target: shape (n,).
        weight: their weights, of sum 1.

    Returns:
        The minimum and its residuals, rounded to doubles; None where no digit is gained.
    """
    point, before = at.astype(np.longdouble), math.inf
    wide = weight.astype(np.longdouble)
    residual = None
    for _ in range(_REFINEMENTS):
        found = evaluate(point)
        if found is None:
            return None
        values, jacobian = found
        residual = target - values
        slope = jacobian @ (wide * residual)
        along = (basis.T @ slope).astype(np.float64)
        length = math.hypot(*along)
        if not length < 0.5 * before:
            break
        point, before = point + basis.astype(np.longdouble) @ along, length
    if residual is None or not np.isfinite(residual).all():
        return None
    return point.astype(np.float64), residual.astype(np.float64)


def _square(point: Projected) -> float:
    return point.square


def _below(one: Projected, other: Projected) -> bool:
    """Whether one point is below another by more than rounding, and than a descent's last steps."""
    if not math.isfinite(other.square):
        return one.square < math.inf
    rounding = 10.0 * one.noise * math.sqrt(other.square) + one.noise**2
    return one.square < other.square - max(1e-8 * other.square, rounding)


@final
@dataclass(frozen=True)
class _Columns:
    """Columns in units of their lengths, decomposed.

    Attributes:
        left: an orthonormal basis of them.
        values: the singular values.
        right: the right singular vectors.
        scale: the lengths.
    """

    left: Vector
    values: Vector
    right: Vector
    scale: Vector

    @classmethod
    def of(cls, columns: Vector) -> _Columns:
        """Decompose columns."""
        scale = np.sqrt(np.einsum("ij,ij->j", columns, columns))
        scale = np.where(scale > 0.0, scale, 1.0)
        left, values, right = np.linalg.svd(columns / scale, full_matrices=False)
        kept = values > _RANK * values[0]
        return cls(left[:, kept], values[kept], right[kept], scale)

    def solve(self, target: Vector) -> Vector:
        """The least-squares solution of least length."""
        solution: Vector = (self.right.T @ ((self.left.T @ target) / self.values)) / self.scale
        return solution


def _step(slopes: Vector, residual: Vector, radius: float) -> tuple[Vector, float]:
    """Return the least-squares step of at most a length, and the decrease that it promises."""
    left, values, right = np.linalg.svd(slopes, full_matrices=False)
    kept = values > _RANK * values[0]
    if not kept.any():  # flat in every direction
        return np.zeros(slopes.shape[1]), 0.0
    left, values, right = left[:, kept], values[kept], right[kept]
    along = left.T @ residual
    damping = 0.0
    step = along / values
    length = math.hypot(*step)
    if length > radius:
        # Hebden's iteration for the damping at which the length is the radius
        damping = max(0.0, values[-1] ** 2 * (length / radius - 1.0))
        for _ in range(30):
            step = along * values / (values**2 + damping)
            length = math.hypot(*step)
            if abs(length - radius) <= 0.1 * radius:
                break
            slope = float(np.sum(step**2 / (values**2 + damping))) / length
            damping = max(0.0, damping + (length - radius) / radius * length / slope)
    promised = float(np.sum(2.0 * along * values * step - (values * step) ** 2))
    return right.T @ step, promised
