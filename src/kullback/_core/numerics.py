"""Elementary functions whose derivatives are cheap: one division a row, however many parameters.

JAX's rules for ``1 / x``, ``log`` and ``log1p`` divide each tangent by the argument. A kernel with
K parameters then divides K(K + 3)/2 times a row, and division is the slowest operation of a pass
(10 million Student-t rows, value + gradient + Hessian, 2 cores: 0.23 s with JAX's rules, 0.19 s
with these, 0.09 s with these and derivatives in the natural parameters). The rules here multiply by
one shared reciprocal, which the compiler computes once.
"""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp

from kullback._core.arrays import Array
from kullback._core.partials import with_partials


@jax.custom_jvp
def reciprocal(x: Array) -> Array:
    """``1 / x``."""
    return 1.0 / x


@reciprocal.defjvp
def _(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    r = reciprocal(primals[0])
    return r, -(r * r) * tangents[0]


@jax.custom_jvp
def log(x: Array) -> Array:
    """Natural logarithm."""
    return jnp.log(x)


@log.defjvp
def _(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    (x,) = primals
    return log(x), tangents[0] * reciprocal(x)


@jax.custom_jvp
def log1p(x: Array) -> Array:
    """``log(1 + x)``, exact for small x."""
    return jnp.log1p(x)


@log1p.defjvp
def _(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    (x,) = primals
    return log1p(x), tangents[0] * reciprocal(1.0 + x)


@with_partials(lambda x, _: reciprocal(x), lambda _, m: -reciprocal(m))
def log_quotient(x: Array, m: Array) -> Array:
    """Compute log(x/m) for x, m > 0 to relative precision also where x is near m, by one log a row.

    Near m the quotient is written u = 1 + t with t = (x − m)/m, and what rounding lost in u is
    subtracted: log(1 + t) = log u − ((u − 1) − t)/u, where u = 1 is near enough in the divisor.
    """
    r = reciprocal(m)
    t = (x - m) * r
    near = jnp.abs(t) < 0.25
    u = jnp.where(near, 1.0 + t, x * r)
    # a quotient beyond the doubles: there the two logarithms are far apart and may be subtracted
    beyond = (u < 1e-290) | (u > 1e290)
    value = jnp.log(jnp.where(beyond, x, u)) - jnp.where(beyond, jnp.log(m), 0.0)
    return value - jnp.where(near, (u - 1.0) - t, 0.0)


@with_partials(lambda x, _: reciprocal(x), lambda x, s: -(x * reciprocal(x + s)) * reciprocal(s))
def log1p_quotient(x: Array, s: Array) -> Array:
    """Compute log(1 + x/s) for x ≥ 0, s > 0, also where x/s is beyond the doubles."""
    u = x * reciprocal(s)
    beyond = u > 1e290
    # there log x − log s, through the same log1p: 1 is nothing to x, or to 1e40 x
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
