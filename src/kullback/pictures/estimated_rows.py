"""Censored and truncated rows in pictures: their Kaplan–Meier or Turnbull estimate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import final

import numpy as np
from numpy.typing import NDArray

from kullback._core.arrays import Vector
from kullback.models.model import Model
from kullback.nonparametric.bounds import cdf_bounds
from kullback.nonparametric.steps import Steps
from kullback.pictures.rows import Drawn, Rows

# Longer names of estimates have a line of a legend for themselves.
_LINE = 24


@final
@dataclass(frozen=True, eq=False)
class EstimatedRows(Rows):
    """An estimated distribution, given that all its probability lies in part of another one.

    Attributes:
        steps: the estimate.
        part: the probabilities between which it lies: 0 and 1 unless all rows are truncated.
        simultaneous: whether its band holds all points together, where such a one is known.
        level: of the band.
    """

    steps: Steps
    part: tuple[float, float] = (0.0, 1.0)
    simultaneous: bool = True
    level: float = 0.95

    @classmethod
    def under(cls, steps: Steps, model: Model) -> EstimatedRows:
        """Place an estimate under a fitted model.

        Where all rows are truncated, the estimate is given that outcomes lie in their windows: its
        probabilities are drawn times the model's of that, above the model's of lower outcomes.
        """
        low, high = steps.within
        if steps.closed and model.discrete:
            low -= 1.0
        below = float(model.cdf(low)) if np.isfinite(low) else 0.0
        upto = float(model.cdf(high)) if np.isfinite(high) else 1.0
        return cls(steps, (below, upto))

    @property
    def name(self) -> str:  # type: ignore[override]  # of the estimate
        """What is drawn."""
        low, high = self.steps.within
        above = f" above {low:g}" if np.isfinite(low) else ""
        return self.steps.method + above + (f" up to {high:g}" if np.isfinite(high) else "")

    @property
    def band_name(self) -> str:  # type: ignore[override]  # of the estimate
        """What its band is."""
        if not np.any(np.isfinite(self._bounds[0])):
            return f"{self.name}, no band known"
        each = "" if self._together else " of each point"
        gap = ",\n" if len(self.name) > _LINE else ", "
        return f"{self.name}{gap}{100.0 * self.level:g}% band{each}"

    @property
    def points_band(self) -> str:  # type: ignore[override]  # the same
        """What the band of its points is."""
        return self.band_name

    @property
    def meaning(self) -> str:  # type: ignore[override]  # of the estimate
        """What is drawn, and what its grey bands hold."""
        drawn = f"The rows are drawn by the {self.steps.method} of their distribution"
        if np.any(self.steps.lower < self.steps.upper) and self.guesses()[0].size:
            drawn += ", dotted where they do not say how it runs"
        if self.part != (0.0, 1.0):
            drawn += ", and where all are truncated above the fitted probability of lower outcomes"
        if not np.any(np.isfinite(self._bounds[0])):
            return f"{drawn}. Its errors are not known."
        held = "all points together, but not at the ends, where few rows are left"
        if not self._together:
            held = "each point by itself"
        return (
            f"{drawn}. The grey bands hold the distribution that the rows come from in about 95% "
            f"of samples, {held}."
        )

    @property
    def kinds(self) -> Mapping[str, int]:
        """The number of rows of each kind."""
        return self.steps.kinds or {}

    @property
    def weight(self) -> float:
        """The weight of the rows."""
        return self.steps.weight

    @property
    def of(self) -> float:  # type: ignore[override]  # all are drawn
        """The weight of the rows."""
        return self.steps.weight

    # ---- points --------------------------------------------------------------------------------

    @cached_property
    def _points(self) -> NDArray[np.intp]:
        """The masses up to which the probability is known and neither 0 nor 1."""
        s = self.steps
        position = np.where(s.lower == s.upper, 0.5 * (s.before + s.cdf), s.cdf)
        return np.flatnonzero(np.isfinite(s.upper) & (position > 0.0) & (position < 1.0))

    @cached_property
    def values(self) -> Vector:  # type: ignore[override]  # of the estimate
        """Outcomes up to which the probability is known."""
        return self.steps.upper[self._points]

    @cached_property
    def upto(self) -> Vector:
        """The probability up to each."""
        return self._placed(self.steps.cdf[self._points])

    @cached_property
    def middle(self) -> Vector:
        """The middle of each step; at the end of an interval the probability up to it.

        Source: W. Q. Meeker & L. A. Escobar (1998), Statistical Methods for Reliability Data, 6.4.
        """
        s, at = self.steps, self._points
        step = 0.5 * (s.before[at] + s.cdf[at])
        return self._placed(np.where(s.lower[at] == s.upper[at], step, s.cdf[at]))

    def band(self, places: NDArray[np.intp]) -> tuple[Vector, Vector]:
        """Return bounds of the probability at values: of a step, above it and below it."""
        s, at = self.steps, self._points[places]
        lower, upper = self._bounds
        above = np.where(s.lower[at] == s.upper[at], np.append(np.nan, upper[:-1])[at], upper[at])
        return self._placed(lower[at]), self._placed(above)

    def band_upto(self, places: NDArray[np.intp]) -> tuple[Vector, Vector]:
        """Return bounds of the probability up to values and beyond, to the next value."""
        lower, upper = (self._placed(bound[self._points[places]]) for bound in self._bounds)
        return lower, upper

    # ---- lines and bars ------------------------------------------------------------------------

    @property
    def bins(self) -> Vector | None:
        """The edges of the rows' bins, where they are bins, without those that are open."""
        s = self.steps
        finite = np.isfinite(s.lower) & np.isfinite(s.upper)
        if not (s.separate and np.any(finite)) or np.any(s.lower == s.upper):
            return None
        return np.unique(np.concatenate([s.lower[finite], s.upper[finite]]))

    def shares(self, edges: Vector) -> Vector:
        """Return the probability between each two edges, that of an interval spread evenly."""
        s = self.steps
        point = s.lower == s.upper
        counts, _ = np.histogram(s.upper[point], edges, weights=s.mass[point])
        wide = ~point & np.isfinite(s.lower) & np.isfinite(s.upper)
        ends = np.column_stack([s.lower[wide], s.upper[wide]]).ravel()
        sums = np.cumsum(s.mass[wide])
        if sums.size:
            upto = np.column_stack([sums - s.mass[wide], sums]).ravel()
            counts = counts + np.diff(np.interp(edges, ends, upto))
        out: Vector = counts * (self.part[1] - self.part[0])
        return out

    def share_beyond(self, x: Vector) -> Vector:
        """Return the probability above x; NaN where it is unknown."""
        return 1.0 - self._placed(self.steps.of(x, self.steps.cdf, 0.0))

    def curve(self, low: float, high: float, most: int) -> Drawn:
        """Return the distribution function, with gaps inside the intervals, and its band."""
        s = self.steps
        kept = np.arange(s.mass.size)
        if kept.size > most and np.all(s.lower[:-1] == s.upper[:-1]):
            few = self._points[self.few(most)]
            kept = np.unique(np.concatenate([few, kept[-1:]]))
        lower, upper = s.lower[kept], s.upper[kept]
        x = np.column_stack([lower, upper, upper]).ravel()  # the third one: a gap, or none
        gap = lower < upper
        lines: list[Vector] = []
        for values, start in ((s.cdf, 0.0), *((bound, np.nan) for bound in self._bounds)):
            after = values[kept]
            before = np.concatenate([[start], after[:-1]])
            across = after if lines else np.nan  # the bounds go straight across
            y = np.column_stack([before, np.where(gap, across, before), after]).ravel()
            lines.append(self._placed(np.concatenate([[start], y, values[-1:]])))
        # outside the rows' windows nothing was seen
        first, last = max(low, s.within[0]), min(high, s.within[1])
        at = np.concatenate([[min(first, float(x[0]))], x, [max(last, float(x[-1]))]])
        known = np.isfinite(at)
        shares, below, above = (line[known] for line in lines)
        return at[known], shares, below, above

    def guesses(self) -> tuple[Vector, Vector]:
        """Straight lines across the intervals inside which the distribution is not known."""
        s = self.steps
        wide = (s.lower < s.upper) & np.isfinite(s.lower) & np.isfinite(s.upper)
        gap = np.full(int(wide.sum()), np.nan)
        x = np.column_stack([s.lower[wide], s.upper[wide], gap]).ravel()
        return x, self._placed(np.column_stack([s.before[wide], s.cdf[wide], gap]).ravel())

    # ---- the band ------------------------------------------------------------------------------

    @property
    def _together(self) -> bool:
        return self.simultaneous and self.steps.at_risk is not None

    @cached_property
    def _bounds(self) -> tuple[Vector, Vector]:
        lower, upper, _ = cdf_bounds(self.steps, self.level, simultaneous=self._together)
        return lower, upper

    def _placed(self, probability: Vector) -> Vector:
        below, upto = self.part
        return below + (upto - below) * probability
