"""A sample whose rows have other weights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np

from kullback._core.errors import DataError
from kullback.data.arrays import to_numbers, vector
from kullback.data.checks import Place, check_total, check_weight, count_of, find_missing
from kullback.data.derived_sample import DerivedSample
from kullback.data.sample import Chunk, Floats, RowSource

_LABEL = "the weight array"


@final
@dataclass(frozen=True, eq=False)
class ReweightedSample(DerivedSample):
    """The rows of another sample with other weights.

    Attributes:
        weight: a weight for every row of the data, those with missing values included.
    """

    weight: Floats

    def chunks(self) -> Iterator[Chunk]:
        """Yield the other sample's rows, each with the weight of its number.

        Raises:
            DataError: there are more or fewer weights than rows.
        """
        taken = np.zeros(self.weight.size, dtype=bool)
        kept = 0
        for chunk in self.rows.chunks():
            first = chunk.first_row
            rows = slice(first, first + chunk.count) if chunk.rows is None else chunk.rows
            last = first + chunk.count - 1 if chunk.rows is None else int(chunk.rows.max())
            if last >= self.weight.size:
                raise DataError(
                    f"{_LABEL} has {count_of(self.weight.size, 'number')} and the data have at "
                    f"least {count_of(last + 1, 'row')}: give a weight for every row."
                )
            if taken[rows].any():
                raise DataError("the rows of this sample have no numbers, which weights need.")
            taken[rows] = True
            kept += chunk.count
            yield replace(chunk, weight=self.weight[rows])
        if kept + self.dropped != self.weight.size:
            raise DataError(
                f"{_LABEL} has {count_of(self.weight.size, 'number')} and the data have "
                f"{count_of(kept + self.dropped, 'row')}: give a weight for every row."
            )


def reweighted(sample: RowSource, weights: Any) -> ReweightedSample:
    """Give a sample other weights, in place of those that it has.

    Args:
        sample: the sample.
        weights: a number for every row of the data, those with missing values included: the number
            of times that the row was observed.

    Raises:
        DataError: a weight is not a number, missing or negative, or all are zero.
    """
    place = Place("", sample.locate)
    numbers = to_numbers(vector(weights, _LABEL), _LABEL, place)
    check_weight(_LABEL, numbers, place)
    find_missing({_LABEL: numbers}, drop=False, place=place)
    check_total(_LABEL, float(numbers.sum()))
    rows = sample.rows if isinstance(sample, ReweightedSample) else sample
    return ReweightedSample(rows, numbers)
