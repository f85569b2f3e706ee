"""A sample whose outcomes are multiplied by a power of two, which changes none of their digits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import final

import numpy as np

from kullback.data.derived_sample import RowwiseSample
from kullback.data.sample import Chunk


@final
@dataclass(frozen=True, eq=False)
class ScaledSample(RowwiseSample):
    """The rows of another sample, with outcomes times 2^power.

    Attributes:
        power: the exponent.
    """

    power: int

    def chunks(self) -> Iterator[Chunk]:
        """Yield the other sample's rows, multiplied."""
        for chunk in self.rows.chunks():
            # of truncated rows the window too
            own = {n: np.ldexp(chunk.fields[n], self.power) for n in chunk.kind.fields}
            yield replace(chunk, fields={**chunk.fields, **own})
