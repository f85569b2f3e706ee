"""The solve of every group at once, as far as it is certain to end as the group's own fit does.

A group is left to ``kl.fit`` where anything is out of the ordinary: rows outside the support, one
distinct value, extreme numbers, a search that does not converge, several minima, a curvature near
singular, an estimate that needs a caution.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import final

import numpy as np
from numpy.typing import NDArray

from kullback._core.arrays import Vector
from kullback._core.domains import Interval
from kullback._core.lazy import Lazy
from kullback.data.observation import Exact, Observed
from kullback.engines.local import threads_or_all
from kullback.groups.design import GroupDesign, solvable_design
from kullback.groups.newton import Places, Points, Solutions, minimise, scaled, solve
from kullback.groups.objectives import (
    GroupObjective,
    GroupSums,
    JointSums,
    MomentSums,
    RowSums,
    free_domains,
    statistics_of,
    terms_of,
)
from kullback.groups.rows import GroupRows, KindRows
from kullback.groups.starts import starts_at_once, starts_of
from kullback.models.model import Model
from kullback.models.parameter_vector import ParameterVector
from kullback.objective.sample_summary import THINNED
from kullback.objective.statistics import LossDerivatives
from kullback.objective.sufficient_statistics import SufficientMoments
from kullback.solvers.solver import SAME_MINIMUM

# The scaled gradient of a fit whose passes are cheap, as that of every group here is.
_TOLERANCE = 1e-10

# Outcomes within 2^±199 are fitted in their own unit.
_COMFORTABLE = 2.0**199

# Free numbers up to which a row's second derivatives are built one pair at a time.
_MOST_FREE = 6

# Of a regression, whose second derivatives in the coefficients are products: one program has
# the sums of at most 105 terms.
_MOST_COEFFICIENTS = 12

# A scaled Hessian of a smaller determinant amplifies the rounding of the sums so much that another
# order of addition changes the twelfth digit of an estimate.
_DETERMINANT = 1e-3

# A converged search whose last correction is longer than this may be on its way to a bound.
_CORRECTION = 1e-6

# Two starts agree when their cross-entropies differ by less, relative to 1 + |value|.
_AGREE = 1e-9


@final
@dataclass(frozen=True, eq=False)
class Solved:
    """The estimates of groups.

    Attributes:
        vector: the coefficients.
        found: which groups have an estimate here.
        points: the best evaluated points.
        estimate: those with a last correction, shape (free, groups).
        constrained: the estimates on the constrained scale, shape (k, groups).
        errors: the standard errors, shape (k, groups): 0 for fixed numbers.
        steps: the number of evaluated points.
        start: the starting points, shape (free, groups).
        starts: the number of starting points.
        closed: which estimates were found in closed form.
    """

    vector: ParameterVector
    found: NDArray[np.bool_]
    points: Points
    estimate: Vector
    constrained: Vector
    errors: Vector
    steps: Places
    start: Vector
    starts: Places
    closed: NDArray[np.bool_]


def solvable(model: Model) -> bool:
    """Whether the groups of a model can be solved at once: a few numbers, or linear predictors."""
    if model.outcome != "number" or model.nonlinear or model.penalised:
        return False
    vector, most = model.vector, _MOST_FREE
    if model.linear:
        most = _MOST_COEFFICIENTS
        if not solvable_design(model):
            return False
    elif model.columns or not all(isinstance(c.domain, Interval) for c in vector.coefficients):
        return False
    ordered = any(c.name in model.order_statistics for c in vector.coefficients)
    return not ordered and 0 < vector.n_free <= most


def solve_groups(model: Model, rows: GroupRows) -> Solved | None:
    """Solve every group that is certain to end as its own fit does; None where no group is."""
    vector = model.vector
    count, free = rows.size.size, vector.n_free
    derivatives = LossDerivatives(model, vector.is_free)
    good = _ordinary(model, rows)
    design = GroupDesign(derivatives, rows) if model.linear else None
    if design is not None:
        good &= design.regular()
    groups = np.flatnonzero(good)
    if not groups.size:
        return None
    none = np.full((free, count), np.nan)
    points = Points(none, none[0].copy(), none.copy(), np.full((free, free, count), np.nan))
    found, closed = np.zeros(count, dtype=bool), np.zeros(count, dtype=bool)
    steps, starts = np.zeros(count, dtype=np.intp), np.zeros(count, dtype=np.intp)
    start, estimate = none.copy(), none.copy()
    threads = threads_or_all(None)
    with ThreadPoolExecutor(threads) as pool:
        moments = _moments(model, derivatives, rows)

        def objective_of(own: Places) -> GroupObjective:
            sums = _sums(derivatives, design, rows, own, moments, pool if threads > 1 else None)
            return GroupObjective(vector, sums)

        at_once = None
        if moments is None:
            at_once = starts_at_once(model, vector, rows, groups)
        else:
            inside = model.support.contains(moments.origin[groups])
            groups = groups[inside | (rows.parts[0].size[groups] == 0)]
        ranks = (
            [(groups, at_once)] if at_once is not None else _ranked(model, rows, groups, moments)
        )
        if not ranks:
            return None
        condensed = rows.exact & (moments is not None or model.discrete) & (design is None)
        for rank, (own, first) in enumerate(ranks):
            objective = objective_of(own)
            ended = minimise(partial(_evaluate, objective, own), first, _TOLERANCE)
            good = _regular(vector, ended)
            best = ended.best
            if rank:
                gap = np.abs(best.value - points.value[own])
                good &= found[own] & (gap <= _AGREE * (1.0 + np.abs(points.value[own])))
            found[own] = good
            lower = points.value[own] - best.value > SAME_MINIMUM * (1.0 + np.abs(best.value))
            better = good & lower if rank else good
            there = own[better]
            points.put(there, best[better])
            steps[there], start[:, there] = ended.steps[better], first[:, better]
            # a closed form has all its digits, and a gradient of rounding nothing to correct
            closed[there] = condensed[there] & (ended.steps[better] == 1)
            kept = closed[there] | (ended.slope[better] < 1e-14)
            estimate[:, there] = np.where(
                kept, best.at[:, better], best.at[:, better] + ended.step[:, better]
            )
            starts[own] = rank + 1
    constrained = np.full((len(vector.is_free), count), np.nan)
    done = np.flatnonzero(found)
    constrained[:, done] = objective.constrained(estimate[:, done])
    if type(model).__dict__.get("_caution") is not None:
        for group in done.tolist():
            if model.caution(vector.split(constrained[:, group])) is not None:
                found[group] = False
    errors = np.zeros_like(constrained)
    is_free = np.array(vector.is_free)
    weight = rows.weight[done]
    along = None if design is None else design.directions(done)[np.ix_(is_free, is_free)]
    own_errors = _errors(objective, points[done], estimate[:, done], weight, along)
    errors[np.ix_(is_free, done)] = own_errors
    if design is not None:
        constrained = design.in_own_units(constrained)
    constrained[:, ~found], errors[:, ~found] = np.nan, np.nan
    return Solved(
        vector, found, points, estimate, constrained, errors, steps, start, starts, closed
    )


def _evaluate(objective: GroupObjective, groups: Places, which: Places, u: Vector) -> Points:
    """Evaluate some of the groups."""
    return objective(groups[which], u)


def _sums(
    derivatives: LossDerivatives,
    design: GroupDesign | None,
    rows: GroupRows,
    groups: Places,
    moments: MomentSums | None,
    pool: ThreadPoolExecutor | None,
) -> GroupSums:
    """Return the means over all rows of some groups."""
    parts: list[tuple[GroupSums, Vector]] = []
    free = sum(derivatives.is_free)
    for part in rows.parts:
        own = groups[part.size[groups] > 0]
        if part.kind == Exact() and moments is not None:
            parts.append((moments, part.weight))
        elif own.size:
            terms = terms_of(derivatives, part) if design is None else design.terms(part)
            parts.append((RowSums(terms, free, part, own, pool), part.weight))
    return parts[0][0] if len(parts) == 1 else JointSums(parts)


def _ordinary(model: Model, rows: GroupRows) -> NDArray[np.bool_]:
    """Return which groups have a fair number of rows, all of them ordinary."""
    good = (rows.size > 0) & (rows.size <= THINNED)
    for part in rows.parts:
        if part.kind == Exact():
            if part.y.size:
                good &= _ordinary_outcomes(model, part)
        elif isinstance(part.kind, Observed):
            outside = ~model.support.meets(*part.kind.ends(part.fields))
            for column in part.fields.values():
                outside |= _extreme(column)
            good &= part.total(outside.astype(np.float64)) == 0.0
        else:
            good &= part.size == 0
    if not model.discrete and model.vector.n_free > 1 and rows.exact.any():
        low, high = rows.parts[0].extremes
        good &= (low < high) | ~rows.exact
    return good


def _ordinary_outcomes(model: Model, part: KindRows) -> NDArray[np.bool_]:
    """Return which groups have exact outcomes in the support alone, and none that is extreme."""
    good = np.ones(part.size.size, dtype=bool)
    low, high = part.extremes
    least, most = float(np.min(low)), float(np.max(high))
    if model.support.whole or not model.support.spans(least, most):
        outside = ~model.support.contains(part.y)
        good &= part.total(outside.astype(np.float64)) == 0.0
    if not (least > 1.0 / _COMFORTABLE and most < _COMFORTABLE):
        good &= part.total(_extreme(part.y).astype(np.float64)) == 0.0
    return good


def _extreme(y: Vector) -> NDArray[np.bool_]:
    """Return which numbers are so large or small that they are fitted in another unit."""
    size = np.abs(y)
    extreme: NDArray[np.bool_] = (size > _COMFORTABLE) | (
        (size < 1.0 / _COMFORTABLE) & (size > 0.0)
    )
    return extreme


def _moments(model: Model, derivatives: LossDerivatives, rows: GroupRows) -> MomentSums | None:
    """Return the means of the exact rows' sufficient statistics, for a family with such."""
    form, part = model.exponential_form, rows.parts[0]
    if form is None or model.discrete or part.kind != Exact() or not part.y.size:
        return None
    with np.errstate(all="ignore"):
        origin = part.total(part.y) / part.size
        means = [part.mean(t) for t in statistics_of(form, part.y, part.by_row(origin))]
    return MomentSums(derivatives, form, np.stack(means), origin)


