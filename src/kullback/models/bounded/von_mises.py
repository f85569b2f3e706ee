"""Von Mises distribution: angles."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, final

import jax
import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Array, Numbers, Vector, namespace
from kullback._core.domains import POSITIVE, REAL, Domain, Interval
from kullback.models.family import Family
from kullback.models.inversion import find_quantiles
from kullback.models.tails import FLAT, Tails
from kullback.special.constants import LOG_TWO_PI
from kullback.special.von_mises import (
    log_scaled_bessel_i0,
    log_von_mises_cdf,
    log_von_mises_density,
    log_von_mises_survival,
)

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
    """Solve I₁(κ)/I₀(κ) = resultant; None without a solution 0 < κ < ∞.

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
    # D. Best and N. Fisher (1981): within a few per cent below 0.85; above, 0.5/spread is the start
    if resultant < 0.85:
        kappa = 2.0 * resultant + resultant**3 + 5.0 / 6.0 * resultant**5
    for _ in range(20):  # Newton on a concave increasing function; quadratic after the first steps
        ratio = float(i1e(kappa) / i0e(kappa))
        kappa -= (ratio - resultant) / (1.0 - ratio / kappa - ratio * ratio)
    return kappa


def _wrapped(angle: float) -> float:
    """Return the same angle in (−π, π]."""
    inside = math.remainder(angle, 2.0 * math.pi)
    return math.pi if inside <= -math.pi else inside


@final
class VonMises(Family):
    """Von Mises distribution of angles: q(x) = exp(κ cos(x − loc)) / (2π I₀(κ)).

    x is an angle in radians, any number: the density has period 2π, and integrates to one over any
    full turn. The distribution function, quantiles, draws and moments take the angle in
    [loc − π, loc + π]. Parameters: ``loc`` (the mean direction; its estimate lies in (−π, π]) and
    ``concentration`` κ > 0. Source: N. I. Fisher (1993), Statistical Analysis of Circular Data,
    section 3.3.6.

    Example:
        >>> import kullback as kl
        >>> kl.VonMises(loc=1.0, concentration=2.0).cdf(1.0)
        0.5
    """

    default_parameters: ClassVar[Mapping[str, Domain]] = {"loc": REAL, "concentration": POSITIVE}
    support = REAL
    period = 2.0 * math.pi

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
    def _log_density_change(x: Array, origin: Array, loc: Array, concentration: Array) -> Array:
        middle = 0.5 * (x + origin) - loc
        return -2.0 * concentration * jnp.sin(middle) * jnp.sin(0.5 * (x - origin))

    @staticmethod
    def _log_cdf(x: Array, loc: Array, concentration: Array) -> Array:
        return log_von_mises_cdf(concentration, x - loc)

    @staticmethod
    def _log_survival(x: Array, loc: Array, concentration: Array) -> Array:
        return log_von_mises_survival(concentration, x - loc)

    def quantiles_at(self, u: Vector) -> Vector:
        """Quantiles of the angle from loc, which keeps its digits near 0."""
        loc = self.params["loc"]
        centred = VonMises(loc=0.0, concentration=self.params["concentration"])
        angles = find_quantiles(u, centred._both_tails(), Interval(-math.pi, math.pi))
        return np.asarray(loc + angles)

    @staticmethod
    def _draw(
        generator: np.random.Generator, size: tuple[int, ...], loc: float, concentration: float
    ) -> Vector:
        return loc + generator.vonmises(0.0, concentration, size)

    @staticmethod
    def _mean(loc: Array, concentration: Array) -> Array:  # noqa: ARG004  # by keyword
        return loc

    @staticmethod
    def _variance(loc: Array, concentration: Array) -> Array:  # noqa: ARG004
        # Gauss–Legendre over the half circle, or to where the density is e^-40 of its peak:
        # 64 nodes resolve the rest, at most 9 standard deviations of a Gaussian, to 1e-13
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
    def _tails(loc: float, concentration: float) -> Tails:
        spread = 1.0 / math.sqrt(max(concentration, 1.0))
        ends = loc - math.pi, loc + math.pi
        return Tails(*ends, FLAT, FLAT, period=2.0 * math.pi, about=(loc, spread))

    @staticmethod
    def _estimate(
        means: Sequence[float], origin: float, fixed: Mapping[str, float]
    ) -> dict[str, float] | None:
        cosine, sine = 1.0 + means[0], means[1]
        length = math.hypot(cosine, sine)
        if "loc" in fixed:
            loc, shift = fixed["loc"], fixed["loc"] - origin
            half = math.sin(0.5 * shift)
            spread = 2.0 * half * half - means[0] * math.cos(shift) - sine * math.sin(shift)
            resultant = cosine * math.cos(shift) + sine * math.sin(shift)
        else:
            loc = _wrapped(origin + math.atan2(sine, cosine))
            spread = -(means[0] * (2.0 + means[0]) + sine * sine) / (1.0 + length)
            resultant = length
        kappa = fixed.get("concentration", _concentration(resultant, spread))
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
        # without a solution: all rows in one direction, or no preferred direction
        alone = 1e6 if math.hypot(1.0 + means[0], means[1]) > 0.5 else 0.1
        return [found or {"loc": loc, "concentration": alone}]
