"""A value that is worked out when it is first asked for, once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar, final

Value = TypeVar("Value")


@final
class Lazy(Generic[Value]):
    """A value, or the work that gives it.

    The work, and all that it refers to, is forgotten once it is done. What is copied or pickled is
    the value, so that a copy needs none of what the work needs.

    Example:
        >>> from kullback._core.lazy import Lazy
        >>> square = Lazy(lambda: 7 * 7)
        >>> square(), square()
        (49, 49)
    """

    def __init__(self, work: Callable[[], Value]) -> None:
        self._work: Callable[[], Value] | None = work

    @classmethod
    def known(cls, value: Value) -> Lazy[Value]:
        """A value that needs no work."""
        later = cls(lambda: value)
        later()
        return later

    def __call__(self) -> Value:
        """Give the value."""
        if self._work is not None:
            self._value = self._work()
            self._work = None
        return self._value

    def __reduce__(self) -> tuple[Callable[[Value], Lazy[Value]], tuple[Value]]:
        return Lazy.known, (self(),)
