"""Log-probabilities of a beta variable between two ends, with all derivatives, from one sum.

The density of v = log(x/y), y = 1 − x, is xᵃ yᵇ/B(a, b). At a distance h from the point where it is
largest in the interval, log x and log y change by −log(x + y e^−h) and so on, the functions whose
means and covariances are the derivatives.
"""

import math

import jax
import jax.numpy as jnp

from kullback.special.beta_tail import LOG_CUT, changes, cut, log_kernel, of_shapes
from kullback.special.interval_moments import interval_moments
from kullback.special.shared import Jet, kept

# Wider intervals, in log-odds, are as wide as the distances of their ends from the mode.
_NARROW = 1.0
# The derivative of log-odds at the mode is 0; above it is taken to be at least this.
_FALLING = 1e-300


def beta_interval_jet(lower: jax.Array, upper: jax.Array, a: jax.Array, b: jax.Array) -> Jet:
    """Return the jet of log P(lower < X < upper) in the shapes, for 0 ≤ lower < upper ≤ 1."""
    by_a, by_b, by_aa, by_bb, by_ab = kept(of_shapes, a, b)
    n = a + b
    low, high = 1.0 - lower, 1.0 - upper
    left, right = b * upper <= a * high, b * lower >= a * low  # of the mode
    x = jnp.where(left, upper, jnp.where(right, lower, a / n))
    y = jnp.where(left, high, jnp.where(right, low, b / n))
    step = upper - lower
    width = jnp.log1p(step / lower) + jnp.log1p(step / high)
    log_x, log_y, log_mode = jnp.log(x), jnp.log(y), jnp.log(a) - jnp.log(b)
    odds = log_x - log_y
    # distances of the ends; the narrower an interval, the more of its width's digits count
    far = jnp.log(low) - jnp.log(lower)
    down = jnp.where(left, width, jnp.where(right, 0.0, jnp.clip(log_mode + far, 0.0, width)))
    distant = jnp.log(upper) - jnp.log(high) - log_mode
    up = jnp.where(width < _NARROW, width - down, jnp.maximum(distant, 0.0))
    up = jnp.where(left, 0.0, jnp.where(right, width, up))

    def formula(h: jax.Array) -> tuple[jax.Array, list[jax.Array]]:
        above = h > 0.0
        u, v = jnp.where(above, y, x), jnp.where(above, x, y)
        away = jnp.abs(h)
        of_u, of_v = changes(u, v, away)
        of_x, of_y = jnp.where(above, of_v, of_u), jnp.where(above, of_u, of_v)
        return -(a * of_x + b * of_y), [of_x, of_y]

    ends = jnp.where(right, up, -down), jnp.where(left, -down, up)
    falls = [formula(jnp.clip(end, -1e300, 1e300))[0] for end in ends]
    wide = ~((falls[0] <= LOG_CUT) & (falls[1] <= LOG_CUT))
    slope = jnp.maximum(jnp.abs(b * x - a * y), _FALLING)
    most = cut(a, b, x, y, slope, wide), cut(b, a, y, x, slope, wide)
    down, up = (
        jnp.where(wide & (bound < end), bound, end)
        for end, bound in zip((down, up), most, strict=True)
    )
    feature = (-odds, math.pi)
    total, (of_x, of_y), (xx, xy, yy) = interval_moments(formula, 2, down, up, feature)
    return Jet(
        kept(log_kernel, a, b, x, y) + total,
        (log_x + by_a + of_x, log_y + by_b + of_y),
        (xx + by_aa, xy + by_ab, yy + by_bb),
    )
