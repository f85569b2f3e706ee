"""Families of outcomes on the whole line: measurement errors, returns, and the uniform."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, final

import jax
import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Array, Vector
from kullback._core.errors import ModelError
from kullback._core.gamma_functions import digamma_difference, log_gamma_ratio
from kullback._core.normal_functions import log_ndtr, ndtri_exp
from kullback._core.numerics import log, reciprocal
from kullback._core.partials import with_partials
from kullback._core.supports import POSITIVE, REAL, Support
from kullback._core.tail_quadrature import LOG_CUT, log_tail_integral
from kullback.models.family import Family, Parametrisation
from kullback.models.model import OrderStatistic
from kullback.models.source import Pinned

_LOG_TWO = math.log(2.0)
_LOG_PI = math.log(math.pi)
_HALF_LOG_TWO_PI = 0.5 * math.log(2.0 * math.pi)


# ---- starts --------------------------------------------------------------------------------


def weighted_quantiles(values: Vector, weights: Vector, levels: Sequence[float]) -> list[float]:
    """Give quantiles of weighted rows: the smallest value whose share reaches the level."""
    seen = weights > 0.0
    order = np.argsort(values[seen])
    ordered, share = values[seen][order], np.cumsum(weights[seen][order])
    at = np.searchsorted(share, np.multiply(levels, share[-1]))
    return [float(q) for q in ordered[at]]


def start_scale(loc: float, *guesses: float) -> float:
    """Give the first guess that is a positive number; for a constant sample, any scale."""
    for guess in guesses:
        if 0.0 < guess < math.inf:
            return guess
    return 1e-6 * abs(loc) or 1.0


def _mean_and_deviation(values: Vector, weights: Vector) -> tuple[float, float]:
    """Give the mean and the standard deviation, the squares scaled so that none overflows."""
    mean = float(np.average(values, weights=weights))
    largest = float(np.max(np.abs(values - mean))) or 1.0
    square = float(np.average(((values - mean) / largest) ** 2, weights=weights))
    return mean, largest * math.sqrt(square)


def _robust_starts(
    values: Vector, weights: Vector, upper_quartile: float, deviation: float
) -> list[dict[str, float]]:
    """Start a symmetric family by its quartiles and by its moments.

    Args:
        values: the outcomes.
        weights: their weights.
        upper_quartile: of the family with loc 0 and scale 1.
        deviation: a standard deviation's counterpart of the family with scale 1.
    """
    low, median, high = weighted_quantiles(values, weights, (0.25, 0.5, 0.75))
    mean, sd = _mean_and_deviation(values, weights)
    by_quartiles, by_moments = 0.5 * (high - low) / upper_quartile, sd / deviation
    return [
        {"loc": median, "scale": start_scale(median, by_quartiles, by_moments)},
        {"loc": mean, "scale": start_scale(mean, by_moments)},
    ]


# ---- tails ---------------------------------------------------------------------------------


def log_complement(p: Array) -> Array:
    """Compute log(1 − p) for 0 ≤ p ≤ 1/2: XLA's log1p is wrong by 3e-14 beyond a third."""
    large = p > 0.25
    return jnp.where(large, jnp.log(1.0 - p), jnp.log1p(-jnp.where(large, 0.0, p)))


# ---- families ------------------------------------------------------------------------------


