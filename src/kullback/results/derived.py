"""Any quantity of a fitted model, with its standard error and a confidence interval."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from kullback._core.arrays import Vector
from kullback._core.domains import POSITIVE, REAL, UNIT
from kullback._core.errors import KullbackError
from kullback._core.validation import check_choice, check_level
from kullback.information.estimate import Estimate
from kullback.models.model import Model
from kullback.models.source import numbers_of
from kullback.results.derived_profile import derived_profile
from kullback.results.problem import problem_of
from kullback.results.profile import profile_intervals
from kullback.results.standardised import ROUGH, Standardised, lengths, slopes
from kullback.results.wald import interval_ends

if TYPE_CHECKING:  # Fit.derived calls this module, which only reads the fit
    from kullback.results.fit_uncertainty import FitUncertainty

Quantity: TypeAlias = Callable[[Model], Any]

METHODS = {
    "delta": "delta method",
    "profile": "profile likelihood",
    "bootstrap": "percentiles of bootstrap replicates",
}
SCALES = {"identity": REAL, "log": POSITIVE, "logit": UNIT}

# A function of counts may stay the same at one standard error and change at three.
_FAR = 3.0
# Values between the ends of an interval that show whether a quantity is monotone there.
_BETWEEN = 9
# Intervals from the curvature of the likelihood, or from its shape, need about so many rows.
_FEW_ROWS = 10


def derive(fit: FitUncertainty, f: Quantity, level: float, method: str, scale: str) -> Estimate:
    """Return the estimate of a quantity; see ``Fit.derived``."""
    check_level(level)
    check_choice("method", method, METHODS)
    check_choice("scale", scale, SCALES)
    if scale != "identity" and method != "delta":
        raise KullbackError(
            f"scale={scale!r} is for method='delta': the ends of the others do not depend on it."
        )
    value = value_of(f, fit.model)
    if method == "bootstrap":
        stderr, ends, notes = _bootstrap(fit, f, value, level)
        return _estimate(value, stderr, ends, method, notes, level)
    point = Standardised.of(fit)
    stderr, rough = _standard_error(point, f, value)
    notes = (*_few_rows(fit), *point.notes, *rough)
    if method == "delta":
        return _estimate(value, stderr, _wald(value, stderr, level, scale), method, notes, level)
    ends, more = _profile(point, f, value, stderr, level)
    return _estimate(value, stderr, ends, method, (*notes, *more), level)


def _few_rows(fit: FitUncertainty) -> tuple[str, ...]:
    few = f"{fit.n:g} rows are few: the interval may hold less often than it says"
    return (few,) if fit.n < _FEW_ROWS else ()


def _bootstrap(
    fit: FitUncertainty, f: Quantity, value: Vector, level: float
) -> tuple[Vector, Vector, tuple[str, ...]]:
    """The deviation of the quantity over the replicates, its percentiles, and notes."""
    replicates = fit.bootstrap()
    caution = replicates.caution
    notes = (*_few_rows(fit), *([] if caution is None else [caution]))
    if np.sum(replicates.made) < 2:
        return np.full(value.shape, np.nan), np.full((2, *value.shape), np.nan), notes
    places = [(c.name, numbers_of(c)) for c in fit.vector.coefficients]
    values = np.stack(
        [
            value_of(
                f,
                fit.form.fixed_at(
                    {name: np.array([replicates.params[k][i] for k in own]) for name, own in places}
                ),
            )
            for i in np.flatnonzero(replicates.made)
        ]
    )
    tail = 0.5 - 0.5 * level
    with np.errstate(invalid="ignore"):  # a quantity may be infinite
        size = np.maximum(np.max(np.abs(values), axis=0), np.finfo(np.float64).tiny)
        stderr = np.asarray(size * np.std(values / size, axis=0, ddof=1))
        ends = np.asarray(np.quantile(values, [tail, 1.0 - tail], axis=0))
    return stderr, ends, notes


def _profile(
    point: Standardised, f: Quantity, value: Vector, stderr: Vector, level: float
) -> tuple[Vector, Sequence[str]]:
    """The ends of profile intervals, shape (2, …), and notes."""
    fit = point.fit
    problem = problem_of(fit, "a profile interval")
    bounds = [name for name in fit.vector.on_bound if name not in fit.form.order_statistics]
    if not bounds or point.origin.size or len(fit.vector.on_bound) > 1:
        return derived_profile(point, problem, lambda m: value_of(f, m), value, stderr, level)
    # the only parameter is on its bound: its own interval holds, and carries over
    own = profile_intervals(fit, level, bounds)
    low, high = own[bounds[0]].tolist()
    numbers = fit.vector.split(point.numbers(point.origin))
    between = [{**numbers, bounds[0]: np.array([v])} for v in np.linspace(low, high, _BETWEEN)]
    values = np.stack([value_of(f, fit.form.fixed_at(at)) for at in between])
    steps = np.diff(values, axis=0)
    monotone = np.all(steps >= 0.0, axis=0) | np.all(steps <= 0.0, axis=0)
    ends = np.sort(values[[0, -1]], axis=0)
    return np.where(monotone, ends, np.nan), own.cautions


def value_of(f: Quantity, model: Model) -> Vector:
    """Return the quantity of a model as an array.

    Raises:
        KullbackError: for anything but numbers.
    """
    value = f(model)
    try:
        return np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise KullbackError(
            f"the function must return a number or an array of numbers, got {value!r}."
        ) from None


def _standard_error(
    point: Standardised, f: Quantity, value: Vector
) -> tuple[Vector, Sequence[str]]:
    """The standard errors by the delta method, with notes on those that are unknown."""
    if point.unknown:
        why = f"the standard error is unknown, as {point.unknown}"
        return np.full(value.shape, np.nan), (why,)
    if not point.origin.size:  # every number is fixed
        return np.zeros(value.shape), ()

    def at(z: Vector) -> Vector:
        return value_of(f, point.model(z))

    gradient, error = slopes(at, point.origin.size)
    stderr: Vector = lengths(gradient)
    rough = ~(lengths(error) <= ROUGH * stderr)
    if np.any(stderr == 0.0):
        ends = [at(sign * _FAR * e) for e in np.eye(point.origin.size) for sign in (-1.0, 1.0)]
        rough |= (stderr == 0.0) & (np.max(np.abs(np.stack(ends) - value), axis=0) > 0.0)
    rough &= np.isfinite(value)
    stderr = np.where(rough | ~np.isfinite(value), np.nan, stderr)
    which = "the quantity" if not value.ndim else f"of {value.size} quantities {np.sum(rough)}"
    note = (
        f"{which} has no derivative at the estimate, so that the delta method gives no error: use "
        "method='bootstrap'"
    )
    return stderr, (note,) if np.any(rough) else ()


def _wald(value: Vector, stderr: Vector, level: float, scale: str) -> Vector:
    """The ends of intervals that are symmetric on a scale, shape (2, …)."""
    domain = SCALES[scale]
    wrong = ~domain.contains(value) & np.isfinite(value)
    if np.any(wrong):
        raise KullbackError(
            f"scale={scale!r} is for a quantity with {domain.phrase('value')}, got "
            f"{float(value[wrong][0]):g}."
        )
    z = statistics.NormalDist().inv_cdf(0.5 + 0.5 * level)
    ends = interval_ends(value.ravel(), stderr.ravel(), z, domain)
    return np.stack([end.reshape(value.shape) for end in ends.T])


def _estimate(
    value: Vector, stderr: Vector, ends: Vector, method: str, notes: tuple[str, ...], level: float
) -> Estimate:
    if value.ndim:
        return Estimate(value, stderr, (ends[0], ends[1]), METHODS[method], "", notes, level)
    interval = (float(ends[0]), float(ends[1]))
    return Estimate(float(value), float(stderr), interval, METHODS[method], "", notes, level)
