"""Quantiles of any distribution by bisection of its distribution function."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp

from kullback._core.arrays import Array
from kullback._core.supports import Interval

# The line of doubles is bisected in a coordinate that spreads them evenly: sign(t)·(e^|t| − 1)·1e-300
# reaches both 1e-300 and 1e300, and 128 halvings of its range leave less than one rounding.
_REACH = 1400.0
_TINY = 1e-300
_HALVINGS = 128


def quantile_by_inversion(
    u: Array,
    log_cdf: Callable[[Array], Array],
    log_survival: Callable[[Array], Array],
    support: Interval,
) -> Array:
    """Find the smallest ``x`` in the support with cdf(x) ≥ u, elementwise.

    The smaller of the two tails is compared, in logarithms, so that both ends keep their digits.

    Args:
        u: probabilities.
        log_cdf: the log distribution function, of x alone.
        log_survival: the log survival function, of x alone.
        support: where the outcomes lie.

    Returns:
        The quantiles; the support's ends for u = 0 and u = 1.
    """
    low, high = u <= 0.5, u > 0.5
    target_low = jnp.log(jnp.where(low, u, 0.5))
    target_high = jnp.log1p(-jnp.where(high, u, 0.5))

    def reached(x: Array) -> Array:
        return jnp.where(low, log_cdf(x) >= target_low, log_survival(x) <= target_high)

    def outcome(t: Array) -> Array:
        x = jnp.sign(t) * jnp.expm1(jnp.abs(t)) * _TINY
        x = jnp.clip(x, support.lower, support.upper)  # a coordinate, not a probability
        return jnp.floor(x) if support.whole else x

    def halve(_: Array, ends: tuple[Array, Array]) -> tuple[Array, Array]:
        left, right = ends
        middle = 0.5 * (left + right)
        inside = reached(outcome(middle))
        return jnp.where(inside, left, middle), jnp.where(inside, middle, right)

    start = (jnp.full_like(u, -_REACH), jnp.full_like(u, _REACH))
    _, right = jax.lax.fori_loop(0, _HALVINGS, halve, start)
    x = outcome(right)
    return jnp.where(u <= 0.0, support.lower, jnp.where(u >= 1.0, support.upper, x))
