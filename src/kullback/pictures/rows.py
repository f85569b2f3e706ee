"""The rows that a picture draws: distinct values in order, with the share of each."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import final

import numpy as np
from numpy.typing import NDArray

from kullback._core.arrays import Vector
from kullback.pictures.band import local_level


@final
@dataclass(frozen=True, eq=False)
class DrawnRows:
    """Distinct outcomes in increasing order.

    Attributes:
        values: the outcomes.
        weights: their weights, positive.
        of: the weight of all rows, of which these may be a part.
    """

    values: Vector
    weights: Vector
    of: float

    @classmethod
    def from_outcomes(
        cls, outcomes: Vector, weights: Vector | None = None, of: float | None = None
    ) -> DrawnRows:
        """Collect outcomes in any order.

        Args:
            outcomes: one a row.
            weights: of the rows; None for 1 each.
            of: the weight of all rows; None where these are all.
        """
        values, place = np.unique(outcomes, return_inverse=True)
        total = np.bincount(place, weights, minlength=values.size).astype(np.float64)
        kept = total > 0.0
        return cls(values[kept], total[kept], float(total.sum()) if of is None else of)

    @property
    def weight(self) -> float:
        """The weight of the rows drawn."""
        return float(self.weights.sum())

    @cached_property
    def upto(self) -> Vector:
        """The share of rows up to each value."""
        out: Vector = np.cumsum(self.weights) / self.weight
        return out

    @cached_property
    def middle(self) -> Vector:
        """The share of rows below each value and half of those at it: a plotting position."""
        out: Vector = self.upto - 0.5 * self.weights / self.weight
        return out

    def quantile(self, u: float) -> float:
        """Return the smallest value up to which a share ``u`` of the rows lies."""
        return float(self.values[min(int(np.searchsorted(self.upto, u)), self.values.size - 1)])

    def few(self, most: int) -> NDArray[np.intp]:
        """Return the places of at most about ``most`` values, more densely at both ends."""
        if self.values.size <= most:
            return np.arange(self.values.size)
        log_odds = np.log(self.middle / (1.0 - self.middle))
        wanted = np.linspace(log_odds[0], log_odds[-1], most)
        return np.unique(np.searchsorted(log_odds, wanted).clip(0, self.values.size - 1))

    def band(self, places: NDArray[np.intp]) -> tuple[Vector, Vector]:
        """Return bounds of the probability at values, right for all together in 95% of samples.

        The k-th smallest of n rows lies at the probability U, which has the distribution
        Beta(k, n + 1 − k) whatever the continuous distribution; the level of each is such that the
        band holds them all (S. Aldor-Noiman et al. 2013, The power to see). For distributions of
        counts, and for those that were fitted to the same rows, it is wider than necessary.
        """
        rank = np.clip(self.middle[places] * self.weight + 0.5, 1.0, self.weight)
        return self._bounds(rank, rank)

    def band_upto(self, places: NDArray[np.intp]) -> tuple[Vector, Vector]:
        """Return bounds of the probability up to values and beyond, to the next value.

        With k rows up to x it is at least that at the k-th smallest row, and less than that at the
        next one: the bounds of ``band`` for these.
        """
        rank = np.maximum(self.upto[places] * self.weight, 1.0)
        return self._bounds(rank, rank + 1.0)

    def _bounds(self, lower: Vector, upper: Vector) -> tuple[Vector, Vector]:
        """The lower bound of the probability at ordered rows, and the upper one at others."""
        from scipy import special

        n = self.weight
        level = local_level(n)
        low = special.betaincinv(lower, n + 1.0 - lower, 0.5 * level)
        inside = np.minimum(upper, n)
        high = special.betaincinv(inside, n + 1.0 - inside, 1.0 - 0.5 * level)
        return low, np.where(upper > n, 1.0, high)
