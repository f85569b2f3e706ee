"""Residuals of the rows of a fit, by the fitted distribution of each: ``Fit.residuals``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, final

import numpy as np

from kullback._core.arrays import Vector
from kullback._core.errors import KullbackError
from kullback._core.validation import check_choice
from kullback.data.observation import Event, Exact, Observed, RowKind, Window
from kullback.data.sample import Integers
from kullback.models.draws import BLOCK, inner_uniforms, key_of, stream
from kullback.models.row_evaluation import RUN
from kullback.models.row_wise import RowWise
from kullback.results.at import RowParameters
from kullback.results.deviance_residuals import UNIT_DEVIANCES, deviance_residuals
from kullback.results.problem import rows_of

if TYPE_CHECKING:  # Fit.residuals calls this module, which only reads the fit
    from kullback.results.fit_numbers import FitNumbers

OF_MOMENTS = ("response", "pearson", "deviance")
KINDS = (*OF_MOMENTS, "quantile", "cox-snell", "martingale")


def residuals(fit: FitNumbers, kind: str, seed: int) -> Vector:
    """Return one residual a row; see ``Fit.residuals``."""
    check_choice("kind", kind, KINDS)
    model = fit.model
    if model.outcome != "number":
        raise KullbackError(
            f"residuals are of numbers, and {model.name} is of labels: compare the classes with "
            'fit.predict(data, "probability"), or their losses, -fit.at(data).log_density(y).'
        )
    if kind == "deviance" and model.name not in UNIT_DEVIANCES:
        known = ", ".join(UNIT_DEVIANCES)
        raise KullbackError(
            f"{model.name} is not one of the generalized linear models, whose saturated model has "
            f"a likelihood of its own for every row ({known}): use kind='quantile'."
        )
    sample = rows_of(fit, "a residual").sample
    of, key = RowParameters.of(model), key_of(seed)
    found, numbers = [np.zeros(0)], [np.zeros(0, dtype=np.int64)]
    for chunk in sample.chunks():
        rows = chunk.row_numbers
        for begin in range(0, chunk.count, RUN):
            part = slice(begin, begin + RUN)
            fields = {name: values[part] for name, values in chunk.fields.items()}
            count = len(rows[part])
            at, _ = of.predictors.evaluate(of.numbers, fields)
            own = RowWise.of(model, of.at(at, fields, count), of.varying, count)
            with np.errstate(all="ignore"):  # an outcome may be impossible under the estimates
                found.append(_of_rows(own, kind, chunk.kind, fields, _uniforms(key, rows[part])))
            numbers.append(rows[part])
    place, values = np.concatenate(numbers), np.concatenate(found)
    total = place.size + sample.dropped
    if not sample.dropped or place.max(initial=0) >= total:  # rows of a group, of larger data
        return np.asarray(values[np.argsort(place, kind="stable")])
    out = np.full(total, np.nan)
    out[place] = values
    return out


def _uniforms(key: int, rows: Integers) -> Vector:
    """A number in (0, 1) for each row, which depends on the row's number alone."""
    out = np.empty(rows.size)
    of_block = rows // BLOCK
    for block in np.unique(of_block):
        own = of_block == block
        out[own] = inner_uniforms(stream(key, int(block)), (BLOCK,))[rows[own] % BLOCK]
    return out


def _of_rows(
    rows: RowWise, kind: str, observed: RowKind, fields: Mapping[str, Vector], v: Vector
) -> Vector:
    if kind in OF_MOMENTS:
        if not isinstance(observed, Exact):
            return np.full(v.size, np.nan)
        y, mean = fields["y"], rows.mean()
        if kind == "response":
            return y - mean
        if kind == "pearson":
            return (y - mean) / np.sqrt(rows.variance())
        return deviance_residuals(rows, y, mean)
    event = observed.event if isinstance(observed, Observed) else Event.EXACT
    if kind == "quantile":
        return normal_scores(_given_window(rows, observed, fields).between(v))
    # a right-censored row has the hazard up to its limit; its upper end is that of its window
    last = fields.get("window.upper", np.full(v.size, np.inf))
    censored = observed.ends(fields)[1] >= last
    at = _given_window(rows, observed, fields)
    hazard = -at.between(v if event == Event.EXACT else np.zeros(v.size)).above
    if event != Event.EXACT:
        hazard = np.where(censored & (event != Event.LEFT), hazard, np.nan)
    return hazard if kind == "cox-snell" else (event == Event.EXACT) - hazard


class Tails(NamedTuple):
    """Log-probabilities of outcomes up to a point and beyond it."""

    below: Vector
    above: Vector


@final
@dataclass(frozen=True)
class Ends:
    """The tails at the two ends of an outcome's range, which are equal where it was observed."""

    low: Tails
    high: Tails

    def between(self, v: Vector) -> Tails:
        """Return the tails at a share v of the probability between the ends."""
        rest, some = np.log1p(-v), np.log(v)
        pairs = zip(self.low, self.high, strict=True)
        return Tails(*(np.where(a == b, a, np.logaddexp(a + rest, b + some)) for a, b in pairs))


def _given_window(rows: RowWise, kind: RowKind, fields: Mapping[str, Vector]) -> Ends:
    """Return the tails at the ends of each row, given that the outcome lies in its window."""
    lower, upper = kind.ends(fields)
    # an outcome X ≥ lower: of counts, one more than lower − 1
    step = 1.0 if rows.form.discrete else 0.0
    low, high = _tails(rows, lower - step), _tails(rows, upper)
    if not isinstance(kind, Observed) or kind.window == Window.NONE:
        return Ends(low, high)
    unknown = np.full(lower.shape, np.inf)
    first = _tails(rows, fields.get("window.lower", -unknown) - step)
    last = _tails(rows, fields.get("window.upper", unknown))
    kept = _log_between(first, last)
    return Ends(
        *(
            Tails(_log_between(first, at) - kept, _log_between(at, last) - kept)
            for at in (low, high)
        )
    )


def _tails(rows: RowWise, x: Vector) -> Tails:
    """The tails at finite and infinite points."""
    finite = np.isfinite(x)
    below, above = rows.tails(np.where(finite, x, rows.form.support.interior))
    infinite = np.where(x > 0.0, 0.0, -np.inf)
    opposite = np.where(x > 0.0, -np.inf, 0.0)
    return Tails(np.where(finite, below, infinite), np.where(finite, above, opposite))


def _log_between(a: Tails, b: Tails) -> Vector:
    """Log-probability of an outcome above a and up to b, from the tail that is the smaller."""
    left = b.below < a.above
    larger = np.where(left, b.below, a.above)
    smaller = np.where(left, a.below, b.above)
    change = np.minimum(smaller - larger, 0.0)  # above 0 it is the rounding of 0
    share = np.where(change > -0.7, np.log(-np.expm1(change)), np.log1p(-np.exp(change)))
    return np.asarray(np.where(np.isneginf(larger), -np.inf, larger + share))


def normal_scores(at: Tails) -> Vector:
    """Return the standard normal quantile of each probability, from the smaller tail."""
    from scipy.special import ndtri_exp

    left = at.below < at.above
    score: Vector = np.where(left, ndtri_exp(at.below), -ndtri_exp(at.above))
    return score
