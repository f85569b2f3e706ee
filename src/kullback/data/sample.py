"""Samples: the observed rows with their weights."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from kullback._core.errors import DataError
from kullback.data.observation import Exact, RowKind
from kullback.data.schema import Schema

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
        kind: how these rows' outcomes were observed.
        fields: `y` (or the fields that the kind names) and the covariates: float64,
            one-dimensional, contiguous, all of the same length.
        weight: the rows' weights, or None if every weight is one.
        first_row: the number of the first row in the user's data, counted from zero before any row
            was dropped.
        rows: the rows' numbers in the user's data if rows were dropped between them; None if they
            are `first_row`, `first_row + 1`, and so on.
    """

    kind: RowKind
    fields: dict[str, Floats]
    weight: Floats | None = None
    first_row: int = 0
    rows: Integers | None = None

    @property
    def count(self) -> int:
        """The number of rows in the chunk."""
        return len(next(iter(self.fields.values())))

    @property
    def row_numbers(self) -> Integers:
        """The rows' numbers in the user's data."""
        if self.rows is not None:
            return self.rows
        return np.arange(self.first_row, self.first_row + self.count)


@final
@dataclass(frozen=True, eq=False)
class OtherColumns:
    """All columns of the user's data, also those that no model reads.

    Attributes:
        names: the columns.
        description: of the data, for messages.
        read: reads a column part by part, a value for every row of the data.
    """

    names: list[str]
    description: str
    read: Callable[[str], Iterator[NDArray[Any]]]


class Count(NamedTuple):
    """The rows of a part of a sample.

    Attributes:
        read: the number of rows that it reads.
        kept: the number of those that pass the checks.
        weight: their total weight.
        kinds: by kind, the number of those whose weight is not zero.
    """

    read: int
    kept: int
    weight: float
    kinds: dict[RowKind, int]


