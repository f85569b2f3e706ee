"""Negative binomial distribution: overdispersed counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, final

import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Array, Vector
from kullback._core.domains import (
    COUNTS,
    POSITIVE,
    REAL,
    UNIT,
    Domain,
)
from kullback.models.family import Family
from kullback.models.parametrisation import Parametrisation
from kullback.models.samplers import draw_gamma, draw_poisson
from kullback.models.starting_values import mean_inside
from kullback.special.beta import log_beta_i, log_beta_i_complement, log_beta_sides
from kullback.special.count_kernels import (
    log_negative_binomial,
)
from kullback.special.numerics import log, reciprocal


@final
class NegativeBinomial(Family):
    """Negative binomial: q(x) = Γ(size+x)/(Γ(size) x!) p^size (1−p)^x, p = size/(size + mean).

    Support x = 0, 1, 2, ... Parameters: ``mean`` > 0 and ``size`` > 0, with variance mean +
    mean²/size; also by ``size, probability``, the failures before the size-th success, with mean
    size·(1 − probability)/probability. As size grows it becomes Poisson. For regressions also by

    - ``mean, overdispersion``: variance mean (1 + overdispersion·mean) (NB2),
    - ``mean, dispersion``: variance mean (1 + dispersion) (NB1),
    - ``mean, dispersion, power``: variance mean + dispersion·mean^power (NB-P), of which the power
      can be estimated where means differ between rows.

    These are statsmodels' ``NegativeBinomial`` ("nb2" and "nb1") and ``NegativeBinomialP`` (p is
    the power), whose alpha is the (over)dispersion. Source: N. L. Johnson, A. W. Kemp and S. Kotz
    (2005), Univariate Discrete Distributions, eq. 5.1; the form with a mean is J. F. Lawless
    (1987), "Negative binomial and mixed Poisson regression", eq. 1; that with a power W. Greene
    (2008), "Functional forms for the negative binomial model for count data".

    Example:
        >>> import kullback as kl
        >>> kl.NegativeBinomial(mean=4.0, size=2.0).variance()
        12.0
    """

    default_parameters: ClassVar[Mapping[str, Domain]] = {"mean": POSITIVE, "size": POSITIVE}
    support = COUNTS
    limits: ClassVar[Mapping[str, str]] = dict.fromkeys(
        ("size", "dispersion", "overdispersion"), "Poisson"
    )
    alternatives = (
        Parametrisation(
            {"size": POSITIVE, "probability": UNIT},
            lambda size, probability: {
                "mean": size * (1.0 - probability) * reciprocal(probability),
                "size": size,
            },
            lambda mean, size: {"size": size, "probability": size / (size + mean)},
        ),
        Parametrisation(
            {"mean": POSITIVE, "overdispersion": POSITIVE},
            lambda mean, overdispersion: {"mean": mean, "size": reciprocal(overdispersion)},
            lambda mean, size: {"mean": mean, "overdispersion": 1.0 / size},
        ),
        Parametrisation(
            {"mean": POSITIVE, "dispersion": POSITIVE},
            lambda mean, dispersion: {"mean": mean, "size": mean * reciprocal(dispersion)},
            lambda mean, size: {"mean": mean, "dispersion": mean / size},
        ),
        Parametrisation(
            {"mean": POSITIVE, "dispersion": POSITIVE, "power": REAL},
            lambda mean, dispersion, power: {
                "mean": mean,
                "size": jnp.exp((2.0 - power) * log(mean)) * reciprocal(dispersion),
            },
            lambda mean, size, power: {
                "mean": mean,
                "dispersion": mean ** (2.0 - power) / size,
                "power": power,
            },
            {"power": 1.5},
        ),
    )

    @staticmethod
    def _log_density(x: Array, mean: Array, size: Array) -> Array:
        return log_negative_binomial(x, mean, size)

    @staticmethod
    def _log_cdf(x: Array, mean: Array, size: Array) -> Array:
        return log_beta_i(size, x + 1.0, *_probabilities(mean, size))

    @staticmethod
    def _log_survival(x: Array, mean: Array, size: Array) -> Array:
        return log_beta_i_complement(size, x + 1.0, *_probabilities(mean, size))

    @staticmethod
    def _log_tails(x: Array, mean: Array, size: Array) -> tuple[Array, Array]:
        return log_beta_sides(size, x + 1.0, *_probabilities(mean, size))

    @staticmethod
    def _draw(
        generator: np.random.Generator, shape: tuple[int, ...], mean: float, size: float
    ) -> Vector:
        # a Poisson count whose rate is gamma distributed
        g, h = draw_gamma(generator, shape, size)
        return draw_poisson(generator, shape, g / size * np.exp(h) * mean)

    @staticmethod
    def _mean(mean: Array, size: Array) -> Array:  # noqa: ARG004
        return mean

    @staticmethod
    def _variance(mean: Array, size: Array) -> Array:
        return mean + mean * (mean / size)

    @staticmethod
    def _starts(values: Vector, weights: Vector) -> list[dict[str, float]]:
        mean = mean_inside(values, weights)
        excess = float(np.average((values - mean) ** 2, weights=weights)) - mean
        # without overdispersion the estimate is infinite: start from a moderate size
        size = mean * mean / excess if excess > 0.0 else 10.0 * (1.0 + mean)
        return [{"mean": mean, "size": size}]


def _probabilities(mean: Array, size: Array) -> tuple[Array, Array]:
    """size/(size + mean) and mean/(size + mean), each with derivatives to relative precision.

    Of a probability near 1 they are those of the other: its own would cancel.
    """
    r = reciprocal(size + mean)
    p, q = size * r, mean * r
    return jnp.where(mean < size, 1.0 - q, p), q
