"""The summary of a sample: counts, extremes, rows outside the support, a thinned subsample."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar, Final, final

import numpy as np
import numpy.typing as npt

from kullback._core.arrays import Vector
from kullback._core.domains import Interval
from kullback._core.errors import DataError
from kullback.data.blocks import ROWS, Block
from kullback.data.checks import and_more
from kullback.data.observation import Exact, Observed, RowKind
from kullback.models.model import Model
from kullback.objective.statistics import Statistic

# The subsample's size: one block, so that a solver's step on it costs one kernel call. Of more than
# a million rows every sixteenth is kept, up to eight blocks: a pass over very many rows costs more
# than the steps on a larger subsample that save it.
THINNED = ROWS
MOST_THINNED = 8 * ROWS
_SIXTEENTH = 16


def _limit(rows: int) -> int:
    """Return the largest size of the subsample of a number of rows."""
    return min(max(-(-rows // _SIXTEENTH), THINNED), MOST_THINNED)


def _least_stride(index: int) -> int:
    """Return the smallest final stride of a sample with a block of that index."""
    if index < _SIXTEENTH:
        return 1 << index.bit_length()
    return max(_SIXTEENTH, 1 << (index * ROWS // MOST_THINNED).bit_length())


# Number of impossible rows that an error shows.
_SHOWN = 3

Booleans = npt.NDArray[np.bool_]

_NONE: Final = np.zeros(0, dtype=np.intp)


@final
@dataclass(frozen=True, eq=False)
class Piece:
    """Rows of one block at regular distances.

    Attributes:
        kind: their kind of observation.
        first: position of the first row among the rows of that kind.
        fields: the outcomes and covariates.
        weights: their weights.
    """

    kind: RowKind
    first: int
    fields: Mapping[str, Vector]
    weights: Vector

    def thinned(self, old: int, new: int) -> Piece:
        """Keep the rows at multiples of the stride ``new``, from rows at multiples of ``old``."""
        offset = -self.first % new
        kept = slice(offset // old, None, new // old)
        fields = {name: column[kept] for name, column in self.fields.items()}
        return Piece(self.kind, self.first + offset, fields, self.weights[kept])

    def copied(self) -> Piece:
        """Return a copy of the rows."""
        fields = {name: column.copy() for name, column in self.fields.items()}
        return Piece(self.kind, self.first, fields, self.weights.copy())


@final
@dataclass(frozen=True, eq=False)
class SampleSummary:
    """Counts and extremes of a sample, with a thinned subsample.

    Attributes:
        rows: number of rows.
        weight: their total weight.
        kinds: number of rows of each kind.
        minimum: smallest outcome among exact rows of positive weight; inf if there are none.
        maximum: largest outcome among them; −inf if there are none.
        pieces: the thinned subsample, block by block.
        stride: the subsample holds the rows whose position is a multiple of this.
        impossible: number of rows outside the support.
        examples: row number and value of the first of them.
        largest_lower: largest lower end of the outcomes of rows that are not ``Exact``.
        smallest_upper: smallest upper end of them.
    """

    rows: int
    weight: float
    kinds: Mapping[RowKind, int]
    minimum: float
    maximum: float
    pieces: tuple[Piece, ...]
    stride: int
    impossible: int
    examples: tuple[tuple[int, float], ...]
    largest_lower: float = -math.inf
    smallest_upper: float = math.inf

    @property
    def common(self) -> tuple[float, float]:
        """The ends of the outcomes that all rows allow: the lower one above the other for none."""
        return max(self.largest_lower, self.maximum), min(self.smallest_upper, self.minimum)

    @property
    def common_stretch(self) -> tuple[float, float] | None:
        """These ends where they are apart, so that no outcome was observed itself; else None."""
        low, high = self.common
        ends = all(isinstance(kind, Observed) for kind in self.kinds)
        return (low, high) if ends and low < high else None

    @cached_property
    def values(self) -> Vector:
        """Outcomes of the thinned subsample's exact rows; as located, where there are none."""
        return np.concatenate([p.kind.located(p.fields) for p in self._exact])

    @property
    def all_exact(self) -> bool:
        """Whether every outcome was observed itself."""
        return not self.inexact

    @cached_property
    def inexact(self) -> str:
        """The rows that are not exact, as text: "120 of 400 rows are right-censored"."""
        others: dict[str, int] = {}
        for kind in sorted(self.kinds, key=lambda kind: kind.order):
            if kind != Exact():
                others[kind.description] = others.get(kind.description, 0) + self.kinds[kind]
        if not others:
            return ""
        (first, count), *more = others.items()
        named = [f"{count:,} of {self.rows:,} rows are {first}", *(f"{n:,} {k}" for k, n in more)]
        return and_more(named, len(named))

    @cached_property
    def weights(self) -> Vector:
        """Weights of the same rows."""
        return np.concatenate([p.weights for p in self._exact])

    @property
    def _exact(self) -> list[Piece]:
        """The pieces with exact outcomes, or all pieces where there are none."""
        return [p for p in self.pieces if isinstance(p.kind, Exact)] or list(self.pieces)

    def at_most(self, rows: int) -> SampleSummary:
        """Return the same summary with at most about ``rows`` rows in the subsample."""
        stride = self.stride
        while rows * stride < self.rows:
            stride *= 2
        if stride == self.stride:
            return self
        return replace(self, pieces=_thin(self, stride), stride=stride)

    def check(self, model: Model, label: str, locate: Callable[[int], str]) -> None:
        """Raise if a row lies outside the model's support.

        Args:
            model: the model.
            label: name of the outcome in messages.
            locate: returns the name of a row, from its number.

        Raises:
            DataError: with the first rows outside the support.
        """
        if not self.impossible:
            return
        shown = ", ".join(f"{locate(row)} ({value!r})" for row, value in self.examples)
        one = self.impossible == 1
        first = "it is" if one else ("the first is" if len(self.examples) == 1 else "the first are")
        windows = any(isinstance(k, Observed) and k.window for k in self.kinds)
        within = ", in windows with more than one such value" if windows else ""
        raise DataError(
            f"{model.name} needs {model.support.phrase('y')}{within}; {self.impossible:,} "
            f"row{'' if one else 's'} of {label} {'is' if one else 'are'} not, {first} {shown}. "
            f"Choose a model whose support holds these values, or leave the rows out."
        )


