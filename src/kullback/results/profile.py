"""Profile likelihood intervals: the values that a likelihood-ratio test does not reject.

With H(v) the least cross-entropy of the fits whose parameter is fixed at v, and W the total weight,
the interval holds the v with 2W(H(v) − H_min) ≤ χ²(level), of one degree of freedom. An end is the
root of the signed root of that deviance, which is nearly linear in v on the unconstrained scale.
Newton's method finds it on the profile's curve (``profile_curve.py``); where it does not, as for a
profile that stays below χ², fits with the parameter fixed follow the profile outwards.
Source: D. M. Bates and D. G. Watts (1988), Nonlinear Regression Analysis and Its Applications,
section 6.1.
"""

from __future__ import annotations

import contextlib
import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, final

import numpy as np

from kullback._core.arrays import Vector
from kullback._core.domains import REAL, Interval, Reals
from kullback._core.errors import DataError, KullbackError
from kullback._core.held import Held
from kullback._core.hessians import inverse
from kullback._core.spanned import Spanned
from kullback.models.held_numbers import places_of
from kullback.models.rescaling import units
from kullback.models.source import Coefficient, numbers_of
from kullback.objective.cross_entropy import Evaluation
from kullback.objective.zero_probability import ZERO_PROBABILITY
from kullback.results.by_parameter import chosen_groups
from kullback.results.end_search import NotConvergedError, UnknownEndError, find_end
from kullback.results.intervals import Intervals
from kullback.results.problem import FitProblem, problem_of
from kullback.results.profile_curve import Derivatives, NoPlaceError, Place, ProfileCurve
from kullback.results.standardised import Standardised

if TYPE_CHECKING:  # Fit.interval calls this module, which only reads the fit
    from kullback.results.fit_numbers import FitNumbers

# The search goes this far on a scale with an end, a factor of 1e10 in its distance from that end
# or, without one there, in the parameter itself: where the deviance is still below the limit, the
# end of the domain is that of the interval.
_FAR = 23.0

# On a scale without an end it goes so many standard errors far.
_MANY = 1e8

# So many numbers are profiled without being named.
_UNASKED = 12

# The first step of a number without a standard error.
_STEP = 1.0

# A deviance below zero by more than this is a better fit, not rounding.
_BELOW = 1e-5


def profile_intervals(fit: FitNumbers, level: float, parameters: Sequence[str] | None) -> Intervals:
    """Return profile intervals by parameter.

    Args:
        fit: the fit, with its data.
        level: coverage probability.
        parameters: names of parameters or numbers; None for all parameters.

    Raises:
        KullbackError: for a fit without its data, many parameters without their names, or one of
            several numbers that determine each other.
    """
    problem = problem_of(fit, "a profile interval")
    if parameters is None and len(fit.names) > _UNASKED:
        raise KullbackError(
            f"profiles of all {len(fit.names)} numbers would take some {14 * len(fit.names)} fits: "
            f"name those that you need, parameters=[{fit.names[0]!r}, ...]."
        )
    curves = _curves(fit, problem)
    out: dict[str, Vector] = {}
    cautions: list[str] = []
    found: dict[str, Vector] = {}  # tied parameters have one interval
    for name, group in chosen_groups(fit.form, fit.vector, parameters).items():
        for number in group.names:
            if number not in found:
                found[number], more = _interval(fit, problem, number, level, curves)
                cautions += more
        ends = np.stack([found[number] for number in group.names])
        out[name] = ends[0] if group.scalar else ends
    return Intervals(out, tuple(cautions))


