"""The only wiring: sample + model + engine + solver → fit."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias, final

import numpy as np

from kullback._core.arrays import Vector
from kullback._core.compilation import COMPILED
from kullback._core.errors import DataError, ModelError
from kullback._core.supports import Interval
from kullback.data.opening import open_sample
from kullback.data.sample import ArraySample, Sample
from kullback.engines.engine import Engine
from kullback.engines.local import LocalEngine
from kullback.engines.streaming import StreamingEngine
from kullback.models.family import Family
from kullback.models.layout import Layout
from kullback.models.model import Model
from kullback.objective.cross_entropy import CrossEntropy, Evaluation
from kullback.objective.description import THINNED, Describe, Description
from kullback.objective.median import weighted_median
from kullback.objective.statistics import Curvature, Joint, Statistic, Sums
from kullback.objective.sufficient import (
    SufficientMoments,
    SufficientSums,
    Table,
    Tabulate,
    curvature_of_moments,
)
from kullback.results.certificate import Certificate
from kullback.results.fit import Fit, Seen
from kullback.results.uncertainty import SINGULAR, scaled_eigenvalues
from kullback.solvers.newton import Newton
from kullback.solvers.solver import Outcome, Solution, Solver, minimise

EngineFactory: TypeAlias = Callable[[Sample], Engine]

# Starting values are computed on the host from at most this many rows.
_FOR_STARTS = 4_096

# Two starts agree when their cross-entropies differ by less than this, relative to 1 + |value|: far
# above rounding, far below any difference that standard errors could see.
_AGREE = 1e-9

# A coefficient on a logarithmic scale whose Newton step is still this long, where the gradient has
# vanished, has no maximum: it runs away.
_RUNNING = 1e-3


@final
@dataclass(frozen=True)
class Progress:
    """How far a fit has come.

    Attributes:
        passes: the pass under way.
        rows: rows that went through so far, in all passes.
        cross_entropy: of the best point so far, in nats; None before the first.
    """

    passes: int
    rows: int
    cross_entropy: float | None


def fit(
    model: Model,
    data: Any,
    y: str | None = None,
    *,
    weights: Any = None,
    missing: str = "error",
    engine: EngineFactory | None = None,
    solver: Solver[Any] | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Fit:
    """Fit a model to data by maximum likelihood: minimise the cross-entropy Σ w ℓ / Σ w.

    Args:
        model: what to fit, such as ``kl.Gamma()``.
        data: an array or anything array-like, a Series, a table (pandas, polars, Arrow, a dict of
            arrays) with ``y`` the outcome's column, or the path of CSV or Parquet files (or a glob).
        y: the column that holds the outcome.
        weights: frequency weights: the name of a column, or an array beside arrays. A row of weight
            k counts as k equal rows.
        missing: "error", or "drop" to leave rows with missing values out; the fit says how many.
        engine: ``kl.LocalEngine`` or ``kl.StreamingEngine`` (or a function of a sample that gives
            an engine); by default the one that suits the data.
        solver: by default Newton's method in a trust region.
        progress: called as blocks of rows are done.

    Returns:
        The fit. ``fit.certificate`` says whether it converged and why; a fit that did not prints
        no standard errors.

    Raises:
        DataError: for data that cannot be used, naming the rows and the fix.
        ModelError: for a model that cannot be fitted to them.

    Example:
        >>> import kullback as kl
        >>> fit = kl.fit(kl.Exponential(), [0.5, 1.5, 1.0])
        >>> fit.params, round(fit.cross_entropy, 6)
        ({'rate': 1.0}, 1.0)
    """
    if not isinstance(model, Model):
        hint = f" Write kl.{model.__name__}()." if isinstance(model, type) else ""
        raise ModelError(f"{model!r} is not a model.{hint}")
    begin, compiled = time.perf_counter(), COMPILED.seconds
    sample = open_sample(
        data, y=y, weights=weights, columns=model.columns, missing=missing, outcome=model.outcome
    )
    if sample.levels is not None:
        model = model.with_levels(sample.levels)
    over_rows = (engine or _engine_for)(sample)
    watch = _Watch(progress)
    over_rows.progress = watch.rows
    known = _look(model, sample, over_rows)
    layout = _hold_order_statistics(model, known, over_rows)
    solved = _solve(model, layout, known, over_rows, solver or Newton(), watch)
    compiling = COMPILED.seconds - compiled
    certificate = replace(
        solved.certificate,
        passes=over_rows.passes,
        compile_seconds=compiling,
        run_seconds=time.perf_counter() - begin - compiling,
    )
    seen = Seen(
        label=sample.label,
        source=sample.describe_source(),
        rows=known.description.rows,
        weight=known.description.weight,
        dropped=sample.dropped,
        entropy=known.entropy,
        levels=sample.levels,
    )
    return Fit(model, layout, solved.evaluation, seen, certificate)


def _engine_for(sample: Sample) -> Engine:
    return LocalEngine(sample) if sample.in_memory else StreamingEngine(sample)


@final
class _Watch:
    """Passes progress on, with the best cross-entropy so far."""

    def __init__(self, callback: Callable[[Progress], None] | None) -> None:
        self._callback = callback
        self._best: float | None = None

    def rows(self, passes: int, rows: int) -> None:
        if self._callback is not None:
            self._callback(Progress(passes, rows, self._best))

    def value(self, value: float) -> None:
        if math.isfinite(value) and (self._best is None or value < self._best):
            self._best = value


# ---- the first look ----------------------------------------------------------------------------


@final
@dataclass(frozen=True)
class _Known:
    """What the first pass found: a description, and the sample condensed where that loses nothing."""

    description: Description
    moments: SufficientMoments | None
    table: ArraySample | None

    @property
    def entropy(self) -> float | None:
        """Entropy of the empirical distribution, where it has one."""
        if self.table is None:
            return None
        weight = self.table.weight
        assert weight is not None
        p = weight[weight > 0.0] / np.sum(weight)
        return -float(np.sum(p * np.log(p)))

    @property
    def few(self) -> tuple[Vector, Vector]:
        """Outcomes and weights of a small sample, all of it where that is small."""
        if self.table is not None:
            assert self.table.weight is not None
            return self.table.fields["y"], self.table.weight
        step = -(-self.description.values.size // _FOR_STARTS)
        values, weights = self.description.values[::step], self.description.weights[::step]
        kept = weights > 0.0
        return values[kept], weights[kept]


def _look(model: Model, sample: Sample, engine: Engine) -> _Known:
    """Go through the sample once: check it, describe it, and condense it where possible."""
    sufficient = isinstance(model, Family) and model.sufficient and not model.discrete
    tabulated = model.discrete and not model.columns
    statistics: list[Statistic[Any]] = [Describe(model.support)]
    arguments = [np.zeros(0)]
    if sufficient:
        assert isinstance(model, Family)
        block = engine.first_block()
        # a point inside the data, so that differences from it keep their digits
        origin = np.array([np.median(block.fields["y"][: min(block.count, _FOR_STARTS)])])
        if bool(model.support.contains(origin)[0]):  # else the description reports the rows
            statistics.append(SufficientSums(model))
            arguments.append(origin)
    elif tabulated:
        statistics.append(Tabulate())
        arguments.append(np.zeros(0))
    joint = Joint(tuple(statistics), tuple(arguments))
    description, *rest = engine.reduce(joint, np.zeros(0))
    description.check(model, sample.label, sample.locate)
    moments = table = None
    if sufficient:
        moments = SufficientSums(model).unpack(rest[0], float(arguments[1][0]))
    elif tabulated:
        found: Table = rest[0]
        if found.values is not None:
            table = ArraySample({"y": found.values}, found.weights, label=sample.label)
    known = _Known(description, moments, table)
    _refuse_constant(model, known, sample.label)
    return known


def _refuse_constant(model: Model, known: _Known, label: str) -> None:
    """One distinct value has no maximum of the likelihood where a scale is free."""
    d = known.description
    free = [c.name for c in model.layout.free]
    if model.discrete or model.columns or d.minimum < d.maximum or len(free) < 2:
        return
    rows = f"all {d.rows:,} rows of" if d.rows > 1 else "the only row of"
    raise DataError(
        f"{model.name} cannot be fitted: {rows} {label} hold{'s' if d.rows == 1 else ''} the same "
        f"value {d.minimum!r}, and the likelihood grows without bound as the distribution narrows "
        f"around it. Give at least two distinct values, or pin all but one of {', '.join(free)}."
    )


def _hold_order_statistics(model: Model, known: _Known, engine: Engine) -> Layout:
    """Hold free parameters whose estimate is an extreme or the median of the sample."""
    layout = model.layout
    free = {c.name for c in layout.free}
    held: dict[str, Vector] = {}
    for name, which in model.order_statistics.items():
        if name not in free:
            continue
        if which == "median":
            held[name] = np.array([weighted_median(known.description, engine.reduce)])
        else:
            d = known.description
            held[name] = np.array([d.minimum if which == "minimum" else d.maximum])
    return replace(layout, held=held) if held else layout


# ---- the solve ---------------------------------------------------------------------------------


@final
@dataclass(frozen=True)
class _Solved:
    evaluation: Evaluation
    certificate: Certificate


def _solve(
    model: Model, layout: Layout, known: _Known, engine: Engine, solver: Solver[Any], watch: _Watch
) -> _Solved:
    """Find the minimum: in closed form, on the condensed sample, or by passes over the rows."""

    def over(adder: Callable[[Curvature, Vector], Sums]) -> Callable[[Vector], Evaluation]:
        objective = CrossEntropy(model, layout, adder)

        def evaluate(u: Vector) -> Evaluation:
            evaluation = objective(u)
            watch.value(evaluation.value)
            return evaluation

        return evaluate

    full = over(_adder(engine))
    if known.moments is not None:
        moments = known.moments
        full = over(lambda curvature, natural: curvature_of_moments(curvature, moments, natural))
    elif known.table is not None:
        full = over(_adder(LocalEngine(known.table)))
    if layout.freedom == 0:
        evaluation = full(np.zeros(0))
        return _Solved(evaluation, _certify(model, layout, evaluation, None, "closed form", 1, 1))

    starts, exact = _starts(model, layout, known)
    condensed = known.moments is not None or known.table is not None
    first, agreed = full, 1
    if not condensed and known.description.stride > 1:
        first = over(_adder(LocalEngine(_subsample(known.description))))
    if len(starts) > 1 or first is not full:
        solutions = [minimise(solver, first, u, 200) for u in starts]
        best = min(solutions, key=_rank)
        agreed = sum(_same(best, other) for other in solutions)
        solution = best if first is full else minimise(solver, full, best.estimate, 200)
    else:
        solution = minimise(solver, full, starts[0], 200)
    name = "closed form" if exact and solution.steps == 1 else type(solver).__name__
    certificate = _certify(
        model, layout, solution.best, solution, name, len(starts), agreed
    )
    best = solution.best
    if certificate.converged:
        best = replace(best, at=solution.estimate)
    return _Solved(best, certificate)


def _adder(engine: Engine) -> Callable[[Curvature, Vector], Sums]:
    return lambda curvature, natural: curvature.unpack(engine.reduce(curvature, natural))


def _subsample(description: Description) -> ArraySample:
    """The thinned rows, with the extremes: what is possible for them is possible for all rows."""
    ends = np.array([description.minimum, description.maximum])
    return ArraySample(
        {"y": np.concatenate([description.values, ends])},
        np.concatenate([description.weights, np.full(2, np.mean(description.weights))]),
    )


def _rank(solution: Solution[Evaluation]) -> tuple[bool, float]:
    value = solution.best.value
    return (solution.outcome is not Outcome.CONVERGED, value if math.isfinite(value) else math.inf)


def _same(a: Solution[Evaluation], b: Solution[Evaluation]) -> bool:
    gap = abs(a.best.value - b.best.value)
    return gap <= _AGREE * (1.0 + abs(a.best.value)) and b.outcome is a.outcome


def _starts(model: Model, layout: Layout, known: _Known) -> tuple[list[Vector], bool]:
    """Give the points to start from on the unconstrained scale, and whether they are the estimate.

    What the user starts or pins goes before what the model guesses.
    """
    free = {c.name for c in layout.free}
    guesses: Sequence[Mapping[str, Any]] = ()
    exact = False
    if known.moments is not None and isinstance(model, Family):
        pinned = {
            c.name: float(value[0])
            for c, value in zip(
                layout.coefficients, _known_values(layout), strict=True
            )
            if value is not None and c.support.size == 1
        }
        closed = model.closed_form(known.moments.means.tolist(), known.moments.origin, pinned)
        if closed is not None:
            guesses, exact = (closed,), True
    if not guesses:
        guesses = model.starts(*known.few)
    points: list[Vector] = []
    for guess in guesses:
        values = {c.name: _start_of(c, guess, model) for c in layout.free if c.name in free}
        with np.errstate(divide="ignore", invalid="ignore"):
            u = layout.unconstrained(values)
        if np.all(np.isfinite(u)) and not any(np.array_equal(u, other) for other in points):
            points.append(u)
    if not points:
        raise ModelError(
            f"{model.name} found no starting values for these data. "
            f"Give them: kl.Param(start=...) for {', '.join(sorted(free))}."
        )
    return points, exact


def _known_values(layout: Layout) -> list[Vector | None]:
    return [layout.held.get(c.name) if c.value is None else c.value for c in layout.coefficients]


def _start_of(coefficient: Any, guess: Mapping[str, Any], model: Model) -> Vector:
    if coefficient.start is not None:
        start: Vector = coefficient.start
        return start
    if coefficient.name not in guess:
        raise ModelError(
            f"{model.name} knows no starting value of {coefficient.name}. "
            f"Give one: kl.Param(start=...)."
        )
    value = np.atleast_1d(np.asarray(guess[coefficient.name], dtype=np.float64))
    support = coefficient.support
    if isinstance(support, Interval) and not bool(support.contains(value)[0]):
        # a guess outside the user's bounds: a point well inside them
        return np.asarray(support.natural(np.zeros(1)))
    return value


# ---- the certificate ---------------------------------------------------------------------------


def _certify(
    model: Model,
    layout: Layout,
    evaluation: Evaluation,
    solution: Solution[Evaluation] | None,
    solver: str,
    starts: int,
    agreed: int,
) -> Certificate:
    """Judge where a solver ended."""
    eigenvalues = scaled_eigenvalues(evaluation.hessian)
    smallest = float(eigenvalues[0]) if eigenvalues.size else math.nan
    scale = np.sqrt(np.abs(np.diag(evaluation.hessian)))
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = float(np.linalg.norm(evaluation.gradient / scale)) if eigenvalues.size else 0.0
    advice: list[str] = []
    bounds = tuple(
        f"{name} = {value[0]:.6g}, the {model.order_statistics[name]} of the sample"
        for name, value in layout.held.items()
    )
    if bounds:
        names = " and ".join(layout.held)
        advice.append(
            f"The likelihood is not smooth in {names}, so the curvature gives no standard error; "
            f"the other standard errors hold {names} fixed."
        )
    converged, reason = _verdict(model, layout, solution, smallest, advice)
    if starts > 1 and agreed < starts and converged:
        advice.append(
            f"{starts - agreed} of {starts} starts ended at another, worse point: the likelihood "
            f"has several peaks, and a better one than this cannot be ruled out."
        )
    return Certificate(
        converged=converged,
        reason=reason,
        advice=tuple(advice),
        gradient_norm=slope,
        smallest_eigenvalue=smallest,
        bounds=bounds,
        solver=solver,
        steps=solution.steps if solution else 1,
        starts=starts,
        agreed=agreed,
        passes=0,
        compile_seconds=0.0,
        run_seconds=0.0,
    )


def _verdict(
    model: Model,
    layout: Layout,
    solution: Solution[Evaluation] | None,
    smallest: float,
    advice: list[str],
) -> tuple[bool, str]:
    """Say whether the estimate stands, and why, adding advice."""
    if solution is None:
        return True, "every estimate is an order statistic of the sample, or was given"
    running = _running(layout, solution)
    if running:
        name, upwards, value = running
        advice.append(
            f"The likelihood still rises as {name} goes {'up' if upwards else 'down'} "
            f"(here {value:.3g}): it has no maximum inside. {_limit_advice(model, name, upwards)}"
        )
        return False, f"no maximum: {name} runs {'to infinity' if upwards else 'to its lower end'}"
    caution = model.caution({k: v for k, v in layout.split(layout.natural(solution.estimate)).items()})
    if caution is not None:
        advice.append(caution.text)
        if caution.no_maximum:
            return False, "no maximum: the likelihood is unbounded"
    if solution.outcome is Outcome.CONVERGED:
        if not smallest > SINGULAR:
            advice.append(
                "The curvature is singular or indefinite: some combination of the parameters makes "
                "no difference to the likelihood. Pin one of them, or take a simpler model."
            )
            return False, "flat: the gradient vanishes but the point is no strict minimum"
        return True, "the gradient vanishes at a strict minimum of the cross-entropy"
    words = {
        Outcome.STEP_LIMIT: "the limit of steps was reached",
        Outcome.STALLED: "no step lowered the cross-entropy further",
        Outcome.NOT_FINITE: "the cross-entropy or its derivatives are not finite",
    }
    advice.append(
        "Try another start, kl.Param(start=...), bounds, kl.Param(lower=..., upper=...), or a "
        "simpler model; data on a very large or very small scale may be rescaled."
    )
    return False, words.get(solution.outcome, solution.outcome.value)


def _running(layout: Layout, solution: Solution[Evaluation]) -> tuple[str, bool, float] | None:
    """Find a coefficient that runs to an end of its support."""
    step = solution.estimate - solution.best.at
    position = 0
    values = layout.split(layout.natural(solution.best.at))
    for c in layout.free:
        support = c.support
        bounded = not isinstance(support, Interval) or (
            math.isfinite(support.lower) or math.isfinite(support.upper)
        )
        own = step[position : position + support.freedom]
        if bounded and bool(np.any(np.abs(own) > _RUNNING)):
            return c.name, bool(own[0] > 0.0), float(values[c.name][0])
        position += support.freedom
    return None


def _limit_advice(model: Model, name: str, upwards: bool) -> str:
    limit = model.limits.get(name) if upwards else None
    if limit is not None:
        return f"In that limit the model is {limit}: fit kl.{limit}() instead, or pin {name}."
    return f"Pin {name}, or take a simpler model."



