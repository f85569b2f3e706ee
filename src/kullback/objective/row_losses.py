"""−log q of every row of a block, for a fitted model."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Array, Vector, float64
from kullback._core.compilation import COMPILED
from kullback._core.numpy_program import NUMPY_PROGRAMS
from kullback.data.blocks import Block
from kullback.data.observation import Exact
from kullback.models.model import Model
from kullback.objective.log_terms import log_term_anywhere


def row_losses(model: Model, block: Block) -> Vector:
    """Return −log q of each row, in nats; +inf where the row is impossible.

    Without covariates in NumPy, where the formulas translate: they are needed once, and compiling
    them takes longer than some hundred thousand rows.

    Args:
        model: a model with every number fixed.
        block: the rows.
    """
    if isinstance(block.kind, Exact) and not model.columns:
        return -np.asarray(model.log_density(block.fields["y"][: block.count]))
    kind, names = block.kind, tuple(block.fields)
    constrained = model.vector.constrained(np.zeros(0))
    key = ("row losses", model.structure, kind, names, constrained.size)

    def losses(fields: Sequence[Array], coefficients: Sequence[Array]) -> Array:
        row = dict(zip(names, fields, strict=True))
        parameters = model.row_parameters(list(coefficients), row)
        loss = -log_term_anywhere(kind, model, parameters, row)
        return jnp.broadcast_to(loss, fields[0].shape)

    if not model.columns:
        n = len(names)
        program = NUMPY_PROGRAMS.get(
            key, lambda *inputs: [losses(inputs[:n], inputs[n:])], constrained.size, n
        )
        if program is not None:
            columns = [column[: block.count] for column in block.fields.values()]
            with np.errstate(all="ignore"):
                (found,) = program.of_rows(*columns, *constrained)
            return np.broadcast_to(found, block.count).copy()

    def build() -> Callable[[Array, tuple[Array, ...]], Array]:
        def compiled(numbers: Array, fields: tuple[Array, ...]) -> Array:
            return losses(fields, [numbers[i] for i in range(constrained.size)])

        return compiled

    with float64():
        found = COMPILED.call(
            (*key, block.capacity), build, constrained, tuple(block.fields.values())
        )
    return np.asarray(found)[: block.count]
