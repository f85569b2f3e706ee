"""Coordinates around a fit in which its estimates are uncorrelated, with variances of 1."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np

from kullback._core.arrays import Vector
from kullback._core.hessians import inverse
from kullback.models.model import Model
from kullback.models.rescaling import units
from kullback.objective.evaluated import CovarianceKind
from kullback.results.covariance import cautions_of, covariance_in_unit
from kullback.results.problem import FitProblem
from kullback.results.profile_curve import Derivatives

if TYPE_CHECKING:  # a fit calls what uses this module, which only reads the fit
    from kullback.results.fit_numbers import FitNumbers

# The longest and the shortest step of the differences, in standard errors, are 1 and 2^−9.
_LEVELS = 10
# Differences that agree to this, relative to the length of the gradient, need no further halving.
_EXACT = 1e-11


# Derivatives with a larger error than this, relative to the gradient, are of a function with steps.
ROUGH = 1e-4


@final
@dataclass(frozen=True, eq=False)
class Standardised:
    """Coordinates z: the unconstrained numbers are u = origin + axes z, the estimate is z = 0.

    A step of 1 along an axis is one standard error of a combination of the estimates that is
    uncorrelated with the others, so that steps stay among likely values however strongly the
    estimates are correlated, and the deviance is about |z|².

    Attributes:
        fit: the fit.
        origin: the estimate on the unconstrained scale, shape (k,).
        axes: a root of its covariance, shape (k, k); NaN where the covariance is not known.
    """

    fit: FitNumbers
    origin: Vector
    axes: Vector

    @classmethod
    def of(cls, fit: FitNumbers, kind: CovarianceKind | None = None) -> Standardised:
        """Take a covariance; None for the fit's own."""
        vector = fit.vector
        estimates = fit.evaluation.constrained(vector)
        with np.errstate(divide="ignore", invalid="ignore"):  # shares of 0
            origin = vector.unconstrained(vector.split(estimates))
        if not np.all(np.isfinite(origin)):
            return cls(fit, origin, np.full((origin.size, origin.size), np.nan))
        back = np.linalg.pinv(vector.jacobian(origin))
        covariance = back @ covariance_in_unit(fit, kind) @ back.T
        return cls(fit, origin, _root(covariance))

    @property
    def unknown(self) -> str:
        """Why the covariance is not known; empty where it is.

        A minimum or a maximum of the sample is so near its true value, at a distance of the order
        of 1/n, that beside other estimates it counts as known; a median or a bound is not.
        """
        fit = self.fit
        if not fit.convergence.converged:
            return "the fit did not converge"
        for name in fit.vector.on_bound:
            which = fit.form.order_statistics.get(name)
            if which is None:
                return f"{name} is on a bound of its domain"
            if which == "median" or not self.origin.size:
                return f"{name} is the {which} of the sample"
        return "" if np.all(np.isfinite(self.axes)) else "the estimates have no covariance"

    @property
    def notes(self) -> tuple[str, ...]:
        """Say which estimates have no covariance and count as known, and what limits it."""
        orders = self.fit.form.order_statistics
        known = tuple(
            f"{name} is the {orders[name]} of the sample: the interval takes it as known"
            for name in self.fit.vector.on_bound
            if not self.unknown
        )
        return (*known, *cautions_of(self.fit, None))

    def numbers(self, u: Vector) -> Vector:
        """Every number of the model at a place ``u``, in the rows' own unit."""
        fit = self.fit
        numbers: Vector = fit.vector.constrained(u)
        if not fit.power:
            return numbers
        own: Vector = np.ldexp(numbers, units(fit.form, fit.vector, fit.power))
        return own

    def half_deviance(self, problem: FitProblem) -> Callable[[Vector], Derivatives]:
        """Return half the deviance as a function of z, with its derivatives."""
        evaluate, weight = problem.objective(), self.fit.n
        there = evaluate(self.origin)
        # one Newton step beyond the point, as the estimate is
        least = there.value - 0.5 * float(there.gradient @ inverse(there.hessian) @ there.gradient)

        def loss(z: Vector) -> Derivatives:
            at = evaluate(self.origin + self.axes @ z)
            gradient = weight * (self.axes.T @ at.gradient)
            bend = weight * (self.axes.T @ at.hessian @ self.axes)
            return weight * (at.value - least), gradient, bend

        return loss

    def model(self, z: Vector) -> Model:
        """The model at a place z."""
        fit = self.fit
        return fit.form.fixed_at(fit.vector.split(self.numbers(self.origin + self.axes @ z)))


def slopes(f: Callable[[Vector], Vector], size: int) -> tuple[Vector, Vector]:
    """Differentiate a function at 0 along each axis, by extrapolated central differences.

    Differences of the steps 1, 1/2, 1/4, … are extrapolated to a step of 0, and each derivative is
    the extrapolation that differs least from those before it.
    Source: C. J. F. Ridders (1982), Advances in Engineering Software 4, 75–76.

    Args:
        f: a function of a vector of this size, with values of a fixed shape.
        size: number of axes, k.

    Returns:
        The derivatives, shape (k, …), and a bound on the error of each; inf where none was found.
    """
    axes = np.eye(size)
    rows: list[Vector] = []
    best = error = np.zeros((size, 0))
    for level in range(_LEVELS):
        h = 0.5**level
        with np.errstate(invalid="ignore", over="ignore"):  # a value may be infinite far out
            row = [np.stack([(f(h * e) - f(-h * e)) / (2.0 * h) for e in axes])]
            if not level:
                best, error = row[0], np.full(row[0].shape, np.inf)
            for j, previous in enumerate(rows, start=1):
                row.append(row[-1] + (row[-1] - previous) / (4.0**j - 1.0))
                change = np.maximum(np.abs(row[j] - row[j - 1]), np.abs(row[j] - previous))
                better = change < error
                best, error = np.where(better, row[j], best), np.where(better, change, error)
        rows = row
        if np.all(error <= _EXACT * lengths(best)):
            break
    return best, error


def lengths(gradient: Vector) -> Vector:
    """Return the length along the first axis, also of numbers whose squares are not doubles."""
    size = np.max(np.abs(gradient), axis=0)
    unit = np.where((size > 0.0) & np.isfinite(size), size, 1.0)
    return np.asarray(unit * np.linalg.norm(gradient / unit, axis=0))


def _root(covariance: Vector) -> Vector:
    """Return A with A A' = covariance, lower triangular; NaN where it is not positive definite."""
    if not covariance.size:
        return covariance
    scale = np.sqrt(np.diag(covariance))
    try:
        lower = np.linalg.cholesky(covariance / (scale[:, None] * scale[None, :]))
    except np.linalg.LinAlgError:
        return np.full_like(covariance, np.nan)
    out: Vector = scale[:, None] * lower
    return out
