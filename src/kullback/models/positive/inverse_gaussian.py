"""Inverse Gaussian distribution: first passage times of Brownian motion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, final

import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Array, Numbers, Vector
from kullback._core.domains import POSITIVE, Domain
from kullback.models.family import Family
from kullback.models.parametrisation import Parametrisation
from kullback.models.starting_values import LEAST_SPREAD
from kullback.models.tails import Tail, Tails, half_line
from kullback.special.constants import LOG_TWO_PI
from kullback.special.exponential_mean import exponential_mean
from kullback.special.inverse_gaussian import log_inverse_gaussian_sides
from kullback.special.numerics import log, log_quotient, reciprocal


@final
class InverseGaussian(Family):
    """Inverse Gaussian distribution: q(x) = √(shape/(2πx³)) exp(−shape (x − mean)²/(2 mean² x)).

    For x > 0: the time at which a Brownian motion with drift first reaches a level. Parameters:
    ``mean`` > 0 and ``shape`` > 0; also by ``mean, dispersion`` (1/shape). Variance mean³/shape.
    Source: M. C. K. Tweedie (1957),
    "Statistical properties of inverse Gaussian distributions I"; drawn by a form without
    cancellation of J. R. Michael, W. R. Schucany and R. W. Haas (1976).

    Example:
        >>> import kullback as kl
        >>> kl.InverseGaussian(mean=2.0, shape=4.0).variance()
        2.0
    """

    default_parameters: ClassVar[Mapping[str, Domain]] = {"mean": POSITIVE, "shape": POSITIVE}
    support = POSITIVE
    dimensions: ClassVar[Mapping[str, int]] = {"mean": 1, "shape": 1, "dispersion": -1}
    alternatives = (
        Parametrisation(
            {"mean": POSITIVE, "dispersion": POSITIVE},
            lambda mean, dispersion: {"mean": mean, "shape": reciprocal(dispersion)},
            lambda mean, shape: {"mean": mean, "dispersion": 1.0 / shape},
        ),
    )

    @staticmethod
    def _statistics(x: Numbers, origin: Numbers) -> tuple[Numbers, ...]:
        # with t = (x − o)/o and s = (o − x)/x: also t + s, which cancels for x near o
        gap = x - origin
        t, s = gap * reciprocal(origin), -gap / x
        return (log_quotient(x, origin), t, s, -t * s)

    @staticmethod
    def _log_density_of(
        statistics: Sequence[Array], origin: Array, mean: Array, shape: Array
    ) -> Array:
        # mean² times the square is o t + (mean²/o) s + its value at o; the smaller coefficient
        # multiplies t + s, and the excess of the larger its own statistic
        log_x, t, s, both = statistics
        r, w = reciprocal(mean), reciprocal(origin)
        above = origin > mean
        excess = (origin - mean) * (origin + mean) * w * r * r
        square = jnp.where(above, w * both + excess * t, origin * r * r * both - excess * s)
        at_origin = InverseGaussian._log_density(origin, mean, shape)
        return at_origin - 1.5 * log_x - 0.5 * shape * square

    @staticmethod
    def _log_density(x: Array, mean: Array, shape: Array) -> Array:
        deviation = (x - mean) * reciprocal(mean)
        square = deviation * deviation * reciprocal(x)
        return 0.5 * (log(shape) - LOG_TWO_PI - shape * square) - 1.5 * jnp.log(x)

    @staticmethod
    def _log_density_change(x: Array, origin: Array, mean: Array, shape: Array) -> Array:
        per = reciprocal(mean)
        slope = per * per - reciprocal(x) * reciprocal(origin)
        return -1.5 * log_quotient(x, origin) - 0.5 * shape * slope * (x - origin)

    @staticmethod
    def _log_cdf(x: Array, mean: Array, shape: Array) -> Array:
        return log_inverse_gaussian_sides(mean, shape, x)[0]

    @staticmethod
    def _log_survival(x: Array, mean: Array, shape: Array) -> Array:
        return log_inverse_gaussian_sides(mean, shape, x)[1]

    @staticmethod
    def _log_tails(x: Array, mean: Array, shape: Array) -> tuple[Array, Array]:
        return log_inverse_gaussian_sides(mean, shape, x)

    @staticmethod
    def _draw(
        generator: np.random.Generator, size: tuple[int, ...], mean: float, shape: float
    ) -> Vector:
        normal = generator.standard_normal(size)
        c = 0.5 * (mean / shape) * normal * normal
        # (x − 1)²/x = 2c has two roots, one the other's reciprocal
        smaller = 1.0 / (1.0 + c + np.sqrt(c) * np.sqrt(2.0 + c))
        chosen = generator.random(size) * (1.0 + smaller) <= 1.0
        return np.asarray(mean * np.where(chosen, smaller, 1.0 / smaller))

    @staticmethod
    def _mean(mean: Array, shape: Array) -> Array:  # noqa: ARG004
        return mean

    @staticmethod
    def _variance(mean: Array, shape: Array) -> Array:
        return mean * mean * (mean / shape)

    @staticmethod
    def _entropy(mean: Array, shape: Array) -> Array:
        # E log(X/mean) = −e^z E₁(z) with z = 2 shape/mean, and e^z E₁(z) = E[1/(E + z)]
        z = 2.0 * (shape / mean)
        half = 0.5 * (1.0 + LOG_TWO_PI + 3.0 * jnp.log(mean) - jnp.log(shape))
        return half - 1.5 * exponential_mean(lambda e: 1.0 / (e + z))

    @staticmethod
    def _tails(mean: float, shape: float) -> Tails:
        rate = 0.5 * shape / mean**2
        return half_line(Tail("stretched", 1.0), Tail("stretched", 1.0, rate, -1.5))

    @staticmethod
    def _estimate(
        means: Sequence[float], origin: float, fixed: Mapping[str, float]
    ) -> dict[str, float] | None:
        _, t, s, both = means
        mean = fixed.get("mean", origin * (1.0 + t))
        # the mean of (x − mean)²/(mean² x), in units of 1/origin: from t + s for a narrow sample
        m = mean / origin
        if "mean" not in fixed:
            square = both - t * t / (1.0 + t) if both < 1.0 else s + t / (1.0 + t)
        elif both < 1.0:
            square = both + t * (1.0 - m) * (1.0 + m) / (m * m) + (1.0 - m) ** 2 / (m * m)
        else:
            square = t / (m * m) + s + (1.0 - m) ** 2 / (m * m)
        if "shape" in fixed:
            return {"mean": mean, "shape": fixed["shape"]}
        return {"mean": mean, "shape": origin / square} if square > 0.0 else None

    @staticmethod
    def _starts(values: Vector, weights: Vector) -> list[dict[str, float]]:
        mean = float(np.average(values, weights=weights))
        square = ((values - mean) / mean) ** 2 * (mean / values)
        spread = max(float(np.average(square, weights=weights)), LEAST_SPREAD**2)
        return [{"mean": mean, "shape": mean / spread}]
