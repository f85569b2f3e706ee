"""``kl.fit``: combine sample, model, engine and solver into a fit."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, final, overload

from kullback._core.errors import ModelError, nearest
from kullback._core.validation import check_choice
from kullback.data.open import open_sample
from kullback.data.sample import RowSource
from kullback.engines.choice import EngineFactory, engine_for, workers_of
from kullback.engines.engine import Partitions
from kullback.engines.local import LocalEngine
from kullback.engines.streaming import StreamingEngine
from kullback.models.model import Model
from kullback.models.network import networks_of
from kullback.models.registry import own_models
from kullback.objective.learning import bound
from kullback.objective.model_columns import roles_of, schema_of
from kullback.refitting import Clock, SampleProblem
from kullback.results.fit import Fit
from kullback.results.fit_table import FitTable
from kullback.results.fitted_model import FittedModel
from kullback.results.sample_info import FREQUENCY, SAMPLING, WEIGHT_KINDS
from kullback.solvers.minibatch import Minibatch
from kullback.solvers.solver import Solver


@final
@dataclass(frozen=True)
class Progress:
    """How far a fit has come.

    Attributes:
        passes: the number of the present pass; 0 while the workers of a cluster count rows.
        rows: rows read so far, in all passes.
        cross_entropy: of the best point so far, in nats; None before the first.
        partitions: on a cluster, how many partitions of the rows are added up in this pass, and of
            how many; None elsewhere.
    """

    passes: int
    rows: int
    cross_entropy: float | None
    partitions: tuple[int, int] | None = None


@overload
def fit(
    model: Model,
    data: Any,
    y: str | None = None,
    *,
    event: Any = None,
    truncation: Any = None,
    rounding: float | None = None,
    weights: Any = None,
    weight_kind: str = "frequency",
    by: None = None,
    missing: str = "error",
    engine: EngineFactory | None = None,
    solver: Solver[Any] | None = None,
    keep_data: bool = True,
    progress: Callable[[Progress], None] | None = None,
) -> Fit: ...


@overload
def fit(
    model: Model,
    data: Any,
    y: Any = None,
    *,
    event: Any = None,
    truncation: Any = None,
    rounding: float | None = None,
    weights: Any = None,
    weight_kind: str = "frequency",
    by: Any = None,
    missing: str = "error",
    engine: EngineFactory | None = None,
    solver: Solver[Any] | Minibatch | None = None,
    keep_data: bool = True,
    progress: Callable[..., None] | None = None,
) -> Any: ...


def fit(
    model: Model,
    data: Any,
    y: Any = None,
    *,
    event: Any = None,
    truncation: Any = None,
    rounding: float | None = None,
    weights: Any = None,
    weight_kind: str = "frequency",
    by: Any = None,
    missing: str = "error",
    engine: EngineFactory | None = None,
    solver: Solver[Any] | Minibatch | None = None,
    keep_data: bool = True,
    progress: Callable[..., None] | None = None,
) -> FittedModel | FitTable:
    """Fit a model to data by maximum likelihood: minimise the cross-entropy Σ w ℓ / Σ w.

    Args:
        model: the model to fit, such as ``kl.Gamma()``.
        data: an array or anything array-like, a Series, a table (pandas, polars, Arrow, a dict of
            arrays) with ``y`` the outcome's column, a lazy query or a stream of Arrow batches, or
            CSV or Parquet files: a path, a list of paths, or a glob; or a ``kl.Sample``.
        y: the outcome's column; not needed where there is only one column. Beside covariates, also
            an array. Or two columns, ("lower", "upper"): the outcome lies between them or on them.
            Equal ends are an outcome that was seen; an infinite or a missing end is none.
        event: how each outcome was observed, a column or an array: 1 or True the outcome itself; 0
            or False that it is at least ``y`` (right-censored); −1 that it is at most ``y``
            (left-censored: below a detection limit). Text, or other codes, by ``kl.Events``.
        truncation: two ends, each a column, a number, an array or None: a row is in the data only
            because its outcome lay between them (left-truncated: seen only from ``entry`` on). The
            likelihood is that given this; ``fit.model`` is the distribution of all outcomes.
        rounding: the distance of the values that outcomes were rounded to, so that x says that the
            outcome lies between x − rounding/2 and x + rounding/2.
        weights: of the rows: a column's name, or an array where ``data`` are arrays.
        weight_kind: "frequency": a row of weight k counts as k equal rows. "sampling": it is one
            row, drawn with a probability in proportion to 1/k. The estimate is the same, the
            covariance H⁻¹ (Σ w² s s') H⁻¹, with H = Σ w ∂²ℓ and s the scores of the rows; whatever
            needs the likelihood of the rows (AIC, BIC, profiles, likelihood-ratio tests) is
            refused. Strata are not taken into account; clusters are by ``fit.with_covariance``.
        by: columns whose values split the rows into groups, "machine" or ["plant", "machine"], or
            an array of keys: the model is fitted to each group, as if to its rows alone, thousands
            in one call, and the result is a ``kl.FitTable``.
        missing: "error", or "drop" to leave out rows with missing values; the fit reports how many.
        engine: ``kl.LocalEngine`` or ``kl.StreamingEngine`` (or a function from a sample to an
            engine), or ``kl.DaskEngine(client)``; by default the first for data in memory, the
            second for larger files.
        solver: by default Newton's method in a trust region; for networks a ``kl.Minibatch``.
        keep_data: whether the fit refers to its rows (``fit.problem``), as profile intervals need.
            They are not copied. Without, the rows can be freed as soon as you drop them.
        progress: called with a ``kl.Progress`` after blocks of rows, on a cluster as partitions
            end; for networks after every epoch, with the epoch, the number of epochs and the
            entropy of the label; for groups after each part of them.

    A model with a network, such as ``kl.Categorical(logits=kl.MLP())``, takes the other columns of
    ``data`` as covariates; ``data`` may then be a two-dimensional array and ``y`` an array. The
    result is a ``kl.TrainedFit``.

    Returns:
        The fit. ``fit.convergence`` reports whether it converged and why; a fit that did not has
        no standard errors.

    Raises:
        DataError: for data that cannot be used, with the rows and the remedy.
        ModelError: for a model that cannot be fitted to them.

    Example:
        >>> import kullback as kl
        >>> fit = kl.fit(kl.Exponential(), [0.5, 1.5, 1.0])
        >>> fit.params, round(fit.cross_entropy, 6)
        ({'rate': 1.0}, 1.0)
    """
    check_model(model)
    check_choice("weight_kind", weight_kind, WEIGHT_KINDS)
    if weight_kind == SAMPLING and networks_of(model):
        raise ModelError(
            'weight_kind="sampling" concerns the errors of a fit: leave it out for networks, which '
            "have none."
        )
    if networks_of(model):
        if by is not None:
            raise ModelError(f"by= does not train networks, but {model!r} contains one.")
        if not (event is truncation is rounding is None):
            raise ModelError(
                f"{model!r} contains a network, which is trained on exact rows: leave out event, "
                "truncation and rounding."
            )
        if solver is not None and not isinstance(solver, Minibatch):
            raise ModelError(f"{model!r} needs solver=kl.Minibatch(...), got {solver!r}.")
        streamed = None if engine is None else engine is StreamingEngine
        if streamed is False and engine is not LocalEngine:
            raise ModelError(
                "a network needs engine=kl.LocalEngine (rows in memory) or kl.StreamingEngine "
                f"(files read in every epoch), got {engine!r}."
            )
        from kullback.training.train import train  # as long to import as many fits take

        return train(
            model,
            data,
            y,
            weights=weights,
            missing=missing,
            solver=solver,
            progress=progress,
            streamed=streamed,
        )
    if by is not None and isinstance(data, RowSource):
        raise ModelError("by= needs a table with the columns of the groups, got a sample.")
    if by is not None:
        rows = {"event": event, "truncation": truncation, "rounding": rounding}
        rows |= {"weights": weights, "missing": missing}
        how = {"engine": engine, "solver": solver, "weight_kind": weight_kind}
        return _fit_groups(model, data, y, by, rows, how, progress)
    if isinstance(solver, Minibatch):
        raise ModelError(f"kl.Minibatch trains networks, but {model!r} does not contain one.")
    clock = Clock()
    roles = roles_of(
        (model,),
        y,
        weights=weights,
        missing=missing,
        event=event,
        truncation=truncation,
        rounding=rounding,
    )
    sample = open_sample(data, roles, schema_of((model,)), workers=workers_of(engine))
    model = bound(model, sample, engine or engine_for)
    watch = None if progress is None else _Watch(progress)
    problem = SampleProblem(model, sample, engine, solver, weight_kind=weight_kind)
    fitted = problem.fit(clock, watch)
    return fitted if keep_data else fitted.without_data()


def _fit_groups(
    model: Model,
    data: Any,
    y: Any,
    by: Any,
    rows: Mapping[str, Any],
    how: Mapping[str, Any],
    progress: Callable[..., None] | None,
) -> FitTable:
    from kullback.groups.fit import fit_groups

    return fit_groups(
        model,
        data,
        y,
        by,
        **rows,
        # errors with sampling weights need a second pass over the rows of each group
        at_once=how == {"engine": None, "solver": None, "weight_kind": FREQUENCY},
        alone=partial(_fit_alone, how),
        progress=None if progress is None else lambda rows: progress(Progress(1, rows, None)),
    )


def _fit_alone(how: Mapping[str, Any], model: Model, sample: RowSource) -> Fit:
    found: Fit = fit(model, sample, **how)
    return found


def check_model(model: Any) -> None:
    """Refuse what is not a model, and say which one may be meant.

    Args:
        model: what a user took for one.

    Raises:
        ModelError: it is none.
    """
    if isinstance(model, Model):
        return
    hint = " Give one such as kl.Normal()."
    if isinstance(model, type):
        hint = f" Write kl.{model.__name__}()."
    elif isinstance(model, str):
        near = nearest(model, own_models())
        hint = f" Write kl.{near}()." if near else hint
    raise ModelError(f"{model!r} is not a model.{hint}")


@final
class _Watch:
    """Reports progress, with the best cross-entropy so far."""

    def __init__(self, callback: Callable[[Progress], None]) -> None:
        self._callback = callback
        self._best: float | None = None

    def rows(self, passes: int, rows: int, partitions: Partitions | None) -> None:
        self._callback(Progress(passes, rows, self._best, partitions))

    def value(self, value: float) -> None:
        if math.isfinite(value) and (self._best is None or value < self._best):
            self._best = value
