"""The search for one minimum: from starting points, through growing samples, to all rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import final

import numpy as np

from kullback._core.arrays import Vector
from kullback._core.errors import ModelError
from kullback.engines.engine import Engine
from kullback.engines.local import LocalEngine
from kullback.models.composite import mixes_regressions
from kullback.models.forms import SaturatedForm
from kullback.models.parameter_vector import ParameterVector
from kullback.objective.boundary_rows import at_a_boundary
from kullback.objective.class_shares import ClassShares
from kullback.objective.cross_entropy import Evaluation
from kullback.objective.evaluated import Evaluated
from kullback.objective.separation import separated_columns
from kullback.objective.slopes import many_products
from kullback.objective.starting_values import starting_points, wider_start
from kullback.results.convergence import Convergence
from kullback.results.convergence_check import assess_convergence, at_class_shares
from kullback.results.diverging import diverging_coefficient, in_a_cut_tail
from kullback.search_problem import MANY_MORE, MAX_STEPS, Problem
from kullback.solvers.correction import corrected_minimum
from kullback.solvers.regression_mixture_starts import regression_mixture_starts
from kullback.solvers.slopes import nearer_minimum
from kullback.solvers.solver import SAME_MINIMUM, Outcome, Solution

# Two starts agree when their cross-entropies differ by less than this, relative to 1 + |value|: far
# above rounding, far below any difference that standard errors could see.
_AGREE = 1e-9

# Second derivatives are those of the last evaluation, before its correction: relative to a
# correction of this length, in standard deviations of a row, their error is mostly less. One more
# evaluation is then worth nine digits of the errors; where it costs little, all of them.
_CORRECTION, _CHEAP_CORRECTION = 3e-10, 1e-12


@final
@dataclass(frozen=True)
class Solved:
    """Where a solve ended.

    Attributes:
        vector: the coefficients, with those fixed on a bound.
        evaluation: the cross-entropy and its derivatives at the estimate.
        convergence: whether, how and why the solve converged.
    """

    vector: ParameterVector
    evaluation: Evaluated
    convergence: Convergence


@final
@dataclass(frozen=True)
class Start:
    """The starting points of a solve.

    Attributes:
        points: on the unconstrained scale, the most promising first.
        tried: number of starting points in all.
        agreed: number of starting points that led to the same minimum, so far.
        near: whether they are near the minimum, so that fewer rows would lead away from it.
        own: the model's starting points, where those are the user's: for a search that fails.
    """

    points: list[Vector]
    tried: int
    agreed: int = 1
    near: bool = False
    own: list[Vector] = field(default_factory=list)


def search(problem: Problem, vector: ParameterVector, start: Start | None) -> Solved:
    """Find the minimum, in the coordinates of the vector.

    Args:
        problem: the model, the sample and the solver.
        vector: which coefficients are free, and in what coordinates.
        start: the starting points; None for the user's starting values and the model's.
    """
    model = problem.model
    condensed = problem.known.condensed
    if model.saturated_form is not None and condensed:
        return _at_class_shares(problem, model.saturated_form, vector)
    if vector.n_free == 0:
        evaluation = problem.whole(vector)(np.zeros(0))
        if not math.isfinite(evaluation.value):
            problem.refuse_impossible(vector, np.zeros(0))
        convergence = assess_convergence(
            problem.model, vector, evaluation, None, "closed form", 1, 1
        )
        return Solved(vector, evaluation, convergence)
    if start is None:
        points = _starting_points(problem, vector)
        start = Start(points, len(points), own=own_points(problem, vector))
    given = start
    solution, start = _descend(problem, vector, start)
    if solution.outcome is not Outcome.CONVERGED and given.own:
        # the user's starting values may lie where the likelihood has no use of its derivatives
        other, started = _descend(problem, vector, Start(given.own, len(given.own)))
        if _rank(other) < _rank(solution):
            solution, start = other, started
    if not math.isfinite(solution.best.value):
        problem.refuse_impossible(vector, solution.best.at)
    on_bound = _at_its_bound(vector, solution)
    if on_bound is not None:
        values = vector.split(vector.constrained(solution.best.at))
        there = on_bound.unconstrained(values)
        # a bound on which an end of the support depends may make a row impossible: not the estimate
        if on_bound.n_free == 0 or math.isfinite(problem.over_rows(on_bound)(there).value):
            return search(problem, on_bound, replace(start, points=[there], own=[]))
    relabelled = (
        None
        if vector.on_bound
        else model.relabelled(vector.split(vector.constrained(solution.best.at)))
    )
    if relabelled is not None and solution.outcome is Outcome.CONVERGED:
        there = vector.unconstrained(relabelled)
        return search(problem, vector, replace(start, points=[there], own=[], near=True))
    closed = solution.steps == 1 and condensed
    name = "closed form" if closed else type(problem.solver).__name__
    separated = _separated(problem, vector, solution, start, problem.engine)
    convergence = assess_convergence(
        problem.model,
        vector,
        solution.best,
        solution,
        name,
        start.tried,
        start.agreed,
        separated,
        problem.known.summary.common_stretch,
    )
    if solution.outcome is Outcome.STEP_LIMIT and not separated:
        tail = in_a_cut_tail(model, problem.known.summary, vector, solution)
        if tail:
            convergence = replace(convergence, reason=tail[0], advice=tail[1:])
    if model.linear and solution.outcome is Outcome.STALLED and not separated:
        numbers = vector.constrained(solution.best.at)
        rows = problem.rows or problem.engine
        found = at_a_boundary(model, vector.is_free, numbers, rows.reduce, problem.known.locate)
        if found is not None:
            convergence = replace(convergence, reason=found[0], advice=found[1:])
    evaluation = solution.best
    # a closed form has all its digits: on a ridge a correction would add the gradient's rounding
    if convergence.converged and not closed:
        at = solution.estimate
        # with a penalty the cross-entropy alone is not stationary: it changes by the correction
        again = model.penalised or (bool(model.columns) and _far_for_errors(problem, solution))
        evaluation = problem.whole(vector)(at) if again else replace(evaluation, at=at)
    return Solved(vector, evaluation, convergence)


def _far_for_errors(problem: Problem, solution: Solution[Evaluation]) -> bool:
    """Whether the correction is long enough to cost standard errors digits that others find."""
    best = solution.best
    change = solution.estimate - best.at
    length = math.sqrt(float(np.abs(np.diag(best.hessian)) @ (change * change)))
    return length > (_CHEAP_CORRECTION if problem.known.cheap else _CORRECTION)


def _starting_points(problem: Problem, vector: ParameterVector) -> list[Vector]:
    """The starting points: of mixtures of regressions from the EM algorithm on a subsample."""
    model = problem.model
    unknown = any(c.start is None for c in vector.free if c.name != "weights")
    if unknown and mixes_regressions(model):
        return regression_mixture_starts(
            model, vector, problem.known, lambda sample: LocalEngine(sample).reduce
        )
    return starting_points(model, vector, problem.known)


def own_points(problem: Problem, vector: ParameterVector) -> list[Vector]:
    """The model's own starting points where the user gave starting values; else none."""
    if all(c.start is None for c in vector.free):
        return []
    without = replace(
        vector, coefficients=tuple(replace(c, start=None) for c in vector.coefficients)
    )
    try:
        return _starting_points(problem, without)
    except ModelError:  # it has none, and needs the user's
        return []


