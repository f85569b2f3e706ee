"""Student's t tails with all derivatives that a pass needs, from one loop.

With w = t/√df = sinh v and a = df/2 the tail beyond w ≥ 0 is ∫ cosh(u)^−2a du / B(a, ½) from v on.
With L(h) = log(cosh(v + h)/cosh v) and I = ∫ exp(−2a L), its logarithm is
−a log(1 + w²) − log B(a, ½) + log I, and its derivatives in a are the mean and variance of L.
"""

import math

import jax
import jax.numpy as jnp

from kullback.special.constants import LOG_PI
from kullback.special.gamma import digamma_difference, log_gamma_ratio, trigamma_difference
from kullback.special.shared import Jet, by_jets, choose, kept, within_pass
from kullback.special.student import (
    STEEP,
    log1p_square,
    log_t_tail,
    square_ratio,
    tail_length,
)
from kullback.special.tail_quadrature import NODES, WEIGHTS, Warp, add_up

# From here on cosh h is eʰ/2 as a double.
EXPONENTIAL = 600.0


def _beyond(a: jax.Array, w: jax.Array) -> Jet:
    """The jet of the log-probability beyond w ≥ 0, in a and w."""
    inner = jnp.where(w > STEEP, 1.0, w)
    t = jnp.where(w > STEEP, 1.0, inner * jax.lax.rsqrt(1.0 + inner * inner))
    length = tail_length(a, t)
    warp = Warp(length, jnp.zeros_like(length), 0.5 * math.pi)

    def terms(node: jax.Array, weight: jax.Array) -> list[jax.Array]:
        h, step = warp(node)
        near = jnp.minimum(h, EXPONENTIAL)
        rise = jnp.expm1(0.5 * near)
        r = 1.0 / (1.0 + rise)
        # 2 sinh(h/2) and 2 cosh(h/2): cosh(v + h)/cosh v = 1 + 2 s (s + t √(1 + s²)), s = sinh(h/2)
        s, c = rise + rise * r, 1.0 + rise + r
        growth = jnp.log1p(0.5 * s * (s + t * c)) + (h - near)
        f = weight * step * jnp.exp(-2.0 * a * growth)
        return [f, f * growth, f * growth * growth]

    total, first, second = add_up(terms, 3, length, NODES, WEIGHTS)
    mean = first / total
    constant, slope, curvature = kept(of_shape, a)
    log_square = log1p_square(w)
    density = jnp.exp(-0.5 * log_square) / total
    return Jet(
        constant - a * log_square + jnp.log(total),
        (slope - log_square - 2.0 * mean, -density),
        (
            curvature + 4.0 * (second / total - mean * mean),
            -2.0 * mean * density,
            -density * (density - (2.0 * a + 1.0) * square_ratio(w)),
        ),
    )


def of_shape(a: jax.Array) -> tuple[jax.Array, ...]:
    """−log B(a, ½) and its derivatives."""
    half = jnp.asarray(0.5, a.dtype)
    constant = log_gamma_ratio(a, half) - 0.5 * LOG_PI
    return constant, digamma_difference(a, half), trigamma_difference(a, half)


def log_t_jets(a: jax.Array, w: jax.Array) -> tuple[Jet, Jet]:
    """Return the jets of the log-probabilities below and above w √df, in a = df/2 and w."""
    below = w < 0.0
    small = _beyond(a, jnp.where(below, -w, w))
    large = small.complement()
    lower, upper = choose(below, small, large), choose(below, large, small)
    sign = jnp.where(below, -1.0, 1.0)

    def turned(jet: Jet) -> Jet:
        s, c = jet.slopes, jet.curvatures
        return Jet(jet.value, (s[0], sign * s[1]), (c[0], sign * c[1], c[2]))

    return turned(lower), turned(upper)


def log_t_sides(a: jax.Array, w: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Return the log-probabilities that Student's t with df = 2a is below and above w √df.

    Within a pass both are of one evaluation, with their derivatives.
    """
    if within_pass():
        lower, upper = by_jets(log_t_jets, a, w)
        return lower, upper
    return log_t_tail(a, -w), log_t_tail(a, w)
