"""A model and the rows that it is fitted to: what passes over them say, at the estimate or near."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Protocol, runtime_checkable

import numpy as np

from kullback._core.arrays import Vector
from kullback._core.errors import DataError
from kullback.data.observation import Soft
from kullback.data.sample import RowSource
from kullback.data.units import Units
from kullback.engines.choice import EngineFactory, engine_for
from kullback.engines.engine import Partitions
from kullback.engines.local import LocalEngine
from kullback.models.held_numbers import (
    changed_values,
    numbers_in_unit,
    with_fixed_sources,
)
from kullback.models.model import Model
from kullback.models.rescaling import units
from kullback.nonparametric.estimate import estimate
from kullback.nonparametric.steps import Steps
from kullback.objective.cross_entropy import Evaluation
from kullback.objective.first_pass import FOR_ENTROPY, FirstPass
from kullback.objective.pearson import PearsonSums
from kullback.objective.saturated import SaturatedLoss
from kullback.objective.statistics import LossDerivatives
from kullback.objective.unit_scores import UnitScores
from kullback.prepared import Prepared
from kullback.results.sample_info import SAMPLING
from kullback.results.unit import Unit
from kullback.search_problem import Problem
from kullback.searching import Solved
from kullback.solvers.newton import Newton
from kullback.solvers.solver import Solver

# Rows have changed since a fit where its cross-entropy is another by more than this, absolutely and
# relative to it: far above what the last correction of an estimate changes.
_CHANGED = 1e-9


@runtime_checkable
class Watch(Protocol):
    """Receives reports of a fit's progress."""

    def rows(self, passes: int, rows: int, partitions: Partitions | None) -> None:
        """Passes and rows so far, and partitions in this pass."""

    def value(self, value: float) -> None:
        """A value of the cross-entropy."""


@dataclass(frozen=True, eq=False)
class EstimatedProblem:
    """A model and a sample, and what passes over the rows say at the estimate.

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

    @cached_property
    def rows(self) -> int:
        """The number of rows of the data, those dropped for missing values included."""
        kept = sum(chunk.count for chunk in self.sample.chunks())
        return kept + self.sample.dropped

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

    # ---- the steps of a pass --------------------------------------------------------------

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


def _ignore(_value: float) -> None:
    """Report nothing."""


def _newton_for(known: FirstPass) -> Newton:
    """Use a small tolerance where passes are cheap: one more gives three digits of the errors."""
    return Newton(tolerance=1e-10) if known.cheap else Newton()
