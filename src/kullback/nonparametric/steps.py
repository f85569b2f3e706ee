"""The estimated distribution of rows: masses on points and intervals, and functions of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import final

import numpy as np

from kullback._core.arrays import Vector


@final
@dataclass(frozen=True, eq=False)
class Steps:
    """Masses of a distribution in ascending order, on points and disjoint intervals.

    Where a mass lies inside its interval the rows do not say: there the distribution function is
    unknown, and NaN.

    Attributes:
        lower: lower end of each interval; that of a point is the point.
        upper: upper end, which belongs to the interval.
        mass: the probability of each.
        cdf: the probability up to each upper end.
        survival: the probability beyond it, with its own digits.
        stderr: standard error of both; NaN where it is unknown.
        method: name of the estimate.
        weight: the weight of all rows.
        within: the window of all rows: probabilities are those given that the outcome lies there.
        closed: whether the lower ends belong to the intervals, too.
        exact: whether all rows are exact and without a window.
        at_risk: weight of the rows at risk at each mass; None where this is not defined.
        events: weight of the rows observed there; likewise.
        turned: whether rows are left-censored, so that risk sets are those from above.
        separate: whether the rows' own intervals are disjoint, as bins are.
        kinds: number of rows of each kind, by its description.
        notes: what limits the estimate, a sentence each.
    """

    lower: Vector
    upper: Vector
    mass: Vector
    cdf: Vector
    survival: Vector
    stderr: Vector
    method: str
    weight: float
    within: tuple[float, float] = (-np.inf, np.inf)
    closed: bool = False
    exact: bool = False
    at_risk: Vector | None = None
    events: Vector | None = None
    turned: bool = False
    separate: bool = False
    kinds: Mapping[str, int] | None = None
    notes: tuple[str, ...] = ()

    @cached_property
    def before(self) -> Vector:
        """The probability below each mass."""
        return np.concatenate([[0.0], self.cdf[:-1]])

    @cached_property
    def beyond(self) -> Vector:
        """The probability from each mass on."""
        return np.concatenate([[1.0], self.survival[:-1]])

    def of(self, x: Vector, values: Vector, first: float) -> Vector:
        """Return a function that is constant but at the masses.

        Args:
            x: where.
            values: its values from each upper end on.
            first: its value below all masses.

        Returns:
            The values; NaN inside an interval.
        """
        k = np.searchsorted(self.upper, x, side="right")  # the masses up to x
        out = np.concatenate([[first], values])[k]
        start = np.concatenate([self.lower, [np.inf]])[k]  # of the next mass
        inside = (x >= start) if self.closed else (x > start)
        return np.where(inside | np.isnan(x), np.nan, out)

    def quantile(self, u: Vector, cdf: Vector | None = None) -> Vector:
        """Return the smallest outcome up to which the probability is at least u.

        Args:
            u: probabilities.
            cdf: the distribution function after each mass; None for the estimate.

        Returns:
            The outcomes; NaN where one lies inside an interval, or is unknown.
        """
        cdf = self.cdf if cdf is None else cdf
        known = np.maximum.accumulate(np.where(np.isnan(cdf), -np.inf, cdf))
        # rounding of sums must not move a quantile to the next mass
        k = np.searchsorted(known, u - 1e-12, side="left")
        ends = np.where(self.lower == self.upper, self.upper, np.nan)
        out = np.concatenate([ends, [np.nan]])[np.minimum(k, self.mass.size)]
        return np.where((u > 0.0) & (u <= 1.0), out, np.nan)
