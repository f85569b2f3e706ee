"""The compiled kernel of a pass: weighted sums of elementwise rows, tile by tile.

For each tile the rows are computed, multiplied by the weights and added to one accumulator a sum
and a lane; at the end neighbouring lanes are added, and their sums. The compiler vectorises
elementwise loops best, the tile stays in cache, and the number of tiles is an argument, so that a
kernel is compiled once for any number of rows. (10 million Student-t rows, value + gradient +
Hessian, 2 cores: stacked rows times weights by one matrix product 0.14 s, this form 0.09 s.) A
family that has basis functions is summed faster without this kernel: see
``objective.basis_functions``.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Array, Vector
from kullback._core.compilation import COMPILED
from kullback._core.numpy_program import NUMPY_PROGRAMS, NumpyProgram
from kullback._core.numpy_sums import total
from kullback.data.blocks import ROWS, TILE, Block
from kullback.data.observation import Observed, RowKind

# So many censored or truncated rows are evaluated in NumPy. (The first fit to 8,000 intervals,
# compiled and by NumPy: gamma 2.1 and 0.3 s, Normal 4.6 and 0.3, negative binomial 9.4 and 1.1. A
# further one takes up to seven times as long as compiled code: gamma 0.16 and 0.04 s.)
NUMPY_ROWS = 8 * TILE

# With so many nodes a row of an integral, loops over them are compiled where rows fill a tile.
_MANY_NODES = 100

# In a sample of so many rows at most, loops alone are compiled.
LIGHT_ROWS = 2 * ROWS


@runtime_checkable
class RowFunctions(Protocol):
    """The functions of the rows that a kernel sums, with the key of its compiled code."""

    @property
    def structure(self) -> Hashable:
        """The key of the compiled kernel."""

    @property
    def light(self) -> bool:
        """Whether only loops are compiled, for censored and truncated rows that are not many."""

    def rows(
        self, kind: RowKind, arguments: Sequence[Array], row: Mapping[str, Array]
    ) -> Sequence[Array]:
        """Return the values to be summed."""


def weighted_sums(functions: RowFunctions, block: Block, arguments: Vector) -> Vector:
    """Return Σ w · value over the rows of a block, for every value, as one flat vector.

    Few rows are evaluated in NumPy, without compilation: of a distribution's tails more, whose code
    takes seconds to compile. Which way is taken depends on the rows alone, so that equal rows give
    the same bits.
    """
    names, count = tuple(block.fields), arguments.size
    alone = block.index == 0 and block.count <= NUMPY_ROWS
    light = functions.light and not block.few
    if block.few or (alone and not light and isinstance(block.kind, Observed)):
        sums = _sums_in_numpy(functions, block, arguments, compiles_loops=False)
        if sums is not None:
            return sums
    if light and isinstance(block.kind, Observed):
        sums = _sums_in_numpy(functions, block, arguments, compiles_loops=True)
        if sums is not None:
            return sums
    sums = COMPILED.call(
        (functions.structure, block.kind, names, block.capacity, count),
        lambda: _kernel(functions, block.kind, names, count, several=block.capacity > TILE),
        arguments,
        tuple(block.fields.values()),
        block.weight,
        np.int32(block.tiles),
    )
    return np.asarray(sums)


def _sums_in_numpy(
    functions: RowFunctions, block: Block, arguments: Vector, *, compiles_loops: bool
) -> Vector | None:
    """The sums by NumPy; None for formulas that must be compiled."""
    names = tuple(block.fields)

    def formula(*inputs: Array) -> Sequence[Array]:
        row = dict(zip(names, inputs[: len(names)], strict=True))
        return functions.rows(block.kind, inputs[len(names) :], row)

    key = (functions.structure, block.kind, names, arguments.size)

    def program_with(*, compiles_loops: bool) -> NumpyProgram | None:
        return NUMPY_PROGRAMS.get(
            key, formula, arguments.size, len(names), compiles_loops=compiles_loops
        )

    program = program_with(compiles_loops=compiles_loops)
    if program is None:
        return None
    if not compiles_loops and not block.few and program.nodes > _MANY_NODES:
        program, compiles_loops = program_with(compiles_loops=True), True
        assert program is not None  # it has the same operations outside of loops
    sums = np.zeros(0)
    with np.errstate(all="ignore"):
        # many nodes of fewer rows stay in the processor's cache
        length = TILE if compiles_loops or program.nodes <= _MANY_NODES else TILE // 16
        for begin in range(0, block.count, length):
            end = begin + length  # a compiled loop takes the padding too
            part = slice(begin, end if compiles_loops else min(end, block.count))
            w = block.weight[part]
            values = program.of_rows(*(f[part] for f in block.fields.values()), *arguments)
            weight = total(w)
            own = np.array([np.vecdot(v, w) if np.ndim(v) else v * weight for v in values])
            sums = sums + own if begin else own
    return sums


def _kernel(
    functions: RowFunctions, kind: RowKind, names: tuple[str, ...], count: int, *, several: bool
) -> Callable[[Array, tuple[Array, ...], Array, Array], Array]:
    @jax.jit  # traced once, for its length and for the loop
    def values(
        tile: Array, arguments: Array, fields: tuple[Array, ...], weight: Array
    ) -> list[Array]:
        # Tied to the tile, so that nothing computed from the arguments leaves the loop: XLA hoists
        # scalars before it looks for common subexpressions, and would then compute the logarithms
        # of a row once for every derivative (Weibull: 54 ns a row against 14).
        barrier: Any = jax.lax.optimization_barrier
        numbers, _ = barrier((arguments, tile))

        def cut(column: Array) -> Array:
            return jax.lax.dynamic_slice(column, (tile * TILE,), (TILE,))

        row = {name: cut(column) for name, column in zip(names, fields, strict=True)}
        w = cut(weight)
        rows = functions.rows(kind, [numbers[i] for i in range(count)], row)
        return [value * w for value in rows]

    def kernel(arguments: Array, fields: tuple[Array, ...], weight: Array, tiles: Array) -> Array:
        if not several:  # without a loop JAX runs it in this thread, which is faster
            return _fold(jnp.stack(values(tiles - 1, arguments, fields, weight), axis=1))

        def add(tile: Array, sums: list[Array]) -> list[Array]:
            terms = values(tile, arguments, fields, weight)
            return [total + term for total, term in zip(sums, terms, strict=True)]

        lanes = len(jax.eval_shape(values, jnp.int32(0), arguments, fields, weight))
        zeros = [jnp.zeros(TILE) for _ in range(lanes)]
        return _fold(jnp.stack(jax.lax.fori_loop(0, tiles, add, zeros), axis=1))

    return kernel


def _fold(lanes: Array) -> Array:
    """Add neighbours, and their sums: rounding grows with log n, and padding changes no bit."""
    while lanes.shape[0] > 1:
        lanes = lanes[0::2] + lanes[1::2]
    return lanes[0]
