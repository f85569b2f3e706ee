"""Log-logistic (Fisk) distribution: the logarithm is logistic."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, final

import jax.numpy as jnp

from kullback._core.arrays import Array, Vector
from kullback._core.domains import POSITIVE, Domain
from kullback.models.family import Family
from kullback.models.positive.burr import Burr, burr_start, log_quartiles
from kullback.models.tails import Tails, burr
from kullback.special.logistic import softplus
from kullback.special.numerics import log, log_quotient


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

    default_parameters: ClassVar[Mapping[str, Domain]] = {"shape": POSITIVE, "scale": POSITIVE}
    support = POSITIVE
    dimensions: ClassVar[Mapping[str, int]] = {"scale": 1}

    @staticmethod
    def _log_density(x: Array, shape: Array, scale: Array) -> Array:
        y = log_quotient(x, scale)
        z = shape * y
        # −log x is −y − log scale, which saves a second logarithm of the row
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
    def _tails(shape: float, **_: float) -> Tails:
        return burr(1.0, shape)

    @staticmethod
    def _starts(values: Vector, weights: Vector) -> list[dict[str, float]]:
        start = burr_start(1.0, log_quartiles(values, weights))
        return [{"shape": start["shape2"], "scale": start["scale"]}]
