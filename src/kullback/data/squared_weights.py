"""A sample whose weights are squared, for the errors of estimates with sampling weights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import final

from kullback.data.derived_sample import RowwiseSample
from kullback.data.sample import Chunk


@final
@dataclass(frozen=True, eq=False)
class SquaredWeights(RowwiseSample):
    """The rows of another sample, with the weights (w/mean)².

    Attributes:
        mean: the mean weight of a row, so that no square overflows that matters.
    """

    mean: float

    def chunks(self) -> Iterator[Chunk]:
        """Yield the other sample's rows."""
        for chunk in self.rows.chunks():
            weight = None if chunk.weight is None else (chunk.weight / self.mean) ** 2
            yield replace(chunk, weight=weight)
