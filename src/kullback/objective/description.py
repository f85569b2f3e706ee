"""The first look at a sample: counts, extremes, impossible rows, and an evenly thinned subsample."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import final

import numpy as np

from kullback._core.arrays import Vector
from kullback._core.errors import DataError
from kullback._core.supports import Interval
from kullback.data.blocks import ROWS, Block
from kullback.models.model import Model
from kullback.objective.statistics import Statistic

# The subsample's size: one block, so that a solver's step on it costs one kernel call, and large
# enough that Newton over all rows then needs two or three passes.
THINNED = ROWS

# How many impossible rows an error shows.
_SHOWN = 3


@final
@dataclass(frozen=True)
class Description:
    """What the first look found.

    Attributes:
        rows: how many rows.
        weight: their total weight.
        minimum: smallest outcome among rows of positive weight.
        maximum: largest outcome among them.
        positions: where in the sample the rows of the thinned subsample stand.
        values: their outcomes.
        weights: their weights.
        stride: the subsample holds every ``stride``-th row.
        impossible: how many rows lie outside the support.
        examples: the first of them: row number and value.
    """

    rows: int
    weight: float
    minimum: float
    maximum: float
    positions: Vector
    values: Vector
    weights: Vector
    stride: int
    impossible: int
    examples: tuple[tuple[int, float], ...]

    def check(self, model: Model, label: str, locate: Callable[[int], str]) -> None:
        """Raise if a row is impossible under the model.

        Args:
            model: the model.
            label: what messages call the outcome.
            locate: names a row, given its number.

        Raises:
            DataError: naming the first rows outside the support.
        """
        if not self.impossible:
            return
        shown = ", ".join(f"{locate(row)} ({value!r})" for row, value in self.examples)
        one = self.impossible == 1
        first = "it is" if one else ("the first is" if len(self.examples) == 1 else "the first are")
        raise DataError(
            f"{model.name} needs {model.support.phrase('y')}; {self.impossible:,} "
            f"row{'' if one else 's'} of {label} {'is' if one else 'are'} not, {first} {shown}. "
            f"Take a model whose support holds these values, or leave the rows out."
        )


@final
@dataclass(frozen=True)
class Describe(Statistic[Description]):
    """Adds up a ``Description``: on the host, without compilation.

    Attributes:
        support: where the outcomes have to lie.
    """

    support: Interval

    def of_block(self, block: Block, arguments: Vector) -> Description:  # noqa: ARG002
        """Look at one block."""
        y, w = block.fields["y"][: block.count], block.weight[: block.count]
        low, high = float(y.min()), float(y.max())
        wrong = np.zeros(0, dtype=np.intp)
        ends_inside = bool(np.all(self.support.contains(np.array([low, high]))))
        if self.support.whole or not ends_inside:
            wrong = np.flatnonzero(~self.support.contains(y))
        weightless = float(w.min()) <= 0.0
        if weightless:
            seen = y[w > 0.0]
            low, high = (float(seen.min()), float(seen.max())) if seen.size else (np.inf, -np.inf)
        # rows before this block already force the whole sample's stride to be larger than its index
        stride = 1 << block.index.bit_length()
        begin = block.index * ROWS
        kept = slice(-begin % stride, None, stride)
        return Description(
            rows=block.count,
            weight=float(np.sum(w)),
            minimum=low,
            maximum=high,
            positions=np.arange(begin, begin + block.count)[kept],
            values=y[kept],
            weights=w[kept],
            stride=stride,
            impossible=wrong.size,
            examples=tuple((block.row_number(int(i)), float(y[i])) for i in wrong[:_SHOWN]),
        )

    def merge(self, left: Description, right: Description) -> Description:
        """Join two runs of blocks, thinning the subsample where it grows too large."""
        stride = max(left.stride, right.stride)
        left, right = _thin(left, stride), _thin(right, stride)
        while left.values.size + right.values.size > THINNED:
            stride *= 2
            left, right = _thin(left, stride), _thin(right, stride)
        return Description(
            rows=left.rows + right.rows,
            weight=left.weight + right.weight,
            minimum=min(left.minimum, right.minimum),
            maximum=max(left.maximum, right.maximum),
            positions=np.concatenate([left.positions, right.positions]),
            values=np.concatenate([left.values, right.values]),
            weights=np.concatenate([left.weights, right.weights]),
            stride=stride,
            impossible=left.impossible + right.impossible,
            examples=(left.examples + right.examples)[:_SHOWN],
        )


def _thin(part: Description, stride: int) -> Description:
    """Keep the rows at multiples of the stride: the same rows whatever the order of arrival."""
    if stride == part.stride:
        return part
    kept = part.positions % stride == 0
    return replace(
        part,
        stride=stride,
        positions=part.positions[kept],
        values=part.values[kept],
        weights=part.weights[kept],
    )
