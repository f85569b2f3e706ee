"""The solve: a search for the minimum in the coordinates that suit the model and its rows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import replace

import numpy as np

from kullback._core.arrays import Vector
from kullback._core.blas import one_blas_thread
from kullback._core.domains import Reals
from kullback._core.spanned import Spanned
from kullback.models.linear import Linear
from kullback.models.parameter_vector import ParameterVector
from kullback.objective.collinearity import CollinearError, nearly_singular
from kullback.objective.cross_entropy import Evaluation
from kullback.results.convergence_check import assess_convergence
from kullback.results.diverging import at_an_end
from kullback.results.function_convergence import of_perfect_fit, of_unidentified
from kullback.search_problem import Problem
from kullback.searching import Solved, Start, own_points, search
from kullback.solvers.function_starts import FunctionStarts, function_starts
from kullback.solvers.linear_least_squares import (
    LinearLeastSquares,
    linear_least_squares,
    residual_starts,
)
from kullback.solvers.solver import Outcome, Solution

# Rounding of a row, relative to the scale, that keeps slopes from vanishing.
_COARSE = 1e-11

# The scale of a perfect fit, where no rounding is left to take it from.
_SMALLEST = 1e-300

# A solve in so few steps began near its end; coordinates are chosen anew so often at most.
_FEW_STEPS, _TURNS = 4, 4


def solve(problem: Problem, vector: ParameterVector, start: Start | None = None) -> Solved:
    """Find the minimum: in closed form, on the condensed sample, or by passes over the rows.

    With many coefficients the steps of the solver take BLAS one thread as well: with two, on a busy
    machine, an eigendecomposition of 120 numbers took 0.26 s instead of 0.003.

    Args:
        problem: the model, the sample and the solver.
        vector: which coefficients are free.
        start: the starting points; None for the user's starting values and the model's.
    """
    regression = problem.model.linear or problem.model.nonlinear
    with one_blas_thread() if regression else nullcontext():
        if problem.model.nonlinear:
            return _solve_functions(problem, vector, start)
        if problem.model.linear:
            triangles = _triangles(problem, vector, again=start is not None)
            squares = None
            if start is None:
                squares = linear_least_squares(problem.model, vector, problem.known)
            if squares is not None:
                return _from_least_squares(problem, vector, squares, triangles)
            points = residual_starts(problem.model, vector, problem.known) if start is None else []
            if points:
                start = Start(points, len(points), own=own_points(problem, vector))
            if triangles:
                return _along_designs(problem, vector, start, triangles)
        d = problem.known.summary
        inside = problem.model.searched(vector, d.minimum, d.maximum)
        if inside is vector or start is not None:
            return search(problem, vector, start)
        return _outside(problem, vector, search(problem, inside, None))


def _triangles(problem: Problem, vector: ParameterVector, *, again: bool) -> dict[str, Vector]:
    """Return the triangles of designs that are nearly singular, by parameter.

    Raises:
        CollinearError: for collinear columns; not in a fit again, of other weights, say.
    """
    try:
        found = nearly_singular(problem.model, vector, problem.known, problem.engine.reduce)
    except CollinearError:
        if again:
            return {}
        raise
    reals = {c.name for c in vector.free if isinstance(c.domain, Reals)}
    return {name: r for name, r in found.items() if name in reals}


def _from_least_squares(
    problem: Problem,
    vector: ParameterVector,
    squares: LinearLeastSquares,
    triangles: dict[str, Vector],
) -> Solved:
    """Solve from a least-squares fit, which is the minimum unless residuals are rounding."""
    scale = squares.values["scale"]
    if squares.perfect and any(c.name == "scale" for c in vector.free):
        fixed = replace(vector, on_bound={**vector.on_bound, "scale": np.maximum(scale, _SMALLEST)})
        u = fixed.unconstrained(squares.values)
        evaluation = problem.whole(fixed)(u)
        ended = Solution(evaluation, u, Outcome.STALLED, 1, u)
        at = assess_convergence(problem.model, vector, evaluation, ended, "Newton", 1, 1)
        return Solved(fixed, evaluation, of_perfect_fit(at, vector, ("loc",), "formula"))
    start = Start([vector.unconstrained(squares.values)], 1, near=True)
    if squares.rounding > _COARSE:
        problem = replace(problem, rounding=squares.rounding, rounded=frozenset(["loc"]))
    if triangles:
        return _along_designs(problem, vector, start, triangles)
    return search(problem, vector, start)


def _along_designs(
    problem: Problem,
    vector: ParameterVector,
    start: Start | None,
    triangles: Mapping[str, Vector],
) -> Solved:
    """Solve in coordinates in which designs are orthogonal.

    A row's predictor is computed from these: large coefficients of columns whose combinations
    cancel would leave it few digits.
    """
    coefficients = tuple(
        replace(c, domain=Spanned.by_triangle(np.zeros(c.domain.size), triangles[c.name]))
        if c.name in triangles
        else c
        for c in vector.coefficients
    )
    spanned = replace(vector, coefficients=coefficients)
    if start is not None:
        points = [vector.split(vector.constrained(u)) for u in start.points]
        start = replace(start, points=[spanned.unconstrained(values) for values in points])
    sources = dict(problem.model.sources)
    for name, r in triangles.items():
        source = sources[name]
        assert isinstance(source, Linear)  # it has a design
        sources[name] = replace(source, triangle=r)
    along = replace(problem, model=problem.model.with_sources(sources))
    solved = replace(search(along, vector, start), vector=spanned)
    return solved if start is None else _measured_from(solved, points[0], start.points[0])


def _measured_from(solved: Solved, values: Mapping[str, Vector], start: Vector) -> Solved:
    """Measure coefficients along designs from those at the start, which then keep their digits."""
    evaluation = solved.evaluation
    assert isinstance(evaluation, Evaluation)  # not of class shares, which have no design
    at, coefficients = evaluation.at.copy(), []
    for c in solved.vector.coefficients:
        domain = c.domain
        if isinstance(domain, Spanned) and c.value is None:
            domain = replace(domain, centre=values[c.name])
        coefficients.append(replace(c, domain=domain))
    for c, place in solved.vector.slices:
        if isinstance(c.domain, Spanned):
            at[place] -= start[place]
    vector = replace(solved.vector, coefficients=tuple(coefficients))
    return replace(solved, vector=vector, evaluation=replace(evaluation, at=at))


def _outside(problem: Problem, vector: ParameterVector, found: Solved) -> Solved:
    """Return what a search within ends that the sample sets has found, without these ends."""
    at, convergence = found.evaluation, found.convergence
    assert isinstance(at, Evaluation)  # not of class shares, which have no ends
    values = found.vector.split(at.constrained(found.vector))
    added = {n: v for n, v in found.vector.on_bound.items() if n not in vector.on_bound}
    vector = replace(vector, on_bound={**vector.on_bound, **added})
    u = vector.unconstrained(values)
    if not convergence.converged:
        reason = at_an_end(problem.model, problem.known.summary, found.vector, values)
        if reason:
            convergence = replace(convergence, reason=reason[0], advice=reason[1:])
        return Solved(vector, problem.whole(vector)(u), convergence)
    again = search(problem, vector, Start([u], 1, near=True))
    starts, agreed = convergence.starts, convergence.agreed
    advice = again.convergence.advice
    if agreed < starts:
        advice = (
            f"{starts - agreed} of {starts} starting points led elsewhere: the estimate is a local "
            "maximum, and the likelihood may be unbounded where an end of the support tends to the "
            "smallest outcome.",
            *advice,
        )
    counted = replace(again.convergence, starts=starts, agreed=agreed, advice=advice)
    return replace(again, convergence=counted)


def _solve_functions(problem: Problem, vector: ParameterVector, start: Start | None) -> Solved:
    """Find the minimum of a model with functions of the user's, in coordinates that suit them."""
    near = None if start is None else vector.split(vector.constrained(start.points[0]))
    for turn in range(_TURNS):
        found = function_starts(problem.model, vector, problem.known, near)
        if found is None:
            return search(problem, vector, start)
        own = replace(problem, rounding=found.rounding)
        if turn == 0:
            tried = 2 if found.improved else 1
        start = Start([_best_point(own, found)], tried, 1, near=near is not None)
        spread = len(found.vector.free) > len(found.perfect)
        if found.perfect and spread and not problem.model.discrete:
            evaluation = own.whole(found.vector)(start.points[0])
            ended = Solution(evaluation, evaluation.at, Outcome.STALLED, 1, evaluation.at)
            at = assess_convergence(problem.model, found.vector, evaluation, ended, "Newton", 1, 1)
            return Solved(found.vector, evaluation, of_perfect_fit(at, found.vector, found.perfect))
        unidentified, solved = found.unidentified, search(own, found.vector, start)
        if solved.convergence.steps <= _FEW_STEPS:
            break
        # the search went far: coordinates at its end hold more digits
        near = solved.vector.split(solved.evaluation.constrained(solved.vector))
    if unidentified:
        return replace(solved, convergence=of_unidentified(solved.convergence, unidentified))
    return solved


def _best_point(problem: Problem, found: FunctionStarts) -> Vector:
    """The best of the starting points; of those of other sizes only where no other is possible."""
    parts = problem.smaller(found.vector)
    evaluate = parts[0] if parts else problem.whole(found.vector)

    def value(u: Vector) -> float:
        with np.errstate(all="ignore"):  # a start may lie anywhere
            return evaluate(u).value

    for points in (found.points, found.scaled):
        if len(points) == 1 and not found.scaled:
            return points[0]
        values = [value(u) for u in points]
        if values and math.isfinite(min(values)):
            return points[values.index(min(values))]
    return found.points[0]
