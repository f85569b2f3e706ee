"""The sums of a model with linear sources: derivatives in the predictors, then matrix products.

With η_a the predictors of a row (one for each linear source, and each other number of the model as
a predictor of all rows), X_a their designs, s_a = ∂ℓ/∂η_a and h_ab = ∂²ℓ/∂η_a∂η_b:

    ∂H/∂β_a = X_a' (w s_a),    ∂²H/∂β_a∂β_b' = X_a' diag(w h_ab) X_b

and the scores' outer product is X_a' diag(w s_a s_b) X_b. The compiled code depends on the number
of predictors, not on that of the coefficients.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, pairwise
from typing import Protocol, final, runtime_checkable

import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Array, Vector
from kullback._core.compilation import COMPILED
from kullback.data.blocks import TILE, Block
from kullback.data.observation import RowKind
from kullback.models.model import Model

# Rows in one matrix product: with a hundred coefficients their design takes 3.2 MB and stays in a
# core's cache, from which the products read it several times.
_RUN = 2 * TILE


@runtime_checkable
class RowDerivatives(Protocol):
    """The loss of a row and its derivatives in a model's free numbers."""

    @property
    def structure(self) -> Hashable:
        """The key of the compiled code."""

    def rows(
        self, kind: RowKind, arguments: Sequence[Array], row: Mapping[str, Array]
    ) -> Sequence[Array]:
        """1, ℓ, ℓ², ∂ℓ, and the lower triangles of ∂²ℓ and of ∂ℓ ∂ℓ'."""


@final
@dataclass(frozen=True)
class Predictors:
    """The predictors of a model, in the order of its numbers.

    Attributes:
        designs: the source of each predictor that is linear; None for the others.
        slices: the coefficients of each, among all constrained numbers of the model.
        is_free: for each, whether to differentiate in it.
        columns: the columns that the compiled code reads.
    """

    designs: tuple[str | None, ...]
    slices: tuple[slice, ...]
    is_free: tuple[bool, ...]
    columns: tuple[str, ...]

    @property
    def free(self) -> list[int]:
        """The predictors to differentiate in."""
        return [a for a, free in enumerate(self.is_free) if free]


def predictors_of(model: Model, is_free: Sequence[bool]) -> Predictors:
    """Return the predictors of a model.

    Args:
        model: the model.
        is_free: for each constrained number, whether to differentiate in it.
    """
    designs: list[str | None] = []
    sizes: list[int] = []
    columns: list[str] = []
    for name, source in model.sources.items():
        own = source.coefficients(name, model.parameters[name])
        size = sum(c.domain.size for c in own)
        if source.predictor() is source:
            designs += [None] * size
            sizes += [1] * size
            columns += source.columns
        else:
            designs.append(name)
            sizes.append(size)
    slices = tuple(slice(i, j) for i, j in pairwise(accumulate(sizes, initial=0)))
    free = tuple(bool(is_free[s.start]) for s in slices)
    return Predictors(tuple(designs), slices, free, tuple(dict.fromkeys(columns)))


def predictor_sums(
    derivatives: RowDerivatives,
    model: Model,
    predictors: Predictors,
    block: Block,
    arguments: Vector,
    *,
    products: bool,
) -> Vector:
    """Return Σ w (1, ℓ, ℓ²), the gradient and the Hessian of a block as one vector.

    Args:
        derivatives: of a row, in the predictors.
        model: the model, with its linear sources.
        predictors: its predictors.
        block: the rows.
        arguments: the coefficients.
        products: whether to append the scores' outer product.
    """
    length = min(_RUN, block.capacity)
    total = None
    for begin in range(0, block.count, length):
        rows = slice(begin, begin + length)
        fields = {name: values[rows] for name, values in block.fields.items()}
        designs = [
            None if name is None else model.sources[name].design(fields)
            for name in predictors.designs
        ]
        values = [
            arguments[where] if x is None else arguments[where] @ x
            for x, where in zip(designs, predictors.slices, strict=True)
        ]
        terms = _terms(derivatives, predictors, block.kind, fields, values, block.weight[rows])
        sums = _contracted(terms, [designs[a] for a in predictors.free], products=products)
        total = sums if total is None else total + sums
    assert total is not None  # a block holds at least one row
    return total


def _terms(
    derivatives: RowDerivatives,
    predictors: Predictors,
    kind: RowKind,
    fields: Mapping[str, Vector],
    values: Sequence[Vector],
    weight: Vector,
) -> Vector:
    """Return w (1, ℓ, ℓ², ∂ℓ, ∂²ℓ, ∂ℓ ∂ℓ') of every row, in the predictors: shape (terms, rows)."""
    names = (*kind.fields, *(n for n in predictors.columns if n not in kind.fields))
    linear = tuple(name is not None for name in predictors.designs)

    def build() -> Callable[[tuple[Array, ...], tuple[Array, ...], Array], Array]:
        def terms(values: tuple[Array, ...], columns: tuple[Array, ...], w: Array) -> Array:
            row = dict(zip(names, columns, strict=True))
            numbers = [v if many else v[0] for v, many in zip(values, linear, strict=True)]
            found = derivatives.rows(kind, numbers, row)
            return jnp.stack([jnp.broadcast_to(term, w.shape) * w for term in found])

        return terms

    key = ("predictors", derivatives.structure, linear, kind, names, weight.size)
    columns = tuple(fields[name] for name in names)
    return np.asarray(COMPILED.call(key, build, tuple(values), columns, weight))


def _contracted(terms: Vector, designs: Sequence[Vector | None], *, products: bool) -> Vector:
    """Multiply the terms by the designs of the free predictors, and add up over the rows."""
    m = len(designs)
    scores, rest = terms[3 : 3 + m], terms[3 + m :]
    half = m * (m + 1) // 2
    parts = [terms[:3].sum(axis=1), *(_dot(x, s) for x, s in zip(designs, scores, strict=True))]
    parts.append(_symmetric_product(rest[:half], designs).ravel())
    if products:
        parts.append(_symmetric_product(rest[half:], designs).ravel())
    return np.concatenate(parts)


def _dot(design: Vector | None, values: Vector) -> Vector:
    out: Vector = np.array([values.sum()]) if design is None else design @ values
    return out


def _symmetric_product(weights: Vector, designs: Sequence[Vector | None]) -> Vector:
    """Return the matrix of blocks X_a' diag(weights_ab) X_b, from the lower triangle of weights."""
    sizes = [1 if x is None else len(x) for x in designs]
    ends = list(accumulate(sizes, initial=0))
    out = np.empty((ends[-1], ends[-1]))
    for k, (a, b) in enumerate(_lower(len(designs))):
        left, right, w = designs[a], designs[b], weights[k]
        if left is None:
            block = _dot(right, w)[None, :]
        elif right is None:
            block = _dot(left, w)[:, None]
        else:
            block = (left * w) @ right.T
        rows, columns = slice(ends[a], ends[a + 1]), slice(ends[b], ends[b + 1])
        out[rows, columns] = block
        if a != b:
            out[columns, rows] = block.T
    return out


@lru_cache(maxsize=32)
def _lower(size: int) -> tuple[tuple[int, int], ...]:
    return tuple((a, b) for a in range(size) for b in range(a + 1))
