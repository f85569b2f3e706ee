"""A sample that is read from its source again at every pass, in bounded memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Hashable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Protocol, TypeVar, final, runtime_checkable

from numpy.typing import NDArray

from kullback.data.checks import Place, check_some, check_total
from kullback.data.columns import Names, Selection
from kullback.data.labels import Labels, distinct_labels
from kullback.data.observation import Exact
from kullback.data.sample import Chunk, Sample, plain_row

T = TypeVar("T")

# How many parts are decoded ahead of the one in use: two keep the reader busy while one is summed,
# and more would only hold more memory.
AHEAD = 2


@final
@dataclass(frozen=True, eq=False)
class Part:
    """Rows of one read, not yet looked at.

    Attributes:
        columns: the columns by name, as NumPy arrays of whatever type they have.
        file: the file they are from.
        first_row: the number of the first row in that file.
        where: the file, and the place in it, for messages: ` in losses/b.parquet (row group 3)`.
    """

    columns: dict[str, NDArray[Any]]
    file: str
    first_row: int
    where: str

    @property
    def count(self) -> int:
        """How many rows the part holds."""
        return len(next(iter(self.columns.values())))


@runtime_checkable
class Source(Protocol):
    """Something that can be read part by part, any number of times."""

    def parts(self, names: tuple[str, ...], text: frozenset[str]) -> Generator[Part, None, None]:
        """Read some columns once, the ones in `text` as text if the source has only text."""

    def describe(self) -> str:
        """What the source is, in words."""


def collect_labels(source: Source, names: Names, label: str, *, written: bool) -> Labels:
    """Go through a source once and collect the class labels of the outcome."""
    distinct: set[Hashable] = set()
    for part in read_ahead(source.parts((names.y,), frozenset({names.y}))):
        distinct |= distinct_labels(part.columns[names.y], label)
    return Labels.of(distinct, label, written=written)


@final
class FileSample(Sample):
    """A sample that is read from files at every pass, decoded ahead in a thread."""

    in_memory: ClassVar[bool] = False

    def __init__(self, source: Source, names: Names, selection: Selection) -> None:
        self.label = selection.label
        self.levels = selection.labels.levels if selection.labels else None
        self.dropped = 0
        self._source = source
        self._names = names
        self._selection = selection
        self._text = frozenset({names.y}) if selection.labels else frozenset()
        self._starts: dict[str, int] = {}

    def chunks(self) -> Iterator[Chunk]:
        """Read all rows once, in the order of the files.

        Raises:
            DataError: a value cannot be used, or no row is left, or all weights are zero.
            FileFormatError: a file cannot be read, or has changed since it was opened.
        """
        return read_ahead(self._read())

    def describe_source(self) -> str:
        """The files, in words."""
        return self._source.describe()

    def locate(self, row: int) -> str:
        """Name a row that has been read, with its file where there are several."""
        return name_row(self._starts, row)

    def _read(self) -> Generator[Chunk, None, None]:
        """The rows that pass the checks, part by part."""
        names, total, rows, kept_rows = self._names, 0.0, 0, 0
        for part in self._source.parts(names.used, self._text):
            self._starts.setdefault(part.file, rows - part.first_row)
            selected = self._selection.rows(
                part.columns[names.y],
                None if names.weight is None else part.columns[names.weight],
                {name: part.columns[name] for name in names.columns},
                Place(part.where, partial(_row_after, part.first_row)),
            )
            if selected.count:
                numbers = None if selected.kept is None else selected.kept + rows
                first = rows if numbers is None else int(numbers[0])
                yield Chunk(Exact(), selected.fields, selected.weight, first, numbers)
            rows += selected.read
            kept_rows += selected.count
            weight = selected.weight
            total += float(selected.count if weight is None else weight.sum())
        self.dropped = rows - kept_rows
        check_some(self.label, kept_rows, self.dropped)
        check_total(self._selection.weight_label, total)


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
    """Go through a generator in a thread, `ahead` items before they are asked for.

    The items come in their order, and an error in making one is raised where that item would come.
    Whoever stops early closes the generator, and with it the file that it reads.
    """
    end = object()
    pending: deque[Future[Any]] = deque()
    # One thread, so that items are made one after the other, as a generator demands.
    with closing(items), ThreadPoolExecutor(1, thread_name_prefix="kullback-read") as pool:
        try:
            pending.extend(pool.submit(next, items, end) for _ in range(ahead))
            while (item := pending.popleft().result()) is not end:
                pending.append(pool.submit(next, items, end))
                yield item
        finally:
            for future in pending:
                future.cancel()
