"""Samples of a fitted distribution, observed as its rows were: censored, in cells, in windows.

A row's new outcome is drawn given its window. It is then censored as the rows were: a row that was
censored keeps its limit; for one that was seen the limit is known to lie beyond the outcome, and is
drawn, given that, from the product-limit estimate of the limits, with late entry (A. C. Davison and
D. V. Hinkley, 1997, Bootstrap Methods, algorithm 3.1). Rows in cells are put in the cell that holds
the new outcome; where the cells of the rows leave gaps, and beyond them, these are cells as well.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import final

import numpy as np
from numpy.typing import NDArray

from kullback._core.arrays import Vector
from kullback._core.errors import KullbackError
from kullback.data.ends import LOWER, UPPER, WINDOW_LOWER, WINDOW_UPPER, parted
from kullback.data.sample import Chunk
from kullback.models.model import Model

# A window of less probability is too far in a tail for the quantile function to draw there.
_LEAST = 1e-9


@final
@dataclass(frozen=True, eq=False)
class ObservedRows:
    """Rows, each as often as its weight says, with their ends and windows, ±inf for none.

    Attributes:
        lower: the smallest outcome that each row allows.
        upper: the largest.
        window_lower: the lower end of its window.
        window_upper: the upper end.
    """

    lower: Vector
    upper: Vector
    window_lower: Vector
    window_upper: Vector

    @classmethod
    def of(cls, chunks: Iterable[Chunk]) -> ObservedRows:
        """Read the rows.

        Raises:
            KullbackError: for weights that are not whole numbers.
        """
        columns: list[list[Vector]] = [[], [], [], []]
        for chunk in chunks:
            lower, upper = chunk.kind.ends(chunk.fields)
            none = np.full(chunk.count, np.inf)
            windows = chunk.fields.get(WINDOW_LOWER, -none), chunk.fields.get(WINDOW_UPPER, none)
            times = np.ones(chunk.count) if chunk.weight is None else chunk.weight
            if bool(np.any(times != np.floor(times))):
                part = times[times != np.floor(times)][0]
                raise KullbackError(
                    f"samples like these rows repeat each as often as it was observed, but a row "
                    f"has weight {part:g}: give whole numbers."
                )
            for column, values in zip(columns, (lower, upper, *windows), strict=True):
                column.append(np.repeat(values, times.astype(np.intp)))
        return cls(*(np.concatenate(column) for column in columns))

    # ---- how they were observed ------------------------------------------------------------

    @cached_property
    def seen(self) -> NDArray[np.bool_]:
        """Which outcomes were seen."""
        return np.equal(self.lower, self.upper)

    @cached_property
    def right(self) -> NDArray[np.bool_]:
        """Which outcomes are at least a limit, among rows that are not all cells."""
        return ~self.seen & np.equal(self.upper, self.window_upper) & bool(self.seen.any())

    @cached_property
    def left(self) -> NDArray[np.bool_]:
        """Which outcomes are at most a limit, among rows that are not all cells."""
        limited = np.equal(self.lower, self.window_lower) & bool(self.seen.any())
        return ~self.seen & ~self.right & limited

    @cached_property
    def celled(self) -> NDArray[np.bool_]:
        """Which outcomes are in a cell: between two ends, and all that none was seen among."""
        return ~(self.seen | self.right | self.left)

    @cached_property
    def cells(self) -> tuple[Vector, Vector]:
        """The lower and the upper ends of the distinct cells, ascending.

        Raises:
            KullbackError: where cells overlap.
        """
        ends = np.stack([self.lower[self.celled], self.upper[self.celled]])
        lower, upper = np.unique(ends, axis=1)
        wrong = np.flatnonzero(lower[1:] < upper[:-1])
        if wrong.size:
            i = int(wrong[0])
            raise KullbackError(
                f"the rows lie between ends that overlap, such as {lower[i]:g} to {upper[i]:g} and "
                f"{lower[i + 1]:g} to {upper[i + 1]:g}: between which ends another outcome would "
                "have been observed is not known."
            )
        return lower, upper

    # ---- another sample --------------------------------------------------------------------

    def redrawn(self, model: Model, generator: np.random.Generator) -> ObservedRows:
        """Draw outcomes of a model, and observe them as these rows were.

        Raises:
            KullbackError: where cells overlap, or a window has too little probability.
        """
        x = self._outcomes(model, generator)
        lower, upper = x.copy(), x.copy()
        limited = ~self.celled
        if self.right.any():
            limit = self._limits(generator, x.size)
            beyond = limited & (x >= limit)
            lower[beyond], upper[beyond] = limit[beyond], self.window_upper[beyond]
        if self.left.any():
            limit = -self._mirrored._limits(generator, x.size)
            below = limited & (x <= limit) & (lower == x)
            lower[below], upper[below] = self.window_lower[below], limit[below]
        if self.celled.any():
            at = np.flatnonzero(self.celled)
            lower[at], upper[at] = self._cell_of(x[at], whole=model.support.whole)
            lower[at] = np.maximum(lower[at], self.window_lower[at])
            upper[at] = np.minimum(upper[at], self.window_upper[at])
        return ObservedRows(lower, upper, self.window_lower, self.window_upper)

    def chunks(self) -> tuple[Chunk, ...]:
        """The rows by kind; equal rows once, with a weight."""
        rows = np.stack([self.lower, self.upper, self.window_lower, self.window_upper])
        times = None
        if self.celled.all():
            rows, counts = np.unique(rows, axis=1, return_counts=True)
            times = counts.astype(np.float64)
        names = (LOWER, UPPER, WINDOW_LOWER, WINDOW_UPPER)
        fields = {name: np.ascontiguousarray(row) for name, row in zip(names, rows, strict=True)}
        return tuple(parted(fields, times, 0, None))

    def _outcomes(self, model: Model, generator: np.random.Generator) -> Vector:
        """One outcome a row, given its window."""
        u = generator.uniform(size=self.lower.size)
        if np.isneginf(self.window_lower).all() and np.isposinf(self.window_upper).all():
            return model.quantiles_at(u)
        first = self.window_lower
        if model.support.whole:  # the window holds its ends
            first = np.ceil(first) - 1.0
        below, above = np.asarray(model.cdf(first)), np.asarray(model.cdf(self.window_upper))
        if float(np.min(above - below)) < _LEAST:
            i = int(np.argmin(above - below))
            raise KullbackError(
                f"the fitted {model.name} has probability {above[i] - below[i]:.2g} in the window "
                f"from {self.window_lower[i]:g} to {self.window_upper[i]:g}, too little to draw "
                "outcomes there."
            )
        x = model.quantiles_at(below + u * (above - below))
        # drawn inside: the quantile of a level that was rounded may be beyond by a rounding
        return np.clip(x, self.window_lower, self.window_upper)

    def _limits(self, generator: np.random.Generator, size: int) -> Vector:
        """The limits of right-censoring: known for censored rows, drawn for the others."""
        times, curve = self._limit_curve
        # given a limit beyond the outcome: the first whose curve is at most (1 − u) of that there
        start = curve[np.searchsorted(times, self.lower, side="right")]
        share = (1.0 - generator.uniform(size=size)) * start
        at = np.searchsorted(-curve[1:], -share, side="left")
        drawn = np.where(start > 0.0, np.append(times, np.inf)[at], np.inf)
        return np.where(self.right, self.lower, drawn)

    @cached_property
    def _limit_curve(self) -> tuple[Vector, Vector]:
        """The product-limit estimate of the limits: their values, and P(limit > v), from 1 on."""
        known = self.seen | self.right
        at, entry = self.lower[known], self.window_lower[known]
        censored = self.right[known]
        times, counts = np.unique(at[censored], return_counts=True)
        # an outcome that was seen at a limit came before it
        left = np.searchsorted(np.sort(at[censored]), times, side="left") + np.searchsorted(
            np.sort(at[~censored]), times, side="right"
        )
        entered = np.searchsorted(np.sort(entry), times, side="left")
        risk = np.maximum(entered - left, counts)
        return times, np.concatenate([[1.0], np.cumprod(1.0 - counts / risk)])

    @cached_property
    def _mirrored(self) -> ObservedRows:
        """The rows with the other sign: left-censored ones are right-censored."""
        return ObservedRows(-self.upper, -self.lower, -self.window_upper, -self.window_lower)

    def _cell_of(self, x: Vector, *, whole: bool) -> tuple[Vector, Vector]:
        """The ends of the cell, or of the gap between cells, that holds each outcome."""
        lower, upper = self.cells
        step = 1.0 if whole else 0.0
        before = np.searchsorted(lower, x, side="right") - 1  # the last cell that begins before
        inside = (before >= 0) & (x <= upper[before])
        low = np.where(before >= 0, upper[before] + step, -np.inf)
        high = np.append(lower, np.inf)[before + 1] - step
        return np.where(inside, lower[before], low), np.where(inside, upper[before], high)
