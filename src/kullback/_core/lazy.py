"""A value that is computed once, when it is first read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar, final

Value = TypeVar("Value")


@final
class Lazy(Generic[Value]):
    """A value, or the function that computes it.

    The function, and all that it refers to, is released after its call. Copying or pickling
    computes the value, so that a copy does not depend on the function.

    Example:
        >>> from kullback._core.lazy import Lazy
        >>> square = Lazy(lambda: 7 * 7)
        >>> square(), square()
        (49, 49)
    """

    def __init__(self, compute: Callable[[], Value]) -> None:
        self._compute: Callable[[], Value] | None = compute

    @classmethod
    def known(cls, value: Value) -> Lazy[Value]:
        """Wrap a value that is already computed."""
        lazy = cls(lambda: value)
        lazy()
        return lazy

    def __call__(self) -> Value:
        """Return the value."""
        if self._compute is not None:
            self._value = self._compute()
            self._compute = None
        return self._value

    def __reduce__(self) -> tuple[Callable[[Value], Lazy[Value]], tuple[Value]]:
        return Lazy.known, (self(),)
