"""Quantiles of any distribution function, by bisection and Newton's method."""

from __future__ import annotations

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp

from kullback._core.arrays import Array
from kullback._core.domains import Interval

# Bisection uses a coordinate that spreads the doubles evenly: x = sign(t)·(e^|t| − 1)·1e-300
# reaches both 1e-300 and 1e300. 32 halvings of its range give x to a relative 1e-6, where Newton's
# method takes over; for whole numbers bisection continues until one is left.
_REACH = 1400.0
_TINY = 1e-300
_LOG_TINY = math.log(_TINY)
_HALVINGS = 32
_ALL_HALVINGS = 128
# From 1e-6 two Newton steps reach rounding; the others are for distribution functions with kinks.
_NEWTON_STEPS = 6


def quantile_by_inversion(
    u: Array,
    log_cdf: Callable[[Array], Array],
    log_survival: Callable[[Array], Array],
    support: Interval,
    log_density: Callable[[Array], Array] | None = None,
) -> Array:
    """Find the smallest ``x`` in the support with cdf(x) ≥ u, elementwise.

    The smaller of the two tails is compared, in logarithms, so that both ends keep their digits.

    Args:
        u: probabilities.
        log_cdf: the log distribution function, of x alone.
        log_survival: the log survival function, of x alone.
        support: where the outcomes lie.
        log_density: the log-density, of x alone, for Newton's method; without it the quantiles are
            found by bisection alone.

    Returns:
        The quantiles; the support's ends for u = 0 and u = 1.
    """
    low, high = u <= 0.5, u > 0.5
    target = jnp.where(low, jnp.log(jnp.where(low, u, 0.5)), jnp.log1p(-jnp.where(high, u, 0.5)))

    def excess(x: Array) -> Array:
        """Return the logarithm of the tail over its target, increasing in x."""
        return jnp.where(low, log_cdf(x) - target, target - log_survival(x))

    def outcome(t: Array) -> Array:
        x = jnp.sign(t) * (jnp.exp(jnp.abs(t) + _LOG_TINY) - _TINY)
        x = jnp.minimum(jnp.maximum(x, support.lower), support.upper)
        return jnp.floor(x) if support.whole else x

    def halve(_: Array, ends: tuple[Array, Array]) -> tuple[Array, Array]:
        left, right = ends
        middle = 0.5 * (left + right)
        reached = excess(outcome(middle)) >= 0.0
        return jnp.where(reached, left, middle), jnp.where(reached, middle, right)

    start = (jnp.full_like(u, -_REACH), jnp.full_like(u, _REACH))
    by_newton = log_density is not None and not support.whole
    halvings = _HALVINGS if by_newton else _ALL_HALVINGS
    left, right = jax.lax.fori_loop(0, halvings, halve, start)
    x = outcome(right)
    if log_density is not None and by_newton:
        x = _newton(x, outcome(left), outcome(right), excess, log_density, target)
    return jnp.where(u <= 0.0, support.lower, jnp.where(u >= 1.0, support.upper, x))


def _newton(
    x: Array,
    left: Array,
    right: Array,
    excess: Callable[[Array], Array],
    log_density: Callable[[Array], Array],
    target: Array,
) -> Array:
    """Solve excess(x) = 0 in [left, right]; a step that would leave it is replaced by bisection."""

    def improve(_: Array, state: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        x, left, right = state
        gap = excess(x)
        left, right = jnp.where(gap < 0.0, x, left), jnp.where(gap >= 0.0, x, right)
        # d excess/dx = density / tail, and near the solution the tail is at its target
        step = gap * jnp.exp(target - log_density(x))
        moved = x - step
        inside = (moved >= left) & (moved <= right)  # false for NaN
        return jnp.where(inside, moved, 0.5 * (left + right)), left, right

    found: Array = jax.lax.fori_loop(0, _NEWTON_STEPS, improve, (x, left, right))[0]
    return found
