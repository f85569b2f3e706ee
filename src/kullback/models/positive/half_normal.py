"""Half-normal distribution: the absolute value of a centred normal variable."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import ClassVar, final

import jax
import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Array, Numbers, Vector
from kullback._core.domains import NON_NEGATIVE, POSITIVE, Domain
from kullback.models.family import Family
from kullback.models.starting_values import root_mean_square
from kullback.models.tails import FLAT, SQUARE, Tails, half_line
from kullback.special.constants import LOG_TWO, LOG_TWO_PI
from kullback.special.normal import log_ndtr, ndtri_exp
from kullback.special.numerics import log, reciprocal


@final
class HalfNormal(Family):
    """Half-normal distribution: the absolute value of a normal variable with mean zero.

    Density √(2/π)/scale · exp(−x²/(2 scale²)), x ≥ 0. Parameter: ``scale`` > 0, the standard
    deviation of that normal variable. Mean scale √(2/π). Source: N. L. Johnson,
    S. Kotz and N. Balakrishnan (1994), Continuous Univariate Distributions 1, chapter 13.

    Example:
        >>> import kullback as kl
        >>> kl.HalfNormal(scale=2.0).log_survival(0.0)
        0.0
    """

    default_parameters: ClassVar[Mapping[str, Domain]] = {"scale": POSITIVE}
    support = NON_NEGATIVE
    falling = True
    dimensions: ClassVar[Mapping[str, int]] = {"scale": 1}

    @staticmethod
    def _statistics(x: Numbers, origin: Numbers) -> tuple[Numbers, ...]:
        return ((x - origin) * (x + origin),)

    @staticmethod
    def _log_density_of(statistics: Sequence[Array], origin: Array, scale: Array) -> Array:
        r = reciprocal(scale)
        square = r * r * (origin * origin + statistics[0])
        return 0.5 * (2.0 * LOG_TWO - LOG_TWO_PI - square) - log(scale)

    @staticmethod
    def _log_density(x: Array, scale: Array) -> Array:
        y = x * reciprocal(scale)
        return 0.5 * (2.0 * LOG_TWO - LOG_TWO_PI - y * y) - log(scale)

    @staticmethod
    def _log_survival(x: Array, scale: Array) -> Array:
        y = x * reciprocal(scale)
        below = y < 1.0  # where 1 − erf keeps its digits
        near = jnp.log1p(-jax.lax.erf(jnp.where(below, y, 0.0) * math.sqrt(0.5)))
        return jnp.where(below, near, LOG_TWO + log_ndtr(-jnp.where(below, 1.0, y)))

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
        far = -ndtri_exp(jnp.log1p(-jnp.where(low, 0.5, u)) - LOG_TWO)
        return scale * jnp.where(low, near, far)

    @staticmethod
    def _draw(generator: np.random.Generator, size: tuple[int, ...], scale: float) -> Vector:
        return scale * np.abs(generator.standard_normal(size))

    @staticmethod
    def _mean(scale: Array) -> Array:
        return scale * math.sqrt(2.0 / math.pi)

    @staticmethod
    def _variance(scale: Array) -> Array:
        return (1.0 - 2.0 / math.pi) * scale * scale

    @staticmethod
    def _entropy(scale: Array) -> Array:
        return 0.5 * (1.0 + LOG_TWO_PI) - LOG_TWO + jnp.log(scale)

    @staticmethod
    def _tails(**_: float) -> Tails:
        return half_line(FLAT, SQUARE)

    @staticmethod
    def _estimate(
        means: Sequence[float], origin: float, fixed: Mapping[str, float]
    ) -> dict[str, float] | None:
        square = origin * origin + means[0]
        return None if fixed or square <= 0.0 else {"scale": square**0.5}

    @staticmethod
    def _starts(values: Vector, weights: Vector) -> list[dict[str, float]]:
        scale = root_mean_square(values, weights)
        return [{"scale": scale if scale > 0.0 else 1.0}]  # zeros only: unbounded in the scale
