"""Laplace distribution: exponential on both sides of its median."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, final

import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Array, Vector
from kullback._core.domains import POSITIVE, REAL, Domain
from kullback.models.family import Family
from kullback.models.row_functions import OrderStatistic
from kullback.models.starting_values import (
    start_scale,
    weighted_quantiles,
)
from kullback.models.tails import Tail, Tails, symmetric
from kullback.special.constants import LOG_TWO
from kullback.special.numerics import log, reciprocal
from kullback.special.smooth import log1mexp, log_complement


@final
class Laplace(Family):
    """Laplace distribution: q(x) = exp(−|x − loc|/scale) / (2 scale), x any number.

    Parameters: ``loc`` (mean and median; its estimate is the sample's median) and ``scale`` > 0
    (the mean distance from loc). Variance 2 scale². With a formula, as in
    ``Laplace(loc="~ age")``, loc is the median regression, the plane of least absolute deviations.
    Source: N. L. Johnson, S. Kotz and
    N. Balakrishnan (1995), Continuous Univariate Distributions 2, chapter 24.

    Example:
        >>> import kullback as kl
        >>> kl.Laplace(loc=1.0, scale=2.0).variance()
        8.0
    """

    default_parameters: ClassVar[Mapping[str, Domain]] = {"loc": REAL, "scale": POSITIVE}
    support = REAL
    dimensions: ClassVar[Mapping[str, int]] = {"loc": 1, "scale": 1}
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
    def _log_between(lower: Array, upper: Array, loc: Array, scale: Array) -> Array:
        # on both sides of the peak, where the density has a kink, the masses of the two sides
        below, above = (loc - lower) * reciprocal(scale), (upper - loc) * reciprocal(scale)
        both = (below > 0.0) & (above > 0.0)
        sides = [-jnp.expm1(-jnp.where(both, distance, 1.0)) for distance in (below, above)]
        nearer = jnp.where(both, 0.0, jnp.minimum(jnp.abs(below), jnp.abs(above)))
        one_side = log1mexp(-jnp.where(both, 1.0, (upper - lower) * reciprocal(scale))) - nearer
        return jnp.where(both, log(sides[0] + sides[1]), one_side) - LOG_TWO

    @staticmethod
    def _quantile(u: Array, loc: Array, scale: Array) -> Array:
        lower = jnp.log(2.0 * jnp.where(u < 0.5, u, 0.5))
        upper = jnp.log(2.0 * jnp.where(u < 0.5, 0.5, 1.0 - u))
        return loc + scale * (lower - upper)

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
    def _tails(loc: float, scale: float) -> Tails:
        return symmetric(Tail("stretched", 1.0, 1.0 / scale), loc)

    @staticmethod
    def _starts(values: Vector, weights: Vector) -> list[dict[str, float]]:
        (median,) = weighted_quantiles(values, weights, (0.5,))
        distance = float(np.average(np.abs(values - median), weights=weights))
        return [{"loc": median, "scale": start_scale(median, distance)}]


def _log_laplace_tail(z: Array) -> Array:
    """Log-probability that a standard Laplace variable exceeds z."""
    above = z >= 0.0
    return jnp.where(above, -z - LOG_TWO, log_complement(0.5 * jnp.exp(jnp.where(above, 0.0, z))))
