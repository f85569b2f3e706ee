"""Geometric distribution: failures before the first success."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, final

import jax.numpy as jnp

from kullback._core.arrays import Array, Vector
from kullback._core.domains import (
    COUNTS,
    NON_NEGATIVE,
    Domain,
    Interval,
)
from kullback.models.family import Family
from kullback.models.parametrisation import Parametrisation
from kullback.models.starting_values import mean_inside
from kullback.special.numerics import log, log1p, reciprocal, xlog1py
from kullback.special.smooth import log1mexp


def _failure_hazard(probability: Array, mean: Array | None) -> Array:
    """−log(1 − probability)."""
    return -log1p(-probability) if mean is None else log1p(reciprocal(mean))


@final
class Geometric(Family):
    """Geometric distribution: q(x) = probability (1 − probability)^x, x = 0, 1, 2, ...

    The number of failures before the first success. Parameter: 0 < ``probability`` ≤ 1; also by
    ``mean`` = (1 − probability)/probability. Source: N. L. Johnson, A. W. Kemp and S. Kotz (2005),
    Univariate Discrete Distributions, section 5.2.

    Example:
        >>> import kullback as kl
        >>> kl.Geometric(probability=0.25).mean()
        3.0
    """

    default_parameters: ClassVar[Mapping[str, Domain]] = {
        "probability": Interval(lower=0.0, upper=1.0, holds_upper=True)
    }
    support = COUNTS
    # the mean is kept: near probability 1 it has the digits that 1 − probability loses
    alternatives = (
        Parametrisation(
            {"mean": NON_NEGATIVE},
            lambda mean: {"probability": reciprocal(1.0 + mean), "mean": mean},
            lambda probability: {"mean": (1.0 - probability) / probability},
        ),
    )

    @staticmethod
    def _log_density(x: Array, probability: Array, mean: Array | None = None) -> Array:
        if mean is None:
            return log(probability) + xlog1py(x, -probability)
        return -log1p(mean) - xlog1py(x, reciprocal(mean))

    @staticmethod
    def _log_cdf(x: Array, probability: Array, mean: Array | None = None) -> Array:
        return log1mexp(Geometric._log_survival(x, probability, mean))

    @staticmethod
    def _log_survival(x: Array, probability: Array, mean: Array | None = None) -> Array:
        return -(x + 1.0) * _failure_hazard(probability, mean)

    @staticmethod
    def _quantile(u: Array, probability: Array, mean: Array | None = None) -> Array:
        x = jnp.ceil(-jnp.log1p(-u) / _failure_hazard(probability, mean)) - 1.0
        return jnp.maximum(x, 0.0)

    @staticmethod
    def _mean(probability: Array, mean: Array | None = None) -> Array:
        return (1.0 - probability) / probability if mean is None else mean

    @staticmethod
    def _variance(probability: Array, mean: Array | None = None) -> Array:
        return Geometric._mean(probability, mean) / probability

    @staticmethod
    def _entropy(probability: Array, mean: Array | None = None) -> Array:
        m = Geometric._mean(probability, mean)
        return jnp.log1p(m) + xlog1py(m, 1.0 / m)

    @staticmethod
    def _starts(values: Vector, weights: Vector) -> list[dict[str, float]]:
        return [{"probability": 1.0 / (1.0 + mean_inside(values, weights))}]
