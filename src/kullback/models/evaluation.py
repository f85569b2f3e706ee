"""Evaluation of a fixed model at any number of points: one compiled function a structure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from kullback._core.arrays import Array, Vector, float64
from kullback._core.compilation import COMPILED

# Inputs are padded to one of these lengths, so that a function compiles at most three times.
_LENGTHS = (64, 1_024, 16_384)


def blockwise(model: Any, hook: str, x: Vector, constrained: Vector) -> Any:
    """Apply ``model.<hook>(x, parameters)`` elementwise to an array of any shape.

    Args:
        model: a model whose sources read no columns.
        hook: the name of an elementwise ``row_`` method.
        x: the points.
        constrained: the constrained coefficients.

    Returns:
        A float for a scalar ``x``, else an array of its shape.
    """

    def build() -> Callable[[Array, Array], Array]:
        def evaluate(points: Array, numbers: Array) -> Array:
            parameters = model.row_parameters([numbers[i] for i in range(constrained.size)], {})
            value: Array = getattr(model, hook)(points, parameters)
            return value

        return evaluate

    flat = x.reshape(-1)
    length = next((n for n in _LENGTHS if flat.size <= n), _LENGTHS[-1])
    out = np.empty(flat.size)
    with float64():
        for begin in range(0, flat.size, length):
            part = flat[begin : begin + length]
            padded = part if part.size == length else np.resize(part, length)
            out[begin : begin + part.size] = np.asarray(
                COMPILED.call((model.structure, hook, length), build, padded, constrained)
            )[: part.size]
    return float(out[0]) if x.ndim == 0 else out.reshape(x.shape)
