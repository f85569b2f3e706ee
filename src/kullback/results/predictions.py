"""Predictions for rows, with confidence and prediction intervals: ``Fit.predict``."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import numpy as np

from kullback._core.arrays import Vector
from kullback._core.errors import KullbackError
from kullback._core.validation import check_choice, check_level
from kullback.data.frames import frame_like, series_like
from kullback.models.model import Model
from kullback.models.row_distributions import RowDistributions
from kullback.models.row_wise import TRIALS, RowWise, row_of_points
from kullback.results.at import NewRows, distributions
from kullback.results.row_derivatives import RowDerivatives, RowQuantity

if TYPE_CHECKING:  # Fit.predict calls this module, which only reads the fit
    from kullback.results.fit_numbers import FitNumbers

WHAT = ("mean", "variance", "class", "parameters", "quantile", "probability", "survival")
INTERVALS = ("confidence", "prediction")
# Names of predictions in other libraries, and what they are called here.
_ELSEWHERE = {
    "median": 'what="quantile", at=0.5',
    **dict.fromkeys(("response", "fitted", "expectation"), 'what="mean"'),
    **dict.fromkeys(("sd", "std", "stddev"), 'the square root of what="variance"'),
    **dict.fromkeys(("proba", "prob", "probs", "density"), 'what="probability"'),
    **dict.fromkeys(("params", "link", "linear"), 'what="parameters", each on its own scale'),
    "cdf": '1 less what="survival"; or fit.at(data).cdf(at)',
    "hazard": "fit.at(data).hazard(at)",
}
_NEEDS_AT = ("quantile", "probability", "survival")


def predict(
    fit: FitNumbers, data: Any, what: str | None, at: Any, interval: str | None, level: float
) -> Any:
    """Return predictions; see ``Fit.predict``."""
    model = fit.model
    of_labels = model.outcome != "number"
    what = ("class" if of_labels else "mean") if what is None else what
    check(model, what, at, interval, level)
    rows = NewRows.of(model, data)
    found = distributions(model, rows)
    if what == "parameters":
        return found.params
    if what == "class":
        best = np.argmax(found.probabilities(), axis=1).astype(np.float64)
        unknown = np.isnan(found.probabilities()[:, 0])
        return series_like(data, found.labelled(np.where(unknown, np.nan, best)), "class")
    points = None if at is None else np.asarray(at, dtype=object if of_labels else np.float64)
    estimate = _estimate(found, what, points)
    if interval is None:
        return estimate if estimate.ndim > 1 else series_like(data, estimate, what)
    if interval == "prediction":
        tails = [0.5 - 0.5 * level, 0.5 + 0.5 * level]
        lower, upper = found.quantile(at=tails).T
    else:
        scale = Scale.of(found, what)
        of_rows = quantity(model, what, points, scale)
        _, lower, upper = _confidence(fit, rows, of_rows, scale, level, len(found))
    many = 1 if estimate.ndim == 1 else estimate.shape[1]
    columns = {} if many == 1 else {"at": np.tile(_grid(found, points), len(found))}
    ends = {"estimate": estimate, "lower": lower, "upper": upper}
    return frame_like(data, columns | {n: np.ravel(v) for n, v in ends.items()}, many)


def check(model: Model, what: str, at: Any, interval: str | None, level: float) -> None:
    """Raise for choices that do not go together."""
    if what in _ELSEWHERE:
        raise KullbackError(f"what={what!r} is {_ELSEWHERE[what]}.")
    check_choice("what", what, WHAT)
    check_level(level)
    labels = model.outcome != "number"
    if what == "class" and not labels:
        raise KullbackError(f"{model.name} is of numbers: only models of labels predict a class.")
    if labels and what not in ("class", "parameters", "probability"):
        raise KullbackError(
            f"{model.name} is of labels, without a {what}: predict 'class' or 'probability'."
        )
    if at is None and what in _NEEDS_AT and not labels:
        of = "probabilities, at=0.5 for the median" if what == "quantile" else "outcomes"
        raise KullbackError(f"what={what!r} needs at=: {of}.")
    if at is not None and what not in _NEEDS_AT:
        raise KullbackError(f"at= is for {', '.join(map(repr, _NEEDS_AT))}, not for {what!r}.")
    if what == "probability" and not labels and not model.discrete:
        raise KullbackError(
            f"an outcome of {model.name} has a density, and no probability: predict 'survival', "
            "P(Y > at), or take fit.at(data).cdf(at) or .density(at)."
        )
    if interval is None:
        return
    check_choice("interval", interval, INTERVALS)
    if what in ("class", "parameters"):
        raise KullbackError(f"{what!r} has no interval: leave interval out.")
    if interval == "prediction" and (what != "mean"):
        raise KullbackError("interval='prediction' is of an outcome: leave what at 'mean'.")
    if what == "quantile" and model.discrete:
        raise KullbackError(
            f"quantiles of {model.name} are whole numbers, which change in steps and have no "
            "confidence interval: predict 'survival' with one."
        )


def _estimate(found: RowDistributions, what: str, points: Any) -> Vector:
    if what == "mean":
        return found.mean()
    if what == "variance":
        return found.variance()
    if points is None:
        return found.probabilities()
    of = {"quantile": found.quantile, "survival": found.survival, "probability": found.density}
    return of[what](points[()]) if points.ndim == 0 else of[what](at=points)


def _grid(found: RowDistributions, points: Any) -> Any:
    return np.asarray(found.levels) if points is None else points


@final
@dataclass(frozen=True)
class Scale:
    """The scale on which intervals are symmetric: that of numbers between two ends.

    Attributes:
        lower: −inf for none.
        upper: inf for none; or one for each row.
    """

    lower: float
    upper: Any

    @classmethod
    def of(cls, found: RowDistributions, what: str) -> Scale:
        """The scale of a prediction."""
        if what in ("probability", "survival"):
            return cls(0.0, 1.0)
        if what == "variance":
            return cls(0.0, np.inf)
        support = found.model.support
        upper: Any = support.upper
        if TRIALS in found.model.parameters:
            upper = found.params[TRIALS]
        return cls(support.lower, upper)

    def to(self, value: Vector, rows: RowWise) -> Vector:
        """Map the values of rows to the whole line."""
        upper = rows.parameters.get(TRIALS, self.upper) if np.ndim(self.upper) else self.upper
        low, high = np.isfinite(self.lower), self._bounded
        below = np.log(value - self.lower) if low else value
        above = np.log(upper - value) if high else 0.0
        return below - above if low or not high else -np.asarray(above)

    def back(self, u: Vector) -> Vector:
        """Map numbers of the whole line, of all rows, to values."""
        low, high = np.isfinite(self.lower), self._bounded
        if low and high:
            share = np.where(u > 0.0, 1.0, np.exp(np.minimum(u, 0.0))) / (1.0 + np.exp(-np.abs(u)))
            return np.asarray(self.lower + (self.upper - self.lower) * share)
        if low:
            return np.asarray(self.lower + np.exp(u))
        return np.asarray(self.upper - np.exp(-u)) if high else u

    @property
    def _bounded(self) -> bool:
        return bool(np.ndim(self.upper)) or bool(np.isfinite(self.upper))


def of_component(fit: FitNumbers, data: Any, prefix: str, what: str, level: float) -> Vector:
    """Return the mean or the median of a component at rows, and its ends, shape (3, rows).

    Args:
        fit: of a mixture.
        data: the rows.
        prefix: of the component's parameters.
        what: "mean" or "quantile".
        level: of the confidence intervals.
    """
    part = fit.model.parts[prefix]  # type: ignore[attr-defined]  # it is a mixture
    rows, s = NewRows.of(fit.model, data), part.support
    scale = Scale(s.lower, np.inf if TRIALS in part.parameters else s.upper)
    own = quantity(part, what, None if what == "mean" else np.asarray(0.5), scale)
    found = _confidence(fit, rows, lambda r: own(r.part(prefix)), scale, level, 0)
    return np.stack(found)


def _confidence(
    fit: FitNumbers,
    rows: NewRows,
    of_rows: RowQuantity,
    scale: Scale,
    level: float,
    count: int,
) -> tuple[Vector, Vector, Vector]:
    """Values, and ends of their intervals by the delta method, symmetric on a scale."""
    derivatives = RowDerivatives.of(fit)
    values, errors, numbers = [], [], []
    with np.errstate(all="ignore"):  # a value at an end of its scale has no interval
        for fields, own, size in rows.runs():
            at = derivatives.at(fields, size, of_rows)
            values.append(at.value)
            errors.append(derivatives.errors(at))
            numbers.append(own)
        z = statistics.NormalDist().inv_cdf(0.5 + 0.5 * level)
        if not values:
            return (np.full(count, np.nan),) * 3
        value, half = (rows.among_all(v, numbers) for v in (values, [z * e for e in errors]))
        return scale.back(value), scale.back(value - half), scale.back(value + half)


def quantity(model: Model, what: str, points: Any, scale: Scale | None) -> RowQuantity:
    """Return a prediction as a function of rows, on the scale of its intervals or on its own.

    Args:
        model: the fitted model.
        what: as in ``predict``.
        points: levels or outcomes, of shape () or (m,); None for all classes.
        scale: None for the prediction's own.
    """
    if what in ("mean", "variance"):
        plain = RowWise.mean if what == "mean" else RowWise.variance
        return lambda rows: plain(rows) if scale is None else scale.to(plain(rows), rows)
    levels = model.levels
    if points is None:
        x: Vector = np.arange(float(len(levels or ())))
    elif levels is None:
        x = np.asarray(points, dtype=np.float64)
    else:
        x = np.array([float(levels.index(v)) for v in points.ravel()]).reshape(points.shape)
    shape = x.shape

    def of_rows(rows: RowWise) -> Vector:
        flat = np.broadcast_to(x, (rows.count, *shape)).ravel()
        place = row_of_points(rows.count, *shape) if shape else None
        if what == "quantile":
            value = rows.quantiles(flat, place)
            value = value if scale is None else scale.to(value, rows)
        elif what == "survival":
            below, above = rows.tails(flat, place)
            value = np.exp(above) if scale is None else above - below
        else:
            log = rows.hook("row_log_density", flat, place)
            value = np.exp(log) if scale is None else log - np.log(-np.expm1(log))
        return value.reshape(rows.count, *shape)

    return of_rows
