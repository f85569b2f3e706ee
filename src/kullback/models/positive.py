"""Families of positive outcomes: lifetimes, amounts, waiting times.

Formulas are those of N. L. Johnson, S. Kotz and N. Balakrishnan (1994), Continuous Univariate
Distributions, volume 1 ("JKB" below, with the chapter), unless another source is named.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, final

import jax
import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Array, Vector
from kullback._core.gamma_functions import digamma_difference, log_gamma, log_gamma_ratio
from kullback._core.incomplete_gamma import log_gamma_p, log_gamma_q
from kullback._core.inverse_gaussian import (
    log_inverse_gaussian_cdf,
    log_inverse_gaussian_survival,
)
from kullback._core.normal_functions import log_ndtr, ndtri_exp
from kullback._core.numerics import log, reciprocal
from kullback._core.partials import with_partials
from kullback._core.saddle_point import log_poisson_kernel, log_ratio, stirling_remainder
from kullback._core.smooth import expm1_over, expm1_scaled, log1p_scaled
from kullback._core.supports import NON_NEGATIVE, POSITIVE, REAL, Support
from kullback.models.family import Family, Parametrisation
from kullback.models.model import Caution

_EULER_GAMMA = 0.5772156649015329
_LOG_TWO = 0.6931471805599453
_LOG_TWO_PI = 1.8378770664093453
# A constant sample has no spread, and its likelihood no maximum; a start must still be finite, and
# this is the least relative spread that starts take a sample to have.
_LEAST_SPREAD = 1e-6

# E ~ Exponential(1) as e = exp(t − exp(−t)), at equally spaced t: a double-exponential rule (H.
# Takahasi and M. Mori, 1974). At the ends the weights are below 1e-26, and the spacing leaves less
# than 1e-14 for logarithms and reciprocals of E plus anything from 1e-8 on (tested).
_STEP = 1.0 / 32.0
_T = np.arange(-5.0, 4.3, _STEP)
_E_NODES = np.exp(_T - np.exp(-_T))
_E_WEIGHTS = _STEP * (1.0 + np.exp(-_T)) * _E_NODES * np.exp(-_E_NODES)
# Over an interval no longer than its distance from the pole of ψ, ten nodes leave 1e-15.
_GL_NODES, _GL_WEIGHTS = np.polynomial.legendre.leggauss(10)


@with_partials(lambda x, _: reciprocal(x), lambda _, m: -reciprocal(m))
def log_quotient(x: Array, m: Array) -> Array:
    """Compute log(x/m) for x, m > 0 to relative precision also where x is near m, by one log a row.

    Near m the quotient is written u = 1 + t with t = (x − m)/m, and what rounding lost in u is
    subtracted: log(1 + t) = log u − ((u − 1) − t)/u, where u = 1 is near enough in the divisor.
    """
    r = reciprocal(m)
    t = (x - m) * r
    near = jnp.abs(t) < 0.25
    u = jnp.where(near, 1.0 + t, x * r)
    # a quotient beyond the doubles: there the two logarithms are far apart and may be subtracted
    beyond = (u < 1e-290) | (u > 1e290)
    value = jnp.log(jnp.where(beyond, x, u)) - jnp.where(beyond, jnp.log(m), 0.0)
    return value - jnp.where(near, (u - 1.0) - t, 0.0)


def log_cdf_of_hazard(hazard: Array, log_hazard: Array) -> Array:
    """Compute log(1 − exp(−H)) from a cumulative hazard H and its logarithm.

    For small H it is log H + log((1 − e^−H)/H), which holds where H itself underflows.
    """
    small = hazard < 1.0
    near = log_hazard + jnp.log(expm1_over(-jnp.where(small, hazard, 0.0)))
    return jnp.where(small, near, jnp.log1p(-jnp.exp(-jnp.where(small, 1.0, hazard))))


def log_gamma_second_difference(z: Array, h: Array) -> Array:
    """Compute ln Γ(z + 2h) − 2 ln Γ(z + h) + ln Γ(z) for z, h > 0; it keeps its digits as h → 0.

    The log of E[X²]/E[X]² is such a difference for powers of gamma variables. It equals
    ∫₀^h [ψ(z + t + h) − ψ(z + t)] dt.
    """
    near = h <= z
    step = jnp.where(near, h, z)
    t = 0.5 * step * (1.0 + jnp.asarray(_GL_NODES))
    integral = 0.5 * step * jnp.sum(jnp.asarray(_GL_WEIGHTS) * digamma_difference(z + t, step))
    direct = log_gamma(z + 2.0 * h) - 2.0 * log_gamma(z + h) + log_gamma(z)
    return jnp.where(near, integral, direct)


def _expectation(f: Callable[[Array], Array]) -> Array:
    """Compute E[f(E)] for E ~ Exponential(1)."""
    return jnp.sum(jnp.asarray(_E_WEIGHTS) * f(jnp.asarray(_E_NODES)))


def _log_mean_excess(values: Vector, weights: Vector) -> tuple[float, float]:
    """Give the mean, and log(mean) − mean(log), from deviations so that it keeps its digits."""
    mean = float(np.average(values, weights=weights))
    t = (values - mean) / mean
    near = np.abs(t) < 0.5
    logs = np.where(near, np.log1p(np.where(near, t, 0.0)), np.log(values) - np.log(mean))
    return mean, float(np.average(t - logs, weights=weights))


def _gamma_start(values: Vector, weights: Vector) -> dict[str, float]:
    """Approximate the gamma's estimate to 1.5 % (T. P. Minka, 2002)."""
    mean, s = _log_mean_excess(values, weights)
    s = max(s, 0.5 * _LEAST_SPREAD**2)
    shape = (3.0 - s + np.sqrt((s - 3.0) ** 2 + 24.0 * s)) / (12.0 * s)
    return {"shape": float(shape), "rate": float(shape / mean)}


