"""A model and the rows that it is fitted to: the fit, and fits again, changed in some way."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Protocol, final, runtime_checkable

import numpy as np

from kullback._core.arrays import Vector
from kullback._core.compilation import COMPILED
from kullback._core.errors import DataError
from kullback._core.lazy import Lazy
from kullback.data.folds import without
from kullback.data.observation import Soft
from kullback.data.reweighted import reweighted
from kullback.data.sample import ArraySample, Chunk, ChunkSample, RowSource
from kullback.data.scaled import ScaledSample
from kullback.data.squared_weights import SquaredWeights
from kullback.data.units import Units
from kullback.engines.choice import EngineFactory, engine_for
from kullback.engines.local import LocalEngine
from kullback.models.held_numbers import (
    changed_values,
    held,
    numbers_in_unit,
    with_fixed_sources,
)
from kullback.models.model import Model
from kullback.models.parameter_vector import ParameterVector
from kullback.models.rescaling import units
from kullback.nonparametric.estimate import estimate
from kullback.nonparametric.steps import Steps
from kullback.objective.collinearity import (
    CollinearError,
    advice_on_dropped,
    without_collinear,
)
from kullback.objective.cross_entropy import Evaluation
from kullback.objective.evaluated import Evaluated
from kullback.objective.first_pass import FOR_ENTROPY, FOR_STARTS, FirstPass
from kullback.objective.learning import bound
from kullback.objective.likelihood import RowsTerm
from kullback.objective.pearson import PearsonSums
from kullback.objective.sampling_weights import with_sampling_weights
from kullback.objective.saturated import SaturatedLoss
from kullback.objective.starting_values import fix_order_statistics
from kullback.objective.statistics import LossDerivatives
from kullback.objective.unit_scores import UnitScores
from kullback.prepared import Prepared
from kullback.resampling.acceleration import accelerations
from kullback.resampling.goodness import goodness_of_fit
from kullback.resampling.replicates import Resampling
from kullback.results.bootstrap import Bootstrap
from kullback.results.fit import Fit
from kullback.results.goodness_of_fit import GoodnessOfFit
from kullback.results.sample_info import SAMPLING
from kullback.results.unit import Unit
from kullback.searching import Problem, Solved, Start
from kullback.solvers.newton import Newton
from kullback.solvers.one_step import one_step
from kullback.solvers.solver import Solver
from kullback.solving import solve

# Rows have changed since a fit where its cross-entropy is another by more than this, absolutely and
# relative to it: far above what the last correction of an estimate changes.
_CHANGED = 1e-9


# The scaled gradient at which a search from nearby ends: the last correction squares it.
_NEAR = 1e-5


@runtime_checkable
class Watch(Protocol):
    """Receives reports of a fit's progress."""

    def rows(self, passes: int, rows: int) -> None:
        """Passes and rows so far."""

    def value(self, value: float) -> None:
        """A value of the cross-entropy."""


@final
@dataclass(frozen=True)
class Clock:
    """When work began, and how long it took: compiling, and the rest."""

    begin: float = field(default_factory=time.perf_counter)
    compiled: float = field(default_factory=lambda: COMPILED.seconds)

    def seconds(self) -> tuple[float, float]:
        """Seconds since the beginning: of compiling, and the others."""
        compiling = COMPILED.seconds - self.compiled
        return compiling, time.perf_counter() - self.begin - compiling


