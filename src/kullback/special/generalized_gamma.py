"""Functions of the generalised gamma distribution that pass through its log-normal limit.

With k = 1/Q² and w the standardised logarithm, k e^(Qw) is a gamma variable of shape k. As Q goes
to 0 the shape grows without bound, and large terms of opposite sign are left; here they cancel
before they are computed.
"""

import math

import jax
import jax.numpy as jnp

from kullback.special.constants import HALF_LOG_TWO_PI
from kullback.special.gamma import log1p_minus, log_gamma
from kullback.special.incomplete_gamma import log_gamma_tails
from kullback.special.numerics import reciprocal
from kullback.special.polynomials import horner
from kullback.special.saddle_point import digamma_minus_log, stirling_remainder
from kullback.special.smooth import expm1_over, log1mexp
from kullback.special.tail_quadrature import log_tail_integral, reach

# Below, series in Q² to rounding, and tails by quadrature; above, the gamma distribution's.
_SMALL = 0.1
# Stirling's series of ln Γ in 1/k, and that of k (log k − ψ(k)) − 1/2
_STIRLING = (1 / 12, 0.0, -1 / 360, 0.0, 1 / 1260, 0.0, -1 / 1680, 0.0, 1 / 1188)
_DIGAMMA = (1 / 12, 0.0, -1 / 120, 0.0, 1 / 252, 0.0, -1 / 240, 0.0, 1 / 132)
_EXPONENTIAL = tuple(1.0 / math.factorial(n + 2) for n in range(17))


def excess(t: jax.Array) -> jax.Array:
    """(e^t − 1 − t)/t², 1/2 at 0, with accurate derivatives."""
    near = jnp.abs(t) < 1.0
    far = jnp.where(near, 2.0, t)
    series = horner(_EXPONENTIAL, jnp.where(near, t, 0.0))
    return jnp.where(near, series, (jnp.expm1(far) - far) / (far * far))


def _regions(shape: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Return whether Q is small, Q² there, and k elsewhere."""
    small = jnp.abs(shape) < _SMALL
    r = reciprocal(jnp.where(small, 1.0, shape))
    return small, jnp.where(small, shape * shape, 0.0), r * r


def log_constant(shape: jax.Array) -> jax.Array:
    """Log-density of w at w = 0: log|Q| + k log k − k − ln Γ(k), −½ log 2π at Q = 0."""
    small, q, k = _regions(shape)
    series = -HALF_LOG_TWO_PI - q * horner(_STIRLING, q)
    return jnp.where(small, series, 0.5 * jnp.log(k) - stirling_remainder(k))


def log_density(w: jax.Array, shape: jax.Array) -> jax.Array:
    """Log-density of the standardised logarithm w."""
    return log_constant(shape) - w * w * excess(shape * w)


def _log_tails_near_normal(v: jax.Array, q: jax.Array, active: jax.Array) -> tuple[jax.Array, ...]:
    """Both tails at 0 ≤ Q < 1/10, the smaller one by quadrature away from v."""
    upper = v > 0.0
    sign = jnp.where(upper, 1.0, -1.0)
    growth = jnp.exp(q * v)
    slope = jnp.abs(v) * expm1_over(q * v)

    def log_integrand(h: jax.Array) -> jax.Array:
        return -(growth * (h * h * excess(sign * q * h)) + h * slope)

    # upwards the curvature grows; downwards it falls to half at most where it matters
    length = reach(slope, jnp.where(upper, 1.0, 0.5) * growth)
    length = jax.lax.stop_gradient(length)
    rest = log_tail_integral(log_integrand, length, active, differentiated=True)
    smaller = jnp.where(active, log_density(v, q) + rest, -1.0)
    larger = log1mexp(smaller)
    return jnp.where(upper, larger, smaller), jnp.where(upper, smaller, larger)


def log_tails(w: jax.Array, shape: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Log-probabilities of a standardised logarithm ≤ w and > w."""
    # a standardised logarithm with −Q at −w has the other tail
    negative = shape < 0.0
    q, v = jnp.where(negative, -shape, shape), jnp.where(negative, -w, w)
    small, _, k = _regions(q)
    near = _log_tails_near_normal(jnp.where(small, v, 1.0), jnp.where(small, q, 0.0), small)
    log_x = jnp.where(small, 0.0, q * v + jnp.log(k))
    far = log_gamma_tails(k, jnp.exp(log_x), log_x)
    lower, upper = (jnp.where(small, a, b) for a, b in zip(near, far, strict=True))
    return jnp.where(negative, upper, lower), jnp.where(negative, lower, upper)


def log_mean_exponential(shape: jax.Array, t: jax.Array) -> jax.Array:
    """Log of E e^(t w): inf where it is infinite."""
    small, q, k = _regions(shape)
    u = shape * t  # of k + t/Q, relative to k
    finite = u > -jnp.where(small, 1.0, k * shape * shape)
    u = jnp.where(finite, u, 0.0)
    series = small & (u > -0.5)
    # k ((1 + u) log(1 + u) − u) = t² D(u), D = 1/2 at u = 0, and what Stirling's series leave
    z = jnp.where(series, u, 0.0)
    y = jnp.where(z == 0.0, 1.0, z)
    d = jnp.where(z == 0.0, 0.5, 1.0 + (1.0 + y) * log1p_minus(y) / (y * y))
    near = q / (1.0 + z)
    change = near * horner(_STIRLING, near) - q * horner(_STIRLING, q)
    by_series = t * t * d - 0.5 * jnp.log1p(z) + change
    # elsewhere the terms are at most some hundreds
    r = jnp.where(series, 1.0, shape)
    shape_of, g = 1.0 / (r * r), jnp.where(series | ~finite, 0.0, t / r)
    direct = log_gamma(shape_of + g) - log_gamma(shape_of) - g * jnp.log(shape_of)
    return jnp.where(finite, jnp.where(series, by_series, direct), jnp.inf)


def mean_logarithm(shape: jax.Array) -> tuple[jax.Array, jax.Array]:
    """E w, and k E(Q w) with k = 1/Q², −1/2 at Q = 0."""
    small, q, k = _regions(shape)
    scaled = jnp.where(small, -0.5 - q * horner(_DIGAMMA, q), k * digamma_minus_log(k))
    return scaled * shape, scaled