def _interval(
    fit: FitNumbers,
    problem: FitProblem,
    name: str,
    level: float,
    curve: Callable[[str], ProfileCurve | None],
) -> tuple[Vector, tuple[str, ...]]:
    """The lower and the upper end of one number's interval, shape (2,), and cautions."""
    own = _numbers(fit)
    c, _ = places_of(fit.vector).get(name, (None, 0))
    if c is None or name in _held(c):
        return np.full(2, own[name]), ()
    if not isinstance(c.domain, Interval | Reals | Held | Spanned):
        raise KullbackError(
            f"a profile interval of {name} is not available: the {c.domain.size} numbers of "
            f"{c.name} determine each other. Use method='wald'."
        )
    unknown = np.full(2, np.nan)
    if not fit.convergence.converged:
        return unknown, (f"{name}: unknown, as the fit did not converge.",)
    scale = c.domain if isinstance(c.domain, Interval) else REAL
    power = fit.power * fit.form.dimensions.get(c.name, 0)
    estimate = math.ldexp(own[name], -power)
    if c.name in fit.vector.on_bound and estimate not in (scale.lower, scale.upper):
        which = fit.form.order_statistics[c.name]
        return unknown, (f"{name}: unknown, as it is the {which} of the sample.",)
    profile = _Profile(fit, problem, name, scale, power, level, estimate, curve(name))
    ends, cautions = [], []
    for sign in (-1.0, 1.0):
        try:
            end, caution = profile.end(sign)
        except UnknownEndError as unusable:
            end, caution = math.nan, f"{name}: the {_which(sign)} end is unknown: {unusable}."
        ends.append(end)
        cautions += [caution] if caution else []
    return np.array(ends), tuple(cautions)


def _curves(fit: FitNumbers, problem: FitProblem) -> Callable[[str], ProfileCurve | None]:
    """Return the function of a number's name that gives the curve of its profile.

    None where Newton's method cannot be relied on: with estimates on a bound or at an order
    statistic, and with a penalty, which belongs to the objective and not to the deviance.
    """
    point = None if fit.vector.on_bound or fit.form.penalised else Standardised.of(fit, "observed")
    if point is None or point.unknown or not point.origin.size:
        return lambda _name: None
    loss, still = point.half_deviance(problem), np.zeros((point.origin.size,) * 2)
    places = {
        name: at.start + i
        for c, at in fit.vector.slices
        if isinstance(c.domain, Interval | Reals)
        for i, name in enumerate(numbers_of(c))
    }

    def curve(name: str) -> ProfileCurve | None:
        if name not in places:
            return None
        first, slope = float(point.origin[places[name]]), point.axes[places[name]]

        def place(z: Vector) -> Derivatives:
            return first + float(slope @ z), slope, still

        return ProfileCurve(loss, place, point.origin.size)

    return curve


