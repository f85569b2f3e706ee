"""Lomax distribution: a heavy tail that starts at zero."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, final

import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Array, Vector
from kullback._core.domains import NON_NEGATIVE, POSITIVE, Domain
from kullback.models.family import Family
from kullback.models.tails import FLAT, Tail, Tails, half_line
from kullback.special.hazards import log_cdf_of_hazard
from kullback.special.numerics import log, log1p_quotient


@final
class Lomax(Family):
    """Lomax distribution (Pareto of the second kind): P(X > x) = (1 + x/scale)^−shape, x ≥ 0.

    Density shape/scale · (1 + x/scale)^(−shape−1). Parameters: ``shape`` > 0 and ``scale`` > 0. As
    both grow with a constant shape/scale it becomes exponential; the estimates diverge to this
    limit if the sample's tail is lighter. Mean scale/(shape − 1) for shape > 1, else infinite.
    Source: K. S. Lomax (1954), "Business failures".

    Example:
        >>> import kullback as kl
        >>> kl.Lomax(shape=3.0, scale=4.0).mean()
        2.0
    """

    default_parameters: ClassVar[Mapping[str, Domain]] = {"shape": POSITIVE, "scale": POSITIVE}
    support = NON_NEGATIVE
    falling = True
    dimensions: ClassVar[Mapping[str, int]] = {"scale": 1}
    limits: ClassVar[Mapping[str, str]] = {"shape": "Exponential"}  # the scale grows too

    @staticmethod
    def _log_density(x: Array, shape: Array, scale: Array) -> Array:
        return log(shape) - log(scale) - (shape + 1.0) * log1p_quotient(x, scale)

    @staticmethod
    def _log_survival(x: Array, shape: Array, scale: Array) -> Array:
        return -shape * log1p_quotient(x, scale)

    @staticmethod
    def _log_cdf(x: Array, shape: Array, scale: Array) -> Array:
        y = log1p_quotient(x, scale)
        # below the range of doubles the logarithm is the quotient
        tiny = y < 1e-290
        log_y = jnp.where(tiny, jnp.log(x) - jnp.log(scale), jnp.log(jnp.where(tiny, 1.0, y)))
        return log_cdf_of_hazard(shape * y, jnp.log(shape) + log_y)

    @staticmethod
    def _quantile(u: Array, shape: Array, scale: Array) -> Array:
        return scale * jnp.expm1(-jnp.log1p(-u) / shape)

    @staticmethod
    def _mean(shape: Array, scale: Array) -> Array:
        return jnp.where(shape > 1.0, scale / (shape - 1.0), jnp.inf)

    @staticmethod
    def _variance(shape: Array, scale: Array) -> Array:
        mean = scale / (shape - 1.0)
        return jnp.where(shape > 2.0, mean * mean * (shape / (shape - 2.0)), jnp.inf)

    @staticmethod
    def _entropy(shape: Array, scale: Array) -> Array:
        return jnp.log(scale) - jnp.log(shape) + 1.0 + 1.0 / shape

    @staticmethod
    def _tails(shape: float, **_: float) -> Tails:
        return half_line(FLAT, Tail("power", shape))

    @staticmethod
    def _starts(values: Vector, weights: Vector) -> list[dict[str, float]]:
        positive = (weights > 0.0) & (values > 0.0)
        if not positive.any():  # zeros only: the density at 0 is unbounded
            return [{"shape": 1.0, "scale": 1.0}]
        # the shape's estimate at a given scale has a closed form: take the best of a grid of scales
        # around the sample's centre, from a tail index near zero to nearly exponential
        centre = float(np.exp(np.average(np.log(values[positive]), weights=weights[positive])))
        starts = []
        for scale in centre * np.logspace(-3.0, 4.0, 22):
            mean = float(np.average(np.log1p(values / scale), weights=weights))
            fit = -np.log(mean) - np.log(scale) - mean
            starts.append((fit, {"shape": 1.0 / mean, "scale": float(scale)}))
        return [max(starts, key=lambda pair: pair[0])[1]]
