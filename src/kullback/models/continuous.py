"""Families of outcomes on the whole line: measurement errors, returns, and the uniform."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, final

import jax
import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Array, Vector
from kullback._core.errors import ModelError
from kullback._core.gamma_functions import digamma_difference, log_gamma_ratio
from kullback._core.normal_functions import log_ndtr, ndtri_exp
from kullback._core.numerics import log, reciprocal
from kullback._core.partials import with_partials
from kullback._core.supports import POSITIVE, REAL
from kullback.models.family import Family, Parametrisation
from kullback.models.source import Pinned

_LOG_TWO = math.log(2.0)
_LOG_PI = math.log(math.pi)
_HALF_LOG_TWO_PI = 0.5 * math.log(2.0 * math.pi)


# ---- starts --------------------------------------------------------------------------------


def weighted_quantiles(values: Vector, weights: Vector, levels: Sequence[float]) -> list[float]:
    """Give quantiles of weighted rows, interpolated between the middles of their weights."""
    seen = weights > 0.0
    order = np.argsort(values[seen])
    w = weights[seen][order] / np.max(weights)
    middles = (np.cumsum(w) - 0.5 * w) / np.sum(w)
    return [float(q) for q in np.interp(levels, middles, values[seen][order])]


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


# ---- families ------------------------------------------------------------------------------


@final
class Normal(Family):
    """Normal distribution: q(x) = exp(−(x − loc)²/(2 scale²)) / (scale √(2π)), x any number.

    Parameters: ``loc`` (the mean) and ``scale`` > 0 (the standard deviation); also by
    ``loc, variance``. Source: N. L. Johnson, S. Kotz and N. Balakrishnan (1994), Continuous
    Univariate Distributions 1, eq. 13.1.

    Example:
        >>> import kullback as kl
        >>> kl.Normal(loc=1.0, variance=4.0).quantile(0.5)
        1.0
    """

    canonical = {"loc": REAL, "scale": POSITIVE}
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


@final
class StudentT(Family):
    """Student's t distribution: a normal with heavy tails, x any number.

    q(x) = Γ((df + 1)/2) / (Γ(df/2) √(π df) scale) · (1 + z²/df)^(−(df + 1)/2), z = (x − loc)/scale.
    Parameters: ``df`` > 0 (small: heavy tails; 1: Cauchy; large: normal), ``loc`` and ``scale`` > 0.
    The mean is loc where df > 1 (else undefined), the variance scale² df/(df − 2) where df > 2.
    Source: N. L. Johnson, S. Kotz and N. Balakrishnan (1995), Continuous Univariate Distributions
    2, eq. 28.2.

    Example:
        >>> import kullback as kl
        >>> kl.StudentT(df=4.0, loc=1.0, scale=2.0).variance()
        8.0
    """

    canonical = {"df": POSITIVE, "loc": REAL, "scale": POSITIVE}
    support = REAL

    @staticmethod
    def _log_density(x: Array, df: Array, loc: Array, scale: Array) -> Array:
        w = (x - loc) * (reciprocal(scale) * jax.lax.rsqrt(df))
        constant = log_gamma_ratio(0.5 * df, 0.5) - 0.5 * (log(df) + _LOG_PI) - log(scale)
        return constant - (0.5 * (df + 1.0)) * log1p_square(w)

    @staticmethod
    def _draw(
        key: Array, shape: tuple[int, ...], df: Array, loc: Array, scale: Array
    ) -> Array:
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
