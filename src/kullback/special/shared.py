"""What the value of a row and its derivatives share, computed once and passed on.

The compiler does not merge equal loops: a special function that loops would run once for the value
and once more for every derivative. Such a function requests a *bundle*, the value with its
partial derivatives from one loop, and has its derivative rules take their parts. The bundle of the
first evaluation is recorded; the evaluations that are differentiated, at the same numbers, take
it. Models made of others and kinds of rows do not handle it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, final

import jax


@final
class Bundles:
    """The bundles of one set of rows: recorded by the first evaluation, taken by the others."""

    def __init__(self) -> None:
        self._known: list[Any] = []
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

    def next(self, compute: Callable[[], Any]) -> Any:
        """Return the next bundle: computed in the first evaluation, the same one in the others."""
        if self._taken == len(self._known):
            if self._complete:
                raise RuntimeError("an evaluation requests more bundles than the first did")
            self._known.append(compute())
        self._taken += 1
        return self._known[self._taken - 1]


_CURRENT: ContextVar[Bundles | None] = ContextVar("bundles", default=None)


def bundle(compute: Callable[..., Any], *arguments: jax.Array) -> Any:
    """Return ``compute(*arguments)``, once for the value and all derivatives of a row.

    Returns:
        The bundle, constant under differentiation; None where nothing is to be shared, so that a
        function can compute its value alone.
    """
    current = _CURRENT.get()
    if current is None:
        return None
    return current.next(lambda: compute(*map(jax.lax.stop_gradient, arguments)))
