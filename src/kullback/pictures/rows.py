"""The rows that a picture draws: distinct values in order, with the share of each."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import final

import numpy as np
from numpy.typing import NDArray

from kullback._core.arrays import Vector
from kullback.nonparametric.local_level import local_level

# A curve for a picture: places, its value at them, and the bounds of its band.
Drawn = tuple[Vector, Vector, Vector, Vector]


class Rows(ABC):
    """The distribution of rows as a picture draws it: abstract.

    Attributes:
        values: outcomes in increasing order, up to which the share of rows is known.
        upto: the share up to each.
        middle: a plotting position of each: for a step the middle of it.
        weight: the weight of the rows drawn.
        of: that of all rows, of which these may be a part.
        name: what is drawn, for a legend.
        band_name: what the band of its distribution function is, likewise.
        points_band: that of its points.
        meaning: what the grey bands of the pictures hold, and what is drawn, a sentence or two.
    """

    values: Vector
    of: float
    name: str
    band_name: str
    points_band: str
    meaning: str

    @property
    @abstractmethod
    def weight(self) -> float:
        """The weight of the rows drawn."""

    @property
    @abstractmethod
    def upto(self) -> Vector:
        """The share of rows up to each value."""

    @property
    @abstractmethod
    def middle(self) -> Vector:
        """The plotting position of each value."""

    @property
    def kinds(self) -> Mapping[str, int]:
        """The number of rows of each kind; none where all are exact."""
        return {}

    @property
    def bins(self) -> Vector | None:
        """The edges of the rows' own bins; None where they have none."""
        return None

    @abstractmethod
    def shares(self, edges: Vector) -> Vector:
        """Return the share of the rows between each two edges."""

    @abstractmethod
    def share_beyond(self, x: Vector) -> Vector:
        """Return the share of the rows above x; NaN where it is unknown."""

    @abstractmethod
    def curve(self, low: float, high: float, most: int) -> Drawn:
        """Return the distribution function from ``low`` to ``high``, as corners of a line."""

    def guesses(self) -> tuple[Vector, Vector]:
        """Where the distribution function is not known: lines across, as corners with gaps."""
        return np.zeros(0), np.zeros(0)

    @abstractmethod
    def band(self, places: NDArray[np.intp]) -> tuple[Vector, Vector]:
        """Return bounds of the probability at values."""

    @abstractmethod
    def band_upto(self, places: NDArray[np.intp]) -> tuple[Vector, Vector]:
        """Return bounds of the probability up to values and beyond, to the next value."""

    def quantile(self, u: float) -> float:
        """Return the smallest value up to which a share ``u`` of the rows lies, or the last one."""
        return float(self.values[min(int(np.searchsorted(self.upto, u)), self.values.size - 1)])

    def few(self, most: int) -> NDArray[np.intp]:
        """Return the places of at most about ``most`` values, more densely at both ends."""
        if self.values.size <= most:
            return np.arange(self.values.size)
        log_odds = np.log(self.middle / (1.0 - self.middle))
        wanted = np.linspace(log_odds[0], log_odds[-1], most)
        return np.unique(np.searchsorted(log_odds, wanted).clip(0, self.values.size - 1))


@final
@dataclass(frozen=True, eq=False)
class DrawnRows(Rows):
    """Distinct exact outcomes in increasing order.

    Attributes:
        values: the outcomes.
        weights: their weights, positive.
        of: the weight of all rows, of which these may be a part.
    """

    values: Vector
    weights: Vector
    of: float
    name: str = "rows"
    band_name: str = "rows, 95% band"
    points_band: str = "95% band"
    meaning: str = (
        "The grey bands hold all rows together in 95% of samples from the fitted distribution."
    )

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

    def shares(self, edges: Vector) -> Vector:
        """Return the share of the rows between each two edges."""
        counts, _ = np.histogram(self.values, edges, weights=self.weights)
        out: Vector = counts / self.weight
        return out

    def share_beyond(self, x: Vector) -> Vector:
        """Return the share of the rows above x."""
        out: Vector = 1.0 - np.append(0.0, self.upto)[np.searchsorted(self.values, x, "right")]
        return out

    def curve(self, low: float, high: float, most: int) -> Drawn:
        """Return the distribution function with its simultaneous band."""
        places = self.few(most)
        # before the first row the share is 0, and after the last one it stays 1
        ends = min(low, float(self.values[0])), max(high, float(self.values[-1]))
        at = np.concatenate([ends[:1], self.values[places], ends[1:]])
        shares = np.concatenate([[0.0], self.upto[places], [1.0]])
        lower, upper = self.band_upto(places)
        first = self.band(places[:1])[1]
        lower = np.concatenate([[0.0], lower, lower[-1:]])
        upper = np.concatenate([first, upper, upper[-1:]])
        shares, lower, upper = (np.repeat(v, 2)[:-1] for v in (shares, lower, upper))
        return np.repeat(at, 2)[1:], shares, lower, upper

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
