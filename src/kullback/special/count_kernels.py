"""Log-probabilities of counts, with explicit derivatives in their parameters.

The binomial and the negative binomial are in the saddle-point form of C. Loader (2000), so that
huge counts and parameters keep their digits.
"""

from __future__ import annotations

import math
from typing import NamedTuple, NoReturn

import jax
import jax.numpy as jnp

from kullback._core.arrays import Array
from kullback._core.derivatives import slope
from kullback.special.constants import LOG_TWO
from kullback.special.gamma import (
    BERNOULLI,
    DIGAMMA_SERIES,
    LOG_GAMMA_SERIES,
    SHIFT,
    log1p_minus,
    log1p_minus_near,
)
from kullback.special.logistic import logistic, softplus
from kullback.special.numerics import log, reciprocal
from kullback.special.partials import with_partials
from kullback.special.polynomials import horner_with_divided_difference
from kullback.special.saddle_point import (
    log_binomial_kernel,
    stirling_remainder_of_count,
)
from kullback.special.smooth import log1p_over

_LOG_LIFT = math.log(1e200)


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


class _Shift(NamedTuple):
    """What the two sums Σ 1/(r + i) and Σ 1/(r + y + i) and products over i < SHIFT share.

    Below SHIFT, Γ and its derivatives are taken at r + SHIFT, where Stirling's series holds.
    """

    small: Array
    at: Array
    """r where it is small."""
    end: Array
    """at + y, or at + 1 where y is 0: what is computed of it is multiplied by y."""
    w: Array
    """1/z, z = r or r + SHIFT."""
    v: Array
    """1/(z + y)."""
    lower: Array
    """Π (r + i) w."""
    upper: Array
    """Π (r + y + i) v."""
    first: Array
    second: Array
    """Σ 1/((r + i)(r + y + i)) times lower·upper/(w v), and Σ (2 r + y + 2 i)/((r + i)(r + y + i))²
    times the square of that."""


def _shift(y: Array, r: Array) -> _Shift:
    small = r < SHIFT
    at = jnp.where(small, r, 1.0)
    w = reciprocal(jnp.where(small, r + SHIFT, r))
    v = reciprocal(jnp.where(small, r + SHIFT, r) + y)
    end = at + jnp.where(y > 0.0, y, 1.0)
    one = jnp.ones_like(w * v)
    lower, upper, first, second = one, one, 0.0 * one, 0.0 * one
    for i in range(SHIFT):
        a, c = at + i, end + i
        both, product = (a * w) * (c * v), lower * upper
        first = first * both + product
        second = second * (both * both) + (product * product) * (a + c)
        lower, upper = lower * (a * w), upper * (c * v)
    return _Shift(small, at, end, w, v, lower, upper, first, second)


def _logs_of_shift(shift: _Shift) -> tuple[Array, Array]:
    """log((r + SHIFT)/r) and log((r + y + SHIFT)/(r + y))."""
    return jnp.log1p(SHIFT * reciprocal(shift.at)), jnp.log1p(SHIFT * reciprocal(shift.end))


def _stirling_growth(y: Array, r: Array) -> Array:
    """ε(r + y) − ε(r) for ε(z) = ln Γ(z) − z ln z + z; near −y/(2r) for large r."""
    shift = _shift(y, r)
    w, v = shift.w, shift.v
    value, difference = horner_with_divided_difference(LOG_GAMMA_SERIES, v * v, w * w)
    series = -y * v * w * (value + w * (v + w) * difference)
    near, far = _logs_of_shift(shift)
    # one logarithm: of (1 + y/z)^(SHIFT − 1/2) Π (r + i)/(r + y + i), whose factors do not overflow
    ratio = shift.upper * jnp.sqrt(1.0 + y * w) / shift.lower
    log_ratio = jnp.log1p(jnp.where(shift.small, ratio - 1.0, y * w))
    below = shift.end * far - shift.at * near - log_ratio
    growth = series + jnp.where(shift.small, below, -0.5 * log_ratio)
    return jnp.where(y > 0.0, growth, 0.0)


def _growth_slopes(y: Array, r: Array) -> tuple[Array, Array]:
    """Its first two derivatives in r: ψ(r+y) − ψ(r) − ln(1 + y/r), and the derivative of that.

    For large r they are the Stirling series without its leading terms, which cancel exactly.
    """
    shift = _shift(y, r)
    w, v = shift.w, shift.v
    gap, pair = y * v * w, v + w  # gap: w − v
    value, difference = horner_with_divided_difference(DIGAMMA_SERIES, v * v, w * w)
    first = gap * (0.5 + pair * (value + w * w * difference))
    value, difference = horner_with_divided_difference(BERNOULLI, v * v, w * w)
    tail = (v * v + v * w + w * w) * value + w * w * w * pair * difference
    second = -gap * (0.5 * pair + tail)
    near, far = _logs_of_shift(shift)
    scale = reciprocal(shift.lower * shift.upper)
    below = gap * (shift.first * scale) + jnp.where(y > 0.0, far - near, 0.0)
    apart = y * reciprocal(shift.at) * reciprocal(shift.end) - gap
    below2 = apart - gap * (w * v) * (shift.second * (scale * scale))
    small = shift.small
    return first + jnp.where(small, below, 0.0), second + jnp.where(small, below2, 0.0)


def _log_less(change: Array, numerator: Array, factor: Array) -> Array:
    """Log u − t, t = u − 1 given exactly, for u = numerator·factor."""
    u = numerator * factor
    # where u overflows or underflows
    low, high = u < 1e-200, u > 1e200
    lift = jnp.where(low, 1e200, jnp.where(high, 1e-200, 1.0))
    log_lift = jnp.where(low, _LOG_LIFT, jnp.where(high, -_LOG_LIFT, 0.0))
    far = (jnp.log((numerator * lift) * factor) - log_lift) - change
    near = jnp.abs(change) < 0.25  # where log1p_minus is a series; outside nothing cancels
    return jnp.where(near, log1p_minus_near(jnp.where(near, change, 0.0)), far)


def _log_share(y: Array, m: Array, r: Array) -> Array:
    """Log((r + y)/(r + m)) less the first term of its series in y − m."""
    w = reciprocal(r + m)
    return _log_less((y - m) * w, r + y, w)


def _size_curvature(y: Array, m: Array, r: Array) -> Array:
    shortfall = (y - m) * reciprocal(r + m)
    return shortfall * shortfall * reciprocal(r + y) + _growth_slopes(y, r)[1]


@with_partials(
    _no_partial, lambda y, m, r: (y - m) * reciprocal(r + m) * reciprocal(r + m), _size_curvature
)
def _size_slope(y: Array, m: Array, r: Array) -> Array:
    """∂/∂r of the log-probability: of order 1/r² for large r, as a sum of such terms."""
    return _log_share(y, m, r) + _growth_slopes(y, r)[0]


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
    w, positive = reciprocal(r + m), y > 0.0
    p, share = r * w, reciprocal(jnp.where(positive, y, 1.0))
    # of the counts y ln(y/(q (r + y))), q = m/(r + m), and of the size r ln(r/(p (r + y)))
    log_count = _log_less(-(p * (y - m)) * share, r + y, (m * share) * w)
    first = jnp.where(positive, -y * log_count, p * m)
    second = -r * _log_share(y, m, r)
    return _stirling_growth(y, r) - first - second - stirling_remainder_of_count(y)


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
