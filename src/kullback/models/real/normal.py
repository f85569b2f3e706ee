"""Normal distribution, by standard deviation or variance."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import ClassVar, final

import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Array, Numbers, Vector
from kullback._core.domains import POSITIVE, REAL, Domain
from kullback.models.family import Family
from kullback.models.parametrisation import Parametrisation
from kullback.models.starting_values import (
    mean_and_deviation,
    start_scale,
)
from kullback.models.tails import SQUARE, Tails, symmetric
from kullback.special.constants import HALF_LOG_TWO_PI
from kullback.special.normal import (
    inverse_mills,
    log_ndtr,
    mills_curvature,
    mills_ratio,
    mills_slope,
    ndtri_exp,
)
from kullback.special.numerics import log, reciprocal


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

    default_parameters: ClassVar[Mapping[str, Domain]] = {"loc": REAL, "scale": POSITIVE}
    support = REAL
    dimensions: ClassVar[Mapping[str, int]] = {"loc": 1, "scale": 1, "variance": 2}
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
    def _draw(
        generator: np.random.Generator, size: tuple[int, ...], loc: float, scale: float
    ) -> Vector:
        return loc + scale * generator.standard_normal(size)

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
    def _cut_moments(end: float, side: float, loc: Array, scale: Array) -> tuple[Array, Array]:
        # the distance from the end has the density e^(−z t − t²/2) / M(z): its cumulants are
        # derivatives of log M, −M'/M and M''/M − (M'/M)²
        z = side * (end - loc) * reciprocal(scale)
        above = jnp.maximum(z, 0.0)
        mills = reciprocal(mills_ratio(above))
        far = mills_slope(above) * mills
        hazard = inverse_mills(jnp.maximum(-z, 0.0))
        mean = jnp.where(z > 0.0, far, hazard - z)
        # M'' = M − z (−M'), of which the series is used where that would cancel
        part = jnp.where(z > 12.0, mills_curvature(above) * mills, 1.0 - above * far)
        spread = part - far * far
        variance = jnp.where(z > 0.0, spread, 1.0 - hazard * (hazard - z))
        return end + side * scale * mean, scale * scale * variance

    @staticmethod
    def _tails(**_: float) -> Tails:
        return symmetric(SQUARE)

    @staticmethod
    def _estimate(
        means: Sequence[float], origin: float, fixed: Mapping[str, float]
    ) -> dict[str, float] | None:
        loc = fixed.get("loc", origin + means[0])
        shift = fixed["loc"] - origin if "loc" in fixed else means[0]
        variance = (means[1] - means[0] * means[0]) + (means[0] - shift) ** 2
        if "scale" not in fixed and not variance > 0.0:
            return None  # a constant sample: the likelihood grows without bound as scale → 0
        return {"loc": loc, "scale": fixed.get("scale", math.sqrt(max(variance, 0.0)))}

    @staticmethod
    def _starts(values: Vector, weights: Vector) -> list[dict[str, float]]:
        mean, sd = mean_and_deviation(values, weights)
        return [{"loc": mean, "scale": start_scale(mean, sd)}]