def _digamma_minus_log(shape: Array) -> Array:
    """Compute ψ(shape) − log(shape) to relative precision."""
    slope: Array = jax.jvp(stirling_remainder, (shape,), (jnp.ones_like(shape),))[1]
    return slope - reciprocal(shape)


@with_partials(
    lambda x, shape, rate: shape * reciprocal(x) - rate,
    lambda x, shape, rate: log_ratio(rate * x, shape) - _digamma_minus_log(shape),
    lambda x, shape, rate: shape * reciprocal(rate) - x,
)
def _log_gamma_kernel(x: Array, shape: Array, rate: Array) -> Array:
    """Compute shape log(rate x) − rate x − ln Γ(shape), the log-density of log X of a gamma X.

    Its derivatives are written down because those of the saddle-point form hold (rate x)², which
    leaves the doubles before rate x does.
    """
    return log_poisson_kernel(shape, rate * x) + jnp.log(shape)


@final
class Exponential(Family):
    """Exponential distribution: q(x) = rate e^(−rate x), x ≥ 0.

    Parameter: ``rate`` > 0; also by ``scale`` = 1/rate, the mean. Source: JKB, chapter 19.

    Example:
        >>> import kullback as kl
        >>> kl.Exponential(rate=0.5).mean()
        2.0
    """

    canonical: ClassVar[Mapping[str, Support]] = {"rate": POSITIVE}
    support = NON_NEGATIVE
    alternatives = (
        Parametrisation(
            {"scale": POSITIVE},
            lambda scale: {"rate": reciprocal(scale)},
            lambda rate: {"scale": 1.0 / rate},
        ),
    )

    @staticmethod
    def _statistics(x: Array, origin: Array) -> tuple[Array, ...]:
        return (x - origin,)

    @staticmethod
    def _log_density_of(statistics: Sequence[Array], origin: Array, rate: Array) -> Array:
        return log(rate) - rate * (origin + statistics[0])

    @staticmethod
    def _log_density(x: Array, rate: Array) -> Array:
        return log(rate) - rate * x

    @staticmethod
    def _log_survival(x: Array, rate: Array) -> Array:
        return -rate * x

    @staticmethod
    def _log_cdf(x: Array, rate: Array) -> Array:
        return log_cdf_of_hazard(rate * x, jnp.log(rate) + jnp.log(x))

    @staticmethod
    def _quantile(u: Array, rate: Array) -> Array:
        return -jnp.log1p(-u) / rate

    @staticmethod
    def _mean(rate: Array) -> Array:
        return 1.0 / rate

    @staticmethod
    def _variance(rate: Array) -> Array:
        return 1.0 / rate / rate

    @staticmethod
    def _entropy(rate: Array) -> Array:
        return 1.0 - jnp.log(rate)

    @staticmethod
    def _estimate(
        means: Sequence[float], origin: float, pinned: Mapping[str, float]
    ) -> dict[str, float] | None:
        mean = origin + means[0]
        return None if pinned or mean <= 0.0 else {"rate": 1.0 / mean}

    @staticmethod
    def _starts(values: Vector, weights: Vector) -> list[dict[str, float]]:
        mean = float(np.average(values, weights=weights))
        return [{"rate": 1.0 / mean if mean > 0.0 else 1.0}]  # zeros only: the rate has no maximum


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
    def _statistics(x: Array, origin: Array) -> tuple[Array, ...]:
        return (log_ratio(x, origin), (x - origin) * reciprocal(origin))

    @staticmethod
    def _log_density_of(
        statistics: Sequence[Array], origin: Array, shape: Array, rate: Array
    ) -> Array:
        at_origin = Gamma._log_density(origin, shape, rate)
        return at_origin + (shape - 1.0) * statistics[0] - rate * origin * statistics[1]

    @staticmethod
    def _log_density(x: Array, shape: Array, rate: Array) -> Array:
        return _log_gamma_kernel(x, shape, rate) - jnp.log(x)

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
        rest = stirling_remainder(shape) + (1.0 - shape) * _digamma_minus_log(shape)
        return rest - jnp.log(rate)

    @staticmethod
    def _estimate(
        means: Sequence[float], origin: float, pinned: Mapping[str, float]
    ) -> dict[str, float] | None:
        if set(pinned) != {"shape"}:
            return None
        return {"shape": pinned["shape"], "rate": pinned["shape"] / (origin * (1.0 + means[1]))}

    @staticmethod
    def _starts(values: Vector, weights: Vector) -> list[dict[str, float]]:
        return [_gamma_start(values, weights)]


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
    def _statistics(x: Array, origin: Array) -> tuple[Array, ...]:
        return (log_ratio(x, origin), (origin - x) / x)

    @staticmethod
    def _log_density_of(
        statistics: Sequence[Array], origin: Array, shape: Array, scale: Array
    ) -> Array:
        at_origin = InverseGamma._log_density(origin, shape, scale)
        slope = scale * reciprocal(origin)
        return at_origin - (shape + 1.0) * statistics[0] - slope * statistics[1]

    @staticmethod
    def _log_density(x: Array, shape: Array, scale: Array) -> Array:
        return _log_gamma_kernel(reciprocal(x), shape, scale) - jnp.log(x)

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
        rest = stirling_remainder(shape) - (1.0 + shape) * _digamma_minus_log(shape)
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
        start = _gamma_start(1.0 / values, weights)
        return [{"shape": start["shape"], "scale": start["rate"]}]


