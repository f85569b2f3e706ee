"""A table on standard input: kept in a temporary file, as fits may read it several times."""

from __future__ import annotations

import shutil
import sys
from typing import BinaryIO

from kullback._core.errors import DataError, FileFormatError

# So many bytes are copied at a time.
_BLOCK = 2**20

# How every Parquet file begins; gzip files are recognised where CSV files are read.
_PARQUET = b"PAR1"


def standard_input() -> str:
    """Copy standard input to a temporary file, and return its path.

    Raises:
        DataError: standard input is a terminal.
        FileFormatError: it is empty, was read before, or cannot be read.
        KullbackError: the temporary file cannot be written.
    """
    from kullback.data.temporary import TemporaryFile, cannot_write

    if sys.stdin is not None and sys.stdin.isatty():
        raise DataError(
            '"-" reads a table from standard input, which is a terminal here. Give a file, or send '
            "a table to the command, as in: kullback fit - --model gamma < losses.csv"
        )
    start = b""
    try:
        if sys.stdin is not None:  # closed by the caller
            stream: BinaryIO = sys.stdin.buffer
            start = stream.read(len(_PARQUET))
    except OSError as error:
        raise FileFormatError(f"standard input cannot be read: {error.strerror}.") from None
    if not start:
        raise FileFormatError(
            'standard input is empty (0 bytes). It can be read once: "-" can stand for one table.'
        )
    path = TemporaryFile("standard input", ".parquet" if start == _PARQUET else ".csv")
    try:
        with open(path, "wb") as file:
            file.write(start)
            shutil.copyfileobj(stream, file, _BLOCK)
    except OSError as error:
        raise cannot_write(path.shown, error) from None
    return path
