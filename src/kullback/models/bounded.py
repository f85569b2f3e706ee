"""Families of outcomes in a bounded range: proportions, and angles."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, final

import jax
import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Array, Numbers, Vector, namespace
from kullback._core.domains import POSITIVE, REAL, UNIT, Interval, Support
from kullback.models.family import Family, Parametrisation
from kullback.models.inversion import quantile_by_inversion
from kullback.special.beta import log_beta_i, log_beta_i_complement
from kullback.special.constants import LOG_TWO_PI
from kullback.special.numerics import log, log_quotient
from kullback.special.saddle_point import digamma_minus_log, log_binomial_kernel
from kullback.special.von_mises import (
    log_scaled_bessel_i0,
    log_von_mises_cdf,
    log_von_mises_density,
    log_von_mises_survival,
)

# ---- beta ----------------------------------------------------------------------------------


def _log_quotient_of_complements(x: Numbers, origin: Numbers) -> Numbers:
    """Compute log((1 − x)/(1 − origin)), to relative precision also where both are near zero.

    `log_quotient` of the complements would see x only as far as 1 − x can hold it, which a beta of
    1e8 makes eight digits of the log-density: so it is written in x − origin.
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

    canonical: ClassVar[Mapping[str, Support]] = {"alpha": POSITIVE, "beta": POSITIVE}
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
        # from shapes alpha + 1, beta + 1, whose saddle-point form holds for every alpha, beta > 0
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
    def _log_cdf(x: Array, alpha: Array, beta: Array) -> Array:
        return log_beta_i(alpha, beta, x, 1.0 - x)

    @staticmethod
    def _log_survival(x: Array, alpha: Array, beta: Array) -> Array:
        return log_beta_i_complement(alpha, beta, x, 1.0 - x)

    @staticmethod
    def _draw(key: Array, shape: tuple[int, ...], alpha: Array, beta: Array) -> Array:
        return jax.random.beta(key, alpha, beta, shape, jnp.float64)

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
    def _estimate(
        means: Sequence[float], origin: float, pinned: Mapping[str, float]
    ) -> dict[str, float] | None:
        # in closed form only where the other shape is pinned at 1 (a power of a uniform)
        if pinned == {"beta": 1.0}:
            return {"alpha": -1.0 / (means[0] + math.log(origin)), "beta": 1.0}
        if pinned == {"alpha": 1.0}:
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
        # a constant sample, or one of two heaps at the ends, must give finite positive shapes too
        near_shape = max(far / max(spread, 1e-12) - near, 1e-3 * near)
        far_shape = min(near_shape * (far / near), 1e300)
        shapes = (near_shape, far_shape) if mean <= rest else (far_shape, near_shape)
        return [dict(zip(("alpha", "beta"), shapes, strict=True))]


# ---- von Mises -----------------------------------------------------------------------------


# ln I₀'s asymptotic series (DLMF 10.40.1) and, from it, that of I₀ − I₁: term k of I₁ is term k of
# I₀ times −(2k + 1)/(2k − 1). Used from κ = 32 on, where twenty terms leave 2e-17.
_LARGE = 32.0
_BESSEL = [math.prod((2 * j - 1) ** 2 / (8.0 * j) for j in range(1, k + 1)) for k in range(21)]
_BESSEL_GAP = [4.0 * k / (2 * k - 1) * c for k, c in enumerate(_BESSEL)]


def _gap(concentration: float) -> float:
    """1 − I₁(κ)/I₀(κ) for large κ."""
    gap = bessel = 0.0
    for term_of_gap, term in zip(reversed(_BESSEL_GAP), reversed(_BESSEL), strict=True):
        gap, bessel = gap / concentration + term_of_gap, bessel / concentration + term
    return gap / bessel


