"""Generalised Poisson distribution: counts of which each brings others about."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar, final

import jax
import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Array, Vector
from kullback._core.domains import COUNTS, NON_NEGATIVE, POSITIVE, REAL, Domain
from kullback.models.family import Family
from kullback.models.parametrisation import Parametrisation
from kullback.models.samplers import draw_poisson
from kullback.models.starting_values import mean_inside
from kullback.special.lattice_tails import Derivatives, lattice_sum_jet
from kullback.special.numerics import log, log1p, reciprocal
from kullback.special.saddle_point import log_poisson_kernel
from kullback.special.shared import Jet, by_jets
from kullback.special.smooth import log1mexp


@final
class GeneralizedPoisson(Family):
    """Generalised Poisson: q(x) = θ (θ + λx)^(x−1) e^(−θ−λx)/x!, λ = α/(1 + α), θ = mean/(1 + α).

    Support x = 0, 1, 2, … Parameters: ``mean`` > 0 and α = ``dispersion`` ≥ 0, with variance mean
    (1 + α)² (GP1); also by ``mean, overdispersion``, with α = overdispersion·mean (GP2), and by
    ``mean, dispersion, power``, with α = dispersion·mean^(power − 1) (GP-P), of which the power can
    be estimated where means differ between rows: statsmodels' ``GeneralizedPoisson`` (p is the
    power, alpha the dispersion). At 0 it is Poisson. (A negative α would leave probabilities that
    do not add up to one.) The upper tail is a sum of as many terms as matter, at most a million.
    Source: P. C. Consul and G. C. Jain (1973), "A generalization of the Poisson distribution"; the
    total progeny of Poisson many ancestors with Poisson offspring of mean λ, as which it is drawn;
    with a power H. Zamani and N. Ismail (2012), "Functional form for the generalized Poisson
    regression model".

    Example:
        >>> import kullback as kl
        >>> kl.GeneralizedPoisson(mean=4.0, dispersion=0.5).variance()
        9.0
    """

    default_parameters: ClassVar[Mapping[str, Domain]] = {
        "mean": POSITIVE,
        "dispersion": NON_NEGATIVE,
    }
    support = COUNTS
    alternatives = (
        Parametrisation(
            {"mean": POSITIVE, "overdispersion": NON_NEGATIVE},
            lambda mean, overdispersion: {"mean": mean, "dispersion": overdispersion * mean},
            lambda mean, dispersion: {"mean": mean, "overdispersion": dispersion / mean},
        ),
        Parametrisation(
            {"mean": POSITIVE, "dispersion": NON_NEGATIVE, "power": REAL},
            lambda mean, dispersion, power: {
                "mean": mean,
                "dispersion": dispersion * jnp.exp((power - 1.0) * log(mean)),
            },
            lambda mean, dispersion, power: {
                "mean": mean,
                "dispersion": dispersion * mean ** (1.0 - power),
                "power": power,
            },
            {"power": 1.5},
        ),
    )

    @staticmethod
    def _log_density(x: Array, mean: Array, dispersion: Array) -> Array:
        # a Poisson probability with the mean θ + λx, times θ/(θ + λx)
        own = (mean + dispersion * x) * reciprocal(1.0 + dispersion)
        return log_poisson_kernel(x, own) - log1p(dispersion * x * reciprocal(mean))

    @staticmethod
    def _log_cdf(x: Array, mean: Array, dispersion: Array) -> Array:
        return GeneralizedPoisson._log_tails(x, mean, dispersion)[0]

    @staticmethod
    def _log_survival(x: Array, mean: Array, dispersion: Array) -> Array:
        return GeneralizedPoisson._log_tails(x, mean, dispersion)[1]

    @staticmethod
    def _log_tails(x: Array, mean: Array, dispersion: Array) -> tuple[Array, Array]:
        lower = x < mean  # the side that does not hold the mean
        ends = jnp.where(lower, 0.0, x + 1.0), jnp.where(lower, x, jnp.inf)
        smaller = GeneralizedPoisson._log_between(*ends, mean, dispersion)
        larger = log1mexp(smaller)
        return jnp.where(lower, smaller, larger), jnp.where(lower, larger, smaller)

    @staticmethod
    def _log_between(lower: Array, upper: Array, mean: Array, dispersion: Array) -> Array:
        low, high = jnp.maximum(jnp.ceil(lower), 0.0), jnp.floor(upper)
        first = jnp.clip(jnp.floor(jax.lax.stop_gradient(mean)), low, high)

        def jet(low: Array, high: Array, first: Array, mean: Array, dispersion: Array) -> list[Jet]:
            u = 1.0 / (1.0 + dispersion)
            rate = dispersion * u
            origin = _derivatives(first, mean, dispersion)

            def step(i: Array, down: Array, _: Derivatives) -> tuple[Array, Derivatives]:
                k = jnp.where(down, first - i - 1.0, first + i)
                own = mean * u + rate * k
                growth = own * jnp.exp(k * jnp.log1p(rate / own) - rate) / (k + 1.0)  # to k + 1
                to = jnp.where(down, k, k + 1.0)
                changes = zip(_derivatives(to, mean, dispersion), origin, strict=True)
                return jnp.where(down, 1.0 / growth, growth), [v - old for v, old in changes]

            return [lattice_sum_jet(step, 2, high - first, first - low)]

        start = GeneralizedPoisson._log_density(first, mean, dispersion)
        value = start + by_jets(jet, mean, dispersion, fixed=(low, high, first))[0]
        return jnp.where(low > high, -jnp.inf, value)

    @staticmethod
    def _draw(
        generator: np.random.Generator, size: tuple[int, ...], mean: float, dispersion: float
    ) -> Vector:
        rate = dispersion / (1.0 + dispersion)
        born = draw_poisson(generator, size, mean / (1.0 + dispersion))
        total = born.copy()
        while born.any():
            born = draw_poisson(generator, size, rate * born)
            total += born
        return total

    @staticmethod
    def _mean(mean: Array, dispersion: Array) -> Array:  # noqa: ARG004  # by keyword
        return mean

    @staticmethod
    def _variance(mean: Array, dispersion: Array) -> Array:
        return mean * (1.0 + dispersion) ** 2

    @staticmethod
    def _starts(values: Vector, weights: Vector) -> list[dict[str, float]]:
        mean = mean_inside(values, weights)
        variance = float(np.average((values - mean) ** 2, weights=weights))
        return [{"mean": mean, "dispersion": max(math.sqrt(variance / mean) - 1.0, 0.01)}]


def _derivatives(x: Array, mean: Array, dispersion: Array) -> Derivatives:
    """Those of the log-density in mean and dispersion."""
    u, d = 1.0 / (1.0 + dispersion), x - mean
    w, share = 1.0 / (mean + dispersion * x), x / (mean + dispersion * x)
    return (
        d * u * w + dispersion * share / mean,
        d * d * (u * u) * w - share,
        -u * w - d * u * w * w - dispersion * share * (1.0 / mean + w) / mean,
        share * w - 2.0 * d * (u * u) * w - d * d * (u * u) * (w * w),
        share * share - d * d * (u * u) * (2.0 * u * w + share * w),
    )