@final
class Normal(Family):
    """Normal distribution: q(x) = exp(−(x − loc)²/(2 scale²)) / (scale √(2π)), x any number.

    Parameters: ``loc`` (the mean) and ``scale`` > 0 (the standard deviation); also by
    ``loc, variance``. Source: N. L. Johnson, S. Kotz and N. Balakrishnan (1994), Continuous
    Univariate Distributions 1, chapter 13.

    Example:
        >>> import kullback as kl
        >>> kl.Normal(loc=1.0, variance=4.0).quantile(0.5)
        1.0
    """

    canonical: ClassVar[Mapping[str, Support]] = {"loc": REAL, "scale": POSITIVE}
    support = REAL
    alternatives = (
        Parametrisation(
            {"loc": REAL, "variance": POSITIVE},
            lambda loc, variance: {"loc": loc, "scale": jnp.sqrt(variance)},
            lambda loc, scale: {"loc": loc, "variance": scale * scale},
        ),
    )

    @staticmethod
    def _log_density(x: Array, loc: Array, scale: Array) -> Array:
        z = (x - loc) * reciprocal(scale)
        return -0.5 * z * z - (log(scale) + _HALF_LOG_TWO_PI)

    @staticmethod
    def _statistics(x: Array, origin: Array) -> tuple[Array, ...]:
        step = x - origin
        return (step, step * step)

    @staticmethod
    def _log_density_of(
        statistics: Sequence[Array], origin: Array, loc: Array, scale: Array
    ) -> Array:
        shift, precision = loc - origin, reciprocal(scale) * reciprocal(scale)
        square = statistics[1] - 2.0 * shift * statistics[0] + shift * shift
        return -0.5 * square * precision - (log(scale) + _HALF_LOG_TWO_PI)

    @staticmethod
    def _log_cdf(x: Array, loc: Array, scale: Array) -> Array:
        return log_ndtr((x - loc) * reciprocal(scale))

    @staticmethod
    def _log_survival(x: Array, loc: Array, scale: Array) -> Array:
        return log_ndtr((loc - x) * reciprocal(scale))

    @staticmethod
    def _quantile(u: Array, loc: Array, scale: Array) -> Array:
        return loc + scale * ndtri_exp(jnp.log(u))

    @staticmethod
    def _draw(key: Array, shape: tuple[int, ...], loc: Array, scale: Array) -> Array:
        return loc + scale * jax.random.normal(key, shape, jnp.float64)

    @staticmethod
    def _mean(loc: Array, scale: Array) -> Array:  # noqa: ARG004  # by keyword
        return loc

    @staticmethod
    def _variance(loc: Array, scale: Array) -> Array:  # noqa: ARG004
        return scale * scale

    @staticmethod
    def _entropy(loc: Array, scale: Array) -> Array:  # noqa: ARG004
        return log(scale) + (_HALF_LOG_TWO_PI + 0.5)

    @staticmethod
    def _estimate(
        means: Sequence[float], origin: float, pinned: Mapping[str, float]
    ) -> dict[str, float] | None:
        loc = pinned.get("loc", origin + means[0])
        shift = pinned["loc"] - origin if "loc" in pinned else means[0]
        variance = (means[1] - means[0] * means[0]) + (means[0] - shift) ** 2
        if "scale" not in pinned and not variance > 0.0:
            return None  # a constant sample: the likelihood grows without bound as scale → 0
        return {"loc": loc, "scale": pinned.get("scale", math.sqrt(max(variance, 0.0)))}

    @staticmethod
    def _starts(values: Vector, weights: Vector) -> list[dict[str, float]]:
        mean, sd = _mean_and_deviation(values, weights)
        return [{"loc": mean, "scale": start_scale(mean, sd)}]


# Where w² would overflow, log(1 + w²) is taken from w scaled by this power of two.
_HUGE = 2.0**511
_SHRINK = 2.0**-513
# From here on w/√(1 + w²) is 1 as a double.
_STEEP = 1e8
# From here on 2 cosh(v) is e^v as a double. Up to here the integrand, which has its nearest
# singularity π/2 off the line, is within 1e-18 for 32 nodes a panel.
_EXPONENTIAL = 18.0
_PANELS = 4


def _scaled_square(w: Array) -> tuple[Array, Array, Array]:
    """Where |w| is huge, the scaled w, and the argument of log1p for the scaled 1 + w²."""
    huge = jnp.abs(w) > _HUGE
    s = w * jnp.where(huge, _SHRINK, 1.0)
    return huge, s, s * s - jnp.where(huge, 1.0, 0.0)


def _square_ratio_slope(w: Array) -> Array:
    huge, _, argument = _scaled_square(w)
    ratio = square_ratio(w)
    # written in the ratio: the square of 1 / (1 + w²) would underflow from w = 1e77 on
    return jnp.where(huge, 0.0, reciprocal(1.0 + argument)) - 2.0 * ratio * ratio


