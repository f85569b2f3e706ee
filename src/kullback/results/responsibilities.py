"""The probability that each row comes from each component of a fitted mixture."""

from __future__ import annotations

from typing import Any

import numpy as np

from kullback._core.arrays import Vector
from kullback._core.errors import DataError, ModelError
from kullback.data.blocks import blocks
from kullback.data.open import open_sample
from kullback.models.model import Model
from kullback.objective.component_terms import component_terms, shares_of
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
        terms = component_terms(model, block, model.vector.constrained(np.zeros(0)))
        shares = shares_of(terms)[0].T
        wrong = np.flatnonzero(np.isnan(shares).any(axis=1))
        if wrong.size:
            row = sample.locate(block.row_number(int(wrong[0])))
            raise DataError(
                f"{row} of {sample.label} is impossible in every component of {model!r}."
            )
        found[block.row_numbers] = shares
    return found
