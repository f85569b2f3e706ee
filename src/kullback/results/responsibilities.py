"""The probability that each row comes from each component of a fitted mixture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Array, Vector, float64
from kullback._core.compilation import COMPILED
from kullback._core.errors import DataError, ModelError
from kullback._core.numpy_program import NUMPY_PROGRAMS
from kullback.data.blocks import Block, blocks
from kullback.data.observation import Observed, Window, kind_of
from kullback.data.open import open_sample
from kullback.models.model import Model
from kullback.objective.log_terms import log_term_anywhere
from kullback.objective.model_columns import roles_of, schema_of


def responsibilities(model: Model, data: Any, y: Any, event: Any) -> Vector:
    """Return the probabilities, shape (rows, components).

    Args:
        model: a fixed mixture.
        data: the rows, as for ``kl.fit``.
        y: the outcome's column or columns.
        event: how each outcome was observed.

    Raises:
        ModelError: for a model other than a mixture.
        DataError: for a row that is impossible in every component.
    """
    if not model.components:
        raise ModelError(
            f"{model.name} has no components: only fits of kl.Mixture have responsibilities."
        )
    roles = roles_of((model,), y, weights=None, missing="error", event=event)
    sample = open_sample(data, roles, schema_of((model,)))
    parts = list(sample.chunks())
    found = np.empty((sum(chunk.count for chunk in parts), len(model.components)))
    for block in blocks(parts):
        with np.errstate(invalid="ignore"):
            shares = _shares(model, block)
        wrong = np.flatnonzero(np.isnan(shares).any(axis=1))
        if wrong.size:
            row = sample.locate(block.row_number(int(wrong[0])))
            raise DataError(
                f"{row} of {sample.label} is impossible in every component of {model!r}."
            )
        found[block.row_numbers] = shares
    return found


def _shares(model: Model, block: Block) -> Vector:
    """Return the probabilities of the rows of a block, shape (rows, components)."""
    # given that a row was seen at all, its window changes nothing: its event lies inside
    kind = block.kind
    kind = kind_of(kind.event, Window.NONE) if isinstance(kind, Observed) else kind
    names, constrained = tuple(block.fields), model.vector.constrained(np.zeros(0))

    def formula(*inputs: Array) -> Sequence[Array]:
        row = dict(zip(names, inputs[: len(names)], strict=True))
        parameters = model.row_parameters(inputs[len(names) :], row)
        weights = model.component_weights(parameters)
        terms = [log_term_anywhere(kind, part, parameters, row) for part in model.components]
        some = inputs[0]
        logs = [jnp.log(w) + term for w, term in zip(weights, terms, strict=True)]
        return [jnp.broadcast_to(value, some.shape) for value in logs]

    key = ("responsibilities", model.structure, kind, names)
    columns = list(block.fields.values())
    with np.errstate(all="ignore"), float64():
        program = NUMPY_PROGRAMS.get(key, formula, constrained.size, len(names))
        if program is not None and block.few:
            values = program.of_rows(*columns, *constrained)
        else:
            values = COMPILED.call((*key, block.capacity), _compiled(formula), columns, constrained)
        logs = np.stack([np.broadcast_to(v, columns[0].shape) for v in map(np.asarray, values)])
        logs = logs[:, : block.count]
        shares = np.exp(logs - np.max(logs, axis=0))
        out: Vector = (shares / np.sum(shares, axis=0)).T
    return out


def _compiled(formula: Callable[..., Sequence[Array]]) -> Callable[[], Callable[..., Any]]:
    def build() -> Callable[..., Any]:
        return lambda columns, numbers: formula(
            *columns, *(numbers[i] for i in range(numbers.size))
        )

    return build
