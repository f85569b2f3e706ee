"""The cross-entropy that a search minimises: over all rows, and over parts of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, final

import numpy as np

from kullback._core.arrays import Vector
from kullback._core.spanned import Spanned
from kullback.engines.engine import Engine
from kullback.engines.local import LocalEngine
from kullback.models.model import Model
from kullback.models.parameter_vector import ParameterVector
from kullback.objective.cross_entropy import CrossEntropy, Evaluation
from kullback.objective.exponential_term import ExponentialTerm, origin_of
from kullback.objective.first_pass import FirstPass
from kullback.objective.kernels import LIGHT_ROWS, NUMPY_ROWS
from kullback.objective.likelihood import Likelihood, MomentsTerm, RowsTerm, Term
from kullback.objective.ridge import column_deviations, ridge_weights
from kullback.objective.slopes import slope_of
from kullback.objective.zero_probability import refuse_impossible_rows
from kullback.solvers.newton import Newton
from kullback.solvers.settled import Rounding, minimise_to_rounding
from kullback.solvers.solver import Solution, Solver, minimise

# Rows of one exponential each, of which five passes cost as much as a search on few of them.
_MANY_QUICK = 250_000

# Most points at which a solve evaluates the objective: a diverging fit needs about forty, others
# four to twenty.
MAX_STEPS = 200

# With this many times the rows of the subsample, a correction of its minimum pays: it takes three
# evaluations on the subsample and saves one on all rows.
MANY_MORE = 8

# On few rows a search may end here, in standard deviations of a row, far below the error of these.
_ENOUGH = 1e-3


@final
@dataclass(frozen=True)
class Problem:
    """The cross-entropy to minimise, over the rows of a sample.

    Attributes:
        model: q.
        known: the results of the first pass.
        engine: adds statistics up over all rows, or over the distinct ones with their weights.
        solver: proposes the points to evaluate.
        watch: called with every value of the cross-entropy.
        rounding: of the values of the user's functions, or of a linear location, where that is
            known and matters.
        rounded: the parameters with that rounding, beside functions.
        rows: adds statistics up over all rows; None where the engine does.
    """

    model: Model
    known: FirstPass
    engine: Engine
    solver: Solver[Any]
    watch: Callable[[float], None]
    rounding: float = 0.0
    rounded: frozenset[str] = frozenset()
    rows: Engine | None = None

    @cached_property
    def roughly(self) -> Problem:
        """A regression, solved with fewer digits, as is enough on few rows; else the same."""
        solver: Solver[Any] = self.solver
        if self.model.linear and isinstance(solver, Newton) and solver.tolerance < _ENOUGH:
            return replace(self, solver=replace(solver, tolerance=_ENOUGH))
        return self

    def minimise(
        self, evaluate: Callable[[Vector], Evaluation], vector: ParameterVector, u: Vector
    ) -> Solution[Evaluation]:
        """Run the solver from a point."""
        if not self.rounding:
            return minimise(self.solver, evaluate, u, MAX_STEPS)
        along = np.zeros(u.size, dtype=bool)
        for c, place in vector.slices:
            along[place] = isinstance(c.domain, Spanned) or c.name in self.rounded
        rounding = Rounding(self.rounding, along, self.known.summary.rows)
        return minimise_to_rounding(self.solver, evaluate, u, MAX_STEPS, rounding)

    @cached_property
    def deviations(self) -> dict[str, Vector]:
        """The standard deviations of the columns with a penalised coefficient."""
        return column_deviations(self.model, self.engine.reduce)

    def over(self, vector: ParameterVector, *terms: Term) -> Callable[[Vector], Evaluation]:
        """Return the objective, given the terms of the likelihood."""
        ridge = ridge_weights(self.model, vector, self.deviations)
        objective = CrossEntropy(self.model, vector, Likelihood(terms).sums, ridge, self._light)

        def evaluate(u: Vector) -> Evaluation:
            evaluation = objective(u)
            self.watch(evaluation.cross_entropy)
            return evaluation

        return evaluate

    def over_rows(self, vector: ParameterVector) -> Callable[[Vector], Evaluation]:
        """The objective by passes over all rows."""
        return self.over(vector, self._rows(self.engine))

    def slope(self, vector: ParameterVector) -> Callable[[Vector], Vector]:
        """The gradient alone, by passes over all rows."""
        ridge = ridge_weights(self.model, vector, self.deviations)
        return slope_of(self.model, vector, self.engine.reduce, ridge)

    def whole(self, vector: ParameterVector) -> Callable[[Vector], Evaluation]:
        """The objective by the cheapest way: from moments, from a table, and by passes."""
        terms: list[Term] = []
        known = self.known
        if known.moments is not None:
            terms.append(MomentsTerm(known.moments))
        if known.table is not None:
            terms.append(RowsTerm(LocalEngine(known.table).reduce))
        if known.kinds_of_passes and terms:
            terms.append(RowsTerm(self.engine.reduce, known.kinds_of_passes))
        elif known.kinds_of_passes:
            terms.append(self._rows(self.engine))
        return self.over(vector, *terms)

    @cached_property
    def parts(self) -> list[Engine]:
        """Few rows, to choose among starting points, and the subsample."""
        quick = self._origin is not None  # a pass costs little, even over many rows
        if self.known.cheap or (quick and self.known.summary.rows <= _MANY_QUICK):
            return []
        parts = self.known.subsamples(self.model)
        # half of the rows are as dear as all of them: few lead near enough
        near = not self.model.linear and self.known.summary.stride < MANY_MORE
        if quick or (near and len(parts) > 1):
            parts = parts[:1]
        return [LocalEngine(part) for part in parts]

    def smaller(self, vector: ParameterVector) -> list[Callable[[Vector], Evaluation]]:
        """The objective on these parts."""
        return [self.over(vector, self._rows(part)) for part in self.parts]

    @property
    def _light(self) -> bool:
        return NUMPY_ROWS < self.known.summary.rows <= LIGHT_ROWS

    @cached_property
    def _origin(self) -> float | None:
        return origin_of(self.model, self.known.summary)

    def _rows(self, engine: Engine) -> Term:
        rows = RowsTerm(engine.reduce)
        return rows if self._origin is None else ExponentialTerm(rows, self._origin)

    def refuse_impossible(self, vector: ParameterVector, u: Vector) -> None:
        """Raise, naming the rows, where rows have probability zero at a point."""
        constrained = vector.constrained(u)
        reduce = (self.rows or self.engine).reduce
        refuse_impossible_rows(self.model, constrained, reduce, self.known.locate)
