"""Log-probabilities of a Student t variable between two ends, with all derivatives, from one sum.

With w = (x − loc)/σ, σ = scale √df, w = sinh u and a = df/2 the density of u is
cosh(u)^−2a / B(a, ½). The scores are affine in log(1 + w²), w/(1 + w²) and w²/(1 + w²), and their
own derivatives are polynomials in the last two.
"""

import jax
import jax.numpy as jnp

from kullback.special.interval_moments import interval_moments
from kullback.special.shared import Jet, kept
from kullback.special.student import STEEP, log1p_square, tail_length
from kullback.special.student_tail import EXPONENTIAL, of_shape
from kullback.special.tail_quadrature import asinh

# Wider intervals, in u, are as wide as the distances of their ends from 0.
_NARROW = 1.0
# Below the distance of the singularities, π/2, so that nodes are dense enough for the functions,
# whose poles these are.
_SIZE = 1.2
# From here on √(1 + w²) is |w|, and its square would overflow further out.
_FAR = 1e150


def _hypotenuse(w: jax.Array) -> jax.Array:
    far = jnp.abs(w) > _FAR
    near = jnp.where(far, 0.0, w)
    return jnp.where(far, jnp.abs(w), jnp.sqrt(1.0 + near * near))


def t_interval_jet(
    lower: jax.Array, upper: jax.Array, a: jax.Array, loc: jax.Array, log_size: jax.Array
) -> Jet:
    """Return the jet of log P(lower < X < upper) in a = df/2, loc and log σ, σ = scale √df."""
    constant, slope, curvature = kept(of_shape, a)
    r = jnp.exp(-log_size)
    first, last = (lower - loc) * r, (upper - loc) * r
    turned = -first > last  # the larger end is the upper one, and the point nearest 0 not below it
    low, high = jnp.where(turned, -last, first), jnp.where(turned, -first, last)
    open_end = jnp.isinf(high)
    far = jnp.where(open_end, 1.0, high)
    at = jnp.where(open_end & (low < -_FAR), -1.0, low)
    below, above = _hypotenuse(at), _hypotenuse(far)
    # asinh(high) − asinh(low), without cancellation: e^−asinh is √(1 + w²) − w
    rest = jnp.where(at < 0.0, below - at, 1.0 / jnp.where(at < 0.0, 1.0, below + at))
    step = jnp.where(open_end, jnp.inf, (upper - lower) * r)
    width = jnp.log1p(step * (1.0 + (at + far) / (below + above)) * rest)
    inside = low < 0.0
    down = jnp.where(inside, jnp.minimum(asinh(jnp.maximum(-low, 0.0)), width), 0.0)
    up = jnp.where(inside & (width >= _NARROW), asinh(high), width - down)
    w = jnp.maximum(low, 0.0)
    steep = w > STEEP
    inner = jnp.where(steep, 0.0, w)
    sech = jnp.where(steep, 1.0 / jnp.where(steep, w, 1.0), jax.lax.rsqrt(1.0 + inner * inner))
    t = jnp.where(steep, 1.0, inner * sech)
    up = jnp.minimum(up, tail_length(a, t))
    down = jnp.minimum(down, tail_length(a, jnp.zeros_like(t)))

    def formula(h: jax.Array) -> tuple[jax.Array, list[jax.Array]]:
        near = jnp.clip(h, -EXPONENTIAL, EXPONENTIAL)  # beyond, growth goes on as the exponential
        rise = jnp.expm1(0.5 * near)
        back = 1.0 / (1.0 + rise)
        s, c = rise + rise * back, 1.0 + rise + back  # 2 sinh(h/2), 2 cosh(h/2)
        gain = 0.5 * s * (s + t * c)
        growth = jnp.log1p(gain) + jnp.abs(h - near)
        ratio = 1.0 / (1.0 + gain)
        tanh = (t + 0.5 * s * (t * s + c)) * ratio
        return 2.0 * a * growth, [growth, tanh * (sech * ratio), tanh * tanh]

    zero = jnp.zeros_like(up)
    total, means, covariances = interval_moments(formula, 3, down, up, (zero, _SIZE))
    growth, q, p = means
    gg, qg, qq, pg, pq, pp = covariances
    sign = jnp.where(turned, -r, r)
    log_square, b = log1p_square(w), 2.0 * a + 1.0
    return Jet(
        constant - a * log_square + total,
        (slope - log_square - 2.0 * growth, sign * b * q, b * p - 1.0),
        (
            curvature + 4.0 * gg,
            2.0 * sign * (q - b * qg),
            r * r * b * (b * qq - 1.0 + 3.0 * p - 2.0 * (pp + p * p)),
            2.0 * (p - b * pg),
            sign * b * (b * pq - 2.0 * (q - pq - p * q)),
            b * (b * pp - 2.0 * (p - pp - p * p)),
        ),
    )
