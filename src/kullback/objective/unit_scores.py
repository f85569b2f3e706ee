"""The second moments of the scores of units: rows that may depend on one another are one unit.

With s_i the score of a row, in the model's free numbers, and S_g = Σ w_i s_i over the rows of unit
g, the variance of Σ S_g is Σ S_g S_g' where units are independent, whatever rows have in common
within one. Source: K.-Y. Liang and S. L. Zeger (1986), Biometrika 73, 13–22.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from kullback._core.arrays import Vector
from kullback.data.blocks import Block
from kullback.data.units import UNIT
from kullback.models.design_matrix import DesignMatrix, Indicator
from kullback.objective.statistics import LossDerivatives, Statistic


@final
@dataclass(frozen=True, eq=False)
class OfUnits:
    """Sums of scores by unit.

    Attributes:
        units: the numbers of the units, ascending.
        scores: Σ w s over the rows of each, shape (units, d).
    """

    units: NDArray[np.intp]
    scores: Vector


@final
@dataclass(frozen=True)
class UnitScores(Statistic[OfUnits]):
    """The sum of the scores of each unit, in one pass over rows with the field ``UNIT``.

    Attributes:
        derivatives: which numbers are free.
    """

    derivatives: LossDerivatives

    @property
    def uses_blas(self) -> bool:
        """Whether it multiplies matrices."""
        return True

    def of_block(self, block: Block, arguments: Vector) -> OfUnits:
        """Return the sums over the rows of a block."""
        predictors, of_row = self.derivatives.predictors, self.derivatives.in_predictors
        units, place = np.unique(block.fields[UNIT], return_inverse=True)
        scores = np.zeros((units.size, sum(self.derivatives.is_free)))
        first, free = 0, predictors.free
        for fields, weight, designs in predictors.runs(block):
            values, slopes = predictors.evaluate(arguments, fields, designs)
            terms = predictors.terms(of_row, block.kind, fields, values)
            own = place[first : first + weight.size]
            first += weight.size
            for a, score in zip(free, terms.scores, strict=True):
                weighted = weight * score
                scores[:, predictors.each[a].to] += _by_unit(slopes[a], weighted, own, units.size)
        return OfUnits(units.astype(np.intp), scores)

    def merge(self, left: OfUnits, right: OfUnits) -> OfUnits:
        """Add the sums of units that are in both."""
        units = np.union1d(left.units, right.units)
        scores = np.zeros((units.size, left.scores.shape[1]))
        for part in (left, right):
            scores[np.searchsorted(units, part.units)] += part.scores
        return OfUnits(units, scores)


def _by_unit(
    slope: DesignMatrix | None, score: Vector, unit: NDArray[np.intp], count: int
) -> Vector:
    """Return Σ score · slope over the rows of each unit, shape (count, coefficients)."""
    if slope is None:
        return np.bincount(unit, score, count).astype(np.float64, copy=False)[:, None]
    units = DesignMatrix(np.empty((0, unit.size)), (Indicator(unit, count),))
    return slope.cross(score, units).T
