"""Separation: a direction of the coefficients along which the loss falls for ever.

Where columns predict some outcomes perfectly, the likelihood has no maximum: it increases as their
coefficients diverge (Albert & Anderson 1984). Either the loss of these rows approaches a limit:
gradient and Hessian vanish together, so that a gradient in units of the Hessian looks converged,
but each Newton step still divides the derivatives of these rows by about e, in whatever unit. Or
it has no limit, as that of a scale which tends to 0: the search then ends far from its start.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, final

import numpy as np
import numpy.typing as npt

from kullback._core.arrays import Vector
from kullback.data.blocks import Block
from kullback.models.design_matrix import DesignMatrix
from kullback.models.linear import INTERCEPT, Predicted
from kullback.models.model import Model
from kullback.models.parameter_vector import ParameterVector
from kullback.objective.predictors import Predictor
from kullback.objective.row_terms import RowTerms
from kullback.objective.statistics import LossDerivatives, Statistic

# At a maximum the last Newton step is rounding, and changes no derivative of a row by this share.
_CHANGED = 0.1

# Where the step changes no slope by this share, to first order, none changes by the former.
_TO_FIRST_ORDER = 0.01

# A predictor on a logarithmic scale that moved this far, a factor of 1e10, without an end of the
# search: no estimate is so far from its start.
_FAR = 23.0

# On a logarithmic scale a step that changes the derivatives of a row by a tenth moves its predictor
# by a tenth over a shape; shapes above 100 are rare, and steps at a maximum are below 1e-6.
_STILL = 1e-3

# A coefficient takes part in that direction if its own part of the change is at least this share.
_SHARE = 0.05

# A step that is smaller than this part of every coefficient is not looked at row by row: along a
# direction without an end the coefficients have come some twenty steps, each of the last's size.
_SMALL = 1e-5


@final
@dataclass(frozen=True)
class AlongStep(Statistic[Vector]):
    """The largest change of predictors by a step of the coefficients, and whether it moves rows.

    Its arguments are all constrained numbers, and then the step of each. The result has a column
    for each number: the largest change of its predictor by its own step, that by the whole step,
    and whether a row is moved, as 1 or 0.

    Attributes:
        derivatives: the derivatives of the loss.
        far: whether the rows moved are those of a predictor on a logarithmic scale that changes by
            more than a factor of 1e10; else those whose derivatives the step changes by a tenth.
    """

    derivatives: LossDerivatives
    far: bool

    @property
    def uses_blas(self) -> bool:
        """True."""
        return True

    @cached_property
    def sources(self) -> list[list[int]]:
        """The predictors that may move rows, source by source, by their places among the free."""
        predictors = self.derivatives.predictors
        found: dict[str, list[int]] = {}
        for k, a in enumerate(predictors.free):
            p = predictors.each[a]
            name = p.linear or (p.function and p.function.parameter)
            if name and (not self.far or self._logarithmic(p)):
                found.setdefault(name, []).append(k)
        return list(found.values())

    def _logarithmic(self, predictor: Predictor) -> bool:
        if predictor.linear is None:
            return False
        source = self.derivatives.model.sources[predictor.linear].predictor()
        assert isinstance(source, Predicted)
        return source.logarithmic

    def of_block(self, block: Block, arguments: Vector) -> Vector:
        """Return the changes of one block."""
        predictors = self.derivatives.predictors
        at, step = np.split(arguments, 2)
        largest = np.zeros((3, at.size))
        for fields, weight, designs in predictors.runs(block):
            values, slopes = predictors.evaluate(at, fields, designs)
            beyond = self._beyond(values, slopes, at, step, fields)
            if not self.far and self._stays(values, beyond):
                continue

            def terms(values: list[Vector], fields: dict[str, Vector] = fields) -> RowTerms:
                of_row = self.derivatives.in_predictors
                return predictors.terms(of_row, block.kind, fields, values)

            here = None if self.far else terms(values)
            for own in self.sources:
                places = {k: predictors.free[k] for k in own}
                change = {k: np.abs(beyond[a] - values[a]) for k, a in places.items()}
                most = np.max(list(change.values()), axis=0)
                there = here
                if here is not None and self._may_change(here, change, weight):
                    taken = set(places.values())
                    there = terms([beyond[a] if a in taken else v for a, v in enumerate(values)])
                for k, a in places.items():
                    # of the classes of a row, those that move
                    rows = (weight > 0.0) & (change[k] >= _SHARE * most)
                    if here is None or there is None:
                        rows &= change[k] > _FAR
                    else:
                        rows &= _changed(here, there, k)
                    slope, counted = slopes[a], weight > 0.0
                    assert slope is not None  # it varies
                    where, parts = _parts(predictors.each[a], slope.largest(counted), step)
                    whole, moved = np.max(change[k], where=counted, initial=0.0), rows.any()
                    found = [parts, np.full(parts.size, whole), np.full(parts.size, moved)]
                    largest[:, where] = np.maximum(largest[:, where], found)
        return largest

    def _beyond(
        self,
        values: Sequence[Vector],
        slopes: Sequence[DesignMatrix | None],
        at: Vector,
        step: Vector,
        fields: dict[str, Vector],
    ) -> list[Vector]:
        """The predictors after the step; of designs from those before."""
        each = self.derivatives.predictors.each
        if any(p.function is not None for p in each):
            return self.derivatives.predictors.evaluate(at + step, fields)[0]
        return [
            value + (step[p.where] if slope is None else slope.dot(step[p.where]))
            for p, value, slope in zip(each, values, slopes, strict=True)
        ]

    def _may_change(self, here: RowTerms, change: Mapping[int, Vector], weight: Vector) -> bool:
        """Whether a row's slope may differ after the step, to first order by a hundredth.

        Of one predictor alone. (A row that is separated differs by as much as its slope.)
        """
        if len(change) > 1:
            return True
        ((k, own),) = change.items()
        slope, curvature = _slope_and_curvature(here, k)
        first = np.abs(curvature) * own
        return bool(np.any((first >= _TO_FIRST_ORDER * np.abs(slope)) & (weight > 0.0)))

    def _stays(self, values: Sequence[Vector], beyond: Sequence[Vector]) -> bool:
        """Whether no row of predictors on a logarithmic scale moves by as much as a thousandth."""
        each = self.derivatives.predictors.each
        return all(
            (p.linear is None and p.function is None)
            or (self._logarithmic(p) and float(np.max(np.abs(b - v))) < _STILL)
            for p, v, b in zip(each, values, beyond, strict=True)
        )

    def merge(self, left: Vector, right: Vector) -> Vector:
        """Return the larger changes."""
        return np.maximum(left, right)


def _changed(here: RowTerms, there: RowTerms, k: int) -> npt.NDArray[np.bool_]:
    """Return the rows whose slope and curvature in a predictor differ between two points."""
    out = np.ones(here.loss.size, dtype=bool)
    for before, after in zip(
        _slope_and_curvature(here, k), _slope_and_curvature(there, k), strict=True
    ):
        out &= np.abs(after - before) > _CHANGED * np.abs(before)
    return out


def _slope_and_curvature(terms: RowTerms, k: int) -> tuple[Vector, Vector]:
    """The derivatives of rows in a predictor."""
    return terms.scores[k], terms.second[k * (k + 3) // 2]


def _parts(
    predictor: Predictor, largest: Vector, step: Vector
) -> tuple[npt.NDArray[np.intp], Vector]:
    """Return a predictor's coefficients, and the largest change over rows by the step of each."""
    where = np.arange(predictor.where.start, predictor.where.stop)
    if predictor.function is not None:
        where = where[list(predictor.function.free)]
    return where, largest * np.abs(step[where])