@final
class Weibull(Family):
    """Weibull distribution: P(X > x) = exp(−(x/scale)^shape), x > 0.

    Density (shape/scale) (x/scale)^(shape−1) exp(−(x/scale)^shape). Parameters: ``shape`` > 0 and
    ``scale`` > 0. Mean scale·Γ(1 + 1/shape). Source: W. Weibull (1951), "A statistical distribution
    function of wide applicability".

    Example:
        >>> import kullback as kl
        >>> kl.Weibull(shape=1.0, scale=3.0).mean()
        3.0
    """

    canonical: ClassVar[Mapping[str, Support]] = {"shape": POSITIVE, "scale": POSITIVE}
    support = POSITIVE

    @staticmethod
    def _log_density(x: Array, shape: Array, scale: Array) -> Array:
        y = log_quotient(x, scale)
        return log(shape) - log(scale) + (shape - 1.0) * y - jnp.exp(shape * y)

    @staticmethod
    def _log_survival(x: Array, shape: Array, scale: Array) -> Array:
        return -jnp.exp(shape * log_quotient(x, scale))

    @staticmethod
    def _log_cdf(x: Array, shape: Array, scale: Array) -> Array:
        z = shape * log_quotient(x, scale)
        return log_cdf_of_hazard(jnp.exp(z), z)

    @staticmethod
    def _quantile(u: Array, shape: Array, scale: Array) -> Array:
        return scale * jnp.exp(jnp.log(-jnp.log1p(-u)) / shape)

    @staticmethod
    def _mean(shape: Array, scale: Array) -> Array:
        return scale * jnp.exp(log_gamma_ratio(1.0, 1.0 / shape))

    @staticmethod
    def _variance(shape: Array, scale: Array) -> Array:
        mean = Weibull._mean(shape, scale)
        return mean * mean * jnp.expm1(log_gamma_second_difference(jnp.float64(1.0), 1.0 / shape))

    @staticmethod
    def _entropy(shape: Array, scale: Array) -> Array:
        return _EULER_GAMMA * (1.0 - 1.0 / shape) + jnp.log(scale) - jnp.log(shape) + 1.0

    @staticmethod
    def _starts(values: Vector, weights: Vector) -> list[dict[str, float]]:
        # log X is a Gumbel variable of minima: mean log(scale) − γ/shape, sd π/(√6 shape)
        logs = np.log(values)
        mean = float(np.average(logs, weights=weights))
        sd = float(np.sqrt(np.average((logs - mean) ** 2, weights=weights)))
        shape = math.pi / math.sqrt(6.0) / max(sd, _LEAST_SPREAD)
        return [{"shape": shape, "scale": float(np.exp(mean + _EULER_GAMMA / shape))}]


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
    def _statistics(x: Array, origin: Array) -> tuple[Array, ...]:
        t = log_ratio(x, origin)
        return (t, t * t)

    @staticmethod
    def _log_density_of(
        statistics: Sequence[Array], origin: Array, loc: Array, scale: Array
    ) -> Array:
        r = reciprocal(scale)
        log_origin = jnp.log(origin)
        gap = log_origin - loc
        square = statistics[1] + 2.0 * gap * statistics[0] + gap * gap
        constant = 0.5 * _LOG_TWO_PI + log(scale)
        return -log_origin - statistics[0] - constant - 0.5 * r * r * square

    @staticmethod
    def _log_density(x: Array, loc: Array, scale: Array) -> Array:
        log_x = jnp.log(x)
        z = (log_x - loc) * reciprocal(scale)
        return -log_x - log(scale) - 0.5 * (_LOG_TWO_PI + z * z)

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
        return loc + jnp.log(scale) + 0.5 * (1.0 + _LOG_TWO_PI)

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
        return [{"loc": loc, "scale": max(scale, _LEAST_SPREAD)}]


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
    def _statistics(x: Array, origin: Array) -> tuple[Array, ...]:
        # with t = (x − o)/o and s = (o − x)/x: also t + s, which cancels for x near o
        gap = x - origin
        t, s = gap * reciprocal(origin), -gap / x
        return (log_ratio(x, origin), t, s, -t * s)

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
        return 0.5 * (log(shape) - _LOG_TWO_PI - shape * square) - 1.5 * jnp.log(x)

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
        half = 0.5 * (1.0 + _LOG_TWO_PI + 3.0 * jnp.log(mean) - jnp.log(shape))
        return half - 1.5 * _expectation(lambda e: 1.0 / (e + z))

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
        spread = max(float(np.average(square, weights=weights)), _LEAST_SPREAD**2)
        return [{"mean": mean, "shape": mean / spread}]


