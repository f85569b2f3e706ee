"""The estimates of bootstrap replicates: all at once where that is possible, or one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from kullback._core.arrays import Vector
from kullback._core.errors import KullbackError
from kullback.data.poisson_weights import PoissonWeights
from kullback.data.sample import Chunk, RowSource
from kullback.engines.engine import Engine
from kullback.engines.local import threads_or_all
from kullback.groups.objectives import GroupSums, MomentSums
from kullback.models.model import Model
from kullback.models.parameter_vector import ParameterVector
from kullback.models.rescaling import units
from kullback.models.source import numbers_of
from kullback.objective.first_pass import FirstPass
from kullback.objective.one_exponential import ExponentialLoss
from kullback.objective.statistics import LossDerivatives
from kullback.resampling.draws import sorted_draws
from kullback.resampling.exponential import DrawnSums, WeightedSums
from kullback.resampling.near import solvable, solve_near
from kullback.resampling.observed_draws import ObservedRows
from kullback.resampling.sums import (
    ArraySums,
    BlockWeights,
    EngineSums,
    MomentPass,
    TallyPass,
    statistics_from,
)
from kullback.results.bootstrap import Bootstrap
from kullback.results.fit import Fit

# Counts are tabulated where a table of them is so much shorter than the sample.
_SHORTER = 2


@final
@dataclass(frozen=True, eq=False)
class Resampling:
    """What replicates of a fit need; rows, model and numbers are in the unit 2^power.

    Attributes:
        model: the model, with its free parameters.
        vector: its coefficients, as estimated.
        at: the estimate on the unconstrained scale; None for shares of classes.
        estimate: all numbers of the model at the estimate.
        known: the results of the first pass.
        sample: the rows.
        engine: passes over them.
        power: of the unit.
        plain: whether the solver is the default one.
        reweighted: fits again with a weight for every row, from the estimate.
        redrawn: fits to other exact outcomes, from the estimate.
        redrawn_rows: fits to other rows of any kind, from the estimate.
        count: the number of rows of the data, those dropped included.
        progress: called with the number of replicates made, and of all.
    """

    model: Model
    vector: ParameterVector
    at: Vector | None
    estimate: Vector
    known: FirstPass
    sample: RowSource
    engine: Engine
    power: int
    plain: bool
    reweighted: Callable[[Vector], Fit]
    redrawn: Callable[[Vector], Fit]
    redrawn_rows: Callable[[tuple[Chunk, ...]], Fit]
    count: int
    progress: Callable[[int, int], None] | None = None

    # ---- Poisson weights -------------------------------------------------------------------

    def poisson(self, n: int, seed: int) -> Bootstrap:
        """Fit the rows with Poisson weights, n times."""
        weights = PoissonWeights(seed)
        numbers, found = self._reweighted_at_once(BlockWeights(weights, n))
        failures: dict[int, str] = {}
        for i in self._counted(np.flatnonzero(~found), n):
            own = self._row_weights(weights, i)
            numbers[:, i] = self._alone(i, failures, self.reweighted, own)
        return self._bootstrap(numbers, "poisson", seed, failures)

    def _reweighted_at_once(self, weights: BlockWeights) -> tuple[Vector, NDArray[np.bool_]]:
        known, n = self.known, weights.count
        if not self._at_once or not known.summary.all_exact:
            return self._none(n)
        with ThreadPoolExecutor(threads_or_all(None)) as pool:
            sums: GroupSums
            if known.moments is not None:
                form, origin = self.model.exponential_form, known.moments.origin
                assert form is not None  # since its moments were added up
                found = self.engine.reduce(MomentPass(form, origin, weights), np.zeros(0))
                with np.errstate(all="ignore"):  # a replicate without rows
                    means = found[1:] / found[0]
                sums = MomentSums(self.derivatives, form, means, np.full(n, origin))
            elif known.table is not None:
                values = known.table.fields["y"]
                table = self.engine.reduce(TallyPass(values, weights), np.zeros(0))
                sums = ArraySums(self.derivatives, values[:, None], table, pool, own=False)
            elif (loss := ExponentialLoss.of(self.derivatives)) is not None:
                origin = float(np.mean(known.summary.values))
                sums = WeightedSums(loss, self.engine, weights, origin, pool)
            else:
                sums = EngineSums(self.derivatives, self.engine, weights, pool)
            return self._solved(sums, n)

    def _row_weights(self, weights: PoissonWeights, replicate: int) -> Vector:
        """Return the weight of every row of the data in one replicate."""
        out = np.zeros(self.count)
        for chunk in self.sample.chunks():
            rows = np.arange(chunk.first_row, chunk.first_row + chunk.count)
            rows = rows if chunk.rows is None else chunk.rows
            out[rows] = weights.of(rows, chunk.weight, np.array([replicate]))[:, 0]
        return out

    # ---- samples of the fitted distribution ------------------------------------------------

    def parametric(self, n: int, seed: int) -> Bootstrap:
        """Fit n samples of the fitted distribution, observed as the rows were."""
        failures: dict[int, str] = {}
        if self.known.summary.all_exact:
            parts = [numbers for numbers, _ in self.batches(n, seed, failures)]
            numbers = np.concatenate(parts, axis=1)
        else:
            found = [own for own, _ in self.observed_replicates(n, seed, failures)]
            numbers = np.stack(found, axis=1)
        return self._bootstrap(numbers, "parametric", seed, failures)

    @cached_property
    def observed(self) -> ObservedRows:
        """The rows with their ends and windows."""
        return ObservedRows.of(self.sample.chunks())

    def observed_replicates(
        self, n: int, seed: int, failures: dict[int, str]
    ) -> Iterator[tuple[Vector, ObservedRows]]:
        """Yield estimates (k,) with their samples, observed as the rows were, n times.

        Args:
            n: the number of replicates.
            seed: of the draws.
            failures: receives the replicates without an estimate, with the reason.
        """
        seeds = np.random.SeedSequence(seed).spawn(n)
        for i in self._counted(np.arange(n), n):
            rows = self.observed.redrawn(self.fitted, np.random.default_rng(seeds[i]))
            numbers = self.estimate
            if self.vector.n_free:
                numbers = self._alone(i, failures, self.redrawn_rows, rows.chunks())
            yield numbers, rows

    def batches(
        self, n: int, seed: int, failures: dict[int, str]
    ) -> Iterator[tuple[Vector, Vector]]:
        """Yield estimates (k, replicates) with their samples (rows, replicates), in all n.

        Args:
            n: the number of replicates.
            seed: of the draws.
            failures: receives the replicates without an estimate, with the reason.
        """
        done = 0
        for y in sorted_draws(self.fitted, self.rows, n, seed):
            size = y.shape[1]
            if self.vector.n_free:
                numbers, found = self._redrawn_at_once(y)
                for i in self._counted(np.flatnonzero(~found), n, done):
                    numbers[:, i] = self._alone(done + i, failures, self.redrawn, y[:, i])
            else:
                numbers = np.repeat(self.estimate[:, None], size, axis=1)
            yield numbers, y
            done += size

    def _redrawn_at_once(self, y: Vector) -> tuple[Vector, NDArray[np.bool_]]:
        if not self._at_once:
            return self._none(y.shape[1])
        with ThreadPoolExecutor(threads_or_all(None)) as pool:
            return self._solved(self._sums_of_draws(y, pool), y.shape[1])

    def _sums_of_draws(self, y: Vector, pool: ThreadPoolExecutor) -> GroupSums:
        rows, size = y.shape
        form = self.model.exponential_form
        if self.model.discrete:
            values, table = tabulated(y)
            if _SHORTER * values.size < rows:
                return ArraySums(self.derivatives, values[:, None], table, pool, own=False)
        elif form is not None and self.known.moments is not None:
            origin = self.known.moments.origin
            means = np.stack(
                [t.reshape(y.shape).mean(axis=0) for t in statistics_from(form, y, origin)]
            )
            return MomentSums(self.derivatives, form, means, np.full(size, origin))
        loss = None if self.model.discrete else ExponentialLoss.of(self.derivatives)
        if loss is not None:
            return DrawnSums(loss, y, float(np.mean(y[:, 0])), pool)
        return ArraySums(self.derivatives, y, np.ones((rows, 1)), pool, own=True)

    # ---- both ------------------------------------------------------------------------------

    @cached_property
    def derivatives(self) -> LossDerivatives:
        """The derivatives in the free numbers."""
        return LossDerivatives(self.model, self.vector.is_free)

    @cached_property
    def fitted(self) -> Model:
        """The fitted distribution."""
        return self.model.fixed_at(self.vector.split(self.estimate))

    @property
    def rows(self) -> int:
        """The number of outcomes of a sample: the rows, each as often as its weight says."""
        return round(self.known.summary.weight)

    @property
    def _at_once(self) -> bool:
        return self.plain and self.at is not None and solvable(self.model, self.vector)

    def _solved(self, sums: GroupSums, n: int) -> tuple[Vector, NDArray[np.bool_]]:
        assert self.at is not None  # of what is solved at once
        return solve_near(self.model, self.vector, sums, self.at, n)

    def _none(self, n: int) -> tuple[Vector, NDArray[np.bool_]]:
        """Return that no replicate was found at once."""
        return np.full((self.estimate.size, n), np.nan), np.zeros(n, dtype=bool)

    def _counted(self, places: NDArray[np.intp], n: int, done: int = 0) -> Iterator[int]:
        """Iterate, reporting progress."""
        for i, place in enumerate(places.tolist()):
            yield place
            if self.progress is not None:
                self.progress(min(done + i + 1 + n - places.size, n), n)

    def _alone(
        self,
        replicate: int,
        failures: dict[int, str],
        refit: Callable[[Any], Fit],
        values: Any,
    ) -> Vector:
        """Return the numbers of one replicate, fitted alone."""
        try:
            fit = refit(values)
        except KullbackError as error:
            failures[replicate] = str(error)
            return np.full(self.estimate.size, np.nan)
        if not fit.convergence.converged:
            failures[replicate] = fit.convergence.reason
            return np.full(self.estimate.size, np.nan)
        numbers = fit.evaluation.constrained(fit.vector)
        shift = units(fit.form, fit.vector, fit.power) - units(fit.form, fit.vector, self.power)
        own: Vector = np.ldexp(numbers, shift)
        return own

    def _bootstrap(
        self, numbers: Vector, kind: str, seed: int, failures: Mapping[int, str]
    ) -> Bootstrap:
        exponents = units(self.model, self.vector, self.power)
        with np.errstate(over="ignore", under="ignore"):
            own = np.ldexp(numbers, exponents[:, None]) if self.power else numbers
            estimate = np.ldexp(self.estimate, exponents) if self.power else self.estimate
        names = [name for c in self.vector.coefficients for name in numbers_of(c)]
        return Bootstrap(
            params=dict(zip(names, own, strict=True)),
            estimate=dict(zip(names, estimate.tolist(), strict=True)),
            kind=kind,
            seed=seed,
            failures=dict(failures),
        )


def tabulated(y: Vector) -> tuple[Vector, Vector]:
    """Return distinct outcomes, and how often each is in every column, (values, columns)."""
    values, codes = np.unique(y, return_inverse=True)
    size = y.shape[1]
    at: NDArray[Any] = codes.reshape(y.shape) * size + np.arange(size)
    counts = np.bincount(at.reshape(-1), minlength=values.size * size)
    return values, counts.reshape(values.size, size).astype(np.float64)
