"""Exponential distribution: waiting times with a constant hazard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, final

import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Array, Numbers, Vector
from kullback._core.domains import NON_NEGATIVE, POSITIVE, Domain
from kullback.models.family import Family
from kullback.models.parametrisation import Parametrisation
from kullback.models.tails import FLAT, Tail, Tails, half_line
from kullback.special.hazards import log_cdf_of_hazard
from kullback.special.numerics import log, reciprocal


@final
class Exponential(Family):
    """Exponential distribution: q(x) = rate e^(−rate x), x ≥ 0.

    Parameter: ``rate`` > 0; also by ``scale`` = 1/rate, the mean. Source:
    N. L. Johnson, S. Kotz and N. Balakrishnan (1994), Continuous Univariate Distributions 1,
    chapter 19.

    Example:
        >>> import kullback as kl
        >>> kl.Exponential(rate=0.5).mean()
        2.0
    """

    default_parameters: ClassVar[Mapping[str, Domain]] = {"rate": POSITIVE}
    support = NON_NEGATIVE
    falling = True
    dimensions: ClassVar[Mapping[str, int]] = {"rate": -1, "scale": 1}
    alternatives = (
        Parametrisation(
            {"scale": POSITIVE},
            lambda scale: {"rate": reciprocal(scale)},
            lambda rate: {"scale": 1.0 / rate},
        ),
    )

    @staticmethod
    def _statistics(x: Numbers, origin: Numbers) -> tuple[Numbers, ...]:
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
    def _tails(rate: float) -> Tails:
        return half_line(FLAT, Tail("stretched", 1.0, rate))

    @staticmethod
    def _estimate(
        means: Sequence[float], origin: float, fixed: Mapping[str, float]
    ) -> dict[str, float] | None:
        mean = origin + means[0]
        return None if fixed or mean <= 0.0 else {"rate": 1.0 / mean}

    @staticmethod
    def _starts(values: Vector, weights: Vector) -> list[dict[str, float]]:
        mean = float(np.average(values, weights=weights))
        return [{"rate": 1.0 / mean if mean > 0.0 else 1.0}]  # zeros only: unbounded in the rate
