"""Profile likelihood intervals of a quantity of the fitted model."""

from __future__ import annotations

import contextlib
import math
import statistics
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import final

import numpy as np

from kullback._core.arrays import Vector
from kullback._core.errors import KullbackError
from kullback.models.model import Model
from kullback.results.end_search import NotConvergedError, UnknownEndError, find_end
from kullback.results.problem import FitProblem
from kullback.results.profile_curve import Derivatives, NoPlaceError, Place, ProfileCurve
from kullback.results.standardised import Standardised

# The step of differences, in standard errors: the derivatives' errors of 1e-6 move the ends of an
# interval, where the quantity is at its extreme, by their squares.
_STEP = 0.05
# Profiles of more values than this are not made at once.
_MOST = 12
# A search for an end goes so many standard errors far: beyond, it is infinite.
_REACH = 1e8


def derived_profile(
    point: Standardised,
    problem: FitProblem,
    of: Callable[[Model], Vector],
    value: Vector,
    stderr: Vector,
    level: float,
) -> tuple[Vector, list[str]]:
    """Return the ends of a quantity's profile intervals, and notes on those that are not roots.

    Args:
        point: the coordinates around the fit.
        problem: its rows.
        of: the quantity of a model.
        value: at the estimate, of any shape.
        stderr: its standard errors, NaN where they are unknown.
        level: coverage probability.

    Returns:
        The ends, shape (2, …); NaN where one is unknown.

    Raises:
        KullbackError: for a fit with a penalty, and for very many values.
    """
    if point.fit.form.penalised:
        raise KullbackError(
            "a profile is that of the likelihood, which a penalised fit does not maximise: use "
            "method='delta'."
        )
    if value.size > _MOST:
        raise KullbackError(
            f"the function returns {value.size} numbers, whose profiles would take long: profile "
            f"at most {_MOST} at once."
        )
    ends = np.full((2, value.size), np.nan)
    notes: list[str] = []
    if point.origin.size and not point.unknown:
        loss = point.half_deviance(problem)
        z = statistics.NormalDist().inv_cdf(0.5 + 0.5 * level)
        for i, (best, error) in enumerate(zip(value.flat, stderr.flat, strict=True)):
            label = f"quantity {i}" if value.ndim else "the quantity"
            if not error > 0.0:  # constant, or with steps, or not finite
                ends[:, i] = best if error == 0.0 else np.nan
                continue

            def number(model: Model, i: int = i) -> float:
                return float(of(model).flat[i])

            profile = _DerivedProfile(point, loss, number, float(best), float(error), z)
            for side, sign in enumerate((-1.0, 1.0)):
                ends[side, i], note = profile.end(sign)
                which = "lower" if sign < 0.0 else "upper"
                notes += [f"the {which} end of {label} is {note}"] if note else []
    return ends.reshape(2, *value.shape), notes


@final
@dataclass(frozen=True, eq=False)
class _DerivedProfile:
    """The profile of one number, which is searched in standard errors from its estimate.

    Attributes:
        point: the coordinates around the fit.
        loss: half the deviance.
        of: the number of a model.
        best: at the estimate.
        error: its standard error.
        z: the root of the chi-squared quantile.
        found: the end that Newton's method found on the other side.
        places: found by the search for an end, by distance.
    """

    point: Standardised
    loss: Callable[[Vector], Derivatives]
    of: Callable[[Model], float]
    best: float
    error: float
    z: float
    found: list[Place] = field(default_factory=list)
    places: dict[float, Place] = field(default_factory=dict)

    def end(self, sign: float) -> tuple[float, str]:
        """Find the lower end (sign −1) or the upper one, with a note where it is not a root."""
        curve = self._curve
        with contextlib.suppress(NoPlaceError):
            self.found[:] = [curve.at_root(sign * self.z, *self.found)]
            return self._number(self.found[0].value), ""
        self.places.clear()
        self.places[0.0] = Place(0.0, 0.0, np.zeros(curve.size))
        try:
            distance, excess = find_end(self._excess, 0.0, sign * self.z, (-_REACH, _REACH), self.z)
        except UnknownEndError as unusable:
            return math.nan, f"unknown: {unusable}"
        if excess < 0.0:
            deviance, limit = (excess + self.z) ** 2, self.z**2
            return sign * math.inf, (
                f"{'−' if sign < 0.0 else ''}infinity: the deviance rises by {deviance:.3g} on the "
                f"way there, and {limit:.3g} is needed"
            )
        return self._number(distance), ""

    def _number(self, distance: float) -> float:
        return self.best + self.error * distance

    @property
    def _curve(self) -> ProfileCurve:
        return ProfileCurve(self.loss, self._derivatives, self.point.origin.size)

    def _excess(self, distance: float) -> float:
        """The root of the deviance at a distance, less that of the chi-squared quantile."""
        near = min(self.places, key=lambda other: abs(other - distance))
        try:
            place = self._curve.at_value(distance, self.places[near].z)
        except NoPlaceError:
            raise NotConvergedError(
                f"no parameters with the value {self._number(distance):.6g} were found"
            ) from None
        self.places[distance] = place
        return abs(place.root) - self.z

    def _derivatives(self, z: Vector) -> Derivatives:
        """The distance at z, with its derivatives by differences of fourth order."""

        def at(step: Vector) -> float:
            return (self.of(self.point.model(z + step)) - self.best) / self.error

        h, k = _STEP, z.size
        axes = h * np.eye(k)
        middle = at(np.zeros(k))
        near = np.array([[at(e), at(-e)] for e in axes])
        far = np.array([[at(2.0 * e), at(-2.0 * e)] for e in axes])
        slope = (8.0 * (near[:, 0] - near[:, 1]) - (far[:, 0] - far[:, 1])) / (12.0 * h)
        bend = np.diag((16.0 * near.sum(1) - far.sum(1) - 30.0 * middle) / (12.0 * h * h))
        for i in range(k):
            for j in range(i):
                both = at(axes[i] + axes[j]) + at(-axes[i] - axes[j]) + 2.0 * middle
                bend[i, j] = bend[j, i] = (both - near[i].sum() - near[j].sum()) / (2.0 * h * h)
        return middle, slope, bend
