"""Skew normal distribution: a normal one leaning to a side."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar, final

import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Array, Vector
from kullback._core.domains import POSITIVE, REAL, Domain
from kullback.models.caution import Caution
from kullback.models.family import Family
from kullback.models.starting_values import mean_and_deviation, start_scale
from kullback.models.tails import SQUARE, Tails, symmetric
from kullback.special.numerics import log, reciprocal
from kullback.special.skew_normal import log_cdf, log_density

_ROOT_TWO_OVER_PI = math.sqrt(2.0 / math.pi)
# No estimate is so far out: Φ falls from 1 to 0 within a part of 1e-10 of a scale.
_ENDLESS = 1e10
# Starts lie between these: at shape 0 the scores are dependent, and skewness is below 0.9953.
_LEAST_SKEWNESS, _MOST_SKEWNESS = 0.02, 0.95


@final
class SkewNormal(Family):
    """Skew normal distribution: q(x) = 2 φ(z) Φ(shape z)/scale, z = (x − loc)/scale.

    Parameters: ``loc``, ``scale`` > 0 and any real ``shape``; at shape 0 it is normal, and its
    information matrix is singular there. As shape grows it becomes half-normal from ``loc``. Mean
    loc + scale δ √(2/π) with δ = shape/√(1 + shape²). Source: A. Azzalini (1985), "A class of
    distributions which includes the normal ones"; R's package sn calls the parameters xi, omega
    and alpha.

    Example:
        >>> import kullback as kl
        >>> kl.SkewNormal(loc=1.0, scale=2.0, shape=0.0).mean()
        1.0
    """

    default_parameters: ClassVar[Mapping[str, Domain]] = {
        "loc": REAL,
        "scale": POSITIVE,
        "shape": REAL,
    }
    support = REAL
    dimensions: ClassVar[Mapping[str, int]] = {"loc": 1, "scale": 1}
    limits: ClassVar[Mapping[str, str]] = {"shape": "a half-normal from loc"}

    @staticmethod
    def _log_density(x: Array, loc: Array, scale: Array, shape: Array) -> Array:
        return log_density((x - loc) * reciprocal(scale), shape) - log(scale)

    @staticmethod
    def _log_cdf(x: Array, loc: Array, scale: Array, shape: Array) -> Array:
        return log_cdf((x - loc) * reciprocal(scale), shape)

    @staticmethod
    def _log_survival(x: Array, loc: Array, scale: Array, shape: Array) -> Array:
        return log_cdf((loc - x) * reciprocal(scale), -shape)

    @staticmethod
    def _draw(
        generator: np.random.Generator,
        size: tuple[int, ...],
        loc: float,
        scale: float,
        shape: float,
    ) -> Vector:
        first, second = generator.standard_normal((2, *size))
        root = math.hypot(1.0, shape)
        return np.asarray(loc + scale * (shape / root * np.abs(first) + second / root))

    @staticmethod
    def _mean(loc: Array, scale: Array, shape: Array) -> Array:
        return loc + scale * _ROOT_TWO_OVER_PI * _delta(shape)

    @staticmethod
    def _variance(loc: Array, scale: Array, shape: Array) -> Array:  # noqa: ARG004  # by keyword
        return scale * scale * (1.0 - (_ROOT_TWO_OVER_PI * _delta(shape)) ** 2)

    @staticmethod
    def _tails(**_: float) -> Tails:
        return symmetric(SQUARE)

    @staticmethod
    def _caution(loc: float, scale: float, shape: float) -> Caution | None:  # noqa: ARG004
        if not abs(shape) > _ENDLESS:
            return None
        return Caution(
            "The likelihood keeps increasing as shape diverges, towards a half-normal from loc: in "
            "small samples that is not rare. Bound the shape, shape=kl.Param(lower=-20.0, "
            "upper=20.0), or take another family.",
            no_maximum=True,
            reason=f"no maximum: shape diverges to {'' if shape > 0.0 else '−'}infinity",
            instead=True,
        )

    @staticmethod
    def _starts(values: Vector, weights: Vector) -> list[dict[str, float]]:
        mean, sd = mean_and_deviation(values, weights)
        sd = start_scale(mean, sd)
        skewness = float(np.average(((values - mean) / sd) ** 3, weights=weights))
        own = math.copysign(min(max(abs(skewness), _LEAST_SKEWNESS), _MOST_SKEWNESS), skewness)
        # the sample's skewness, and a moderate one to the other side: there may be two maxima
        return [_by_moments(mean, sd, s) for s in (own, -math.copysign(0.3, own))]


def _delta(shape: Array) -> Array:
    return shape / jnp.sqrt(1.0 + shape * shape)


def _by_moments(mean: float, sd: float, skewness: float) -> dict[str, float]:
    """Solve mean, deviation and skewness (4 − π)/2 m³/(1 − m²)^(3/2), with m = √(2/π) δ."""
    r = math.cbrt(2.0 * skewness / (4.0 - math.pi))
    m = r / math.sqrt(1.0 + r * r)
    delta = m / _ROOT_TWO_OVER_PI
    scale = sd / math.sqrt(1.0 - m * m)
    shape = delta / math.sqrt(1.0 - delta * delta)
    return {"loc": mean - scale * m, "scale": scale, "shape": shape}
