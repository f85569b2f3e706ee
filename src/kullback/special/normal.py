"""The normal distribution function's logarithm, its inverse, and Mills' ratio, in both tails.

They are computed from Mills' ratio M(z) = (1 − Φ(z)) / φ(z) = √(π/2) erfcx(z/√2) and its
derivatives, M' = −(1 − z M) and M'' = (1 + z²) M − z, which cancel for large z and are asymptotic
series there.
"""

import math

import jax
import jax.numpy as jnp
from jax.scipy.special import erfc

from kullback.special.constants import HALF_LOG_TWO_PI
from kullback.special.partials import with_partials
from kullback.special.polynomials import horner
from kullback.special.smooth import log1mexp

_SQRT_HALF = math.sqrt(0.5)
_SQRT_HALF_PI = math.sqrt(0.5 * math.pi)
# From here on z M(z) = 1 - 1/z² + 3/z⁴ - 15/z⁶ + ... is used: fifteen terms leave 3e-17, and below
# it 1 - z M loses a factor z² = 144 and M'' a factor z⁴ = 2e4 of double precision.
_ASYMPTOTIC = 12.0
_MILLS_SERIES = tuple((-1.0) ** k * math.prod(range(1, 2 * k, 2), start=1.0) for k in range(17))
# z² (1 - z M) and z³ M'' / 2 as series in 1/z².
_MILLS_SLOPE_SERIES = tuple(-c for c in _MILLS_SERIES[1:])
_MILLS_CURVATURE_SERIES = tuple(-(k + 1) * c for k, c in enumerate(_MILLS_SERIES[1:]))


def _regions(z: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Return whether z is asymptotic, z safe for the direct formula, and 1/z for the series."""
    far = z > _ASYMPTOTIC
    return far, jnp.where(far, 0.0, z), 1.0 / jnp.where(far, z, _ASYMPTOTIC)


def _central(z: jax.Array) -> jax.Array:
    """M(z) for −37 < z ≤ 12, in the operations of JAX's erfcx, but without its series' loop."""
    x = z * _SQRT_HALF
    return _SQRT_HALF_PI * (jnp.exp(x * x) * erfc(x))


def mills_curvature(z: jax.Array) -> jax.Array:
    """M''(z) = (1 + z²) M(z) − z > 0."""
    far, s, w = _regions(z)
    direct = (1.0 + s * s) * _central(s) - s
    u = w * w
    return jnp.where(far, 2.0 * w * u * horner(_MILLS_CURVATURE_SERIES, u), direct)


@with_partials(lambda z: -mills_curvature(z))
def mills_slope(z: jax.Array) -> jax.Array:
    """−M'(z) = 1 − z M(z) > 0, to relative precision; near 1/z² for large z."""
    far, s, w = _regions(z)
    direct = 1.0 - s * _central(s)
    u = w * w
    return jnp.where(far, u * horner(_MILLS_SLOPE_SERIES, u), direct)


@with_partials(lambda z: -mills_slope(z))
def mills_ratio(z: jax.Array) -> jax.Array:
    """(1 − Φ(z)) / φ(z), for z > −37 (below, it overflows); near 1/z for large z."""
    far, s, w = _regions(z)
    direct = _central(s)
    return jnp.where(far, w * horner(_MILLS_SERIES, w * w), direct)


def _inverse_mills_slope(x: jax.Array) -> jax.Array:
    """λ'(x) = −λ (x + λ); for x < 0, x + λ is (1 − z M(z))/M(z) at z = −x."""
    lower = x < 0
    z = jnp.where(lower, -x, 1.0)
    mills = mills_ratio(z)
    upper = inverse_mills(jnp.where(lower, 1.0, x))
    return jnp.where(lower, -mills_slope(z) / (mills * mills), -upper * (x + upper))


@with_partials(_inverse_mills_slope)
def inverse_mills(x: jax.Array) -> jax.Array:
    """φ(x)/Φ(x), the derivative of `log_ndtr`; near −x for very negative x."""
    lower = x < 0
    mills = mills_ratio(jnp.abs(x))
    density = jnp.exp(-0.5 * x * x - HALF_LOG_TWO_PI)
    return jnp.where(lower, 1.0 / mills, density / (1.0 - jnp.where(lower, 0.0, density * mills)))


@with_partials(inverse_mills)
def log_ndtr(x: jax.Array) -> jax.Array:
    """Return ln Φ(x): relative precision everywhere.

    For x > 0 it is log1p of minus the upper tail, so it is as accurate as that tail (down to the
    smallest normal double, 2e-308, below which XLA flushes to zero); for x < 0 it is
    −x²/2 + ln(M(−x)/√(2π)), accurate to |x| = 1e154, where x² overflows.
    """
    lower = x < 0
    mills = mills_ratio(jnp.abs(x))
    log_tail = -0.5 * x * x - HALF_LOG_TWO_PI + jnp.log(mills)
    return jnp.where(lower, log_tail, jnp.log1p(-jnp.exp(jnp.where(lower, -1.0, log_tail))))


def _ndtri_exp_partial(log_p: jax.Array) -> jax.Array:
    return 1.0 / inverse_mills(ndtri_exp(log_p))


@with_partials(_ndtri_exp_partial)
def ndtri_exp(log_p: jax.Array) -> jax.Array:
    """The x at which ln Φ(x) = log_p, for log_p ≤ 0; ±inf at the ends.

    In the upper half it solves for the upper tail, so a log_p of −1e-300 gives 37.05 rather than
    infinity.
    """
    upper = log_p > -math.log(2.0)
    inside = (log_p < 0) & (log_p > -jnp.inf)
    safe = jnp.where(inside, log_p, -1.0)
    target = jnp.where(upper, log1mexp(safe), safe)
    # ln Φ(-t) = -t²/2 - ½ ln(2π) + ln M(t) and M(t) lies between 1/(t + 1/t) and √(π/2): this start
    # is within 0.6 of the root, and Newton on the concave ln Φ converges from the left
    # monotonically and quadratically: 7 steps reach the last bit from any start (tested).
    start = -jnp.sqrt(jnp.maximum(-2.0 * (target + math.log(2.0)), 0.0))

    def newton(_: jax.Array, x: jax.Array) -> jax.Array:
        return x - (log_ndtr(x) - target) / inverse_mills(x)

    x = jax.lax.fori_loop(0, 7, newton, start)
    x = jnp.where(upper, -x, x)
    edge = jnp.where(log_p == 0, jnp.inf, jnp.where(log_p == -jnp.inf, -jnp.inf, jnp.nan))
    return jnp.where(inside, x, edge)
