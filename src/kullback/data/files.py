"""Read columns of CSV and Parquet files part by part, through pyarrow."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any, final

import numpy as np
import pyarrow as pa
import pyarrow.csv as pcsv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from kullback._core.errors import DataError, FileFormatError, KullbackError, MissingFileError
from kullback.data.arrays import (
    LARGEST_EXACT_INTEGER,
    refuse_long_integers,
    refuse_text,
    text_without_number,
)
from kullback.data.arrow import content_of, values_of
from kullback.data.blocks import ROWS
from kullback.data.checks import Place, check_columns, column_label, count_of
from kullback.data.paths import DataFiles, describe_paths, find_paths
from kullback.data.quotes import refuse_open_quotes
from kullback.data.stream import Part
from kullback.data.text_among_numbers import is_usual_mark, missing_values_of

# The largest size of one part of a file in memory; a few are held at once (one in use, two decoded
# ahead, one being decoded). A row group as pyarrow writes it, a million rows, is one part.
PART_BYTES = 16 * 2**20

# A larger row group is read in pieces of whole blocks, so that most blocks are views. Measured,
# pieces of one to sixteen blocks are read equally fast; larger ones take memory.
PIECE_ROWS = 4 * ROWS

# Such a row group is read from disk through a buffer of this size.
BUFFER_BYTES = 2**20

# So much of a CSV file is parsed at a time: pyarrow's default is 1 MiB, and each block costs a
# hand-over between threads.
CSV_BLOCK_BYTES = 4 * 2**20

# The types of a CSV file's columns are inferred from so many bytes at its beginning.
CSV_HEAD_BYTES = 2**20

TEXT = pa.string()

# What means a missing value in any CSV file: pyarrow's own list.
_MISSING = pcsv.ConvertOptions().null_values


@final
class Files:
    """Files with the same columns, read one after the other.

    Attributes:
        names: the columns of the first file.
        description: the first file, for messages about columns.
        only_text: whether the files hold only text, so that the type of a label is inferred.
    """

    def __init__(self, files: list[File], pattern: str) -> None:
        kinds = sorted({type(file).__name__ for file in files})
        if len(kinds) > 1:
            raise DataError(f"{pattern}: CSV and Parquet files are mixed; give files of one kind")
        self._files = files
        self._pattern = pattern
        self.names = files[0].names
        self.description = files[0].path
        self.only_text = isinstance(files[0], CsvFile)

    def check_columns(self, names: tuple[str, ...]) -> None:
        """Refuse files that lack a column, or whose column differs from the first file's in type.

        Raises:
            DataError: the files differ.
        """
        first, *others = self._files
        for file in others:
            of = f"{file.path} ({first.path} has it)"
            for name in check_columns(names, file.names, "column", of):
                content, expected = file.content(name), first.content(name)
                if content != expected and "nothing" not in {content, expected}:
                    raise DataError(
                        f"{column_label(name)} holds {content} in {file.path} and {expected} in "
                        f"{first.path}; the files must agree"
                    )

    @property
    def texts(self) -> frozenset[str]:
        """The columns that hold text, by the beginning of the first file."""
        first = self._files[0]
        return frozenset(name for name in self.names if File.content(first, name) == "text")

    def size(self, names: tuple[str, ...]) -> int:
        """The approximate size of the columns in memory, in bytes."""
        return sum(file.size(names) for file in self._files)

    def parts(
        self, names: tuple[str, ...], text: frozenset[str] = frozenset()
    ) -> Generator[Part, None, None]:
        """Read columns once, file by file, those in `text` as text if the file holds only text.

        Raises:
            DataError: a value of a CSV file is not a number.
            FileFormatError: a file cannot be read, or has changed since it was opened.
        """
        for file in self._files:
            file.check_unchanged()
            try:
                yield from file.parts(names, text)
            except KullbackError:
                file.check_unchanged()  # which explains what cannot be read
                raise
        for file in self._files:  # rows of two versions are a sample of neither
            file.check_unchanged()

    def describe(self) -> str:
        """A description of the files: `losses/*.parquet (12 files, 96 row groups)`."""
        groups = sum(file.groups for file in self._files)
        counts = [count_of(len(self._files), "file")] if len(self._files) > 1 else []
        counts += [count_of(groups, "row group")] if groups else []
        return f"{self._pattern} ({', '.join(counts)})" if counts else self._pattern


class File(ABC):
    """A file of columns.

    Attributes:
        path: its path.
        names: its columns, in their order.
        groups: its number of row groups; zero for a kind of file without row groups.
    """

    groups: int = 0

    def __init__(self, path: str, missing_values: tuple[str, ...] = ()) -> None:
        self.path = path
        self._missing_values = missing_values
        self._state = _state(path)
        if self._state[0] == 0:
            raise FileFormatError(f"{path} is empty (0 bytes)")
        self._types = self._find_types()
        self.names = [name for name, _ in self._types]
        self._type_of = dict(self._types)

    @abstractmethod
    def _find_types(self) -> list[tuple[str, Any]]:
        """The file's columns and their Arrow types."""

    @abstractmethod
    def size(self, names: tuple[str, ...]) -> int:
        """The approximate size of columns in memory, in bytes."""

    @abstractmethod
    def parts(self, names: tuple[str, ...], text: frozenset[str]) -> Generator[Part, None, None]:
        """Read columns once."""

    def content(self, name: str) -> str:
        """The declared content of a column: numbers, text, dates or times, ..."""
        return content_of(self._type_of[name])

    def check_unchanged(self) -> None:
        """Refuse a file that has changed since it was opened: its rows would be of two versions."""
        if _state(self.path) != self._state:
            raise FileFormatError(
                f"{self.path} has changed since it was opened; start again when it is complete"
            )


