"""Read columns of a CSV file block by block."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any, final

import numpy as np
import pyarrow as pa
import pyarrow.csv as pcsv
from numpy.typing import NDArray

from kullback._core.errors import DataError, FileFormatError
from kullback.data.arrays import (
    LARGEST_EXACT_INTEGER,
    refuse_long_integers,
    refuse_text,
    text_without_number,
)
from kullback.data.arrow import columns_of, values_of
from kullback.data.checks import Place, column_label
from kullback.data.quotes import BYTE_ORDER_MARK, refuse_open_quotes
from kullback.data.separators import EXAMINED_LINES, find_separator, refuse_decimal_commas
from kullback.data.stream import Part
from kullback.data.table_file import ConversionError, File, readable
from kullback.data.text_among_numbers import is_usual_mark, missing_values_of

# So much of a CSV file is parsed at a time: pyarrow's default is 1 MiB, and each block costs a
# hand-over between threads.
CSV_BLOCK_BYTES = 4 * 2**20

# The types of a CSV file's columns are inferred from so many bytes at its beginning.
CSV_HEAD_BYTES = 2**20


TEXT = pa.string()

# What means a missing value in any CSV file: pyarrow's own list.
_MISSING = pcsv.ConvertOptions().null_values


# The separator is found from the first lines, as many as so many bytes hold.
_EXAMINED_BYTES = 2**20

# How every gzip file begins.
_GZIP = b"\x1f\x8b"


@final
class CsvFile(File):
    """A file of text with a header, a separator between values, and numbers with a decimal point.

    It may be compressed with gzip, whatever its ending: it is then decompressed block by block.
    """

    def _find_types(self) -> list[tuple[str, Any]]:
        self._examined: set[str] = set()
        with readable(self.shown, "CSV"):
            with open(self.path, "rb") as file:
                self._compressed = file.read(len(_GZIP)) == _GZIP
            lines = self._first_lines()
            self.separator = find_separator(lines, self.shown, self._separator)
            self._size = refuse_open_quotes(self._open_bytes, self.shown, self.separator)
        if self.separator == ",":
            refuse_decimal_commas(lines, self.shown)
        with readable(self.shown, "CSV"), self._open(CSV_HEAD_BYTES) as reader:
            schema = reader.schema
            names = schema.names  # raises an error for a name that is not UTF-8
        return list(zip(names, schema.types, strict=True))

    def size(self, names: tuple[str, ...]) -> int:  # noqa: ARG002
        """The size of the text: all of it is parsed, whatever columns are used."""
        return self._size  # counted as the file was opened, since gzip files do not declare it

    def content(self, name: str) -> str:
        """The inferred content of a column; numbers and text are distinguished when it is read."""
        content = super().content(name)
        return content if content == "dates or times" else "numbers or text"

    def parts(
        self, names: tuple[str, ...], text: frozenset[str], coded: frozenset[str]
    ) -> Generator[Part, None, None]:
        """Read columns block by block, as numbers unless they are in `text`."""
        types = {n: TEXT if n in text else _number_type(self._type_of[n]) for n in names}
        first_row = 0
        try:
            for batch in self._batches(names, types):
                columns = columns_of(batch, names, coded)
                self._check_integers({name: columns[name] for name in names if name not in text})
                yield Part(columns, self.shown, first_row, f" in {self.shown}")
                first_row += batch.num_rows
        except ConversionError as error:
            self._explain([name for name in names if name not in text])
            raise FileFormatError(str(error)) from error

    def _batches(self, names: tuple[str, ...], types: dict[str, Any]) -> Iterator[Any]:
        """Yield the rows of the file, block by block."""
        with readable(self.shown, "CSV"):
            reader = self._open(CSV_BLOCK_BYTES, list(names), types)
        with reader:
            while True:
                with readable(self.shown, "CSV"):
                    batch = next(reader, None)
                if batch is None:
                    return
                yield batch

    def _open(self, block: int, names: list[str] | None = None, types: Any = None) -> Any:
        """A reader that parses the file block by block."""
        # In a file of one column an empty line is a missing value, which must not be skipped.
        one_column = hasattr(self, "names") and len(self.names) == 1
        return pcsv.open_csv(
            self._open_bytes(),
            pcsv.ReadOptions(block_size=block),
            pcsv.ParseOptions(delimiter=self.separator, ignore_empty_lines=not one_column),
            pcsv.ConvertOptions(
                include_columns=names,
                column_types=types,
                strings_can_be_null=True,
                null_values=[*_MISSING, *self._missing_values],
            ),
        )

    def _open_bytes(self) -> Any:
        """The text of the file as a stream of bytes."""
        return pa.input_stream(self.path, compression="gzip" if self._compressed else None)

    def _first_lines(self) -> list[str]:
        """The header and the first rows, without the line that is not whole."""
        with self._open_bytes() as file:
            head, more = file.read(_EXAMINED_BYTES), file.read(1)
        lines = head.removeprefix(BYTE_ORDER_MARK).splitlines()
        whole = lines[:-1] if more and len(lines) > 1 else lines
        # separators and quotes are ASCII: the encoding does not matter here
        return [line.decode("latin-1") for line in whole if line][:EXAMINED_LINES]

    def _explain(self, names: list[str]) -> None:
        """Read columns as text, to name the values that are not numbers."""
        for name in names:
            texts = self._texts(name)
            wrong = text_without_number(texts)
            if wrong.any():
                try:
                    refuse_text(texts, column_label(name), Place(f" in {self.shown}"))
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
                place = Place(f" in {self.shown}")
                refuse_long_integers(self._texts(name), column_label(name), place)

    def _texts(self, name: str) -> NDArray[Any]:
        """The text of a column, as it stands in the file."""
        read = [values_of(batch.column(name)) for batch in self._batches((name,), {name: TEXT})]
        return np.concatenate(read)


def _number_type(inferred: Any) -> Any:
    """The type as which a column of a CSV file is read, given the type of its first values."""
    # A column that starts with whole numbers or missing values may continue with other numbers;
    # text is read as numbers, so that it is refused with its place.
    keeps = pa.types.is_boolean(inferred) or pa.types.is_temporal(inferred)
    return inferred if keeps else pa.float64()
