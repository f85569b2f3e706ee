"""−log q of every row of a block, for a fitted model."""

from __future__ import annotations

from collections.abc import Callable

import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Array, Vector, float64
from kullback._core.compilation import COMPILED
from kullback.data.blocks import Block
from kullback.data.observation import Exact
from kullback.models.model import Model
from kullback.objective.log_terms import log_term_anywhere


def row_losses(model: Model, block: Block) -> Vector:
    """Return −log q of each row, in nats; +inf where the row is impossible.

    Args:
        model: a model with every number fixed.
        block: the rows.
    """
    if isinstance(block.kind, Exact) and not model.columns:
        return -np.asarray(model.log_density(block.fields["y"][: block.count]))
    kind, names = block.kind, tuple(block.fields)
    constrained = model.vector.constrained(np.zeros(0))

    def build() -> Callable[[Array, tuple[Array, ...]], Array]:
        def losses(numbers: Array, fields: tuple[Array, ...]) -> Array:
            row = dict(zip(names, fields, strict=True))
            coefficients = [numbers[i] for i in range(constrained.size)]
            parameters = model.row_parameters(coefficients, row)
            loss = -log_term_anywhere(kind, model, parameters, row)
            return jnp.broadcast_to(loss, fields[0].shape)

        return losses

    key = ("row losses", model.structure, kind, names, block.capacity, constrained.size)
    with float64():
        found = COMPILED.call(key, build, constrained, tuple(block.fields.values()))
    return np.asarray(found)[: block.count]