def _concentration(resultant: float, spread: float) -> float | None:
    """Solve I₁(κ)/I₀(κ) = resultant; None where there is no solution 0 < κ < ∞.

    Args:
        resultant: the mean of cos(x − loc).
        spread: 1 − resultant, with all its digits.
    """
    from scipy.special import i0e, i1e

    if not (resultant > 0.0 and spread > 0.0):
        return None
    kappa = 0.5 / spread
    if spread < _gap(_LARGE):
        for _ in range(12):  # the gap is near 1/(2κ), so that each step gains two digits or more
            kappa *= _gap(kappa) / spread
        return kappa
    # D. Best and N. Fisher (1981): within a few per cent below 0.85, and a start beyond
    if resultant < 0.85:
        kappa = 2.0 * resultant + resultant**3 + 5.0 / 6.0 * resultant**5
    for _ in range(20):  # Newton on a concave increasing function; quadratic after the first steps
        ratio = float(i1e(kappa) / i0e(kappa))
        kappa -= (ratio - resultant) / (1.0 - ratio / kappa - ratio * ratio)
    return kappa


def _wrapped(angle: float) -> float:
    """Give the same angle in (−π, π]."""
    inside = math.remainder(angle, 2.0 * math.pi)
    return math.pi if inside <= -math.pi else inside


