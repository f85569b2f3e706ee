"""The array types of the library, and the float64 context."""

from __future__ import annotations

import contextlib
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

Vector: TypeAlias = npt.NDArray[np.float64]
"""A NumPy array of float64; its shape is documented where it is used."""

ArrayLike: TypeAlias = int | float | npt.ArrayLike
"""A number, a NumPy array, a Series, or a list of numbers."""

if TYPE_CHECKING:
    import jax

    Array: TypeAlias = jax.Array
    """A JAX array or tracer."""

    Numbers = TypeVar("Numbers", Array, Vector)
    """Either of them: for formulas that JAX compiles where they are differentiated, and NumPy
    evaluates elsewhere."""


def __getattr__(name: str) -> Any:
    """Return the types of JAX, which modules that only read data do without: it takes a second."""
    if name not in ("Array", "Numbers"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import jax

    own = globals()
    own["Array"] = jax.Array
    own["Numbers"] = TypeVar("Numbers", jax.Array, Vector)
    return own[name]


def float64() -> contextlib.AbstractContextManager[Any]:
    """Return the context in which JAX computes in double precision.

    A context, because the global switch belongs to the user's program.
    """
    import jax

    context: contextlib.AbstractContextManager[Any] = jax.enable_x64(True)
    return context


def namespace(array: Any) -> ModuleType:
    """Return the array's library (NumPy or JAX) through the array API standard.

    Small dense algebra written against it runs in NumPy without any compilation, and in JAX
    under ``jit`` and ``vmap``.
    """
    if type(array) is np.ndarray:  # several times faster than to ask it
        return np
    module: ModuleType = array.__array_namespace__()
    return module
