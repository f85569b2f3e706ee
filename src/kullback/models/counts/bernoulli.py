"""Bernoulli distribution: outcomes 0 and 1."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, final

import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Array, Vector
from kullback._core.domains import (
    BINARY,
    REAL,
    Domain,
)
from kullback.models.caution import Caution
from kullback.models.counts.probability import PROBABILITY, complement, logit_caution
from kullback.models.family import Family
from kullback.models.parametrisation import Parametrisation
from kullback.models.starting_values import share_inside
from kullback.special.logistic import logistic, softplus
from kullback.special.numerics import xlog1py, xlogy


@final
class Bernoulli(Family):
    """Bernoulli distribution: q(1) = probability, q(0) = 1 − probability.

    Parameter: 0 ≤ ``probability`` ≤ 1; also by ``logit`` = log(probability/(1 − probability)). Mean
    ``probability``. Source: N. L. Johnson, A. W. Kemp and S. Kotz (2005), Univariate Discrete
    Distributions, section 3.2.

    Example:
        >>> import kullback as kl
        >>> kl.Bernoulli(probability=0.25).variance()
        0.1875
    """

    default_parameters: ClassVar[Mapping[str, Domain]] = {"probability": PROBABILITY}
    support = BINARY
    # the logit is kept, so that neither end loses the digits that 1 − probability rounds away
    alternatives = (
        Parametrisation(
            {"logit": REAL},
            lambda logit: {"probability": logistic(logit), "logit": logit},
            lambda probability: {"logit": jnp.log(probability) - jnp.log1p(-probability)},
        ),
    )

    @staticmethod
    def _log_density(x: Array, probability: Array, logit: Array | None = None) -> Array:
        if logit is None:
            return xlogy(x, probability) + xlog1py(1.0 - x, -probability)
        return -softplus((1.0 - 2.0 * x) * logit)

    @staticmethod
    def _log_cdf(x: Array, probability: Array, logit: Array | None = None) -> Array:
        return Bernoulli._log_density(jnp.zeros_like(x), probability, logit)

    @staticmethod
    def _log_survival(x: Array, probability: Array, logit: Array | None = None) -> Array:
        return Bernoulli._log_density(jnp.ones_like(x), probability, logit)

    @staticmethod
    def _quantile(u: Array, probability: Array, logit: Array | None = None) -> Array:
        # compared on the side where the numbers are small and keep their digits
        failure = jnp.where(u <= 0.5, u <= complement(probability, logit), probability <= 1.0 - u)
        return jnp.where(failure, 0.0, 1.0)

    @staticmethod
    def _mean(probability: Array, logit: Array | None = None) -> Array:  # noqa: ARG004
        return probability

    @staticmethod
    def _variance(probability: Array, logit: Array | None = None) -> Array:
        return probability * complement(probability, logit)

    @staticmethod
    def _entropy(probability: Array, logit: Array | None = None) -> Array:
        if logit is None:
            return -xlogy(probability, probability) - xlog1py(1.0 - probability, -probability)
        return probability * softplus(-logit) + logistic(-logit) * softplus(logit)

    @staticmethod
    def _caution(probability: float, logit: float | None = None) -> Caution | None:  # noqa: ARG004
        return logit_caution(logit)

    @staticmethod
    def _starts(values: Vector, weights: Vector) -> list[dict[str, float]]:
        mean = float(np.average(values, weights=weights))
        return [{"probability": share_inside(mean, float(np.sum(weights)))}]
