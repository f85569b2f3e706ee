"""Poisson distribution: counts of independent events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, final

import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Array, Vector
from kullback._core.domains import (
    COUNTS,
    NON_NEGATIVE,
    Domain,
)
from kullback.models.family import Family
from kullback.models.samplers import draw_poisson
from kullback.models.starting_values import mean_inside
from kullback.special.count_entropy import entropy_on_grid
from kullback.special.incomplete_gamma import log_gamma_p, log_gamma_pq, log_gamma_q
from kullback.special.saddle_point import poisson_deviance, stirling_remainder_of_count


@final
class Poisson(Family):
    """Poisson distribution: q(x) = rate^x e^(−rate) / x!, x = 0, 1, 2, ...

    Parameter: ``rate`` ≥ 0. Mean and variance ``rate``. Source: N. L. Johnson, A. W. Kemp and
    S. Kotz (2005), Univariate Discrete Distributions, eq. 4.1; evaluated in the saddle-point form
    of C. Loader (2000).

    Example:
        >>> import kullback as kl
        >>> kl.Poisson(rate=3.5).variance()
        3.5
    """

    default_parameters: ClassVar[Mapping[str, Domain]] = {"rate": NON_NEGATIVE}
    support = COUNTS

    @staticmethod
    def _log_density(x: Array, rate: Array) -> Array:
        positive = rate > 0.0
        deviance = poisson_deviance(x, jnp.where(positive, rate, 1.0))
        value = -stirling_remainder_of_count(x) - deviance
        return jnp.where(positive, value, jnp.where(x == 0.0, -rate, -jnp.inf))

    @staticmethod
    def _log_cdf(x: Array, rate: Array) -> Array:
        return log_gamma_q(x + 1.0, rate)

    @staticmethod
    def _log_survival(x: Array, rate: Array) -> Array:
        return log_gamma_p(x + 1.0, rate)

    @staticmethod
    def _log_tails(x: Array, rate: Array) -> tuple[Array, Array]:
        p, q = log_gamma_pq(x + 1.0, rate)
        return q, p

    @staticmethod
    def _draw(generator: np.random.Generator, size: tuple[int, ...], rate: float) -> Vector:
        return draw_poisson(generator, size, rate)

    @staticmethod
    def _mean(rate: Array) -> Array:
        return rate

    @staticmethod
    def _variance(rate: Array) -> Array:
        return rate

    @staticmethod
    def _entropy(rate: Array) -> Array:
        return entropy_on_grid(lambda x: Poisson._log_density(x, rate), rate, rate)

    @staticmethod
    def _starts(values: Vector, weights: Vector) -> list[dict[str, float]]:
        return [{"rate": mean_inside(values, weights)}]