def _ranked(
    model: Model, rows: GroupRows, groups: Places, moments: MomentSums | None
) -> list[tuple[Places, Vector]]:
    """Return the groups that have a first starting point with it, those with a second, ..."""
    listed: list[list[Vector]] = []
    vector = model.vector
    for group in groups.tolist():
        own = None
        if moments is not None and rows.parts[0].size[group]:
            own = SufficientMoments(
                weight=float(rows.parts[0].weight[group]),
                means=moments.means[:, group],
                covariance=Lazy(_no_covariance),
                origin=float(moments.origin[group]),
            )
        listed.append(starts_of(model, vector, rows, group, own))
    ranks = []
    for rank in range(max(map(len, listed), default=0)):
        has = [i for i, points in enumerate(listed) if len(points) > rank]
        ranks.append((groups[has], np.stack([listed[i][rank] for i in has], axis=1)))
    return ranks


def _no_covariance() -> Vector:
    raise AssertionError("starting values read no covariance")


def _regular(vector: ParameterVector, ended: Solutions) -> NDArray[np.bool_]:
    """Return which searches ended at a minimum about which there is no doubt."""
    near = np.ones(ended.converged.size, dtype=bool)
    for domain, step in zip(free_domains(vector), ended.step, strict=True):
        if domain.bounded:
            near &= np.abs(step) <= _CORRECTION
    return ended.converged & (ended.determinant > _DETERMINANT) & near


def _errors(
    objective: GroupObjective,
    points: Points,
    estimate: Vector,
    weight: Vector,
    along: Vector | None,
) -> Vector:
    """Return the standard errors of the free numbers, from the observed information.

    Args:
        objective: the cross-entropies.
        points: with their second derivatives.
        estimate: the estimates, unconstrained.
        weight: of each group.
        along: the derivatives of the numbers that are meant in those of the objective, where they
            are others: shape (free, free, groups).
    """
    scale = np.sqrt(np.abs(np.einsum("iip->ip", points.hessian)))
    hessian = scaled(points.hessian, scale)
    variances = np.empty_like(estimate)
    slopes = objective.slopes(estimate)
    for i in range(estimate.shape[0]):
        if along is not None:
            direction = along[i] * slopes / scale
            variances[i] = np.sum(direction * solve(hessian, direction)[0], axis=0)
            continue
        unit = np.zeros_like(estimate)
        unit[i] = 1.0
        variances[i] = solve(hessian, unit)[0][i]
    if along is not None:
        found: Vector = np.sqrt(variances / weight)
        return found
    errors: Vector = np.abs(slopes) / scale * np.sqrt(variances / weight)
    return errors
