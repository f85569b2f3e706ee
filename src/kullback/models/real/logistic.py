"""Logistic distribution: its distribution function is the logistic function."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar, final

import jax.numpy as jnp

from kullback._core.arrays import Array, Vector
from kullback._core.domains import POSITIVE, REAL, Domain
from kullback.models.family import Family
from kullback.models.starting_values import (
    symmetric_starts,
)
from kullback.models.tails import Tail, Tails, symmetric
from kullback.special.logistic import logistic, softplus
from kullback.special.numerics import log, reciprocal
from kullback.special.partials import with_partials


@with_partials(lambda z: 1.0 - 2.0 * logistic(z))
def _log_logistic_density(z: Array) -> Array:
    size = jnp.abs(z)
    return -size - 2.0 * jnp.log1p(jnp.exp(-size))


@final
class Logistic(Family):
    """Logistic distribution: P(X ≤ x) = 1 / (1 + e^−z), z = (x − loc)/scale, x any number.

    Density e^−z / (scale (1 + e^−z)²). Parameters: ``loc`` (mean and median) and ``scale`` > 0.
    Variance π² scale²/3. Source: N. L. Johnson, S. Kotz and N. Balakrishnan (1995), Continuous
    Univariate Distributions 2, chapter 23.

    Example:
        >>> import kullback as kl
        >>> kl.Logistic(loc=1.0, scale=2.0).cdf(1.0)
        0.5
    """

    default_parameters: ClassVar[Mapping[str, Domain]] = {"loc": REAL, "scale": POSITIVE}
    support = REAL
    dimensions: ClassVar[Mapping[str, int]] = {"loc": 1, "scale": 1}

    @staticmethod
    def _log_density(x: Array, loc: Array, scale: Array) -> Array:
        return _log_logistic_density((x - loc) * reciprocal(scale)) - log(scale)

    @staticmethod
    def _log_cdf(x: Array, loc: Array, scale: Array) -> Array:
        return -softplus((loc - x) * reciprocal(scale))

    @staticmethod
    def _log_survival(x: Array, loc: Array, scale: Array) -> Array:
        return -softplus((x - loc) * reciprocal(scale))

    @staticmethod
    def _quantile(u: Array, loc: Array, scale: Array) -> Array:
        return loc + scale * (jnp.log(u) - jnp.log1p(-u))

    @staticmethod
    def _mean(loc: Array, scale: Array) -> Array:  # noqa: ARG004
        return loc

    @staticmethod
    def _variance(loc: Array, scale: Array) -> Array:  # noqa: ARG004
        return (math.pi**2 / 3.0) * scale * scale

    @staticmethod
    def _entropy(loc: Array, scale: Array) -> Array:  # noqa: ARG004
        return log(scale) + 2.0

    @staticmethod
    def _tails(scale: float, **_: float) -> Tails:
        return symmetric(Tail("stretched", 1.0, 1.0 / scale))

    @staticmethod
    def _starts(values: Vector, weights: Vector) -> list[dict[str, float]]:
        return symmetric_starts(values, weights, math.log(3.0), math.pi / math.sqrt(3.0))