@final
@dataclass(frozen=True, eq=False)
class SampleProblem:
    """A model and a sample to fit it to; after a fit, what ``fit.problem`` is.

    It refers to the rows, the user's own arrays where these are float64, and to nothing that the
    fit computed from them: a fit again reads them again.

    Attributes:
        model: the model.
        sample: the rows.
        engine: makes the engine; None for the default one.
        solver: the solver; None for the default one.
        fixed: numbers that are held fixed, by name.
        solved: where the fit ended; None before.
        power: it is in the unit 2^power.
        weight_kind: what weights are: "frequency" or "sampling".
    """

    model: Model
    sample: RowSource
    engine: EngineFactory | None = None
    solver: Solver[Any] | None = None
    fixed: Mapping[str, float] = field(default_factory=dict)
    solved: Solved | None = None
    power: int = 0
    weight_kind: str = "frequency"

    def fit(self, clock: Clock, watch: Watch | None = None) -> Fit:
        """Fit the model, from the starting values of the user and of the model."""
        prepared = self._prepare(watch)
        try:
            return self._fit(prepared, clock, 0, watch)
        except CollinearError as error:
            again = replace(self, model=without_collinear(self.model, error))
            made = prepared.passes + prepared.engine.passes
            prepared = again._prepare(watch)
            return again._fit(replace(prepared, passes=prepared.passes + made), clock, 0, watch)

    # ---- after the fit ---------------------------------------------------------------------

    @cached_property
    def rows(self) -> int:
        """The number of rows of the data, those dropped for missing values included."""
        kept = sum(chunk.count for chunk in self.sample.chunks())
        return kept + self.sample.dropped

    def refit(
        self,
        fixed: Mapping[str, float] | None = None,
        weights: Any = None,
        start: Mapping[str, float] | None = None,
    ) -> Fit:
        """Fit again, with numbers held fixed, other weights, or another start."""
        if fixed or start or weights is not None:
            sample = self.sample if weights is None else reweighted(self.sample, weights)
            return self._again(sample, fixed or {}, start or {})
        return replace(self, solved=None).fit(Clock())

    def _again(
        self,
        sample: RowSource,
        fixed: Mapping[str, float],
        start: Mapping[str, float],
        *,
        near: bool = False,
    ) -> Fit:
        """Fit rows again, near the estimate where numbers are given or it is asked for."""
        clock = Clock()
        again = replace(self, sample=sample, fixed={**self.fixed, **fixed}, solved=None)
        if not (fixed or start or near):
            return again.fit(clock)
        new = sample is not self.sample or "_prepared" not in vars(self)
        prepared = self._prepared if sample is self.sample else again._prepare()
        made = 0 if new else prepared.engine.passes
        return again._fit(prepared, clock, made, near=self._near(prepared, start))

    def bootstrap(
        self,
        n: int,
        kind: str,
        seed: int,
        progress: Callable[[int, int], None] | None = None,
    ) -> Bootstrap:
        """Fit n bootstrap replicates."""
        resampling = self._resampling(progress)
        return resampling.poisson(n, seed) if kind == "poisson" else resampling.parametric(n, seed)

    @property
    def in_memory(self) -> bool:
        """Whether the rows are in memory."""
        return self.sample.in_memory

    def pearson(self, model: Model) -> tuple[float, float]:
        """Pearson's statistic of a fixed model of counts, and its variance."""
        pearson = PearsonSums(model)
        found = (self.engine or engine_for)(self.sample).reduce(pearson, pearson.arguments)
        return float(found[1]), float(found[2])

    @property
    def has_shares(self) -> bool:
        """Whether outcomes are shares of classes."""
        return any(isinstance(kind, Soft) for kind in self.sample.kinds)

    def fit_model(self, model: Model) -> Fit:
        """Fit another model to the same rows."""
        own, sample = bound(model, self.sample, self.engine or engine_for), self.sample
        for name in sample.schema.columns:
            sample = sample if name in own.columns else without(sample, name)
        again = replace(self, model=own, sample=sample, fixed={}, solved=None, power=0)
        return again.fit(Clock())

    def saturated(self, model: Model, parameter: str) -> float:
        """The cross-entropy with a parameter at each row's outcome."""
        loss = SaturatedLoss(model, parameter)
        found = (self.engine or engine_for)(self.sample).reduce(loss, loss.arguments)
        return float(found[1] / found[0])

    def unit_scores(self, key: Any, role: str) -> tuple[str, Vector]:
        """Return the name of a key, and the sum of the weighted scores of each of its units."""
        prepared, solved = self._prepared, self._solved
        sample, vector = prepared.unit.sample, solved.vector
        units = Units.of(sample, key, role)
        engine = (self.engine or engine_for)(units.within(sample))
        model, _ = self._held_model(prepared.unit)
        free = LossDerivatives(model, vector.is_free, products=False, bases=vector.bases)
        found = engine.reduce(UnitScores(free), solved.evaluation.constrained(vector))
        return units.label, found.scores

    def accelerations(self, covariance: Vector) -> Vector:
        """The acceleration of each number, given the covariance in the unit of the fit."""
        resampling = self._resampling(None)
        return accelerations(
            resampling.derivatives, resampling.engine, resampling.estimate, covariance
        )

    def goodness_of_fit(
        self,
        named: str,
        n: int,
        seed: int,
        cells: Any = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> GoodnessOfFit:
        """Test the fit by n samples of the fitted model."""
        return goodness_of_fit(self._resampling(progress), named, n, seed, cells)

    def _resampling(self, progress: Callable[[int, int], None] | None) -> Resampling:
        prepared, solved = self._prepared, self._solved
        at = solved.evaluation
        model, _ = self._held_model(prepared.unit)

        def redrawn(y: Vector) -> Fit:
            rows = ArraySample({"y": y}, label=self.sample.label, schema=self.sample.schema)
            sample = ScaledSample(rows, prepared.unit.power) if prepared.unit.power else rows
            return self._again(sample, {}, {}, near=True)

        def redrawn_rows(chunks: tuple[Chunk, ...]) -> Fit:
            rows = ChunkSample(chunks, label=self.sample.label, schema=self.sample.schema)
            return self._again(rows, {}, {}, near=True)

        return Resampling(
            model=model,
            vector=solved.vector,
            at=at.at if isinstance(at, Evaluation) else None,
            estimate=at.constrained(solved.vector),
            known=prepared.known,
            sample=prepared.unit.sample,
            engine=prepared.engine,
            power=prepared.unit.power,
            plain=self.solver is None,
            reweighted=lambda weights: self._again(
                reweighted(self.sample, weights), {}, {}, near=True
            ),
            redrawn=redrawn,
            redrawn_rows=redrawn_rows,
            count=self.rows,
            progress=progress,
        )

    def step_on(self, sample: RowSource, engine: EngineFactory) -> Model | None:
        """The model fitted to most of the rows, one step away; None where that is too far."""
        if self.model.linear or not self._solved.convergence.converged:
            return None
        again = replace(self, sample=sample, engine=engine, solved=None)
        prepared = again._prepare()
        unit, known = prepared.unit, prepared.known
        if known.condensed or known.cheap:  # a fit costs no pass, or little
            return None
        model, numbers = again._held_model(unit)
        vector = held(fix_order_statistics(model, known, prepared.engine.reduce), numbers)
        if not vector.n_free:
            return None
        with np.errstate(divide="ignore", invalid="ignore"):  # a value on its bound
            u = vector.unconstrained(self._near(prepared, {}))
        if not np.all(np.isfinite(u)):
            return None
        problem = again._problem(prepared, model)
        rows = known.subsample(model, FOR_STARTS, proportionate=True)
        few = RowsTerm(LocalEngine(rows).reduce)
        found = one_step(problem.whole(vector)(u), problem.over(vector, few))
        if found is None:
            return None
        numbers_found = np.ldexp(vector.constrained(found), units(model, vector, unit.power))
        return self.model.fixed_at(vector.split(numbers_found))

    def on(self, sample: RowSource, engine: EngineFactory) -> Fit:
        """Fit the model to other rows, with a search that begins at the estimate on these.

        Columns that are collinear in the other rows alone are left out.
        """
        again = replace(self, sample=sample, engine=engine, solved=None)
        prepared = again._prepare()
        # moments of all rows give the estimate, or start near it, without a pass
        condensed = prepared.known.moments is not None and prepared.known.condensed
        try:
            if condensed or not self._solved.convergence.converged:
                return again._fit(prepared, Clock(), 0)
            near = replace(again, solver=self.solver or Newton(tolerance=_NEAR))
            return near._fit(prepared, Clock(), 0, near=self._near(prepared, {}))
        except CollinearError as error:
            # such as a level that none of these rows has: its coefficient stays 0, the reference's
            model = without_collinear(self.model, error, asked=False)
            return replace(again, model=model).fit(Clock())

    def cross_entropy(self, at: Mapping[str, float] | None = None) -> float:
        """The cross-entropy in nats at given numbers."""
        prepared = self._prepared
        model, power = prepared.unit.model, prepared.unit.power
        numbers = numbers_in_unit(model, self._solved.vector, at or {}, power)
        values = changed_values(self._solved.vector, self._values(power), numbers)
        given = {c.name: values[c.name] for c in model.vector.free}
        everywhere = replace(model.vector, on_bound=given)
        value = self._problem(prepared, model).whole(everywhere)(np.zeros(0)).value
        return value + power * math.log(2.0)

    def objective(self) -> Callable[[Vector], Evaluation]:
        """Return the cross-entropy with its derivatives, a function of the free numbers."""
        prepared = self._prepared
        model, _ = self._held_model(prepared.unit)
        return self._problem(prepared, model).whole(self._solved.vector)

    def outcomes(self) -> tuple[Vector, Vector] | None:
        """Outcomes to draw, with their weights."""
        known = self._prepared.known
        if not known.summary.all_exact or self.weight_kind == SAMPLING:
            return None
        if known.table is not None:
            assert known.table.weight is not None
            return known.table.fields["y"], known.table.weight
        few = known.summary.at_most(FOR_ENTROPY)
        return np.ldexp(few.values, self._prepared.unit.power), few.weights

    def empirical(self) -> Steps:
        """The distribution of the rows without the model, made once."""
        return self._empirical

    @cached_property
    def _empirical(self) -> Steps:
        return estimate(self.sample, closed=self.model.discrete)

    # ---- the steps of a fit ----------------------------------------------------------------

    def _prepare(self, watch: Watch | None = None) -> Prepared:
        report = None if watch is None else watch.rows
        return Prepared.of(self.model, self.sample, self.engine or engine_for, report)

    def _held_model(self, unit: Unit) -> tuple[Model, dict[str, float]]:
        """The model in a unit with the numbers that are held fixed, and these."""
        if not self.fixed:
            return unit.model, {}
        numbers = numbers_in_unit(unit.model, unit.model.vector, self.fixed, unit.power)
        return with_fixed_sources(unit.model, numbers), numbers

    def _problem(self, prepared: Prepared, model: Model, watch: Watch | None = None) -> Problem:
        known = prepared.known
        solver = self.solver or _newton_for(known)
        report = watch.value if watch else _ignore
        if known.merged is None:
            return Problem(model, known, prepared.engine, solver, report)
        engine = LocalEngine(known.merged)
        return Problem(model, known, engine, solver, report, rows=prepared.engine)

    def _fit(
        self,
        prepared: Prepared,
        clock: Clock,
        made: int,
        watch: Watch | None = None,
        near: Mapping[str, Vector] | None = None,
    ) -> Fit:
        """Solve, and make a fit of the result.

        Args:
            prepared: the rows after the first pass.
            clock: when the work began.
            made: number of passes before it.
            watch: receives reports of progress.
            near: values near the minimum, by coefficient; None for the usual starts.
        """
        unit, engine = prepared.unit, prepared.engine
        with unit.named():
            model, numbers = self._held_model(unit)
            vector = held(fix_order_statistics(model, prepared.known, engine.reduce), numbers)
            solved = _solve(self._problem(prepared, model, watch), vector, near)
        engine.progress = None  # passes made after the fit (lazy covariances) are not reported
        compiling, running = clock.seconds()
        found = unit.described(solved.convergence, solved.vector)
        convergence = replace(
            found,
            solver=found.solver + _on_distinct_rows(prepared.known),
            advice=(*found.advice, *advice_on_dropped(model)),
            passes=prepared.passes + engine.passes - made,
            compile_seconds=compiling,
            run_seconds=running,
        )
        problem = replace(self, solved=solved, power=unit.power)
        evaluation = solved.evaluation
        sample_info = replace(prepared.sample_info, instructions=engine.instructions)
        if self.weight_kind == SAMPLING:
            evaluation = self._with_sampling_weights(prepared, model, solved)
            sample_info = replace(sample_info, weight_kind=SAMPLING, values=None)
        fitted = Fit(
            model,
            solved.vector,
            evaluation,
            sample_info,
            convergence,
            unit.power,
            problem,
        )
        if unit.power:
            unit.refuse_beyond(fitted.params, convergence)
        return fitted

    def _with_sampling_weights(self, prepared: Prepared, model: Model, solved: Solved) -> Evaluated:
        """The evaluation with second moments of squared weights: a fit's passes, when needed."""
        summary = prepared.known.summary
        sample = SquaredWeights(prepared.unit.sample, summary.weight / summary.rows)

        @Lazy
        def squared() -> Problem:
            again = Prepared.of(model, sample, self.engine or engine_for, None)
            return self._problem(again, model)

        return with_sampling_weights(
            solved.evaluation,
            summary.weight,
            summary.rows,
            lambda at: squared().whole(solved.vector)(at).sums,
            lambda: _class_totals(model, squared()),
        )

    # ---- the fit that was made -------------------------------------------------------------

    @property
    def _solved(self) -> Solved:
        assert self.solved is not None  # the problem is a fit's
        return self.solved

    @cached_property
    def _prepared(self) -> Prepared:
        """The rows after a first pass, which is made once for all fits again.

        Raises:
            DataError: for rows that have changed since the fit.
        """
        prepared, solved = self._prepare(), self._solved
        unit, before = prepared.unit, solved.evaluation
        value = prepared.known.entropy  # of class shares, the cross-entropy at the estimate
        if isinstance(before, Evaluation):
            model, _ = self._held_model(unit)
            value = self._problem(prepared, model).whole(solved.vector)(before.at).value
        near = value is not None and math.isclose(
            value, before.value, rel_tol=_CHANGED, abs_tol=_CHANGED
        )
        if not (near and unit.power == self.power):
            raise DataError(
                f"{unit.sample.label} has changed since the fit, whose problem refers to "
                "the rows and does not copy them. Fit the model to them again."
            )
        return prepared

    def _values(self, power: int) -> dict[str, Vector]:
        """The estimate by coefficient, in the unit 2^power."""
        vector = self._solved.vector
        constrained = self._solved.evaluation.constrained(vector)
        shift = units(self.model, vector, self.power) - units(self.model, vector, power)
        return vector.split(np.ldexp(constrained, shift))

    def _near(self, prepared: Prepared, start: Mapping[str, float]) -> dict[str, Vector]:
        """The values to start from: the estimate, and the user's."""
        unit, vector = prepared.unit, self._solved.vector
        numbers = numbers_in_unit(unit.model, vector, start, unit.power)
        return changed_values(vector, self._values(unit.power), numbers)


def _solve(problem: Problem, vector: ParameterVector, near: Mapping[str, Vector] | None) -> Solved:
    """Solve from values near the minimum, and from the usual starts where that fails."""
    if near is None or not vector.n_free:
        return solve(problem, vector)
    with np.errstate(divide="ignore", invalid="ignore"):  # a value on its bound
        u = vector.unconstrained(near)
    if not np.all(np.isfinite(u)):
        return solve(problem, vector)
    try:
        solved = solve(problem, vector, Start([u], 1, near=True))
    except DataError:  # rows are impossible there
        return solve(problem, vector)
    if solved.convergence.converged:
        return solved
    other = solve(problem, vector)
    better = other.convergence.converged or other.evaluation.value < solved.evaluation.value
    return other if better else solved


def _class_totals(model: Model, problem: Problem) -> Vector:
    """The weight of each class."""
    form = model.saturated_form
    assert form is not None  # the evaluation is of class shares
    return form.class_totals(*problem.known.few)


def _on_distinct_rows(known: FirstPass) -> str:
    """Say how many rows are distinct, where they were merged."""
    if known.merged is None:
        return ""
    return f" on {known.merged.count:,} distinct rows of {known.summary.rows:,}"


def _ignore(_value: float) -> None:
    """Report nothing."""


def _newton_for(known: FirstPass) -> Newton:
    """Use a small tolerance where passes are cheap: one more gives three digits of the errors."""
    return Newton(tolerance=1e-10) if known.cheap else Newton()
