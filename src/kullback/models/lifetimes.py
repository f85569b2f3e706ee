"""Families of lifetimes, told by their hazards: exponential, Weibull and Gompertz.

Formulas are those of N. L. Johnson, S. Kotz and N. Balakrishnan (1994), Continuous Univariate
Distributions, volume 1 ("JKB" below, with the chapter), unless another source is named.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, final

import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Array, Numbers, Vector
from kullback._core.domains import NON_NEGATIVE, POSITIVE, REAL, Support
from kullback.models.basis_form import Quadratic
from kullback.models.family import Family, Parametrisation
from kullback.models.model import Caution
from kullback.models.starting_values import LEAST_SPREAD
from kullback.special.constants import EULER_GAMMA
from kullback.special.exponential_mean import exponential_mean
from kullback.special.gamma import log_gamma_ratio, log_gamma_second_difference
from kullback.special.hazards import gompertz_hazard, log_cdf_of_hazard
from kullback.special.numerics import log, log_quotient, reciprocal
from kullback.special.smooth import expm1_over, log1p_scaled


@final
class Exponential(Family):
    """Exponential distribution: q(x) = rate e^(−rate x), x ≥ 0.

    Parameter: ``rate`` > 0; also by ``scale`` = 1/rate, the mean. Source: JKB, chapter 19.

    Example:
        >>> import kullback as kl
        >>> kl.Exponential(rate=0.5).mean()
        2.0
    """

    canonical: ClassVar[Mapping[str, Support]] = {"rate": POSITIVE}
    support = NON_NEGATIVE
    alternatives = (
        Parametrisation(
            {"scale": POSITIVE},
            lambda scale: {"rate": reciprocal(scale)},
            lambda rate: {"scale": 1.0 / rate},
        ),
    )

    @staticmethod
    def _statistics(x: Numbers, origin: Numbers) -> tuple[Numbers, ...]:
        return (x - origin,)

    @staticmethod
    def _log_density_of(statistics: Sequence[Array], origin: Array, rate: Array) -> Array:
        return log(rate) - rate * (origin + statistics[0])

    @staticmethod
    def _log_density(x: Array, rate: Array) -> Array:
        return log(rate) - rate * x

    @staticmethod
    def _log_survival(x: Array, rate: Array) -> Array:
        return -rate * x

    @staticmethod
    def _log_cdf(x: Array, rate: Array) -> Array:
        return log_cdf_of_hazard(rate * x, jnp.log(rate) + jnp.log(x))

    @staticmethod
    def _quantile(u: Array, rate: Array) -> Array:
        return -jnp.log1p(-u) / rate

    @staticmethod
    def _mean(rate: Array) -> Array:
        return 1.0 / rate

    @staticmethod
    def _variance(rate: Array) -> Array:
        return 1.0 / rate / rate

    @staticmethod
    def _entropy(rate: Array) -> Array:
        return 1.0 - jnp.log(rate)

    @staticmethod
    def _estimate(
        means: Sequence[float], origin: float, pinned: Mapping[str, float]
    ) -> dict[str, float] | None:
        mean = origin + means[0]
        return None if pinned or mean <= 0.0 else {"rate": 1.0 / mean}

    @staticmethod
    def _starts(values: Vector, weights: Vector) -> list[dict[str, float]]:
        mean = float(np.average(values, weights=weights))
        return [{"rate": 1.0 / mean if mean > 0.0 else 1.0}]  # zeros only: the rate has no maximum


# A logarithm of x/scale is right to 1e-16, and z to that times the shape. Beyond this shape all of
# the sample is near the scale, and the compiled kernel keeps the digits of x − scale.
_MOST_SHAPE = 100.0


@final
class Weibull(Family):
    """Weibull distribution: P(X > x) = exp(−(x/scale)^shape), x > 0.

    Density (shape/scale) (x/scale)^(shape−1) exp(−(x/scale)^shape). Parameters: ``shape`` > 0 and
    ``scale`` > 0. Mean scale·Γ(1 + 1/shape). Source: W. Weibull (1951), "A statistical distribution
    function of wide applicability".

    Example:
        >>> import kullback as kl
        >>> kl.Weibull(shape=1.0, scale=3.0).mean()
        3.0
    """

    canonical: ClassVar[Mapping[str, Support]] = {"shape": POSITIVE, "scale": POSITIVE}
    support = POSITIVE
    features = ("t = log(x/scale)", "z = (x/scale)^shape", "z t")

    @staticmethod
    def _log_density(x: Array, shape: Array, scale: Array) -> Array:
        t = log_quotient(x, scale)
        features = (t, jnp.exp(shape * t))
        value: Array = Weibull._log_density_of_features(features, shape, scale)
        return value

    @staticmethod
    def _log_density_of_features(features: Sequence[Any], shape: Array, scale: Array) -> Any:
        return log(shape) - log(scale) + (shape - 1.0) * features[0] - features[1]

    @staticmethod
    def _features(x: Vector, rows: Vector, shape: float, scale: float) -> bool:
        if shape > _MOST_SHAPE:
            return False
        t, z, zt, _ = rows
        np.multiply(x, 1.0 / scale, out=t)
        np.log(t, out=t)
        np.multiply(t, shape, out=z)
        np.exp(z, out=z)
        np.multiply(z, t, out=zt)
        return True

    @staticmethod
    def _feature_slopes(
        features: Sequence[Quadratic], shape: Array, scale: Array
    ) -> Mapping[str, Sequence[Quadratic | Array]]:
        t, z, zt = features
        r = reciprocal(scale)
        return {
            "shape": (Quadratic({}), zt, zt * t),
            "scale": (-r, -r * shape * z, -r * (shape * zt + z)),
        }

    @staticmethod
    def _log_survival(x: Array, shape: Array, scale: Array) -> Array:
        return -jnp.exp(shape * log_quotient(x, scale))

    @staticmethod
    def _log_cdf(x: Array, shape: Array, scale: Array) -> Array:
        z = shape * log_quotient(x, scale)
        return log_cdf_of_hazard(jnp.exp(z), z)

    @staticmethod
    def _quantile(u: Array, shape: Array, scale: Array) -> Array:
        return scale * jnp.exp(jnp.log(-jnp.log1p(-u)) / shape)

    @staticmethod
    def _mean(shape: Array, scale: Array) -> Array:
        return scale * jnp.exp(log_gamma_ratio(1.0, 1.0 / shape))

    @staticmethod
    def _variance(shape: Array, scale: Array) -> Array:
        mean = Weibull._mean(shape, scale)
        return mean * mean * jnp.expm1(log_gamma_second_difference(jnp.float64(1.0), 1.0 / shape))

    @staticmethod
    def _entropy(shape: Array, scale: Array) -> Array:
        return EULER_GAMMA * (1.0 - 1.0 / shape) + jnp.log(scale) - jnp.log(shape) + 1.0

    @staticmethod
    def _starts(values: Vector, weights: Vector) -> list[dict[str, float]]:
        # log X is a Gumbel variable of minima: mean log(scale) − γ/shape, sd π/(√6 shape)
        logs = np.log(values)
        mean = float(np.average(logs, weights=weights))
        sd = float(np.sqrt(np.average((logs - mean) ** 2, weights=weights)))
        shape = math.pi / math.sqrt(6.0) / max(sd, LEAST_SPREAD)
        return [{"shape": shape, "scale": float(np.exp(mean + EULER_GAMMA / shape))}]


@final
class Gompertz(Family):
    """Gompertz distribution: hazard rate·exp(shape·x), x ≥ 0.

    P(X > x) = exp(−rate (e^(shape x) − 1)/shape), which is exponential at shape 0. Parameters:
    ``shape``, of either sign, and ``rate`` > 0. With a negative shape the hazard dies out and a
    share exp(rate/shape) of the units never fails: the distribution is defective, quantiles beyond
    the rest are infinite, so is the mean, and variance and entropy are NaN. Source: B. Gompertz
    (1825); the defective form is that of flexsurv (C. H. Jackson, 2016).

    Example:
        >>> import kullback as kl
        >>> kl.Gompertz(shape=0.0, rate=0.5).log_survival(4.0)
        -2.0
    """

    canonical: ClassVar[Mapping[str, Support]] = {"shape": REAL, "rate": POSITIVE}
    support = NON_NEGATIVE

    @staticmethod
    def _log_density(x: Array, shape: Array, rate: Array) -> Array:
        return log(rate) + shape * x - gompertz_hazard(x, shape, rate)

    @staticmethod
    def _log_survival(x: Array, shape: Array, rate: Array) -> Array:
        return -gompertz_hazard(x, shape, rate)

    @staticmethod
    def _log_cdf(x: Array, shape: Array, rate: Array) -> Array:
        hazard = gompertz_hazard(x, shape, rate)
        tiny = hazard < 1e-290  # beyond the doubles, by its factors
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
    def _starts(values: Vector, weights: Vector) -> list[dict[str, float]]:
        mean = float(np.average(values, weights=weights))
        if mean <= 0.0:  # zeros only: the rate has no maximum
            return [{"shape": 0.0, "rate": 1.0}]
        starts = []
        for g in (0.0, -3.0, -1.0, -0.3, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0):
            shape = g / mean
            if shape * values.max() > 600.0:  # e^600: the hazard of the largest must be a number
                continue
            hazards = np.expm1(shape * values) / shape if g else values
            rate = 1.0 / float(np.average(hazards, weights=weights))  # the best for this shape
            starts.append((np.log(rate) + g, {"shape": shape, "rate": rate}))
        starts.sort(key=lambda pair: -pair[0])
        best = [start for _, start in starts]
        # and one of the other sign, which the user's bounds may ask for
        falling = best[0]["shape"] < 0.0
        other = [
            start for start in best[2:] if (start["shape"] < 0.0) != falling and start["shape"]
        ]
        return best[:2] + other[:1]

    @staticmethod
    def _caution(shape: float, rate: float) -> Caution | None:
        if shape >= 0.0:
            return None
        share = float(np.exp(rate / shape))
        return Caution(
            f"The shape is negative: by this model a share of {share:.3g} never fails (a defective "
            f"distribution). Where every unit must fail, bound it: shape=kl.Param(lower=0.0)."
        )