@final
@dataclass(frozen=True, eq=False)
class _Profile:
    """The deviance as a function of one number, on its unconstrained scale.

    Attributes:
        fit: the fit.
        problem: its problem.
        name: the number.
        scale: its domain, in the unit of the fit.
        power: it is in the unit 2^power.
        level: coverage probability.
        estimate: the number's estimate, in that unit.
        curve: of its place, where Newton's method may find the ends.
        found: the end that Newton's method found on the other side.
        points: the fits so far, by place.
    """

    fit: FitNumbers
    problem: FitProblem
    name: str
    scale: Interval
    power: int
    level: float
    estimate: float
    curve: ProfileCurve | None
    found: list[Place] = field(default_factory=list)
    points: dict[float, FitNumbers] = field(default_factory=dict)

    @property
    def z(self) -> float:
        """The root of the chi-squared quantile."""
        return statistics.NormalDist().inv_cdf(0.5 + 0.5 * self.level)

    def number(self, u: float) -> float:
        """The number at a place, in the unit of the rows."""
        return math.ldexp(float(self.scale.constrained(np.array([u]))[0]), self.power)

    def end(self, sign: float) -> tuple[float, str]:
        """Find the lower end (sign −1) or the upper one, with a caution where it is not a root."""
        if self.curve is not None:
            with contextlib.suppress(NoPlaceError):
                self.found[:] = [self.curve.at_root(sign * self.z, *self.found)]
                return self.number(self.found[0].value), ""
        lowest, highest = self._range()
        bound = self.scale.lower if sign < 0.0 else self.scale.upper
        at = self._place()
        if self.estimate == bound:
            return math.ldexp(bound, self.power), (
                f"{self.name}: the {_which(sign)} end is its bound, where the estimate is."
            )
        place, excess = find_end(
            self.excess, at, sign * self._first_step(), (lowest, highest), self.z
        )
        if excess < 0.0:
            return math.ldexp(bound, self.power), self._no_root(sign, bound, excess)
        return self.number(place), ""

    def excess(self, u: float) -> float:
        """The root of the deviance at a place, less that of the chi-squared quantile."""
        start: dict[str, float] = {}
        if self.points:
            nearest = min(self.points, key=lambda other: abs(other - u))
            start = _free_numbers(self.points[nearest])
        number = self.number(u)
        try:
            point = self.problem.refit(fixed={self.name: number}, start=start)
        except DataError as error:
            if error.reason == ZERO_PROBABILITY:
                return math.inf
            raise
        if not point.convergence.converged:
            reason = point.convergence.reason
            raise NotConvergedError(
                f"the fit at {self.name} = {number:.6g} did not converge ({reason})"
            )
        self.points[u] = point
        deviance = 2.0 * self.fit.n * (_minimum(point) - _minimum(self.fit))
        if deviance < -_BELOW:
            raise UnknownEndError(
                f"the fit at {self.name} = {number:.6g} has a larger likelihood than this one, "
                "which is thus a local maximum"
            )
        return math.sqrt(max(deviance, 0.0)) - self.z

    def _place(self) -> float:
        """The estimate's place; at a bound, the last place that the search goes to."""
        with np.errstate(divide="ignore"):
            u = float(self.scale.unconstrained(np.array([self.estimate]))[0])
        return u if math.isfinite(u) else math.copysign(_FAR, u)

    def _first_step(self) -> float:
        """The Wald interval's half width."""
        errors = dict(zip(self.fit.names, np.diag(self.fit.covariance("observed")), strict=True))
        error = math.ldexp(math.sqrt(errors.get(self.name, math.nan)), -self.power)
        slope = float(self.scale.jacobian(np.array([self._place()]))[0, 0])
        step = self.z * error / slope
        return step if 0.0 < step < math.inf else _STEP

    def _range(self) -> tuple[float, float]:
        """The places that the search goes to."""
        at = self._place()
        reach = _FAR if self.scale.bounded else _MANY * self._first_step()
        if self.name in self.fit.vector.on_bound:  # to the same distance beyond the middle
            return min(at, 0.0) - reach, max(at, 0.0) + reach
        return at - reach, at + reach

    def _no_root(self, sign: float, bound: float, excess: float) -> str:
        deviance, limit = (excess + self.z) ** 2, self.z**2
        to = f"{math.ldexp(bound, self.power):g}"
        if math.isinf(bound):
            to = "infinity" if sign > 0.0 else "−infinity"
        return (
            f"{self.name}: the {_which(sign)} end is {to}: the deviance rises by {deviance:.3g} on "
            f"the way there, and {limit:.3g} is needed at a level of {self.level:g}."
        )


def _minimum(fit: FitNumbers) -> float:
    """The cross-entropy at the estimate, one Newton step beyond the point that was evaluated."""
    at = fit.evaluation
    if not isinstance(at, Evaluation) or not at.gradient.size:
        return fit.cross_entropy
    decrease = 0.5 * float(at.gradient @ inverse(at.hessian) @ at.gradient)
    return fit.cross_entropy - (decrease if math.isfinite(decrease) else 0.0)


def _numbers(fit: FitNumbers) -> dict[str, float]:
    """Every number of a fit by name, in the unit of the rows."""
    constrained = fit.evaluation.constrained(fit.vector)
    own = np.ldexp(constrained, units(fit.form, fit.vector, fit.power))
    names = [name for c in fit.vector.coefficients for name in numbers_of(c)]
    return dict(zip(names, own.tolist(), strict=True))


def _free_numbers(fit: FitNumbers) -> dict[str, float]:
    """The numbers that a fit estimated, on no bound, by name."""
    own = _numbers(fit)
    return {n: own[n] for c in fit.vector.free for n in numbers_of(c) if n not in _held(c)}


def _held(c: Coefficient) -> tuple[str, ...]:
    """The names of a coefficient's numbers that are held fixed."""
    if not isinstance(c.domain, Held):
        return ()
    return tuple(n for n, h in zip(numbers_of(c), c.domain.held, strict=True) if h is not None)


def _which(sign: float) -> str:
    return "lower" if sign < 0.0 else "upper"