@final
class Rayleigh(Family):
    """Rayleigh distribution: P(X > x) = exp(−x²/(2 scale²)), x > 0: the length of a normal vector.

    Density (x/scale²) exp(−x²/(2 scale²)). Parameter: ``scale`` > 0. Mean scale √(π/2). Source:
    JKB, chapter 18.

    Example:
        >>> import kullback as kl
        >>> kl.Rayleigh(scale=2.0).log_survival(4.0)
        -2.0
    """

    canonical: ClassVar[Mapping[str, Support]] = {"scale": POSITIVE}
    support = POSITIVE

    @staticmethod
    def _statistics(x: Array, origin: Array) -> tuple[Array, ...]:
        w = reciprocal(origin)
        return (log_ratio(x, origin), ((x - origin) * w) * ((x + origin) * w))

    @staticmethod
    def _log_density_of(statistics: Sequence[Array], origin: Array, scale: Array) -> Array:
        ratio = origin * reciprocal(scale)
        half_square = 0.5 * ratio * ratio * (1.0 + statistics[1])
        return jnp.log(origin) + statistics[0] - 2.0 * log(scale) - half_square

    @staticmethod
    def _log_density(x: Array, scale: Array) -> Array:
        y = x * reciprocal(scale)
        return jnp.log(x) - 2.0 * log(scale) - 0.5 * y * y

    @staticmethod
    def _log_survival(x: Array, scale: Array) -> Array:
        y = x * reciprocal(scale)
        return -0.5 * y * y

    @staticmethod
    def _log_cdf(x: Array, scale: Array) -> Array:
        y = x * reciprocal(scale)
        return log_cdf_of_hazard(0.5 * y * y, 2.0 * (jnp.log(x) - jnp.log(scale)) - _LOG_TWO)

    @staticmethod
    def _quantile(u: Array, scale: Array) -> Array:
        return scale * jnp.sqrt(-2.0 * jnp.log1p(-u))

    @staticmethod
    def _mean(scale: Array) -> Array:
        return scale * math.sqrt(0.5 * math.pi)

    @staticmethod
    def _variance(scale: Array) -> Array:
        return (2.0 - 0.5 * math.pi) * scale * scale

    @staticmethod
    def _entropy(scale: Array) -> Array:
        return 1.0 + 0.5 * (_EULER_GAMMA - _LOG_TWO) + jnp.log(scale)

    @staticmethod
    def _estimate(
        means: Sequence[float], origin: float, pinned: Mapping[str, float]
    ) -> dict[str, float] | None:
        return None if pinned else {"scale": origin * (0.5 * (1.0 + means[1])) ** 0.5}

    @staticmethod
    def _starts(values: Vector, weights: Vector) -> list[dict[str, float]]:
        return [{"scale": _root_mean_square(values, weights) / 2.0**0.5}]


