"""Beta distribution: proportions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, final

import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Array, Numbers, Vector, namespace
from kullback._core.domains import POSITIVE, UNIT, Domain
from kullback.models.family import Family
from kullback.models.parametrisation import Parametrisation
from kullback.models.samplers import draw_gamma
from kullback.models.tails import Tail, Tails
from kullback.special.beta import log_beta_i, log_beta_i_complement, log_beta_sides
from kullback.special.beta_interval import beta_interval_jet
from kullback.special.moving_ends import log_between_by_jet
from kullback.special.numerics import log, log_quotient
from kullback.special.saddle_point import digamma_minus_log, log_binomial_kernel


def _log_quotient_of_complements(x: Numbers, origin: Numbers) -> Numbers:
    """Compute log((1 − x)/(1 − origin)), to relative precision also where both are near zero.

    `log_quotient` of the complements would lose the digits of x that 1 − x rounds away (eight of
    the log-density at beta = 1e8), so it is written in x − origin.
    """
    xp: Any = namespace(x)
    step = origin - x
    value: Numbers = xp.sign(step) * xp.log1p(xp.abs(step) / xp.minimum(1.0 - x, 1.0 - origin))
    return value


@final
class Beta(Family):
    """Beta distribution: q(x) = x^(alpha − 1) (1 − x)^(beta − 1) / B(alpha, beta), 0 < x < 1.

    Parameters: ``alpha`` > 0 and ``beta`` > 0; also by ``mean, precision`` (mean =
    alpha/(alpha + beta), precision = alpha + beta). Variance mean (1 − mean)/(precision + 1).
    Source: N. L. Johnson, S. Kotz and N. Balakrishnan (1995), Continuous Univariate Distributions
    2, chapter 25; by mean and precision: S. Ferrari and F. Cribari-Neto (2004), eq. 4.

    Example:
        >>> import kullback as kl
        >>> kl.Beta(mean=0.5, precision=2.0).density(0.3)
        1.0
    """

    default_parameters: ClassVar[Mapping[str, Domain]] = {"alpha": POSITIVE, "beta": POSITIVE}
    support = UNIT
    alternatives = (
        Parametrisation(
            {"mean": UNIT, "precision": POSITIVE},
            lambda mean, precision: {"alpha": mean * precision, "beta": (1.0 - mean) * precision},
            lambda alpha, beta: {"mean": alpha / (alpha + beta), "precision": alpha + beta},
        ),
    )

    @staticmethod
    def _log_density(x: Array, alpha: Array, beta: Array) -> Array:
        complement = 1.0 - x
        # from shapes alpha + 1 and beta + 1, whose saddle-point form holds for all alpha, beta > 0
        factor = log(alpha) + log(beta) - log(alpha + beta)
        kernel = log_binomial_kernel(alpha, beta, x, complement)
        return kernel + factor - (jnp.log(x) + jnp.log(complement))

    @staticmethod
    def _statistics(x: Numbers, origin: Numbers) -> tuple[Numbers, ...]:
        return (log_quotient(x, origin), _log_quotient_of_complements(x, origin))

    @staticmethod
    def _log_density_of(
        statistics: Sequence[Array], origin: Array, alpha: Array, beta: Array
    ) -> Array:
        at_origin = Beta._log_density(origin, alpha, beta)
        return at_origin + (alpha - 1.0) * statistics[0] + (beta - 1.0) * statistics[1]

    @staticmethod
    def _log_density_change(x: Array, origin: Array, alpha: Array, beta: Array) -> Array:
        of_complement = (beta - 1.0) * log_quotient(1.0 - x, 1.0 - origin)
        return (alpha - 1.0) * log_quotient(x, origin) + of_complement

    @staticmethod
    def _log_cdf(x: Array, alpha: Array, beta: Array) -> Array:
        return log_beta_i(alpha, beta, x, 1.0 - x)

    @staticmethod
    def _log_survival(x: Array, alpha: Array, beta: Array) -> Array:
        return log_beta_i_complement(alpha, beta, x, 1.0 - x)

    @staticmethod
    def _log_tails(x: Array, alpha: Array, beta: Array) -> tuple[Array, Array]:
        return log_beta_sides(alpha, beta, x, 1.0 - x)

    @staticmethod
    def _log_between(lower: Array, upper: Array, alpha: Array, beta: Array) -> Array:
        jet, log_density = beta_interval_jet, Beta._log_density
        return log_between_by_jet(jet, log_density, UNIT, lower, upper, alpha, beta)

    @staticmethod
    def _draw(
        generator: np.random.Generator, size: tuple[int, ...], alpha: float, beta: float
    ) -> Vector:
        g, h = draw_gamma(generator, size, alpha)
        other, lift = draw_gamma(generator, size, beta)
        return np.asarray(1.0 / (1.0 + other / g * np.exp(lift - h)))

    @staticmethod
    def _mean(alpha: Array, beta: Array) -> Array:
        return alpha / (alpha + beta)

    @staticmethod
    def _variance(alpha: Array, beta: Array) -> Array:
        total = alpha + beta
        return (alpha / total) * (beta / total) / (total + 1.0)

    @staticmethod
    def _entropy(alpha: Array, beta: Array) -> Array:
        # from the density at the mean, so that the terms of the size of alpha and beta cancel first
        total = alpha + beta
        mean, complement, at_total = alpha / total, beta / total, digamma_minus_log(total)
        peak = log_binomial_kernel(alpha, beta, mean, complement)
        peak = peak + log(alpha) + log(beta) - log(total) - (jnp.log(mean) + jnp.log(complement))
        return -(
            peak
            + (alpha - 1.0) * (digamma_minus_log(alpha) - at_total)
            + (beta - 1.0) * (digamma_minus_log(beta) - at_total)
        )

    @staticmethod
    def _tails(alpha: float, beta: float) -> Tails:
        return Tails(0.0, 1.0, Tail("power", alpha), Tail("power", beta))

    @staticmethod
    def _estimate(
        means: Sequence[float], origin: float, fixed: Mapping[str, float]
    ) -> dict[str, float] | None:
        # a closed form exists only where the other shape is fixed at 1 (a power of a uniform)
        if fixed == {"beta": 1.0}:
            return {"alpha": -1.0 / (means[0] + math.log(origin)), "beta": 1.0}
        if fixed == {"alpha": 1.0}:
            return {"alpha": 1.0, "beta": -1.0 / (means[1] + math.log1p(-origin))}
        return None

    @staticmethod
    def _starts(values: Vector, weights: Vector) -> list[dict[str, float]]:
        # By moments, measured from the nearer end and relative to it, so that rows near it keep
        # their digits. The log-likelihood is concave: one start is enough.
        mean = float(np.average(values, weights=weights))
        rest = float(np.average(1.0 - values, weights=weights))
        near, far = min(mean, rest), max(mean, rest)
        distance = values if mean <= rest else 1.0 - values
        spread = float(np.average((distance / near - 1.0) ** 2, weights=weights))
        # finite positive shapes also for a constant sample or one with all rows at the two ends
        near_shape = max(far / max(spread, 1e-12) - near, 1e-3 * near)
        far_shape = min(near_shape * (far / near), 1e300)
        shapes = (near_shape, far_shape) if mean <= rest else (far_shape, near_shape)
        return [dict(zip(("alpha", "beta"), shapes, strict=True))]
