"""Families of counts without an upper end: Poisson, negative binomial and logarithmic series."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, final

import jax
import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Array, Vector
from kullback._core.domains import (
    COUNTS,
    NON_NEGATIVE,
    POSITIVE,
    POSITIVE_COUNTS,
    UNIT,
    Support,
)
from kullback.models.family import Family, Parametrisation
from kullback.models.samplers import draw_poisson
from kullback.models.starting_values import mean_inside
from kullback.special.beta import log_beta_i, log_beta_i_complement
from kullback.special.count_entropy import entropy_on_grid
from kullback.special.count_kernels import (
    log_negative_binomial,
    log_series_norm,
    log_series_tail,
)
from kullback.special.gamma import log1p_minus
from kullback.special.incomplete_gamma import log_gamma_p, log_gamma_q
from kullback.special.numerics import log, reciprocal
from kullback.special.saddle_point import log_poisson_kernel
from kullback.special.smooth import log1mexp, log1p_over


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

    canonical: ClassVar[Mapping[str, Support]] = {"rate": NON_NEGATIVE}
    support = COUNTS

    @staticmethod
    def _log_density(x: Array, rate: Array) -> Array:
        positive = rate > 0.0
        value = log_poisson_kernel(x, jnp.where(positive, rate, 1.0))
        return jnp.where(positive, value, jnp.where(x == 0.0, -rate, -jnp.inf))

    @staticmethod
    def _log_cdf(x: Array, rate: Array) -> Array:
        return log_gamma_q(x + 1.0, rate)

    @staticmethod
    def _log_survival(x: Array, rate: Array) -> Array:
        return log_gamma_p(x + 1.0, rate)

    @staticmethod
    def _draw(key: Array, shape: tuple[int, ...], rate: Array) -> Array:
        return draw_poisson(key, shape, rate)

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


@final
class NegativeBinomial(Family):
    """Negative binomial: q(x) = Γ(size+x)/(Γ(size) x!) p^size (1−p)^x, p = size/(size + mean).

    Support x = 0, 1, 2, ... Parameters: ``mean`` > 0 and ``size`` > 0, with variance mean +
    mean²/size; also by ``size, probability``, the failures before the size-th success, with mean
    size·(1 − probability)/probability. As size grows it becomes Poisson. Source: N. L. Johnson,
    A. W. Kemp and S. Kotz (2005), Univariate Discrete Distributions, eq. 5.1; the form with a mean
    is J. F. Lawless (1987), "Negative binomial and mixed Poisson regression", eq. 1.

    Example:
        >>> import kullback as kl
        >>> kl.NegativeBinomial(mean=4.0, size=2.0).variance()
        12.0
    """

    canonical: ClassVar[Mapping[str, Support]] = {"mean": POSITIVE, "size": POSITIVE}
    support = COUNTS
    limits: ClassVar[Mapping[str, str]] = {"size": "Poisson"}
    alternatives = (
        Parametrisation(
            {"size": POSITIVE, "probability": UNIT},
            lambda size, probability: {
                "mean": size * (1.0 - probability) * reciprocal(probability),
                "size": size,
            },
            lambda mean, size: {"size": size, "probability": size / (size + mean)},
        ),
    )

    @staticmethod
    def _log_density(x: Array, mean: Array, size: Array) -> Array:
        return log_negative_binomial(x, mean, size)

    @staticmethod
    def _log_cdf(x: Array, mean: Array, size: Array) -> Array:
        r = reciprocal(size + mean)
        return log_beta_i(size, x + 1.0, size * r, mean * r)

    @staticmethod
    def _log_survival(x: Array, mean: Array, size: Array) -> Array:
        r = reciprocal(size + mean)
        return log_beta_i_complement(size, x + 1.0, size * r, mean * r)

    @staticmethod
    def _draw(key: Array, shape: tuple[int, ...], mean: Array, size: Array) -> Array:
        # a Poisson count whose rate is gamma distributed
        first, second = jax.random.split(key)
        return draw_poisson(
            second, shape, jax.random.gamma(first, size, shape, jnp.float64) * (mean / size)
        )

    @staticmethod
    def _mean(mean: Array, size: Array) -> Array:  # noqa: ARG004
        return mean

    @staticmethod
    def _variance(mean: Array, size: Array) -> Array:
        return mean + mean * (mean / size)

    @staticmethod
    def _starts(values: Vector, weights: Vector) -> list[dict[str, float]]:
        mean = mean_inside(values, weights)
        excess = float(np.average((values - mean) ** 2, weights=weights)) - mean
        # without more spread than Poisson's there is no finite estimate: start from a mild one
        size = mean * mean / excess if excess > 0.0 else 10.0 * (1.0 + mean)
        return [{"mean": mean, "size": size}]


@final
class LogSeries(Family):
    """Logarithmic series distribution: q(x) = −probability^x / (x log(1 − probability)).

    Support x = 1, 2, 3, ... Parameter: 0 < ``probability`` < 1. Mean −probability / ((1 −
    probability) log(1 − probability)). Source: R. A. Fisher, A. S. Corbet and C. B. Williams
    (1943), "The relation between the number of species and the number of individuals in a random
    sample of an animal population"; draws by A. W. Kemp (1981), "Efficient generation of
    logarithmically distributed pseudo-random variables", algorithm LS.

    Example:
        >>> import kullback as kl
        >>> round(kl.LogSeries(probability=0.5).mean(), 6)
        1.442695
    """

    canonical: ClassVar[Mapping[str, Support]] = {"probability": UNIT}
    support = POSITIVE_COUNTS

    @staticmethod
    def _log_density(x: Array, probability: Array) -> Array:
        return (x - 1.0) * log(probability) - jnp.log(x) - log_series_norm(probability)

    @staticmethod
    def _log_cdf(x: Array, probability: Array) -> Array:
        return log1mexp(LogSeries._log_survival(x, probability))

    @staticmethod
    def _log_survival(x: Array, probability: Array) -> Array:
        tail = log_series_tail(x + 1.0, probability)
        return tail - log(probability) - log_series_norm(probability)

    @staticmethod
    def _draw(key: Array, shape: tuple[int, ...], probability: Array) -> Array:
        first, second = jax.random.split(key)
        # from the smallest positive double: a logarithm follows
        tiny = np.finfo(np.float64).tiny
        u = jax.random.uniform(first, shape, jnp.float64, minval=tiny)
        v = jax.random.uniform(second, shape, jnp.float64, minval=tiny)
        return jnp.floor(1.0 + jnp.log(v) / log1mexp(u * jnp.log1p(-probability)))

    @staticmethod
    def _mean(probability: Array) -> Array:
        return 1.0 / (log1p_over(-probability) * (1.0 - probability))

    @staticmethod
    def _variance(probability: Array) -> Array:
        mean = LogSeries._mean(probability)
        return mean * mean * (-log1p_minus(-probability) / probability)

    @staticmethod
    def _starts(values: Vector, weights: Vector) -> list[dict[str, float]]:
        # the estimate: mean = (e^v − 1)/v at v = −log(1 − probability), by Newton from above, where
        # log((e^v − 1)/v), convex with slope between 1/2 and 1, is approached monotonically
        mean = float(np.average(values, weights=weights))
        target = np.log(mean) if mean > 1.0 else 0.5 / float(np.sum(weights) + 1.0)
        v = 2.0 * target
        for _ in range(60):
            grown = -np.expm1(-v)
            step = (v + np.log(grown / v) - target) / (1.0 / grown - 1.0 / v)
            v -= step
            if abs(step) <= 1e-14 * v:
                break
        return [{"probability": float(-np.expm1(-v))}]
