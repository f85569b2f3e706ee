"""The definition of the cross-entropy that every fit minimises, with its derivatives.

    H(p, q(θ)) = Σ w_i ℓ_i / Σ w_i,    ℓ_i = −log q(row_i; θ)

in nats, natural logarithm, with every constant and without clipping under the logarithm. ``p`` is
the weighted empirical distribution of the sample. An impossible row costs +inf.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import numpy as np

from kullback._core.arrays import Vector
from kullback.models.model import Model
from kullback.models.parameter_vector import ParameterVector
from kullback.objective.statistics import LossDerivatives, LossSums


@final
@dataclass(frozen=True)
class Evaluation:
    """The cross-entropy at a point, on the unconstrained scale.

    Attributes:
        at: the point ``u``, shape (k,).
        value: H(p, q(θ)) in nats; +inf where a row is impossible.
        gradient: ∂H/∂u, shape (k,).
        hessian: ∂²H/∂u∂u', shape (k, k).
        sums: the same in the constrained coefficients, with the scores' outer product.
    """

    at: Vector
    value: float
    gradient: Vector
    hessian: Vector
    sums: LossSums

    @property
    def loss_variance(self) -> float:
        """Variance of −log q over the rows."""
        return self.sums.variance


@final
@dataclass(frozen=True)
class CrossEntropy:
    """H(p, q(θ)) as a function of the unconstrained vector ``u``.

    Attributes:
        model: q.
        vector: which coefficients ``u`` moves.
        add_up: returns the sums of a ``LossDerivatives`` at constrained coefficients, from an
            engine or from moments.
    """

    model: Model
    vector: ParameterVector
    add_up: Callable[[LossDerivatives, Vector], LossSums]

    def __call__(self, u: Vector) -> Evaluation:
        """Evaluate at ``u``, shape (k,): one pass over the sample."""
        derivatives = LossDerivatives(self.model, self.vector.is_free, products=False)
        sums = self.add_up(derivatives, self.vector.constrained(u))
        jacobian = self.vector.jacobian(u)
        # NaN comes from inf − inf between rows: some row is impossible here
        value = math.inf if math.isnan(sums.loss) else sums.loss
        with np.errstate(invalid="ignore", over="ignore"):  # derivatives of an infinite loss
            gradient = jacobian.T @ sums.score
            hessian = jacobian.T @ sums.hessian @ jacobian + self.vector.curvature(u, sums.score)
        return Evaluation(u, value, gradient, hessian, sums)
