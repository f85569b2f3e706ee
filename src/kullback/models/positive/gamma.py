"""Gamma distribution: waiting times until the shape-th event."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import ClassVar, final

import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Array, Numbers, Vector
from kullback._core.domains import POSITIVE, Domain
from kullback._core.numpy_sums import total, total_log_quotient
from kullback.models.family import Family
from kullback.models.parametrisation import Parametrisation
from kullback.models.samplers import draw_gamma
from kullback.models.starting_values import gamma_shape, gamma_start
from kullback.models.tails import Tail, Tails, half_line
from kullback.special.gamma_interval import gamma_interval_jet
from kullback.special.incomplete_gamma import log_gamma_tail_values, log_gamma_tails
from kullback.special.moving_ends import log_between_by_jet
from kullback.special.numerics import log, log_quotient, reciprocal
from kullback.special.saddle_point import digamma_minus_log, log_gamma_kernel, stirling_remainder
from kullback.special.shared import Jet


@final
class Gamma(Family):
    """Gamma distribution: q(x) = rate^shape x^(shape−1) e^(−rate x) / Γ(shape), x > 0.

    Parameters: ``shape`` > 0 and ``rate`` > 0; also by ``shape, scale`` (scale = 1/rate), by
    ``mean, shape``, or by ``mean, dispersion`` (1/shape, so that the variance is dispersion·mean²).
    Mean shape/rate, variance shape/rate². Source: N. L. Johnson, S. Kotz and
    N. Balakrishnan (1994), Continuous Univariate Distributions 1, chapter 17; evaluated in the
    saddle-point form of C. Loader (2000), "Fast and accurate computation of binomial
    probabilities".

    Example:
        >>> import kullback as kl
        >>> kl.Gamma(shape=2.0, rate=1.0).mean()
        2.0
    """

    default_parameters: ClassVar[Mapping[str, Domain]] = {"shape": POSITIVE, "rate": POSITIVE}
    support = POSITIVE
    dimensions: ClassVar[Mapping[str, int]] = {"rate": -1, "scale": 1, "mean": 1}
    alternatives = (
        Parametrisation(
            {"shape": POSITIVE, "scale": POSITIVE},
            lambda shape, scale: {"shape": shape, "rate": reciprocal(scale)},
            lambda shape, rate: {"shape": shape, "scale": 1.0 / rate},
        ),
        Parametrisation(
            {"mean": POSITIVE, "shape": POSITIVE},
            lambda mean, shape: {"shape": shape, "rate": shape * reciprocal(mean)},
            lambda shape, rate: {"mean": shape / rate, "shape": shape},
        ),
        Parametrisation(
            {"mean": POSITIVE, "dispersion": POSITIVE},
            lambda mean, dispersion: {
                "shape": reciprocal(dispersion),
                "rate": reciprocal(dispersion * mean),
            },
            lambda shape, rate: {"mean": shape / rate, "dispersion": 1.0 / shape},
        ),
    )

    @staticmethod
    def _statistics(x: Numbers, origin: Numbers) -> tuple[Numbers, ...]:
        return (log_quotient(x, origin), (x - origin) * reciprocal(origin))

    @staticmethod
    def _sums(x: Vector, origin: float, low: float, high: float) -> tuple[float, float] | None:
        logs = total_log_quotient(x, origin, low, high)
        return None if logs is None else (logs, total(x) / origin - x.size)

    @staticmethod
    def _log_density_of(
        statistics: Sequence[Array], origin: Array, shape: Array, rate: Array
    ) -> Array:
        at_origin = Gamma._log_density(origin, shape, rate)
        return at_origin + (shape - 1.0) * statistics[0] - rate * origin * statistics[1]

    @staticmethod
    def _log_density(x: Array, shape: Array, rate: Array) -> Array:
        return log_gamma_kernel(x, shape, rate) - jnp.log(x)

    @staticmethod
    def _log_density_change(x: Array, origin: Array, shape: Array, rate: Array) -> Array:
        return (shape - 1.0) * log_quotient(x, origin) - rate * (x - origin)

    @staticmethod
    def _log_cdf(x: Array, shape: Array, rate: Array) -> Array:
        return log_gamma_tails(shape, rate * x, log(rate) + log(x))[0]

    @staticmethod
    def _log_survival(x: Array, shape: Array, rate: Array) -> Array:
        return log_gamma_tails(shape, rate * x, log(rate) + log(x))[1]

    @staticmethod
    def _log_tails(x: Array, shape: Array, rate: Array) -> tuple[Array, Array]:
        return log_gamma_tail_values(shape, rate * x, log(rate) + log(x))

    @staticmethod
    def _log_between(lower: Array, upper: Array, shape: Array, rate: Array) -> Array:
        def jet(low: Array, high: Array, shape: Array, rate: Array) -> Jet:
            return gamma_interval_jet(low, high, jnp.log1p((high - low) / low), shape, rate)

        log_density = Gamma._log_density
        return log_between_by_jet(jet, log_density, POSITIVE, lower, upper, shape, rate)

    @staticmethod
    def _draw(
        generator: np.random.Generator, size: tuple[int, ...], shape: float, rate: float
    ) -> Vector:
        g, h = draw_gamma(generator, size, shape)
        root = np.exp(0.5 * h)  # alone, eʰ may be below the doubles
        return np.asarray(g / rate * root * root)

    @staticmethod
    def _mean(shape: Array, rate: Array) -> Array:
        return shape / rate

    @staticmethod
    def _variance(shape: Array, rate: Array) -> Array:
        return shape / rate / rate

    @staticmethod
    def _entropy(shape: Array, rate: Array) -> Array:
        # shape − log rate + ln Γ(shape) + (1 − shape) ψ(shape), large terms cancelled
        rest = stirling_remainder(shape) + (1.0 - shape) * digamma_minus_log(shape)
        return rest - jnp.log(rate)

    @staticmethod
    def _tails(shape: float, rate: float) -> Tails:
        return half_line(Tail("power", shape), Tail("stretched", 1.0, rate, shape - 1.0))

    @staticmethod
    def _estimate(
        means: Sequence[float], origin: float, fixed: Mapping[str, float]
    ) -> dict[str, float] | None:
        mean = origin * (1.0 + means[1])
        if set(fixed) == {"shape"}:
            return {"shape": fixed["shape"], "rate": fixed["shape"] / mean}
        excess = math.log1p(means[1]) - means[0]  # log(mean) − mean(log)
        if fixed or not excess > 0.0:
            return None
        shape = gamma_shape(excess)
        return {"shape": shape, "rate": shape / mean}

    @staticmethod
    def _starts(values: Vector, weights: Vector) -> list[dict[str, float]]:
        return [gamma_start(values, weights)]