@with_partials(_square_ratio_slope)
def square_ratio(w: Array) -> Array:
    """Compute w / (1 + w²), half the derivative of log(1 + w²)."""
    huge, s, argument = _scaled_square(w)
    return s * reciprocal(1.0 + argument) * jnp.where(huge, _SHRINK, 1.0)


@with_partials(lambda w: 2.0 * square_ratio(w))
def log1p_square(w: Array) -> Array:
    """Compute log(1 + w²) for any w, also where w² overflows."""
    huge, _, argument = _scaled_square(w)
    return jnp.log1p(argument) - jnp.where(huge, 2.0 * math.log(_SHRINK), 0.0)


def _log_t_kernel(a: Array, w: Array) -> Array:
    """Log-density of w = t/√df with a = df/2."""
    return log_gamma_ratio(a, 0.5) - 0.5 * _LOG_PI - (a + 0.5) * log1p_square(w)


def _log_t_tail_formula(a: Array, w: Array) -> Array:
    # With w = sinh v the tail is ∫ cosh(v)^(−2a) dv / B(a, 1/2), and with h from v on
    # cosh(v + h)/cosh(v) = 1 + 2 s (s + t √(1 + s²)), s = sinh(h/2), t = tanh(v): no cancellation,
    # whatever df and w. Beyond _EXPONENTIAL that is e^h (1 + t)/2, which is integrated by hand.
    size = jnp.where(w < 0.0, -w, w)
    steep = size > _STEEP
    inner = jnp.where(steep, 1.0, size)
    t = jnp.where(steep, 1.0, inner * jax.lax.rsqrt(1.0 + inner * inner))

    rise = jnp.expm1(jnp.minimum(0.5 * LOG_CUT / a, LOG_CUT))  # to where the integrand is e^-40
    q = rise * (2.0 + rise)
    cut = jnp.log1p((rise + q / (t + jnp.sqrt(t * t + q))) / (1.0 + t))
    whole = cut > _EXPONENTIAL
    panel = jax.lax.stop_gradient(jnp.where(whole, _EXPONENTIAL, cut)) / _PANELS

    def log_integrand(h: Array) -> Array:
        total = jnp.zeros_like(h)
        for k in range(_PANELS):
            s = jnp.sinh(0.5 * (h + k * panel))
            ratio = 2.0 * s * (s + t * jnp.sqrt(1.0 + s * s))
            total = total + jnp.exp(-2.0 * a * jnp.log1p(ratio))
        return jnp.log(total)

    integral = jnp.exp(log_tail_integral(log_integrand, panel, jnp.ones_like(panel, bool)))
    rest = jnp.exp(-2.0 * a * (jnp.log(0.5 * (1.0 + t)) + _EXPONENTIAL)) / (2.0 * a)
    integral = integral + jnp.where(whole, rest, 0.0)
    constant = log_gamma_ratio(a, 0.5) - 0.5 * _LOG_PI - a * log1p_square(w)
    one_side = constant + jnp.log(integral)
    # for w < 0 the other side is at least a half, so that this logarithm does not cancel
    return jnp.where(w < 0.0, log_complement(jnp.exp(one_side)), one_side)


def _log_t_tail_slope(a: Array, w: Array) -> Array:
    return -jnp.exp(_log_t_kernel(a, w) - log_t_tail(a, w))


def _log_t_tail_by_shape(a: Array, w: Array) -> Array:
    shape = jnp.broadcast_shapes(a.shape, w.shape)
    at = jnp.broadcast_to(a, shape)
    slope: Array = jax.jvp(lambda a: _log_t_tail_formula(a, w), (at,), (jnp.ones_like(at),))[1]
    return slope


@with_partials(_log_t_tail_by_shape, _log_t_tail_slope)
def log_t_tail(a: Array, w: Array) -> Array:
    """Log-probability that Student's t with df = 2a exceeds w √df."""
    return _log_t_tail_formula(a, w)


