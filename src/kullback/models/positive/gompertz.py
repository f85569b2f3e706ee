"""Gompertz distribution: lifetimes with an exponentially changing hazard."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar, final

import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Array, Vector
from kullback._core.domains import NON_NEGATIVE, POSITIVE, REAL, Domain
from kullback.models.caution import Caution
from kullback.models.family import Family
from kullback.models.tails import FLAT, Tail, Tails, half_line
from kullback.special.exponential_mean import exponential_mean
from kullback.special.hazards import gompertz_hazard, log_cdf_of_hazard
from kullback.special.numerics import log
from kullback.special.smooth import expm1_over, log1p_scaled


@final
class Gompertz(Family):
    """Gompertz distribution: hazard rate·exp(shape·x), x ≥ 0.

    P(X > x) = exp(−rate (e^(shape x) − 1)/shape), which is exponential at shape 0. Parameters:
    ``shape``, of either sign, and ``rate`` > 0. With a negative shape the hazard falls to zero and
    a share exp(rate/shape) of the units never fails: the distribution is defective, its mean and
    its quantiles beyond the other units are infinite, its variance and entropy NaN. Source:
    B. Gompertz (1825); the defective form is that of flexsurv (C. H. Jackson, 2016).

    Example:
        >>> import kullback as kl
        >>> kl.Gompertz(shape=0.0, rate=0.5).log_survival(4.0)
        -2.0
    """

    default_parameters: ClassVar[Mapping[str, Domain]] = {"shape": REAL, "rate": POSITIVE}
    support = NON_NEGATIVE
    dimensions: ClassVar[Mapping[str, int]] = {"shape": -1, "rate": -1}

    @staticmethod
    def _log_density(x: Array, shape: Array, rate: Array) -> Array:
        return log(rate) + shape * x - gompertz_hazard(x, shape, rate)

    @staticmethod
    def _log_survival(x: Array, shape: Array, rate: Array) -> Array:
        return -gompertz_hazard(x, shape, rate)

    @staticmethod
    def _log_cdf(x: Array, shape: Array, rate: Array) -> Array:
        hazard = gompertz_hazard(x, shape, rate)
        tiny = hazard < 1e-290  # near underflow: the logarithm as a sum over the factors
        factors = jnp.log(rate) + jnp.log(x) + jnp.log(expm1_over(jnp.where(tiny, shape * x, 0.0)))
        log_hazard = jnp.where(tiny, factors, jnp.log(jnp.where(tiny, 1.0, hazard)))
        return log_cdf_of_hazard(hazard, log_hazard)

    @staticmethod
    def _quantile(u: Array, shape: Array, rate: Array) -> Array:
        never = (u >= 1.0) | (shape * -jnp.log1p(-u) <= -rate)
        hazard = -jnp.log1p(-jnp.where(never, 0.0, u))
        return jnp.where(never, jnp.inf, log1p_scaled(shape, hazard / rate))

    @staticmethod
    def _mean(shape: Array, rate: Array) -> Array:
        positive = jnp.maximum(shape, 0.0)
        mean = exponential_mean(lambda e: log1p_scaled(positive, e / rate))
        return jnp.where(shape < 0.0, jnp.inf, mean)

    @staticmethod
    def _variance(shape: Array, rate: Array) -> Array:
        positive = jnp.maximum(shape, 0.0)
        mean = exponential_mean(lambda e: log1p_scaled(positive, e / rate))
        variance = exponential_mean(lambda e: (log1p_scaled(positive, e / rate) - mean) ** 2)
        return jnp.where(shape < 0.0, jnp.nan, variance)

    @staticmethod
    def _entropy(shape: Array, rate: Array) -> Array:
        return jnp.where(
            shape < 0.0, jnp.nan, 1.0 - jnp.log(rate) - shape * Gompertz._mean(shape, rate)
        )

    @staticmethod
    def _tails(shape: float, rate: float) -> Tails:
        if shape > 0.0:
            return half_line(FLAT, Tail("exponential", rate=shape))
        if shape == 0.0:
            return half_line(FLAT, Tail("stretched", 1.0, rate))
        defect = (
            "with a negative shape a share of the probability lies at infinity, and no entropy is "
            "defined. Use a shape ≥ 0"
        )
        return replace(half_line(FLAT, Tail("stretched", 1.0, -shape)), defect=defect)

    @staticmethod
    def _starts(values: Vector, weights: Vector) -> list[dict[str, float]]:
        mean = float(np.average(values, weights=weights))
        if mean <= 0.0:  # zeros only: unbounded in the rate
            return [{"shape": 0.0, "rate": 1.0}]
        starts = []
        for g in (0.0, -3.0, -1.0, -0.3, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0):
            shape = g / mean
            if shape * values.max() > 600.0:  # e^600: the hazard of the largest must be finite
                continue
            hazards = np.expm1(shape * values) / shape if g else values
            rate = 1.0 / float(np.average(hazards, weights=weights))  # the best for this shape
            starts.append((np.log(rate) + g, {"shape": shape, "rate": rate}))
        starts.sort(key=lambda pair: -pair[0])
        best = [start for _, start in starts]
        # and one of the other sign, which the user's bounds may require
        falling = best[0]["shape"] < 0.0
        other = [
            start for start in best[2:] if (start["shape"] < 0.0) != falling and start["shape"]
        ]
        return best[:2] + other[:1]

    @staticmethod
    def _caution(shape: float, rate: float) -> Caution | None:
        if not shape < 0.0:
            return None
        share = float(np.exp(rate / shape))
        some = f"a share of {share:.3g}" if share >= 0.0 else "a share of every row's units"
        return Caution(
            f"The shape is negative: {some} never fails (a defective "
            f"distribution). Where every unit must fail, bound it: shape=kl.Param(lower=0.0)."
        )
