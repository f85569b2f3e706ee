"""Tails of Student's t and Cauchy distributions, to relative precision at any distance."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp

from kullback._core.arrays import Array
from kullback.special.constants import LOG_PI
from kullback.special.gamma import log_gamma_ratio
from kullback.special.numerics import reciprocal
from kullback.special.partials import with_partials
from kullback.special.smooth import log_complement
from kullback.special.tail_quadrature import LOG_CUT, log_tail_integral

# Where w² would overflow, log(1 + w²) is computed from w scaled by this power of two.
_HUGE = 2.0**511
_SHRINK = 2.0**-513
# From here on w/√(1 + w²) is 1 as a double.
STEEP = 1e8
# From here on 2 cosh(v) is e^v as a double. Up to here the integrand, which has its nearest
# singularity π/2 off the line, is within 1e-18 for 32 nodes a panel.
_EXPONENTIAL = 18.0
_PANELS = 4


def _scaled_square(w: Array) -> tuple[Array, Array, Array]:
    """Return whether |w| is huge, the scaled w, and log1p's argument for the scaled 1 + w²."""
    huge = jnp.abs(w) > _HUGE
    s = w * jnp.where(huge, _SHRINK, 1.0)
    return huge, s, s * s - jnp.where(huge, 1.0, 0.0)


def _square_ratio_slope(w: Array) -> Array:
    huge, _, argument = _scaled_square(w)
    ratio = square_ratio(w)
    # in terms of the ratio: the square of 1 / (1 + w²) would underflow from w = 1e77 on
    return jnp.where(huge, 0.0, reciprocal(1.0 + argument)) - 2.0 * ratio * ratio


@with_partials(_square_ratio_slope)
def square_ratio(w: Array) -> Array:
    """Compute w / (1 + w²), half the derivative of log(1 + w²)."""
    huge, s, argument = _scaled_square(w)
    return s * reciprocal(1.0 + argument) * jnp.where(huge, _SHRINK, 1.0)


@with_partials(lambda w: 2.0 * square_ratio(w))
def log1p_square(w: Array) -> Array:
    """Compute log(1 + w²) for any w, also where w² overflows."""
    huge, _, argument = _scaled_square(w)
    return jnp.log1p(argument) - jnp.where(huge, 2.0 * math.log(_SHRINK), 0.0)


def _log_t_kernel(a: Array, w: Array) -> Array:
    """Log-density of w = t/√df with a = df/2."""
    return log_gamma_ratio(a, 0.5) - 0.5 * LOG_PI - (a + 0.5) * log1p_square(w)


def tail_length(a: Array, t: Array) -> Array:
    """Return the h at which (cosh(v + h)/cosh v)^(−2a) is e^−40, with t = tanh v."""
    # beyond e^600 it is the exponential's, and a bound of it
    rise = jnp.expm1(jnp.minimum(0.5 * LOG_CUT / a, 600.0))
    q = rise * (2.0 + rise)
    near = jnp.log1p((rise + q / (t + jnp.sqrt(t * t + q))) / (1.0 + t))
    return near + jnp.maximum(0.5 * LOG_CUT / a - 600.0, 0.0)


def _log_t_tail_formula(a: Array, w: Array) -> Array:
    # With w = sinh v the tail is ∫ cosh(v)^(−2a) dv / B(a, 1/2), and with h from v on
    # cosh(v + h)/cosh(v) = 1 + 2 s (s + t √(1 + s²)), s = sinh(h/2), t = tanh(v): no cancellation,
    # for any df and w. Beyond _EXPONENTIAL that is e^h (1 + t)/2, which is integrated exactly.
    size = jnp.where(w < 0.0, -w, w)
    steep = size > STEEP
    inner = jnp.where(steep, 1.0, size)
    t = jnp.where(steep, 1.0, inner * jax.lax.rsqrt(1.0 + inner * inner))

    cut = tail_length(jnp.maximum(a, 0.5), t)
    whole = cut > _EXPONENTIAL
    panel = jax.lax.stop_gradient(jnp.where(whole, _EXPONENTIAL, cut)) / _PANELS

    def log_integrand(h: Array) -> Array:
        total = jnp.zeros_like(h)
        for k in range(_PANELS):
            s = jnp.sinh(0.5 * (h + k * panel))
            ratio = 2.0 * s * (s + t * jnp.sqrt(1.0 + s * s))
            total = total + jnp.exp(-2.0 * a * jnp.log1p(ratio))
        return jnp.log(total)

    integral = jnp.exp(log_tail_integral(log_integrand, panel, jnp.ones_like(panel, bool)))
    rest = jnp.exp(-2.0 * a * (jnp.log(0.5 * (1.0 + t)) + _EXPONENTIAL)) / (2.0 * a)
    integral = integral + jnp.where(whole, rest, 0.0)
    constant = log_gamma_ratio(a, 0.5) - 0.5 * LOG_PI - a * log1p_square(w)
    one_side = constant + jnp.log(integral)
    # for w < 0 the other side is at least a half, so that this logarithm does not cancel
    return jnp.where(w < 0.0, log_complement(jnp.exp(one_side)), one_side)


def _log_t_tail_slope(a: Array, w: Array) -> Array:
    return -jnp.exp(_log_t_kernel(a, w) - log_t_tail(a, w))


def _log_t_tail_by_shape(a: Array, w: Array) -> Array:
    shape = jnp.broadcast_shapes(a.shape, w.shape)
    at = jnp.broadcast_to(a, shape)
    slope: Array = jax.jvp(lambda a: _log_t_tail_formula(a, w), (at,), (jnp.ones_like(at),))[1]
    return slope


@with_partials(_log_t_tail_by_shape, _log_t_tail_slope)
def log_t_tail(a: Array, w: Array) -> Array:
    """Log-probability that Student's t with df = 2a exceeds w √df."""
    return _log_t_tail_formula(a, w)


@with_partials(lambda z: -jnp.exp(-log1p_square(z) - LOG_PI - log_cauchy_tail(z)))
def log_cauchy_tail(z: Array) -> Array:
    """Log-probability that a standard Cauchy variable exceeds z."""
    away = jnp.arctan2(1.0, jnp.abs(z)) * (1.0 / math.pi)  # the tail beyond |z|
    return jnp.where(z < 0.0, log_complement(away), jnp.log(away))
