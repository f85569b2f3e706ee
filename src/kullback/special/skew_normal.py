"""The skew normal distribution's tails, each to relative precision.

For h ≥ 0 the probability below −h at the shape α (above h at −α) is Craig's integral

    C(h, α) = (1/π) ∫_α^∞ exp(−h² (1 + x²)/2)/(1 + x²) dx = Q(h) − 2 T(h, α)

with the normal tail Q and Owen's T function (D. B. Owen, 1956, "Tables for computing bivariate
normal probabilities"). Its derivatives are formulas.
"""

import math

import jax
import jax.numpy as jnp

from kullback.special.constants import HALF_LOG_TWO_PI
from kullback.special.normal import inverse_mills, log_ndtr, mills_ratio
from kullback.special.partials import with_partials
from kullback.special.shared import Jet, by_jets, within_pass
from kullback.special.smooth import log1mexp
from kullback.special.tail_quadrature import LOG_CUT, NODES, WEIGHTS, add_up

_LOG_PI = math.log(math.pi)
_ROOT_TWO_PI = math.sqrt(2.0 * math.pi)


def log_density(z: jax.Array, shape: jax.Array) -> jax.Array:
    """Log-density at loc 0 and scale 1: log 2 φ(z) Φ(shape z)."""
    return math.log(2.0) - HALF_LOG_TWO_PI - 0.5 * z * z + log_ndtr(shape * z)


def _owen(h: jax.Array, a: jax.Array) -> jax.Array:
    """∫₀^a exp(−h² x²/2)/(1 + x²) dx for 0 ≤ a ≤ 1: 2π e^(h²/2) times Owen's T."""
    end = jnp.minimum(a, math.sqrt(2.0 * LOG_CUT) / jnp.maximum(h, 1.0))

    def term(node: jax.Array, weight: jax.Array) -> list[jax.Array]:
        x = end * node
        return [weight * jnp.exp(-0.5 * (h * x) ** 2) / (1.0 + x * x)]

    return end * add_up(term, 1, end, NODES, WEIGHTS)[0]


def _tail(h: jax.Array, shape: jax.Array) -> jax.Array:
    """Log C(h, α) for h ≥ 0."""
    a = jnp.abs(shape)
    steep = a > 1.0
    # T(h, a) of a > 1 by T(ah, 1/a), both scaled by e^(h²/2)
    g = jnp.where(steep, a * h, h)
    integral = _owen(g, jnp.where(steep, 1.0 / jnp.where(steep, a, 1.0), a))
    near = mills_ratio(h) / _ROOT_TWO_PI  # Q(h) e^(h²/2)
    fall = jnp.exp(-0.5 * (g - h) * (g + h))  # 1 where a ≤ 1
    beyond = mills_ratio(g) / _ROOT_TWO_PI * fall
    two_q = 2.0 * near * jnp.exp(-0.5 * h * h)
    owen = integral * fall / math.pi  # 2 T e^(h²/2), of the reflected one
    heavy = jnp.where(steep, 2.0 * near + beyond * (1.0 - two_q) - owen, near + owen)
    light = jnp.where(steep, owen - beyond * (1.0 - two_q), near - owen)
    # where the last difference cancels: the integral itself, relative to its start
    far = (shape > 0.0) & (jnp.maximum(a, 1.0) * h > 1.0)
    k = jnp.where(far, h, 1.0)
    s = jnp.where(far, a, 1.0)
    cut = 2.0 * LOG_CUT / (k * k)
    end = cut / (s + jnp.sqrt(s * s + cut))

    def term(node: jax.Array, weight: jax.Array) -> list[jax.Array]:
        x = end * node
        y = s + x
        return [weight * jnp.exp(-k * k * x * (s + 0.5 * x)) / (1.0 + y * y)]

    total = add_up(term, 1, end, NODES, WEIGHTS)[0]
    by_integral = jnp.log(end * total) - _LOG_PI - 0.5 * (k * s) ** 2
    direct = jnp.log(jnp.where(shape > 0.0, jnp.where(far, 1.0, light), heavy))
    return jnp.where(far, by_integral, direct) - 0.5 * h * h


def _slope_h(h: jax.Array, shape: jax.Array) -> jax.Array:
    return -jnp.exp(log_density(-h, shape) - _log_tail(h, shape))


def _slope_shape(h: jax.Array, shape: jax.Array) -> jax.Array:
    square = 1.0 + shape * shape
    return -jnp.exp(-0.5 * h * h * square - _log_tail(h, shape)) / (math.pi * square)


@with_partials(_slope_h, _slope_shape)
def _log_tail(h: jax.Array, shape: jax.Array) -> jax.Array:
    """Log-probability of an outcome < −h, for h ≥ 0."""
    return _tail(h, shape)


def _jet(h: jax.Array, shape: jax.Array) -> list[Jet]:
    """Its jet, from one evaluation of the integrals."""
    value, square = _tail(h, shape), 1.0 + shape * shape
    s = -jnp.exp(log_density(-h, shape) - value)
    t = -jnp.exp(-0.5 * h * h * square - value) / (math.pi * square)
    # derivatives of log −s and log −t, less those of the value
    by_hh = s * (-h - shape * inverse_mills(-shape * h) - s)
    by_shape_h = t * (-h * square - s)
    return [Jet(value, (s, t), (by_hh, by_shape_h, t * (-shape * (h * h + 2.0 / square) - t)))]


def log_cdf(z: jax.Array, shape: jax.Array) -> jax.Array:
    """Log-probability of an outcome ≤ z."""
    upper = z > 0.0
    arguments = jnp.where(upper, z, -z), jnp.where(upper, -shape, shape)
    tail = by_jets(_jet, *arguments)[0] if within_pass() else _log_tail(*arguments)
    return jnp.where(upper, log1mexp(jnp.where(upper, tail, -1.0)), tail)
