"""Inverse gamma distribution: the reciprocal of a gamma variable."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import ClassVar, final

import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Array, Numbers, Vector
from kullback._core.domains import POSITIVE, Domain
from kullback.models.family import Family
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
class InverseGamma(Family):
    """Inverse gamma distribution: q(x) = scale^shape x^(−shape−1) e^(−scale/x) / Γ(shape), x > 0.

    1/X is a gamma variable with this shape and rate ``scale``. Parameters: ``shape`` > 0 and
    ``scale`` > 0. Mean scale/(shape − 1) for shape > 1, else infinite. Source:
    N. L. Johnson, S. Kotz and N. Balakrishnan (1994), Continuous Univariate Distributions 1,
    chapter 17.

    Example:
        >>> import kullback as kl
        >>> kl.InverseGamma(shape=3.0, scale=4.0).mean()
        2.0
    """

    default_parameters: ClassVar[Mapping[str, Domain]] = {"shape": POSITIVE, "scale": POSITIVE}
    support = POSITIVE
    dimensions: ClassVar[Mapping[str, int]] = {"scale": 1}

    @staticmethod
    def _statistics(x: Numbers, origin: Numbers) -> tuple[Numbers, ...]:
        return (log_quotient(x, origin), (origin - x) / x)

    @staticmethod
    def _log_density_of(
        statistics: Sequence[Array], origin: Array, shape: Array, scale: Array
    ) -> Array:
        at_origin = InverseGamma._log_density(origin, shape, scale)
        slope = scale * reciprocal(origin)
        return at_origin - (shape + 1.0) * statistics[0] - slope * statistics[1]

    @staticmethod
    def _log_density(x: Array, shape: Array, scale: Array) -> Array:
        return log_gamma_kernel(reciprocal(x), shape, scale) - jnp.log(x)

    @staticmethod
    def _log_density_change(x: Array, origin: Array, shape: Array, scale: Array) -> Array:
        step = (x - origin) * reciprocal(x) * reciprocal(origin)
        return scale * step - (shape + 1.0) * log_quotient(x, origin)

    @staticmethod
    def _log_cdf(x: Array, shape: Array, scale: Array) -> Array:
        return log_gamma_tails(shape, scale / x, log(scale) - log(x))[1]

    @staticmethod
    def _log_survival(x: Array, shape: Array, scale: Array) -> Array:
        return log_gamma_tails(shape, scale / x, log(scale) - log(x))[0]

    @staticmethod
    def _log_tails(x: Array, shape: Array, scale: Array) -> tuple[Array, Array]:
        p, q = log_gamma_tail_values(shape, scale / x, log(scale) - log(x))
        return q, p

    @staticmethod
    def _log_between(lower: Array, upper: Array, shape: Array, scale: Array) -> Array:
        def jet(low: Array, high: Array, shape: Array, scale: Array) -> Jet:
            width = jnp.log1p((high - low) / low)
            return gamma_interval_jet(1.0 / high, 1.0 / low, width, shape, scale)

        log_density = InverseGamma._log_density
        return log_between_by_jet(jet, log_density, POSITIVE, lower, upper, shape, scale)

    @staticmethod
    def _draw(
        generator: np.random.Generator, size: tuple[int, ...], shape: float, scale: float
    ) -> Vector:
        g, h = draw_gamma(generator, size, shape)
        root = np.exp(-0.5 * h)  # alone, eʰ may be below the doubles
        return np.asarray(scale / g * root * root)

    @staticmethod
    def _mean(shape: Array, scale: Array) -> Array:
        return jnp.where(shape > 1.0, scale / (shape - 1.0), jnp.inf)

    @staticmethod
    def _variance(shape: Array, scale: Array) -> Array:
        mean = scale / (shape - 1.0)
        return jnp.where(shape > 2.0, mean * mean / (shape - 2.0), jnp.inf)

    @staticmethod
    def _entropy(shape: Array, scale: Array) -> Array:
        # shape + log scale + ln Γ(shape) − (1 + shape) ψ(shape), large terms cancelled
        rest = stirling_remainder(shape) - (1.0 + shape) * digamma_minus_log(shape)
        return rest - 2.0 * jnp.log(shape) + jnp.log(scale)

    @staticmethod
    def _tails(shape: float, scale: float) -> Tails:
        # 1/X has mean shape/scale and coefficient of variation shape^−1/2
        centre = scale / shape
        about = centre, centre / math.sqrt(shape)
        return replace(half_line(Tail("stretched", 1.0), Tail("power", shape)), about=about)

    @staticmethod
    def _estimate(
        means: Sequence[float], origin: float, fixed: Mapping[str, float]
    ) -> dict[str, float] | None:
        # 1/x is a gamma variable, whose mean is this
        mean = (1.0 + means[1]) / origin
        if set(fixed) == {"shape"}:
            return {"shape": fixed["shape"], "scale": fixed["shape"] / mean}
        excess = math.log1p(means[1]) + means[0]  # log(mean) − mean(log), both of 1/x
        if fixed or not excess > 0.0:
            return None
        shape = gamma_shape(excess)
        return {"shape": shape, "scale": shape / mean}

    @staticmethod
    def _starts(values: Vector, weights: Vector) -> list[dict[str, float]]:
        start = gamma_start(1.0 / values, weights)
        return [{"shape": start["shape"], "scale": start["rate"]}]
