"""What a fit needs of its objective at the estimate.

What may take another pass over the rows is a method, which no check of types calls.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, Protocol, TypeAlias, runtime_checkable

from kullback._core.arrays import Vector
from kullback.models.parameter_vector import ParameterVector

CovarianceKind: TypeAlias = Literal["observed", "expected", "sandwich", "clustered"]


@runtime_checkable
class Evaluated(Protocol):
    """The cross-entropy at the estimate, and what follows from its derivatives there."""

    @property
    def value(self) -> float:
        """What the fit minimised: the cross-entropy and the penalty."""

    @property
    def cross_entropy(self) -> float:
        """The cross-entropy in nats; +inf where a row is impossible."""

    @property
    def penalty(self) -> float:
        """The penalty on the coefficients, which the fit minimised with the cross-entropy."""

    def loss_variance(self) -> float:
        """Return the variance of −log q over the rows."""

    def stored(self) -> Mapping[str, Any]:
        """Return the arrays and numbers that a saved fit holds, by name, or by name and part."""

    def constrained(self, vector: ParameterVector) -> Vector:
        """Return all numbers of the model at the estimate, in the order of its coefficients."""

    def covariance(
        self,
        vector: ParameterVector,
        kind: CovarianceKind,
        weight: float,
        expected: Callable[[], Vector],
    ) -> Vector:
        """Return the covariance of the free constrained numbers.

        Args:
            vector: the coefficients.
            kind: "observed", "expected" or "sandwich".
            weight: the total weight.
            expected: returns the Fisher information of one row in these numbers.
        """

    def variances(self, weight: float) -> Vector | None:
        """Return the covariance's diagonal where it is known without the matrix; else None."""

    def optimism(self, vector: ParameterVector) -> float:
        """Return the trace of inverse Hessian times outer product of scores; NaN if none."""