@final
class HalfNormal(Family):
    """Half-normal distribution: the absolute value of a normal variable with mean zero.

    Density √(2/π)/scale · exp(−x²/(2 scale²)), x ≥ 0. Parameter: ``scale`` > 0, the standard
    deviation of that normal variable. Mean scale √(2/π). Source: JKB, chapter 13.

    Example:
        >>> import kullback as kl
        >>> kl.HalfNormal(scale=2.0).log_survival(0.0)
        0.0
    """

    canonical: ClassVar[Mapping[str, Support]] = {"scale": POSITIVE}
    support = NON_NEGATIVE

    @staticmethod
    def _statistics(x: Array, origin: Array) -> tuple[Array, ...]:
        return ((x - origin) * (x + origin),)

    @staticmethod
    def _log_density_of(statistics: Sequence[Array], origin: Array, scale: Array) -> Array:
        r = reciprocal(scale)
        square = r * r * (origin * origin + statistics[0])
        return 0.5 * (2.0 * _LOG_TWO - _LOG_TWO_PI - square) - log(scale)

    @staticmethod
    def _log_density(x: Array, scale: Array) -> Array:
        y = x * reciprocal(scale)
        return 0.5 * (2.0 * _LOG_TWO - _LOG_TWO_PI - y * y) - log(scale)

    @staticmethod
    def _log_survival(x: Array, scale: Array) -> Array:
        y = x * reciprocal(scale)
        below = y < 1.0  # where 1 − erf loses nothing, and where it is near one
        near = jnp.log1p(-jax.lax.erf(jnp.where(below, y, 0.0) * math.sqrt(0.5)))
        return jnp.where(below, near, _LOG_TWO + log_ndtr(-jnp.where(below, 1.0, y)))

    @staticmethod
    def _log_cdf(x: Array, scale: Array) -> Array:
        y = x * reciprocal(scale)
        below = y < 1.0
        near = jnp.log(jax.lax.erf(jnp.where(below, y, 1.0) * math.sqrt(0.5)))
        far = jnp.log1p(-2.0 * jnp.exp(log_ndtr(-jnp.where(below, 1.0, y))))
        return jnp.where(below, near, far)

    @staticmethod
    def _quantile(u: Array, scale: Array) -> Array:
        low = u < 0.5
        near = math.sqrt(2.0) * jax.lax.erf_inv(jnp.where(low, u, 0.0))
        far = -ndtri_exp(jnp.log1p(-jnp.where(low, 0.5, u)) - _LOG_TWO)
        return scale * jnp.where(low, near, far)

    @staticmethod
    def _draw(key: Array, size: tuple[int, ...], scale: Array) -> Array:
        return scale * jnp.abs(jax.random.normal(key, size, jnp.float64))

    @staticmethod
    def _mean(scale: Array) -> Array:
        return scale * math.sqrt(2.0 / math.pi)

    @staticmethod
    def _variance(scale: Array) -> Array:
        return (1.0 - 2.0 / math.pi) * scale * scale

    @staticmethod
    def _entropy(scale: Array) -> Array:
        return 0.5 * (1.0 + _LOG_TWO_PI) - _LOG_TWO + jnp.log(scale)

    @staticmethod
    def _estimate(
        means: Sequence[float], origin: float, pinned: Mapping[str, float]
    ) -> dict[str, float] | None:
        square = origin * origin + means[0]
        return None if pinned or square <= 0.0 else {"scale": square**0.5}

    @staticmethod
    def _starts(values: Vector, weights: Vector) -> list[dict[str, float]]:
        scale = _root_mean_square(values, weights)
        return [{"scale": scale if scale > 0.0 else 1.0}]  # zeros only: the scale has no maximum


