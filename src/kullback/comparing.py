"""``kl.compare``: fit models to one sample, and rank them by their loss on held-out rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from kullback._core.arrays import Vector
from kullback._core.errors import DataError, KullbackError, ModelError
from kullback.data.folds import Folds
from kullback.data.observation import Exact
from kullback.data.open import open_sample
from kullback.data.sample import Sample
from kullback.models.family import Family
from kullback.models.model import Model
from kullback.models.registry import own_models
from kullback.models.source import Free, Param
from kullback.objective.model_columns import roles_of, schema_of
from kullback.refitting import Clock, EngineFactory, SampleProblem
from kullback.results.comparison import Compared, Comparison
from kullback.results.fit import Fit

_NO_LOSS = (math.nan, math.nan, math.nan, math.nan)
_CRITERIA = ("held_out", "aic", "bic")


def compare(
    models: Any,
    data: Any,
    y: Any = None,
    *,
    weights: Any = None,
    missing: str = "error",
    folds: int = 5,
    seed: int = 0,
    criterion: str = "held_out",
    engine: EngineFactory | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Comparison:
    """Fit several models to one sample, and rank them by the cross-entropy of held-out rows.

    The rows are parted into K folds; each is scored by fits to the others, and the loss −log q is
    averaged over all rows: an estimate of the cross-entropy of new rows, free of the optimism of
    the fitted ones. Differences to the best model are those of the same rows, whose standard error
    is often a small part of either loss's. Source: S. Arlot & A. Celisse (2010), A survey of
    cross-validation procedures for model selection.

    Args:
        models: a list of models, a dict of them by name, or "all": every family whose support
            holds all rows, of counts where all rows are whole numbers from 0 on.
        data: as for ``kl.fit``.
        y: the outcome's column; not needed where there is only one column.
        weights: frequency weights, as for ``kl.fit``.
        missing: "error", or "drop" to leave out rows with missing values.
        folds: K; the same rows are in a fold for every model.
        seed: of the folds; they do not depend on where the rows come from.
        criterion: "held_out", "aic" or "bic"; with the last two no rows are held out.
        engine: as for ``kl.fit``.
        progress: called with the number of fits made, and of all.

    Returns:
        The comparison: a table, ``.best``, ``.fits``, ``.plot()``, ``.to_frame()``. A model that
        cannot be fitted is a row with its reason.

    Raises:
        DataError: for data that cannot be used, or too few rows for the folds.
        ModelError: for models that are none, or of different outcomes.

    Example:
        >>> import kullback as kl
        >>> x = kl.Gamma(shape=3.0, rate=1.0).sample(500, seed=1)
        >>> comparison = kl.compare([kl.Gamma(), kl.Exponential(), kl.Normal()], x)
        >>> [entry.model for entry in comparison.models]
        ['Gamma', 'Normal', 'Exponential']
    """
    if criterion not in _CRITERIA:
        choices = ", ".join(map(repr, _CRITERIA))
        raise KullbackError(f"criterion must be one of {choices}, got {criterion!r}.")
    if folds < 2:
        raise KullbackError(f"folds must be at least 2, got {folds}.")
    named = {} if isinstance(models, str) and models == "all" else _named(models)
    first = tuple(named.values()) or (own_models()["Normal"](),)
    roles = roles_of(first, y, weights=weights, missing=missing)
    sample = open_sample(data, roles, schema_of(first))
    outcomes = ""
    if not named:
        outcomes, named = _candidates(sample)
    named = {name: model.bind(sample.schema) for name, model in named.items()}
    parts = Folds(sample, folds, seed) if criterion == "held_out" else None
    count = _Count(progress, len(named) * (1 + (folds if parts else 0)))
    fits, reasons = _fits(named, sample, engine, count)
    entries = _scored(named, fits, reasons, parts, engine, count)
    return Comparison(
        tuple(sorted(entries, key=lambda entry: _rank(entry, criterion))),
        criterion,
        folds if parts else 0,
        outcomes,
    )


def _named(models: Any) -> dict[str, Model]:
    """Models by name."""
    given: Any = models.values() if isinstance(models, Mapping) else models
    several = list(given) if hasattr(given, "__iter__") and not isinstance(given, str) else []
    wrong = [model for model in several if not isinstance(model, Model)]
    if wrong or not several:
        raise ModelError(
            'models must be "all", or a list of models such as [kl.Gamma(), kl.LogNormal()], got '
            f"{wrong[0] if wrong else models!r}."
        )
    if len({model.outcome for model in several}) > 1 or len({m.discrete for m in several}) > 1:
        kinds = ", ".join(f"{model.name} of {_kind(model)}" for model in several)
        raise ModelError(
            "the losses of densities and of probabilities cannot be compared: give models of one "
            f"kind of outcome, got {kinds}."
        )
    columns = [model for model in several if model.columns]
    if columns:
        raise ModelError(f"{columns[0]!r} depends on columns; compare takes distributions.")
    if isinstance(models, Mapping):
        return {str(name): model for name, model in models.items()}
    names = [model.name for model in several]
    return {n if names.count(n) == 1 else repr(m): m for n, m in zip(names, several, strict=True)}


def _kind(model: Model) -> str:
    return "labels" if model.outcome == "label" else "counts" if model.discrete else "numbers"


def _candidates(sample: Sample) -> tuple[str, dict[str, Model]]:
    """What the outcomes are, and every family whose support holds all of them."""
    low, high, whole = math.inf, -math.inf, True
    families = [
        kind for kind in own_models().values() if issubclass(kind, Family) and not kind.required
    ]
    inside = dict.fromkeys(families, True)
    for chunk in sample.chunks():
        if chunk.kind != Exact():
            raise ModelError('"all" needs exact rows: name the models.')
        values = chunk.fields["y"]
        low, high = min(low, float(values.min())), max(high, float(values.max()))
        whole = whole and bool(np.all(values == np.floor(values)))
        for kind in families:
            inside[kind] = inside[kind] and bool(np.all(kind.support.contains(values)))
    counts = whole and low >= 0.0
    what = (
        "counts"
        if counts
        else "numbers in (0, 1)"
        if low > 0.0 and high < 1.0
        else "positive numbers"
        if low > 0.0
        else "numbers"
    )
    chosen: dict[str, Model] = {
        k.__name__: k()
        for k in families
        if inside[k] and k.support.whole == counts and not high - low >= k.period
    }
    return what, chosen


class _Count:
    """Counts fits, and reports them."""

    def __init__(self, progress: Callable[[int, int], None] | None, total: int) -> None:
        self._progress, self._done, self._total = progress, 0, total

    def one(self) -> None:
        self._done += 1
        if self._progress is not None:
            self._progress(self._done, self._total)


def _fits(
    models: Mapping[str, Model], sample: Sample, engine: EngineFactory | None, count: _Count
) -> tuple[dict[str, Fit], dict[str, str]]:
    """Fit every model; the fits, and why others could not be made."""
    fits: dict[str, Fit] = {}
    reasons: dict[str, str] = {}
    for name, model in models.items():
        try:
            fits[name] = SampleProblem(model, sample, engine).fit(Clock())
        except (DataError, ModelError) as error:
            reasons[name] = str(error)
        count.one()
    return fits, reasons


def _scored(
    models: Mapping[str, Model],
    fits: Mapping[str, Fit],
    reasons: dict[str, str],
    parts: Folds | None,
    engine: EngineFactory | None,
    count: _Count,
) -> list[Compared]:
    names = list(fits)
    losses = _HeldOut(len(names))
    for fold in range(parts.count if parts else 0):
        assert parts is not None
        started = {name: _started(models[name], fits[name]) for name in names}
        again, failed = _fits(started, parts.others(fold), engine, count)
        reasons |= {name: f"without fold {fold}: {why}" for name, why in failed.items()}
        fixed = [again[name].model if name in again else None for name in names]
        for chunk in parts.held_out(fold).chunks():
            losses.add(fixed, chunk.fields["y"], chunk.weight)
    mean, error, difference, of_difference = losses.results()
    out = []
    for name in models:
        fit = fits.get(name)
        if fit is None:
            out.append(Compared(name, *_NO_LOSS, reasons[name], None))
            continue
        k = names.index(name)
        reason = reasons.get(name, "" if fit.convergence.converged else _why_not(fit))
        out.append(Compared(name, mean[k], error[k], difference[k], of_difference[k], reason, fit))
    return out


def _started(model: Model, fit: Fit) -> Model:
    """Return the model with a search that begins at the estimate on all rows."""
    if not fit.convergence.converged:
        return model
    sources = dict(model.sources)
    for name, estimate in fit.params.items():
        if isinstance(sources[name], Free) and isinstance(estimate, float):
            sources[name] = Param(start=estimate)
    return model.with_sources(sources)


def _why_not(fit: Fit) -> str:
    """The limit that a fit runs to, or why else it did not converge."""
    limits = [limit for name, limit in fit.form.limits.items() if name in fit.convergence.reason]
    at_limit = "no maximum" in fit.convergence.reason and limits
    return f"limit: {limits[0]}" if at_limit else fit.convergence.reason


class _HeldOut:
    """Means and second moments of the losses of held-out rows under several models."""

    def __init__(self, count: int) -> None:
        self._weight = 0.0
        self._origin: Vector | None = None
        self._first = np.zeros(count)
        self._second = np.zeros((count, count))
        self._impossible = np.zeros(count, dtype=bool)
        self._unknown = np.zeros(count, dtype=bool)

    def add(self, models: Sequence[Model | None], y: Vector, weight: Vector | None) -> None:
        """Add rows, with the models that were fitted to others."""
        losses = np.stack([-_log_density(model, y) for model in models])
        w = np.ones(y.size) if weight is None else weight
        self._unknown |= np.isnan(losses).any(axis=1)
        self._impossible |= np.isinf(losses).any(axis=1)
        losses[~np.isfinite(losses)] = 0.0
        if self._origin is None:  # near the means, so that the second moments keep their digits
            self._origin = losses.mean(axis=1)
        centred = losses - self._origin[:, None]
        self._weight += float(w.sum())
        self._first += centred @ w
        self._second += (centred * w) @ centred.T

    def results(self) -> tuple[list[float], list[float], list[float], list[float]]:
        """Mean and error of each loss, and of its paired difference to the lowest."""
        n = self._first.size
        if self._origin is None:
            none = [math.nan] * n
            return none, none, none, none
        mean = self._first / self._weight
        covariance = self._second / self._weight - np.outer(mean, mean)
        loss = mean + self._origin
        loss[self._impossible], loss[self._unknown] = np.inf, np.nan
        best = int(np.nanargmin(loss)) if np.isfinite(loss).any() else 0
        variance = np.diag(covariance)
        between = variance + variance[best] - 2.0 * covariance[best]
        errors = [np.sqrt(np.maximum(v, 0.0) / (self._weight - 1.0)) for v in (variance, between)]
        for error in errors:
            error[~np.isfinite(loss)] = np.nan
        with np.errstate(invalid="ignore"):
            above = loss - loss[best]
        return loss.tolist(), errors[0].tolist(), above.tolist(), errors[1].tolist()


def _log_density(model: Model | None, y: Vector) -> Vector:
    return np.full(y.size, np.nan) if model is None else np.asarray(model.log_density(y))


def _rank(entry: Compared, criterion: str) -> tuple[bool, float]:
    value = entry.held_out if criterion == "held_out" else entry.criterion(criterion)
    return (math.isnan(value), value)
