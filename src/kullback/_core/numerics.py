"""Elementary functions whose derivatives are cheap: one division a row, however many parameters.

JAX's rules for ``1 / x``, ``log`` and ``log1p`` divide each tangent by the argument. A kernel with
K parameters then divides K(K + 3)/2 times a row, and division is the slowest operation of a pass
(10 million Student-t rows, value + gradient + Hessian, 2 cores: 0.23 s with JAX's rules, 0.19 s
with these, 0.09 s with these and derivatives in the natural parameters). The rules here multiply by
one shared reciprocal, which the compiler computes once.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from kullback._core.arrays import Array


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


def log1mexp(x: Array) -> Array:
    """``log(1 − exp(x))`` for x ≤ 0 without cancellation (Mächler 2012, eq. 7); −inf at 0."""
    small = x > -0.6931471805599453  # log 2: beyond it 1 − exp(x) no longer cancels
    inner = jnp.where(small & (x < 0.0), x, -1.0)
    outer = jnp.where(small, -1.0, x)
    value = jnp.where(small, jnp.log(-jnp.expm1(inner)), jnp.log1p(-jnp.exp(outer)))
    return jnp.where(x == 0.0, -jnp.inf, value)


def xlogy(x: Array, y: Array) -> Array:
    """``x log y``, exactly 0 where x is 0 (also at y = 0), with finite derivatives there."""
    zero = x == 0.0
    return jnp.where(zero, 0.0, x * log(jnp.where(zero, 1.0, y)))


def xlog1py(x: Array, y: Array) -> Array:
    """``x log(1 + y)``, exactly 0 where x is 0 (also at y = −1), with finite derivatives there."""
    zero = x == 0.0
    return jnp.where(zero, 0.0, x * log1p(jnp.where(zero, 0.0, y)))
