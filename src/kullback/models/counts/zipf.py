"""Zipf (zeta) distribution: counts whose probabilities fall like a power."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar, final

import jax
import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Array, Vector
from kullback._core.domains import POSITIVE_COUNTS, Domain, Interval
from kullback.models.family import Family
from kullback.special.smooth import log1mexp
from kullback.special.zeta import log_zeta


@final
class Zipf(Family):
    """Zipf (zeta) distribution: q(x) = x^−exponent/ζ(exponent), x = 1, 2, 3, ...

    Parameter: ``exponent`` > 1. Mean ζ(exponent − 1)/ζ(exponent) for exponent > 2, else infinite;
    the variance is finite for exponent > 3. As the exponent grows all outcomes are 1. Source: N. L.
    Johnson, A. W. Kemp and S. Kotz (2005), Univariate Discrete Distributions, section 11.2.20;
    starting values by A. Clauset, C. R. Shalizi and M. E. J. Newman (2009), "Power-law
    distributions in empirical data", eq. 3.7.

    Example:
        >>> import kullback as kl
        >>> round(kl.Zipf(exponent=2.0).density(1), 6)  # 6/π²
        0.607927
    """

    default_parameters: ClassVar[Mapping[str, Domain]] = {"exponent": Interval(lower=1.0)}
    support = POSITIVE_COUNTS

    @staticmethod
    def _log_density(x: Array, exponent: Array) -> Array:
        return -exponent * jnp.log(x) - log_zeta(exponent, jnp.ones_like(exponent))

    @staticmethod
    def _log_survival(x: Array, exponent: Array) -> Array:
        return log_zeta(exponent, x + 1.0) - log_zeta(exponent, jnp.ones_like(exponent))

    @staticmethod
    def _log_cdf(x: Array, exponent: Array) -> Array:
        return log1mexp(Zipf._log_survival(x, exponent))

    @staticmethod
    def _draw(generator: np.random.Generator, size: tuple[int, ...], exponent: float) -> Vector:
        # by rejection from a Pareto number (L. Devroye, 1986, Non-Uniform Random Variate
        # Generation, X.6.1): as floats, since with an exponent near 1 most are beyond the integers
        out = np.empty(size)
        left = np.ones(size, bool)
        a = exponent - 1.0
        least = -math.expm1(-a * math.log(2.0))
        while left.any():
            u, v = generator.random((2, int(left.sum())))
            x = np.floor(np.exp(-np.log1p(-u) / a))
            with np.errstate(invalid="ignore"):  # infinite draws, of which the next line is a
                rise = x * -np.expm1(-a * np.log1p(1.0 / x))
            taken = v * np.where(np.isinf(x), a, rise) <= least
            places = np.flatnonzero(left)[taken]
            out.flat[places] = x[taken]
            left.flat[places] = False
        return out

    @staticmethod
    def _mean(exponent: Array) -> Array:
        return jnp.exp(_log_moment(exponent, 1))

    @staticmethod
    def _variance(exponent: Array) -> Array:
        first, second = _log_moment(exponent, 1), _log_moment(exponent, 2)
        finite = jnp.isfinite(second)
        ratio = jnp.where(finite, second - 2.0 * jnp.where(finite, first, 0.0), 0.0)
        variance = jnp.exp(2.0 * jnp.where(finite, first, 0.0)) * jnp.expm1(ratio)
        return jnp.where(finite, variance, jnp.inf)

    @staticmethod
    def _entropy(exponent: Array) -> Array:
        def norm(s: Array) -> Array:
            return log_zeta(s, jnp.ones_like(s))

        value, slope = jax.jvp(norm, (exponent,), (jnp.ones_like(exponent),))
        entropy: Array = value - exponent * slope
        return entropy

    @staticmethod
    def _starts(values: Vector, weights: Vector) -> list[dict[str, float]]:
        logs = float(np.average(np.log(values) + math.log(2.0), weights=weights))
        return [{"exponent": 1.0 + 1.0 / logs}]


def _log_moment(exponent: Array, power: int) -> Array:
    """Log of E x^power: inf where it is infinite."""
    finite = exponent > 1.0 + power
    s = jnp.where(finite, exponent, 2.0 + power)
    one = jnp.ones_like(s)
    return jnp.where(finite, log_zeta(s - power, one) - log_zeta(s, one), jnp.inf)
