"""The kernel for many coefficients: by matrices, instead of one pair of scalars at a time.

Second derivatives are those of the block's summed loss, column by column; the scores' outer product
is one matrix product of the rows' scores.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Array, Vector
from kullback._core.compilation import COMPILED
from kullback.data.blocks import Block
from kullback.data.observation import RowKind

# Rows in one call: with a hundred coefficients their scores take 1.6 MB. A table of
# class labels, the usual case, is shorter.
_ROWS = 2_048
_FEW_ROWS = 64


@runtime_checkable
class LossOfRows(Protocol):
    """A loss for each row, with the key of its compiled code."""

    @property
    def is_free(self) -> tuple[bool, ...]:
        """For each constrained number, whether it is free."""

    @property
    def structure(self) -> Hashable:
        """The key of the compiled kernel."""

    def loss(self, kind: RowKind, arguments: Sequence[Array], row: Mapping[str, Array]) -> Array:
        """−log q of each row."""


def dense_sums(losses: LossOfRows, block: Block, arguments: Vector) -> Vector:
    """Return Σ w (1, ℓ, ℓ², ∂ℓ, ∂²ℓ, ∂ℓ ∂ℓ') of a block as one vector, with full matrices."""
    names = tuple(block.fields)
    length = _FEW_ROWS if block.count <= _FEW_ROWS else _ROWS
    total: Any = 0.0
    for begin in range(0, block.count, length):
        rows = slice(begin, begin + length)
        total = total + np.asarray(
            COMPILED.call(
                ("dense", losses.structure, block.kind, names, length),
                lambda: _kernel(losses, block.kind, names),
                arguments,
                tuple(column[rows] for column in block.fields.values()),
                block.weight[rows],
            )
        )
    sums: Vector = total
    return sums


def _kernel(
    losses: LossOfRows, kind: RowKind, names: tuple[str, ...]
) -> Callable[[Array, tuple[Array, ...], Array], Array]:
    free = np.flatnonzero(np.array(losses.is_free, dtype=bool))

    def kernel(arguments: Array, fields: tuple[Array, ...], weight: Array) -> Array:
        row = dict(zip(names, fields, strict=True))

        def loss(numbers: Array) -> Array:
            filled = arguments.at[free].set(numbers)
            return losses.loss(kind, [filled[i] for i in range(len(losses.is_free))], row)

        at = arguments[free]
        value = loss(at)
        scores = jax.jacfwd(loss)(at)
        hessian = jax.hessian(lambda numbers: jnp.sum(weight * loss(numbers)))(at)
        outer = (scores * weight[:, None]).T @ scores
        sums = [jnp.sum(weight), weight @ value, weight @ value**2]
        return jnp.concatenate([jnp.stack(sums), weight @ scores, hessian.ravel(), outer.ravel()])

    return kernel