def separated_columns(
    model: Model,
    vector: ParameterVector,
    points: tuple[Vector, Vector, Vector],
    reduce: Callable[..., Any],
    *,
    ended: bool,
) -> tuple[str, ...]:
    """Return the coefficients of a direction along which the loss falls for ever; empty if none.

    Args:
        model: the model, with linear sources or others of columns.
        vector: its coefficients.
        points: where the search started, its last point, and Newton's next from there.
        reduce: adds a statistic up over the sample.
        ended: whether the gradient has vanished at the last point.
    """
    start, last, following = points
    if not ended:
        return _moved(model, vector, start, last, reduce, far=True)
    if bool(np.all(np.abs(following - last) <= _SMALL * np.abs(last))):
        return ()
    names = _moved(model, vector, last, following, reduce, far=False)
    if all(INTERCEPT in name for name in names):  # the last step of several columns' way
        return names and (_moved(model, vector, start, last, reduce, far=True) or names)
    return names


def _moved(
    model: Model,
    vector: ParameterVector,
    begin: Vector,
    end: Vector,
    reduce: Callable[..., Any],
    *,
    far: bool,
) -> tuple[str, ...]:
    """Return the coefficients that take part in a step which moves rows."""
    at = vector.constrained(begin)
    change = vector.constrained(end) - at
    if not np.all(np.isfinite([at, change])):
        return ()
    statistic = AlongStep(LossDerivatives(model, vector.is_free), far)
    parts, wholes, moved = reduce(statistic, np.concatenate([at, change]))
    names = [
        c.name if c.domain.size == 1 and not c.labels else f"{c.name}[{k}]"
        for c in vector.coefficients
        for k in c.labels or range(c.domain.size)
    ]
    takes_part = (moved > 0.0) & (parts >= _SHARE * wholes)
    return tuple(name for name, part in zip(names, takes_part, strict=True) if part)
