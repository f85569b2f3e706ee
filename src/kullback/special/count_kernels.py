"""Log-probabilities of counts, with explicit derivatives in their parameters.

The binomial and the negative binomial are in the saddle-point form of C. Loader (2000), so that
huge counts and parameters keep their digits.
"""

from __future__ import annotations

from typing import NoReturn

import jax
import jax.numpy as jnp

from kullback._core.arrays import Array
from kullback._core.derivatives import slope
from kullback.special.constants import LOG_TWO
from kullback.special.gamma import (
    BERNOULLI,
    DIGAMMA_SERIES,
    SHIFT,
    digamma_difference,
    log1p_minus,
    trigamma_difference,
)
from kullback.special.logistic import logistic, softplus
from kullback.special.numerics import log, reciprocal
from kullback.special.partials import with_partials
from kullback.special.polynomials import horner_with_divided_difference
from kullback.special.saddle_point import (
    deviance_with_excess,
    log_binomial_kernel,
    stirling_remainder,
)
from kullback.special.smooth import log1p_over


def _no_partial(*_: Array) -> NoReturn:
    raise NotImplementedError("A log-probability of counts cannot be differentiated in the count.")


# ---- binomial ------------------------------------------------------------------------------------


@with_partials(
    _no_partial,
    _no_partial,
    lambda x, n, p, q: x * reciprocal(p) - (n - x) * reciprocal(q),
    lambda *_: jnp.zeros(()),
)
def log_binomial(x: Array, n: Array, p: Array, q: Array) -> Array:
    """Log-probability of x successes; the derivative is along q = 1 − p, from p's tangent alone."""
    inside = (p > 0.0) & (q > 0.0)
    value = log_binomial_kernel(x, n - x, jnp.where(inside, p, 0.5), jnp.where(inside, q, 0.5))
    certain = jnp.where(p > 0.0, n, 0.0)
    return jnp.where(inside, value, jnp.where(x == certain, 0.0, -jnp.inf))


@with_partials(
    _no_partial,
    _no_partial,
    lambda x, n, t: x * logistic(-t) - (n - x) * logistic(t),
)
def log_binomial_by_logit(x: Array, n: Array, t: Array) -> Array:
    """Log-probability of x successes at log-odds t, which may be large on either side."""
    # beyond 700 a probability underflows, and the plain form no longer cancels
    near = jnp.abs(t) < 700.0
    s = jnp.where(near, t, 0.0)
    value = log_binomial_kernel(x, n - x, logistic(s), logistic(-s))
    far = log_binomial_kernel(x, n - x, 0.5, 0.5) + n * LOG_TWO
    far = far - x * softplus(-t) - (n - x) * softplus(t)
    return jnp.where(near, value, far)


# ---- negative binomial ---------------------------------------------------------------------------


def _stirling_growth(y: Array, r: Array) -> Array:
    """ε(r + y) − ε(r) for ε(z) = ln Γ(z) − z ln z + z; near −y/(2r) for large r."""
    return stirling_remainder(r + y) - stirling_remainder(r) - jnp.log1p(y * reciprocal(r))


def _growth_slopes(y: Array, r: Array) -> tuple[Array, Array]:
    """Its first two derivatives in r: ψ(r+y) − ψ(r) − ln(1 + y/r), and the derivative of that.

    For large r they are the Stirling series without its leading terms, which cancel exactly.
    """
    small = r < SHIFT
    w = reciprocal(jnp.where(small, 1.0 * SHIFT, r))
    v = reciprocal(jnp.where(small, 1.0 * SHIFT, r) + y)
    gap, pair = y * v * w, v + w  # gap: w − v
    value, difference = horner_with_divided_difference(DIGAMMA_SERIES, v * v, w * w)
    first = gap * (0.5 + pair * (value + w * w * difference))
    value, difference = horner_with_divided_difference(BERNOULLI, v * v, w * w)
    tail = (v * v + v * w + w * w) * value + w * w * w * pair * difference
    second = -gap * (0.5 * pair + tail)
    s = jnp.where(small, r, 1.0)
    small_first = digamma_difference(s, y) - jnp.log1p(y * reciprocal(s))
    small_second = trigamma_difference(s, y) + y * reciprocal(s) * reciprocal(s + y)
    return jnp.where(small, small_first, first), jnp.where(small, small_second, second)