@final
class StudentT(Family):
    """Student's t distribution: a normal with heavy tails, x any number.

    q(x) = Γ((df + 1)/2) / (Γ(df/2) √(π df) scale) · (1 + z²/df)^(−(df + 1)/2), z = (x − loc)/scale.
    Parameters: ``df`` > 0 (1: Cauchy; large: normal), ``loc`` and ``scale`` > 0. The mean is loc
    where df > 1 (else undefined), the variance scale² df/(df − 2) where df > 2. Source:
    N. L. Johnson, S. Kotz and N. Balakrishnan (1995), Continuous Univariate Distributions 2,
    chapter 28.

    Example:
        >>> import kullback as kl
        >>> kl.StudentT(df=4.0, loc=1.0, scale=2.0).variance()
        8.0
    """

    canonical: ClassVar[Mapping[str, Support]] = {"df": POSITIVE, "loc": REAL, "scale": POSITIVE}
    support = REAL

    @staticmethod
    def _log_density(x: Array, df: Array, loc: Array, scale: Array) -> Array:
        w = (x - loc) * (reciprocal(scale) * jax.lax.rsqrt(df))
        constant = log_gamma_ratio(0.5 * df, 0.5) - 0.5 * (log(df) + _LOG_PI) - log(scale)
        return constant - (0.5 * (df + 1.0)) * log1p_square(w)

    @staticmethod
    def _log_cdf(x: Array, df: Array, loc: Array, scale: Array) -> Array:
        w = (loc - x) * (reciprocal(scale) * jax.lax.rsqrt(df))
        return log_t_tail(0.5 * df, w)

    @staticmethod
    def _log_survival(x: Array, df: Array, loc: Array, scale: Array) -> Array:
        w = (x - loc) * (reciprocal(scale) * jax.lax.rsqrt(df))
        return log_t_tail(0.5 * df, w)

    @staticmethod
    def _draw(key: Array, shape: tuple[int, ...], df: Array, loc: Array, scale: Array) -> Array:
        # the chi-square in logarithms: for a df of 0.01 it underflows in one draw of forty
        normal, chi = jax.random.split(key)
        log_mean_square = jax.random.loggamma(chi, 0.5 * df, shape, jnp.float64) - log(0.5 * df)
        return loc + scale * jax.random.normal(normal, shape, jnp.float64) * jnp.exp(
            -0.5 * log_mean_square
        )

    @staticmethod
    def _mean(df: Array, loc: Array, scale: Array) -> Array:  # noqa: ARG004
        return jnp.where(df > 1.0, loc, jnp.nan)

    @staticmethod
    def _variance(df: Array, loc: Array, scale: Array) -> Array:  # noqa: ARG004
        finite = scale * scale * df / jnp.where(df > 2.0, df - 2.0, 1.0)
        return jnp.where(df > 2.0, finite, jnp.where(df > 1.0, jnp.inf, jnp.nan))

    @staticmethod
    def _entropy(df: Array, loc: Array, scale: Array) -> Array:  # noqa: ARG004
        a = 0.5 * df
        constant = 0.5 * (log(df) + _LOG_PI) + log(scale) - log_gamma_ratio(a, 0.5)
        return constant + (a + 0.5) * digamma_difference(a, 0.5)

    @staticmethod
    def _starts(values: Vector, weights: Vector) -> list[dict[str, float]]:
        # The quartiles of t with these degrees of freedom. The likelihood may have a peak near the
        # normal and another where the tails are heavy.
        quartiles = {5.0: 0.7266868, 1.0: 1.0, 40.0: 0.6807}
        return [
            {"df": df, **_robust_starts(values, weights, quartile, 1.0)[0]}
            for df, quartile in quartiles.items()
        ]


@with_partials(lambda z: -jnp.exp(-log1p_square(z) - _LOG_PI - log_cauchy_tail(z)))
def log_cauchy_tail(z: Array) -> Array:
    """Log-probability that a standard Cauchy variable exceeds z."""
    away = jnp.arctan2(1.0, jnp.abs(z)) * (1.0 / math.pi)  # the tail beyond |z|
    return jnp.where(z < 0.0, log_complement(away), jnp.log(away))


