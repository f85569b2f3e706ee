"""Evaluation of a formula at numbers that each row has of its own, in NumPy or compiled."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence

import numpy as np

from kullback._core.arrays import Array, Vector, float64
from kullback._core.compilation import COMPILED
from kullback._core.numpy_program import NUMPY_PROGRAMS

# As many rows are evaluated together: in NumPy they stay in the processor's cache, and compiled
# code takes some 10 µs a call.
RUN = 8_192

# Few rows are padded to one of these lengths, so that a function compiles at most three times.
_LENGTHS = (64, 1_024, RUN)

# Beyond it compiled code, which takes a third of NumPy's time, is worth its compilation.
_MOST_IN_NUMPY = 262_144


def over_rows(
    key: Hashable,
    formula: Callable[..., Sequence[Array]],
    count: int,
    columns: Callable[[slice], Sequence[Vector]],
    numbers: Sequence[float],
) -> list[Vector]:
    """Evaluate a formula of columns and numbers.

    Args:
        key: what the code depends on; it is written or compiled once for each key.
        formula: of the columns and then the numbers, elementwise in JAX; it returns a list.
        count: the number of rows, at least one.
        columns: returns the columns of some rows.
        numbers: what is the same for all rows.

    Returns:
        One array of shape (count,) for each result.
    """
    some = columns(slice(0, 0))
    program = None
    if count <= _MOST_IN_NUMPY:
        program = NUMPY_PROGRAMS.get(("rows", key), formula, len(numbers), len(some))
    length = next((n for n in _LENGTHS if count <= n), RUN)
    constants = [np.float64(number) for number in numbers]

    def build() -> Callable[..., Sequence[Array]]:
        return lambda rows, scalars: list(formula(*rows, *scalars))

    out: list[Vector] = []
    with np.errstate(all="ignore"), float64():
        for begin in range(0, count, RUN):
            part = columns(slice(begin, min(begin + RUN, count)))
            size = part[0].size
            if program is not None:
                found = program.of_rows(*part, *constants)
            else:
                rows = tuple(_padded(v, length) for v in part)
                found = COMPILED.call(("rows", key, length), build, rows, tuple(constants))
            if not out:
                out = [np.empty(count) for _ in found]
            for whole, value in zip(out, found, strict=True):
                own = np.asarray(value)
                whole[begin : begin + size] = own[:size] if own.ndim else own
    return out


def _padded(column: Vector, length: int) -> Vector:
    if column.size == length:
        return column
    return np.resize(column, length)
