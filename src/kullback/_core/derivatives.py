"""Derivatives of elementwise formulas, by JAX or, where NumPy will evaluate them, by a mark.

JAX traces a formula again for every derivative, at 0.1 ms an operation: 0.3 s for the second
derivatives of a gamma log-density. While ``traced_for_numpy`` holds, a formula is traced once, and
two kinds of calls are marked in it by their names: ``derivative``, and functions with partial
derivatives of their own (``special/partials.py``). ``differentiation.py`` finds the derivatives
among the operations that were traced.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from typing import Any

import jax
import jax.numpy as jnp

Function = Callable[..., Any]

_TRACED_FOR_NUMPY: ContextVar[bool] = ContextVar("traced_for_numpy", default=False)
_COMPILES_LOOPS: ContextVar[bool] = ContextVar("compiles_loops", default=False)


@contextlib.contextmanager
def traced_for_numpy(*, numpy: bool = True, compiles_loops: bool = False) -> Iterator[None]:
    """Trace formulas for NumPy: mark calls instead of differentiating.

    Args:
        numpy: whether for NumPy after all.
        compiles_loops: whether loops over nodes are left to the compiler.
    """
    tokens = _TRACED_FOR_NUMPY.set(numpy), _COMPILES_LOOPS.set(compiles_loops)
    try:
        yield
    finally:
        _TRACED_FOR_NUMPY.reset(tokens[0])
        _COMPILES_LOOPS.reset(tokens[1])


def is_traced_for_numpy() -> bool:
    """Whether the formula that runs is traced for NumPy."""
    return _TRACED_FOR_NUMPY.get()


def _named(name: str, function: Function) -> Function:
    """Return a function whose calls JAX writes down by name, with their operations inside."""

    def call(*arguments: Any) -> Any:
        return function(*arguments)

    call.__name__ = name
    return jax.jit(call)


_PARTIALS: dict[str, Sequence[Function]] = {}

PARTIALS: Mapping[str, Sequence[Function]] = _PARTIALS
"""The partial derivatives of marked functions, one an argument, by the names of their calls."""


def marked(function: Function, partials: Sequence[Function]) -> Function:
    """Return the function with a mark that names its partial derivatives."""
    name = f"{len(_PARTIALS)} {function.__module__}.{function.__qualname__}"
    _PARTIALS[name] = partials
    return _named(name, function)


COMPILED_LOOP = "compiled_loop"


def compiles_loops() -> bool:
    """Whether the formula that runs is traced for NumPy with compiled loops."""
    return _COMPILES_LOOPS.get()


def compiled_loop(function: Function) -> Any:
    """Return ``function()``, a loop: compiled where a NumPy program is to have compiled loops.

    What it then returns has no derivatives: for jets.
    """
    if not compiles_loops():
        return function()
    with traced_for_numpy(numpy=False):
        return _named(COMPILED_LOOP, function)()


DERIVATIVE = "derivative"

_derivative = _named(DERIVATIVE, lambda value, number: value + 0.0 * number)


def _derivatives(values: Any, number: Any) -> Any:
    return jax.tree.map(lambda value: _derivative(value, number), values)


def slope(f: Function, x: Any) -> Any:
    """Return f'(x) for an elementary f."""
    return _derivative(f(x), x) if is_traced_for_numpy() else _slope(f, 0)(x)


def first_and_second(
    f: Function, at: Sequence[Any], others: Sequence[Any] = ()
) -> tuple[Any, list[Any], list[Any], list[Any]]:
    """Return f(*at, *others), an array or several, and its first and second derivatives.

    The first in all of these scalars; the lower triangle of the second in ``at``; and those in
    ``at`` and ``others``, row by row.
    """
    numbers, d = (*at, *others), len(at)
    lower = [(i, j) for i in range(d) for j in range(i + 1)]
    mixed = [(i, j) for i in range(d) for j in range(d, len(numbers))]
    if is_traced_for_numpy():
        value = f(*numbers)
        first = [_derivatives(value, number) for number in numbers]
        second = [[_derivatives(first[i], numbers[j]) for i, j in own] for own in (lower, mixed)]
    else:
        slopes = [_slope(f, i) for i in range(len(numbers))]
        first = [slope(*numbers) for slope in slopes]
        second = [[_slope(slopes[i], j)(*numbers) for i, j in own] for own in (lower, mixed)]
        value = f(*numbers)
    return value, first, *second


def _slope(f: Function, i: int) -> Function:
    def slope(*numbers: Any) -> Any:
        def along(t: Any) -> Any:
            return f(*numbers[:i], t, *numbers[i + 1 :])

        return jax.jvp(along, (numbers[i],), (jnp.ones(jnp.shape(numbers[i])),))[1]

    return slope
