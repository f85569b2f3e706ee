"""The maximum likelihood of a categorical distribution in closed form: the shares of its classes.

With shares p of a total weight W: cross-entropy −Σ p log p; standard errors √(p(1 − p)/W), and of
logits against the last √((1/p + 1/p_K)/W). Source: A. Agresti (2013), Categorical Data Analysis,
section 1.5.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from kullback._core.arrays import Vector
from kullback._core.errors import KullbackError
from kullback.models.parameter_vector import ParameterVector
from kullback.objective.cross_entropy import Evaluation

# A covariance of more numbers than this is refused: it would take more than 2 GiB.
_MOST_NUMBERS = 1 << 28
# Bisection steps for the least eigenvalue: its precision is then that of a double.
_BISECTIONS = 60


@final
@dataclass(frozen=True, eq=False)
class ClassShares:
    """The cross-entropy and its derivatives at the shares of the classes.

    Observed, expected and sandwich covariance are the same there: the model is saturated.

    Attributes:
        shares: of the K classes, shape (K,); 0 for a class of weight 0, whose estimate is on its
            bound and has no error.
        weight: total weight.
        as_logits: whether the parameters are logits, the last at 0; all shares are then positive.
    """

    shares: Vector
    weight: float
    as_logits: bool

    @property
    def estimates(self) -> Vector:
        """The K estimated numbers: the shares, or their logits."""
        if not self.as_logits:
            return self.shares
        logs = np.log(self.shares)
        out: Vector = logs - logs[-1]
        return out

    @property
    def positive(self) -> Vector:
        """The shares above 0."""
        return self.shares[self.shares > 0.0]

    @property
    def value(self) -> float:
        """The cross-entropy, which is the entropy of the shares."""
        return abs(float(np.sum(self.positive * np.log(self.positive))))

    @property
    def loss_variance(self) -> float:
        """Variance of −log q over the rows."""
        return float(np.sum(self.positive * (np.log(self.positive) + self.value) ** 2))

    @property
    def optimism(self) -> float:
        """The trace of inverse Hessian times outer product of scores: the free shares' number."""
        return self.positive.size - 1.0

    @property
    def variances(self) -> Vector:
        """Variances of the estimates; NaN for those on a bound."""
        p = self.shares
        if self.as_logits:
            out: Vector = (1.0 / p + 1.0 / p[-1]) / self.weight
            out[-1] = 0.0
            return out
        return np.where((p > 0.0) & (p < 1.0), p * (1.0 - p) / self.weight, np.nan)

    def covariance(self) -> Vector:
        """Covariance of the estimates, shape (K, K); NaN in the rows of those on a bound.

        Raises:
            KullbackError: for so many classes that it would take more than 2 GiB.
        """
        p = self.shares
        if p.size**2 > _MOST_NUMBERS:
            raise KullbackError(
                f"the covariance of {p.size:,} classes would take {8e-9 * p.size**2:,.0f} GB: use "
                "fit.stderr, which has the standard errors without it."
            )
        if self.as_logits:
            out = np.full((p.size, p.size), 1.0 / (p[-1] * self.weight))
            out[-1] = out[:, -1] = 0.0
        else:
            out = -np.outer(p, p) / self.weight
        np.fill_diagonal(out, self.variances)
        on_bound = np.isnan(self.variances)
        out[on_bound] = out[:, on_bound] = np.nan
        return out

    @property
    def smallest_eigenvalue(self) -> float:
        """The least eigenvalue of the Hessian in the log odds, scaled to a unit diagonal.

        The scaled matrix is diag(1/(1 − p)) − v v' with v² = p/(1 − p), without the last class, so
        the eigenvalue λ below 1/(1 − p) solves Σ p/(1 − λ(1 − p)) = 1 (G. H. Golub 1973).
        """
        p = self.positive[:-1]
        if not p.size:
            return float("nan")
        rest = 1.0 - p
        low, high = 0.0, 1.0 / float(np.max(rest))
        for _ in range(_BISECTIONS):
            middle = 0.5 * (low + high)
            below = float(np.sum(p / (1.0 - middle * rest))) < 1.0
            low, high = (middle, high) if below else (low, middle)
        return low


def constrained_at(vector: ParameterVector, at: Evaluation | ClassShares) -> Vector:
    """All numbers of a model at an estimate, in the order of its coefficients."""
    return at.estimates if isinstance(at, ClassShares) else vector.constrained(at.at)
