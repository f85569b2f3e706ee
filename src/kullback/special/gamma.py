"""The gamma function's logarithm, its derivatives, and differences of them without cancellation.

Everything is for positive arguments, elementwise, broadcasting, in float64. All functions shift
the argument by `SHIFT` where it is small (a product or a sum of `SHIFT` positive terms, accumulated
with a single division) and then use Stirling's asymptotic series (DLMF 5.11.1, 5.11.2). Differences
such as ln Γ(a+b) − ln Γ(a) are differenced term by term, symbolically, so that each term is
proportional to b and nothing cancels when b ≪ a.
"""

import jax
import jax.numpy as jnp
import numpy as np

from kullback.special.constants import HALF_LOG_TWO_PI
from kullback.special.partials import with_partials
from kullback.special.polynomials import horner, horner_with_divided_difference

SHIFT = 10
# B_2k / (2k (2k-1)), k = 1..9: at z >= 10 the first omitted term is 1.4e-18 for ln Γ, and for
# digamma and trigamma (whose terms have factors 2k-1 and 2k more) below a relative 3e-17.
BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510, 43867 / 798)
LOG_GAMMA_SERIES = tuple(b / ((2 * k) * (2 * k - 1)) for k, b in enumerate(BERNOULLI, start=1))
DIGAMMA_SERIES = tuple(b / (2 * k) for k, b in enumerate(BERNOULLI, start=1))
# (artanh r − r)/r³
_ARTANH = tuple(1.0 / (2 * k + 3) for k in range(10))
# 1/(a+i) - 1/(c+i) with a < 10 and c above this is 1/(a+i) to the last bit; beyond it the products
# in the accumulated fraction would overflow.
_NEGLIGIBLE_RECIPROCAL = 1e18
# Over an interval no longer than its distance from the pole of ψ, ten nodes leave 1e-15.
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(10)


