"""What the value of a row and its derivatives share, computed once and passed on.

The compiler does not merge equal loops: a function that loops would run once for the value and once
more for every derivative, and be compiled as often. Such a function states its *jet* instead, the
value with its first and second derivatives from one loop. Within a pass the jet of the first
evaluation is recorded, and the evaluations that are differentiated, at the same numbers, take it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any, NamedTuple, NoReturn, final

import jax
import jax.numpy as jnp

from kullback._core.derivatives import first_and_second, is_traced_for_numpy
from kullback.special.partials import with_partials
from kullback.special.smooth import log1mexp


class Jet(NamedTuple):
    """A function's value with its derivatives in its arguments.

    Attributes:
        value: the value.
        slopes: the first derivatives, one an argument.
        curvatures: the lower triangle of the second ones, row by row.
    """

    value: jax.Array
    slopes: tuple[jax.Array, ...]
    curvatures: tuple[jax.Array, ...]

    def complement(self) -> Jet:
        """The jet of log(1 − eᵛ) of the value v."""
        other = log1mexp(self.value)
        odds = jnp.exp(self.value - other)
        s, squares = self.slopes, pairs(len(self.slopes))
        curvatures = (
            -odds * (c + (1.0 + odds) * s[i] * s[j])
            for c, (i, j) in zip(self.curvatures, squares, strict=True)
        )
        return Jet(other, tuple(-odds * slope for slope in s), tuple(curvatures))


def pairs(count: int) -> list[tuple[int, int]]:
    """The places of a lower triangle, row by row."""
    return [(i, j) for i in range(count) for j in range(i + 1)]


def choose(condition: jax.Array, yes: Jet, no: Jet) -> Jet:
    """The one jet where a condition holds, the other elsewhere."""
    chosen: Jet = jax.tree.map(lambda a, b: jnp.where(condition, a, b), yes, no)
    return chosen


@final
class Bundles:
    """The jets of one set of rows: recorded by the first evaluation, taken by the others."""

    def __init__(self) -> None:
        self._known: list[Sequence[Jet]] = []
        self._taken = 0
        self._complete = False

    @contextmanager
    def evaluation(self) -> Iterator[None]:
        """Evaluate the rows once more; the first evaluation must not be under differentiation."""
        token = _CURRENT.set(self)
        self._taken = 0
        try:
            yield
        finally:
            _CURRENT.reset(token)
        self._complete = True

    def next(self, compute: Callable[[], Sequence[Jet]]) -> Sequence[Jet]:
        """Return the next jets: computed in the first evaluation, the same ones in the others."""
        if self._taken == len(self._known):
            if self._complete:
                raise RuntimeError("an evaluation requests more jets than the first did")
            self._known.append(compute())
        self._taken += 1
        return self._known[self._taken - 1]


_CURRENT: ContextVar[Bundles | None] = ContextVar("bundles", default=None)


def within_pass() -> bool:
    """Whether jets are shared by the evaluation that runs and others."""
    return _CURRENT.get() is not None


def kept(compute: Callable[..., Any], *arguments: Any) -> Any:
    """Return ``compute(*arguments)`` with its arrays stored by the compiled code.

    The compiler fuses elementwise operations with those that use them, once more for every use, and
    a number that is the same for all rows is then computed row by row. Not across a condition.
    """
    if is_traced_for_numpy():
        return compute(*arguments)
    usual = jnp.any(jax.tree.leaves(arguments)[0] < jnp.inf)
    compute = jax.jit(compute)  # traced once
    out = jax.eval_shape(compute, *arguments)

    def undefined(*_: Any) -> Any:
        return jax.tree.map(lambda v: jnp.full(v.shape, jnp.nan, v.dtype), out)

    return jax.lax.cond(usual, compute, undefined, *arguments)


def by_jets(
    compute: Callable[..., Sequence[Jet]],
    *arguments: jax.typing.ArrayLike,
    fixed: Sequence[jax.Array] = (),
) -> tuple[jax.Array, ...]:
    """Return the values of ``compute(*fixed, *arguments)``, with the derivatives of its jets.

    Within a pass ``compute`` runs once, whatever is differentiated; elsewhere once a derivative.

    Args:
        compute: returns jets in its arguments.
        arguments: what the values are differentiated in, at most twice: a third derivative is an
            error, as is one in what is fixed.
        fixed: arguments that come before.
    """
    dtype = jnp.result_type(float, *arguments)
    numbers = [*fixed, *(jnp.asarray(argument, dtype) for argument in arguments)]

    def computed() -> Sequence[Jet]:
        return compute(*map(jax.lax.stop_gradient, numbers))

    current = _CURRENT.get()
    jets = computed() if current is None else current.next(computed)
    known = _known(len(fixed), len(arguments))
    return tuple(known(*numbers, v, *slopes, *curvatures) for v, slopes, curvatures in jets)


def shared_derivatives(
    formula: Callable[..., Any], at: Sequence[Any]
) -> tuple[Any, list[Any], list[Any]]:
    """Return a formula's value and derivatives, as ``first_and_second``; its jets run once."""
    bundles = Bundles()

    def evaluated(*numbers: Any) -> Any:
        with bundles.evaluation():
            return formula(*numbers)

    evaluated(*at)  # records what the derivatives share with it
    value, first, second, _ = first_and_second(evaluated, at)
    return value, first, second


def _not_differentiated(*_: jax.Array) -> NoReturn:
    raise NotImplementedError("jets have two derivatives, in the arguments that are not fixed")


@cache
def _known(fixed: int, count: int) -> Callable[..., jax.Array]:
    """A function of so many arguments and the numbers of its jet, which are its derivatives."""
    places = {place: k for k, place in enumerate(pairs(count))}
    before, after = (_not_differentiated,) * fixed, (_not_differentiated,) * (1 + count)
    after += (_not_differentiated,) * len(places)

    def number(k: int, *partials: Callable[..., jax.Array]) -> Callable[..., jax.Array]:
        place = fixed + count + k
        return with_partials(*before, *partials, *after)(lambda *numbers: numbers[place])

    def curvature(i: int, j: int) -> Callable[..., jax.Array]:
        k = 1 + count + places[max(i, j), min(i, j)]
        return number(k, *(_not_differentiated,) * count)

    def slope(i: int) -> Callable[..., jax.Array]:
        return number(1 + i, *(curvature(i, j) for j in range(count)))

    return number(0, *map(slope, range(count)))
