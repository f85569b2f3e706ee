"""Logarithmic series distribution: counts of at least one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar, final

import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Array, Vector
from kullback._core.domains import (
    POSITIVE_COUNTS,
    UNIT,
    Domain,
)
from kullback._core.errors import ModelError
from kullback.models.family import Family
from kullback.special.count_kernels import (
    log_series_norm,
    log_series_tail,
)
from kullback.special.gamma import log1p_minus
from kullback.special.numerics import log
from kullback.special.smooth import log1mexp, log1p_over

# Nearer to 1 than e^-35 = 6e-16 a probability has less than one digit of its distance.
_LARGEST_LOGIT = 35.0


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

    default_parameters: ClassVar[Mapping[str, Domain]] = {"probability": UNIT}
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
    def _draw(generator: np.random.Generator, size: tuple[int, ...], probability: float) -> Vector:
        return generator.logseries(probability, size).astype(np.float64)

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
        if v > _LARGEST_LOGIT:
            raise ModelError(
                f"LogSeries cannot be fitted to rows of mean {mean:.6g}: the estimate of "
                f"probability is 1 − {math.exp(-v):.2g}, nearer to 1 than doubles are. Fit counts "
                f"of a larger unit, or choose another family."
            )
        return [{"probability": float(-np.expm1(-v))}]
