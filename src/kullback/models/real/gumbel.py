"""Gumbel distribution: block maxima with a light tail."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import ClassVar, final

import jax.numpy as jnp

from kullback._core.arrays import Array, Vector
from kullback._core.domains import POSITIVE, REAL, Domain
from kullback.models.extreme_values import log_cdf_of_maximum, log_survival_of_maximum, maxima_start
from kullback.models.family import Family
from kullback.models.starting_values import l_moments
from kullback.models.tails import Tails, gumbel
from kullback.special.constants import EULER_GAMMA
from kullback.special.numerics import log, reciprocal


@final
class Gumbel(Family):
    """Gumbel distribution of maxima: P(X ≤ x) = exp(−e^−z), z = (x − loc)/scale, x any number.

    Density e^(−z − e^−z)/scale. Parameters: ``loc`` (the mode) and ``scale`` > 0. Mean
    loc + γ scale (γ = 0.5772...), variance π² scale²/6. Source: S. Coles (2001), An Introduction to
    Statistical Modeling of Extreme Values, section 3.1.2.

    Example:
        >>> import kullback as kl
        >>> kl.Gumbel(loc=1.0, scale=2.0).log_cdf(1.0)
        -1.0
    """

    default_parameters: ClassVar[Mapping[str, Domain]] = {"loc": REAL, "scale": POSITIVE}
    support = REAL
    dimensions: ClassVar[Mapping[str, int]] = {"loc": 1, "scale": 1}
    exponential_tail = "lower"

    @staticmethod
    def _log_density(x: Array, loc: Array, scale: Array) -> Array:
        z = (x - loc) * reciprocal(scale)
        return -z - jnp.exp(-z) - log(scale)

    @staticmethod
    def _coordinate(x: Vector, origin: Vector) -> Vector:
        return x - origin

    @staticmethod
    def _log_density_of_coordinate(
        t: Array,
        exponential: Callable[[Array, Array], Array],
        origin: Array,
        loc: Array,
        scale: Array,
    ) -> Array:
        r = reciprocal(scale)
        h = (origin - loc) * r
        return -(t * r + h) - exponential(-r, -h) - log(scale)

    @staticmethod
    def _log_cdf(x: Array, loc: Array, scale: Array) -> Array:
        return log_cdf_of_maximum((x - loc) * reciprocal(scale))

    @staticmethod
    def _log_survival(x: Array, loc: Array, scale: Array) -> Array:
        return log_survival_of_maximum((x - loc) * reciprocal(scale))

    @staticmethod
    def _quantile(u: Array, loc: Array, scale: Array) -> Array:
        return loc - scale * jnp.log(-jnp.log(u))

    @staticmethod
    def _mean(loc: Array, scale: Array) -> Array:
        return loc + EULER_GAMMA * scale

    @staticmethod
    def _variance(loc: Array, scale: Array) -> Array:  # noqa: ARG004  # by keyword
        return (math.pi**2 / 6.0) * scale * scale

    @staticmethod
    def _entropy(loc: Array, scale: Array) -> Array:  # noqa: ARG004
        return log(scale) + (1.0 + EULER_GAMMA)

    @staticmethod
    def _tails(scale: float, **_: float) -> Tails:
        return gumbel(scale)

    @staticmethod
    def _starts(values: Vector, weights: Vector) -> list[dict[str, float]]:
        start = maxima_start(values, weights, l_moments(values, weights), 0.0)
        return [{"loc": start["loc"], "scale": start["scale"]}]
