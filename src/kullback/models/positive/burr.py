"""Burr distribution (type XII): a heavy tail with two shapes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar, final

import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Array, Vector
from kullback._core.domains import POSITIVE, Domain
from kullback.models.family import Family
from kullback.models.starting_values import LEAST_SPREAD
from kullback.models.tails import Tails, burr
from kullback.special.constants import EULER_GAMMA
from kullback.special.gamma import (
    digamma,
    log_gamma,
    log_gamma_ratio,
    log_gamma_second_difference,
)
from kullback.special.hazards import log_cdf_of_hazard
from kullback.special.logistic import log_softplus, softplus
from kullback.special.numerics import log, log_quotient
from kullback.special.smooth import log_expm1


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

    default_parameters: ClassVar[Mapping[str, Domain]] = {
        "shape1": POSITIVE,
        "shape2": POSITIVE,
        "scale": POSITIVE,
    }
    support = POSITIVE
    dimensions: ClassVar[Mapping[str, int]] = {"scale": 1}
    # in the first the scale grows too; in the second shape1 falls and shape1·shape2 stays constant
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
    def _tails(shape1: float, shape2: float, **_: float) -> Tails:
        return burr(shape1, shape2)

    @staticmethod
    def _starts(values: Vector, weights: Vector) -> list[dict[str, float]]:
        # the likelihood has separate peaks near its Weibull, log-logistic and Pareto limits
        quartiles = log_quartiles(values, weights)
        return [burr_start(shape1, quartiles) for shape1 in (1.0, 0.2, 4.0, 20.0)]


def log_quartiles(values: Vector, weights: Vector) -> tuple[float, float, float]:
    """Return the weighted quartiles of the logarithms."""
    keep = weights > 0.0
    order = np.argsort(values[keep])
    logs, w = np.log(values[keep][order]), weights[keep][order]
    # each value at the middle of its weight
    positions = (np.cumsum(w) - 0.5 * w) / w.sum()
    low, middle, high = np.interp([0.25, 0.5, 0.75], positions, logs)
    if high - low < LEAST_SPREAD:  # most values tied: use the standard deviation
        half = max(float(np.sqrt(np.average((logs - middle) ** 2, weights=w))), LEAST_SPREAD)
        low, high = middle - half, middle + half
    return float(low), float(middle), float(high)


def burr_start(shape1: float, quartiles: tuple[float, float, float]) -> dict[str, float]:
    """Return the parameters that match the sample's quartiles at this first shape."""
    low, middle, high = np.log(np.expm1(-np.log1p(-np.array([0.25, 0.5, 0.75])) / shape1))
    shape2 = float((high - low) / (quartiles[2] - quartiles[0]))
    # stays finite for a sample that spreads over hundreds of orders of magnitude
    scale = math.exp(min(max(quartiles[1] - middle / shape2, -690.0), 690.0))
    return {"shape1": shape1, "shape2": shape2, "scale": scale}
