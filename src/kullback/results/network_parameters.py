"""The parameters of new rows, computed by trained networks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Vector, float64
from kullback._core.compilation import COMPILED
from kullback._core.errors import DataError
from kullback.data.blocks import TILE
from kullback.data.checks import count_of
from kullback.data.observation import Unobserved
from kullback.data.open import open_sample
from kullback.data.roles import Roles
from kullback.data.schema import Column, Schema
from kullback.models.model import Model
from kullback.models.network import Computed, Trained, averaged, link


def parameters_of_rows(
    model: Model, levels: Mapping[str, tuple[Any, ...]], data: Any
) -> dict[str, Vector]:
    """Return the model's parameters for every row; see ``TrainedFit.predict_params``.

    Args:
        model: the model with its weights.
        levels: levels of the categorical covariates.
        data: covariates: a table, a two-dimensional array, or files.
    """
    networks = {n: s for n, s in model.sources.items() if isinstance(s, Trained)}
    columns = {
        name: Column(name, levels.get(name), may_be_missing=True)
        for source in networks.values()
        for name in source.columns
    }
    if isinstance(data, (np.ndarray, list, tuple)):
        every = any(source.form.inputs is None for source in networks.values())
        data = _checked_array(data, len(columns), every=every)
    roles = Roles(columns=tuple(columns), inferred=True, kind=Unobserved())
    parts = [
        _of_chunk(model, networks, chunk.fields, chunk.count)
        for chunk in open_sample(data, roles, Schema(columns)).chunks()
    ]
    if not parts:  # files without rows
        parts = [_of_chunk(model, networks, dict.fromkeys(columns, np.zeros(0)), 0)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _of_chunk(
    model: Model, networks: dict[str, Trained], fields: Mapping[str, Vector], rows: int
) -> dict[str, Vector]:
    row = {}
    with float64():
        for name, source in networks.items():
            inputs = source.encoder.encode([fields[c] for c in source.encoder.names])
            row[name] = _of_network(source, inputs)
        constrained = [jnp.asarray(v) for v in model.vector.constrained(np.zeros(0))]
        supplied = model.with_sources(
            {**model.sources, **{name: Computed(name) for name in networks}}
        )
        values = supplied.row_parameters(constrained, {n: jnp.asarray(v) for n, v in row.items()})
        return {
            name: np.broadcast_to(np.asarray(value), (rows, *np.shape(value)[1:])).copy()
            for name, value in values.items()
        }


def _checked_array(data: Any, count: int, *, every: bool) -> Any:
    """An array of covariates, whose columns are known by their position alone.

    Args:
        data: an array, or what may be nested lists.
        count: the number of covariates that the networks read.
        every: whether these were all covariates of the fit, so that an array has no others.
    """
    shape = np.shape(data)
    if shape in ((0,), (0, 0)):  # an array of no rows
        return np.zeros((0, count))
    if every and len(shape) == 2 and shape[1] != count:
        raise DataError(
            f"the model was fitted to {count_of(count, 'covariate')}, and the array has "
            f"{count_of(shape[1], 'column')}; give the same columns in the same order"
        )
    return data


def _of_network(source: Trained, inputs: Any) -> Vector:
    """Compute a trained source's parameter for encoded inputs, tile by tile with one kernel."""
    from kullback.models.modules.layers import arrays_of, together

    arrays, rest = arrays_of(list(source.modules))
    shapes = tuple(leaf.shape for leaf in jax.tree.leaves(arrays))
    calibration = (source.scale, source.shift, source.background)
    key = (
        _of_network,
        source.form,
        source.domain,
        shapes,
        source.scale.shape,
        source.background is None,
        inputs.shape[1],
    )
    domain = source.domain  # the weights are arguments: equal forms share one kernel

    def compute(tile: Any, arrays: Any, calibration: Any) -> Any:
        return link(domain, averaged(together(arrays, rest), tile, *calibration))

    parts = []
    for at in range(0, max(len(inputs), 1), TILE):  # no rows have the shape of padding
        tile = inputs[at : at + TILE]
        padded = np.zeros((TILE, inputs.shape[1]), np.float32)
        padded[: len(tile)] = tile
        value = COMPILED.call(key, lambda: compute, padded, arrays, calibration)
        parts.append(np.asarray(value)[: len(tile)])
    return np.concatenate(parts)
