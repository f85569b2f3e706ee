"""NumPy programs of elementwise JAX formulas, for few numbers: traced and written, not compiled.

XLA takes 0.1 s for a formula with one loop and 1 to 2 s for an incomplete gamma function; tracing
takes a tenth of that, and NumPy runs a scalar through the same operations in less than the time
that a call of a compiled function takes (a gamma likelihood with its derivatives: 17 and 80 µs). A
scalar and an array have programs of their own (``numpy_code.py``). Their numbers differ in last
digits, where a loop runs on for other elements of the array.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Hashable, Sequence
from functools import cached_property
from typing import Any, final

import jax
import numpy as np

from kullback._core.arrays import Array, Vector, float64
from kullback._core.collection import without_collection
from kullback._core.compilation import COMPILED
from kullback._core.derivatives import traced_for_numpy
from kullback._core.numpy_code import ArrayCode, ScalarCode
from kullback._core.operations import (
    ROWS,
    Block,
    Constant,
    UntranslatableError,
    flattened,
    with_results,
)

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
        formula: of vectors of rows and the numbers, one after the other; returns a list.
        numbers: how many numbers there are.
        rows: how many vectors of rows.
        key: what its loops depend on, where they are compiled: then for ``ROWS`` rows at a time.

    Raises:
        UntranslatableError: where the formula must be compiled.
    """

    def __init__(
        self,
        formula: Callable[..., Sequence[Array]],
        numbers: int,
        rows: int = 1,
        key: Hashable = None,
    ) -> None:
        """Trace the formula."""
        shapes = [*[_shape(ROWS)] * rows, *[_shape()] * numbers]
        with without_collection(), float64(), traced_for_numpy(compiles_loops=key is not None):
            self._hold(flattened(jax.make_jaxpr(formula)(*shapes)), key)

    def _hold(self, block: Block, key: Hashable) -> None:
        self._block, self._key = block, key
        self._parts: dict[Hashable, NumpyProgram] = {}

    def __call__(self, x: Vector, numbers: Sequence[float]) -> list[Vector]:
        """Evaluate the formula for an array of any shape; each result has its shape."""
        numbers = [np.float64(number) for number in numbers]
        with np.errstate(all="ignore"):
            flat = x.reshape(-1)
            out = [np.empty(flat.size) for _ in self._block.results]
            if x.size <= _FEW and self._one_by_one:
                scalar = self.of_scalars
                for place, number in enumerate(flat):
                    for whole, value in zip(out, scalar(number, *numbers), strict=True):
                        whole[place] = value
                return [whole.reshape(x.shape) for whole in out]
            for begin in range(0, flat.size, _TILE):
                part = flat[begin : begin + _TILE]
                for whole, value in zip(out, self.of_rows(part, *numbers), strict=True):
                    whole[begin : begin + part.size] = value
        return [whole.reshape(x.shape) for whole in out]

    def part(self, kept: slice) -> NumpyProgram:
        """Return the program of some results alone, without the operations that others need."""
        if kept == slice(None):
            return self
        key = (kept.start, kept.stop, kept.step)
        if key not in self._parts:
            part = object.__new__(NumpyProgram)
            own = None if self._key is None else (self._key, key)
            part._hold(with_results(self._block, kept), own)
            self._parts[key] = part
        return self._parts[key]

    @cached_property
    def row_operations(self) -> float:
        """The number of operations on vectors of rows; infinite with loops."""
        if self._block.loops:
            return math.inf
        return float(sum(operation.outputs[0].rows for operation in self._block.operations))

    @cached_property
    def _one_by_one(self) -> bool:
        """Whether scalars have a program of their own: a choice has one side for all nodes."""
        return not self._block.adds_nodes

    @property
    def nodes(self) -> int:
        """The largest number of nodes that it adds up over."""
        return self._block.nodes

    @property
    def vanish(self) -> tuple[bool, ...]:
        """For each result, whether it is 0 whatever the inputs: a derivative that has no terms."""
        return tuple(isinstance(r, Constant) and not r.value.any() for r in self._block.results)

    @cached_property
    def of_rows(self) -> Callable[..., tuple[Any, ...]]:
        """The program for vectors of at most some thousand rows, and scalars of NumPy.

        A result that is the same for all rows is a scalar.
        """
        return ArrayCode(key=self._key).program(self._block)

    @cached_property
    def of_scalars(self) -> Callable[..., tuple[Any, ...]]:
        """The program for scalars of NumPy alone."""
        return ScalarCode().program(self._block)


@final
class NumpyPrograms:
    """Programs by key, None where a formula must be compiled: a cache for the process."""

    def __init__(self) -> None:
        """Start with an empty cache."""
        self._programs: dict[Hashable, NumpyProgram | None] = {}
        self._lock = threading.Lock()

    def get(
        self,
        key: Hashable,
        formula: Callable[..., Sequence[Array]],
        numbers: int,
        rows: int = 1,
        *,
        compiles_loops: bool = False,
    ) -> NumpyProgram | None:
        """Return the program of a key, written from ``formula`` at the first call."""
        loops = ("loops", key) if compiles_loops else None
        key = loops or key
        if key not in self._programs:
            with self._lock:
                if key not in self._programs:
                    with COMPILED.timed():
                        try:
                            self._programs[key] = NumpyProgram(formula, numbers, rows, loops)
                        except UntranslatableError:
                            self._programs[key] = None
        return self._programs[key]


NUMPY_PROGRAMS = NumpyPrograms()
"""The process's programs; results do not depend on what it holds."""
