"""Tails of count distributions without a formula: sums of terms by the ratio of neighbours."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp

from kullback._core.arrays import Array

# Terms below this share of the sum do not count, in derivatives either.
_SHARE = 1e-20
# A sum that has not ended after so many terms has no value: NaN.
_MOST_TERMS = 1_000_000.0


def log_ratio_sum(ratio: Callable[[Array], Array], count: Array, active: Array) -> Array:
    """Log of 1 + r(0) + r(0) r(1) + … with at most ``count`` + 1 terms; 0 where not ``active``.

    Args:
        ratio: of the next term to the one with this index; those of an unlimited number of terms
            fall to a limit below 1.
        count: how many terms follow the first; may be infinite.
        active: the elements to compute.
    """

    def going(i: Array, term: Array, total: Array) -> Array:
        falling = (term < _SHARE * total) & jnp.isinf(count)
        return active & (i < count) & ~falling

    def unfinished(state: tuple[Array, Array, Array]) -> Array:
        return jnp.any(going(*state)) & (state[0] < _MOST_TERMS)

    def add(state: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        i, term, total = state
        on = going(i, term, total)
        term = jnp.where(on, term * ratio(jnp.where(on, i, 0.0)), term)
        return i + 1.0, term, total + jnp.where(on, term, 0.0)

    one = jnp.where(active, 1.0, 1.0) + 0.0 * ratio(jnp.zeros_like(count))
    i, term, total = jax.lax.while_loop(unfinished, add, (jnp.zeros(()), one, one))
    ended = ~going(i, term, total)
    return jnp.where(ended, jnp.log(jnp.where(ended, total, 1.0)), jnp.nan)