def _shifted(x: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Return whether x is small, Stirling's shifted argument, and x safe for the products."""
    small = x < SHIFT
    return small, jnp.where(small, x + SHIFT, x), jnp.where(small, x, 1.0)


# --- log1p(t) - t -----------------------------------------------------------------------------


def _log1p_minus_partial(t: jax.Array) -> jax.Array:
    return -t / (1.0 + t)


@with_partials(_log1p_minus_partial)
def log1p_minus(t: jax.Array) -> jax.Array:
    """log(1 + t) − t for t > −1, to relative precision also where t is small.

    With r = t/(2+t): log(1+t) = 2 artanh r and 2r − t = −r t, so the difference is
    r (2 (r²/3 + r⁴/5 + …) − t).
    """
    # Beyond 1/4 the subtraction costs 3 bits; log(1 + t), not log1p, because XLA's log1p is wrong
    # by 3e-14 between -0.414 and -0.35.
    near = jnp.abs(t) < 0.25
    series = log1p_minus_near(jnp.where(near, t, 0.0))
    return jnp.where(near, series, jnp.log(1.0 + t) - t)


def log1p_minus_near(t: jax.Array) -> jax.Array:
    """The same for |t| < 1/4, where r² ≤ 0.0205: ten terms leave 1e-18."""
    r = t / (2.0 + t)
    tail = horner(_ARTANH, r * r)
    return r * (2.0 * r * r * tail - t)


# --- ln Γ and its derivatives -----------------------------------------------------------------


def trigamma(x: jax.typing.ArrayLike) -> jax.Array:
    """ψ′(x) for x > 0."""
    x = jnp.asarray(x, jnp.result_type(float, x))
    small, z, safe = _shifted(x)
    w = 1.0 / z
    u = w * w
    value = w * (1.0 + w * (0.5 + w * horner(BERNOULLI, u)))
    numerator, denominator = jnp.zeros_like(safe), jnp.ones_like(safe)
    for i in range(SHIFT):
        square = (safe + i) * (safe + i)
        numerator, denominator = numerator * square + denominator, denominator * square
    return value + jnp.where(small, numerator / denominator, 0.0)


@with_partials(trigamma)
def digamma(x: jax.Array) -> jax.Array:
    """ψ(x) for x > 0, to the last digits of max(|ψ(x)|, 1): absolute near its zero at 1.4616."""
    small, z, safe = _shifted(x)
    w = 1.0 / z
    value = jnp.log(z) - w * (0.5 + w * horner(DIGAMMA_SERIES, w * w))
    numerator, denominator = jnp.zeros_like(safe), jnp.ones_like(safe)
    for i in range(SHIFT):
        numerator = numerator * (safe + i) + denominator
        denominator = denominator * (safe + i)
    return value - jnp.where(small, numerator / denominator, 0.0)


@with_partials(digamma)
def log_gamma(x: jax.Array) -> jax.Array:
    """Return ln Γ(x) for x > 0, to relative precision, also around its zeros at 1 and 2."""
    # Below 10 it is a difference from ln Γ(1) = 0 or ln Γ(2) = 0, whichever is nearer.
    small = x < SHIFT
    s = jnp.where(small, x, 1.0)
    base = jnp.where(s < 1.5, 1.0, 2.0)
    difference = _log_gamma_ratio(base, jnp.where(s < 0.5, s, s - base))
    below = difference - jnp.where(s < 0.5, jnp.log(s), 0.0)
    z = jnp.where(small, 1.0 * SHIFT, x)
    w = 1.0 / z
    above = (z - 0.5) * (jnp.log(z) - 1.0) + (HALF_LOG_TWO_PI - 0.5)
    return jnp.where(small, below, above + w * horner(LOG_GAMMA_SERIES, w * w))


# --- differences ------------------------------------------------------------------------------


def trigamma_difference(a: jax.typing.ArrayLike, b: jax.typing.ArrayLike) -> jax.Array:
    """ψ′(a + b) − ψ′(a) for a > 0, b > −a/2; proportional to b as b → 0."""
    dtype = jnp.result_type(float, a, b)
    a, b = jnp.asarray(a, dtype), jnp.asarray(b, dtype)
    small, z, safe = _shifted(a)
    w = 1.0 / z
    v = 1.0 / (z + b)
    step = -b * v * w  # v - w
    value, difference = horner_with_divided_difference(BERNOULLI, v * v, w * w)
    pair = v + w
    # w + w²/2 + w³ S(w²), term by term: v^n - w^n = (v - w) (v^(n-1) + ... + w^(n-1)).
    series = 1.0 + 0.5 * pair + (v * v + v * w + w * w) * value + w * w * w * pair * difference
    c = jnp.where(small, jnp.minimum(safe + b, _NEGLIGIBLE_RECIPROCAL), 1.0)
    gap = jnp.where(safe + b < _NEGLIGIBLE_RECIPROCAL, b, c)
    numerator, denominator = jnp.zeros_like(c), jnp.ones_like(c)
    for i in range(SHIFT):
        both = (safe + i) * (c + i)
        square = both * both
        numerator = numerator * square + denominator * (safe + c + 2 * i)
        denominator = denominator * square
    return step * series - jnp.where(small, gap * (numerator / denominator), 0.0)


def _digamma_of_sum(a: jax.Array, b: jax.Array) -> jax.Array:
    return digamma(a + b)


def _trigamma_of_sum(a: jax.Array, b: jax.Array) -> jax.Array:
    return trigamma(a + b)


@with_partials(trigamma_difference, _trigamma_of_sum)
def digamma_difference(a: jax.Array, b: jax.Array) -> jax.Array:
    """ψ(a + b) − ψ(a) for a > 0, b > −a/2; proportional to b as b → 0."""
    small, z, safe = _shifted(a)
    w = 1.0 / z
    v = 1.0 / (z + b)
    step = -b * v * w  # v - w
    value, difference = horner_with_divided_difference(DIGAMMA_SERIES, v * v, w * w)
    series = 0.5 + (v + w) * (value + w * w * difference)
    c = jnp.where(small, jnp.minimum(safe + b, _NEGLIGIBLE_RECIPROCAL), 1.0)
    gap = jnp.where(safe + b < _NEGLIGIBLE_RECIPROCAL, b, c)
    numerator, denominator = jnp.zeros_like(c), jnp.ones_like(c)
    for i in range(SHIFT):
        both = (safe + i) * (c + i)
        numerator, denominator = numerator * both + denominator, denominator * both
    shift = jnp.where(small, gap * (numerator / denominator), 0.0)
    return jnp.log1p(b * w) - step * series + shift


def _log_gamma_ratio(a: jax.Array, b: jax.Array) -> jax.Array:
    small, z, safe = _shifted(a)
    w = 1.0 / z
    c = z + b
    v = 1.0 / c
    step = -b * v * w  # v - w
    value, difference = horner_with_divided_difference(LOG_GAMMA_SERIES, v * v, w * w)
    stirling = step * (value + w * (v + w) * difference)
    # Π (a+b+i)/(a+i) = 1 + b [P(a+b) - P(a)]/b / P(a), the bracket by its divided difference.
    s = jnp.where(small, safe + b, 1.0)
    product, divided = jnp.ones_like(safe), jnp.zeros_like(s)
    for i in range(SHIFT):
        divided = divided * (s + i) + product
        product = product * (safe + i)
    shift = jnp.where(small, jnp.log1p(jnp.where(small, b * divided / product, 0.0)), 0.0)
    r = b * w
    return b * jnp.log(c) - 0.5 * jnp.log1p(r) + z * log1p_minus(r) + stirling - shift


@with_partials(digamma_difference, _digamma_of_sum)
def log_gamma_ratio(a: jax.Array, b: jax.Array) -> jax.Array:
    """Return ln Γ(a + b) − ln Γ(a) for a > 0, b > −a/2, a + b < 1e33.

    Proportional to b as b → 0, and accurate when b ≪ a (a up to 1e300), where subtracting two
    ln Γ would lose all digits: with r = b/a,
    b ln(a+b) − ½ log1p(r) + a (log1p(r) − r) + the difference of the two Stirling errors.
    """
    return _log_gamma_ratio(a, b)


def log_gamma_second_difference(z: jax.Array, h: jax.Array) -> jax.Array:
    """Compute ln Γ(z + 2h) − 2 ln Γ(z + h) + ln Γ(z) for z, h > 0; accurate as h → 0.

    The log of E[X²]/E[X]² is such a difference for powers of gamma variables. It equals
    ∫₀^h [ψ(z + t + h) − ψ(z + t)] dt.
    """
    near = h <= z
    step = jnp.where(near, h, z)
    width, start = step[..., None], z[..., None]
    slopes = digamma_difference(start + 0.5 * width * (1.0 + jnp.asarray(_NODES)), width)
    integral = 0.5 * step * jnp.sum(jnp.asarray(_WEIGHTS) * slopes, axis=-1)
    direct = log_gamma(z + 2.0 * h) - 2.0 * log_gamma(z + h) + log_gamma(z)
    return jnp.where(near, integral, direct)


def _log_beta_partial_a(a: jax.Array, b: jax.Array) -> jax.Array:
    return -digamma_difference(a, b)


def _log_beta_partial_b(a: jax.Array, b: jax.Array) -> jax.Array:
    return -digamma_difference(b, a)


@with_partials(_log_beta_partial_a, _log_beta_partial_b)
def log_beta(a: jax.Array, b: jax.Array) -> jax.Array:
    """Return ln B(a, b) = ln Γ(a) + ln Γ(b) − ln Γ(a + b) for a, b > 0.

    Computed as ln Γ(min) − [ln Γ(max + min) − ln Γ(max)], which does not cancel for unequal
    arguments. For both large, densities should use `saddle_point.log_binomial_kernel`, where the
    terms of order a + b cancel analytically.
    """
    low, high = jnp.minimum(a, b), jnp.maximum(a, b)
    return log_gamma(low) - _log_gamma_ratio(high, low)
