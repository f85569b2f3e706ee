"""Elementary functions with cheap derivatives: one division a row, for any number of parameters.

JAX's rules for ``1 / x``, ``log`` and ``log1p`` divide each tangent by the argument. A kernel with
K parameters then divides K(K + 3)/2 times a row, and division is the slowest operation of a pass
(10 million Student-t rows, value + gradient + Hessian, 2 cores: 0.23 s with JAX's rules, 0.19 s
with these, 0.09 s with these and derivatives in the constrained parameters). The rules here
multiply by one shared reciprocal, which the compiler computes once.

`reciprocal` and `log_quotient`, used in sufficient statistics, take NumPy's arrays too: sums that
are never differentiated need no compilation, and NumPy's logarithm is four times as fast as XLA's
on a CPU (1.0 and 4.2 ns).
"""

from __future__ import annotations

import math
from typing import Any, overload

import jax
import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Array, Vector
from kullback._core.derivatives import is_traced_for_numpy
from kullback.special.partials import with_partials


@overload
def reciprocal(x: Array) -> Array: ...
@overload
def reciprocal(x: Vector) -> Vector: ...
def reciprocal(x: Any) -> Any:
    """``1 / x``."""
    plain = isinstance(x, np.ndarray) or is_traced_for_numpy()
    return 1.0 / x if plain else _reciprocal(x)


@jax.custom_jvp
def _reciprocal(x: Array) -> Array:
    return 1.0 / x


@_reciprocal.defjvp
def _(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    r = _reciprocal(primals[0])
    return r, -(r * r) * tangents[0]


def log(x: Array) -> Array:
    """Natural logarithm."""
    return jnp.log(x) if is_traced_for_numpy() else _log(x)


@jax.custom_jvp
def _log(x: Array) -> Array:
    return jnp.log(x)


@_log.defjvp
def _(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    (x,) = primals
    return _log(x), tangents[0] * reciprocal(x)


def log1p(x: Array) -> Array:
    """``log(1 + x)``, exact for small x."""
    return jnp.log1p(x) if is_traced_for_numpy() else _log1p(x)


@jax.custom_jvp
def _log1p(x: Array) -> Array:
    return jnp.log1p(x)


@_log1p.defjvp
def _(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    (x,) = primals
    return _log1p(x), tangents[0] * reciprocal(1.0 + x)


@overload
def log_quotient(x: Array, m: Array) -> Array: ...
@overload
def log_quotient(x: Vector, m: Vector) -> Vector: ...
def log_quotient(x: Any, m: Any) -> Any:
    """Compute log(x/m) for x, m > 0, by one logarithm a row.

    For JAX arrays it has relative precision, also where x is near m. For NumPy arrays, with m of
    shape (1,), it does if all of x is near m; otherwise its absolute error is one rounding of 1.
    """
    if isinstance(x, np.ndarray):
        return _log_quotient_in_numpy(x, float(m[0]))
    return _log_quotient(x, m)


def _log_quotient_in_numpy(x: Vector, m: float) -> Vector:
    r = 1.0 / m
    low, high = float(np.min(x)) * r, float(np.max(x)) * r
    if low > 0.75 and high < 1.25:
        return np.log1p((x - m) * r)
    # the quotient would overflow or underflow: the two logarithms are far apart and do not cancel
    if low < 1e-290 or high > 1e290:
        return np.log(x) - math.log(m)
    return np.log(x * r)


@with_partials(lambda x, _: reciprocal(x), lambda _, m: -reciprocal(m))
def _log_quotient(x: Array, m: Array) -> Array:
    """Compute log(x/m) of JAX arrays.

    Near m the quotient is u = 1 + t with t = (x − m)/m, corrected for the rounding of u:
    log(1 + t) = log u − ((u − 1) − t)/u, where u ≈ 1 suffices in the divisor.
    """
    r = reciprocal(m)
    t = (x - m) * r
    near = jnp.abs(t) < 0.25
    u = jnp.where(near, 1.0 + t, x * r)
    # the quotient would overflow or underflow: the two logarithms are far apart and do not cancel
    beyond = (u < 1e-290) | (u > 1e290)
    value = jnp.log(jnp.where(beyond, x, u)) - jnp.where(beyond, jnp.log(m), 0.0)
    return value - jnp.where(near, (u - 1.0) - t, 0.0)


@with_partials(lambda x, _: reciprocal(x), lambda x, s: -(x * reciprocal(x + s)) * reciprocal(s))
def log1p_quotient(x: Array, s: Array) -> Array:
    """Compute log(1 + x/s) for x ≥ 0, s > 0, also where x/s overflows."""
    u = x * reciprocal(s)
    beyond = u > 1e290
    # there log x − log s, by the same log1p: 1 is negligible beside x, or 1e40 x
    lift = jnp.where(x < 1e20, 1e40, 1.0)
    offset = jnp.where(beyond, jnp.log(s) + jnp.where(x < 1e20, math.log(1e40), 0.0), 0.0)
    return jnp.log1p(jnp.where(beyond, x * lift, u)) - offset


def xlogy(x: Array, y: Array) -> Array:
    """``x log y``, exactly 0 where x is 0 (also at y = 0), with finite derivatives there."""
    zero = x == 0.0
    return jnp.where(zero, 0.0, x * log(jnp.where(zero, 1.0, y)))


def xlog1py(x: Array, y: Array) -> Array:
    """``x log(1 + y)``, exactly 0 where x is 0 (also at y = −1), with finite derivatives there."""
    zero = x == 0.0
    return jnp.where(zero, 0.0, x * log1p(jnp.where(zero, 0.0, y)))