@final
class ParquetFile(File):
    """A Parquet file, read by row group."""

    def _find_types(self) -> list[tuple[str, Any]]:
        with _readable(self.path, "Parquet"), pq.ParquetFile(self.path) as file:
            self._metadata = file.metadata
            schema = file.schema_arrow
        self.groups = self._metadata.num_row_groups
        return list(zip(schema.names, schema.types, strict=True))

    def size(self, names: tuple[str, ...]) -> int:
        """The size of the columns as float64, in bytes."""
        return int(self._metadata.num_rows) * len(names) * 8

    def parts(self, names: tuple[str, ...], text: frozenset[str]) -> Generator[Part, None, None]:  # noqa: ARG002
        """Read columns by row group, and a row group larger than one part piece by piece."""
        most = max(1, PART_BYTES // (8 * len(names)))
        rows = [self._metadata.row_group(group).num_rows for group in range(self.groups)]
        # pyarrow's pre_buffer would keep every row group it has read until the file is closed.
        options = {
            "metadata": self._metadata,
            "pre_buffer": False,
            "page_checksum_verification": True,
        }
        if any(count > most for count in rows):
            options["buffer_size"] = BUFFER_BYTES
        first_row = 0
        with _readable(self.path, "Parquet"):
            opened = pq.ParquetFile(self.path, **options)
        with opened as file:
            for group, count in enumerate(rows):
                where = f"{self.path} (row group {group})"
                for table in self._read_group(file, group, list(names), count, most, where):
                    columns = {name: values_of(table.column(name)) for name in names}
                    yield Part(columns, self.path, first_row, f" in {where}")
                    first_row += table.num_rows

    def _read_group(
        self, file: Any, group: int, names: list[str], count: int, most: int, where: str
    ) -> Iterator[Any]:
        """Yield a row group as one table, or in pieces if it has more than `most` rows."""
        if count <= most:
            with _readable(where, "Parquet"):
                table = file.read_row_group(group, columns=names, use_threads=len(names) > 1)
            yield table
            return
        batches = file.iter_batches(
            batch_size=min(PIECE_ROWS, most),
            row_groups=[group],
            columns=names,
            use_threads=len(names) > 1,
        )
        while True:
            with _readable(where, "Parquet"):
                batch = next(batches, None)
            if batch is None:
                return
            yield pa.Table.from_batches([batch])


@final
class CsvFile(File):
    """A CSV file with a header, commas between values, and numbers with a decimal point."""

    def _find_types(self) -> list[tuple[str, Any]]:
        self._examined: set[str] = set()
        with _readable(self.path, "CSV"):
            refuse_open_quotes(self.path)
        with _readable(self.path, "CSV"), self._open(CSV_HEAD_BYTES) as reader:
            schema = reader.schema
            names = schema.names  # raises an error for a name that is not UTF-8
        for separator in (";", "\t", "|"):
            if len(names) == 1 and separator in names[0]:
                raise FileFormatError(
                    f"{self.path} must have commas between its values, got {separator!r}"
                )
        return list(zip(names, schema.types, strict=True))

    def size(self, names: tuple[str, ...]) -> int:  # noqa: ARG002
        """The size of the file: all of it is parsed, whatever columns are used."""
        return self._state[0]

    def content(self, name: str) -> str:
        """The inferred content of a column; numbers and text are distinguished when it is read."""
        content = super().content(name)
        return content if content == "dates or times" else "numbers or text"

    def parts(self, names: tuple[str, ...], text: frozenset[str]) -> Generator[Part, None, None]:
        """Read columns block by block, as numbers unless they are in `text`."""
        types = {n: TEXT if n in text else _number_type(self._type_of[n]) for n in names}
        first_row = 0
        try:
            for batch in self._batches(names, types):
                columns = {name: values_of(batch.column(name)) for name in names}
                self._check_integers({name: columns[name] for name in names if name not in text})
                yield Part(columns, self.path, first_row, f" in {self.path}")
                first_row += batch.num_rows
        except _ConversionError as error:
            self._explain([name for name in names if name not in text])
            raise FileFormatError(str(error)) from error

    def _batches(self, names: tuple[str, ...], types: dict[str, Any]) -> Iterator[Any]:
        """Yield the rows of the file, block by block."""
        with _readable(self.path, "CSV"):
            reader = self._open(CSV_BLOCK_BYTES, list(names), types)
        with reader:
            while True:
                with _readable(self.path, "CSV"):
                    batch = next(reader, None)
                if batch is None:
                    return
                yield batch

    def _open(self, block: int, names: list[str] | None = None, types: Any = None) -> Any:
        """A reader that parses the file block by block."""
        # In a file of one column an empty line is a missing value, which must not be skipped.
        one_column = hasattr(self, "names") and len(self.names) == 1
        return pcsv.open_csv(
            self.path,
            pcsv.ReadOptions(block_size=block),
            pcsv.ParseOptions(ignore_empty_lines=not one_column),
            pcsv.ConvertOptions(
                include_columns=names,
                column_types=types,
                strings_can_be_null=True,
                null_values=[*_MISSING, *self._missing_values],
            ),
        )

    def _explain(self, names: list[str]) -> None:
        """Read columns as text, to name the values that are not numbers."""
        for name in names:
            texts = self._texts(name)
            wrong = text_without_number(texts)
            if wrong.any():
                try:
                    refuse_text(texts, column_label(name), Place(f" in {self.path}"))
                except DataError as error:
                    marks = [t for t in dict.fromkeys(texts[wrong].tolist()) if is_usual_mark(t)]
                    if not marks:
                        raise
                    raise DataError(
                        f"{error} To read such marks as missing values, open the files with "
                        f"{missing_values_of(marks)}."
                    ) from None

    def _check_integers(self, columns: dict[str, NDArray[Any]]) -> None:
        """Refuse whole numbers that were rounded in reading; each column is checked once."""
        for name, values in columns.items():
            large = values.dtype.kind == "f" and np.any(np.abs(values) >= LARGEST_EXACT_INTEGER)
            if large and name not in self._examined:
                self._examined.add(name)
                place = Place(f" in {self.path}")
                refuse_long_integers(self._texts(name), column_label(name), place)

    def _texts(self, name: str) -> NDArray[Any]:
        """The text of a column, as it stands in the file."""
        read = [values_of(batch.column(name)) for batch in self._batches((name,), {name: TEXT})]
        return np.concatenate(read)


class _ConversionError(FileFormatError):
    """A value of a CSV file is not of the type of its column."""


def open_files(paths: list[str]) -> Files:
    """Open files, each by the kind that its ending names.

    Args:
        paths: paths or patterns; those of ``DataFiles`` with the texts that mean a missing value.

    Raises:
        DataError: a file has another ending than FILE_KINDS.
        FileFormatError: a file cannot be read.
    """
    absent = paths.missing_values if isinstance(paths, DataFiles) else ()
    return Files([_open(path, absent) for path in find_paths(paths)], describe_paths(paths))


def _open(path: str, missing_values: tuple[str, ...]) -> File:
    kind = FILE_KINDS.get(os.path.splitext(path)[1].lower())
    if kind is None:
        raise DataError(
            f"{path}: the name of a file must end in "
            f"{', '.join(list(FILE_KINDS)[:-1])} or {list(FILE_KINDS)[-1]}"
        )
    return kind(path, missing_values)


# The kinds of files, by the ending of their names.
FILE_KINDS: dict[str, type[File]] = {".csv": CsvFile, ".parquet": ParquetFile, ".pq": ParquetFile}


def _state(path: str) -> tuple[int, int]:
    """A file's size and the time of its last change."""
    try:
        state = os.stat(path)
    except OSError as error:
        gone = isinstance(error, FileNotFoundError)
        kind = MissingFileError if gone else FileFormatError
        raise kind(f"{path} cannot be read: {error.strerror}") from error
    return state.st_size, state.st_mtime_ns


@contextmanager
def _readable(where: str, kind: str) -> Iterator[None]:
    """Turn the errors of pyarrow for a damaged file into one that names the file."""
    try:
        yield
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        reason = [*str(error).strip().splitlines(), type(error).__name__][0]
        reason = reason.split(". ")[0].rstrip(".")
        if "UTF8" in reason or isinstance(error, UnicodeDecodeError):
            raise FileFormatError(
                f"{where} cannot be read as {kind}: it is not in UTF-8 ({reason}). "
                "Save it in UTF-8."
            ) from error
        if "conversion error" in reason:
            raise _ConversionError(f"{where} cannot be read as {kind}: {reason}") from error
        if "columns, got" in reason and ";" in reason:
            raise FileFormatError(
                f"{where} cannot be read as {kind}: {reason}. Its values seem to be separated by "
                "semicolons; write them with commas between, and decimals with a point."
            ) from error
        raise FileFormatError(
            f"{where} cannot be read as {kind}: {reason}. The file is damaged, truncated or of "
            "another kind; write it again or leave it out."
        ) from error


def _number_type(inferred: Any) -> Any:
    """The type as which a column of a CSV file is read, given the type of its first values."""
    # A column that starts with whole numbers or missing values may continue with other numbers;
    # text is read as numbers, so that it is refused with its place.
    keeps = pa.types.is_boolean(inferred) or pa.types.is_temporal(inferred)
    return inferred if keeps else pa.float64()