class Cut(NamedTuple):
    """How a sample is cut into parts.

    Attributes:
        least: the smallest number of rows in a part, but for the last.
        most: the number of rows that is enough for a part.
        parts: how many parts there should be, if they can hold so many rows.
    """

    least: int
    most: int
    parts: int

    def rows(self, total: int) -> int:
        """The number of rows after which a part is closed, of a sample of so many rows."""
        return max(self.least, min(self.most, -(-total // self.parts)))


class RowSource(ABC):
    """Where the observed rows with their weights come from, any number of times: abstract.

    Attributes:
        label: the name of the outcome for messages and reports: `column "loss"`, or `y`.
        in_memory: whether all rows are held in memory.
        of_user: whether a user made it, so that it must fit the other arguments.
        kinds: the kinds of rows that it may hold.
        schema: its columns and its outcome.
        dropped: the number of rows dropped because a value was missing (for a stream: known after
            the first full pass).
        others: all columns of the user's data; None where these are arrays.
        part_of: the number of rows of the user's data where these are some of them; −1 where that
            is not known.
    """

    in_memory: ClassVar[bool]
    of_user: ClassVar[bool] = False
    kinds: tuple[RowKind, ...] = (Exact(),)
    label: str
    schema: Schema
    dropped: int
    others: OtherColumns | None = None
    part_of: int | None = None

    @property
    def levels(self) -> tuple[Any, ...] | None:
        """The class labels in the order of their codes, if the outcome holds labels."""
        return self.schema.outcome.levels

    @abstractmethod
    def chunks(self) -> Iterator[Chunk]:
        """Yield all rows once, in their order."""

    @abstractmethod
    def describe_source(self) -> str:
        """A description of where the rows come from."""

    def locate(self, row: int) -> str:
        """Name a row, given its number in the user's data, for a message: `row 17`."""
        return plain_row(row)

    def split(self, cut: Cut) -> list[RowSource] | None:  # noqa: ARG002
        """Return parts of the rows, in their order, which other processes can read.

        None where another process cannot: rows in memory, or files that must be read from their
        beginning.
        """
        return None

    def known_counts(self, parts: int) -> list[Count] | None:  # noqa: ARG002
        """Return the rows of the parts of the last `split`, if they are known without a pass."""
        return None

    def take_counts(self, counts: Sequence[Count]) -> None:  # noqa: B027  # most need none
        """Take over what a pass over all parts counted.

        Raises:
            DataError: no row is left, or all weights are zero.
        """


@final
@dataclass(frozen=True, eq=False)
class ArraySample(RowSource):
    """A sample held in memory, all of its rows of one kind.

    The arrays are not copied if they are float64 and contiguous. Their values are not checked here:
    `open_sample` checks the data of a user.

    Attributes:
        fields: the outcome under the names of the kind, and the covariates.
        weight: the rows' weights, or None if every weight is one.
        kind: how the rows' outcomes were observed.
        label: the name of the outcome.
        schema: its columns and its outcome.
        dropped: the number of rows dropped because a value was missing.
        rows: the rows' numbers in the user's data if rows were dropped, else None.
        source: a description of where the rows come from.
        name_row: names a row in a message, given its number in the user's data.
        others: all columns of the user's data.
    """

    in_memory: ClassVar[bool] = True

    fields: Mapping[str, Floats]
    weight: Floats | None = None
    kind: RowKind = field(default_factory=Exact)
    label: str = "y"
    schema: Schema = field(default_factory=Schema)
    dropped: int = 0
    rows: Integers | None = None
    source: str = ""
    name_row: Callable[[int], str] = plain_row
    others: OtherColumns | None = None

    def __post_init__(self) -> None:
        """Check that the arrays belong together."""
        missing = [name for name in self.kind.fields if name not in self.fields]
        if missing:
            raise DataError(
                f"rows of kind {type(self.kind).__name__} require the field {missing[0]!r}"
            )
        fields = {name: _contiguous(values, name) for name, values in self.fields.items()}
        weight = None if self.weight is None else _contiguous(self.weight, "weight")
        count = len(next(iter(fields.values())))
        for name, values in [*fields.items(), ("weight", weight), ("rows", self.rows)]:
            if values is not None and len(values) != count:
                raise DataError(f"{name} must have {count} rows, got {len(values)}")
        object.__setattr__(self, "fields", fields)
        object.__setattr__(self, "weight", weight)

    @property
    def count(self) -> int:
        """The number of rows in the sample."""
        return len(next(iter(self.fields.values())))

    @property
    def kinds(self) -> tuple[RowKind, ...]:  # type: ignore[override]  # known from the rows
        """The one kind of its rows."""
        return (self.kind,)

    def chunks(self) -> Iterator[Chunk]:
        """Yield all rows as one chunk."""
        yield Chunk(self.kind, dict(self.fields), self.weight, 0, self.rows)

    def locate(self, row: int) -> str:
        """Name a row, with its file if the sample was read from several."""
        return self.name_row(row)

    def describe_source(self) -> str:
        """A description of where the rows come from."""
        return self.source or f"{self.count:,} rows in memory"


@final
@dataclass(frozen=True, eq=False)
class ChunkSample(RowSource):
    """A sample held in memory as chunks, which may be of several kinds.

    Attributes:
        parts: the chunks, in the order of their rows.
        label: the name of the outcome.
        schema: its columns and its outcome.
        dropped: the number of rows dropped because a value was missing.
        source: a description of where the rows come from.
        name_row: names a row in a message, given its number in the user's data.
        others: all columns of the user's data.
        part_of: as for ``RowSource``.
    """

    in_memory: ClassVar[bool] = True

    parts: tuple[Chunk, ...]
    label: str = "y"
    schema: Schema = field(default_factory=Schema)
    dropped: int = 0
    source: str = ""
    name_row: Callable[[int], str] = plain_row
    others: OtherColumns | None = None
    part_of: int | None = None

    @property
    def kinds(self) -> tuple[RowKind, ...]:  # type: ignore[override]  # known from the rows
        """The kinds of its rows."""
        return tuple(dict.fromkeys(part.kind for part in self.parts))

    @property
    def count(self) -> int:
        """The number of rows in the sample."""
        return sum(part.count for part in self.parts)

    def chunks(self) -> Iterator[Chunk]:
        """Yield the parts."""
        yield from self.parts

    def locate(self, row: int) -> str:
        """Name a row, with its file if the sample was read from several."""
        return self.name_row(row)

    def describe_source(self) -> str:
        """A description of where the rows come from."""
        return self.source or f"{self.count:,} rows in memory"


def _contiguous(values: Floats, name: str) -> Floats:
    """The array itself if it is float64 and contiguous already, else a copy that is."""
    array = np.ascontiguousarray(values, dtype=np.float64)
    if np.ndim(values) != 1:
        raise DataError(f"{name} must have one dimension, got {np.ndim(values)}")
    return array
