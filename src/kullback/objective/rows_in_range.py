"""The exact weighted median of a sample of any size, from the rows in a range, in one pass."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from kullback._core.arrays import Vector
from kullback.data.blocks import Block
from kullback.objective.sample_summary import SampleSummary
from kullback.objective.statistics import Statistic


@final
@dataclass(frozen=True)
class RowsInRange:
    """The rows with outcomes in a range, the weight below it, and the total weight.

    Attributes:
        below: weight of the rows below the range.
        total: weight of all rows.
        values: outcomes in the range, ends included.
        weights: their weights.
    """

    below: float
    total: float
    values: Vector
    weights: Vector


@final
@dataclass(frozen=True)
class SelectRange(Statistic[RowsInRange]):
    """Selects the rows with outcomes in a range; the arguments are its two ends."""

    def of_block(self, block: Block, arguments: Vector) -> RowsInRange:
        """Select from one block."""
        y, w = block.fields["y"][: block.count], block.weight[: block.count]
        low, high = arguments
        inside = (y >= low) & (y <= high)
        return RowsInRange(float(np.sum(w[y < low])), float(np.sum(w)), y[inside], w[inside])

    def merge(self, left: RowsInRange, right: RowsInRange) -> RowsInRange:
        """Join two runs of blocks."""
        return RowsInRange(
            left.below + right.below,
            left.total + right.total,
            np.concatenate([left.values, right.values]),
            np.concatenate([left.weights, right.weights]),
        )


def weighted_median(summary: SampleSummary, reduce: Callable[..., Any]) -> float:
    """Return the smallest outcome with at least half of the weight at or below it.

    Args:
        summary: of the sample; its thinned rows give the range to search.
        reduce: adds up a statistic over the sample.
    """
    if summary.stride == 1:
        whole = RowsInRange(0.0, summary.weight, summary.values, summary.weights)
        found = _median(whole)
        assert found is not None  # the range holds every row
        return found
    order = np.argsort(summary.values, kind="stable")
    values = summary.values[order]
    share = np.cumsum(summary.weights[order])
    share /= share[-1]
    # four standard errors of a share in the subsample; doubled until the median lies inside
    margin = 2.0 / math.sqrt(values.size)
    while True:
        at = np.searchsorted(share, [0.5 - margin, 0.5 + margin])
        low = values[at[0]] if margin < 0.5 and at[0] > 0 else summary.minimum
        high = values[at[1]] if margin < 0.5 and at[1] < values.size else summary.maximum
        found = _median(reduce(SelectRange(), np.array([low, high])))
        if found is not None:
            return found
        margin *= 2.0


def _median(rows: RowsInRange) -> float | None:
    order = np.argsort(rows.values, kind="stable")
    reached = rows.below + np.cumsum(rows.weights[order])
    at = int(np.searchsorted(reached, 0.5 * rows.total))
    if rows.below >= 0.5 * rows.total or at == order.size:
        return None
    return float(rows.values[order[at]])
