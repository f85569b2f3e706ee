"""Folds of a sample: every row in one of K parts, the same in memory and streamed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import ClassVar, final

import numpy as np
from numpy.typing import NDArray

from kullback._core.errors import DataError
from kullback.data.checks import count_of
from kullback.data.sample import ArraySample, Chunk, Integers, Sample
from kullback.data.sample_head import row_fractions

# Seeds move the row numbers by so much, so that each has pseudo-random numbers of its own.
_APART = 2**40


@final
class Folds:
    """K parts of the rows, drawn by a hash of the seed and the number of the row.

    Args:
        sample: the rows.
        count: K.
        seed: of the draw.

    Raises:
        DataError: for fewer than two rows a fold.
    """

    def __init__(self, sample: Sample, count: int, seed: int) -> None:
        self.sample, self.count, self.seed = sample, count, seed
        self._of_rows: NDArray[np.intp] | None = None
        if isinstance(sample, ArraySample):
            if sample.count < 2 * count:
                raise DataError(
                    f"{sample.label} has {count_of(sample.count, 'row')}, too few for {count} "
                    f"folds of at least two: give folds={max(sample.count // 2, 2)} or fewer, or "
                    "criterion='aic'."
                )
            # equal parts, in the order of the same numbers that part a stream
            order = np.argsort(self._fractions(_numbers(sample)), kind="stable")
            self._of_rows = np.empty(sample.count, dtype=np.intp)
            self._of_rows[order] = np.arange(sample.count) * count // sample.count

    def held_out(self, fold: int) -> Sample:
        """Return the rows of one fold."""
        return self._part(fold, inside=True)

    def others(self, fold: int) -> Sample:
        """Return the rows of all folds but one."""
        return self._part(fold, inside=False)

    def _part(self, fold: int, *, inside: bool) -> Sample:
        if self._of_rows is None or not isinstance(self.sample, ArraySample):
            return _StreamedPart(self, fold, inside=inside)
        sample = self.sample
        chosen = np.flatnonzero((self._of_rows == fold) == inside)
        return replace(
            sample,
            fields={name: values[chosen] for name, values in sample.fields.items()},
            weight=None if sample.weight is None else sample.weight[chosen],
            rows=_numbers(sample)[chosen],
        )

    def of_chunk(self, chunk: Chunk) -> NDArray[np.intp]:
        """Return the fold of each row of a streamed chunk."""
        rows = np.arange(chunk.first_row, chunk.first_row + chunk.count)
        fractions = self._fractions(rows if chunk.rows is None else chunk.rows)
        return np.floor(fractions * self.count).astype(np.intp)

    def _fractions(self, rows: Integers) -> NDArray[np.float64]:
        return row_fractions(rows + self.seed * _APART)


def _numbers(sample: ArraySample) -> Integers:
    return np.arange(sample.count) if sample.rows is None else sample.rows


@final
class _StreamedPart(Sample):
    """The rows of a streamed sample that are in one fold, or in the others."""

    in_memory: ClassVar[bool] = False

    def __init__(self, folds: Folds, fold: int, *, inside: bool) -> None:
        self._folds, self._fold, self._inside = folds, fold, inside
        whole = folds.sample
        self.label, self.schema, self.kinds = whole.label, whole.schema, whole.kinds
        self.dropped = 0

    def chunks(self) -> Iterator[Chunk]:
        """Read the whole sample, and keep the rows of this part."""
        for chunk in self._folds.sample.chunks():
            chosen = np.flatnonzero((self._folds.of_chunk(chunk) == self._fold) == self._inside)
            if not chosen.size:
                continue
            numbers = chosen + chunk.first_row if chunk.rows is None else chunk.rows[chosen]
            yield Chunk(
                chunk.kind,
                {name: values[chosen] for name, values in chunk.fields.items()},
                None if chunk.weight is None else chunk.weight[chosen],
                int(numbers[0]),
                numbers,
            )

    def describe_source(self) -> str:
        """A description of where the rows come from."""
        return self._folds.sample.describe_source()

    def locate(self, row: int) -> str:
        """Name a row."""
        return self._folds.sample.locate(row)
