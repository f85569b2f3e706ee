"""Families of positive amounts: gamma, inverse gamma, log-normal and inverse Gaussian.

Formulas are those of N. L. Johnson, S. Kotz and N. Balakrishnan (1994), Continuous Univariate
Distributions, volume 1 ("JKB" below, with the chapter), unless another source is named.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import ClassVar, final

import jax
import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Array, Numbers, Vector
from kullback._core.domains import POSITIVE, REAL, Support
from kullback._core.numpy_sums import total, total_log_quotient
from kullback.models.family import Family, Parametrisation
from kullback.models.starting_values import LEAST_SPREAD, gamma_shape, gamma_start
from kullback.special.constants import LOG_TWO_PI
from kullback.special.exponential_mean import exponential_mean
from kullback.special.incomplete_gamma import log_gamma_p, log_gamma_q
from kullback.special.inverse_gaussian import (
    log_inverse_gaussian_cdf,
    log_inverse_gaussian_survival,
)
from kullback.special.normal import log_ndtr, ndtri_exp
from kullback.special.numerics import log, log_quotient, reciprocal
from kullback.special.saddle_point import digamma_minus_log, log_gamma_kernel, stirling_remainder


@final
class Gamma(Family):
    """Gamma distribution: q(x) = rate^shape x^(shape−1) e^(−rate x) / Γ(shape), x > 0.

    Parameters: ``shape`` > 0 and ``rate`` > 0; also by ``shape, scale`` (scale = 1/rate) or by
    ``mean, shape``. Mean shape/rate, variance shape/rate². Source: JKB, chapter 17; evaluated in
    the saddle-point form of C. Loader (2000), "Fast and accurate computation of binomial
    probabilities".

    Example:
        >>> import kullback as kl
        >>> kl.Gamma(shape=2.0, rate=1.0).mean()
        2.0
    """

    canonical: ClassVar[Mapping[str, Support]] = {"shape": POSITIVE, "rate": POSITIVE}
    support = POSITIVE
    alternatives = (
        Parametrisation(
            {"shape": POSITIVE, "scale": POSITIVE},
            lambda shape, scale: {"shape": shape, "rate": reciprocal(scale)},
            lambda shape, rate: {"shape": shape, "scale": 1.0 / rate},
        ),
        Parametrisation(
            {"mean": POSITIVE, "shape": POSITIVE},
            lambda mean, shape: {"shape": shape, "rate": shape * reciprocal(mean)},
            lambda shape, rate: {"mean": shape / rate, "shape": shape},
        ),
    )

    @staticmethod
    def _statistics(x: Numbers, origin: Numbers) -> tuple[Numbers, ...]:
        return (log_quotient(x, origin), (x - origin) * reciprocal(origin))

    @staticmethod
    def _sums(x: Vector, origin: float, low: float, high: float) -> tuple[float, float] | None:
        logs = total_log_quotient(x, origin, low, high)
        return None if logs is None else (logs, total(x) / origin - x.size)

    @staticmethod
    def _log_density_of(
        statistics: Sequence[Array], origin: Array, shape: Array, rate: Array
    ) -> Array:
        at_origin = Gamma._log_density(origin, shape, rate)
        return at_origin + (shape - 1.0) * statistics[0] - rate * origin * statistics[1]

    @staticmethod
    def _log_density(x: Array, shape: Array, rate: Array) -> Array:
        return log_gamma_kernel(x, shape, rate) - jnp.log(x)

    @staticmethod
    def _log_cdf(x: Array, shape: Array, rate: Array) -> Array:
        return log_gamma_p(shape, rate * x)

    @staticmethod
    def _log_survival(x: Array, shape: Array, rate: Array) -> Array:
        return log_gamma_q(shape, rate * x)

    @staticmethod
    def _draw(key: Array, size: tuple[int, ...], shape: Array, rate: Array) -> Array:
        standard: Array = jax.random.gamma(key, shape, size, jnp.float64)
        return standard / rate

    @staticmethod
    def _mean(shape: Array, rate: Array) -> Array:
        return shape / rate

    @staticmethod
    def _variance(shape: Array, rate: Array) -> Array:
        return shape / rate / rate

    @staticmethod
    def _entropy(shape: Array, rate: Array) -> Array:
        # shape − log rate + ln Γ(shape) + (1 − shape) ψ(shape), its large terms cancelled by hand
        rest = stirling_remainder(shape) + (1.0 - shape) * digamma_minus_log(shape)
        return rest - jnp.log(rate)

    @staticmethod
    def _estimate(
        means: Sequence[float], origin: float, pinned: Mapping[str, float]
    ) -> dict[str, float] | None:
        mean = origin * (1.0 + means[1])
        if set(pinned) == {"shape"}:
            return {"shape": pinned["shape"], "rate": pinned["shape"] / mean}
        excess = math.log1p(means[1]) - means[0]  # log(mean) − mean(log)
        if pinned or not excess > 0.0:
            return None
        shape = gamma_shape(excess)
        return {"shape": shape, "rate": shape / mean}

    @staticmethod
    def _starts(values: Vector, weights: Vector) -> list[dict[str, float]]:
        return [gamma_start(values, weights)]


@final
class InverseGamma(Family):
    """Inverse gamma distribution: q(x) = scale^shape x^(−shape−1) e^(−scale/x) / Γ(shape), x > 0.

    1/X is a gamma variable with this shape and rate ``scale``. Parameters: ``shape`` > 0 and
    ``scale`` > 0. Mean scale/(shape − 1) for shape > 1, else infinite. Source: JKB, chapter 17.

    Example:
        >>> import kullback as kl
        >>> kl.InverseGamma(shape=3.0, scale=4.0).mean()
        2.0
    """

    canonical: ClassVar[Mapping[str, Support]] = {"shape": POSITIVE, "scale": POSITIVE}
    support = POSITIVE

    @staticmethod
    def _statistics(x: Numbers, origin: Numbers) -> tuple[Numbers, ...]:
        return (log_quotient(x, origin), (origin - x) / x)

    @staticmethod
    def _log_density_of(
        statistics: Sequence[Array], origin: Array, shape: Array, scale: Array
    ) -> Array:
        at_origin = InverseGamma._log_density(origin, shape, scale)
        slope = scale * reciprocal(origin)
        return at_origin - (shape + 1.0) * statistics[0] - slope * statistics[1]

    @staticmethod
    def _log_density(x: Array, shape: Array, scale: Array) -> Array:
        return log_gamma_kernel(reciprocal(x), shape, scale) - jnp.log(x)

    @staticmethod
    def _log_cdf(x: Array, shape: Array, scale: Array) -> Array:
        return log_gamma_q(shape, scale / x)

    @staticmethod
    def _log_survival(x: Array, shape: Array, scale: Array) -> Array:
        return log_gamma_p(shape, scale / x)

    @staticmethod
    def _draw(key: Array, size: tuple[int, ...], shape: Array, scale: Array) -> Array:
        standard: Array = jax.random.gamma(key, shape, size, jnp.float64)
        return scale / standard

    @staticmethod
    def _mean(shape: Array, scale: Array) -> Array:
        return jnp.where(shape > 1.0, scale / (shape - 1.0), jnp.inf)

    @staticmethod
    def _variance(shape: Array, scale: Array) -> Array:
        mean = scale / (shape - 1.0)
        return jnp.where(shape > 2.0, mean * mean / (shape - 2.0), jnp.inf)

    @staticmethod
    def _entropy(shape: Array, scale: Array) -> Array:
        # shape + log scale + ln Γ(shape) − (1 + shape) ψ(shape), large terms cancelled by hand
        rest = stirling_remainder(shape) - (1.0 + shape) * digamma_minus_log(shape)
        return rest - 2.0 * jnp.log(shape) + jnp.log(scale)

    @staticmethod
    def _estimate(
        means: Sequence[float], origin: float, pinned: Mapping[str, float]
    ) -> dict[str, float] | None:
        if set(pinned) != {"shape"}:
            return None
        return {"shape": pinned["shape"], "scale": pinned["shape"] * origin / (1.0 + means[1])}

    @staticmethod
    def _starts(values: Vector, weights: Vector) -> list[dict[str, float]]:
        start = gamma_start(1.0 / values, weights)
        return [{"shape": start["shape"], "scale": start["rate"]}]


@final
class LogNormal(Family):
    """Log-normal distribution: log X is normal with mean ``loc`` and standard deviation ``scale``.

    Density exp(−z²/2) / (x scale √(2π)) with z = (log x − loc)/scale, x > 0. Parameters: ``loc``
    and ``scale`` > 0; also by ``median, scale`` (median = e^loc) or ``mean, scale``. Mean
    exp(loc + scale²/2). Source: JKB, chapter 14.

    Example:
        >>> import kullback as kl
        >>> kl.LogNormal(median=2.0, scale=1.0).quantile(0.5)
        2.0
    """

    canonical: ClassVar[Mapping[str, Support]] = {"loc": REAL, "scale": POSITIVE}
    support = POSITIVE
    alternatives = (
        Parametrisation(
            {"median": POSITIVE, "scale": POSITIVE},
            lambda median, scale: {"loc": log(median), "scale": scale},
            lambda loc, scale: {"median": jnp.exp(loc), "scale": scale},
        ),
        Parametrisation(
            {"mean": POSITIVE, "scale": POSITIVE},
            lambda mean, scale: {"loc": log(mean) - 0.5 * scale * scale, "scale": scale},
            lambda loc, scale: {"mean": jnp.exp(loc + 0.5 * scale * scale), "scale": scale},
        ),
    )

    @staticmethod
    def _statistics(x: Numbers, origin: Numbers) -> tuple[Numbers, ...]:
        t = log_quotient(x, origin)
        return (t, t * t)

    @staticmethod
    def _log_density_of(
        statistics: Sequence[Array], origin: Array, loc: Array, scale: Array
    ) -> Array:
        r = reciprocal(scale)
        log_origin = jnp.log(origin)
        gap = log_origin - loc
        square = statistics[1] + 2.0 * gap * statistics[0] + gap * gap
        constant = 0.5 * LOG_TWO_PI + log(scale)
        return -log_origin - statistics[0] - constant - 0.5 * r * r * square

    @staticmethod
    def _log_density(x: Array, loc: Array, scale: Array) -> Array:
        log_x = jnp.log(x)
        z = (log_x - loc) * reciprocal(scale)
        return -log_x - log(scale) - 0.5 * (LOG_TWO_PI + z * z)

    @staticmethod
    def _log_cdf(x: Array, loc: Array, scale: Array) -> Array:
        return log_ndtr((jnp.log(x) - loc) * reciprocal(scale))

    @staticmethod
    def _log_survival(x: Array, loc: Array, scale: Array) -> Array:
        return log_ndtr((loc - jnp.log(x)) * reciprocal(scale))

    @staticmethod
    def _quantile(u: Array, loc: Array, scale: Array) -> Array:
        return jnp.exp(loc + scale * ndtri_exp(jnp.log(u)))

    @staticmethod
    def _draw(key: Array, size: tuple[int, ...], loc: Array, scale: Array) -> Array:
        return jnp.exp(loc + scale * jax.random.normal(key, size, jnp.float64))

    @staticmethod
    def _mean(loc: Array, scale: Array) -> Array:
        return jnp.exp(loc + 0.5 * scale * scale)

    @staticmethod
    def _variance(loc: Array, scale: Array) -> Array:
        return jnp.expm1(scale * scale) * jnp.exp(2.0 * loc + scale * scale)

    @staticmethod
    def _entropy(loc: Array, scale: Array) -> Array:
        return loc + jnp.log(scale) + 0.5 * (1.0 + LOG_TWO_PI)

    @staticmethod
    def _estimate(
        means: Sequence[float], origin: float, pinned: Mapping[str, float]
    ) -> dict[str, float] | None:
        # deviations of log x from log(origin); from the estimated or the given loc for the scale
        gap = pinned["loc"] - float(np.log(origin)) if "loc" in pinned else means[0]
        square = means[1] - 2.0 * gap * means[0] + gap * gap
        if "scale" not in pinned and square <= 0.0:
            return None  # a constant sample: the likelihood has no maximum
        loc = pinned.get("loc", float(np.log(origin)) + gap)
        return {"loc": loc, "scale": pinned["scale"] if "scale" in pinned else square**0.5}

    @staticmethod
    def _starts(values: Vector, weights: Vector) -> list[dict[str, float]]:
        logs = np.log(values)
        loc = float(np.average(logs, weights=weights))
        scale = float(np.sqrt(np.average((logs - loc) ** 2, weights=weights)))
        return [{"loc": loc, "scale": max(scale, LEAST_SPREAD)}]


@final
class InverseGaussian(Family):
    """Inverse Gaussian distribution: q(x) = √(shape/(2πx³)) exp(−shape (x − mean)²/(2 mean² x)).

    For x > 0: the time at which a Brownian motion with drift first reaches a level. Parameters:
    ``mean`` > 0 and ``shape`` > 0. Variance mean³/shape. Source: M. C. K. Tweedie (1957),
    "Statistical properties of inverse Gaussian distributions I"; drawn by a form without
    cancellation of J. R. Michael, W. R. Schucany and R. W. Haas (1976).

    Example:
        >>> import kullback as kl
        >>> kl.InverseGaussian(mean=2.0, shape=4.0).variance()
        2.0
    """

    canonical: ClassVar[Mapping[str, Support]] = {"mean": POSITIVE, "shape": POSITIVE}
    support = POSITIVE

    @staticmethod
    def _statistics(x: Numbers, origin: Numbers) -> tuple[Numbers, ...]:
        # with t = (x − o)/o and s = (o − x)/x: also t + s, which cancels for x near o
        gap = x - origin
        t, s = gap * reciprocal(origin), -gap / x
        return (log_quotient(x, origin), t, s, -t * s)

    @staticmethod
    def _log_density_of(
        statistics: Sequence[Array], origin: Array, mean: Array, shape: Array
    ) -> Array:
        # mean² times the square is o t + (mean²/o) s + its value at o; of the two parts, the
        # smaller goes to t + s and the excess of the larger to its own statistic
        log_x, t, s, both = statistics
        r, w = reciprocal(mean), reciprocal(origin)
        above = origin > mean
        excess = (origin - mean) * (origin + mean) * w * r * r
        square = jnp.where(above, w * both + excess * t, origin * r * r * both - excess * s)
        at_origin = InverseGaussian._log_density(origin, mean, shape)
        return at_origin - 1.5 * log_x - 0.5 * shape * square

    @staticmethod
    def _log_density(x: Array, mean: Array, shape: Array) -> Array:
        deviation = (x - mean) * reciprocal(mean)
        square = deviation * deviation * reciprocal(x)
        return 0.5 * (log(shape) - LOG_TWO_PI - shape * square) - 1.5 * jnp.log(x)

    @staticmethod
    def _log_cdf(x: Array, mean: Array, shape: Array) -> Array:
        return log_inverse_gaussian_cdf(mean, shape, x)

    @staticmethod
    def _log_survival(x: Array, mean: Array, shape: Array) -> Array:
        return log_inverse_gaussian_survival(mean, shape, x)

    @staticmethod
    def _draw(key: Array, size: tuple[int, ...], mean: Array, shape: Array) -> Array:
        first, second = jax.random.split(key)
        normal = jax.random.normal(first, size, jnp.float64)
        c = 0.5 * (mean / shape) * normal * normal
        # (x − 1)²/x = 2c has two roots, one the other's reciprocal
        smaller = 1.0 / (1.0 + c + jnp.sqrt(c * (2.0 + c)))
        u = jax.random.uniform(second, size, jnp.float64)
        return mean * jnp.where(u * (1.0 + smaller) <= 1.0, smaller, 1.0 / smaller)

    @staticmethod
    def _mean(mean: Array, shape: Array) -> Array:  # noqa: ARG004
        return mean

    @staticmethod
    def _variance(mean: Array, shape: Array) -> Array:
        return mean * mean * (mean / shape)

    @staticmethod
    def _entropy(mean: Array, shape: Array) -> Array:
        # E log(X/mean) = −e^z E₁(z) with z = 2 shape/mean, and e^z E₁(z) = E[1/(E + z)]
        z = 2.0 * (shape / mean)
        half = 0.5 * (1.0 + LOG_TWO_PI + 3.0 * jnp.log(mean) - jnp.log(shape))
        return half - 1.5 * exponential_mean(lambda e: 1.0 / (e + z))

    @staticmethod
    def _estimate(
        means: Sequence[float], origin: float, pinned: Mapping[str, float]
    ) -> dict[str, float] | None:
        _, t, s, both = means
        mean = pinned.get("mean", origin * (1.0 + t))
        # the mean of (x − mean)²/(mean² x), in units of 1/origin: from t + s for a narrow sample
        m = mean / origin
        if "mean" not in pinned:
            square = both - t * t / (1.0 + t) if both < 1.0 else s + t / (1.0 + t)
        elif both < 1.0:
            square = both + t * (1.0 - m) * (1.0 + m) / (m * m) + (1.0 - m) ** 2 / (m * m)
        else:
            square = t / (m * m) + s + (1.0 - m) ** 2 / (m * m)
        if "shape" in pinned:
            return {"mean": mean, "shape": pinned["shape"]}
        return {"mean": mean, "shape": origin / square} if square > 0.0 else None

    @staticmethod
    def _starts(values: Vector, weights: Vector) -> list[dict[str, float]]:
        mean = float(np.average(values, weights=weights))
        square = ((values - mean) / mean) ** 2 * (mean / values)
        spread = max(float(np.average(square, weights=weights)), LEAST_SPREAD**2)
        return [{"mean": mean, "shape": mean / spread}]
