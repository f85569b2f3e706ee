"""The loss of rows and its derivatives in their predictors: the terms of a row, and their form."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import NamedTuple, Protocol, final, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Array, Vector
from kullback.data.observation import RowKind


@runtime_checkable
class RowDerivatives(Protocol):
    """The loss of a row and its derivatives in a model's free numbers."""

    @property
    def structure(self) -> Hashable:
        """The key of the compiled code."""

    def loss(self, kind: RowKind, arguments: Sequence[Array], row: Mapping[str, Array]) -> Array:
        """−log q of each row."""

    def rows(
        self, kind: RowKind, arguments: Sequence[Array], row: Mapping[str, Array]
    ) -> Sequence[Array]:
        """1, ℓ, ℓ², ∂ℓ, and the lower triangles of ∂²ℓ and of ∂ℓ ∂ℓ'."""


@final
class RowTerms(NamedTuple):
    """The loss of rows and its derivatives in the free predictors.

    Attributes:
        loss: ℓ, shape (rows,).
        scores: ∂ℓ/∂η_a, shape (predictors, rows).
        second: the lower triangle of ∂²ℓ/∂η_a∂η_b, row by row, shape (pairs, rows).
        shares: where the predictors are the log odds of classes, their probabilities, that of the
            first one included, shape (classes, rows).
    """

    loss: Vector
    scores: Vector
    second: Vector
    shares: Vector | None = None

    @classmethod
    def of(cls, terms: Vector, free: int) -> RowTerms:
        """Part the terms of rows, shape (terms, rows), for a number of free predictors."""
        return cls(terms[0], terms[1 : 1 + free], terms[1 + free :])


def count_terms(free: int) -> int:
    """Return the number of terms of a row: ℓ, ∂ℓ and the lower triangle of ∂²ℓ."""
    return 1 + free + free * (free + 1) // 2


def without_products(found: Sequence[Array], free: int) -> list[Array]:
    """Return, of 1, ℓ, ℓ², ∂ℓ, ∂²ℓ and ∂ℓ ∂ℓ' those that are not products of others."""
    return [found[1], *found[3 : 2 + count_terms(free)]]


def of_length(numbers: Vector, length: int) -> Vector:
    """Return numbers of rows, of a length: their first one is repeated."""
    if numbers.size == length:
        return numbers
    out = np.empty(length)
    out[: numbers.size] = numbers
    out[numbers.size :] = numbers[0]
    return out


def terms_by_reverse(
    derivatives: RowDerivatives,
    kind: RowKind,
    free: Sequence[int],
    numbers: Sequence[Array],
    row: Mapping[str, Array],
) -> Sequence[Array]:
    """Return ℓ, ∂ℓ and ∂²ℓ by reverse differentiation, in all predictors at once."""
    shape = jnp.shape(next(iter(row.values())))

    def loss(at: Array) -> Array:
        filled = list(numbers)
        for place, a in enumerate(free):
            filled[a] = at[place]
        return jnp.broadcast_to(derivatives.loss(kind, filled, row), shape)

    at = jnp.stack([jnp.broadcast_to(numbers[a], shape) for a in free])
    slope = jax.grad(lambda at: jnp.sum(loss(at)))  # rows are independent: the slope of each

    def along(direction: Array) -> Array:
        steps = jnp.broadcast_to(direction[:, None], at.shape)
        change: Array = jax.jvp(slope, (at,), (steps,))[1]
        return change

    i, j = np.tril_indices(len(free))
    second = jax.vmap(along)(jnp.eye(len(free)))[i, j]
    return loss(at), slope(at), second