@final
@dataclass(frozen=True)
class SummariseSample(Statistic[SampleSummary]):
    """Adds up a ``SampleSummary``, by NumPy, without compilation.

    Attributes:
        support: the domain of the outcomes.
        in_memory: whether the rows stay in memory, so that the subsample need not copy them.
    """

    support: Interval
    in_memory: bool = False
    uses_numpy: ClassVar[bool] = True

    def of_block(self, block: Block, arguments: Vector) -> SampleSummary:  # noqa: ARG002
        """Summarise one block."""
        fields = {name: column[: block.count] for name, column in block.fields.items()}
        y, w = block.located, block.weight[: block.count]
        low, high = np.inf, -np.inf
        lowest, highest = -np.inf, np.inf
        wrong = _NONE
        if not isinstance(block.kind, Exact):
            ends = block.kind.ends(fields)
            lowest, highest = float(ends[0].max()), float(ends[1].min())
            wrong = np.flatnonzero(~_possible(self.support, block.kind, fields))
        else:
            low, high = block.extremes
            if self.support.whole or not self.support.spans(low, high):
                wrong = np.flatnonzero(~self.support.contains(y))
        # the rows before this block already force at least this stride on the whole sample
        stride = _least_stride(block.index)
        kept = Piece(block.kind, block.index * ROWS, fields, w)
        if stride > 1:
            kept = kept.thinned(1, stride)
            if not self.in_memory:  # so that a streamed block's memory is free once it is summed
                kept = kept.copied()
        return SampleSummary(
            rows=block.count,
            weight=float(w.sum()) if block.weighted else float(block.count),
            kinds={block.kind: block.count},
            minimum=low,
            maximum=high,
            pieces=(kept,),
            stride=stride,
            impossible=wrong.size,
            examples=tuple((block.row_number(int(i)), float(y[i])) for i in wrong[:_SHOWN]),
            largest_lower=lowest,
            smallest_upper=highest,
        )

    def merge(self, left: SampleSummary, right: SampleSummary) -> SampleSummary:
        """Join two runs of blocks, and thin the subsample where it is too large."""
        stride = max(left.stride, right.stride)
        pieces = _thin(left, stride) + _thin(right, stride)
        limit = _limit(left.rows + right.rows)
        while sum(piece.weights.size for piece in pieces) > limit:
            pieces = tuple(piece.thinned(stride, 2 * stride) for piece in pieces)
            stride *= 2
        if not self.in_memory and stride > min(left.stride, right.stride):
            pieces = tuple(piece.copied() for piece in pieces)  # else they hold what they had
        return SampleSummary(
            rows=left.rows + right.rows,
            weight=left.weight + right.weight,
            kinds={
                kind: left.kinds.get(kind, 0) + right.kinds.get(kind, 0)
                for kind in (*left.kinds, *(k for k in right.kinds if k not in left.kinds))
            },
            minimum=min(left.minimum, right.minimum),
            maximum=max(left.maximum, right.maximum),
            pieces=pieces,
            stride=stride,
            impossible=left.impossible + right.impossible,
            examples=(left.examples + right.examples)[:_SHOWN],
            largest_lower=max(left.largest_lower, right.largest_lower),
            smallest_upper=min(left.smallest_upper, right.smallest_upper),
        )


def _possible(support: Interval, kind: RowKind, fields: Mapping[str, Vector]) -> Booleans:
    """Whether a row's outcome may lie in the support, and its window has a probability."""
    possible: Booleans = support.meets(*kind.ends(fields))
    if support.whole or not isinstance(kind, Observed) or not kind.window:
        return possible  # a window around a whole number has its probability
    low = np.maximum(fields.get("window.lower", -np.inf), support.lower)
    high = np.minimum(fields.get("window.upper", np.inf), support.upper)
    return possible & (low < high)


def _thin(part: SampleSummary, stride: int) -> tuple[Piece, ...]:
    """Keep the rows at multiples of the stride: the same rows in any order of arrival."""
    if stride == part.stride:
        return part.pieces
    return tuple(piece.thinned(part.stride, stride) for piece in part.pieces)
