"""Evaluation of a fixed model at any number of points, in NumPy or by a compiled function.

Up to 65,536 points are evaluated in NumPy, without compilation (see ``_core/numpy_program.py``).
For more, and for formulas that do not translate, a function is compiled for each structure of a
model. The two differ in the last digits.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Array, Vector, float64
from kullback._core.compilation import COMPILED
from kullback._core.errors import ModelError
from kullback._core.numpy_program import NUMPY_PROGRAMS, NumpyProgram

# Inputs are padded to one of these lengths, so that a function compiles at most three times.
_LENGTHS = (64, 1_024, 16_384)

# NumPy takes 0.05 to 1 µs a point, compiled code a third of that and 0.1 to 2 s to compile.
_MOST_IN_NUMPY = 65_536

# These two are evaluated together: quantiles need both.
_TAILS = ("row_log_cdf", "row_log_survival")


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


def blockwise(model: Any, hook: str, x: Vector, constrained: Vector) -> Vector:
    """Apply ``model.<hook>(x, parameters)`` elementwise to an array of any shape.

    Args:
        model: a model whose sources read no columns.
        hook: the name of an elementwise ``row_`` method.
        x: the points.
        constrained: the constrained coefficients.

    Returns:
        An array of the shape of ``x``.
    """
    if x.size <= _MOST_IN_NUMPY:
        joint = hook in _TAILS
        program = _program(model, "row_log_tails" if joint else hook, constrained)
        if program is not None:
            return program(x, constrained.tolist())[_TAILS.index(hook) if joint else 0]
    return _compiled(model, hook, x, constrained)


def log_tails(model: Any, constrained: Vector) -> Callable[[Vector], Sequence[Vector]]:
    """Return the function of ``row_log_cdf`` and ``row_log_survival``, for arrays of any length."""
    program = _program(model, "row_log_tails", constrained)
    if program is None:
        return lambda x: [_compiled(model, hook, x, constrained) for hook in _TAILS]
    return lambda x: program(x, constrained.tolist())


def in_default_parameters(model: Any, constrained: Vector) -> dict[str, float]:
    """Return the default parameters, by name, of a model with another parametrisation."""
    key = (model.structure, "default parameters")

    def formula(_: Array, *numbers: Array) -> list[Array]:
        converted = model.to_default(model.row_parameters(list(numbers), {}))
        _CONVERTED[key] = tuple(converted)
        return list(converted.values())

    program = NUMPY_PROGRAMS.get(key, formula, constrained.size)
    if program is None:
        with float64():
            values: Sequence[Any] = formula(jnp.zeros(()), *map(jnp.asarray, constrained))
    else:
        values = program(np.zeros(1), constrained.tolist())
    return {
        name: float(np.asarray(value).item())
        for name, value in zip(_CONVERTED[key], values, strict=True)
    }


def mean_in_numpy(model: Any, constrained: Vector) -> float | None:
    """Return the mean, by NumPy alone; None where its formula is missing or must be compiled."""

    def formula(_: Array, *numbers: Array) -> list[Array]:
        return [jnp.asarray(model.moment("mean", model.row_parameters(list(numbers), {})))]

    try:
        program = NUMPY_PROGRAMS.get((model.structure, "mean"), formula, constrained.size)
    except ModelError as error:
        if error.reason != "not provided":
            raise
        return None
    return None if program is None else float(program(np.zeros(1), constrained.tolist())[0][0])


# The names of the parameters that a program of ``in_default_parameters`` returns.
_CONVERTED: dict[Hashable, tuple[str, ...]] = {}


def _program(model: Any, hook: str, constrained: Vector) -> NumpyProgram | None:
    """Return the NumPy program of a hook, or None where it must be compiled."""

    def formula(points: Array, *numbers: Array) -> Any:
        value = getattr(model, hook)(points, model.row_parameters(list(numbers), {}))
        return value if isinstance(value, tuple) else (value,)

    return NUMPY_PROGRAMS.get((model.structure, hook), formula, constrained.size)


def _compiled(model: Any, hook: str, x: Vector, constrained: Vector) -> Vector:
    """Apply the hook in blocks by a compiled function."""

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
    return out.reshape(x.shape)
