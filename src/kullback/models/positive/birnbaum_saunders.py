"""Birnbaum–Saunders distribution: cycles until a growing crack fails."""

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
from kullback.models.tails import Tail, Tails, half_line
from kullback.special.constants import HALF_LOG_TWO_PI
from kullback.special.logistic import softplus
from kullback.special.normal import log_ndtr, ndtri_exp
from kullback.special.numerics import log, log_quotient, reciprocal


@final
class BirnbaumSaunders(Family):
    """Birnbaum–Saunders (fatigue life): P(X ≤ x) = Φ((√(x/scale) − √(scale/x))/shape), x > 0.

    Density cosh(t/2) φ(2 sinh(t/2)/shape)/(shape x) with t = log(x/scale). Parameters: ``shape`` >
    0 and ``scale`` > 0, the median. Mean scale (1 + shape²/2). Source: Z. W. Birnbaum and S. C.
    Saunders (1969), "A new family of life distributions".

    Example:
        >>> import kullback as kl
        >>> kl.BirnbaumSaunders(shape=1.0, scale=2.0).mean()
        3.0
    """

    default_parameters: ClassVar[Mapping[str, Domain]] = {"shape": POSITIVE, "scale": POSITIVE}
    support = POSITIVE
    dimensions: ClassVar[Mapping[str, int]] = {"scale": 1}

    @staticmethod
    def _log_density(x: Array, shape: Array, scale: Array) -> Array:
        t = log_quotient(x, scale)
        xi = 2.0 * jnp.sinh(0.5 * t) * reciprocal(shape)
        # log cosh(t/2) = log(1 + e^t) − t/2 − log 2
        log_cosh = softplus(t) - 0.5 * t - math.log(2.0)
        return log_cosh - 0.5 * xi * xi - HALF_LOG_TWO_PI - log(shape) - jnp.log(x)

    @staticmethod
    def _log_cdf(x: Array, shape: Array, scale: Array) -> Array:
        return log_ndtr(2.0 * jnp.sinh(0.5 * log_quotient(x, scale)) * reciprocal(shape))

    @staticmethod
    def _log_survival(x: Array, shape: Array, scale: Array) -> Array:
        return log_ndtr(-2.0 * jnp.sinh(0.5 * log_quotient(x, scale)) * reciprocal(shape))

    @staticmethod
    def _quantile(u: Array, shape: Array, scale: Array) -> Array:
        t = 2.0 * jnp.arcsinh(0.5 * shape * ndtri_exp(jnp.log(u)))
        return scale * jnp.exp(t)

    @staticmethod
    def _draw(
        generator: np.random.Generator, size: tuple[int, ...], shape: float, scale: float
    ) -> Vector:
        z = generator.standard_normal(size)
        return np.asarray(scale * np.exp(2.0 * np.arcsinh(0.5 * shape * z)))

    @staticmethod
    def _mean(shape: Array, scale: Array) -> Array:
        return scale * (1.0 + 0.5 * shape * shape)

    @staticmethod
    def _variance(shape: Array, scale: Array) -> Array:
        spread = scale * shape
        return spread * spread * (1.0 + 1.25 * shape * shape)

    @staticmethod
    def _tails(shape: float, scale: float) -> Tails:
        rate = 0.5 / (shape**2 * scale)
        return half_line(Tail("stretched", 1.0), Tail("stretched", 1.0, rate, -0.5))

    @staticmethod
    def _starts(values: Vector, weights: Vector) -> list[dict[str, float]]:
        # arithmetic and harmonic mean: scale (1 + shape²/2) and scale/(1 + shape²/2)
        middle = float(np.exp(np.average(np.log(values), weights=weights)))
        x = values / middle
        mean = float(np.average(x, weights=weights))
        inverse = float(np.average(1.0 / x, weights=weights))
        ratio = math.sqrt(mean) * math.sqrt(inverse)
        shape = max(math.sqrt(2.0 * max(ratio - 1.0, 0.0)), LEAST_SPREAD)
        return [{"shape": shape, "scale": middle * math.sqrt(mean) / math.sqrt(inverse)}]
