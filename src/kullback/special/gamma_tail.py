"""The incomplete gamma functions with all derivatives that a pass needs, from one loop.

With v = log x, the density of the logarithm of a gamma variable is exp(a v − eᵛ)/Γ(a). To either
side of v, relative to its value there, it falls as exp(−φ(h)),

    φ(h) = |x − a| h + x (e^±h − 1 ∓ h),        upper side where x ≥ a, lower side where x < a.

With I = ∫ exp(−φ) and the mean and variance of h under it, log P or log Q is
log(x^a e^−x / Γ(a)) + log I, its derivative in a is log x − ψ(a) ± E[h], the second one
Var[h] − ψ′(a), and the density over P or Q is 1/(x I). For small a the lower side is long, and its
alternating series is used instead (DLMF 8.7.1).
"""

import jax
import jax.numpy as jnp
import numpy as np

from kullback._core.derivatives import compiled_loop
from kullback.special.gamma import digamma, log_gamma_ratio, trigamma
from kullback.special.numerics import log_quotient
from kullback.special.polynomials import horner
from kullback.special.saddle_point import digamma_minus_log, poisson_deviance, stirling_remainder
from kullback.special.shared import Jet, choose, kept
from kullback.special.tail_quadrature import NODES, WEIGHTS

# The integrand is cut where it is exp(−42) = 6e-19 of its start, by this many steps of Newton's
# method in the logarithms of h and φ, which is exact for any power.
_LOG_CUT, _STEPS = 42.0, 6
# Below shape 3.5 the series takes the place of the lower side: the quadrature's error is 2e-13 at
# shape 3 and 4e-12 at 2. Up to x = 3.5 its terms cancel to 1e-14, and 36 of them leave 1e-22. Below
# shape 1 it replaces the upper side up to x = 1 too, which is long where x is small.
_SERIES_SHAPE, _SERIES_X, _TERMS = 3.5, 1.0, 36
# (e^h − 1 − h)/(h²/2): for |h| < 0.5 fourteen terms leave 1e-18. Beyond, the difference loses a
# factor of ten.
_NEAR = 0.5
_EXCESS = tuple(np.cumprod([1.0, *(1.0 / (n + 2) for n in range(1, 14))]).tolist())


def excess(h: jax.Array) -> jax.Array:
    """e^h − 1 − h, to relative precision."""
    near = jnp.abs(h) < _NEAR
    s = jnp.where(near, h, 0.0)
    return jnp.where(near, 0.5 * s * s * horner(_EXCESS, s), (jnp.exp(h) - 1.0) - h)


def _cut(d: jax.Array, x: jax.Array, sign: jax.Array) -> jax.Array:
    """The h at which φ is the cut."""
    start = 2.0 * _LOG_CUT / (d + jnp.sqrt(d * d + 2.0 * _LOG_CUT * x))

    def step(_: jax.Array, h: jax.Array) -> jax.Array:
        fall = d * h + x * excess(sign * h)
        slope = d + x * sign * jnp.expm1(sign * h)
        return h * jnp.exp(-jnp.log(fall / _LOG_CUT) * fall / (h * slope))

    h: jax.Array = compiled_loop(lambda: jax.lax.fori_loop(0, _STEPS, step, start))
    return h


