"""Rows of files with the number of their group, read in pieces or as whole groups."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from kullback._core.arrays import Vector
from kullback.data.columns import CheckedRows
from kullback.data.keys import GroupedRows, encoded, group_rows
from kullback.data.sample import Chunk, ChunkSample, RowSource
from kullback.data.stream import FileSample
from kullback.data.tables import concatenated
from kullback.data.temporary import TemporaryFile, cannot_write

# Rows that are solved together, or more where a group has more: enough for all threads, while the
# largest copy, the lanes of groups of a few rows, stays below 150 MB.
BATCH_ROWS = 2**19

# Whole numbers up to here are exact as floats.
_EXACT = 2.0**53

# Bytes of a row by which the number of temporary files is chosen.
_BYTES = 16

# Temporary files that are open at once: systems allow a process at least 256.
_MOST_FILES = 128


@final
class KeyNumbers:
    """The keys of rows that are read in pieces, numbered in the order in which they first occur.

    Rows whose groups are contiguous have numbers that never decrease.

    Args:
        names: the key columns.

    Attributes:
        keys: the keys, by number.
    """

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names
        self._numbers: dict[Any, int] = {}
        self._firsts: list[dict[str, NDArray[Any]]] = []
        self.keys: list[Any] = []

    def columns(self, keys: Sequence[Any]) -> dict[str, NDArray[Any]]:
        """Return the key columns, one row for each of these keys."""
        rows = [self._numbers[key] for key in keys]
        firsts = {name: [own[name] for own in self._firsts] for name in self.names}
        kinds = {name: np.result_type(*own) for name, own in firsts.items()}
        return {
            name: concatenated([part.astype(kinds[name]) for part in own])[rows]
            for name, own in firsts.items()
        }

    def of(
        self,
        columns: Mapping[str, NDArray[Any]],
        kept: NDArray[np.int64] | None,
        locate: Callable[[int], str],
    ) -> NDArray[np.int64]:
        """Return the number of the key of each row that is kept.

        Raises:
            DataError: for a missing key, or keys that have no order.
        """
        codes, keys = encoded(columns, kept, locate)
        first = np.empty(len(keys), dtype=np.intp)
        first[codes[::-1]] = np.arange(codes.size)[::-1]  # of equal places, the last is kept
        number = np.empty(len(keys), dtype=np.int64)
        new = []
        for code in np.argsort(first).tolist():
            number[code] = self._numbers.setdefault(keys[code], len(self.keys))
            if number[code] == len(self.keys):
                self.keys.append(keys[code])
                new.append(first[code])
        firsts = np.array(new, dtype=np.intp) if kept is None else kept[new]
        self._firsts.append({name: column[firsts] for name, column in columns.items()})
        return number[codes]


@final
@dataclass(frozen=True, eq=False)
class NumberedRows:
    """Rows with the number of their group.

    Attributes:
        group: the number of each row's group.
        row: its number in the files.
        fields: outcomes, or the ends of outcomes and windows, and covariates.
        weight: its weight; None where all are one.
    """

    group: NDArray[np.int64]
    row: NDArray[np.int64]
    fields: Mapping[str, Vector]
    weight: Vector | None

    def __getitem__(self, which: Any) -> NumberedRows:
        """Return some of the rows."""
        fields = {name: values[which] for name, values in self.fields.items()}
        weight = None if self.weight is None else self.weight[which]
        return NumberedRows(self.group[which], self.row[which], fields, weight)

    @classmethod
    def joined(cls, pieces: Sequence[NumberedRows]) -> NumberedRows:
        """Return the rows of all pieces, in their order."""
        if len(pieces) == 1:
            return pieces[0]
        fields = {
            name: np.concatenate([p.fields[name] for p in pieces]) for name in pieces[0].fields
        }
        weights = [p.weight for p in pieces if p.weight is not None]
        return cls(
            np.concatenate([p.group for p in pieces]),
            np.concatenate([p.row for p in pieces]),
            fields,
            np.concatenate(weights) if weights else None,
        )

    def as_records(self) -> NDArray[Any]:
        """Return the rows one after the other, for a file."""
        columns = [*self.fields.values(), *([] if self.weight is None else [self.weight])]
        form = [("group", "i8"), ("row", "i8"), *((str(k), "f8") for k in range(len(columns)))]
        rows = np.empty(self.group.size, dtype=form)
        for name, column in zip(
            rows.dtype.names or (), (self.group, self.row, *columns), strict=True
        ):
            rows[name] = column
        return rows

    @classmethod
    def of_records(cls, rows: NDArray[Any], names: list[str], *, weighted: bool) -> NumberedRows:
        """Return the rows that ``as_records`` wrote, of fields of these names."""
        group, row, *columns = (rows[name].copy() for name in rows.dtype.names or ())
        weight = columns.pop() if weighted else None
        return cls(group, row, dict(zip(names, columns, strict=True)), weight)


class ScatteredError(Exception):
    """Rows of a group have rows of another between them."""


@final
@dataclass(frozen=True, eq=False)
class GroupStream:
    """The rows of files by group, in bounded memory.

    Attributes:
        sample: the rows without their keys.
        names: the key columns.
        text: those of them that are text.
        written: whether the files hold only text.
        size: the size of all rows in bytes, approximately.
    """

    sample: FileSample
    names: tuple[str, ...]
    text: frozenset[str]
    written: bool
    size: int

    def pieces(self, keys: KeyNumbers) -> Iterator[NumberedRows]:
        """Read all rows once, in the order of the files.

        Raises:
            DataError: a value or a key cannot be used.
        """
        for rows, part, before in self.sample.rows_beside(self.names, self.text):
            columns = {name: self._key(part.columns[name]) for name in self.names}
            group = keys.of(columns, rows.kept, lambda i: self.sample.locate(before + i))  # noqa: B023
            if rows.count:
                yield _numbered(rows, before, group)

    def of(self, key: Mapping[str, Any]) -> NumberedRows:
        """Read the rows of one group, as number 0.

        Args:
            key: the value of each key column.
        """
        found = []
        for rows, part, before in self.sample.rows_beside(self.names, self.text):
            columns = {name: self._key(part.columns[name]) for name in self.names}
            own = np.all([columns[name] == value for name, value in key.items()], axis=0)
            own = own if rows.kept is None else own[rows.kept]
            if own.any():
                found.append(_numbered(rows, before, np.zeros(own.size, dtype=np.int64))[own])
        return NumberedRows.joined(found)

    def _key(self, column: NDArray[Any]) -> NDArray[Any]:
        """Return a key column; from files of text, numbers that are whole as whole numbers."""
        if self.written and column.dtype.kind == "f":
            whole = column.astype(np.int64) if bool(np.all(np.abs(column) <= _EXACT)) else column
            return whole if np.array_equal(whole, column) else column
        return column

    def contiguous(self, keys: KeyNumbers) -> Iterator[NumberedRows]:
        """Yield the rows of whole groups, a batch at a time, from files with contiguous groups.

        Raises:
            ScatteredError: the groups are not contiguous; found before any group could become two.
        """
        held: list[NumberedRows] = []
        last, rows = -1, 0
        for piece in self.pieces(keys):
            group = piece.group
            if group[0] < last or bool(np.any(group[1:] < group[:-1])):
                raise ScatteredError
            held.append(piece)
            last, rows = int(group[-1]), rows + group.size
            if rows >= BATCH_ROWS and held[0].group[0] != last:
                whole = NumberedRows.joined(held)
                end = int(np.searchsorted(whole.group, last))
                yield whole[:end]
                held, rows = [whole[end:]], whole.group.size - end
        if held:
            yield NumberedRows.joined(held)

    def gathered(self, keys: KeyNumbers) -> Iterator[NumberedRows]:
        """Yield the rows of whole groups from files in any order, through temporary files."""
        count = min(_MOST_FILES, 1 + self.size // (BATCH_ROWS * _BYTES))
        shown = self.sample.describe_source()
        paths = [TemporaryFile(shown, ".rows") for _ in range(count)]
        record, names, weighted = np.dtype([]), list[str](), False
        try:
            with ExitStack() as stack:
                files = [stack.enter_context(open(path, "wb")) for path in paths]
                for piece in self.pieces(keys):
                    names, weighted = list(piece.fields), piece.weight is not None
                    rows = piece.as_records()
                    record, place = rows.dtype, (piece.group % count).astype(np.uint16)
                    rows = rows[np.argsort(place, kind="stable")]
                    ends = np.cumsum(np.bincount(place, minlength=count)).tolist()
                    for file, begin, end in zip(files, [0, *ends], ends, strict=False):
                        file.write(rows[begin:end].tobytes())
        except OSError as error:
            raise cannot_write(shown, error) from None
        while paths:
            rows = np.fromfile(paths.pop(), dtype=record)
            if rows.size:
                yield NumberedRows.of_records(rows, names, weighted=weighted)

    def batch(
        self, rows: NumberedRows, keys: Mapping[int, Any] | Sequence[Any]
    ) -> tuple[ChunkSample, GroupedRows]:
        """Return rows of whole groups as a sample, and the groups in the order of their numbers.

        Args:
            rows: the rows.
            keys: the key of each number.
        """
        chunks = self.sample.chunks_of(rows.fields, rows.weight, rows.row)
        at = None
        if len(chunks) > 1:  # the positions of the rows, chunk after chunk
            order = np.argsort(rows.row)
            numbers = np.concatenate([chunk.rows for chunk in chunks if chunk.rows is not None])
            at = order[np.searchsorted(rows.row, numbers, sorter=order)]
        grouped = group_rows({"": rows.group}, at)
        own = tuple(keys[number] for number in grouped.keys)
        sample = ChunkSample(
            tuple(chunks),
            label=self.sample.label,
            schema=self.sample.schema,
            dropped=self.sample.dropped,
            source=self.sample.describe_source(),
            name_row=self.sample.locate,
            others=self.sample.others,
            part_of=-1,  # rows of other groups, those dropped and of weight zero are elsewhere
        )
        return sample, GroupedRows(self.names, own, grouped.order, grouped.offsets)


def _numbered(rows: CheckedRows, before: int, group: NDArray[np.int64]) -> NumberedRows:
    """Return rows of a part with the numbers of their groups, and their own in the files."""
    row = np.arange(rows.read) if rows.kept is None else rows.kept
    return NumberedRows(group, row + before, rows.fields, rows.weight)


@final
class SomeGroups(RowSource):
    """The rows of some groups of files, read at every pass.

    Args:
        stream: the rows of all groups.
        keys: the keys of these.
    """

    in_memory: ClassVar[bool] = False

    def __init__(self, stream: GroupStream, keys: frozenset[Any]) -> None:
        self.label, self.schema = stream.sample.label, stream.sample.schema
        self.kinds, self.dropped = stream.sample.kinds, 0
        self.others, self.part_of = stream.sample.others, -1
        self._stream, self._keys = stream, keys

    def chunks(self) -> Iterator[Chunk]:
        """Read the rows once."""
        numbers = KeyNumbers(self._stream.names)
        for piece in self._stream.pieces(numbers):
            own = piece[np.array([key in self._keys for key in numbers.keys])[piece.group]]
            if own.group.size:
                yield from self._stream.sample.chunks_of(own.fields, own.weight, own.row)

    def describe_source(self) -> str:
        """A description of the files."""
        return self._stream.sample.describe_source()

    def locate(self, row: int) -> str:
        """Name a row."""
        return self._stream.sample.locate(row)
