"""Equality of results by what they hold, in which NaN equals NaN and cached values do not count."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import jax
import numpy as np

from kullback._core.lazy import Lazy


def same(a: Any, b: Any) -> bool:
    """Whether two values are of one kind and hold the same numbers.

    Arrays are compared by shape and numbers, dataclasses by their fields (those with
    ``compare=False`` left out), in their order and only up to the first difference.

    Example:
        >>> import numpy as np
        >>> same((1.0, np.array([np.nan])), (1.0, np.array([np.nan])))
        True
        >>> same(1, True)
        False
    """
    a, b = (value.item() if isinstance(value, np.generic) else value for value in (a, b))
    if a is b:
        return True
    if _is_number(a) and _is_number(b):
        return bool(a == b) or (a != a and b != b)
    if isinstance(a, np.ndarray | jax.Array) and isinstance(b, np.ndarray | jax.Array):
        a, b = np.asarray(a), np.asarray(b)
        if a.dtype.kind not in "fc" or b.dtype.kind not in "fc":
            return a.shape == b.shape and same(a.tolist(), b.tolist())
        return np.array_equal(a, b, equal_nan=True)
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        return a.keys() == b.keys() and all(same(value, b[key]) for key, value in a.items())
    if type(a) is not type(b):
        return False
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, Lazy):
        return same(a(), b())
    if is_dataclass(a) and not isinstance(a, Comparable):
        return same_fields(a, b)
    return bool(a == b)


def same_fields(a: Any, b: Any) -> bool:
    """Whether two objects of one dataclass hold the same."""
    return all(same(getattr(a, f.name), getattr(b, f.name)) for f in fields(a) if f.compare)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


class Comparable:
    """Base of dataclasses (with ``eq=False``) that are equal where they hold the same.

    Different kinds are unequal. Equal objects have equal hashes.
    """

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return self is other or (type(self) is type(other) and same_fields(self, other))

    def __hash__(self) -> int:
        compared = (getattr(self, f.name) for f in fields(self) if f.compare)  # type: ignore[arg-type]
        plain = (v for v in compared if isinstance(v, str | int | float) and v == v)
        return hash((type(self), *plain))
