"""A sample made of another one: what it takes over from it."""

from __future__ import annotations

from abc import ABC
from collections.abc import Sequence
from dataclasses import dataclass, replace

from kullback.data.observation import RowKind
from kullback.data.sample import Count, Cut, OtherColumns, RowSource


@dataclass(frozen=True, eq=False)
class DerivedSample(RowSource, ABC):
    """The rows of another sample, changed: abstract.

    Attributes:
        rows: the other sample.
    """

    rows: RowSource

    def __post_init__(self) -> None:
        """Take over what describes the sample."""
        for name in ("label", "schema", "in_memory"):
            object.__setattr__(self, name, getattr(self.rows, name))

    @property
    def kinds(self) -> tuple[RowKind, ...]:  # type: ignore[override]  # those of the other sample
        """The kinds of its rows."""
        return self.rows.kinds

    @property
    def others(self) -> OtherColumns | None:  # type: ignore[override]  # those of the other sample
        """All columns of the user's data."""
        return self.rows.others

    @property
    def part_of(self) -> int | None:  # type: ignore[override]  # of the other sample
        """The number of rows of the user's data where these are some of them."""
        return self.rows.part_of

    @property
    def dropped(self) -> int:  # type: ignore[override]  # known after a pass
        """The number of rows dropped because a value was missing."""
        return self.rows.dropped

    def describe_source(self) -> str:
        """A description of where the rows come from."""
        return self.rows.describe_source()

    def locate(self, row: int) -> str:
        """Name a row as the other sample does."""
        return self.rows.locate(row)

    def take_counts(self, counts: Sequence[Count]) -> None:
        """Let the other sample take over what was counted."""
        self.rows.take_counts(counts)


@dataclass(frozen=True, eq=False)
class RowwiseSample(DerivedSample, ABC):
    """The rows of another sample, each changed for itself: abstract."""

    def split(self, cut: Cut) -> list[RowSource] | None:
        """Return the parts of the other sample, changed."""
        parts = self.rows.split(cut)
        return None if parts is None else [replace(self, rows=part) for part in parts]
