"""Binomial distribution: successes in a known number of trials."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar, final

import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Array, Vector
from kullback._core.domains import (
    POSITIVE_COUNTS,
    REAL,
    Domain,
)
from kullback.models.caution import Caution
from kullback.models.counts.probability import PROBABILITY, complement, logit_caution
from kullback.models.counts.trials import OfTrials
from kullback.models.family import Family
from kullback.models.parametrisation import Parametrisation
from kullback.models.samplers import draw_binomial
from kullback.models.starting_values import share_inside
from kullback.special.beta import log_beta_i, log_beta_i_complement, log_beta_sides
from kullback.special.count_entropy import entropy_on_grid
from kullback.special.count_kernels import (
    log_binomial,
    log_binomial_by_logit,
)
from kullback.special.logistic import logistic


@final
class Binomial(OfTrials, Family):  # type: ignore[override]  # the support depends on trials
    """Binomial distribution: q(x) = C(trials, x) probability^x (1 − probability)^(trials−x).

    Support x = 0, ..., ``trials``. Parameters: ``trials``, which must be given, and 0 ≤
    ``probability`` ≤ 1; also by ``trials, logit``. Mean trials·probability. Source: N. L. Johnson,
    A. W. Kemp and S. Kotz (2005), Univariate Discrete Distributions, eq. 3.2; evaluated in the
    saddle-point form of C. Loader (2000).

    Example:
        >>> import kullback as kl
        >>> kl.Binomial(trials=10, probability=0.25).mean()
        2.5
    """

    default_parameters: ClassVar[Mapping[str, Domain]] = {
        "trials": POSITIVE_COUNTS,
        "probability": PROBABILITY,
    }
    required = ("trials",)
    alternatives = (
        Parametrisation(
            {"trials": POSITIVE_COUNTS, "logit": REAL},
            lambda trials, logit: {
                "trials": trials,
                "probability": logistic(logit),
                "logit": logit,
            },
            lambda trials, probability: {
                "trials": trials,
                "logit": jnp.log(probability) - jnp.log1p(-probability),
            },
        ),
    )

    @staticmethod
    def _log_density(
        x: Array, trials: Array, probability: Array, logit: Array | None = None
    ) -> Array:
        if logit is None:
            return log_binomial(x, trials, probability, 1.0 - probability)
        return log_binomial_by_logit(x, trials, logit)

    @staticmethod
    def _log_cdf(x: Array, trials: Array, probability: Array, logit: Array | None = None) -> Array:
        return log_beta_i(trials - x, x + 1.0, complement(probability, logit), probability)

    @staticmethod
    def _log_survival(
        x: Array, trials: Array, probability: Array, logit: Array | None = None
    ) -> Array:
        q = complement(probability, logit)
        return log_beta_i_complement(trials - x, x + 1.0, q, probability)

    @staticmethod
    def _log_tails(
        x: Array, trials: Array, probability: Array, logit: Array | None = None
    ) -> tuple[Array, Array]:
        return log_beta_sides(trials - x, x + 1.0, complement(probability, logit), probability)

    @staticmethod
    def _draw(
        generator: np.random.Generator,
        size: tuple[int, ...],
        trials: float,
        probability: float,
        logit: float | None = None,
    ) -> Vector:
        # draw the rarer of success and failure, whose probability keeps all its digits
        if probability <= 0.5:
            return draw_binomial(generator, size, trials, probability)
        failure = 1.0 - probability if logit is None else probability * math.exp(-logit)
        return trials - draw_binomial(generator, size, trials, failure)

    @staticmethod
    def _mean(
        trials: Array,
        probability: Array,
        logit: Array | None = None,  # noqa: ARG004
    ) -> Array:
        return trials * probability

    @staticmethod
    def _variance(trials: Array, probability: Array, logit: Array | None = None) -> Array:
        return trials * probability * complement(probability, logit)

    @staticmethod
    def _entropy(trials: Array, probability: Array, logit: Array | None = None) -> Array:
        def log_probability(x: Array) -> Array:
            inside = x <= trials
            value = Binomial._log_density(jnp.where(inside, x, 0.0), trials, probability, logit)
            return jnp.where(inside, value, -jnp.inf)

        variance = Binomial._variance(trials, probability, logit)
        return entropy_on_grid(log_probability, trials * probability, variance)

    @staticmethod
    def _caution(
        trials: float,  # noqa: ARG004  # by keyword
        probability: float,  # noqa: ARG004
        logit: float | None = None,
    ) -> Caution | None:
        return logit_caution(logit)

    def starts(self, values: Vector, weights: Vector) -> list[Mapping[str, float | Vector]]:
        """Return the share of successes, which is the estimate."""
        n = self._trials
        if math.isinf(n):  # of each row its own: a half of them
            return [self.from_default({"trials": n, "probability": 0.5})]
        share = float(np.average(values, weights=weights)) / n
        probability = share_inside(share, n * float(np.sum(weights)))
        return [self.from_default({"trials": n, "probability": probability})]
