"""Log-probabilities of a gamma variable between two ends, with all derivatives, from one sum.

With v = log(rate x) the density of v is exp(shape v − eᵛ)/Γ(shape). From c = e^v₀ it falls by

    φ(h) = c (e^h − 1 − h) + (c − shape) h,

and the scores are log c − ψ(shape) + h in the shape and shape − c − c (e^h − 1) in log(rate).
"""

import math

import jax
import jax.numpy as jnp

from kullback.special.gamma_tail import excess, of_shape
from kullback.special.interval_moments import interval_moments
from kullback.special.numerics import log_quotient
from kullback.special.saddle_point import poisson_deviance
from kullback.special.shared import Jet, kept

# The density is cut where it is exp(−42) = 6e-19 of its largest value.
_LOG_CUT = 42.0
# Below it rate x is nothing beside the shape in all but its logarithm.
_TINY = 1e-290
# Wider intervals, in log x, are as wide as the distances of their ends from the mode.
_NARROW = 1.0


def _root(b: jax.Array, a: jax.Array, c: jax.Array | float) -> jax.Array:
    """The positive x with a x² + b x = c."""
    root = jnp.sqrt(b * b + 4.0 * a * c)
    return jnp.where(b > 0.0, 2.0 * c / (b + root), 0.5 * (root - b) / a)


def _reach(a: jax.Array, c: jax.Array) -> tuple[jax.Array, jax.Array]:
    """How far below and above the cut lies at most, by e^h − 1 − h > 3 s²/(6 + 4 s), s = e^h − 1.

    Below, e^−h − 1 + h > h²/(2 + h).
    """
    low, high = jnp.minimum(a, c), jnp.maximum(a, c)
    below = _root(2.0 * (a - low) - _LOG_CUT, a, 2.0 * _LOG_CUT)
    r = 1.0 / high
    slope, curvature = 1.0 - a * r, a * r
    b = 2.0 * slope - 4.0 / 3.0 * _LOG_CUT * r
    return below, jnp.log1p(_root(b, 4.0 / 3.0 * slope + curvature, 2.0 * _LOG_CUT * r))


def gamma_interval_jet(
    lower: jax.Array, upper: jax.Array, width: jax.Array, a: jax.Array, rate: jax.Array
) -> Jet:
    """Return the jet of log P(lower < X < upper) in the shape a and the rate.

    Args:
        lower: the lower ends, ≥ 0.
        upper: the upper ends, ≤ ∞.
        width: log(upper/lower), to relative precision.
        a: the shape.
        rate: the rate.
    """
    log_factorial, _, curvature, remainder, difference, log_a, reciprocal = kept(of_shape, a)
    low, high = rate * lower, rate * upper
    left, right = high <= a, low >= a  # of the mode
    c = jnp.where(left, high, jnp.where(right, low, a))
    tiny = c < _TINY
    log_c = jnp.log(rate) + jnp.log(jnp.where(left, upper, jnp.where(right, lower, 1.0)))
    at = jnp.where(tiny, a, c)
    ratio = jnp.where(tiny, log_c - log_a, log_quotient(at, a))
    # distances of the ends; the narrower an interval, the more of its width's digits count
    down = jnp.where(left, width, log_a - jnp.log(jnp.where(right, a, low)))
    down = jnp.where(right, 0.0, jnp.clip(down, 0.0, width))
    up = jnp.where(width < _NARROW, width - down, jnp.log(jnp.where(left, a, high)) - log_a)
    up = jnp.where(left, 0.0, jnp.where(right, width, jnp.maximum(up, 0.0)))
    furthest = _reach(a, at)
    down, up = (jnp.minimum(v, most) for v, most in zip((down, up), furthest, strict=True))
    beyond = jnp.where(left | right, c - a, 0.0)

    def formula(h: jax.Array) -> tuple[jax.Array, list[jax.Array]]:
        rise = excess(h)
        return c * rise + beyond * h, [h, rise + h]

    feature = jnp.maximum(log_a, 0.0) - (log_a + ratio)
    total, (h, t), (hh, ht, tt) = interval_moments(formula, 2, down, up, (feature, math.pi))
    kernel = jnp.where(tiny, a * log_c - log_factorial, -remainder - poisson_deviance(a, at))
    by_log_rate = -beyond - c * t
    r = 1.0 / rate
    by_rate = r * by_log_rate
    return Jet(
        log_a + kernel + total,
        (ratio - difference + h, by_rate),
        (
            hh - curvature - reciprocal * reciprocal,
            r * (1.0 - c * ht),
            r * (r * (c * (c * tt - (1.0 + t))) - by_rate),
        ),
    )