@final
class Cauchy(Family):
    """Cauchy distribution: q(x) = 1 / (π scale (1 + z²)), z = (x − loc)/scale, x any number.

    Parameters: ``loc`` (the median) and ``scale`` > 0 (half the interquartile range). It has no
    mean and no variance. Source: N. L. Johnson, S. Kotz and N. Balakrishnan (1994), Continuous
    Univariate Distributions 1, chapter 16.

    Example:
        >>> import kullback as kl
        >>> kl.Cauchy(loc=1.0, scale=2.0).quantile(0.75)
        3.0
    """

    canonical: ClassVar[Mapping[str, Support]] = {"loc": REAL, "scale": POSITIVE}
    support = REAL

    @staticmethod
    def _log_density(x: Array, loc: Array, scale: Array) -> Array:
        return -log1p_square((x - loc) * reciprocal(scale)) - (log(scale) + _LOG_PI)

    @staticmethod
    def _log_cdf(x: Array, loc: Array, scale: Array) -> Array:
        return log_cauchy_tail((loc - x) * reciprocal(scale))

    @staticmethod
    def _log_survival(x: Array, loc: Array, scale: Array) -> Array:
        return log_cauchy_tail((x - loc) * reciprocal(scale))

    @staticmethod
    def _quantile(u: Array, loc: Array, scale: Array) -> Array:
        # the distance from the nearer end keeps its digits; at an end the tangent is exactly zero
        end = jnp.where(u < 0.5, u, 1.0 - u)
        tail = jnp.abs(1.0 / jnp.tan(jnp.pi * end))
        middle = jnp.tan(jnp.pi * (u - 0.5))
        return loc + scale * jnp.where(end > 0.25, middle, jnp.where(u < 0.5, -tail, tail))

    @staticmethod
    def _mean(loc: Array, scale: Array) -> Array:  # noqa: ARG004
        return jnp.full_like(loc, jnp.nan)

    @staticmethod
    def _variance(loc: Array, scale: Array) -> Array:  # noqa: ARG004
        return jnp.full_like(loc, jnp.nan)

    @staticmethod
    def _entropy(loc: Array, scale: Array) -> Array:  # noqa: ARG004
        return log(scale) + math.log(4.0 * math.pi)

    @staticmethod
    def _starts(values: Vector, weights: Vector) -> list[dict[str, float]]:
        # with the scale pinned there may be a peak near each cluster, so two starts more
        first = _robust_starts(values, weights, 1.0, 1.0)[0]
        sides = weighted_quantiles(values, weights, (0.25, 0.75))
        return [first, *({"loc": side, "scale": first["scale"]} for side in sides)]


def _logistic_slope(z: Array) -> Array:
    e = jnp.exp(-jnp.abs(z))
    r = reciprocal(1.0 + e)
    return e * r * r


@with_partials(_logistic_slope)
def logistic(z: Array) -> Array:
    """Compute 1 / (1 + e^−z), to relative precision in both tails."""
    e = jnp.exp(-jnp.abs(z))
    return jnp.where(z < 0.0, e, 1.0) * reciprocal(1.0 + e)


@with_partials(lambda z: logistic(-z))
def log_logistic(z: Array) -> Array:
    """Compute log(1 / (1 + e^−z)), to relative precision in both tails."""
    return jnp.minimum(z, 0.0) - jnp.log1p(jnp.exp(-jnp.abs(z)))


@with_partials(lambda z: 1.0 - 2.0 * logistic(z))
def _log_logistic_density(z: Array) -> Array:
    size = jnp.abs(z)
    return -size - 2.0 * jnp.log1p(jnp.exp(-size))


