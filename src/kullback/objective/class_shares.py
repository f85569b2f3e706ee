"""The maximum likelihood of a categorical distribution in closed form: the shares of its classes.

With shares p of a total weight W: cross-entropy −Σ p log p; standard errors √(p(1 − p)/W), and of
logits against the last √((1/p + 1/p_K)/W). Source: A. Agresti (2013), Categorical Data Analysis,
section 1.5.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from kullback._core.arrays import Vector
from kullback._core.errors import KullbackError
from kullback.models.parameter_vector import ParameterVector
from kullback.objective.evaluated import CovarianceKind

# A covariance of more numbers than this is refused: it would take more than 2 GiB.
_MOST_NUMBERS = 1 << 28
# Bisection steps for the least eigenvalue: its precision is then that of a double.
_BISECTIONS = 60


@final
@dataclass(frozen=True, eq=False)
class ClassShares:
    """The cross-entropy and its derivatives at the shares of the classes.

    Observed, expected and sandwich covariance are the same there: the model is saturated. With
    sampling weights, v = Σ w² of a class takes the place of its Σ w = W p: the covariance of the
    shares is (D(v) − p v' − v p' + p p' Σ v)/W².

    Attributes:
        shares: of the K classes, shape (K,); 0 for a class of weight 0, whose estimate is on its
            bound and has no error.
        as_logits: whether the parameters are logits, the last at 0; all shares are then positive.
        squares: v/W, for sampling weights; None for frequencies.
    """

    shares: Vector
    as_logits: bool
    squares: Vector | None = None

    def stored(self) -> dict[str, Vector]:
        """Return the numbers that a saved fit holds."""
        squares = {} if self.squares is None else {"squares": self.squares}
        return {"shares": self.shares, **squares}

    def constrained(self, vector: ParameterVector) -> Vector:  # noqa: ARG002  # the protocol's
        """Return the K estimated numbers: the shares, or their logits."""
        if not self.as_logits:
            return self.shares
        logs = np.log(self.shares)
        out: Vector = logs - logs[-1]
        return out

    @property
    def positive(self) -> Vector:
        """The shares above 0."""
        return self.shares[self.shares > 0.0]

    penalty: ClassVar[float] = 0.0

    @property
    def value(self) -> float:
        """The cross-entropy, as nothing is penalised."""
        return self.cross_entropy

    @property
    def cross_entropy(self) -> float:
        """The cross-entropy, which is the entropy of the shares."""
        return abs(float(np.sum(self.positive * np.log(self.positive))))

    def loss_variance(self) -> float:
        """Return the variance of −log q over the rows."""
        v = self.positive if self.squares is None else self.squares[self.shares > 0.0]
        return float(np.sum(v * (np.log(self.positive) + self.cross_entropy) ** 2))

    def optimism(self, vector: ParameterVector) -> float:  # noqa: ARG002
        """Return the trace of inverse Hessian times outer product of scores: of free shares."""
        return self.positive.size - 1.0

    def variances(self, weight: float) -> Vector:
        """Return the variances of the estimates; NaN for those on a bound."""
        p, v = self.shares, self.squares
        if self.as_logits:
            of_log = 1.0 / p if v is None else v / p**2
            out: Vector = (of_log + of_log[-1]) / weight
            out[-1] = 0.0
            return out
        variance = p * (1.0 - p) if v is None else v * (1.0 - 2.0 * p) + p**2 * v.sum()
        return np.where((p > 0.0) & (p < 1.0), variance / weight, np.nan)

    def covariance(
        self,
        vector: ParameterVector,  # noqa: ARG002
        kind: CovarianceKind,  # noqa: ARG002
        weight: float,
        expected: Callable[[], Vector],  # noqa: ARG002
    ) -> Vector:
        """Return the covariance, the same of every kind: NaN in the rows of those on a bound.

        Raises:
            KullbackError: for so many classes that it would take more than 2 GiB.
        """
        p = self.shares
        if p.size**2 > _MOST_NUMBERS:
            raise KullbackError(
                f"the covariance of {p.size:,} classes would take {8e-9 * p.size**2:,.0f} GB: use "
                "fit.stderr, which has the standard errors without it."
            )
        v = self.squares
        if self.as_logits:
            of_last = 1.0 if v is None else v[-1] / p[-1]
            out = np.full((p.size, p.size), of_last / (p[-1] * weight))
            out[-1] = out[:, -1] = 0.0
        elif v is None:
            out = -np.outer(p, p) / weight
        else:
            out = (np.outer(p, p) * v.sum() - np.outer(p, v) - np.outer(v, p)) / weight
        variances = self.variances(weight)
        np.fill_diagonal(out, variances)
        on_bound = np.isnan(variances)
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