def _by_quadrature(
    a: jax.Array, x: jax.Array, active: jax.Array
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Return log I, ± E[h] and Var[h]."""
    sign, d = jnp.where(x >= a, 1.0, -1.0), jnp.abs(x - a)
    length = _cut(d, x, sign)
    nodes, weights = jnp.asarray(NODES, a.dtype), jnp.asarray(WEIGHTS, a.dtype)

    def add(i: jax.Array, sums: tuple[jax.Array, ...]) -> tuple[jax.Array, ...]:
        h = length * nodes[i]
        f = weights[i] * jnp.exp(-(d * h + x * excess(sign * h)))
        return sums[0] + f, sums[1] + f * h, sums[2] + f * h * h

    zero = jnp.zeros_like(a)

    def added() -> tuple[jax.Array, ...]:
        steps = jnp.where(jnp.any(active), NODES.size, 0)
        sums: tuple[jax.Array, ...] = jax.lax.fori_loop(0, steps, add, (zero, zero, zero))
        return sums

    total, first, second = compiled_loop(added)
    total = jnp.where(active, total, 1.0)
    mean = first / total
    return jnp.log(total * length), sign * mean, second / total - mean * mean


def _by_series(a: jax.Array, x: jax.Array, active: jax.Array) -> tuple[jax.Array, ...]:
    """Return S = Σ a (−x)ⁿ/(n! (a + n)) over n ≥ 1, with its derivatives in a."""

    def add(n: jax.Array, state: tuple[jax.Array, ...]) -> tuple[jax.Array, ...]:
        power, value, slope, curvature = state
        power = -power * x / n
        w = 1.0 / (a + n)
        term = n * power * w * w
        return power, value + power * w, slope + term, curvature - 2.0 * term * w

    zero = jnp.zeros_like(a)

    def added() -> tuple[jax.Array, ...]:
        stop = jnp.where(jnp.any(active), _TERMS + 1, 1)
        start = (zero + 1.0, zero, zero, zero)
        sums: tuple[jax.Array, ...] = jax.lax.fori_loop(1, stop, add, start)
        return sums

    _, value, slope, curvature = compiled_loop(added)
    return a * value, slope, curvature


# of the shape alone, which is often the same for all rows
def of_shape(a: jax.Array) -> tuple[jax.Array, ...]:
    """Ln Γ(a + 1), ψ(a + 1), ψ′(a + 1), ln Γ(a + 1) − a ln a + a, ψ(a) − log a, log a and 1/a."""
    return (
        log_gamma_ratio(1.0, a),
        digamma(a + 1.0),
        trigamma(a + 1.0),
        stirling_remainder(a),
        digamma_minus_log(a),
        jnp.log(a),
        1.0 / a,
    )


def log_gamma_jets(x: jax.Array, a: jax.Array, log_x: jax.Array) -> tuple[Jet, Jet]:
    """Return the jets of log P and log Q in a and log x, for x < ∞; x may underflow."""
    log_factorial, slope, curvature, remainder, difference, log_a, reciprocal = kept(of_shape, a)

    shape, at = jnp.broadcast_arrays(a, x)
    series = (shape < _SERIES_SHAPE) & (at < jnp.maximum(shape, _SERIES_X))
    upper = (at >= shape) & ~series
    log_integral, mean, variance = _by_quadrature(
        jnp.where(series, 2.0, shape), jnp.where(series, 3.0, at), ~series
    )
    s_a, s_x = jnp.where(series, shape, 1.0), jnp.where(series, at, 0.5)
    s, s_slope, s_curvature = _by_series(s_a, s_x, series)
    s_slope, s_curvature = s_slope / (1.0 + s), s_curvature / (1.0 + s)
    # of the side that is computed: its logarithm, with ∂a and ∂aa
    at_mode = jnp.where(series, a, x)  # where the other form is used, at its mode
    value = jnp.where(
        series,
        a * log_x - log_factorial + jnp.log1p(s),
        log_a - remainder - poisson_deviance(a, at_mode) + log_integral,
    )
    # what ∂a of the density's logarithm is beyond that of the side's
    beyond = jnp.where(series, reciprocal - s_slope, -mean)
    by_a = jnp.where(series, log_x - slope + s_slope, log_quotient(at_mode, a) - difference + mean)
    spread = jnp.where(series, s_curvature - s_slope * s_slope, variance - reciprocal * reciprocal)
    density = jnp.where(series, a * jnp.exp(-at) / (1.0 + s), jnp.exp(-log_integral))
    by_x = jnp.where(upper, -density, density)
    by_xx = by_x * ((a - x) - by_x)
    side = Jet(value, (by_a, by_x), (spread - curvature, by_x * beyond, by_xx))
    other = side.complement()
    return choose(upper, other, side), choose(upper, side, other)
