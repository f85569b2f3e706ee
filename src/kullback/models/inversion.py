"""Quantiles of any distribution function, by halving a range of doubles down to one."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Array
from kullback._core.domains import Interval

# The doubles are searched by rank: 0 is 0.0, 1 the smallest normal double, 2 the next, −1 its
# negative. Halving a range of ranks takes as many steps for any magnitude of the outcomes and any
# width of the distribution, and it ends at the exact double. Subnormal doubles, which JAX takes for
# zero, have no rank.
_BEFORE_NORMAL = int(np.float64(np.finfo(np.float64).tiny).view(np.int64)) - 1


def quantile_by_inversion(
    u: Array,
    log_cdf: Callable[[Array], Array],
    log_survival: Callable[[Array], Array],
    support: Interval,
) -> Array:
    """Find the smallest ``x`` in the support with cdf(x) ≥ u, elementwise.

    The smaller of the two tails is compared, in logarithms, so that both ends keep their digits.
    A quantile between 0 and 2.2e-308, the smallest normal double, is given as the latter.

    Args:
        u: probabilities.
        log_cdf: the log distribution function, of x alone.
        log_survival: the log survival function, of x alone.
        support: where the outcomes lie.

    Returns:
        The quantiles; the support's ends for u = 0 and u = 1.
    """
    low, high = u <= 0.5, u > 0.5
    target = jnp.where(low, jnp.log(jnp.where(low, u, 0.5)), jnp.log1p(-jnp.where(high, u, 0.5)))

    def outcome(rank: Array) -> Array:
        bits = jnp.where(rank == 0, 0, jnp.abs(rank) + _BEFORE_NORMAL)
        x = jnp.sign(rank) * jax.lax.bitcast_convert_type(bits, jnp.float64)
        return jnp.floor(x) if support.whole else x

    def halve(_: Array, ends: tuple[Array, Array]) -> tuple[Array, Array]:
        left, right = ends
        middle = (left >> 1) + (right >> 1) + (left & right & 1)  # their sum could overflow
        x = outcome(middle)
        reached = jnp.where(low, log_cdf(x) >= target, log_survival(x) <= target)
        done = middle == left  # nothing is left between the ends
        return jnp.where(reached, left, middle), jnp.where(reached & ~done, middle, right)

    # the left end of the range is never reached, the right one always
    first, last = _rank(support.lower) - 1, _rank(support.upper)
    ends = (jnp.full(u.shape, first, jnp.int64), jnp.full(u.shape, last, jnp.int64))
    x = outcome(jax.lax.fori_loop(0, (last - first).bit_length(), halve, ends)[1])
    return jnp.where(u <= 0.0, support.lower, jnp.where(u >= 1.0, support.upper, x))


def _rank(x: float) -> int:
    """Count the normal doubles from zero to x, negative for x < 0."""
    rank = max(int(np.float64(abs(x)).view(np.int64)) - _BEFORE_NORMAL, 0)
    return rank if x >= 0.0 else -rank