def _separated(
    problem: Problem,
    vector: ParameterVector,
    solution: Solution[Evaluation],
    start: Start,
    engine: Engine,
) -> tuple[str, ...]:
    """Return the coefficients of columns along which the loss of rows falls for ever."""
    if not problem.model.linear:
        return ()
    points = (start.points[0], solution.best.at, solution.estimate)
    ended = solution.outcome is Outcome.CONVERGED
    return separated_columns(problem.model, vector, points, engine.reduce, ended=ended)


def _at_class_shares(problem: Problem, form: SaturatedForm, vector: ParameterVector) -> Solved:
    """The estimate of a categorical distribution, from the table of the classes' weights."""
    totals = form.class_totals(*problem.known.few)
    at = ClassShares(totals / float(np.sum(totals)), form.as_logits)
    problem.watch(at.cross_entropy)
    return Solved(vector, at, at_class_shares(form, at))


def _descend(
    problem: Problem, vector: ParameterVector, start: Start
) -> tuple[Solution[Evaluation], Start]:
    """Minimise on few rows from every start, on the subsample from the best, then on all rows."""
    whole, linear = problem.whole(vector), problem.model.linear
    smaller = [] if start.near else problem.smaller(vector)
    points, agreed, roughly = start.points, start.agreed, problem.roughly
    there: tuple[Callable[[Vector], Evaluation], Solution[Evaluation]] | None = None
    for k, few in enumerate(smaller):
        largest = k == len(smaller) - 1
        if largest and linear and there is not None:
            break  # the largest part of a regression is for a search without an end on others
        solution, agreed = _from_points(roughly, vector, few, points, agreed)
        # without a maximum on fewer rows there may be one on more: start again, unless there are
        # no more, and columns predict some of these rows perfectly
        endless = diverging_coefficient(vector, solution) is not None
        endless = endless or not math.isfinite(solution.best.value)
        separated = not endless and _separated(problem, vector, solution, start, problem.parts[k])
        points = start.points if endless or (separated and not largest) else [solution.estimate]
        there = None if endless or separated else (few, solution)
    evaluations = 0
    if there is not None:
        nearer, evaluations = _nearer(problem, vector, *there, whole)
        points = [nearer]
    solution, agreed = _from_points(problem, vector, whole, points, agreed)
    if evaluations:
        solution = replace(solution, steps=solution.steps + evaluations)
    return solution, start if agreed == start.agreed else replace(start, agreed=agreed)


