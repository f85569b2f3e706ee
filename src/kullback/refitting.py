"""A model and the rows that it is fitted to: the fit, and fits again, changed in some way."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, final

import numpy as np

from kullback._core.arrays import Vector
from kullback._core.compilation import COMPILED
from kullback._core.errors import DataError
from kullback._core.lazy import Lazy
from kullback.data.folds import without
from kullback.data.reweighted import reweighted
from kullback.data.sample import ArraySample, Chunk, ChunkSample, RowSource
from kullback.data.scaled import ScaledSample
from kullback.data.squared_weights import SquaredWeights
from kullback.engines.choice import EngineFactory, engine_for
from kullback.engines.local import LocalEngine
from kullback.estimated_problem import EstimatedProblem, Watch
from kullback.models.held_numbers import (
    held,
)
from kullback.models.model import Model
from kullback.models.parameter_vector import ParameterVector
from kullback.models.rescaling import units
from kullback.objective.collinearity import (
    CollinearError,
    advice_on_dropped,
    without_collinear,
)
from kullback.objective.cross_entropy import Evaluation
from kullback.objective.evaluated import Evaluated
from kullback.objective.first_pass import FOR_STARTS, FirstPass
from kullback.objective.learning import bound
from kullback.objective.likelihood import RowsTerm
from kullback.objective.sampling_weights import with_sampling_weights
from kullback.prepared import Prepared
from kullback.results.bootstrap import Bootstrap
from kullback.results.fit import Fit
from kullback.results.goodness_of_fit import GoodnessOfFit
from kullback.results.sample_info import SAMPLING
from kullback.search_problem import Problem
from kullback.searching import Solved, Start
from kullback.solvers.newton import Newton
from kullback.solvers.one_step import one_step
from kullback.solvers.order_statistics import fix_order_statistics
from kullback.solving import solve

if TYPE_CHECKING:
    from kullback.resampling.replicates import Resampling

# The scaled gradient at which a search from nearby ends: the last correction squares it.
_NEAR = 1e-5


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
class SampleProblem(EstimatedProblem):
    """A model and a sample to fit it to; after a fit, what ``fit.problem`` is."""

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

    # ---- fits again ------------------------------------------------------------------------

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

    def fit_model(self, model: Model) -> Fit:
        """Fit another model to the same rows."""
        own, sample = bound(model, self.sample, self.engine or engine_for), self.sample
        for name in sample.schema.columns:
            sample = sample if name in own.columns else without(sample, name)
        again = replace(self, model=own, sample=sample, fixed={}, solved=None, power=0)
        return again.fit(Clock())

    def accelerations(self, covariance: Vector) -> Vector:
        """The acceleration of each number, given the covariance in the unit of the fit."""
        from kullback.resampling.acceleration import accelerations

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
        from kullback.resampling.goodness import goodness_of_fit

        return goodness_of_fit(self._resampling(progress), named, n, seed, cells)

    def _resampling(self, progress: Callable[[int, int], None] | None) -> Resampling:
        from kullback.resampling.replicates import Resampling  # not needed for a fit

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

    # ---- the steps of a fit ----------------------------------------------------------------

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
