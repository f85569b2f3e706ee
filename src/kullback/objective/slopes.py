"""The gradient of the cross-entropy of a regression, by passes without second derivatives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from kullback._core.arrays import Vector
from kullback.data.blocks import Block
from kullback.models.model import Model
from kullback.models.parameter_vector import ParameterVector
from kullback.objective.predictor_sums import sum_of_slopes
from kullback.objective.statistics import LossDerivatives, Statistic

# Second derivatives with so many times the products of a gradient are worth several of these.
_MANY_PRODUCTS = 64


@final
@dataclass(frozen=True)
class Slopes(Statistic[Vector]):
    """Σ w and Σ w ∂ℓ/∂θ: two products of the design with a vector for each predictor.

    The loss itself, whose constants may cost more than its slope, is left out.

    Attributes:
        derivatives: of a model that is differentiated in predictors.
    """

    derivatives: LossDerivatives

    @property
    def uses_blas(self) -> bool:
        """True."""
        return True

    def of_block(self, block: Block, arguments: Vector) -> Vector:
        """Return the sums of one block."""
        predictors, of_row = self.derivatives.predictors, self.derivatives.in_predictors
        places = [to for a in predictors.free if (to := predictors.each[a].to) is not None]
        d = max((to.stop for to in places), default=0)
        sums = np.zeros(1 + d)
        for fields, weight, designs in predictors.runs(block):
            values, slopes = predictors.evaluate(arguments, fields, designs)
            terms = predictors.scores(of_row, block.kind, fields, values, few=block.few)
            sums[0] += weight.sum()
            jacobians = [slopes[a] for a in predictors.free]
            sums[1:] += sum_of_slopes(weight * terms, jacobians, places, d)
        return sums

    def merge(self, left: Vector, right: Vector) -> Vector:
        """Add."""
        return left + right


def slope_of(
    model: Model, vector: ParameterVector, reduce: Callable[..., Any], ridge: Vector | None
) -> Callable[[Vector], Vector]:
    """Return ∂H/∂u as a function of ``u``, with the slope of a ridge penalty.

    Args:
        model: the model, differentiated in predictors.
        vector: its coefficients.
        reduce: adds a statistic up over the sample.
        ridge: the weights of the penalty, as in ``CrossEntropy``.
    """
    derivatives = LossDerivatives(model, vector.is_free, products=False, bases=vector.bases)

    def slope(u: Vector) -> Vector:
        constrained = vector.constrained(u)
        sums = reduce(Slopes(derivatives), constrained)
        score = sums[1:] / sums[0]
        if ridge is not None:
            score = score + ridge * constrained[np.array(vector.is_free)]
        out: Vector = vector.jacobian_of_sums(u).T @ score
        return out

    return slope


def many_products(model: Model, is_free: Sequence[bool]) -> bool:
    """Whether second derivatives cost many times a gradient: of several predictors of columns.

    Of one or two they cost at most five times as much, and save passes.
    """
    predictors = LossDerivatives(model, tuple(is_free)).predictors
    free = [predictors.each[a] for a in predictors.free]
    sizes = np.array([p.where.stop - p.where.start for p in free if p.linear is not None])
    total = int(sizes.sum())
    return sizes.size > 2 and total * total + int(sizes @ sizes) > 2 * _MANY_PRODUCTS * total
