"""A sample whose outcomes are multiplied by a power of two, which changes none of their digits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import final

import numpy as np

from kullback.data.observation import RowKind
from kullback.data.sample import Chunk, Sample


@final
@dataclass(frozen=True, eq=False)
class ScaledSample(Sample):
    """The rows of another sample, with outcomes times 2^power.

    Attributes:
        rows: the other sample.
        power: the exponent.
    """

    rows: Sample
    power: int

    def __post_init__(self) -> None:
        """Take over what else describes the sample."""
        taken: Mapping[str, object] = {
            "label": self.rows.label,
            "schema": self.rows.schema,
            "in_memory": self.rows.in_memory,
        }
        for name, value in taken.items():
            object.__setattr__(self, name, value)

    @property
    def kinds(self) -> tuple[RowKind, ...]:  # type: ignore[override]  # those of the other sample
        """The kinds of its rows."""
        return self.rows.kinds

    @property
    def dropped(self) -> int:  # type: ignore[override]  # known after a pass
        """The number of rows dropped because a value was missing."""
        return self.rows.dropped

    def chunks(self) -> Iterator[Chunk]:
        """Yield the other sample's rows, multiplied."""
        for chunk in self.rows.chunks():
            outcomes = np.ldexp(chunk.fields["y"], self.power)
            yield replace(chunk, fields={**chunk.fields, "y": outcomes})

    def describe_source(self) -> str:
        """A description of where the rows come from."""
        return self.rows.describe_source()

    def locate(self, row: int) -> str:
        """Name a row as the other sample does."""
        return self.rows.locate(row)
