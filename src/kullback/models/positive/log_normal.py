"""Log-normal distribution: the logarithm is normal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, final

import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Array, Numbers, Vector
from kullback._core.domains import POSITIVE, REAL, Domain
from kullback.models.family import Family
from kullback.models.parametrisation import Parametrisation
from kullback.models.starting_values import LEAST_SPREAD
from kullback.models.tails import Tail, Tails, half_line
from kullback.special.constants import LOG_TWO_PI
from kullback.special.normal import log_ndtr, ndtri_exp
from kullback.special.numerics import log, log_quotient, reciprocal


@final
class LogNormal(Family):
    """Log-normal distribution: log X is normal with mean ``loc`` and standard deviation ``scale``.

    Density exp(−z²/2) / (x scale √(2π)) with z = (log x − loc)/scale, x > 0. Parameters: ``loc``
    and ``scale`` > 0; also by ``median, scale`` (median = e^loc) or ``mean, scale``. Mean
    exp(loc + scale²/2). Source: N. L. Johnson, S. Kotz and N. Balakrishnan (1994), Continuous
    Univariate Distributions 1, chapter 14.

    Example:
        >>> import kullback as kl
        >>> kl.LogNormal(median=2.0, scale=1.0).quantile(0.5)
        2.0
    """

    default_parameters: ClassVar[Mapping[str, Domain]] = {"loc": REAL, "scale": POSITIVE}
    support = POSITIVE
    alternatives = (
        Parametrisation(
            {"median": POSITIVE, "scale": POSITIVE},
            lambda median, scale: {"loc": log(median), "scale": scale},
            lambda loc, scale: {"median": jnp.exp(loc), "scale": scale},
        ),
        Parametrisation(
            {"mean": POSITIVE, "scale": POSITIVE},
            lambda mean, scale: {"loc": log(mean) - 0.5 * scale * scale, "scale": scale},
            lambda loc, scale: {"mean": jnp.exp(loc + 0.5 * scale * scale), "scale": scale},
        ),
    )

    @staticmethod
    def _statistics(x: Numbers, origin: Numbers) -> tuple[Numbers, ...]:
        t = log_quotient(x, origin)
        return (t, t * t)

    @staticmethod
    def _log_density_of(
        statistics: Sequence[Array], origin: Array, loc: Array, scale: Array
    ) -> Array:
        r = reciprocal(scale)
        log_origin = jnp.log(origin)
        gap = log_origin - loc
        square = statistics[1] + 2.0 * gap * statistics[0] + gap * gap
        constant = 0.5 * LOG_TWO_PI + log(scale)
        return -log_origin - statistics[0] - constant - 0.5 * r * r * square

    @staticmethod
    def _log_density(x: Array, loc: Array, scale: Array) -> Array:
        log_x = jnp.log(x)
        z = (log_x - loc) * reciprocal(scale)
        return -log_x - log(scale) - 0.5 * (LOG_TWO_PI + z * z)

    @staticmethod
    def _log_cdf(x: Array, loc: Array, scale: Array) -> Array:
        return log_ndtr((jnp.log(x) - loc) * reciprocal(scale))

    @staticmethod
    def _log_survival(x: Array, loc: Array, scale: Array) -> Array:
        return log_ndtr((loc - jnp.log(x)) * reciprocal(scale))

    @staticmethod
    def _quantile(u: Array, loc: Array, scale: Array) -> Array:
        return jnp.exp(loc + scale * ndtri_exp(jnp.log(u)))

    @staticmethod
    def _draw(
        generator: np.random.Generator, size: tuple[int, ...], loc: float, scale: float
    ) -> Vector:
        return np.exp(loc + scale * generator.standard_normal(size))

    @staticmethod
    def _mean(loc: Array, scale: Array) -> Array:
        return jnp.exp(loc + 0.5 * scale * scale)

    @staticmethod
    def _variance(loc: Array, scale: Array) -> Array:
        return jnp.expm1(scale * scale) * jnp.exp(2.0 * loc + scale * scale)

    @staticmethod
    def _entropy(loc: Array, scale: Array) -> Array:
        return loc + jnp.log(scale) + 0.5 * (1.0 + LOG_TWO_PI)

    @staticmethod
    def _tails(**_: float) -> Tails:
        return half_line(Tail("log-square"), Tail("log-square"))

    @staticmethod
    def _estimate(
        means: Sequence[float], origin: float, fixed: Mapping[str, float]
    ) -> dict[str, float] | None:
        # the gap from log(origin) to loc, estimated or fixed
        gap = fixed["loc"] - float(np.log(origin)) if "loc" in fixed else means[0]
        square = means[1] - 2.0 * gap * means[0] + gap * gap
        if "scale" not in fixed and square <= 0.0:
            return None  # a constant sample: the likelihood is unbounded
        loc = fixed.get("loc", float(np.log(origin)) + gap)
        return {"loc": loc, "scale": fixed["scale"] if "scale" in fixed else square**0.5}

    @staticmethod
    def _starts(values: Vector, weights: Vector) -> list[dict[str, float]]:
        logs = np.log(values)
        loc = float(np.average(logs, weights=weights))
        scale = float(np.sqrt(np.average((logs - loc) ** 2, weights=weights)))
        return [{"loc": loc, "scale": max(scale, LEAST_SPREAD)}]