@final
class Logistic(Family):
    """Logistic distribution: P(X ≤ x) = 1 / (1 + e^−z), z = (x − loc)/scale, x any number.

    Density e^−z / (scale (1 + e^−z)²). Parameters: ``loc`` (mean and median) and ``scale`` > 0.
    Variance π² scale²/3. Source: N. L. Johnson, S. Kotz and N. Balakrishnan (1995), Continuous
    Univariate Distributions 2, chapter 23.

    Example:
        >>> import kullback as kl
        >>> kl.Logistic(loc=1.0, scale=2.0).cdf(1.0)
        0.5
    """

    canonical: ClassVar[Mapping[str, Support]] = {"loc": REAL, "scale": POSITIVE}
    support = REAL

    @staticmethod
    def _log_density(x: Array, loc: Array, scale: Array) -> Array:
        return _log_logistic_density((x - loc) * reciprocal(scale)) - log(scale)

    @staticmethod
    def _log_cdf(x: Array, loc: Array, scale: Array) -> Array:
        return log_logistic((x - loc) * reciprocal(scale))

    @staticmethod
    def _log_survival(x: Array, loc: Array, scale: Array) -> Array:
        return log_logistic((loc - x) * reciprocal(scale))

    @staticmethod
    def _quantile(u: Array, loc: Array, scale: Array) -> Array:
        return loc + scale * (jnp.log(u) - jnp.log1p(-u))

    @staticmethod
    def _draw(key: Array, shape: tuple[int, ...], loc: Array, scale: Array) -> Array:
        return loc + scale * jax.random.logistic(key, shape, jnp.float64)

    @staticmethod
    def _mean(loc: Array, scale: Array) -> Array:  # noqa: ARG004
        return loc

    @staticmethod
    def _variance(loc: Array, scale: Array) -> Array:  # noqa: ARG004
        return (math.pi**2 / 3.0) * scale * scale

    @staticmethod
    def _entropy(loc: Array, scale: Array) -> Array:  # noqa: ARG004
        return log(scale) + 2.0

    @staticmethod
    def _starts(values: Vector, weights: Vector) -> list[dict[str, float]]:
        return _robust_starts(values, weights, math.log(3.0), math.pi / math.sqrt(3.0))


@final
class Laplace(Family):
    """Laplace distribution: q(x) = exp(−|x − loc|/scale) / (2 scale), x any number.

    Parameters: ``loc`` (mean and median; its estimate is the sample's median) and ``scale`` > 0
    (the mean distance from loc). Variance 2 scale². Source: N. L. Johnson, S. Kotz and
    N. Balakrishnan (1995), Continuous Univariate Distributions 2, chapter 24.

    Example:
        >>> import kullback as kl
        >>> kl.Laplace(loc=1.0, scale=2.0).variance()
        8.0
    """

    canonical: ClassVar[Mapping[str, Support]] = {"loc": REAL, "scale": POSITIVE}
    support = REAL
    order_statistics: ClassVar[Mapping[str, OrderStatistic]] = {"loc": "median"}

    @staticmethod
    def _log_density(x: Array, loc: Array, scale: Array) -> Array:
        return -jnp.abs(x - loc) * reciprocal(scale) - (log(scale) + _LOG_TWO)

    @staticmethod
    def _log_cdf(x: Array, loc: Array, scale: Array) -> Array:
        return _log_laplace_tail((loc - x) * reciprocal(scale))

    @staticmethod
    def _log_survival(x: Array, loc: Array, scale: Array) -> Array:
        return _log_laplace_tail((x - loc) * reciprocal(scale))

    @staticmethod
    def _quantile(u: Array, loc: Array, scale: Array) -> Array:
        lower = jnp.log(2.0 * jnp.where(u < 0.5, u, 0.5))
        upper = jnp.log(2.0 * jnp.where(u < 0.5, 0.5, 1.0 - u))
        return loc + scale * (lower - upper)

    @staticmethod
    def _draw(key: Array, shape: tuple[int, ...], loc: Array, scale: Array) -> Array:
        return loc + scale * jax.random.laplace(key, shape, jnp.float64)

    @staticmethod
    def _mean(loc: Array, scale: Array) -> Array:  # noqa: ARG004
        return loc

    @staticmethod
    def _variance(loc: Array, scale: Array) -> Array:  # noqa: ARG004
        return 2.0 * scale * scale

    @staticmethod
    def _entropy(loc: Array, scale: Array) -> Array:  # noqa: ARG004
        return log(scale) + (1.0 + _LOG_TWO)

    @staticmethod
    def _starts(values: Vector, weights: Vector) -> list[dict[str, float]]:
        (median,) = weighted_quantiles(values, weights, (0.5,))
        distance = float(np.average(np.abs(values - median), weights=weights))
        return [{"loc": median, "scale": start_scale(median, distance)}]


