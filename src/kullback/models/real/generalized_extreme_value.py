"""Generalised extreme value distribution: block maxima."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar, final

import jax.numpy as jnp

from kullback._core.arrays import Array, Vector
from kullback._core.domains import POSITIVE, REAL, Domain
from kullback.models.caution import Caution
from kullback.models.extreme_values import (
    STEEPEST,
    end_of_support,
    log_cdf_of_maximum,
    log_survival_of_maximum,
    maxima_start,
    reduced,
    shape_caution,
)
from kullback.models.family import Family
from kullback.models.starting_values import l_moments
from kullback.models.tails import Tail, Tails, gumbel, half_line
from kullback.special.constants import EULER_GAMMA, LOG_TWO
from kullback.special.gamma import log_gamma, log_gamma_ratio
from kullback.special.numerics import log, reciprocal
from kullback.special.smooth import (
    expm1_over,
    expm1_scaled,
)

# ζ(k), k = 2, 3, ...: ln Γ(1 − ξ) = γ ξ + Σ ζ(k) ξ^k/k. For |2ξ| < 0.1 the first term left out is
# 1e-16 of the first.
_ZETA = (
    1.6449340668482264,
    1.2020569031595942,
    1.0823232337111382,
    1.0369277551433699,
    1.0173430619844491,
    1.0083492773819228,
    1.0040773561979443,
    1.0020083928260822,
    1.0009945751278181,
    1.0004941886041195,
    1.0002460865533080,
    1.0001227133475785,
    1.0000612481350587,
    1.0000305882363070,
    1.0000152822594087,
    1.0000076371976379,
)

# A search that passed this shape without an end is on its way to infinity: means of such a
# distribution are infinite, and data with a maximum have it at half of this or less.
_HEAVIEST = 2.0


@final
class GeneralizedExtremeValue(Family):
    """Generalised extreme value distribution: P(X ≤ x) = exp(−(1 + shape·z)^(−1/shape)).

    z = (x − loc)/scale, and x such that 1 + shape·z > 0. Parameters: ``loc``, ``scale`` > 0 and
    ``shape`` (ξ > 0: heavy upper tail, Fréchet; 0: Gumbel; ξ < 0: bounded above, Weibull). The mean
    is loc + scale (Γ(1 − ξ) − 1)/ξ where ξ < 1, else infinite. Where ξ < −1 the likelihood is
    unbounded; where ξ ≤ −1/2 standard errors from the curvature are not valid (R. L. Smith, 1985).
    Source: S. Coles (2001), An Introduction to Statistical Modeling of Extreme Values, eq. 3.2.

    Example:
        >>> import kullback as kl
        >>> kl.GeneralizedExtremeValue(loc=1.0, scale=2.0, shape=0.5).log_cdf(1.0)
        -1.0
    """

    default_parameters: ClassVar[Mapping[str, Domain]] = {
        "loc": REAL,
        "scale": POSITIVE,
        "shape": REAL,
    }
    support = REAL
    dimensions: ClassVar[Mapping[str, int]] = {"loc": 1, "scale": 1}

    @staticmethod
    def _log_density(x: Array, loc: Array, scale: Array, shape: Array) -> Array:
        y, possible = reduced(shape, (x - loc) * reciprocal(scale))
        value = -(1.0 + shape) * y - jnp.exp(-y) - log(scale)
        return jnp.where(possible, value, -jnp.inf)

    @staticmethod
    def _log_cdf(x: Array, loc: Array, scale: Array, shape: Array) -> Array:
        y, possible = reduced(shape, (x - loc) * reciprocal(scale))
        beyond = jnp.where(x > loc, 0.0, -jnp.inf)
        return jnp.where(possible, log_cdf_of_maximum(y), beyond)

    @staticmethod
    def _log_survival(x: Array, loc: Array, scale: Array, shape: Array) -> Array:
        y, possible = reduced(shape, (x - loc) * reciprocal(scale))
        beyond = jnp.where(x > loc, -jnp.inf, 0.0)
        return jnp.where(possible, log_survival_of_maximum(y), beyond)

    @staticmethod
    def _quantile(u: Array, loc: Array, scale: Array, shape: Array) -> Array:
        inside = (u > 0.0) & (u < 1.0)
        y = -jnp.log(-jnp.log(jnp.where(inside, u, 0.5)))
        lower = jnp.where(shape > 0.0, end_of_support(loc, scale, shape), -jnp.inf)
        upper = jnp.where(shape < 0.0, end_of_support(loc, scale, shape), jnp.inf)
        value = loc + scale * expm1_scaled(shape, y)
        return jnp.where(inside, value, jnp.where(u > 0.0, upper, lower))

    @staticmethod
    def _mean(loc: Array, scale: Array, shape: Array) -> Array:
        finite = jnp.where(shape < 1.0, shape, 0.0)
        zero = finite == 0.0
        growth = jnp.expm1(_log_gamma_of_one_minus(finite)) / jnp.where(zero, 1.0, finite)
        mean = loc + scale * jnp.where(zero, EULER_GAMMA, growth)
        return jnp.where(shape < 1.0, mean, jnp.inf)

    @staticmethod
    def _variance(loc: Array, scale: Array, shape: Array) -> Array:  # noqa: ARG004
        # [Γ(1 − 2ξ) − Γ(1 − ξ)²]/ξ², with the second difference of ln Γ as a series around zero
        finite = jnp.where(shape < 0.5, shape, 0.0)
        near = jnp.abs(finite) < 0.05
        small, away = jnp.where(near, finite, 0.0), jnp.where(near, 0.25, finite)
        series = jnp.zeros_like(small)
        for k in range(len(_ZETA) + 1, 1, -1):
            series = series * small + _ZETA[k - 2] * (2.0**k - 2.0) / k
        direct = _log_gamma_of_one_minus(2.0 * away) - 2.0 * _log_gamma_of_one_minus(away)
        square = finite * finite
        factor = jnp.where(
            near, series * expm1_over(series * square), jnp.expm1(direct) / (away * away)
        )
        variance = scale * scale * factor * jnp.exp(2.0 * _log_gamma_of_one_minus(finite))
        return jnp.where(shape < 0.5, variance, jnp.inf)

    @staticmethod
    def _entropy(loc: Array, scale: Array, shape: Array) -> Array:  # noqa: ARG004
        return log(scale) + EULER_GAMMA * shape + (1.0 + EULER_GAMMA)

    @staticmethod
    def _tails(shape: float, loc: float, scale: float) -> Tails:
        if shape == 0.0:
            return gumbel(scale)
        end, index = loc - scale / shape, 1.0 / abs(shape)
        # e^−y = (1 + shape·z)^(−1/shape), in the exponent on one side, a factor on the other
        steep = Tail("stretched", index, (abs(shape) / scale) ** index, index - 1.0)
        upper = Tail("power", index, nearness=index)
        if shape > 0.0:
            return half_line(Tail("stretched", index), upper, end)
        return Tails(-math.inf, end, steep, upper)

    @staticmethod
    def _starts(values: Vector, weights: Vector) -> list[dict[str, float]]:
        moments = l_moments(values, weights)
        c = 2.0 / (3.0 + moments[2]) - LOG_TWO / math.log(3.0)
        shape = -(7.8590 * c + 2.9554 * c * c)  # Hosking (1990), table 2
        shape = min(max(shape, -STEEPEST), STEEPEST)
        shapes = (shape, 0.0, -0.2 if shape > 0.0 else 0.2)
        return [maxima_start(values, weights, moments, xi) for xi in shapes]

    @staticmethod
    def _caution(loc: float, scale: float, shape: float) -> Caution | None:  # noqa: ARG004
        if shape > _HEAVIEST:
            # with the lower end δ below the smallest row, and shape = −log δ, its density is of
            # order 1/(δ |log δ|) and those of the other n − 1 rows are of order 1/|log δ|
            return Caution(
                "The likelihood is unbounded: it grows without limit as the shape diverges to "
                "infinity and the lower end of the support approaches the smallest row. These rows "
                "are too few, or too heavy-tailed, for a maximum before that. Bound the shape, "
                "shape=kl.Param(upper=1.0), or take another family.",
                no_maximum=True,
                reason="the likelihood is unbounded as shape diverges to infinity",
                unfinished=True,
            )
        return shape_caution(shape)


def _log_gamma_of_one_minus(shape: Array) -> Array:
    """Compute ln Γ(1 − ξ) for ξ < 1, to relative precision around ξ = 0."""
    near = shape < 0.5
    by_ratio = log_gamma_ratio(1.0, -jnp.where(near, shape, 0.0))
    return jnp.where(near, by_ratio, log_gamma(1.0 - jnp.where(near, 0.5, shape)))
