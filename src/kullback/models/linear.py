"""Sources that are linear in columns: a parameter is the inverse link of a linear predictor.

    η_i = β_0 + Σ_j β_j x_ij,      parameter_i = link⁻¹(η_i)

The link is that of the parameter's domain: the identity for a real parameter, the logarithm for a
positive one, the log odds for a probability. Kernels differentiate in η, one number a row, never in
the coefficients; matrix products with the design take it from there.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, final

import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Array, Vector
from kullback._core.domains import REAL, Domain, Interval, Reals
from kullback._core.errors import ModelError
from kullback.models.source import Coefficient, Fixed, Source

# The label of the constant term.
INTERCEPT = "Intercept"


@final
@dataclass(frozen=True, eq=False)
class Linear(Source):
    """A linear function of columns, through the link of the parameter's domain.

    Args:
        columns: the names of the columns.
        intercept: whether there is a constant term, the first coefficient.
        domain: the parameter's domain.
        estimate: the coefficients, shape (p,), of a fitted model.

    Raises:
        ModelError: for a source without any coefficient.
    """

    columns: tuple[str, ...]
    intercept: bool = True
    domain: Interval = REAL
    estimate: Vector | None = None

    def __post_init__(self) -> None:
        """Check that there is a coefficient."""
        if not self.labels:
            raise ModelError("a linear source needs columns or an intercept.")

    @property
    def labels(self) -> tuple[str, ...]:
        """The label of each coefficient."""
        return (*((INTERCEPT,) if self.intercept else ()), *self.columns)

    @property
    def structure(self) -> Hashable:
        """The columns and the domain."""
        return (Linear, self.columns, self.intercept, self.domain, self.estimate is None)

    def for_parameter(self, domain: Domain) -> Linear:
        """Take the link of the parameter's domain."""
        if not isinstance(domain, Interval):
            raise ModelError("a vector of parameters cannot be linear in columns yet.")
        return replace(self, domain=domain)

    def coefficients(self, parameter: str, domain: Domain) -> tuple[Coefficient, ...]:  # noqa: ARG002
        """Return one vector of coefficients, by the parameter's name."""
        size = Reals(len(self.labels))
        return (Coefficient(parameter, size, value=self.estimate, labels=self.labels),)

    def predictor(self) -> Predicted:
        """Return the source of η."""
        return Predicted(self.domain, self.estimate is not None)

    def design(self, row: Mapping[str, Vector]) -> Vector:
        """Return the design matrix, shape (p, rows)."""
        out = np.empty((len(self.labels), len(next(iter(row.values())))))
        if self.intercept:
            out[0] = 1.0
        for k, name in enumerate(self.columns, start=int(self.intercept)):
            out[k] = row[name]
        return out

    def value(
        self,
        coefficients: Sequence[Array],
        row: Mapping[str, Array],
        _parameters: Mapping[str, Array],
    ) -> Array:
        """Compute the parameter of each row from the coefficients."""
        (beta,) = coefficients
        beta = jnp.atleast_1d(beta)
        eta: Any = beta[0] if self.intercept else 0.0
        for k, name in enumerate(self.columns, start=int(self.intercept)):
            eta = eta + beta[k] * row[name]
        value: Array = self.domain.constrained(jnp.asarray(eta))
        return value

    def starts_at(self, value: float | Vector) -> Vector:
        """Return the constant term that gives the parameter's starting value, and zeros."""
        out = np.zeros(len(self.labels))
        if self.intercept:
            out[0] = np.asarray(self.domain.unconstrained(np.atleast_1d(value)))[0]
        return out

    def fixed_at(self, values: Sequence[Vector]) -> Source:
        """Return the source with these coefficients; a number where there are no columns."""
        if not self.columns:
            return Fixed(self.domain.constrained(values[0]))
        return replace(self, estimate=values[0])


@final
@dataclass(frozen=True)
class Predicted(Source):
    """A parameter given by one number a row on the scale of its link: the linear predictor.

    Attributes:
        domain: the parameter's domain.
        fixed: whether the number is known rather than estimated.
    """

    domain: Interval
    fixed: bool

    @property
    def structure(self) -> Hashable:
        """The domain."""
        return (Predicted, self.domain)

    def coefficients(self, parameter: str, domain: Domain) -> tuple[Coefficient, ...]:  # noqa: ARG002
        """Return the number."""
        return (Coefficient(parameter, REAL, value=np.zeros(1) if self.fixed else None),)

    def value(
        self,
        coefficients: Sequence[Array],
        _row: Mapping[str, Array],
        _parameters: Mapping[str, Array],
    ) -> Array:
        """Apply the inverse link."""
        value: Array = self.domain.constrained(coefficients[0])
        return value
