"""Families of extremes: maxima of blocks of outcomes, and exceedances over a threshold."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar, final

import jax
import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Array, Vector
from kullback._core.domains import POSITIVE, REAL, Support
from kullback.models.family import Family
from kullback.models.model import Caution, OrderStatistic
from kullback.models.starting_values import l_moments, start_scale
from kullback.special.constants import EULER_GAMMA, LOG_TWO
from kullback.special.gamma import log_gamma, log_gamma_ratio
from kullback.special.numerics import log, reciprocal
from kullback.special.smooth import (
    expm1_over,
    expm1_scaled,
    log1mexp,
    log1p_scaled,
    log_complement,
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


# ---- the reduced variable ------------------------------------------------------------------


def reduced(shape: Array, z: Array) -> tuple[Array, Array]:
    """Compute y = log(1 + shape·z)/shape (z at shape zero), and whether 1 + shape·z > 0.

    Where that fails the row is impossible, and y is that of z = 0, so that derivatives stay finite.
    """
    possible = 1.0 + shape * z > 0.0
    z = jnp.where(possible, z, 0.0)
    # Through zero the smooth form; away from it the quotient, whose derivatives hold for any z.
    near = jnp.abs(shape * z) < 0.25
    smooth = log1p_scaled(shape, jnp.where(near, z, 0.0))
    divisor = jnp.where(near, 1.0, shape)
    quotient = log(1.0 + divisor * jnp.where(near, 0.0, z)) * reciprocal(divisor)
    return jnp.where(near, smooth, quotient), possible


def _log_cdf_of_maximum(y: Array) -> Array:
    return -jnp.exp(-y)


def _log_survival_of_maximum(y: Array) -> Array:
    """log(1 − exp(−e^−y)): −y − e^−y/2 + ... in the upper tail, where e^−y may underflow."""
    # from y = −7 down it is −exp(−1096) at most, zero as a double
    upper, lower = y > 0.0, (y > -7.0) & (y <= 0.0)
    hazard = jnp.exp(-jnp.where(upper, y, 0.0))
    above = jnp.log(expm1_over(-hazard)) - y
    below = log_complement(jnp.exp(-jnp.exp(-jnp.where(lower, y, 0.0))))
    return jnp.where(upper, above, jnp.where(lower, below, 0.0))


# ---- starts --------------------------------------------------------------------------------


# A start must give every row a finite density, with room for rows that the starts were not shown:
# the smallest row's reduced variable is kept above −log of this.
_LARGEST_HAZARD = 50.0
# Beyond ±0.5 the L-moments of the generalised extreme value and Pareto distributions say little,
# and below −1 their likelihoods have no maximum; a start stays clear of both.
_STEEPEST = 0.45


def _possible_start(
    loc: float, scale: float, shape: float, low: float, high: float
) -> dict[str, float]:
    """Widen the scale until all rows between ``low`` and ``high`` have a good density."""
    y = -math.log(_LARGEST_HAZARD)
    below = math.expm1(shape * y) / shape if shape else y
    scale = max(scale, (loc - low) / -below)
    if shape < 0.0:
        scale = max(scale, 1.1 * -shape * (high - loc))  # a tenth beyond the largest row
    return {"loc": loc, "scale": scale, "shape": shape}


def _maxima_start(
    values: Vector, weights: Vector, moments: tuple[float, float, float], shape: float
) -> dict[str, float]:
    """Match the first two L-moments at a given shape (Hosking, 1990, table 2)."""
    first, second, _ = moments
    gain = math.gamma(1.0 - shape)
    if abs(shape) < 1e-3:  # a start: the limit is near enough
        unit, shift = LOG_TWO, EULER_GAMMA
    else:
        unit, shift = gain * math.expm1(shape * LOG_TWO) / shape, (gain - 1.0) / shape
    seen = values[weights > 0.0]
    scale = start_scale(first, second / unit)
    low, high = float(np.min(seen)), float(np.max(seen))
    return _possible_start(first - scale * shift, scale, shape, low, high)


# ---- cautions ------------------------------------------------------------------------------


def _shape_caution(shape: float) -> Caution | None:
    """Say what a bounded upper end costs: below −1 the maximum, below −1/2 the standard errors."""
    # a search may stop just above −1 on its way down, where the end meets the largest row
    if shape < -1.0 or -1.0 < shape < -1.0 + 1e-6:
        return Caution(
            "The shape fell below −1, where the likelihood is unbounded: it grows without limit as "
            "the upper end of the support approaches the largest observation. Bound the shape "
            "where estimates are regular, shape=kl.Param(lower=-0.5), or take another family.",
            no_maximum=True,
        )
    if shape < -0.5:
        return Caution(
            f"With shape {shape:.3g} < −1/2 the problem is irregular: the estimate is not "
            f"asymptotically normal (R. L. Smith, 1985), and standard errors from the curvature "
            f"are not valid."
        )
    return None


# ---- families ------------------------------------------------------------------------------


@final
class Gumbel(Family):
    """Gumbel distribution of maxima: P(X ≤ x) = exp(−e^−z), z = (x − loc)/scale, x any number.

    Density e^(−z − e^−z)/scale. Parameters: ``loc`` (the mode) and ``scale`` > 0. Mean
    loc + γ scale (γ = 0.5772...), variance π² scale²/6. Source: S. Coles (2001), An Introduction to
    Statistical Modeling of Extreme Values, section 3.1.2.

    Example:
        >>> import kullback as kl
        >>> kl.Gumbel(loc=1.0, scale=2.0).log_cdf(1.0)
        -1.0
    """

    canonical: ClassVar[Mapping[str, Support]] = {"loc": REAL, "scale": POSITIVE}
    support = REAL

    @staticmethod
    def _log_density(x: Array, loc: Array, scale: Array) -> Array:
        z = (x - loc) * reciprocal(scale)
        return -z - jnp.exp(-z) - log(scale)

    @staticmethod
    def _log_cdf(x: Array, loc: Array, scale: Array) -> Array:
        return _log_cdf_of_maximum((x - loc) * reciprocal(scale))

    @staticmethod
    def _log_survival(x: Array, loc: Array, scale: Array) -> Array:
        return _log_survival_of_maximum((x - loc) * reciprocal(scale))

    @staticmethod
    def _quantile(u: Array, loc: Array, scale: Array) -> Array:
        return loc - scale * jnp.log(-jnp.log(u))

    @staticmethod
    def _draw(key: Array, shape: tuple[int, ...], loc: Array, scale: Array) -> Array:
        return loc + scale * jax.random.gumbel(key, shape, jnp.float64)

    @staticmethod
    def _mean(loc: Array, scale: Array) -> Array:
        return loc + EULER_GAMMA * scale

    @staticmethod
    def _variance(loc: Array, scale: Array) -> Array:  # noqa: ARG004  # by keyword
        return (math.pi**2 / 6.0) * scale * scale

    @staticmethod
    def _entropy(loc: Array, scale: Array) -> Array:  # noqa: ARG004
        return log(scale) + (1.0 + EULER_GAMMA)

    @staticmethod
    def _starts(values: Vector, weights: Vector) -> list[dict[str, float]]:
        start = _maxima_start(values, weights, l_moments(values, weights), 0.0)
        return [{"loc": start["loc"], "scale": start["scale"]}]


@final
class GeneralizedExtremeValue(Family):
    """Generalised extreme value distribution: P(X ≤ x) = exp(−(1 + shape·z)^(−1/shape)).

    z = (x − loc)/scale, and x such that 1 + shape·z > 0. Parameters: ``loc``, ``scale`` > 0 and
    ``shape`` (ξ > 0: heavy upper tail, Fréchet; 0: Gumbel; ξ < 0: bounded above, Weibull). The mean
    is loc + scale (Γ(1 − ξ) − 1)/ξ where ξ < 1, else infinite. Where ξ < −1 the likelihood has no
    maximum; where ξ ≤ −1/2 the curvature gives no standard errors (R. L. Smith, 1985). Source:
    S. Coles (2001), An Introduction to Statistical Modeling of Extreme Values, eq. 3.2.

    Example:
        >>> import kullback as kl
        >>> kl.GeneralizedExtremeValue(loc=1.0, scale=2.0, shape=0.5).log_cdf(1.0)
        -1.0
    """

    canonical: ClassVar[Mapping[str, Support]] = {"loc": REAL, "scale": POSITIVE, "shape": REAL}
    support = REAL

    @staticmethod
    def _log_density(x: Array, loc: Array, scale: Array, shape: Array) -> Array:
        y, possible = reduced(shape, (x - loc) * reciprocal(scale))
        value = -(1.0 + shape) * y - jnp.exp(-y) - log(scale)
        return jnp.where(possible, value, -jnp.inf)

    @staticmethod
    def _log_cdf(x: Array, loc: Array, scale: Array, shape: Array) -> Array:
        y, possible = reduced(shape, (x - loc) * reciprocal(scale))
        beyond = jnp.where(x > loc, 0.0, -jnp.inf)
        return jnp.where(possible, _log_cdf_of_maximum(y), beyond)

    @staticmethod
    def _log_survival(x: Array, loc: Array, scale: Array, shape: Array) -> Array:
        y, possible = reduced(shape, (x - loc) * reciprocal(scale))
        beyond = jnp.where(x > loc, -jnp.inf, 0.0)
        return jnp.where(possible, _log_survival_of_maximum(y), beyond)

    @staticmethod
    def _quantile(u: Array, loc: Array, scale: Array, shape: Array) -> Array:
        inside = (u > 0.0) & (u < 1.0)
        y = -jnp.log(-jnp.log(jnp.where(inside, u, 0.5)))
        lower = jnp.where(shape > 0.0, _end(loc, scale, shape), -jnp.inf)
        upper = jnp.where(shape < 0.0, _end(loc, scale, shape), jnp.inf)
        value = loc + scale * expm1_scaled(shape, y)
        return jnp.where(inside, value, jnp.where(u > 0.0, upper, lower))

    @staticmethod
    def _draw(key: Array, draws: tuple[int, ...], loc: Array, scale: Array, shape: Array) -> Array:
        y = jax.random.gumbel(key, draws, jnp.float64)
        return loc + scale * expm1_scaled(shape, y)

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
    def _starts(values: Vector, weights: Vector) -> list[dict[str, float]]:
        moments = l_moments(values, weights)
        c = 2.0 / (3.0 + moments[2]) - LOG_TWO / math.log(3.0)
        shape = -(7.8590 * c + 2.9554 * c * c)  # Hosking (1990), table 2
        shape = min(max(shape, -_STEEPEST), _STEEPEST)
        shapes = (shape, 0.0, -0.2 if shape > 0.0 else 0.2)
        return [_maxima_start(values, weights, moments, xi) for xi in shapes]

    @staticmethod
    def _caution(loc: float, scale: float, shape: float) -> Caution | None:  # noqa: ARG004
        return _shape_caution(shape)


def _end(loc: Array, scale: Array, shape: Array) -> Array:
    """Where 1 + shape·z is zero."""
    return loc - scale / jnp.where(shape == 0.0, 1.0, shape)


def _log_gamma_of_one_minus(shape: Array) -> Array:
    """Compute ln Γ(1 − ξ) for ξ < 1, to relative precision around ξ = 0."""
    near = shape < 0.5
    by_ratio = log_gamma_ratio(1.0, -jnp.where(near, shape, 0.0))
    return jnp.where(near, by_ratio, log_gamma(1.0 - jnp.where(near, 0.5, shape)))


@final
class GeneralizedPareto(Family):
    """Generalised Pareto distribution: P(X > x) = (1 + shape·z)^(−1/shape), z = (x − loc)/scale.

    For x ≥ loc with 1 + shape·z > 0. Parameters: ``scale`` > 0, ``shape`` (ξ > 0: heavy tail; 0:
    exponential; ξ < 0: bounded above) and ``loc``, the threshold, pinned at 0 unless a source is
    given. The mean is loc + scale/(1 − ξ) where ξ < 1, else infinite. Where ξ < −1 the likelihood
    has no maximum. Source: S. Coles (2001), An Introduction to Statistical Modeling of Extreme
    Values, eq. 4.2.

    Example:
        >>> import kullback as kl
        >>> kl.GeneralizedPareto(scale=2.0, shape=0.5).mean()
        4.0
    """

    canonical: ClassVar[Mapping[str, Support]] = {"scale": POSITIVE, "shape": REAL, "loc": REAL}
    support = REAL
    defaults: ClassVar[Mapping[str, float]] = {"loc": 0.0}
    order_statistics: ClassVar[Mapping[str, OrderStatistic]] = {"loc": "minimum"}

    @staticmethod
    def _log_density(x: Array, scale: Array, shape: Array, loc: Array) -> Array:
        y, possible = _excess(x, scale, shape, loc)
        value = -(1.0 + shape) * y - log(scale)
        return jnp.where(possible & (x >= loc), value, -jnp.inf)

    @staticmethod
    def _log_survival(x: Array, scale: Array, shape: Array, loc: Array) -> Array:
        y, possible = _excess(x, scale, shape, loc)
        return jnp.where(possible, -y, -jnp.inf)

    @staticmethod
    def _log_cdf(x: Array, scale: Array, shape: Array, loc: Array) -> Array:
        y, possible = _excess(x, scale, shape, loc)
        above = y > 0.0
        value = log1mexp(-jnp.where(above, y, 1.0))
        return jnp.where(possible, jnp.where(above, value, -jnp.inf), 0.0)

    @staticmethod
    def _quantile(u: Array, scale: Array, shape: Array, loc: Array) -> Array:
        inside = u < 1.0
        y = -jnp.log1p(-jnp.where(inside, u, 0.5))
        upper = jnp.where(shape < 0.0, _end(loc, scale, shape), jnp.inf)
        return jnp.where(inside, loc + scale * expm1_scaled(shape, y), upper)

    @staticmethod
    def _draw(key: Array, draws: tuple[int, ...], scale: Array, shape: Array, loc: Array) -> Array:
        y = jax.random.exponential(key, draws, jnp.float64)
        return loc + scale * expm1_scaled(shape, y)

    @staticmethod
    def _mean(scale: Array, shape: Array, loc: Array) -> Array:
        return jnp.where(
            shape < 1.0, loc + scale / (1.0 - jnp.where(shape < 1.0, shape, 0.0)), jnp.inf
        )

    @staticmethod
    def _variance(scale: Array, shape: Array, loc: Array) -> Array:  # noqa: ARG004
        finite = jnp.where(shape < 0.5, shape, 0.0)
        variance = (scale / (1.0 - finite)) ** 2 / (1.0 - 2.0 * finite)
        return jnp.where(shape < 0.5, variance, jnp.inf)

    @staticmethod
    def _entropy(scale: Array, shape: Array, loc: Array) -> Array:  # noqa: ARG004
        return log(scale) + shape + 1.0

    @staticmethod
    def _starts(values: Vector, weights: Vector) -> list[dict[str, float]]:
        # by L-moments (Hosking and Wallis, 1987, section 3) and as an exponential; above zero,
        # where loc usually stands, and above the smallest row
        seen = values[weights > 0.0]
        low, high = float(np.min(seen)), float(np.max(seen))
        first, second, _ = l_moments(values, weights)
        starts: list[dict[str, float]] = []
        for loc in dict.fromkeys((min(0.0, low), low)):
            mean = start_scale(loc, first - loc)
            shape = 2.0 - mean / second if second > 0.0 else 0.0
            shape = min(max(shape, -_STEEPEST), _STEEPEST)
            for xi, scale in ((shape, (1.0 - shape) * mean), (0.0, mean)):
                start = _possible_start(loc, scale, xi, loc, high)
                starts.append({name: start[name] for name in ("scale", "shape", "loc")})
        return starts

    @staticmethod
    def _caution(scale: float, shape: float, loc: float) -> Caution | None:  # noqa: ARG004
        return _shape_caution(shape)


def _excess(x: Array, scale: Array, shape: Array, loc: Array) -> tuple[Array, Array]:
    """Compute the reduced excess over loc (zero below), and whether it is before the upper end."""
    return reduced(shape, jnp.where(x >= loc, x - loc, 0.0) * reciprocal(scale))
