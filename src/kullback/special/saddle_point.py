"""Log-probability kernels for huge parameters, without cancellation (Loader's saddle point).

x ln m − m − ln Γ(x+1) and its binomial counterpart are differences of numbers of order x whose
result is of order ln x. Written as minus a deviance minus a slowly growing remainder they keep all
digits (C. Loader, 2000, "Fast and accurate computation of binomial probabilities").

From these kernels, with y the outcome:
    Poisson             log_poisson_kernel(y, rate)
    Gamma               log_poisson_kernel(shape, rate·y) + log(shape) − log(y)
    Binomial            log_binomial_kernel(y, n − y, p, 1 − p)
    Beta                log_binomial_kernel(a, b, y, 1 − y) + log(a b / ((a + b) y (1 − y)))
    NegativeBinomial    log_binomial_kernel(size, y, p, 1 − p) + log(size) − log(size + y)
What remains is the conditioning of the problem: the rounding of an argument (rate·y, say) moves
the result by that rounding times |x − m|.
"""

import math

import jax
import jax.numpy as jnp

from kullback._core.derivatives import is_traced_for_numpy
from kullback.special.constants import HALF_LOG_TWO_PI
from kullback.special.gamma import (
    LOG_GAMMA_SERIES,
    SHIFT,
    digamma,
    log1p_minus,
    log_gamma_ratio,
    trigamma,
)
from kullback.special.numerics import log_quotient, reciprocal
from kullback.special.partials import with_partials
from kullback.special.polynomials import horner

# Coefficients of 1/z^2k in ψ(z+1) - ln z - 1/(2z) and in its derivative: from B_2k / (2k) by
# B_2k/(2k(2k-1)), the series of ln Γ.
_SLOPE_SERIES = tuple((2 * k - 1) * c for k, c in enumerate(LOG_GAMMA_SERIES, start=1))
_CURVATURE_SERIES = tuple(2 * k * c for k, c in enumerate(_SLOPE_SERIES, start=1))

# ln (k! eᵏ/kᵏ), k < 64
_OF_COUNTS = tuple(math.log(math.factorial(k) / k**k * math.exp(k)) for k in range(64))


def _stirling_curvature(x: jax.Array) -> jax.Array:
    """ψ′(x+1) − 1/x, the second derivative of `stirling_remainder`."""
    small = x < SHIFT
    s, z = jnp.where(small, x, 1.0), jnp.where(small, 1.0 * SHIFT, x)
    w = 1.0 / z
    above = w * w * (w * horner(_CURVATURE_SERIES, w * w) - 0.5)
    return jnp.where(small, trigamma(s + 1.0) - 1.0 / s, above)


@with_partials(_stirling_curvature)
def _stirling_slope(x: jax.Array) -> jax.Array:
    """ψ(x+1) − ln x, the first derivative of `stirling_remainder`."""
    small = x < SHIFT
    s, z = jnp.where(small, x, 1.0), jnp.where(small, 1.0 * SHIFT, x)
    w = 1.0 / z
    above = w * (0.5 - w * horner(_SLOPE_SERIES, w * w))
    return jnp.where(small, digamma(s + 1.0) - jnp.log(s), above)


@with_partials(_stirling_slope)
def stirling_remainder(x: jax.Array) -> jax.Array:
    """Return ln Γ(x+1) − x ln x + x for x ≥ 0: 0 at 0, near ½ ln(2πx) for large x."""
    small = x < SHIFT
    s, z = jnp.where(small, x, 1.0), jnp.where(small, 1.0 * SHIFT, x)
    log_s = jnp.log(jnp.where(s > 0, s, 1.0))
    w = 1.0 / z
    above = HALF_LOG_TWO_PI + 0.5 * jnp.log(z) + w * horner(LOG_GAMMA_SERIES, w * w)
    return jnp.where(small, log_gamma_ratio(1.0, s) - s * (log_s - 1.0), above)


def stirling_remainder_of_count(k: jax.Array) -> jax.Array:
    """The same for a whole number k ≥ 0, without derivatives: the first ones from a table."""
    if is_traced_for_numpy():
        return stirling_remainder(k)
    many = k >= len(_OF_COUNTS)
    z = jnp.where(many, k, 1.0 * len(_OF_COUNTS))
    w = 1.0 / z
    above = HALF_LOG_TWO_PI + 0.5 * jnp.log(z) + w * horner(LOG_GAMMA_SERIES, w * w)
    place = jnp.where(many, 0.0, k).astype(jnp.int32)
    return jnp.where(many, above, jnp.asarray(_OF_COUNTS)[place])


def _log_of_quotient(x: jax.Array, m: jax.Array) -> jax.Array:
    """ln(x/m) by the logarithm of the quotient unless it overflows: one rounding, not two."""
    quotient = x / m
    plain = (quotient > 1e-290) & (quotient < 1e290)
    return jnp.where(plain, jnp.log(jnp.where(plain, quotient, 1.0)), jnp.log(x) - jnp.log(m))


def deviance_with_excess(x: jax.Array, m: jax.Array, excess: jax.Array) -> jax.Array:
    """Return x ln(x/m) + m − x, given m − x to full precision."""
    positive = x > 0
    t = excess / jnp.where(positive, x, 1.0)
    near = positive & (jnp.abs(t) < 0.25)  # where log1p_minus is a series; outside, no cancellation
    far_log = _log_of_quotient(jnp.where(positive, x, 1.0), m)
    far = jnp.where(positive, x * far_log, 0.0) + excess
    return jnp.where(near, -x * log1p_minus(jnp.where(near, t, 0.0)), far)