@final
class Gompertz(Family):
    """Gompertz distribution: hazard rate·exp(shape·x), x ≥ 0.

    P(X > x) = exp(−rate (e^(shape x) − 1)/shape), which is exponential at shape 0. Parameters:
    ``shape``, of either sign, and ``rate`` > 0. With a negative shape the hazard dies out and a
    share exp(rate/shape) of the units never fails: the distribution is defective, quantiles beyond
    the rest are infinite, so is the mean, and variance and entropy are NaN. Source: B. Gompertz
    (1825); the defective form is that of flexsurv (C. H. Jackson, 2016).

    Example:
        >>> import kullback as kl
        >>> kl.Gompertz(shape=0.0, rate=0.5).log_survival(4.0)
        -2.0
    """

    canonical: ClassVar[Mapping[str, Support]] = {"shape": REAL, "rate": POSITIVE}
    support = NON_NEGATIVE

    @staticmethod
    def _log_density(x: Array, shape: Array, rate: Array) -> Array:
        return log(rate) + shape * x - _gompertz_hazard(x, shape, rate)

    @staticmethod
    def _log_survival(x: Array, shape: Array, rate: Array) -> Array:
        return -_gompertz_hazard(x, shape, rate)

    @staticmethod
    def _log_cdf(x: Array, shape: Array, rate: Array) -> Array:
        hazard = _gompertz_hazard(x, shape, rate)
        tiny = hazard < 1e-290  # beyond the doubles, by its factors
        factors = jnp.log(rate) + jnp.log(x) + jnp.log(expm1_over(jnp.where(tiny, shape * x, 0.0)))
        log_hazard = jnp.where(tiny, factors, jnp.log(jnp.where(tiny, 1.0, hazard)))
        return log_cdf_of_hazard(hazard, log_hazard)

    @staticmethod
    def _quantile(u: Array, shape: Array, rate: Array) -> Array:
        never = (u >= 1.0) | (shape * -jnp.log1p(-u) <= -rate)
        hazard = -jnp.log1p(-jnp.where(never, 0.0, u))
        return jnp.where(never, jnp.inf, log1p_scaled(shape, hazard / rate))

    @staticmethod
    def _mean(shape: Array, rate: Array) -> Array:
        positive = jnp.maximum(shape, 0.0)
        mean = _expectation(lambda e: log1p_scaled(positive, e / rate))
        return jnp.where(shape < 0.0, jnp.inf, mean)

    @staticmethod
    def _variance(shape: Array, rate: Array) -> Array:
        positive = jnp.maximum(shape, 0.0)
        mean = _expectation(lambda e: log1p_scaled(positive, e / rate))
        variance = _expectation(lambda e: (log1p_scaled(positive, e / rate) - mean) ** 2)
        return jnp.where(shape < 0.0, jnp.nan, variance)

    @staticmethod
    def _entropy(shape: Array, rate: Array) -> Array:
        return jnp.where(
            shape < 0.0, jnp.nan, 1.0 - jnp.log(rate) - shape * Gompertz._mean(shape, rate)
        )

    @staticmethod
    def _starts(values: Vector, weights: Vector) -> list[dict[str, float]]:
        mean = float(np.average(values, weights=weights))
        if mean <= 0.0:  # zeros only: the rate has no maximum
            return [{"shape": 0.0, "rate": 1.0}]
        starts = []
        for g in (0.0, -3.0, -1.0, -0.3, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0):
            shape = g / mean
            if shape * values.max() > 600.0:  # e^600: the hazard of the largest must be a number
                continue
            hazards = np.expm1(shape * values) / shape if g else values
            rate = 1.0 / float(np.average(hazards, weights=weights))  # the best for this shape
            starts.append((np.log(rate) + g, {"shape": shape, "rate": rate}))
        starts.sort(key=lambda pair: -pair[0])
        return [start for _, start in starts[:2]]

    @staticmethod
    def _caution(shape: float, rate: float) -> Caution | None:
        if shape >= 0.0:
            return None
        share = float(np.exp(rate / shape))
        return Caution(
            f"The shape is negative: by this model a share of {share:.3g} never fails (a defective "
            f"distribution). Where every unit must fail, bound it: shape=kl.Param(lower=0.0)."
        )


def _gompertz_hazard(x: Array, shape: Array, rate: Array) -> Array:
    """Compute rate (e^(shape x) − 1)/shape, also where the exponential leaves the doubles.

    There e^600 is taken to the rate, which is small if the outcome is possible at all; the −1 is
    then e^−100 of the rest.
    """
    large = shape * x > 700.0
    shift = jnp.where(large, 600.0 * reciprocal(jnp.where(large, shape, 1.0)), 0.0)
    return rate * jnp.where(large, math.exp(600.0), 1.0) * expm1_scaled(shape, x - shift)


def _root_mean_square(values: Vector, weights: Vector) -> float:
    largest = float(values.max())
    if largest == 0.0:
        return 0.0
    return largest * float(np.sqrt(np.average((values / largest) ** 2, weights=weights)))
