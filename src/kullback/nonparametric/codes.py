"""Ends as whole numbers, whose order distinguishes an end in its interval from one beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from kullback._core.arrays import Vector
from kullback.nonparametric.distinct_ends import DistinctEnds

Codes = NDArray[np.intp]


@final
@dataclass(frozen=True, eq=False)
class Coded:
    """Rows by codes: the k-th smallest value is 2k, and what lies just above it is 2k + 1.

    Attributes:
        values: distinct ends, ascending, from −inf to inf.
        lower: codes of the smallest outcome that each row allows.
        upper: of the largest.
        window_lower: of the lower ends of windows.
        window_upper: of the upper ones.
        weights: of the rows.
    """

    values: Vector
    lower: Codes
    upper: Codes
    window_lower: Codes
    window_upper: Codes
    weights: Vector

    def opposite(self) -> Coded:
        """Return the rows with the opposite sign."""
        last = 2 * (self.values.size - 1)
        return Coded(
            -self.values[::-1],
            last - self.upper,
            last - self.lower,
            last - self.window_upper,
            last - self.window_lower,
            self.weights,
        )


def coded(rows: DistinctEnds, *, closed: bool) -> Coded:
    """Code the ends of rows.

    Args:
        rows: the rows.
        closed: whether lower ends belong to their intervals; else only where an outcome lies there:
            that of an exact row, and that at the lower end of its own window.
    """
    ends = (rows.lower, rows.upper, rows.window_lower, rows.window_upper)
    infinite = (np.array([-np.inf, np.inf]),)
    values, place = np.unique(np.concatenate([*ends, *infinite]), return_inverse=True)
    lower, upper, low, high = 2 * place[: 4 * rows.lower.size].reshape(4, -1)
    if not closed:
        lower = np.where(lower < upper, lower + 1, lower)
        low = np.minimum(low + 1, lower)
    return Coded(values, lower, upper, low, high, rows.weights)
