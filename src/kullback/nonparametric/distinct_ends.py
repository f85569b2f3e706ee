"""Samples condensed to distinct ends of outcomes and windows, with the weight of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import final

import numpy as np

from kullback._core.arrays import Vector
from kullback._core.errors import DataError
from kullback.data.ends import WINDOW_LOWER, WINDOW_UPPER
from kullback.data.sample import Chunk, RowSource

# Rows of a stream are merged whenever so many more have been read; more distinct ones than this are
# refused, as they would not stay within some 200 MB.
_MOST = 1 << 20


@final
@dataclass(frozen=True, eq=False)
class DistinctEnds:
    """Distinct rows of a sample.

    Attributes:
        lower: smallest outcome that each allows; −inf for none.
        upper: largest one; inf for none. Of an exact row it is the lower one.
        window_lower: lower ends of the windows; −inf for none.
        window_upper: upper ends; inf for none.
        weights: their total weights, positive.
        rows: number of rows.
        kinds: number of rows of each kind, by its description.
    """

    lower: Vector
    upper: Vector
    window_lower: Vector
    window_upper: Vector
    weights: Vector
    rows: int
    kinds: Mapping[str, int]

    @property
    def weight(self) -> float:
        """The weight of all rows."""
        return float(self.weights.sum())


def distinct_ends(sample: RowSource) -> DistinctEnds:
    """Read a sample once and merge equal rows.

    A weight is added to those of the rows before it, so that files and memory give the same bits.

    Raises:
        DataError: for a sample without rows, or one that is streamed with too many distinct rows.
    """
    kinds: dict[str, int] = {}
    found, weights = np.zeros((0, 4)), np.zeros(0)
    waiting: list[tuple[Vector, Vector]] = []
    rows = pending = 0
    for chunk in sample.chunks():
        kinds[chunk.kind.description] = kinds.get(chunk.kind.description, 0) + chunk.count
        rows += chunk.count
        waiting.append(_ends_of(chunk))
        pending += chunk.count
        if pending > _MOST and not sample.in_memory:
            found, weights = _merged([(found, weights), *waiting])
            waiting, pending = [], 0
            if weights.size > _MOST:
                raise DataError(
                    f"{sample.label} of {sample.describe_source()} has more than {_MOST:,} "
                    "different outcomes, too many to hold: round them, or read a part of the rows."
                )
    found, weights = _merged([(found, weights), *waiting])
    if not weights.size:
        what = "a row of positive weight" if rows else "at least one row"
        raise DataError(f"the sample is empty: give {what}.")
    # + 0.0: negative zeros would be other values to a sorted search
    lower, upper, low, high = found.T + 0.0
    return DistinctEnds(lower, upper, low, high, weights, rows, kinds)


def _ends_of(chunk: Chunk) -> tuple[Vector, Vector]:
    """Ends and windows of rows, and their weights, those of weight zero left out."""
    lower, upper = chunk.kind.ends(chunk.fields)
    none = np.full(chunk.count, np.inf)
    window = chunk.fields.get(WINDOW_LOWER, -none), chunk.fields.get(WINDOW_UPPER, none)
    ends = np.column_stack([lower, upper, *window])
    weight = np.ones(chunk.count) if chunk.weight is None else chunk.weight
    kept = weight > 0.0
    return (ends, weight) if kept.all() else (ends[kept], weight[kept])


def _merged(parts: Iterable[tuple[Vector, Vector]]) -> tuple[Vector, Vector]:
    """Merge equal rows, in ascending order."""
    ends, weights = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    if not weights.size:
        return ends, weights
    order = np.lexsort(ends.T[::-1])
    ends = ends[order]
    new = np.concatenate([[True], np.any(ends[1:] != ends[:-1], axis=1)])
    place = np.empty(order.size, dtype=np.intp)
    place[order] = np.cumsum(new) - 1
    return ends[new], np.bincount(place, weights).astype(np.float64)  # in the order of the rows
