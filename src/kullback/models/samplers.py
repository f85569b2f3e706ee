"""Random counts in double precision."""

from __future__ import annotations

from typing import TypeAlias

import jax
import jax.numpy as jnp

from kullback._core.arrays import Array
from kullback.special.saddle_point import log_poisson_kernel

_Three: TypeAlias = tuple[Array, Array, Array]


def draw_poisson(key: Array, shape: tuple[int, ...], rate: Array) -> Array:
    """Draw Poisson counts in double precision (JAX's sampler rounds rate and draws to single).

    Below a rate of 10 by inversion; above by transformed rejection (W. Hörmann, 1993, "The
    transformed rejection method for generating Poisson random variables", algorithm PTRS).
    """
    rate = jnp.broadcast_to(rate, shape)
    low = rate < 10.0
    small, large = jnp.where(low, rate, 1.0), jnp.where(low, 10.0, rate)
    key, own = jax.random.split(key)
    uniform = jax.random.uniform(own, shape, jnp.float64)

    def add_term(state: _Three) -> _Three:
        k, term, total = state
        above = uniform >= total
        term = jnp.where(above, term * small / (k + 1.0), term)
        return k + above, term, total + jnp.where(above, term, 0.0)

    # 100: the probability beyond is below rounding at a rate of 10, and the sum may stop short of 1
    at_zero = jnp.exp(-small)
    by_inversion = jax.lax.while_loop(
        lambda state: jnp.any((uniform >= state[2]) & (state[0] < 100.0)),
        add_term,
        (jnp.zeros(shape), at_zero, at_zero),
    )[0]

    b = 0.931 + 2.53 * jnp.sqrt(large)
    a = -0.059 + 0.02483 * b
    inverse_alpha = 1.1239 + 1.1328 / (b - 3.4)
    squeeze = 0.9277 - 3.6224 / (b - 2.0)

    def propose(state: _Three) -> _Three:
        k, done, key = state
        key, first, second = jax.random.split(key, 3)
        u = jax.random.uniform(first, shape, jnp.float64) - 0.5
        v = jax.random.uniform(second, shape, jnp.float64)
        from_edge = 0.5 - jnp.abs(u)
        candidate = jnp.floor((2.0 * a / from_edge + b) * u + large + 0.43)
        height = v * inverse_alpha / (a / (from_edge * from_edge) + b)
        below = jnp.log(height) <= log_poisson_kernel(jnp.maximum(candidate, 0.0), large)
        taken = (candidate >= 0.0) & (below | ((from_edge >= 0.07) & (v <= squeeze)))
        return jnp.where(done, k, candidate), done | taken, key

    start = (jnp.zeros(shape), low, key)
    by_rejection = jax.lax.while_loop(lambda s: ~jnp.all(s[1]), propose, start)[0]
    return jnp.where(low, by_inversion, by_rejection)
