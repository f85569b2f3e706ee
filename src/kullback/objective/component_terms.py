"""The log-probability of each row together with each component of a mixture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Array, Vector, float64
from kullback._core.compilation import COMPILED
from kullback._core.numpy_program import NUMPY_PROGRAMS
from kullback.data.blocks import Block
from kullback.data.observation import Observed, Window, kind_of
from kullback.models.model import Model
from kullback.objective.log_terms import log_term_anywhere


def component_terms(model: Model, block: Block, constrained: Vector) -> Vector:
    """Return log w_k + log q_k of each row, shape (components, rows); −inf where impossible.

    Args:
        model: a mixture.
        block: the rows. Their windows are left out: given that a row was seen at all, its window
            does not change which component it is of, as its event lies inside.
        constrained: the mixture's constrained numbers.
    """
    kind = block.kind
    kind = kind_of(kind.event, Window.NONE) if isinstance(kind, Observed) else kind
    names = tuple(block.fields)

    def formula(*inputs: Array) -> Sequence[Array]:
        row = dict(zip(names, inputs[: len(names)], strict=True))
        parameters = model.row_parameters(inputs[len(names) :], row)
        weights = model.component_weights(parameters)
        terms = [log_term_anywhere(kind, part, parameters, row) for part in model.components]
        some = inputs[0]
        logs = [jnp.log(w) + term for w, term in zip(weights, terms, strict=True)]
        return [jnp.broadcast_to(value, some.shape) for value in logs]

    key = ("component terms", model.structure, kind, names)
    columns = list(block.fields.values())
    with np.errstate(all="ignore"), float64():
        program = NUMPY_PROGRAMS.get(key, formula, constrained.size, len(names))
        if program is not None and block.few:
            values = program.of_rows(*columns, *constrained)
        else:
            values = COMPILED.call((*key, block.capacity), _compiled(formula), columns, constrained)
        logs = np.stack([np.broadcast_to(v, columns[0].shape) for v in map(np.asarray, values)])
    out: Vector = logs[:, : block.count]
    return out


def shares_of(terms: Vector) -> tuple[Vector, Vector]:
    """Return the components' shares of each row, and the log-probability of each row."""
    with np.errstate(invalid="ignore"):
        largest = np.max(terms, axis=0)
        shares = np.exp(terms - largest)
        total = np.sum(shares, axis=0)
        return shares / total, largest + np.log(total)


def _compiled(formula: Callable[..., Sequence[Array]]) -> Callable[[], Callable[..., Any]]:
    def build() -> Callable[..., Any]:
        return lambda columns, numbers: formula(
            *columns, *(numbers[i] for i in range(numbers.size))
        )

    return build