def _size_curvature(y: Array, m: Array, r: Array) -> Array:
    shortfall = (y - m) * reciprocal(r + m)
    return shortfall * shortfall * reciprocal(r + y) + _growth_slopes(y, r)[1]


@with_partials(
    _no_partial, lambda y, m, r: (y - m) * reciprocal(r + m) * reciprocal(r + m), _size_curvature
)
def _size_slope(y: Array, m: Array, r: Array) -> Array:
    """∂/∂r of the log-probability: of order 1/r² for large r, as a sum of such terms."""
    t = (y - m) / (r + m)
    near = jnp.abs(t) < 0.25  # where log1p_minus is a series; outside nothing cancels
    far = jnp.log(r + y) - jnp.log(r + m) - t
    return jnp.where(near, log1p_minus(jnp.where(near, t, 0.0)), far) + _growth_slopes(y, r)[0]


def _mean_curvature(y: Array, m: Array, r: Array) -> Array:
    """(r + y)/(r + m)² − y/m², whose terms would cancel where r is small beside m."""
    w, share = reciprocal(r + m), reciprocal(m)
    return (r * w) * w * (1.0 - (y * share) * (2.0 + r * share))


@with_partials(
    _no_partial,
    _mean_curvature,
    lambda y, m, r: (y - m) * reciprocal(r + m) * reciprocal(r + m),
)
def _mean_slope(y: Array, m: Array, r: Array) -> Array:
    return (y - m) * reciprocal(m) * (r * reciprocal(r + m))


@with_partials(_no_partial, _mean_slope, _size_slope)
def log_negative_binomial(y: Array, m: Array, r: Array) -> Array:
    """Minus a deviance of two cells with exact excess, and Stirling remainders.

    As r grows the second cell and the growth vanish like 1/r, and the Poisson kernel remains.
    """
    p, q = r / (r + m), m / (r + m)
    excess = p * (y - m)
    first = deviance_with_excess(y, (r + y) * q, -excess)
    second = deviance_with_excess(r, (r + y) * p, excess)
    return _stirling_growth(y, r) - first - second - stirling_remainder(y)


# ---- logarithmic series --------------------------------------------------------------------------


@with_partials(lambda p: slope(lambda t: log(log1p_over(-t)), p))
def log_series_norm(p: Array) -> Array:
    """log(−log(1 − p)/p), to relative precision also where it is near p/2."""
    return jnp.log1p(-log1p_minus(-p) / p)


@with_partials(
    _no_partial,
    lambda a, p: jnp.exp((a - 1.0) * jnp.log(p) - jnp.log1p(-p) - log_series_tail(a, p)),
)
def log_series_tail(a: Array, p: Array) -> Array:
    """Log Σ_{k ≥ a} p^k/k = a log p + log ∫ e^(−a s)/(1 − p e^(−s)) ds.

    In log s the integrand is analytic within π/2 of the line and falls off at both ends, so equal
    steps h leave exp(−π²/h): 1e-17 at h = 1/4. They reach from where s^1 has fallen to e^−40 of the
    integral to where e^(−as) is e^−45, over at most 81 (a = 1, p = 1 − 1e-16): 324 steps.
    """
    steps = 324
    low = -40.0 - jnp.log(a + 1.0 / (1.0 - p))
    h = (jnp.log(45.0 / a) - low) / steps

    def add(i: Array, total: Array) -> Array:
        s = jnp.exp(low + h * i)
        return total + s * jnp.exp(-a * s) / ((1.0 - p) - p * jnp.expm1(-s))

    total = jax.lax.fori_loop(0, steps + 1, add, jnp.zeros_like(a * p))
    return a * jnp.log(p) + jnp.log(h * total)
