"""The cross-entropy of fixed models on a sample, and the paired difference of two."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from kullback._core.errors import DataError, ModelError
from kullback._core.units import nats_per
from kullback._core.validation import check_level
from kullback.data.blocks import blocks
from kullback.data.fold_keys import FoldKey, open_with_key
from kullback.data.roles import Roles
from kullback.engines.choice import EngineFactory, engine_for, workers_of
from kullback.information.estimate import Estimate
from kullback.models.model import Model
from kullback.objective.held_out import HeldOutLosses
from kullback.objective.learning import bound
from kullback.objective.loss_moments import Losses, Moments
from kullback.objective.model_columns import roles_of, schema_of
from kullback.objective.row_losses import row_losses
from kullback.objective.zero_probability import FindImpossible, ImpossibleRows

INDEPENDENT = "rows are independent draws that the models were not fitted to"


def estimate_cross_entropy(
    model: Model,
    data: Any,
    y: Any = None,
    *,
    event: Any = None,
    truncation: Any = None,
    weights: Any = None,
    clusters: Any = None,
    missing: str = "error",
    unit: str = "nats",
    level: float = 0.95,
    engine: EngineFactory | None = None,
) -> Estimate:
    """Estimate the cross-entropy H(p, q) of the distribution p of a sample under a model q.

    The estimate is the mean of −log q over the rows, its standard error the standard deviation of
    −log q over √n, and the interval that of Student's t with n − 1 degrees of freedom. On rows that
    q was fitted to, it is too small by k/n on average for k estimated parameters: use other rows.

    Args:
        model: q, with every parameter fixed: a distribution, or ``fit.model``.
        data: as for ``kl.fit``: arrays, tables, CSV or Parquet files.
        y: the outcome's column; not needed where there is only one column. Or two, its ends.
        event: how each outcome was observed, as for ``kl.fit``: the loss of a censored row is
            −log of the probability of its ends.
        truncation: the window of each row, given which its loss is.
        weights: frequency weights: a column's name, or an array where ``data`` are arrays.
        clusters: a column, or an array where ``data`` are in memory: rows of one value, such as a
            subject's, may depend on one another. The error is then that of sums over clusters,
            √(G/(G − 1) Σ_g (Σ_{i∈g} w (ℓ − mean))²)/Σ w, and the interval has G − 1 degrees of
            freedom.
        missing: "error", or "drop" to leave out rows with missing values.
        unit: "nats", "bits" or "hartleys".
        level: coverage probability of the interval.
        engine: as for ``kl.fit``.

    Returns:
        The estimate; +inf, with the names of the rows, where q gives rows probability zero.

    Raises:
        ModelError: for a model with a parameter that is not fixed.
        DataError: for data that cannot be used.

    Example:
        >>> import kullback as kl
        >>> print(kl.estimate_cross_entropy(kl.Exponential(rate=1.0), [0.5, 1.5, 1.0, 3.0]))
        1.5 nats ± 0.54 (95%: -0.218717 to 3.21872), mean of −log q over 4 rows
          rows are independent draws that the models were not fitted to
    """
    roles = _roles(
        (model,), y, weights=weights, missing=missing, event=event, truncation=truncation
    )
    scored = _Scored((model,), data, roles, unit, level, engine, clusters)
    moments = scored.moments()
    if not math.isfinite(moments.mean):
        return scored.infinite(0)
    return scored.estimate(moments, f"mean of −log q over {moments.weight:,.12g} rows")


def estimate_cross_entropy_difference(
    first: Model,
    second: Model,
    data: Any,
    y: Any = None,
    *,
    event: Any = None,
    truncation: Any = None,
    weights: Any = None,
    clusters: Any = None,
    missing: str = "error",
    unit: str = "nats",
    level: float = 0.95,
    engine: EngineFactory | None = None,
) -> Estimate:
    """Estimate H(p, first) − H(p, second), paired: from the same rows under both models.

    The variation that both losses share cancels, so that the standard error is often a small part
    of either cross-entropy's. The difference is negative where the first model is better; it equals
    D(p‖first) − D(p‖second), whatever the entropy of p.

    Args:
        first: a model with every parameter fixed.
        second: another.
        data: as for ``kl.fit``.
        y: the outcome's column; not needed where there is only one column. Or two, its ends.
        event: how each outcome was observed, as for ``kl.fit``: the loss of a censored row is
            −log of the probability of its ends.
        truncation: the window of each row, given which its loss is.
        weights: frequency weights: a column's name, or an array where ``data`` are arrays.
        clusters: a column, or an array where ``data`` are in memory: rows of one value, such as a
            subject's, may depend on one another. The error is then that of sums over clusters,
            √(G/(G − 1) Σ_g (Σ_{i∈g} w (ℓ − mean))²)/Σ w, and the interval has G − 1 degrees of
            freedom.
        missing: "error", or "drop" to leave out rows with missing values.
        unit: "nats", "bits" or "hartleys".
        level: coverage probability of the interval.
        engine: as for ``kl.fit``.

    Returns:
        The estimate; ±inf, with the names of the rows, where one of the models gives rows
        probability zero.

    Raises:
        ModelError: for a model with a parameter that is not fixed, and for a model of numbers with
            one of labels.
        DataError: for data that cannot be used, or where both models give rows probability zero.

    Example:
        >>> import kullback as kl
        >>> narrow, wide = kl.Normal(loc=0.0, scale=1.0), kl.Normal(loc=0.0, scale=2.0)
        >>> difference = kl.estimate_cross_entropy_difference(narrow, wide, [0.3, -1.1, 0.8, 0.2])
        >>> round(float(difference), 4), round(difference.stderr, 4)
        (-0.5075, 0.1029)
    """
    if first.outcome != second.outcome:
        raise ModelError(
            f"{first.name} takes {first.outcome}s and {second.name} takes {second.outcome}s: they "
            f"are models of different outcomes. Compare two models of the same column."
        )
    roles = _roles(
        (first, second), y, weights=weights, missing=missing, event=event, truncation=truncation
    )
    scored = _Scored((first, second), data, roles, unit, level, engine, clusters)
    moments = scored.moments()
    if not math.isfinite(moments.mean):
        impossible = [scored.impossible(which) for which in range(2)]
        if all(found.count for found in impossible):
            raise DataError(
                "both models give rows probability zero, so the difference is inf − inf. "
                f"{first!r}: {impossible[0].phrase(scored.sample.locate)}. "
                f"{second!r}: {impossible[1].phrase(scored.sample.locate)}. Leave those rows out."
            )
        return scored.infinite(0 if impossible[0].count else 1)
    return scored.estimate(moments, f"paired difference over {moments.weight:,.12g} rows")


class _Scored:
    """Fixed models and a sample to score them on."""

    def __init__(
        self,
        models: tuple[Model, ...],
        data: Any,
        roles: Roles,
        unit: str,
        level: float,
        engine: EngineFactory | None,
        clusters: Any,
    ) -> None:
        self.size = nats_per(unit)
        check_level(level)
        self.unit, self.level, self.clusters = unit, level, 0
        key = None if clusters is None else FoldKey("clusters", clusters)
        schema = schema_of(models, models[0].levels)
        self.sample, self.key = open_with_key(data, roles, schema, key, workers_of(engine))
        self.models = tuple(bound(model, self.sample, engine or engine_for) for model in models)
        self.engine = (engine or engine_for)(self.sample)

    def moments(self) -> Moments:
        """Compute mean and variance of the loss, or of the difference of two."""
        losses = Losses(self.models)
        block = self.engine.first_block()
        y = np.zeros(1) if block is None else block.located[:1]
        with np.errstate(invalid="ignore"):
            near = [-float(model.log_density(y)[0]) for model in self.models if not model.columns]
        origin = near[0] - sum(near[1:]) if len(near) == len(self.models) else 0.0
        origin = origin if math.isfinite(origin) else 0.0
        if self.key is not None:
            return self._moments_of_clusters(self.key)
        return losses.unpack(self.engine.reduce(losses, losses.arguments(origin)), origin)

    def _moments_of_clusters(self, key: FoldKey) -> Moments:
        """The same, with the variance that G independent clusters give their mean, times G − 1."""
        values = np.zeros(0)
        for chunk in self.sample.chunks():
            values = np.union1d(values, chunk.fields[key.field])
        if values.size < 2:
            raise DataError(
                f"{key.label} have one value in all rows: an error needs two clusters or more."
            )
        losses, weight = HeldOutLosses(1, values.size), 0.0
        for block in blocks(self.sample.chunks()):
            place = np.searchsorted(values, block.fields[key.field][: block.count])
            rows = block.without(key.field) if key.alone else block
            each = [row_losses(model, rows) for model in self.models]
            with np.errstate(invalid="ignore"):
                loss = each[0] if len(each) == 1 else each[0] - each[1]
            own = block.weight[: block.count]
            losses.add(loss[None, :].copy(), own, place)
            weight += float(own.sum())
        (mean,), (error,), *_ = losses.results()
        self.clusters = values.size
        return Moments(weight, mean, error**2 * (values.size - 1.0))

    def impossible(self, which: int) -> ImpossibleRows:
        """Find the rows to which one of the models gives probability zero."""
        model = self.models[which]
        constrained = model.vector.constrained(np.zeros(0))
        found: ImpossibleRows = self.engine.reduce(FindImpossible(model), constrained)
        return found

    def infinite(self, which: int) -> Estimate:
        """Return +inf (−inf for the second of two), with the names of the impossible rows."""
        rows = self.impossible(which).phrase(self.sample.locate)
        cause = f"{self.models[which]!r} gives probability zero to {rows}"
        value = -math.inf if which else math.inf
        return Estimate(
            value, math.nan, (value, value), "mean of −log q", self.unit, (cause,), self.level
        )

    def estimate(self, moments: Moments, method: str) -> Estimate:
        """Return the mean as an estimate with Student's interval."""
        from scipy.special import stdtrit

        df = (self.clusters or moments.weight) - 1.0
        notes = [INDEPENDENT]
        if self.clusters:
            notes = [f"{self.clusters:,} clusters of {INDEPENDENT}"]
        if df <= 0.0:
            error = half = math.nan
            notes.append("a standard error needs more than one row")
        else:
            error = math.sqrt(moments.variance / df) / self.size
            half = error * float(stdtrit(df, 0.5 + 0.5 * self.level))
        if self.sample.dropped:
            notes.append(f"{self.sample.dropped:,} rows with missing values were left out")
        value = moments.mean / self.size
        ends = (value - half, value + half)
        return Estimate(value, error, ends, method, self.unit, tuple(notes), self.level)


def _roles(models: tuple[Model, ...], y: Any, **options: Any) -> Roles:
    """Check the models, and return the roles of the columns."""
    for model in models:
        _check(model)
    return roles_of(models, y, **options)


def _check(model: Any) -> None:
    if not isinstance(model, Model):
        fitted = " Pass fit.model." if hasattr(model, "model") else ""
        given = repr(model)
        if len(given) > 80:  # rows of data, most likely
            given = f"the first argument, of type {type(model).__name__},"
        raise ModelError(f"{given} is not a model: the model comes first, then the data.{fitted}")
    if model.vector.n_free:
        _ = model.params  # raises, with the parameter that lacks a value
