"""A sample that is read again at every pass, in bounded memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar, NamedTuple, Protocol, TypeVar, final, runtime_checkable

from numpy.typing import NDArray

from kullback._core.errors import DataError
from kullback.data.blocks import ROWS
from kullback.data.checks import Place, check_some, check_total
from kullback.data.columns import CheckedRows, ColumnConversion
from kullback.data.roles import ColumnNames
from kullback.data.sample import (
    ArraySample,
    Chunk,
    Count,
    Cut,
    Floats,
    Integers,
    RowSource,
    plain_row,
)
from kullback.data.sample_head import Head, RowDraw

T = TypeVar("T")

# So many parts are decoded ahead of the one in use: two keep the reader busy while one is summed,
# more would only take more memory.
AHEAD = 2

# Rows whose ends are read at once, or more columns than a few: ends, windows and kinds take eight
# numbers a row, beside which a part of a million rows would take 64 MB (of 100 million rows with
# events, 735 MB at peak), and ten columns more than that, of which several parts are held.
_PIECE, _FEW = 2 * ROWS, 4


@final
@dataclass(frozen=True, eq=False)
class Part:
    """Rows of one read, not yet checked.

    Attributes:
        columns: the columns by name, as NumPy arrays of their own types.
        file: the file that they come from.
        first_row: the number of the first row in that file.
        where: the file and the place in it, for messages: ` in losses/b.parquet (row group 3)`.
    """

    columns: dict[str, NDArray[Any]]
    file: str
    first_row: int
    where: str

    @property
    def count(self) -> int:
        """The number of rows in the part."""
        return len(next(iter(self.columns.values())))

    @property
    def place(self) -> Place:
        """Where the rows come from, for messages."""
        return Place(self.where, partial(_row_after, self.first_row))

    def pieces(self, rows: int) -> Iterator[Part]:
        """Yield the part in pieces of so many rows, views of its columns."""
        for start in range(0, self.count, rows):
            columns = {name: v[start : start + rows] for name, v in self.columns.items()}
            yield Part(columns, self.file, self.first_row + start, self.where)


@runtime_checkable
class PartSource(Protocol):
    """Columns that can be read part by part, any number of times."""

    def parts(
        self, names: tuple[str, ...], text: frozenset[str], coded: frozenset[str] = frozenset()
    ) -> Generator[Part, None, None]:
        """Read some columns once.

        Args:
            names: the columns.
            text: those that are read as text if the source holds only text.
            coded: those of which texts may come as codes (``Coded``).
        """

    def describe(self) -> str:
        """A description of the source."""

    def split(self, cut: Cut) -> list[Piece] | None:
        """Pieces that other processes can read, in order; None where they must be read by one."""


class Piece(NamedTuple):
    """A piece of a source of columns.

    Attributes:
        source: its rows.
        rows: their number.
        starts: by file that begins in it, the number of rows of the piece before.
    """

    source: PartSource
    rows: int
    starts: dict[str, int]


@runtime_checkable
class Workers(Protocol):
    """Processes that read pieces of data, on this machine or others."""

    def source(self, data: Any) -> TableSource | None:
        """Data that they alone can read as a source of columns; None for other data."""

    def each(self, function: Callable[[Any], T], sources: Sequence[PartSource]) -> list[T]:
        """Call a function with each of some sources, and return what it returns in their order."""

    def pieces(self, source: PartSource) -> list[PartSource]:
        """Part a source among them.

        Raises:
            DataError: it cannot be parted.
        """


@runtime_checkable
class TableSource(PartSource, Protocol):
    """Columns that can be read part by part, whose names and types are known before.

    Attributes:
        names: the columns.
        description: for messages about columns.
        only_text: whether it holds only text, so that the type of a label is inferred.
    """

    names: list[str]
    description: str
    only_text: bool

    @property
    def texts(self) -> frozenset[str]:
        """The columns that hold text, by the beginning."""

    def check_columns(self, names: tuple[str, ...]) -> None:
        """Refuse a source whose pieces do not all have these columns, of one type."""

    def size(self, names: tuple[str, ...]) -> int:
        """The approximate size of the columns in memory, in bytes."""


@final
class FileSample(RowSource):
    """A sample that is read from files at every pass and decoded ahead in a thread.

    Args:
        source: the files.
        names: their used columns.
        conversion: the conversion of these columns.
        text: the columns that are read as text if the files hold only text.

    Attributes:
        head: rows evenly drawn that are kept in memory, if ``draw_head`` was called.
    """

    in_memory: ClassVar[bool] = False

    def __init__(
        self,
        source: PartSource,
        names: ColumnNames,
        conversion: ColumnConversion,
        text: frozenset[str],
    ) -> None:
        self.label, self.schema = conversion.label, conversion.schema
        self.kinds = conversion.kinds
        self.dropped = 0
        self.head: Head | None = None
        self._source = source
        self._names = names
        self._conversion = conversion
        self._text = text
        self._starts: dict[str, int] = {}
        self._before, self._whole = 0, True
        self._rows: list[int] = []

    def split(self, cut: Cut) -> list[RowSource] | None:
        """Return parts that other processes can read, if the source has such pieces."""
        pieces = self._source.split(cut)
        if pieces is None:
            return None
        parts: list[RowSource] = []
        before = 0
        for piece in pieces:
            part = FileSample(piece.source, self._names, self._conversion, self._text)
            part._before, part._whole = before, False
            parts.append(part)
            self._starts |= {file: before + start for file, start in piece.starts.items()}
            before += piece.rows
        self._rows = [piece.rows for piece in pieces]
        return parts

    def known_counts(self, parts: int) -> list[Count] | None:
        """Return the numbers of rows in the parts, where each row that is read counts."""
        conversion = self._conversion
        if conversion.drop or conversion.ends is not None or self._names.weight is not None:
            return None
        assert len(self._rows) == parts  # of the last split
        return [Count(n, n, float(n), {conversion.kind: n}) for n in self._rows]

    def take_counts(self, counts: Sequence[Count]) -> None:
        """Check the sums that a pass over the parts counted.

        Raises:
            DataError: no row is left, or all weights are zero.
        """
        kept = sum(count.kept for count in counts)
        self._check(kept, sum(count.read for count in counts), sum(c.weight for c in counts))

    def draw_head(self, draw: RowDraw) -> None:
        """Keep rows that were drawn while the files were read.

        Raises:
            DataError: a value cannot be used, or no row is left.
        """
        check_some(self.label, draw.count, 0)
        columns, numbers = draw.drawn()
        try:
            rows = self._conversion.convert(self._names.take(columns.__getitem__))
            sample = self._conversion.sample(rows, self.describe_source(), self.locate)
            assert isinstance(sample, ArraySample)  # only networks draw rows, of exact outcomes
        except DataError:
            for _ in self.chunks():  # which names the row in the files
                pass
            raise
        kept = numbers if sample.rows is None else numbers[sample.rows]
        self.head = Head(replace(sample, rows=kept), draw.share, draw.count)

    def chunks(self) -> Iterator[Chunk]:
        """Read all rows once, in the order of the files.

        Raises:
            DataError: a value cannot be used, or no row is left, or all weights are zero.
            FileFormatError: a file cannot be read, or has changed since it was opened.
        """
        for rows, _, before in self.rows_beside(()):
            numbers = None if rows.kept is None else rows.kept + before
            chunks = self._conversion.chunks(rows, before, numbers)
            yield from (chunk for chunk in chunks if chunk.count)

    def rows_beside(
        self, names: tuple[str, ...], text: frozenset[str] = frozenset()
    ) -> Iterator[tuple[CheckedRows, Part, int]]:
        """Read all rows once, with other columns beside them.

        Args:
            names: the other columns.
            text: those of them that are read as text where the files hold only text.

        Returns:
            The rows that pass the checks, which may be none, the part that they come from, and the
            number of rows before it.
        """
        return read_ahead(self._read(names, text))

    def chunks_of(
        self, fields: Mapping[str, Floats], weight: Floats | None, numbers: Integers
    ) -> list[Chunk]:
        """Return some of the rows as chunks, one for each kind, given their numbers."""
        rows = CheckedRows(dict(fields), weight, None, numbers.size)
        return self._conversion.chunks(rows, 0, numbers)

    def describe_source(self) -> str:
        """A description of the files."""
        return self._source.describe()

    def locate(self, row: int) -> str:
        """Name a row that has been read, with its file if there are several."""
        return name_row(self._starts, row)

    def _read(
        self, beside: tuple[str, ...], text: frozenset[str]
    ) -> Generator[tuple[CheckedRows, Part, int], None, None]:
        """Yield the rows that pass the checks, part by part."""
        names, total, rows, kept_rows = self._names, 0.0, self._before, 0
        used = tuple(dict.fromkeys((*names.used, *beside)))
        parts = self._source.parts(used, self._text | text, names.coded - {*beside})
        if not beside and (self._conversion.ends is not None or len(used) > _FEW):
            parts = (piece for part in parts for piece in part.pieces(_PIECE))
        for part in parts:
            self._starts.setdefault(part.file, rows - part.first_row)
            checked = self._conversion.convert(names.take(part.columns.__getitem__), part.place)
            yield checked, part, rows
            rows += checked.read
            kept_rows += checked.count
            weight = checked.weight
            total += float(checked.count if weight is None else weight.sum())
        self._check(kept_rows, rows - self._before, total)

    def _check(self, kept: int, read: int, weight: float) -> None:
        """Store the number of rows dropped, and refuse a sample of none."""
        self.dropped = read - kept
        if self._names.outcome and self._whole:
            check_some(self.label, kept, self.dropped)
            check_total(self._conversion.weight_label, weight)


def _row_after(first_row: int, position: int) -> str:
    return plain_row(first_row + position)


def name_row(starts: Mapping[str, int], row: int) -> str:
    """Name a row of several files.

    Args:
        starts: the number of each file's first row, in the order of the files.
        row: the row's number among the rows of all files.

    >>> name_row({"a.csv": 0, "b.csv": 100}, 117)
    'row 17 of b.csv'
    """
    if len(starts) < 2:
        return plain_row(row)
    file, start = next(item for item in reversed([*starts.items()]) if item[1] <= row)
    return f"{plain_row(row - start)} of {file}"


def read_ahead(items: Generator[T, None, None], ahead: int = AHEAD) -> Iterator[T]:
    """Run a generator in a thread, up to `ahead` items in advance.

    The items keep their order, and an error in making one is raised in its place. A reader that
    stops early closes the generator, and with it the file that it reads.
    """
    end = object()
    pending: deque[Future[Any]] = deque()
    # One thread, because a generator makes its items one after the other.
    with closing(items), ThreadPoolExecutor(1, thread_name_prefix="kullback-read") as pool:
        try:
            pending.extend(pool.submit(next, items, end) for _ in range(ahead))
            while (item := pending.popleft().result()) is not end:
                pending.append(pool.submit(next, items, end))
                yield item
        finally:
            for future in pending:
                future.cancel()