def _log_ratio_with_excess(x: jax.Array, m: jax.Array, excess: jax.Array) -> jax.Array:
    """ln(x/m), given m − x to full precision; infinite at x = 0."""
    t = excess / x
    near = jnp.abs(t) < 0.25
    return jnp.where(near, -jnp.log1p(jnp.where(near, t, 0.0)), _log_of_quotient(x, m))


@with_partials(lambda _x, m: -1.0 / m, lambda x, m: x / (m * m))
def _relative_excess(x: jax.Array, m: jax.Array) -> jax.Array:
    return (m - x) / m


@with_partials(log_quotient, _relative_excess)
def poisson_deviance(x: jax.Array, m: jax.Array) -> jax.Array:
    """Return x ln(x/m) + m − x for x ≥ 0, m > 0: half the Poisson deviance; m at x = 0."""
    return deviance_with_excess(x, m, m - x)


def log_poisson_kernel(x: jax.typing.ArrayLike, mean: jax.typing.ArrayLike) -> jax.Array:
    """Return x ln m − m − ln Γ(x+1) for x ≥ 0 (not only integers), m > 0."""
    return -stirling_remainder(x) - poisson_deviance(x, mean)


def digamma_minus_log(shape: jax.Array) -> jax.Array:
    """Compute ψ(shape) − log(shape) to relative precision."""
    return _stirling_slope(shape) - reciprocal(shape)


@with_partials(
    lambda x, shape, rate: shape * reciprocal(x) - rate,
    lambda x, shape, rate: log_quotient(rate * x, shape) - digamma_minus_log(shape),
    lambda x, shape, rate: shape * reciprocal(rate) - x,
)
def log_gamma_kernel(x: jax.Array, shape: jax.Array, rate: jax.Array) -> jax.Array:
    """Compute shape log(rate x) − rate x − ln Γ(shape), the log-density of log X of a gamma X.

    Its derivatives are explicit because those of the saddle-point form contain (rate x)², which
    overflows before rate x does.
    """
    return log_poisson_kernel(shape, rate * x) + jnp.log(shape)


# --- two cells --------------------------------------------------------------------------------
# a ln(a/(nx)) + b ln(b/(ny)) with n = a + b and y = 1 - x. The excess n·x - a is computed as
# b·x - a·y, as exact as x, and enters the two cells with opposite signs.


def _binomial_deviance_partial_a(
    a: jax.Array, b: jax.Array, x: jax.Array, y: jax.Array
) -> jax.Array:
    return _log_cell_ratio(a, b, x, y)


def _binomial_deviance_partial_b(
    a: jax.Array, b: jax.Array, x: jax.Array, y: jax.Array
) -> jax.Array:
    return _log_cell_ratio(b, a, y, x)


def _binomial_deviance_partial_x(
    a: jax.Array, b: jax.Array, x: jax.Array, y: jax.Array
) -> jax.Array:
    return (b * x - a * y) / (x * y)


def _zero(*args: jax.Array) -> jax.Array:
    return jnp.zeros((), args[0].dtype)


@with_partials(
    lambda a, b, _x, _y: b / (a * (a + b)),
    lambda a, b, _x, _y: -1.0 / (a + b),
    lambda _a, _b, x, _y: -1.0 / x,
    _zero,
)
def _log_cell_ratio(a: jax.Array, b: jax.Array, x: jax.Array, y: jax.Array) -> jax.Array:
    """ln(a / ((a+b) x))."""
    return _log_ratio_with_excess(a, (a + b) * x, b * x - a * y)


@with_partials(
    _binomial_deviance_partial_a,
    _binomial_deviance_partial_b,
    _binomial_deviance_partial_x,
    _zero,
)
def binomial_deviance(a: jax.Array, b: jax.Array, x: jax.Array, y: jax.Array) -> jax.Array:
    """Return a ln(a/(nx)) + b ln(b/(ny)), n = a + b, for a, b ≥ 0, x in (0, 1) and y = 1 − x.

    Both x and y are taken so that neither end loses precision. The derivative is taken along
    y = 1 − x from the tangent of x alone; y's own tangent is ignored.
    """
    n = a + b
    excess = b * x - a * y
    return deviance_with_excess(a, n * x, excess) + deviance_with_excess(b, n * y, -excess)


def log_binomial_kernel(
    a: jax.typing.ArrayLike,
    b: jax.typing.ArrayLike,
    x: jax.typing.ArrayLike,
    complement: jax.typing.ArrayLike,
) -> jax.Array:
    """Return ln [Γ(a+b+1) / (Γ(a+1) Γ(b+1))] + a ln x + b ln(1−x) for a, b ≥ 0.

    Args:
        a: successes (or any a ≥ 0).
        b: failures (or any b ≥ 0).
        x: probability, in (0, 1).
        complement: 1 − x, to full precision also where x is near 1; its own tangent is
            ignored: minus that of x is used.
    """
    dtype = jnp.result_type(float, a, b, x, complement)
    a, b = jnp.asarray(a, dtype), jnp.asarray(b, dtype)
    growth = stirling_remainder(a + b) - stirling_remainder(a) - stirling_remainder(b)
    return growth - binomial_deviance(a, b, x, complement)