@final
class VonMises(Family):
    """Von Mises distribution of angles: q(x) = exp(κ cos(x − loc)) / (2π I₀(κ)).

    x is an angle in radians, any number: the density has period 2π, and integrates to one over any
    full turn. The distribution function, quantiles, draws and moments read the angle on
    [loc − π, loc + π]. Parameters: ``loc`` (the mean direction; its estimate lies in (−π, π]) and
    ``concentration`` κ > 0. Source: N. I. Fisher (1993), Statistical Analysis of Circular Data,
    section 3.3.6.

    Example:
        >>> import kullback as kl
        >>> kl.VonMises(loc=1.0, concentration=2.0).cdf(1.0)
        0.5
    """

    canonical: ClassVar[Mapping[str, Support]] = {"loc": REAL, "concentration": POSITIVE}
    support = REAL

    @staticmethod
    def _log_density(x: Array, loc: Array, concentration: Array) -> Array:
        return log_von_mises_density(concentration, x - loc)

    @staticmethod
    def _statistics(x: Numbers, origin: Numbers) -> tuple[Numbers, ...]:
        # cos − 1 and sin: near the origin the first keeps its digits
        xp: Any = namespace(x)
        half = 0.5 * (x - origin)
        sine = xp.sin(half)
        return (-2.0 * sine * sine, 2.0 * sine * xp.cos(half))

    @staticmethod
    def _log_density_of(
        statistics: Sequence[Array], origin: Array, loc: Array, concentration: Array
    ) -> Array:
        shift = loc - origin
        half = jnp.sin(0.5 * shift)
        gap = statistics[0] * jnp.cos(shift) + statistics[1] * jnp.sin(shift) - 2.0 * half * half
        return concentration * gap - (log_scaled_bessel_i0(concentration) + LOG_TWO_PI)

    @staticmethod
    def _log_cdf(x: Array, loc: Array, concentration: Array) -> Array:
        return log_von_mises_cdf(concentration, x - loc)

    @staticmethod
    def _log_survival(x: Array, loc: Array, concentration: Array) -> Array:
        return log_von_mises_survival(concentration, x - loc)

    @staticmethod
    def _quantile(u: Array, loc: Array, concentration: Array) -> Array:
        return loc + quantile_by_inversion(
            u,
            log_density=lambda angle: log_von_mises_density(concentration, angle),
            log_cdf=lambda angle: log_von_mises_cdf(concentration, angle),
            log_survival=lambda angle: log_von_mises_survival(concentration, angle),
            support=Interval(-math.pi, math.pi),
        )

    @staticmethod
    def _draw(key: Array, shape: tuple[int, ...], loc: Array, concentration: Array) -> Array:
        # Rejection, from a uniform for κ < 1 and else from a normal: sin²(δ/2) ≥ (δ/π)² on the
        # circle. At least 46 % of the proposals are kept, whatever κ.
        wide = concentration < 1.0
        sd = 0.5 * math.pi / jnp.sqrt(jnp.where(wide, 1.0, concentration))

        def propose(state: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
            key, angle, kept = state
            key, *keys = jax.random.split(key, 4)
            flat = jax.random.uniform(keys[0], shape, jnp.float64, -math.pi, math.pi)
            peaked = sd * jax.random.normal(keys[1], shape, jnp.float64)
            new = jnp.where(wide, flat, peaked)
            envelope = jnp.where(wide, 0.0, (new / math.pi) ** 2)
            log_ratio = -2.0 * concentration * (jnp.sin(0.5 * new) ** 2 - envelope)
            accepted = -jax.random.exponential(keys[2], shape, jnp.float64) <= log_ratio
            accepted = accepted & (jnp.abs(new) <= math.pi)
            return key, jnp.where(kept, angle, new), kept | accepted

        def unfinished(state: tuple[Array, Array, Array]) -> Array:
            return ~jnp.all(state[2])

        start = (key, jnp.zeros(shape, jnp.float64), jnp.zeros(shape, bool))
        return loc + jax.lax.while_loop(unfinished, propose, start)[1]

    @staticmethod
    def _mean(loc: Array, concentration: Array) -> Array:  # noqa: ARG004  # by keyword
        return loc

    @staticmethod
    def _variance(loc: Array, concentration: Array) -> Array:  # noqa: ARG004
        # Gauss–Legendre over the half circle, or to where the density is e^-40 of its peak:
        # 64 nodes resolve what is left, a Gaussian of 9 standard deviations or less, to 1e-13
        nodes, node_weights = np.polynomial.legendre.leggauss(64)
        end = 2.0 * jnp.arcsin(jnp.sqrt(jnp.minimum(20.0 / concentration, 1.0)))
        angle = 0.5 * end * (1.0 + nodes)
        mass = node_weights * jnp.exp(-2.0 * concentration * jnp.sin(0.5 * angle) ** 2)
        return jnp.sum(mass * angle * angle) / jnp.sum(mass)

    @staticmethod
    def _entropy(loc: Array, concentration: Array) -> Array:  # noqa: ARG004
        one = jnp.ones_like(concentration)
        value, slope = jax.jvp(log_scaled_bessel_i0, (concentration,), (one,))
        entropy: Array = value + LOG_TWO_PI - concentration * slope
        return entropy

    @staticmethod
    def _estimate(
        means: Sequence[float], origin: float, pinned: Mapping[str, float]
    ) -> dict[str, float] | None:
        cosine, sine = 1.0 + means[0], means[1]
        length = math.hypot(cosine, sine)
        if "loc" in pinned:
            loc, shift = pinned["loc"], pinned["loc"] - origin
            half = math.sin(0.5 * shift)
            spread = 2.0 * half * half - means[0] * math.cos(shift) - sine * math.sin(shift)
            resultant = cosine * math.cos(shift) + sine * math.sin(shift)
        else:
            loc = _wrapped(origin + math.atan2(sine, cosine))
            spread = -(means[0] * (2.0 + means[0]) + sine * sine) / (1.0 + length)
            resultant = length
        kappa = pinned.get("concentration", _concentration(resultant, spread))
        return None if kappa is None else {"loc": loc, "concentration": kappa}

    @staticmethod
    def _starts(values: Vector, weights: Vector) -> list[dict[str, float]]:
        origin = float(values[np.argmax(weights)])
        half = np.sin(0.5 * (values - origin))
        means = [
            float(np.average(-2.0 * half * half, weights=weights)),
            float(np.average(np.sin(values - origin), weights=weights)),
        ]
        loc = _wrapped(origin + math.atan2(means[1], 1.0 + means[0]))
        found: Any = VonMises._estimate(means, origin, {})
        # no concentration: every row in one direction, or none preferred
        alone = 1e6 if math.hypot(1.0 + means[0], means[1]) > 0.5 else 0.1
        return [found or {"loc": loc, "concentration": alone}]
