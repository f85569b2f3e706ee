"""The parameters and the means of new rows under a fitted model."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Vector, float64
from kullback._core.errors import ModelError
from kullback.data.observation import Unobserved
from kullback.data.open import open_sample
from kullback.data.roles import Roles
from kullback.models.model import Model
from kullback.objective.model_columns import schema_of


def parameters_of_rows(model: Model, data: Any) -> dict[str, Vector]:
    """Return the parameters of every row; see ``Fit.predict_params``.

    Args:
        model: the model with its estimates.
        data: the columns that it reads.
    """
    if not model.columns:
        raise ModelError(
            f"{model!r} reads no columns: its parameters are the same for all rows, fit.params."
        )
    categorical = tuple(n for s in model.sources.values() for n in s.categories or ())
    roles = Roles(columns=model.columns, categorical=categorical, kind=Unobserved())
    numbers = model.vector.constrained(np.zeros(0))
    parts = []
    with float64():
        for chunk in open_sample(data, roles, schema_of((model,))).chunks():
            row = {name: jnp.asarray(values) for name, values in chunk.fields.items()}
            values = model.row_parameters([jnp.asarray(v) for v in numbers], row)
            shapes = {n: (chunk.count, *model_shape(model, n)) for n in values}
            parts.append({n: np.broadcast_to(v, shapes[n]) for n, v in values.items()})
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def model_shape(model: Model, parameter: str) -> tuple[int, ...]:
    """The shape of one value of a parameter."""
    size = model.parameters[parameter].size
    return () if size == 1 else (size,)


def predictions(model: Model, data: Any) -> Any:
    """Return the mean, or the most probable class, of every row; see ``Fit.predict``."""
    parameters = parameters_of_rows(model, data)
    with float64():
        values = {name: jnp.asarray(value) for name, value in parameters.items()}
        if model.outcome == "number":
            return np.broadcast_to(
                model.moment("mean", values), next(iter(parameters.values())).shape[:1]
            ).copy()
        classes = np.asarray(model.levels)
        codes = [
            jnp.full(len(next(iter(parameters.values()))), float(k)) for k in range(len(classes))
        ]
        logs = [np.asarray(model.row_log_density_inside(code, values)) for code in codes]
    return classes[np.argmax(logs, axis=0)]
