"""What families of successes among a fixed number of trials share: their support."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp

from kullback._core.arrays import Array
from kullback._core.domains import Interval
from kullback.models.family import Formula
from kullback.models.source import Fixed


class OfTrials:
    """Outcomes 0, ..., ``trials``: to be named before ``Family`` among the bases.

    Compiled code is shared by all numbers of trials, so these methods read the number from the
    parameters and not from the support.
    """

    @property
    def _trials(self: Any) -> float:
        """The number of trials; inf where each row has its own."""
        source = self.sources["trials"]
        return float(source.number) if isinstance(source, Fixed) else math.inf

    @property
    def support(self) -> Interval:
        """0, ..., trials."""
        n = self._trials
        return Interval(0.0, n, holds_lower=True, holds_upper=math.isfinite(n), whole=True)

    def row_log_density(self: Any, x: Array, parameters: Mapping[str, Array]) -> Array:
        """Log-probability of each row, −inf for values other than 0, ..., trials."""
        inside = (x >= 0.0) & (x <= parameters["trials"]) & (x == jnp.floor(x))
        value = self.row_log_density_inside(jnp.where(inside, x, 0.0), parameters)
        return jnp.where(inside, value, jnp.where(jnp.isnan(x), jnp.nan, -jnp.inf))

    def _tail(
        self: Any,
        formula: Formula,
        x: Array,
        parameters: Mapping[str, Array],
        *,
        before: float,
        beyond: float,
    ) -> Array:
        low, high = x < 0.0, x >= parameters["trials"]
        at = jnp.where(low | high, 0.0, jnp.floor(x))
        value = formula(at, **self.to_default(parameters))
        value = jnp.where(low, before, jnp.where(high, beyond, value))
        return jnp.where(jnp.isnan(x), jnp.nan, value)
