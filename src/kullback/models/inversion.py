"""Quantiles of any distribution function, by a search that ends at one double."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Array
from kullback._core.domains import Interval

# The doubles are searched by rank: 0 is 0.0, 1 the smallest normal double, 2 the next, −1 its
# negative. The search halves a range of ranks, which suits any magnitude of the outcomes and any
# width of the distribution, or interpolates where the log tail is smooth (T. R. Chandrupatla 1997),
# and it ends at the exact double. Subnormal doubles, which JAX takes for zero, have no rank.
_BEFORE_NORMAL = int(np.float64(np.finfo(np.float64).tiny).view(np.int64)) - 1


# Ranks of doubles of both signs are up to 2^64 apart, beyond the range of their type.
_FAR = 2.0**62

# From this step on every step halves the range. (Of 2,000 levels the last one ends after 27 to 32
# steps for gamma and beta, after up to 107 for Student's t near 0, where halving alone takes 65.)
_MOST_SMOOTH = 32


class _State(NamedTuple):
    """Two ranks between which the quantile lies, the one before, and the excess at the three."""

    a: Array
    b: Array
    c: Array
    fa: Array
    fb: Array
    fc: Array
    t: Array
    steps: Array


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

    def excess(rank: Array) -> Array:
        x = outcome(rank)
        return jnp.where(low, log_cdf(x) - target, target - log_survival(x))

    def running(state: _State) -> Array:
        return jnp.any(jnp.abs(_gap(state.b, state.a)) > 1.0)

    def step(state: _State) -> _State:
        a, b, c, fa, fb, fc, t, steps = state
        width = _gap(b, a)
        between = jnp.abs(width) > 1.0  # else the search has ended
        move = jnp.clip(jnp.abs(t * width), 1.0, jnp.maximum(jnp.abs(width) - 1.0, 1.0))
        x = jnp.where(between, a + (jnp.sign(width) * move).astype(jnp.int64), a)
        fx = jnp.where(between, excess(x), fa)
        same = (fx >= 0.0) == (fa >= 0.0)
        c, fc = jnp.where(same, a, b), jnp.where(same, fa, fb)
        b, fb = jnp.where(same, b, a), jnp.where(same, fb, fa)
        a, fa = x, fx
        xi = _gap(a, b) / _gap(c, b)
        phi = (fa - fb) / (fc - fb)
        smooth = (phi * phi < xi) & ((1.0 - phi) ** 2 < 1.0 - xi) & (steps < _MOST_SMOOTH)
        along = _gap(c, a) / _gap(b, a)
        inverse = fa / (fb - fa) * fc / (fb - fc) + along * fa / (fc - fa) * fb / (fc - fb)
        t = jnp.where(smooth & jnp.isfinite(inverse), jnp.clip(inverse, 0.0, 1.0), 0.5)
        return _State(a, b, c, fa, fb, fc, t, steps + 1)

    # the left end of the range is never reached, the right one always
    first, last = _rank(support.lower) - 1, _rank(support.upper)
    left, right = (jnp.full(u.shape, end, jnp.int64) for end in (first, last))
    never, always = jnp.full(u.shape, -jnp.inf), jnp.full(u.shape, jnp.inf)
    half = jnp.full(u.shape, 0.5)
    begin = _State(left, right, left, never, always, never, half, jnp.int64(0))
    end = jax.lax.while_loop(running, step, begin)
    x = outcome(jnp.where(end.fa >= 0.0, end.a, end.b))
    return jnp.where(u <= 0.0, support.lower, jnp.where(u >= 1.0, support.upper, x))


def _gap(b: Array, a: Array) -> Array:
    """Return b − a: exact where they are near, and without overflow where they are far apart."""
    far = b.astype(jnp.float64) - a.astype(jnp.float64)
    return jnp.where(jnp.abs(far) > _FAR, far, (b - a).astype(jnp.float64))


def _rank(x: float) -> int:
    """Count the normal doubles from zero to x, negative for x < 0."""
    rank = max(int(np.float64(abs(x)).view(np.int64)) - _BEFORE_NORMAL, 0)
    return rank if x >= 0.0 else -rank
