"""Families on the whole line with light tails, normal, logistic and Laplace, and the uniform."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, final

import jax
import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Array, Numbers, Vector
from kullback._core.domains import POSITIVE, REAL, Support
from kullback._core.errors import ModelError
from kullback.models.family import Family, Parametrisation
from kullback.models.model import OrderStatistic
from kullback.models.source import Pinned
from kullback.models.starting_values import (
    mean_and_deviation,
    start_scale,
    symmetric_starts,
    weighted_quantiles,
)
from kullback.special.constants import HALF_LOG_TWO_PI, LOG_TWO
from kullback.special.logistic import logistic, softplus
from kullback.special.normal import log_ndtr, ndtri_exp
from kullback.special.numerics import log, reciprocal
from kullback.special.partials import with_partials
from kullback.special.smooth import log_complement


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
        return -0.5 * z * z - (log(scale) + HALF_LOG_TWO_PI)

    @staticmethod
    def _statistics(x: Numbers, origin: Numbers) -> tuple[Numbers, ...]:
        step = x - origin
        return (step, step * step)

    @staticmethod
    def _log_density_of(
        statistics: Sequence[Array], origin: Array, loc: Array, scale: Array
    ) -> Array:
        shift, precision = loc - origin, reciprocal(scale) * reciprocal(scale)
        square = statistics[1] - 2.0 * shift * statistics[0] + shift * shift
        return -0.5 * square * precision - (log(scale) + HALF_LOG_TWO_PI)

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
        return log(scale) + (HALF_LOG_TWO_PI + 0.5)

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
        mean, sd = mean_and_deviation(values, weights)
        return [{"loc": mean, "scale": start_scale(mean, sd)}]


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
        return -softplus((loc - x) * reciprocal(scale))

    @staticmethod
    def _log_survival(x: Array, loc: Array, scale: Array) -> Array:
        return -softplus((x - loc) * reciprocal(scale))

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
        return symmetric_starts(values, weights, math.log(3.0), math.pi / math.sqrt(3.0))


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
        return -jnp.abs(x - loc) * reciprocal(scale) - (log(scale) + LOG_TWO)

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
        return log(scale) + (1.0 + LOG_TWO)

    @staticmethod
    def _starts(values: Vector, weights: Vector) -> list[dict[str, float]]:
        (median,) = weighted_quantiles(values, weights, (0.5,))
        distance = float(np.average(np.abs(values - median), weights=weights))
        return [{"loc": median, "scale": start_scale(median, distance)}]


def _log_laplace_tail(z: Array) -> Array:
    """Log-probability that a standard Laplace variable exceeds z."""
    above = z >= 0.0
    return jnp.where(above, -z - LOG_TWO, log_complement(0.5 * jnp.exp(jnp.where(above, 0.0, z))))


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
