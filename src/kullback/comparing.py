"""``kl.compare``: fit models to one sample, and rank them by their loss on held-out rows."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np

from kullback._core.arrays import Vector
from kullback._core.errors import DataError, KullbackError, ModelError
from kullback._core.validation import check_choice
from kullback.data.blocks import Block, blocks
from kullback.data.checks import and_more
from kullback.data.fold_keys import FoldKey, open_with_key
from kullback.data.folds import Folds, GroupFolds, RowFolds, TimeFolds, without
from kullback.data.sample import RowSource
from kullback.engines.choice import EngineFactory, engine_for, workers_of
from kullback.engines.engine import Engine
from kullback.engines.local import threads_or_all
from kullback.engines.parts import Part, PartsEngine
from kullback.models.model import Model
from kullback.models.network import networks_of
from kullback.models.registry import own_models
from kullback.objective.families_for import families_for
from kullback.objective.held_out import HeldOutLosses
from kullback.objective.learning import bound
from kullback.objective.model_columns import roles_of, schema_of
from kullback.objective.row_losses import row_losses
from kullback.refitting import Clock, SampleProblem
from kullback.results.comparison import Compared, Comparison
from kullback.results.fit import Fit
from kullback.results.sample_info import FREQUENCY, SAMPLING, WEIGHT_KINDS

_NO_LOSS = (math.nan, math.nan, math.nan, math.nan)
_CRITERIA = ("held_out", "aic", "bic")
_EVERY = ("all", "continuous")


def compare(
    models: Any,
    data: Any,
    y: Any = None,
    *,
    shifted: bool = False,
    event: Any = None,
    truncation: Any = None,
    rounding: float | None = None,
    weights: Any = None,
    weight_kind: str = FREQUENCY,
    missing: str = "error",
    folds: int = 5,
    groups: Any = None,
    time: Any = None,
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
            holds all rows, and meets the ends of censored ones, of counts where all rows are whole
            numbers from 0 on; "continuous" takes whole numbers as rounded measurements instead.
        data: as for ``kl.fit``.
        y: the outcome's column; not needed where there is only one column. Or two, ("lower",
            "upper"), between which it lies, as for ``kl.fit``.
        shifted: whether "all" and "continuous" contain ``kl.Shifted`` families too: Weibull, gamma,
            log-normal, ... distributions that begin at an estimated number. One that begins above a
            held-out row has an infinite loss, as a shifted exponential distribution always has,
            whose estimate begins at the smallest of its rows. ``.best`` prefers one that does not
            end at an estimated number, unless it is distinguishable from that of smallest loss.
        event: how each outcome was observed, as for ``kl.fit``. The loss of a censored row is
            −log of the probability of its ends.
        truncation: the window of each row, as for ``kl.fit``: losses are those given that the
            outcome lies there.
        rounding: what outcomes were rounded to, as for ``kl.fit``: losses are those of cells.
        weights: of the rows, as for ``kl.fit``.
        weight_kind: "frequency" or "sampling", as for ``kl.fit``. With the latter the variance of a
            mean loss is n/(n − 1) Σ w² (ℓ − mean)²/(Σ w)² over the n rows, and there is no AIC,
            AICc, BIC or TIC.
        missing: "error", or "drop" to leave out rows with missing values.
        folds: K; the same rows are in a fold for every model.
        groups: a column, or an array where ``data`` are in memory: all rows of a group are in one
            fold, so that a model is scored on groups that it was not fitted to. The errors are
            those of sums over groups.
        time: a column, or an array, of numbers, dates or text in order: each fold is scored by
            fits to the earlier rows. The rows before the first fold are not scored.
        seed: of the folds, which depend on the rows' numbers or the groups' keys alone.
        criterion: "held_out", "aic" or "bic"; with the last two no rows are held out.
        engine: as for ``kl.fit``.
        progress: called with the number of fits made, and of all.

    Levels of categories are those of all rows. Where the rows outside a fold lack one, its
    coefficient is taken as 0 there, that of the reference, which the model's row says.

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
    every = models if isinstance(models, str) and models in _EVERY else ""
    if criterion not in _CRITERIA:
        choices = ", ".join(map(repr, _CRITERIA))
        raise KullbackError(f"criterion must be one of {choices}, got {criterion!r}.")
    check_choice("weight_kind", weight_kind, WEIGHT_KINDS)
    sampling = weight_kind == SAMPLING
    if sampling and criterion != "held_out":
        raise KullbackError(
            f"criterion={criterion!r} needs the likelihood of the rows, which sampling weights do "
            'not give: rank by criterion="held_out".'
        )
    if folds < 2:
        raise KullbackError(f"folds must be at least 2, got {folds}.")
    named = {} if every else _named(models)
    if shifted and not every:
        raise KullbackError(
            'shifted=True adds families to "all" or "continuous"; among models of your own write '
            "kl.Shifted(kl.Weibull())."
        )
    first = tuple(named.values()) or (own_models()["Normal"](),)
    given = _key_of(groups, time)
    roles = roles_of(
        first,
        y,
        weights=weights,
        missing=missing,
        event=event,
        truncation=truncation,
        rounding=rounding,
    )
    sample, key = open_with_key(data, roles, schema_of(first), given, workers_of(engine))
    outcomes = ""
    if not named:
        outcomes, named = families_for(sample, continuous=every == "continuous", shifted=shifted)
    entries = [
        _Entry(name, bound(model, sample, engine or engine_for)) for name, model in named.items()
    ]
    parts = _folds(sample, folds, seed, key) if criterion == "held_out" else None
    count = _Count(progress, len(entries) * (1 + (folds if parts else 0)))
    plain = without(sample, key.field) if key is not None and key.alone else sample
    # models with linear predictors set the threads of BLAS, and streams are read in threads
    alone = not sample.in_memory or any(entry.model.linear for entry in entries)
    with _threads(1 if alone else threads_or_all(None)) as each:
        # those with most numbers take longest: begun last, one thread would wait for the other
        longest = sorted(entries, key=lambda entry: -entry.model.vector.n_free)
        list(each(_Work(plain, parts, engine, count, weight_kind).fit, longest))
        compared = _scored(entries, parts, each, sampling=sampling)
    return Comparison(
        tuple(sorted(compared, key=lambda entry: _rank(entry, criterion))),
        criterion,
        folds if parts else 0,
        outcomes,
        "" if key is None else {"groups": "of groups", "time": "in time"}[key.role],
    )


def _named(models: Any) -> dict[str, Model]:
    """Models by name."""
    given: Any = models.values() if isinstance(models, Mapping) else models
    several = list(given) if hasattr(given, "__iter__") and not isinstance(given, str) else []
    wrong = [model for model in several if not isinstance(model, Model)]
    if wrong or not several:
        raise ModelError(
            'models must be "all", "continuous", or a list of models such as [kl.Gamma(), '
            f"kl.LogNormal()], got {wrong[0] if wrong else models!r}."
        )
    if len({(model.outcome, model.discrete, model.atoms) for model in several}) > 1:
        kinds = ", ".join(f"{model.name} of {_kind(model)}" for model in several)
        raise ModelError(
            "the losses of densities and of probabilities cannot be compared: give models of one "
            f"kind of outcome, got {kinds}."
        )
    networks = [model for model in several if networks_of(model)]
    if networks:
        raise ModelError(
            f"{networks[0]!r} contains a network, which kl.compare does not train: fit it to some "
            "of the rows, and score it on others with kl.estimate_cross_entropy_difference."
        )
    if isinstance(models, Mapping):
        return {str(name): model for name, model in models.items()}
    names = [model.name for model in several]
    return {n if names.count(n) == 1 else repr(m): m for n, m in zip(names, several, strict=True)}


def _key_of(groups: Any, time: Any) -> FoldKey | None:
    if groups is not None and time is not None:
        raise KullbackError("groups and time cannot both part the rows: give one of them.")
    if groups is None and time is None:
        return None
    return FoldKey("groups", groups) if time is None else FoldKey("time", time)


def _folds(sample: RowSource, count: int, seed: int, key: FoldKey | None) -> Folds:
    if key is None:
        return RowFolds(sample, count, seed)
    if key.role == "time":
        return TimeFolds(sample, count, key)
    return GroupFolds(sample, count, key, seed)


@contextmanager
def _threads(count: int) -> Iterator[Callable[..., Iterable[Any]]]:
    """``map``, in threads where there are several."""
    if count == 1:
        yield map
        return
    pool = ThreadPoolExecutor(count)
    try:
        yield pool.map
    finally:
        pool.shutdown(cancel_futures=True)


def _kind(model: Model) -> str:
    if model.atoms:
        return "numbers with a probability at 0"
    return "labels" if model.outcome == "label" else "counts" if model.discrete else "numbers"


class _Count:
    """Counts fits, and reports them."""

    def __init__(self, progress: Callable[[int, int], None] | None, total: int) -> None:
        self._progress, self._done, self._total = progress, 0, total
        self._lock = threading.Lock()

    def one(self) -> None:
        self.skip(1)

    def skip(self, fits: int) -> None:
        with self._lock:
            self._done += fits
            if self._progress is not None:
                self._progress(self._done, self._total)


@final
@dataclass
class _Entry:
    """A model: its fit to all rows, those to the others of each fold, and what went wrong."""

    name: str
    model: Model
    fit: Fit | None = None
    by_fold: list[Model | None] = field(default_factory=list)
    reason: str = ""


@final
class _Work:
    """The fits of each model: to all rows, and to the others of each fold."""

    def __init__(
        self,
        sample: RowSource,
        folds: Folds | None,
        engine: EngineFactory | None,
        count: _Count,
        weight_kind: str,
    ) -> None:
        self._sample, self._folds, self._engine, self._count = sample, folds, engine, count
        self._weight_kind = weight_kind
        self._others = [folds.others(part) for part in folds.scored] if folds else []
        parts = range(len(folds.parts)) if folds else ()
        self._engines = [(engine or engine_for)(folds.plain(k)) for k in parts] if folds else []

    def fit(self, entry: _Entry) -> None:
        """Fit a model to all rows, then to the others of each fold."""
        try:
            problem = SampleProblem(
                entry.model, self._sample, self._engine, weight_kind=self._weight_kind
            )
            entry.fit = problem.fit(Clock())
        except (DataError, ModelError) as error:
            entry.reason = str(error)
        else:
            entry.reason = _why_not(entry.fit)
        self._count.one()
        if self._folds is None:
            return
        if entry.fit is None or not _estimated(entry.fit):
            entry.by_fold = [None] * len(self._others)
            self._count.skip(len(self._others))
            return
        parts = [Part(engine) for engine in self._engines]
        for k, others in zip(self._folds.scored, self._others, strict=True):
            entry.by_fold.append(self._fit_others(entry, k, others, parts))
            self._count.one()

    def _fit_others(
        self, entry: _Entry, scored: int, others: RowSource, parts: Sequence[Part]
    ) -> Model | None:
        """Fit a model to the rows outside a fold; None, and a reason, where that is impossible."""
        assert self._folds is not None
        assert entry.fit is not None
        own = [parts[k] for k in self._folds.fitted_on(scored)]

        def engine(sample: RowSource) -> Engine:
            if sample is others:
                return PartsEngine(own, parts[0])
            return (self._engine or engine_for)(sample)  # the rows in another unit

        problem = entry.fit.problem
        assert isinstance(problem, SampleProblem)
        try:
            stepped = problem.step_on(others, engine)
            if stepped is not None:
                return stepped
            again = problem.on(others, engine)
        except (DataError, ModelError) as error:
            reason = str(error)
        else:
            if _estimated(again):
                lacking = [n for n in entry.fit.names if n not in again.names]
                if lacking:
                    names = and_more(lacking[:3], len(lacking))
                    entry.reason = (
                        f"without fold {scored} rows do not determine {names}, taken as 0 there"
                    )
                return again.model
            reason = _why_not(again)
        entry.reason = f"without fold {scored}: {reason}"
        return None


def _scored(
    entries: Sequence[_Entry],
    folds: Folds | None,
    each: Callable[..., Iterable[Any]],
    *,
    sampling: bool,
) -> list[Compared]:
    """Score the rows of every fold by the models that were fitted to others."""
    fitted = [entry for entry in entries if entry.fit is not None]
    grouped = folds.values.size if isinstance(folds, GroupFolds) else 0
    losses = HeldOutLosses(len(fitted), grouped, sampling=sampling)
    for k, part in enumerate(folds.scored if folds else ()):
        assert folds is not None
        models = [entry.by_fold[k] for entry in fitted]
        for block in blocks(folds.parts[part].chunks()):
            group = None
            if isinstance(folds, GroupFolds):
                group = folds.places(block.fields[folds.key.field][: block.count])
            rows = block.without(folds.left_out) if folds.left_out else block
            of_models = list(each(_losses, models, [rows] * len(models)))
            losses.add(np.stack(of_models), block.weight[: block.count], group)
    numbers = dict(zip((e.name for e in fitted), zip(*losses.results(), strict=True), strict=True))
    return [Compared(e.name, *numbers.get(e.name, _NO_LOSS), e.reason, e.fit) for e in entries]


def _losses(model: Model | None, block: Block) -> Vector:
    return np.full(block.count, np.nan) if model is None else row_losses(model, block)


def _estimated(fit: Fit) -> bool:
    """Whether a fit converged, or its model ran to its limit."""
    return fit.convergence.converged or _why_not(fit).startswith("limit: ")


def _why_not(fit: Fit) -> str:
    """The limit that a fit runs to, or why else it did not converge; empty where it did."""
    if fit.convergence.converged:
        return ""
    limits = [limit for name, limit in fit.form.limits.items() if name in fit.convergence.reason]
    at_limit = "no maximum" in fit.convergence.reason and limits
    return f"limit: {limits[0]}" if at_limit else fit.convergence.reason


def _rank(entry: Compared, criterion: str) -> tuple[bool, float]:
    value = entry.held_out if criterion == "held_out" else entry.criterion(criterion)
    return (math.isnan(value) or not entry.ranked, value)
