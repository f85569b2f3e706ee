"""Uniform distribution on an interval."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, final

import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Array, Vector
from kullback._core.domains import REAL, Domain
from kullback._core.errors import ModelError
from kullback.models.family import Family
from kullback.models.row_functions import OrderStatistic
from kullback.models.source import Fixed
from kullback.models.starting_values import (
    start_scale,
)
from kullback.models.tails import FLAT, Tails
from kullback.special.numerics import log, reciprocal
from kullback.special.smooth import log_complement


@final
class Uniform(Family):
    """Uniform distribution: q(x) = 1 / (upper − lower) for lower ≤ x ≤ upper, both ends included.

    Parameters: ``lower`` < ``upper``; their estimates are the sample's extremes. Source:
    N. L. Johnson, S. Kotz and N. Balakrishnan (1995), Continuous Univariate Distributions 2,
    chapter 26.

    Raises:
        ModelError: for numbers with lower ≥ upper.

    Example:
        >>> import kullback as kl
        >>> kl.Uniform(lower=1.0, upper=4.0).mean()
        2.5
    """

    default_parameters: ClassVar[Mapping[str, Domain]] = {"lower": REAL, "upper": REAL}
    support = REAL
    dimensions: ClassVar[Mapping[str, int]] = {"lower": 1, "upper": 1}
    order_statistics: ClassVar[Mapping[str, OrderStatistic]] = {
        "lower": "minimum",
        "upper": "maximum",
    }

    def __init__(self, *numbers: Any, **sources: Any) -> None:
        super().__init__(*numbers, **sources)
        lower, upper = self.sources["lower"], self.sources["upper"]
        if (
            isinstance(lower, Fixed)
            and isinstance(upper, Fixed)
            and not float(lower.number) < float(upper.number)
        ):
            raise ModelError(f"{self!r} is empty: lower must be less than upper.")

    @staticmethod
    def _log_density(x: Array, lower: Array, upper: Array) -> Array:
        inside = (x >= lower) & (x <= upper)
        return jnp.where(inside, -log(upper - lower), -jnp.inf)

    @staticmethod
    def _log_cdf(x: Array, lower: Array, upper: Array) -> Array:
        return _log_share(x - lower, upper - x, upper - lower)

    @staticmethod
    def _log_survival(x: Array, lower: Array, upper: Array) -> Array:
        return _log_share(upper - x, x - lower, upper - lower)

    @staticmethod
    def _log_between(first: Array, last: Array, lower: Array, upper: Array) -> Array:
        low = jnp.where(first > lower, first, lower)
        part = jnp.where(last < upper, last, upper) - low
        inside = part > 0.0
        value = log(jnp.where(inside, part, 1.0)) - log(upper - lower)
        return jnp.where(inside, value, -jnp.inf)

    @staticmethod
    def _quantile(u: Array, lower: Array, upper: Array) -> Array:
        return lower * (1.0 - u) + upper * u

    @staticmethod
    def _mean(lower: Array, upper: Array) -> Array:
        return 0.5 * lower + 0.5 * upper

    @staticmethod
    def _variance(lower: Array, upper: Array) -> Array:
        return (upper - lower) ** 2 / 12.0

    @staticmethod
    def _entropy(lower: Array, upper: Array) -> Array:
        return log(upper - lower)

    @staticmethod
    def _tails(lower: float, upper: float) -> Tails:
        return Tails(lower, upper, FLAT, FLAT)

    @staticmethod
    def _starts(values: Vector, weights: Vector) -> list[dict[str, float]]:
        weighted = values[weights > 0.0]
        low, high = float(np.min(weighted)), float(np.max(weighted))
        return [{"lower": low, "upper": high if high > low else low + start_scale(low)}]


def _log_share(part: Array, rest: Array, whole: Array) -> Array:
    """log(part/whole), from the smaller side; 0 and −inf beyond the ends."""
    inside, r = (part > 0.0) & (rest > 0.0), reciprocal(whole)
    above = log_complement(jnp.where(inside & (part > rest), rest * r, 0.0))
    # a difference, since the second derivatives of the quotient's logarithm would cancel
    below = log(jnp.where(inside, part, 1.0)) - log(whole)
    value = jnp.where(part > rest, above, below)
    return jnp.where(inside, value, jnp.where(part > 0.0, 0.0, -jnp.inf))
