"""Evaluation of a fixed model at any number of points: one compiled function a structure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from kullback._core.arrays import Array, Vector, float64
from kullback._core.compilation import COMPILED
from kullback._core.errors import ModelError

# Inputs are padded to one of these lengths, so that a function compiles at most three times.
_LENGTHS = (64, 1_024, 16_384)


# The smallest double that has all its digits; JAX takes smaller ones for 0.
SMALLEST = float(np.finfo(np.float64).tiny)


def refuse_subnormal(x: Vector, name: str) -> None:
    """Raise for numbers so small that doubles lose their digits.

    Raises:
        ModelError: with the first of them and its place.
    """
    size = np.abs(x)
    wrong = (size < SMALLEST) & (size > 0.0)
    if not np.any(wrong):
        return
    place = tuple(int(i) for i in np.argwhere(wrong)[0])
    at = f"{name}[{', '.join(map(str, place))}]" if place else name
    raise ModelError(
        f"{at} is {float(x[place])!r}, below 2.2e-308, where doubles lose their digits. Give 0 or "
        f"a larger number, or measure in a smaller unit."
    )


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