def _from_points(
    problem: Problem,
    vector: ParameterVector,
    evaluate: Callable[[Vector], Evaluation],
    points: list[Vector],
    agreed: int,
) -> tuple[Solution[Evaluation], int]:
    """Return the best of the solutions from several points, and how many of several agree."""
    solutions = [problem.minimise(evaluate, vector, u) for u in points]
    if not any(math.isfinite(s.best.value) for s in solutions):
        wider = [u for point in points for u in wider_start(vector, evaluate, point)]
        solutions += [problem.minimise(evaluate, vector, u) for u in wider]
    best = _best(solutions)
    return best, sum(_same(best, other) for other in solutions) if len(points) > 1 else agreed


def _nearer(
    problem: Problem,
    vector: ParameterVector,
    few: Callable[[Vector], Evaluation],
    there: Solution[Evaluation],
    many: Callable[[Vector], Evaluation],
) -> tuple[Vector, int]:
    """Return a point near the minimum on all rows, from that on few, and evaluations on all."""
    if problem.model.linear:
        alone = many_products(problem.model, vector.is_free)
        slope = problem.slope(vector)
        return nearer_minimum(problem.solver, few, many, slope, there, slopes_alone=alone)
    if problem.known.summary.stride < MANY_MORE:
        return there.estimate, 0
    start = there.estimate
    return corrected_minimum(problem.solver, few, many, start, MAX_STEPS).estimate, 1


def _at_its_bound(
    vector: ParameterVector, solution: Solution[Evaluation]
) -> ParameterVector | None:
    """Fix the coefficient that reached a bound of its domain; None where none did."""
    found = diverging_coefficient(vector, solution)
    if found is None or not found.attained:
        return None
    on_bound: Mapping[str, Vector] = {**vector.on_bound, found.name: np.array([found.end])}
    return replace(vector, on_bound=on_bound)


def _best(solutions: Sequence[Solution[Evaluation]]) -> Solution[Evaluation]:
    """Return the best solution: of those that end in one minimum the first, not a rounding's."""
    best = solutions[0]
    for other in solutions[1:]:
        (failed, value), (other_failed, other_value) = _rank(best), _rank(other)
        lower = value - other_value > SAME_MINIMUM * (1.0 + abs(other_value))
        if other_failed < failed or (other_failed == failed and lower):
            best = other
    return best


def _rank(solution: Solution[Evaluation]) -> tuple[bool, float]:
    value = solution.best.value
    return (solution.outcome is not Outcome.CONVERGED, value if math.isfinite(value) else math.inf)


def _same(a: Solution[Evaluation], b: Solution[Evaluation]) -> bool:
    gap = abs(a.best.value - b.best.value)
    return gap <= _AGREE * (1.0 + abs(a.best.value)) and b.outcome is a.outcome
