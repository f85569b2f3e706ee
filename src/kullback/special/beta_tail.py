"""The incomplete beta functions with all derivatives that a pass needs, from one loop.

With v = log(x/y), y = 1 − x, the density of the log-odds of a beta variable is xᵃ yᵇ/B(a, b). Below
x, relative to its value there, it falls as exp(−φ(h)),

    φ(h) = a h + (a + b) log(y + x e^−h) = a log(x + y e^h) + b log(y + x e^−h),

and above x likewise, with the two ends exchanged. With I = ∫ exp(−φ), log I_x is
log(xᵃ yᵇ/B(a, b)) + log I; its derivatives in a and b are the means, variances and the covariance
of log x and log y, less those of log B, and the density over I_x is 1/(x y I).
"""

import math
from typing import Any

import jax
import jax.numpy as jnp

from kullback._core.derivatives import compiled_loop
from kullback.special.gamma import digamma_difference, trigamma, trigamma_difference
from kullback.special.saddle_point import log_binomial_kernel
from kullback.special.shared import Jet, choose, kept
from kullback.special.tail_quadrature import NODES, WEIGHTS, Warp, add_up

# The integrand is cut where it is exp(−42) = 6e-19 of its start, by so many steps of Newton's
# method in the logarithms of h and φ, which is exact for any power.
LOG_CUT, _STEPS = 42.0, 6
# Where a shape is below 1, one side may be almost all; F is near (x (a + b))ᵃ for a small a.
_LOG_HALF = math.log(0.5)


def changes(u: jax.Array, v: jax.Array, h: jax.Array) -> tuple[jax.Array, jax.Array]:
    """−log(u + v e^h) and −log(v + u e^−h), for u + v = 1: the changes of log u and log v.

    Each to relative precision: a shape of 10⁹ is multiplied with a change of 10⁻⁹. They differ by
    h, so that one logarithm gives both.
    """
    fall = jnp.expm1(-h)
    rise = -v * fall / (1.0 + fall)  # v (e^h − 1)
    of_u = (v < 0.5) & (rise < 1.0)
    q = jnp.where(of_u, rise, u * fall)
    near = q > -0.5
    d = jnp.where(near, 1.0 + q, v + u * (1.0 + fall))
    change = jnp.where(near, (d - 1.0) - q, 0.0) / d - jnp.log(d)
    return jnp.where(of_u, change, change - h), jnp.where(of_u, change + h, change)


def cut(
    p: jax.Array,
    q: jax.Array,
    u: jax.Array,
    v: jax.Array,
    d: jax.Array,
    active: jax.Array | None = None,
) -> jax.Array:
    """The h at which φ is the cut, or a bound of it where φ falls at first; where ``active``."""
    n = p + q
    bound = (LOG_CUT - n * jnp.log(v)) / p
    falls = d <= 0.0
    h = 2.0 * LOG_CUT / (d + jnp.sqrt(d * d + 2.0 * LOG_CUT * n * u * v))
    h = jnp.where(falls, bound, jnp.minimum(h, bound))

    def step(_: jax.Array, h: jax.Array) -> jax.Array:
        of_u, of_v = changes(u, v, h)
        fall = -(p * of_u + q * of_v)
        grows = u * jnp.exp(-h)
        slope = p - n * grows / (v + grows)
        closer = h * jnp.exp(-jnp.log(fall / LOG_CUT) * fall / (h * slope))
        return jnp.where(falls, h, jnp.minimum(closer, bound))

    def stepped() -> Any:
        steps = _STEPS if active is None else jnp.where(jnp.any(active), _STEPS, 0)
        return jax.lax.fori_loop(0, steps, step, h)

    end: jax.Array = compiled_loop(stepped)
    return end


def log_beta_jets(y: jax.Array, a: jax.Array, b: jax.Array, x: jax.Array) -> tuple[Jet, Jet]:
    """Return the jets of log I_x(a, b) and log(1 − I_x(a, b)) in a, b and x, along y = 1 − x.

    For shapes from 0.05 values and derivatives agree with mpmath to 1e-11, relative to the larger
    of 1 and the number; at shapes of 1e-3 and 1e-4 values to 6e-12 and second derivatives to 2e-9,
    and at a shape of 1e-8 the second derivative in it to 1e-7.
    """
    n = a + b
    small_a, small_b = (a < b) & (a < 1.0), (b <= a) & (b < 1.0)
    log_x = jnp.where(y < 0.5, jnp.log1p(-y), jnp.log(x))
    log_y = jnp.where(x < 0.5, jnp.log1p(-x), jnp.log(y))
    by_a, by_b, by_aa, by_bb, by_ab = kept(of_shapes, a, b)
    kernel = kept(log_kernel, a, b, x, y)
    upper = jnp.where(
        small_a,
        a * jnp.log(x * n) > _LOG_HALF,
        jnp.where(small_b, b * jnp.log(y * n) <= _LOG_HALF, b * x > a * y),
    )
    # of the side that is computed, with the ends exchanged where it is the upper one
    p, q, u, v = (jnp.where(upper, *pair) for pair in ((b, a), (a, b), (y, x), (x, y)))
    excess = b * x - a * y
    length = cut(p, q, u, v, jnp.where(upper, excess, -excess))
    odds = log_x - log_y
    centre = jnp.clip(jnp.where(upper, -odds, odds), 0.0, length)
    warp = Warp(length, centre, math.pi)

    def terms(node: jax.Array, weight: jax.Array) -> list[jax.Array]:
        h, step = warp(node)
        of_u, of_v = changes(u, v, h)
        f = weight * step * jnp.exp(p * of_u + q * of_v)
        by_u, by_v = f * of_u, f * of_v
        return [f, by_u, by_v, by_u * of_u, by_u * of_v, by_v * of_v]

    total, *moments = add_up(terms, 6, length, NODES, WEIGHTS)
    r = 1.0 / total
    mean_u, mean_v, uu, uv, vv = (moment * r for moment in moments)
    uu, uv, vv = uu - mean_u * mean_u, uv - mean_u * mean_v, vv - mean_v * mean_v
    # of log x and log y
    of_x, of_y = jnp.where(upper, mean_v, mean_u), jnp.where(upper, mean_u, mean_v)
    xx, yy = jnp.where(upper, vv, uu), jnp.where(upper, uu, vv)
    density = jnp.where(upper, -r, r) / (x * y)
    side = Jet(
        kernel + jnp.log(total),
        (log_x + by_a + of_x, log_y + by_b + of_y, density),
        (
            xx + by_aa,
            uv + by_ab,
            yy + by_bb,
            -density * of_x,
            -density * of_y,
            density * ((a - 1.0) / x - (b - 1.0) / y - density),
        ),
    )
    other = side.complement()
    return choose(upper, other, side), choose(upper, side, other)


def of_shapes(a: jax.Array, b: jax.Array) -> tuple[jax.Array, ...]:
    """The derivatives of −log B in a and b, aa, bb and ab."""
    return (
        digamma_difference(a, b),
        digamma_difference(b, a),
        trigamma_difference(a, b),
        trigamma_difference(b, a),
        trigamma(a + b),
    )


def log_kernel(a: jax.Array, b: jax.Array, x: jax.Array, y: jax.Array) -> jax.Array:
    """log(xᵃ yᵇ/B(a, b)), without cancellation for large shapes."""
    low, high = jnp.minimum(a, b), jnp.maximum(a, b)
    return log_binomial_kernel(a, b, x, y) + (jnp.log(low) - jnp.log1p(low / high))
