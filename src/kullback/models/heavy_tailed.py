"""Families of positive outcomes whose tails fall off like a power: incomes, losses, sizes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import ClassVar, final

import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Array, Numbers, Vector
from kullback._core.domains import NON_NEGATIVE, POSITIVE, Support
from kullback.models.family import Family
from kullback.models.model import OrderStatistic
from kullback.models.starting_values import LEAST_SPREAD
from kullback.special.constants import EULER_GAMMA
from kullback.special.gamma import (
    digamma,
    log_gamma,
    log_gamma_ratio,
    log_gamma_second_difference,
)
from kullback.special.hazards import log_cdf_of_hazard
from kullback.special.logistic import log_softplus, softplus
from kullback.special.numerics import log, log1p_quotient, log_quotient
from kullback.special.smooth import log1mexp, log_expm1


@final
class Pareto(Family):
    """Pareto distribution (of the first kind): P(X > x) = (minimum/x)^shape, x ≥ minimum.

    Density shape·minimum^shape / x^(shape + 1). Parameters: ``shape`` > 0 and ``minimum`` > 0,
    whose estimate is the smallest outcome. Mean shape·minimum/(shape − 1) for shape > 1, else
    infinite. Source: N. L. Johnson, S. Kotz and N. Balakrishnan (1994), Continuous Univariate
    Distributions, volume 1, chapter 20.

    Example:
        >>> import kullback as kl
        >>> kl.Pareto(shape=2.0, minimum=1.0).mean()
        2.0
    """

    canonical: ClassVar[Mapping[str, Support]] = {"shape": POSITIVE, "minimum": POSITIVE}
    support = POSITIVE
    order_statistics: ClassVar[Mapping[str, OrderStatistic]] = {"minimum": "minimum"}

    @staticmethod
    def _statistics(x: Numbers, origin: Numbers) -> tuple[Numbers, ...]:
        return (log_quotient(x, origin),)

    @staticmethod
    def _log_density_of(
        statistics: Sequence[Array], origin: Array, shape: Array, minimum: Array
    ) -> Array:
        y = log_quotient(origin, minimum) + statistics[0]
        return log(shape) - log(minimum) - (shape + 1.0) * y

    @staticmethod
    def _log_density(x: Array, shape: Array, minimum: Array) -> Array:
        value = log(shape) - log(minimum) - (shape + 1.0) * log_quotient(x, minimum)
        return jnp.where(x >= minimum, value, -jnp.inf)

    @staticmethod
    def _log_survival(x: Array, shape: Array, minimum: Array) -> Array:
        return jnp.where(x > minimum, -shape * log_quotient(x, minimum), 0.0)

    @staticmethod
    def _log_cdf(x: Array, shape: Array, minimum: Array) -> Array:
        above = x > minimum
        y = jnp.where(above, log_quotient(x, minimum), 1.0)
        return jnp.where(above, log1mexp(-shape * y), -jnp.inf)

    @staticmethod
    def _quantile(u: Array, shape: Array, minimum: Array) -> Array:
        return minimum * jnp.exp(-jnp.log1p(-u) / shape)

    @staticmethod
    def _mean(shape: Array, minimum: Array) -> Array:
        return jnp.where(shape > 1.0, minimum * (shape / (shape - 1.0)), jnp.inf)

    @staticmethod
    def _variance(shape: Array, minimum: Array) -> Array:
        unit = minimum / (shape - 1.0)
        return jnp.where(shape > 2.0, unit * unit * (shape / (shape - 2.0)), jnp.inf)

    @staticmethod
    def _entropy(shape: Array, minimum: Array) -> Array:
        return jnp.log(minimum) - jnp.log(shape) + 1.0 + 1.0 / shape

    @staticmethod
    def _estimate(
        means: Sequence[float], origin: float, pinned: Mapping[str, float]
    ) -> dict[str, float] | None:
        if set(pinned) != {"minimum"}:
            return None
        mean = float(np.log(origin / pinned["minimum"])) + means[0]
        return {"shape": 1.0 / mean, "minimum": pinned["minimum"]} if mean > 0.0 else None

    @staticmethod
    def _starts(values: Vector, weights: Vector) -> list[dict[str, float]]:
        minimum = float(values[weights > 0.0].min())
        mean = float(np.average(np.log(values / minimum), weights=weights))
        return [{"shape": 1.0 / max(mean, LEAST_SPREAD), "minimum": minimum}]


@final
class Lomax(Family):
    """Lomax distribution (Pareto of the second kind): P(X > x) = (1 + x/scale)^−shape, x ≥ 0.

    Density shape/scale · (1 + x/scale)^(−shape−1). Parameters: ``shape`` > 0 and ``scale`` > 0. As
    both grow with shape/scale held, it becomes exponential; the estimates run off to there if the
    sample's tail is no heavier. Mean scale/(shape − 1) for shape > 1, else infinite. Source: K. S.
    Lomax (1954), "Business failures".

    Example:
        >>> import kullback as kl
        >>> kl.Lomax(shape=3.0, scale=4.0).mean()
        2.0
    """

    canonical: ClassVar[Mapping[str, Support]] = {"shape": POSITIVE, "scale": POSITIVE}
    support = NON_NEGATIVE
    limits: ClassVar[Mapping[str, str]] = {"shape": "Exponential"}  # the scale grows along

    @staticmethod
    def _log_density(x: Array, shape: Array, scale: Array) -> Array:
        return log(shape) - log(scale) - (shape + 1.0) * log1p_quotient(x, scale)

    @staticmethod
    def _log_survival(x: Array, shape: Array, scale: Array) -> Array:
        return -shape * log1p_quotient(x, scale)

    @staticmethod
    def _log_cdf(x: Array, shape: Array, scale: Array) -> Array:
        y = log1p_quotient(x, scale)
        # below the range of doubles the logarithm is the quotient
        tiny = y < 1e-290
        log_y = jnp.where(tiny, jnp.log(x) - jnp.log(scale), jnp.log(jnp.where(tiny, 1.0, y)))
        return log_cdf_of_hazard(shape * y, jnp.log(shape) + log_y)

    @staticmethod
    def _quantile(u: Array, shape: Array, scale: Array) -> Array:
        return scale * jnp.expm1(-jnp.log1p(-u) / shape)

    @staticmethod
    def _mean(shape: Array, scale: Array) -> Array:
        return jnp.where(shape > 1.0, scale / (shape - 1.0), jnp.inf)

    @staticmethod
    def _variance(shape: Array, scale: Array) -> Array:
        mean = scale / (shape - 1.0)
        return jnp.where(shape > 2.0, mean * mean * (shape / (shape - 2.0)), jnp.inf)

    @staticmethod
    def _entropy(shape: Array, scale: Array) -> Array:
        return jnp.log(scale) - jnp.log(shape) + 1.0 + 1.0 / shape

    @staticmethod
    def _starts(values: Vector, weights: Vector) -> list[dict[str, float]]:
        positive = (weights > 0.0) & (values > 0.0)
        if not positive.any():  # zeros only: the density at 0 has no maximum
            return [{"shape": 1.0, "scale": 1.0}]
        # the shape's estimate is closed for a given scale: the best of a grid of scales around the
        # sample's centre, from a tail of index near zero to all but exponential
        centre = float(np.exp(np.average(np.log(values[positive]), weights=weights[positive])))
        starts = []
        for scale in centre * np.logspace(-3.0, 4.0, 22):
            mean = float(np.average(np.log1p(values / scale), weights=weights))
            fit = -np.log(mean) - np.log(scale) - mean
            starts.append((fit, {"shape": 1.0 / mean, "scale": float(scale)}))
        return [max(starts, key=lambda pair: pair[0])[1]]


@final
class LogLogistic(Family):
    """Log-logistic (Fisk) distribution: P(X > x) = 1/(1 + (x/scale)^shape), x > 0.

    Density (shape/x) e^z/(1 + e^z)² with z = shape·log(x/scale). Parameters: ``shape`` > 0 and
    ``scale`` > 0, the median. Mean scale·b/sin b with b = π/shape for shape > 1, else infinite.
    Source: P. R. Fisk (1961), "The graduation of income distributions".

    Example:
        >>> import kullback as kl
        >>> kl.LogLogistic(shape=2.0, scale=3.0).quantile(0.5)
        3.0
    """

    canonical: ClassVar[Mapping[str, Support]] = {"shape": POSITIVE, "scale": POSITIVE}
    support = POSITIVE

    @staticmethod
    def _log_density(x: Array, shape: Array, scale: Array) -> Array:
        y = log_quotient(x, scale)
        z = shape * y
        # −log x is −y − log scale: no second logarithm of the row
        return log(shape) - log(scale) - y + (z - 2.0 * softplus(z))

    @staticmethod
    def _log_survival(x: Array, shape: Array, scale: Array) -> Array:
        return -softplus(shape * log_quotient(x, scale))

    @staticmethod
    def _log_cdf(x: Array, shape: Array, scale: Array) -> Array:
        return -softplus(-shape * log_quotient(x, scale))

    @staticmethod
    def _quantile(u: Array, shape: Array, scale: Array) -> Array:
        return scale * jnp.exp((jnp.log(u) - jnp.log1p(-u)) / shape)

    @staticmethod
    def _mean(shape: Array, scale: Array) -> Array:
        return Burr._mean(jnp.ones_like(shape), shape, scale)

    @staticmethod
    def _variance(shape: Array, scale: Array) -> Array:
        return Burr._variance(jnp.ones_like(shape), shape, scale)

    @staticmethod
    def _entropy(shape: Array, scale: Array) -> Array:
        return jnp.log(scale) - jnp.log(shape) + 2.0

    @staticmethod
    def _starts(values: Vector, weights: Vector) -> list[dict[str, float]]:
        start = _burr_start(1.0, _log_quartiles(values, weights))
        return [{"shape": start["shape2"], "scale": start["scale"]}]


@final
class Burr(Family):
    """Burr distribution (type XII): P(X > x) = (1 + (x/scale)^shape2)^−shape1, x > 0.

    Density (shape1·shape2/x) e^z (1 + e^z)^(−shape1−1) with z = shape2·log(x/scale). Parameters:
    ``shape1``, ``shape2`` and ``scale``, all positive. The tail index is shape1·shape2; shape1 = 1
    is the log-logistic, shape2 = 1 the Lomax distribution; as shape1 grows it becomes Weibull, and
    as shape2 grows while shape1·shape2 stays, Pareto. Mean
    scale·shape1·B(shape1 − 1/shape2, 1 + 1/shape2) for shape1·shape2 > 1, else infinite. Source:
    I. W. Burr (1942), "Cumulative frequency functions".

    Example:
        >>> import kullback as kl
        >>> kl.Burr(shape1=1.0, shape2=2.0, scale=3.0).quantile(0.5)
        3.0
    """

    canonical: ClassVar[Mapping[str, Support]] = {
        "shape1": POSITIVE,
        "shape2": POSITIVE,
        "scale": POSITIVE,
    }
    support = POSITIVE
    # in the first the scale grows along; in the second shape1 falls, and shape1·shape2 stays
    limits: ClassVar[Mapping[str, str]] = {"shape1": "Weibull", "shape2": "Pareto"}

    @staticmethod
    def _log_density(x: Array, shape1: Array, shape2: Array, scale: Array) -> Array:
        y = log_quotient(x, scale)
        z = shape2 * y
        constant = log(shape1) + log(shape2) - log(scale)
        return constant - y - softplus(-z) - shape1 * softplus(z)

    @staticmethod
    def _log_survival(x: Array, shape1: Array, shape2: Array, scale: Array) -> Array:
        return -shape1 * softplus(shape2 * log_quotient(x, scale))

    @staticmethod
    def _log_cdf(x: Array, shape1: Array, shape2: Array, scale: Array) -> Array:
        z = shape2 * log_quotient(x, scale)
        return log_cdf_of_hazard(shape1 * softplus(z), jnp.log(shape1) + log_softplus(z))

    @staticmethod
    def _quantile(u: Array, shape1: Array, shape2: Array, scale: Array) -> Array:
        return scale * jnp.exp(log_expm1(-jnp.log1p(-u) / shape1) / shape2)

    @staticmethod
    def _mean(shape1: Array, shape2: Array, scale: Array) -> Array:
        e = 1.0 / shape2
        finite = shape1 > e
        a = jnp.where(finite, shape1, 2.0 * e)
        near = e < 0.25 * a
        ratio = jnp.where(
            near,
            log_gamma_ratio(a, -jnp.where(near, e, 0.0)),
            log_gamma(a - e) - log_gamma(a),
        )
        mean = scale * jnp.exp(log_gamma_ratio(1.0, e) + ratio)
        return jnp.where(finite, mean, jnp.inf)

    @staticmethod
    def _variance(shape1: Array, shape2: Array, scale: Array) -> Array:
        e = 1.0 / shape2
        finite = shape1 > 2.0 * e
        a = jnp.where(finite, shape1, 3.0 * e)
        mean = Burr._mean(a, shape2, scale)
        log_ratio_of_moments = log_gamma_second_difference(
            jnp.ones_like(e), e
        ) + log_gamma_second_difference(a - 2.0 * e, e)
        return jnp.where(finite, mean * mean * jnp.expm1(log_ratio_of_moments), jnp.inf)

    @staticmethod
    def _entropy(shape1: Array, shape2: Array, scale: Array) -> Array:
        # E log(1 + e^z) = 1/shape1 and E z = ψ(1) − ψ(shape1)
        z = -EULER_GAMMA - digamma(shape1)
        constant = jnp.log(scale) - jnp.log(shape1) - jnp.log(shape2)
        return constant + (1.0 / shape2 - 1.0) * z + 1.0 + 1.0 / shape1

    @staticmethod
    def _starts(values: Vector, weights: Vector) -> list[dict[str, float]]:
        # the likelihood has separate hills near its Weibull, log-logistic and power-law ends
        quartiles = _log_quartiles(values, weights)
        return [_burr_start(shape1, quartiles) for shape1 in (1.0, 0.2, 4.0, 20.0)]


def _log_quartiles(values: Vector, weights: Vector) -> tuple[float, float, float]:
    """Give the weighted quartiles of the logarithms."""
    keep = weights > 0.0
    order = np.argsort(values[keep])
    logs, w = np.log(values[keep][order]), weights[keep][order]
    # each value at the middle of its weight
    positions = (np.cumsum(w) - 0.5 * w) / w.sum()
    low, middle, high = np.interp([0.25, 0.5, 0.75], positions, logs)
    if high - low < LEAST_SPREAD:  # most values tied: what spread there is tells the scale
        half = max(float(np.sqrt(np.average((logs - middle) ** 2, weights=w))), LEAST_SPREAD)
        low, high = middle - half, middle + half
    return float(low), float(middle), float(high)


def _burr_start(shape1: float, quartiles: tuple[float, float, float]) -> dict[str, float]:
    """Give the Burr distribution with this first shape that has the sample's quartiles."""
    low, middle, high = np.log(np.expm1(-np.log1p(-np.array([0.25, 0.5, 0.75])) / shape1))
    shape2 = float((high - low) / (quartiles[2] - quartiles[0]))
    # kept within the doubles for a sample that spreads over hundreds of orders of magnitude
    scale = math.exp(min(max(quartiles[1] - middle / shape2, -690.0), 690.0))
    return {"shape1": shape1, "shape2": shape2, "scale": scale}
