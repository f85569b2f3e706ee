"""Pareto distribution: a power of the outcome above a minimum."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, final

import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Array, Numbers, Vector
from kullback._core.domains import POSITIVE, Domain
from kullback.models.family import Family
from kullback.models.row_functions import OrderStatistic
from kullback.models.starting_values import LEAST_SPREAD
from kullback.models.tails import FLAT, Tail, Tails, half_line
from kullback.special.numerics import log, log_quotient
from kullback.special.smooth import log1mexp


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

    default_parameters: ClassVar[Mapping[str, Domain]] = {"shape": POSITIVE, "minimum": POSITIVE}
    support = POSITIVE
    dimensions: ClassVar[Mapping[str, int]] = {"minimum": 1}
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
    def _log_between(lower: Array, upper: Array, shape: Array, minimum: Array) -> Array:
        above, none = lower > minimum, upper <= jnp.maximum(lower, minimum)
        y = jnp.where(above, log_quotient(jnp.where(above, lower, minimum), minimum), 0.0)
        low = jnp.where(above, lower, minimum)
        width = log_quotient(jnp.where(none, 2.0 * low, upper), low)
        return jnp.where(none, -jnp.inf, log1mexp(-shape * width) - shape * y)

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
    def _tails(shape: float, minimum: float) -> Tails:
        return half_line(FLAT, Tail("power", shape), minimum)

    @staticmethod
    def _estimate(
        means: Sequence[float], origin: float, fixed: Mapping[str, float]
    ) -> dict[str, float] | None:
        if set(fixed) != {"minimum"}:
            return None
        mean = float(np.log(origin / fixed["minimum"])) + means[0]
        return {"shape": 1.0 / mean, "minimum": fixed["minimum"]} if mean > 0.0 else None

    @staticmethod
    def _starts(values: Vector, weights: Vector) -> list[dict[str, float]]:
        minimum = float(values[weights > 0.0].min())
        mean = float(np.average(np.log(values / minimum), weights=weights))
        return [{"shape": 1.0 / max(mean, LEAST_SPREAD), "minimum": minimum}]
