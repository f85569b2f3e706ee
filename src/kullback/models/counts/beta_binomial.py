"""Beta-binomial distribution: successes where the probability varies between rows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar, final

import jax
import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Array, Vector
from kullback._core.domains import POSITIVE, POSITIVE_COUNTS, UNIT, Domain
from kullback.models.counts.trials import OfTrials
from kullback.models.family import Family
from kullback.models.parametrisation import Parametrisation
from kullback.models.samplers import draw_binomial
from kullback.models.starting_values import share_inside
from kullback.special.count_kernels import log_negative_binomial
from kullback.special.lattice_tails import Derivatives, lattice_sum_jet
from kullback.special.shared import Jet, by_jets
from kullback.special.smooth import log1mexp


@final
class BetaBinomial(OfTrials, Family):  # type: ignore[override]  # the support depends on trials
    """Beta-binomial: q(x) = C(trials, x) B(x + α, trials − x + β)/B(α, β).

    Support x = 0, …, ``trials``. Parameters: ``trials``, which must be given, 0 < ``probability`` <
    1 and ``precision`` > 0, with α = probability·precision and β = (1 − probability)·precision;
    also by ``trials, alpha, beta``. Mean trials·probability, variance trials·probability·(1 −
    probability)·(1 + (trials − 1)/(precision + 1)). As the precision grows it becomes binomial.
    Tails are sums of up to trials/2 terms. Source: J. G. Skellam (1948), "A probability
    distribution derived from the binomial distribution by regarding the probability of success as
    variable between the sets of trials"; evaluated as three negative binomials.

    Example:
        >>> import kullback as kl
        >>> kl.BetaBinomial(trials=10, probability=0.3, precision=4.0).mean()
        3.0
    """

    default_parameters: ClassVar[Mapping[str, Domain]] = {
        "trials": POSITIVE_COUNTS,
        "probability": UNIT,
        "precision": POSITIVE,
    }
    required = ("trials",)
    limits: ClassVar[Mapping[str, str]] = {"precision": "Binomial"}
    alternatives = (
        Parametrisation(
            {"trials": POSITIVE_COUNTS, "alpha": POSITIVE, "beta": POSITIVE},
            lambda trials, alpha, beta: {
                "trials": trials,
                "probability": alpha / (alpha + beta),
                "precision": alpha + beta,
            },
            lambda trials, probability, precision: {
                "trials": trials,
                "alpha": probability * precision,
                "beta": (1.0 - probability) * precision,
            },
        ),
    )

    @staticmethod
    def _log_density(x: Array, trials: Array, probability: Array, precision: Array) -> Array:
        # of independent negative binomial counts with one probability, given their sum
        p, q = probability, 1.0 - probability
        first = log_negative_binomial(x, trials * p, precision * p)
        second = log_negative_binomial(trials - x, trials * q, precision * q)
        return first + second - log_negative_binomial(trials, trials, precision)

    @staticmethod
    def _log_cdf(x: Array, trials: Array, probability: Array, precision: Array) -> Array:
        return BetaBinomial._log_tails(x, trials, probability, precision)[0]

    @staticmethod
    def _log_survival(x: Array, trials: Array, probability: Array, precision: Array) -> Array:
        return BetaBinomial._log_tails(x, trials, probability, precision)[1]

    @staticmethod
    def _log_tails(
        x: Array, trials: Array, probability: Array, precision: Array
    ) -> tuple[Array, Array]:
        lower = x < trials * probability  # the side that does not hold the mean
        ends = jnp.where(lower, 0.0, x + 1.0), jnp.where(lower, x, trials)
        smaller = BetaBinomial._log_between(*ends, trials, probability, precision)
        larger = log1mexp(smaller)
        return jnp.where(lower, smaller, larger), jnp.where(lower, larger, smaller)

    @staticmethod
    def _log_between(
        lower: Array, upper: Array, trials: Array, probability: Array, precision: Array
    ) -> Array:
        low, high = jnp.maximum(jnp.ceil(lower), 0.0), jnp.minimum(jnp.floor(upper), trials)
        first = jnp.clip(jnp.floor(jax.lax.stop_gradient(trials * probability)), low, high)

        def jet(trials: Array, low: Array, high: Array, first: Array, *ab: Array) -> list[Jet]:
            alpha, beta = ab

            def step(i: Array, down: Array, known: Derivatives) -> tuple[Array, Derivatives]:
                # below the first one as the failures, which grow
                k = jnp.where(down, trials - first, first) + i
                a, b = jnp.where(down, beta, alpha), jnp.where(down, alpha, beta)
                u, v = k + a, trials - k - 1.0 + b
                by_a, by_b = 1.0 / u, -1.0 / v
                by_alpha, by_beta = jnp.where(down, by_b, by_a), jnp.where(down, by_a, by_b)
                s, t, ss, st, tt = known
                # the second derivatives of log u and −log v, each in its own number alone
                sign = jnp.where(down, 1.0, -1.0)
                second = ss + sign * by_alpha * by_alpha, st, tt - sign * by_beta * by_beta
                ratio = (trials - k) * u / ((k + 1.0) * v)
                return ratio, (s + by_alpha, t + by_beta, *second)

            def falling(down: Array) -> Array:  # an end is a mode of its own where its number < 1
                return jnp.where(down, alpha, beta) >= 1.0

            return [lattice_sum_jet(step, 2, high - first, first - low, falling)]

        a, b = probability * precision, (1.0 - probability) * precision
        start = BetaBinomial._log_density(first, trials, probability, precision)
        value = start + by_jets(jet, a, b, fixed=(trials + 0.0 * first, low, high, first))[0]
        return jnp.where(low > high, -jnp.inf, value)

    @staticmethod
    def _draw(
        generator: np.random.Generator,
        size: tuple[int, ...],
        trials: float,
        probability: float,
        precision: float,
    ) -> Vector:
        p = generator.beta(probability * precision, (1.0 - probability) * precision, size)
        return draw_binomial(generator, size, trials, p)

    @staticmethod
    def _mean(trials: Array, probability: Array, precision: Array) -> Array:  # noqa: ARG004
        return trials * probability

    @staticmethod
    def _variance(trials: Array, probability: Array, precision: Array) -> Array:
        spread = 1.0 + (trials - 1.0) / (precision + 1.0)
        return trials * probability * (1.0 - probability) * spread

    def starts(self, values: Vector, weights: Vector) -> list[Mapping[str, float | Vector]]:
        """Return the share of successes, and the precision that the variance has."""
        n = self._trials
        if math.isinf(n):  # of each row its own: a half of them, moderately spread
            return [self.from_default({"trials": n, "probability": 0.5, "precision": 10.0})]
        mean = float(np.average(values, weights=weights))
        share = share_inside(mean / n, n * float(np.sum(weights)))
        variance = float(np.average((values - mean) ** 2, weights=weights))
        excess = variance / (n * share * (1.0 - share)) - 1.0
        # without overdispersion the estimate is infinite: start from a moderate precision
        precision = max((n - 1.0) / excess - 1.0, 0.1) if excess > 0.0 else 10.0 * n
        start = {"trials": n, "probability": share, "precision": precision}
        return [self.from_default(start)]