def _log_laplace_tail(z: Array) -> Array:
    """Log-probability that a standard Laplace variable exceeds z."""
    above = z >= 0.0
    return jnp.where(above, -z - _LOG_TWO, log_complement(0.5 * jnp.exp(jnp.where(above, 0.0, z))))


@final
class Uniform(Family):
    """Uniform distribution: q(x) = 1 / (upper − lower) for lower ≤ x ≤ upper, both ends included.

    Parameters: ``lower`` < ``upper``; their estimates are the sample's extremes. Source:
    N. L. Johnson, S. Kotz and N. Balakrishnan (1995), Continuous Univariate Distributions 2,
    chapter 26.

    Raises:
        ModelError: for numbers with lower ≥ upper.

    Example:
        >>> import kullback as kl
        >>> kl.Uniform(lower=1.0, upper=4.0).mean()
        2.5
    """

    canonical: ClassVar[Mapping[str, Support]] = {"lower": REAL, "upper": REAL}
    support = REAL
    order_statistics: ClassVar[Mapping[str, OrderStatistic]] = {
        "lower": "minimum",
        "upper": "maximum",
    }

    def __init__(self, **sources: Any) -> None:
        super().__init__(**sources)
        lower, upper = self.sources["lower"], self.sources["upper"]
        if (
            isinstance(lower, Pinned)
            and isinstance(upper, Pinned)
            and not float(lower.number) < float(upper.number)
        ):
            raise ModelError(f"{self!r} holds no interval: needs lower < upper.")

    @staticmethod
    def _log_density(x: Array, lower: Array, upper: Array) -> Array:
        inside = (x >= lower) & (x <= upper)
        return jnp.where(inside, -log(upper - lower), -jnp.inf)

    @staticmethod
    def _log_cdf(x: Array, lower: Array, upper: Array) -> Array:
        return _log_share(x - lower, upper - x, upper - lower)

    @staticmethod
    def _log_survival(x: Array, lower: Array, upper: Array) -> Array:
        return _log_share(upper - x, x - lower, upper - lower)

    @staticmethod
    def _quantile(u: Array, lower: Array, upper: Array) -> Array:
        return lower * (1.0 - u) + upper * u

    @staticmethod
    def _mean(lower: Array, upper: Array) -> Array:
        return 0.5 * lower + 0.5 * upper

    @staticmethod
    def _variance(lower: Array, upper: Array) -> Array:
        return (upper - lower) ** 2 / 12.0

    @staticmethod
    def _entropy(lower: Array, upper: Array) -> Array:
        return log(upper - lower)

    @staticmethod
    def _starts(values: Vector, weights: Vector) -> list[dict[str, float]]:
        seen = values[weights > 0.0]
        low, high = float(np.min(seen)), float(np.max(seen))
        return [{"lower": low, "upper": high if high > low else low + start_scale(low)}]


def _log_share(part: Array, rest: Array, whole: Array) -> Array:
    """log(part/whole), from the smaller side; 0 and −inf beyond the ends."""
    inside, r = (part > 0.0) & (rest > 0.0), reciprocal(whole)
    above = log_complement(jnp.where(inside & (part > rest), rest * r, 0.0))
    value = jnp.where(part > rest, above, jnp.log(jnp.where(inside, part * r, 1.0)))
    return jnp.where(inside, value, jnp.where(part > 0.0, 0.0, -jnp.inf))
