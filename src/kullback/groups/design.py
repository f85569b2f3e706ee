"""The columns of a regression in every group: centred, scaled, and summed with the loss.

A group's coefficients b of columns that have mean 0 and deviation 1 in its rows are nearly
uncorrelated, whatever the columns' units, so that Newton's method ends in a few steps. The user's
are β_j = b_j / s_j and β_0 = b_0 − Σ_j b_j m_j / s_j, with the columns' means m and deviations s
in the group; without an intercept columns are scaled alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from kullback._core.arrays import Array, Vector
from kullback._core.domains import Interval
from kullback.data.observation import Exact
from kullback.groups.lanes import CompiledKernel
from kullback.groups.objectives import PlainTerms
from kullback.groups.rows import GroupRows, KindRows, Places
from kullback.models.linear import INTERCEPT, Linear
from kullback.models.model import Model
from kullback.objective.statistics import LossDerivatives

# A column whose deviation in a group is a smaller part of its largest number there is constant.
_CONSTANT = 1e-10


@final
@dataclass(frozen=True, eq=False)
class _Columns:
    """The columns of one linear source.

    Attributes:
        where: the coefficients among all numbers of the model.
        intercept: whether the first is the intercept.
        values: the columns of each part of the rows, without the intercept, shape (columns, rows).
        means: shape (columns, groups); 0 without an intercept.
        deviations: shape (columns, groups).
    """

    where: slice
    intercept: bool
    values: list[Vector]
    means: Vector
    deviations: Vector


@final
class GroupDesign:
    """The standardised columns of a model's linear sources.

    Args:
        derivatives: the model, and the numbers to differentiate in.
        rows: the rows of all groups.
    """

    def __init__(self, derivatives: LossDerivatives, rows: GroupRows) -> None:
        self._derivatives, self._rows = derivatives, rows
        self._each: dict[str, _Columns] = {}
        for p in derivatives.predictors.each:
            if p.linear is not None:
                self._each[p.linear] = _columns(derivatives.model, p.linear, p.where, rows)

    def regular(self) -> NDArray[np.bool_]:
        """Return the groups in which no column is constant."""
        good = np.ones(self._rows.count, dtype=bool)
        for own in self._each.values():
            good &= np.all(own.deviations > 0.0, axis=0)
        return good

    def terms(self, part: KindRows) -> PlainTerms:
        """Return the derivatives of the loss in the coefficients of standardised columns."""
        at = next(i for i, other in enumerate(self._rows.parts) if other is part)
        columns = [x for own in self._each.values() for x in own.values[at]]
        fields = (*part.fields.values(), *columns)
        kind, derivatives = part.kind, self._derivatives
        key = ("regression", derivatives.structure, kind)
        return PlainTerms(fields, CompiledKernel(key, self._program(part), kind == Exact()))

    def standardised(self, numbers: Vector) -> Vector:
        """Return numbers of the model, shape (k, groups), as those of standardised columns."""
        out = numbers.copy()
        for own in self._each.values():
            beta = numbers[own.where]
            slopes = beta[own.intercept :]
            out[own.where][own.intercept :] = slopes * own.deviations
            if own.intercept:
                out[own.where.start] = beta[0] + np.sum(slopes * own.means, axis=0)
        return out

    def in_own_units(self, numbers: Vector) -> Vector:
        """Return the numbers of the model from those of standardised columns: (k, groups)."""
        out = numbers.copy()
        for own in self._each.values():
            with np.errstate(divide="ignore"):  # of groups without an estimate
                slopes = numbers[own.where][own.intercept :] / own.deviations
            out[own.where][own.intercept :] = slopes
            if own.intercept:
                out[own.where.start] -= np.sum(slopes * own.means, axis=0)
        return out

    def directions(self, groups: Places) -> Vector:
        """Return ∂ (the model's numbers) / ∂ (those of standardised columns): (k, k, groups)."""
        k = len(self._derivatives.is_free)
        out = np.zeros((k, k, groups.size))
        out[range(k), range(k)] = 1.0
        for own in self._each.values():
            first = own.where.start + own.intercept
            for j, (mean, deviation) in enumerate(zip(own.means, own.deviations, strict=True)):
                out[first + j, first + j] = 1.0 / deviation[groups]
                if own.intercept:
                    out[own.where.start, first + j] = -mean[groups] / deviation[groups]
        return out

    def _program(self, part: KindRows) -> Callable[..., list[Array]]:
        predictors, in_predictors = self._derivatives.predictors, self._derivatives.in_predictors
        kind, names = part.kind, part.kind.fields
        free = predictors.free
        m = len(free)
        linear = self._each

        def terms(theta: Array, *fields: Array) -> list[Array]:
            rest: Iterator[Array] = iter(fields[len(names) :])
            columns = {
                name: [*([None] if own.intercept else []), *(next(rest) for _ in own.means)]
                for name, own in linear.items()
            }
            slopes = [[None] if p.linear is None else columns[p.linear] for p in predictors.each]
            numbers = []
            for p, own in zip(predictors.each, slopes, strict=True):
                first, *others = (
                    b if x is None else b * x for b, x in zip(theta[p.where], own, strict=True)
                )
                numbers.append(sum(others, first))
            observed = dict(zip(names, fields, strict=False))
            found = in_predictors.rows(kind, numbers, observed)
            scores, second = found[3 : 3 + m], found[3 + m :]
            places = [(a, x) for a in range(m) for x in slopes[free[a]]]
            gradient = [_times(scores[a], x) for a, x in places]
            hessian = [
                _times(_times(second[_lower(a, b)], x), y)
                for i, (a, x) in enumerate(places)
                for b, y in places[: i + 1]
            ]
            return [found[1], *gradient, *hessian]

        return terms


def solvable_design(model: Model) -> bool:
    """Whether the columns of a model are those of free linear sources, one predictor each."""
    linear = [s for s in model.sources.values() if s.predictor() is not s]
    return all(
        isinstance(s, Linear) and isinstance(s.domain, Interval) and s.estimate is None
        for s in linear
    ) and set(model.columns) == {c for s in linear for c in s.columns}


def _columns(model: Model, name: str, where: slice, rows: GroupRows) -> _Columns:
    source = model.sources[name]
    assert isinstance(source, Linear)  # as `solvable_design` says
    intercept = source.labels[0] == INTERCEPT
    values = []
    for part in rows.parts:
        dense = source.design(part.chunk.fields).to_dense()[int(intercept) :]
        values.append(np.stack([part.ordered(x) for x in dense]) if len(dense) else dense)
    size = rows.size
    with np.errstate(all="ignore"):  # of a group without rows

        def mean(columns: list[Vector]) -> Vector:
            totals = [
                np.stack([part.total(x) for x in own])
                for part, own in zip(rows.parts, columns, strict=True)
            ]
            return sum(totals[1:], totals[0]) / size

        if not len(values[0]):
            none = np.zeros((0, rows.count))
            return _Columns(where, intercept, values, none, none)
        means = mean(values) if intercept else np.zeros((len(values[0]), rows.count))
        for part, own in zip(rows.parts, values, strict=True):
            own -= np.stack([part.by_row(m) for m in means])
        deviations = np.sqrt(mean([own * own for own in values]))
        largest = np.abs(means) + deviations
        deviations = np.where(deviations > _CONSTANT * largest, deviations, 0.0)
        for part, own in zip(rows.parts, values, strict=True):
            own /= np.stack([part.by_row(s) for s in np.where(deviations > 0.0, deviations, 1.0)])
    return _Columns(where, intercept, values, means, deviations)


def _times(value: Array, x: Array | None) -> Array:
    return value if x is None else value * x


def _lower(a: int, b: int) -> int:
    a, b = max(a, b), min(a, b)
    return a * (a + 1) // 2 + b
