"""Tables of counts of which most are zero, as short rows without the zeros."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

# Fewer cells than this take no time.
_ENOUGH = 1 << 18
# Cells that are worked on together stay in a core's cache.
_CELLS = 1 << 16
# Taking zeros out costs as much as it spares where one cell in so many has a count.
_SPARSE = 4


def without_zeros(counts: NDArray[Any]) -> NDArray[Any]:
    """Move the counts of each row to its left, and cut the zeros that all rows have at their ends.

    Args:
        counts: shape (samples, symbols).

    Returns:
        Counts of shape (samples, the most that a row has); the same table where few are zero.
    """
    samples, symbols = counts.shape
    some = counts[:: max(samples // 64, 1)]
    if counts.size < _ENOUGH or _SPARSE * int(np.count_nonzero(some)) > some.size:
        return counts
    step = max(_CELLS // symbols, 1)
    found, each = [], []
    for first in range(0, samples, step):
        part = np.ascontiguousarray(counts[first : first + step])
        where = np.flatnonzero(part != 0)
        edges = symbols * np.arange(len(part) + 1)
        found.append(part.ravel().take(where))
        each.append(np.diff(np.searchsorted(where, edges)))
    rows = np.concatenate(each)
    width = max(int(rows.max()), 1)
    result = np.zeros((samples, width), dtype=counts.dtype)
    starts = width * np.arange(samples) - (np.cumsum(rows) - rows)
    places = np.arange(int(rows.sum())) + np.repeat(starts, rows)
    result.ravel()[places] = np.concatenate(found)
    return result
