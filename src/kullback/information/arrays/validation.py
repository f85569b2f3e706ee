"""Read and check the arguments of a measure of arrays, and lay them out with the symbols last."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import float64, namespace
from kullback._core.errors import DataError
from kullback._core.units import nats_per
from kullback.information.arrays.explain import Explanation, Measure, Names
from kullback.information.arrays.terms import log_normalised

Axis: TypeAlias = int | tuple[int, ...]
"""The axis of the symbols; several, where a symbol is a tuple."""

Counts: TypeAlias = bool | Literal["p", "q"]
"""Which of two arguments are counts: both, neither, or the named one."""


def two_weights(weights: Sequence[float]) -> tuple[float, float]:
    """Read the weights of p and of q."""
    pair = tuple(float(w) for w in weights)
    # 1e-12 leaves room for the rounding of the two weights
    if len(pair) != 2 or not all(w > 0.0 for w in pair) or abs(sum(pair) - 1.0) > 1e-12:
        raise DataError(
            f"weights={tuple(weights)!r} must be two positive numbers that sum to 1, for p and q"
        )
    return pair[0], pair[1]


def two_axes(axis: Any) -> tuple[Axis, Axis]:
    """Read the axis of X and the axis of Y."""
    if not isinstance(axis, tuple) or len(axis) != 2:
        raise DataError(f"axis={axis!r} must be a pair: the axis of X and the axis of Y")
    return axis[0], axis[1]


class GivenArrays:
    """The arguments of one call: arrays of one library, checked, with the symbols on the last axis.

    A context: inside it JAX computes in double precision if the arguments are doubles.
    """

    def __init__(self, **given: Any) -> None:
        self.given = {name: _read(name, a) for name, a in given.items()}
        types = [a.dtype for a in self.given.values() if isinstance(a, jax.Array)]
        self.in_jax = bool(types)
        self.xp: Any = namespace(jnp.zeros(())) if types else namespace(np.zeros(()))
        double = np.dtype(np.float64) in types
        # JAX turns integers into its default float; a half has too few digits for a sum
        real = any(jnp.issubdtype(t, jnp.floating) for t in types)
        self.dtype: Any = np.float64 if double or not types else np.float32 if real else float
        # the differences of large logits may overflow to infinity, which needs no warning
        quiet = contextlib.nullcontext() if types else np.errstate(over="ignore")
        self.context: Any = float64() if double else quiet
        self.axes: dict[str, tuple[int, ...]] = {}

    def __enter__(self) -> GivenArrays:
        self.context.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self.context.__exit__(*error)

    def align(self, axis: Axis) -> None:
        """Find the axes of the symbols in each argument; one distribution may meet many."""
        large = max(self.given, key=lambda name: self.given[name].ndim)
        shape = self.given[large].shape
        axes = _axes(large, shape, axis)
        symbols = tuple(shape[i] for i in axes)
        for name, a in self.given.items():
            if a.shape == shape:
                self.axes[name] = axes
            elif a.ndim < len(shape) and a.shape == symbols:
                self.axes[name] = tuple(range(a.ndim))
            else:
                raise DataError(
                    f"{name} has shape {a.shape} and {large} has {shape}: they must be equal, or "
                    f"one of them is a single distribution of shape {symbols} (axis={axis})"
                )

    def distributions(
        self, axis: Axis, counts: Counts = False, *, logits: bool = False
    ) -> list[Any]:
        """Return the arguments as probabilities, or as log-probabilities where they are logits."""
        self.align(axis)
        return [
            self.distribution(name, counts is True or counts == name, logits=logits)
            for name in self.given
        ]

    def distribution(self, name: str, counts: bool = False, *, logits: bool = False) -> Any:
        """Return one argument as probabilities, or logits as log-probabilities."""
        a, axes = self.given[name], self.axes[name]
        if not isinstance(a, jax.core.Tracer):
            _check_logits(name, a, axes) if logits else _check_probabilities(name, a, axes, counts)
        p = self._symbols_last(a, axes)
        if logits:
            return log_normalised(self.xp, p)
        return p / self.xp.sum(p, axis=-1, keepdims=True) if counts else p

    def table(
        self, first: Axis, second: Axis, counts: bool = False, *, logits: bool = False
    ) -> Any:
        """Return the only argument as a joint distribution, shape (..., X, Y)."""
        shape = self._table_shape(first, second)
        return self.xp.reshape(self.distribution("joint", counts, logits=logits), shape)

    def _table_shape(self, first: Axis, second: Axis) -> tuple[int, ...]:
        shape = self.given["joint"].shape
        if len(shape) < 2:
            raise DataError(
                f"joint has shape {shape}: a joint table has an axis for X and one for Y"
            )
        x, y = _axes("joint", shape, first), _axes("joint", shape, second)
        if set(x) & set(y):
            raise DataError(f"the axes of X ({first}) and of Y ({second}) must be different ones")
        self.axes["joint"] = x + y
        batch = tuple(n for i, n in enumerate(shape) if i not in x + y)
        return (*batch, math.prod(shape[i] for i in x), math.prod(shape[i] for i in y))

    def _symbols_last(self, a: Any, axes: tuple[int, ...]) -> Any:
        xp, count = self.xp, math.prod(a.shape[i] for i in axes)
        moved = xp.moveaxis(xp.asarray(a, dtype=self.dtype), axes, tuple(range(-len(axes), 0)))
        flat = xp.reshape(moved, (*moved.shape[: moved.ndim - len(axes)], count))
        # NumPy adds pairwise only along a contiguous axis
        return flat if self.in_jax else np.ascontiguousarray(flat)

    def measure(self, terms: Any, unit: str) -> Measure:
        """Sum terms in nats over the symbols, and convert to the unit."""
        return self.result(self.xp.sum(terms, axis=-1) / nats_per(unit))

    def result(self, value: Any) -> Measure:
        """Return a float where NumPy has a single number."""
        return value if self.in_jax or np.ndim(value) else float(value)

    def explained(
        self, value: Measure, terms: Any, unit: str, explain: bool, names: Names
    ) -> Measure | Explanation:
        """Return the value or, with ``explain``, its terms in the shape of the input as well."""
        if not explain:
            if names is not None:
                raise DataError("names= names the symbols of an explanation: add explain=True")
            return value
        if isinstance(value, jax.core.Tracer):
            raise DataError("explain=True names symbols by their values, which jit does not have")
        large = max(self.given, key=lambda name: self.given[name].ndim)
        shape, axes = self.given[large].shape, self.axes[large]
        batch = tuple(n for i, n in enumerate(shape) if i not in axes)
        parts = np.asarray(terms, dtype=np.float64) / nats_per(unit)
        parts = parts.reshape(*batch, *(shape[i] for i in axes))
        parts = np.moveaxis(parts, range(-len(axes), 0), axes)
        if names is not None and (len(axes) > 1 or len(names) != shape[axes[0]]):
            raise DataError(
                f"names= holds {len(names)} names, but there are "
                f"{' × '.join(str(shape[i]) for i in axes)} symbols: give one name for each "
                "along one axis"
            )
        impossible = tuple(map(tuple, np.argwhere(parts == math.inf).tolist()))

        def symbol(index: tuple[int, ...]) -> str:
            if names is None:
                return _place(large, index)
            row = [":" if i == axes[0] else k for i, k in enumerate(index)]
            return repr(names[index[axes[0]]]) + (
                f" in {_place(large, row)}" if len(row) > 1 else ""
            )

        return Explanation(value, parts, impossible, tuple(map(symbol, impossible)), unit)


def _place(name: str, index: Sequence[object]) -> str:
    if all(i == ":" for i in index):
        return name
    return f"{name}[{', '.join(str(i) for i in index)}]"


def _read(name: str, a: Any) -> Any:
    """Read an argument as an array of numbers, and keep its type."""
    if isinstance(a, jax.Array):
        if jnp.issubdtype(a.dtype, jnp.complexfloating):
            raise DataError(f"{name} holds {a.dtype} numbers: give real ones")
        return a
    try:
        array = np.asarray(a)
        if array.dtype.kind == "O" and array.ndim:
            array = array.astype(np.float64)  # fractions, decimals, or a table's mixed columns
    except (TypeError, ValueError) as error:
        raise DataError(f"{name} is not an array of numbers: {error}") from error
    if np.ma.is_masked(a):
        raise DataError(f"{name} has masked values: fill them or leave their rows out")
    if array.dtype.kind not in "biuf":
        what = type(a).__name__ if array.dtype.kind == "O" else array.dtype.name
        what = "text" if array.dtype.kind in "SUT" else f"of type {what}"
        raise DataError(f"{name} is {what}: give an array of numbers")
    return array


def _axes(name: str, shape: tuple[int, ...], axis: Axis) -> tuple[int, ...]:
    """Return the axes counted from 0."""
    if not shape:
        raise DataError(f"{name} is a single number: a distribution has one for each symbol")
    axes = axis if isinstance(axis, tuple) else (axis,)
    ndim = len(shape)
    if not all(isinstance(i, int | np.integer) for i in axes):
        every = tuple(range(ndim))
        raise DataError(
            f"axis={axis!r} is not an axis of {name}: give a number or a tuple; all axes are "
            f"axis={every}"
        )
    if not axes or any(not -ndim <= i < ndim for i in axes):
        raise DataError(f"axis={axis} does not exist in {name} of shape {shape}")
    counted = tuple(i % ndim for i in axes)
    if len(set(counted)) < len(counted):
        raise DataError(f"axis={axis} names the same axis of {name} twice")
    if math.prod(shape[i] for i in counted) == 0:
        raise DataError(f"{name} of shape {shape} has no symbols along axis={axis}")
    return counted


def _check_probabilities(name: str, a: Any, axes: tuple[int, ...], counts: bool) -> None:
    values = np.asarray(a).astype(np.float64, copy=False)
    _refuse(name, values, ~np.isfinite(values), "give a finite number")
    what = "count" if counts else "probability"
    _refuse(name, values, values < 0.0, f"a {what} cannot be negative")
    with np.errstate(over="ignore"):  # an overflow is refused below
        sums = values.sum(axis=axes, keepdims=True)
    if counts:
        wrong = (sums == 0.0) | np.isinf(sums)
        _refuse_sum(name, sums, wrong, axes, "counts need a finite sum > 0")
        return
    # Division by a rounded sum leaves an error of about eps √n, and exponentials of logarithms
    # one of eps times the logarithm, for which a quarter of the digits is set aside: 1.8e-12 in
    # float64, 6.5e-6 in float32. NumPy's integers and booleans are exact.
    finfo: Any = jnp.finfo  # NumPy's lacks bfloat16
    real = jnp.issubdtype(a.dtype, jnp.floating)
    eps = float(finfo(a.dtype if real else np.float64).eps)
    tolerance = eps**0.75 + eps * math.sqrt(math.prod(a.shape[i] for i in axes))
    dims = axes[0] if len(axes) == 1 else axes
    fix = (
        f"not to 1 (to within {tolerance:.2g}). Counts and weights need counts=True, a sample of "
        f"outcomes goes to kl.estimate_entropy and the like, and probabilities are normalised by "
        f"{name} / {name}.sum(axis={dims}, keepdims=True)"
    )
    _refuse_sum(name, sums, abs(sums - 1.0) > tolerance, axes, fix)


def _check_logits(name: str, a: Any, axes: tuple[int, ...]) -> None:
    values = np.asarray(a).astype(np.float64, copy=False)
    wrong = np.isnan(values) | (values == math.inf)
    _refuse(name, values, wrong, "a logit is a finite number, or -inf where the probability is 0")
    empty = np.all(values == -math.inf, axis=axes, keepdims=True)
    if empty.any():
        row = _place(name, _first(empty, axes))
        raise DataError(f"all logits in {row} are -inf: some symbol must be possible")


def _first(wrong: Any, axes: tuple[int, ...] = ()) -> list[object]:
    index = np.unravel_index(int(np.argmax(wrong)), wrong.shape)
    return [":" if i in axes else int(k) for i, k in enumerate(index)]


def _refuse(name: str, values: Any, wrong: Any, advice: str) -> None:
    if wrong.any():
        value, others = float(values.ravel()[int(np.argmax(wrong))]), int(wrong.sum()) - 1
        more = f" (and so are {others} more)" if others else ""
        raise DataError(f"{_place(name, _first(wrong))} is {value!r}: {advice}{more}")


def _refuse_sum(name: str, sums: Any, wrong: Any, axes: tuple[int, ...], advice: str) -> None:
    if wrong.any():
        total = float(sums.ravel()[int(np.argmax(wrong))])
        raise DataError(f"{_place(name, _first(wrong, axes))} sums to {total!r}, {advice}")
