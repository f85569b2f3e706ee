"""A sample with the columns of another sample of the same rows beside its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import final

import numpy as np

from kullback._core.errors import DataError
from kullback.data.derived_sample import DerivedSample
from kullback.data.sample import Chunk, RowSource


@final
@dataclass(frozen=True, eq=False)
class BesideSample(DerivedSample):
    """The rows of two samples of the same data, which differ in the columns that they hold.

    Attributes:
        other: the second sample.
    """

    other: RowSource

    def chunks(self) -> Iterator[Chunk]:
        """Yield the rows with the columns of both.

        Raises:
            DataError: the rows are not the same, or a column is numbers in one sample and
                categories in the other.
        """
        for own, more in zip_longest(self.rows.chunks(), self.other.chunks()):
            if (
                own is None
                or more is None
                or own.kind != more.kind
                or not np.array_equal(own.row_numbers, more.row_numbers)
            ):
                raise DataError("the fits are of different rows.")
            for name in own.fields.keys() & more.fields.keys():
                if not np.array_equal(own.fields[name], more.fields[name], equal_nan=True):
                    raise DataError(
                        f'column "{name}" is not the same in both fits: it holds other values, or '
                        "numbers in one and categories in the other."
                    )
            yield replace(own, fields={**more.fields, **own.fields})
