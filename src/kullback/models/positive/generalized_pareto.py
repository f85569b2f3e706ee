"""Generalised Pareto distribution: excesses over a threshold."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar, final

import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Array, Vector
from kullback._core.domains import POSITIVE, REAL, Domain
from kullback.models.caution import Caution
from kullback.models.extreme_values import (
    STEEPEST,
    end_of_support,
    possible_start,
    reduced,
    shape_caution,
)
from kullback.models.family import Family
from kullback.models.row_functions import OrderStatistic
from kullback.models.starting_values import l_moments, start_scale
from kullback.models.tails import FLAT, Tail, Tails, half_line
from kullback.special.numerics import log, reciprocal
from kullback.special.smooth import (
    expm1_scaled,
    log1mexp,
)


@final
class GeneralizedPareto(Family):
    """Generalised Pareto distribution: P(X > x) = (1 + shape·z)^(−1/shape), z = (x − loc)/scale.

    For x ≥ loc with 1 + shape·z > 0. Parameters: ``scale`` > 0, ``shape`` (ξ > 0: heavy tail; 0:
    exponential; ξ < 0: bounded above) and ``loc``, the threshold, fixed at 0 unless a source is
    given. The mean is loc + scale/(1 − ξ) where ξ < 1, else infinite. Where ξ < −1 the likelihood
    is unbounded. Source: S. Coles (2001), An Introduction to Statistical Modeling of Extreme
    Values, eq. 4.2.

    Example:
        >>> import kullback as kl
        >>> kl.GeneralizedPareto(scale=2.0, shape=0.5).mean()
        4.0
    """

    default_parameters: ClassVar[Mapping[str, Domain]] = {
        "scale": POSITIVE,
        "shape": REAL,
        "loc": REAL,
    }
    support = REAL
    dimensions: ClassVar[Mapping[str, int]] = {"scale": 1, "loc": 1}
    fixed_by_default: ClassVar[Mapping[str, float]] = {"loc": 0.0}
    order_statistics: ClassVar[Mapping[str, OrderStatistic]] = {"loc": "minimum"}

    @staticmethod
    def _log_density(x: Array, scale: Array, shape: Array, loc: Array) -> Array:
        y, possible = _excess(x, scale, shape, loc)
        value = -(1.0 + shape) * y - log(scale)
        return jnp.where(possible & (x >= loc), value, -jnp.inf)

    @staticmethod
    def _log_survival(x: Array, scale: Array, shape: Array, loc: Array) -> Array:
        y, possible = _excess(x, scale, shape, loc)
        return jnp.where(possible, -y, -jnp.inf)

    @staticmethod
    def _log_cdf(x: Array, scale: Array, shape: Array, loc: Array) -> Array:
        y, possible = _excess(x, scale, shape, loc)
        above = y > 0.0
        value = log1mexp(-jnp.where(above, y, 1.0))
        return jnp.where(possible, jnp.where(above, value, -jnp.inf), 0.0)

    @staticmethod
    def _quantile(u: Array, scale: Array, shape: Array, loc: Array) -> Array:
        inside = u < 1.0
        y = -jnp.log1p(-jnp.where(inside, u, 0.5))
        upper = jnp.where(shape < 0.0, end_of_support(loc, scale, shape), jnp.inf)
        return jnp.where(inside, loc + scale * expm1_scaled(shape, y), upper)

    @staticmethod
    def _mean(scale: Array, shape: Array, loc: Array) -> Array:
        return jnp.where(
            shape < 1.0, loc + scale / (1.0 - jnp.where(shape < 1.0, shape, 0.0)), jnp.inf
        )

    @staticmethod
    def _variance(scale: Array, shape: Array, loc: Array) -> Array:  # noqa: ARG004
        finite = jnp.where(shape < 0.5, shape, 0.0)
        variance = (scale / (1.0 - finite)) ** 2 / (1.0 - 2.0 * finite)
        return jnp.where(shape < 0.5, variance, jnp.inf)

    @staticmethod
    def _entropy(scale: Array, shape: Array, loc: Array) -> Array:  # noqa: ARG004
        return log(scale) + shape + 1.0

    @staticmethod
    def _tails(shape: float, scale: float, loc: float) -> Tails:
        if shape == 0.0:
            return half_line(FLAT, Tail("stretched", 1.0, 1.0 / scale), loc)
        upper = Tail("power", 1.0 / abs(shape))
        return Tails(loc, math.inf if shape > 0.0 else loc - scale / shape, FLAT, upper)

    @staticmethod
    def _starts(values: Vector, weights: Vector) -> list[dict[str, float]]:
        # by L-moments (Hosking and Wallis, 1987, section 3) and as an exponential; with loc at
        # zero, the usual threshold, and at the smallest row
        weighted = values[weights > 0.0]
        low, high = float(np.min(weighted)), float(np.max(weighted))
        first, second, _ = l_moments(values, weights)
        starts: list[dict[str, float]] = []
        for loc in dict.fromkeys((min(0.0, low), low)):
            mean = start_scale(loc, first - loc)
            shape = 2.0 - mean / second if second > 0.0 else 0.0
            shape = min(max(shape, -STEEPEST), STEEPEST)
            for xi, scale in ((shape, (1.0 - shape) * mean), (0.0, mean)):
                start = possible_start(loc, scale, xi, loc, high)
                starts.append({name: start[name] for name in ("scale", "shape", "loc")})
        return starts

    @staticmethod
    def _caution(scale: float, shape: float, loc: float) -> Caution | None:  # noqa: ARG004
        return shape_caution(shape)


def _excess(x: Array, scale: Array, shape: Array, loc: Array) -> tuple[Array, Array]:
    """Compute the reduced excess over loc (zero below), and whether x is below the upper end."""
    return reduced(shape, jnp.where(x >= loc, x - loc, 0.0) * reciprocal(scale))
