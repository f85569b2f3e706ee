"""NumPy programs of elementwise JAX formulas, for few numbers: traced and written, not compiled.

XLA takes 0.1 s for a formula with one loop and 1 to 2 s for an incomplete gamma function; tracing
takes a tenth of that, and NumPy runs a scalar through the same operations in the time that a call
of a compiled function takes. A scalar and an array have programs of their own (``numpy_code.py``).
Their numbers differ in last digits, where a loop runs on for other elements of the array.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Sequence
from typing import Any, final

import jax
import numpy as np

from kullback._core.arrays import Array, Vector, float64
from kullback._core.collection import without_collection
from kullback._core.numpy_code import ArrayCode, ScalarCode
from kullback._core.operations import ROWS, UntranslatableError, flattened

# In one tile the numbers of all rows stay in the processor's cache between two operations.
_TILE = 8_192

# Fewer numbers are faster one by one: a scalar runs one branch of the formula.
_FEW = 8


def _shape(*shape: int) -> Any:
    kind: Any = jax.ShapeDtypeStruct
    return kind(shape, np.float64)


class NumpyProgram:
    """An elementwise formula of rows and numbers, in NumPy.

    Args:
        formula: of a vector of rows and the numbers, one after the other; returns a list.
        numbers: how many numbers there are.

    Raises:
        UntranslatableError: where the formula must be compiled.
    """

    def __init__(self, formula: Callable[..., Sequence[Array]], numbers: int) -> None:
        """Trace the formula and write the programs."""
        number = _shape()
        with without_collection(), float64():
            traced = jax.make_jaxpr(formula)(_shape(ROWS), *[number] * numbers)
            self._block = flattened(traced)
        self._written: dict[bool, Callable[..., tuple[Any, ...]]] = {}

    def __call__(self, x: Vector, numbers: Sequence[float]) -> list[Vector]:
        """Evaluate the formula for an array of any shape; each result has its shape."""
        numbers = [np.float64(number) for number in numbers]
        with np.errstate(all="ignore"):
            flat = x.reshape(-1)
            out = [np.empty(flat.size) for _ in self._block.results]
            if x.size <= _FEW:
                scalar = self._program(scalar=True)
                for place, number in enumerate(flat):
                    for whole, value in zip(out, scalar(number, *numbers), strict=True):
                        whole[place] = value
                return [whole.reshape(x.shape) for whole in out]
            for begin in range(0, flat.size, _TILE):
                part = flat[begin : begin + _TILE]
                for whole, value in zip(
                    out, self._program(scalar=False)(part, *numbers), strict=True
                ):
                    whole[begin : begin + part.size] = value
        return [whole.reshape(x.shape) for whole in out]

    def _program(self, *, scalar: bool) -> Callable[..., tuple[Any, ...]]:
        if scalar not in self._written:
            self._written[scalar] = (ScalarCode if scalar else ArrayCode)().program(self._block)
        return self._written[scalar]


@final
class NumpyPrograms:
    """Programs by key, None where a formula must be compiled: a cache for the process."""

    def __init__(self) -> None:
        """Start with an empty cache."""
        self._programs: dict[Hashable, NumpyProgram | None] = {}
        self._lock = threading.Lock()

    def get(
        self, key: Hashable, formula: Callable[..., Sequence[Array]], numbers: int
    ) -> NumpyProgram | None:
        """Return the program of a key, written from ``formula`` at the first call."""
        if key not in self._programs:
            with self._lock:
                if key not in self._programs:
                    try:
                        self._programs[key] = NumpyProgram(formula, numbers)
                    except UntranslatableError:
                        self._programs[key] = None
        return self._programs[key]


NUMPY_PROGRAMS = NumpyPrograms()
"""The process's programs; results do not depend on what it holds."""
