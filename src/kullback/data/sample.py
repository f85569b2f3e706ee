"""The sample: the rows that were seen, with their weights."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from kullback._core.errors import DataError
from kullback.data.observation import Exact, RowKind

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


def plain_row(row: int) -> str:
    """Name a row by its number, counted from zero, for a message."""
    return f"row {row}"


@final
@dataclass(frozen=True, eq=False)
class Chunk:
    """Consecutive rows of one kind, from one read.

    Attributes:
        kind: what was seen of these rows' outcomes.
        fields: `y` (whatever the kind names) and the covariates: float64, one-dimensional,
            contiguous, all of the same length.
        weight: the rows' weights, or None where every weight is one.
        first_row: the number of the first row in the user's data, counted from zero before any row
            was dropped.
        rows: the rows' numbers in the user's data where rows were dropped between them; None where
            they are `first_row`, `first_row + 1`, and so on.
    """

    kind: RowKind
    fields: dict[str, Floats]
    weight: Floats | None = None
    first_row: int = 0
    rows: Integers | None = None

    @property
    def count(self) -> int:
        """How many rows the chunk holds."""
        return len(next(iter(self.fields.values())))


class Sample(ABC):
    """The rows that were seen, with their weights; it can be gone through any number of times.

    Attributes:
        label: the name of the outcome for messages and reports: `column "loss"`, or `y`.
        in_memory: whether all rows are held in memory.
        kinds: the kinds of rows that it may hold.
        levels: the class labels in the order of their codes, where the outcome holds labels.
        dropped: how many rows were left out because a value was missing (for a stream: known after
            the first full pass).
    """

    in_memory: ClassVar[bool]
    kinds: tuple[RowKind, ...] = (Exact(),)
    label: str
    levels: tuple[Any, ...] | None
    dropped: int

    @abstractmethod
    def chunks(self) -> Iterator[Chunk]:
        """Go through all rows once, in their order."""

    @abstractmethod
    def describe_source(self) -> str:
        """Where the rows come from, in words."""

    def locate(self, row: int) -> str:
        """Name a row, given its number in the user's data, for a message: `row 17`."""
        return plain_row(row)


@final
@dataclass(frozen=True, eq=False)
class ArraySample(Sample):
    """A sample held in memory, all of its rows of one kind.

    The arrays are taken as they are, without a copy where they are float64 and contiguous. Their
    values are not looked at here: `open_sample` does that for what a user gives.

    Attributes:
        fields: the outcome under the names of the kind, and the covariates.
        weight: the rows' weights, or None where every weight is one.
        kind: what was seen of the rows' outcomes.
        label: the name of the outcome.
        levels: the class labels, where the outcome holds labels.
        dropped: how many rows were left out because a value was missing.
        rows: the rows' numbers in the user's data where rows were dropped, else None.
        source: where the rows come from, in words.
        name_row: names a row in a message, given its number in the user's data.
        categories: the levels, in the order of their codes, of the covariates that hold categories.
    """

    in_memory: ClassVar[bool] = True

    fields: Mapping[str, Floats]
    weight: Floats | None = None
    kind: RowKind = field(default_factory=Exact)
    label: str = "y"
    levels: tuple[Any, ...] | None = None
    dropped: int = 0
    rows: Integers | None = None
    source: str = ""
    name_row: Callable[[int], str] = plain_row
    categories: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check that the arrays belong together."""
        missing = [name for name in self.kind.fields if name not in self.fields]
        if missing:
            raise DataError(
                f"rows of kind {type(self.kind).__name__} need the field {missing[0]!r}"
            )
        fields = {name: _contiguous(values, name) for name, values in self.fields.items()}
        weight = None if self.weight is None else _contiguous(self.weight, "weight")
        count = len(next(iter(fields.values())))
        for name, values in [*fields.items(), ("weight", weight), ("rows", self.rows)]:
            if values is not None and len(values) != count:
                raise DataError(f"{name} has {len(values)} rows where there are {count}")
        object.__setattr__(self, "fields", fields)
        object.__setattr__(self, "weight", weight)

    @property
    def count(self) -> int:
        """How many rows the sample holds."""
        return len(next(iter(self.fields.values())))

    @property
    def kinds(self) -> tuple[RowKind, ...]:  # type: ignore[override]  # known from the rows
        """The one kind of its rows."""
        return (self.kind,)

    def chunks(self) -> Iterator[Chunk]:
        """All rows as one chunk."""
        yield Chunk(self.kind, dict(self.fields), self.weight, 0, self.rows)

    def locate(self, row: int) -> str:
        """Name a row, with its file where the sample was read from several."""
        return self.name_row(row)

    def describe_source(self) -> str:
        """Where the rows come from, in words."""
        return self.source or f"{self.count:,} rows in memory"


@final
@dataclass(frozen=True, eq=False)
class ChunkSample(Sample):
    """A sample held in memory as chunks, which may be of several kinds.

    Attributes:
        parts: the chunks, in the order of their rows.
        label: the name of the outcome.
        levels: the class labels, where the outcome holds labels.
        dropped: how many rows were left out because a value was missing.
    """

    in_memory: ClassVar[bool] = True

    parts: tuple[Chunk, ...]
    label: str = "y"
    levels: tuple[Any, ...] | None = None
    dropped: int = 0

    @property
    def kinds(self) -> tuple[RowKind, ...]:  # type: ignore[override]  # known from the rows
        """The kinds of its rows."""
        return tuple(dict.fromkeys(part.kind for part in self.parts))

    def chunks(self) -> Iterator[Chunk]:
        """The parts."""
        yield from self.parts

    def describe_source(self) -> str:
        """Where the rows come from, in words."""
        return f"{sum(part.count for part in self.parts):,} rows in memory"


def _contiguous(values: Floats, name: str) -> Floats:
    """The array itself where it is float64 and contiguous already, else a copy that is."""
    array = np.ascontiguousarray(values, dtype=np.float64)
    if np.ndim(values) != 1:
        raise DataError(f"{name} has {np.ndim(values)} dimensions; one was expected")
    return array
