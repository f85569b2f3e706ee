"""The definition of the cross-entropy that every fit minimises, with its derivatives.

    H(p, q(θ)) = Σ w_i ℓ_i / Σ w_i,    ℓ_i = −log q(row_i; θ)

in nats, natural logarithm, with every constant and without clipping under the logarithm. ``p`` is
the weighted empirical distribution of the sample. An impossible row costs +inf.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, final

import numpy as np

from kullback._core.arrays import Vector
from kullback._core.hessians import inverse
from kullback.models.model import Model
from kullback.models.parameter_vector import ParameterVector
from kullback.objective.evaluated import CovarianceKind
from kullback.objective.statistics import LossDerivatives, LossSums


@final
@dataclass(frozen=True)
class Evaluation:
    """The cross-entropy at a point, on the unconstrained scale.

    Attributes:
        at: the point ``u``, shape (k,).
        value: H(p, q(θ)) in nats, with the penalty; +inf where a row is impossible.
        gradient: ∂H/∂u, shape (k,).
        hessian: ∂²H/∂u∂u', shape (k, k).
        sums: the cross-entropy's in the constrained coefficients, with the scores' outer product.
        penalty: Σ λ v²/2.
    """

    at: Vector
    value: float
    gradient: Vector
    hessian: Vector
    sums: LossSums
    penalty: float = 0.0

    @property
    def cross_entropy(self) -> float:
        """H(p, q(θ)) in nats, without the penalty."""
        return self.value - self.penalty

    def loss_variance(self) -> float:
        """Return the variance of −log q over the rows."""
        return self.sums.variance

    def stored(self) -> dict[str, dict[str, Any]]:
        """Return the numbers that a saved fit holds, by part."""
        sums = ("weight", "loss", "variance", "score", "hessian", "outer")
        own = ("at", "value", "gradient", "hessian", *(("penalty",) if self.penalty else ()))
        return {
            "evaluation": {n: getattr(self, n) for n in own},
            "sums": {n: getattr(self.sums, n) for n in sums},
        }

    def constrained(self, vector: ParameterVector) -> Vector:
        """Return all numbers of the model, in the order of its coefficients."""
        numbers: Vector = vector.constrained(self.at)
        return numbers

    def covariance(
        self,
        vector: ParameterVector,
        kind: CovarianceKind,
        weight: float,
        expected: Callable[[], Vector],
    ) -> Vector:
        """Return the covariance of the free constrained numbers; NaN if not positive definite."""
        jacobian = vector.jacobian(self.at)
        if kind == "expected":
            middle = inverse(jacobian.T @ expected() @ jacobian)
        else:
            middle = inverse(self.hessian)
            if kind == "sandwich":
                own = vector.jacobian_of_sums(self.at)
                middle = middle @ (own.T @ self.sums.outer @ own) @ middle
        return _along(middle, jacobian.T) / weight

    def variances(self, weight: float) -> None:  # the protocol's
        """None: they are the diagonal of the covariance."""

    def optimism(self, vector: ParameterVector) -> float:
        """Return the trace of inverse Hessian times outer product of scores; NaN if none."""
        if not vector.n_free:
            return math.nan
        jacobian = vector.jacobian_of_sums(self.at)
        outer = jacobian.T @ self.sums.outer @ jacobian
        return float(np.trace(inverse(self.hessian) @ outer))


@final
@dataclass(frozen=True)
class CrossEntropy:
    """H(p, q(θ)) as a function of the unconstrained vector ``u``.

    Attributes:
        model: q.
        vector: which coefficients ``u`` moves.
        add_up: returns the sums of a ``LossDerivatives`` at constrained coefficients, from an
            engine or from moments.
        ridge: the weight λ of each free constrained number v in a penalty Σ λ v²/2, where v is an
            affine function of ``u``; None for none.
        light: whether only loops are compiled, for censored and truncated rows that are not many.
    """

    model: Model
    vector: ParameterVector
    add_up: Callable[[LossDerivatives, Vector], LossSums]
    ridge: Vector | None = None
    light: bool = False

    @cached_property
    def _derivatives(self) -> LossDerivatives:
        bases = self.vector.bases
        return LossDerivatives(
            self.model, self.vector.is_free, products=False, bases=bases, light=self.light
        )

    def __call__(self, u: Vector) -> Evaluation:
        """Evaluate at ``u``, shape (k,): one pass over the sample."""
        sums = self.add_up(self._derivatives, self.vector.constrained(u))
        jacobian = self.vector.jacobian_of_sums(u)
        # NaN comes from inf − inf between rows: some row is impossible here
        value = math.inf if math.isnan(sums.loss) else sums.loss
        with np.errstate(invalid="ignore", over="ignore"):  # derivatives of an infinite loss
            gradient = jacobian.T @ sums.score
            hessian = _along(sums.hessian, jacobian) + self.vector.curvature(u, sums.score)
        if self.ridge is None:
            return Evaluation(u, value, gradient, hessian, sums)
        v = self.vector.constrained(u)[np.array(self.vector.is_free)]
        penalty = 0.5 * float(v @ (self.ridge * v))
        slope = jacobian.T @ (self.ridge * v)
        bend = jacobian.T @ (self.ridge[:, None] * jacobian)
        return Evaluation(u, value + penalty, gradient + slope, hessian + bend, sums, penalty)


def _along(hessian: Vector, jacobian: Vector) -> Vector:
    """Return J'HJ; where J is diagonal, as that of coefficients, without products of matrices."""
    diagonal = jacobian.diagonal()
    rows, columns = jacobian.shape
    if rows != columns or np.count_nonzero(jacobian) > np.count_nonzero(diagonal):
        return jacobian.T @ hessian @ jacobian
    return diagonal[:, None] * hessian * diagonal
