"""Rayleigh distribution: the length of a two-dimensional normal vector."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import ClassVar, final

import jax.numpy as jnp

from kullback._core.arrays import Array, Numbers, Vector
from kullback._core.domains import POSITIVE, Domain
from kullback.models.family import Family
from kullback.models.starting_values import root_mean_square
from kullback.models.tails import SQUARE, Tail, Tails, half_line
from kullback.special.constants import EULER_GAMMA, LOG_TWO
from kullback.special.hazards import log_cdf_of_hazard
from kullback.special.numerics import log, log_quotient, reciprocal


@final
class Rayleigh(Family):
    """Rayleigh distribution: P(X > x) = exp(−x²/(2 scale²)), x > 0: the length of a normal vector.

    Density (x/scale²) exp(−x²/(2 scale²)). Parameter: ``scale`` > 0. Mean scale √(π/2). Source:
    N. L. Johnson, S. Kotz and N. Balakrishnan (1994), Continuous Univariate Distributions 1,
    chapter 18.

    Example:
        >>> import kullback as kl
        >>> kl.Rayleigh(scale=2.0).log_survival(4.0)
        -2.0
    """

    default_parameters: ClassVar[Mapping[str, Domain]] = {"scale": POSITIVE}
    support = POSITIVE
    dimensions: ClassVar[Mapping[str, int]] = {"scale": 1}

    @staticmethod
    def _statistics(x: Numbers, origin: Numbers) -> tuple[Numbers, ...]:
        w = reciprocal(origin)
        return (log_quotient(x, origin), ((x - origin) * w) * ((x + origin) * w))

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
        return log_cdf_of_hazard(0.5 * y * y, 2.0 * (jnp.log(x) - jnp.log(scale)) - LOG_TWO)

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
        return 1.0 + 0.5 * (EULER_GAMMA - LOG_TWO) + jnp.log(scale)

    @staticmethod
    def _tails(**_: float) -> Tails:
        return half_line(Tail("power", 2.0), SQUARE)

    @staticmethod
    def _estimate(
        means: Sequence[float], origin: float, fixed: Mapping[str, float]
    ) -> dict[str, float] | None:
        return None if fixed else {"scale": origin * (0.5 * (1.0 + means[1])) ** 0.5}

    @staticmethod
    def _starts(values: Vector, weights: Vector) -> list[dict[str, float]]:
        return [{"scale": root_mean_square(values, weights) / 2.0**0.5}]
