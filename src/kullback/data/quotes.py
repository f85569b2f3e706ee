"""Find values of a CSV file whose quote is not closed on its line, by which rows would be lost."""

from __future__ import annotations

import re

from kullback._core.errors import FileFormatError
from kullback.data.checks import short

# So much is looked at together.
_BLOCK = 2**22

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"

# Whole values, as pyarrow reads them: a quote opens a value only at its beginning, "" inside quotes
# is a quote, and what follows the closing quote belongs to the value. The match ends before the
# first value whose quote its line does not close.
_VALUES = re.compile(
    rb"""(?:(?:"[^"\r\n]*+(?:""[^"\r\n]*+)*+"[^,\r\n]*+|(?!")[^,\r\n]*+)[,\r\n]*+)*+"""
)


def refuse_open_quotes(path: str) -> None:
    """Refuse a CSV file in which a quoted value does not end on the line where it begins.

    A quote that nobody meant, as in ``300,"600``, takes the lines up to the next quote, or up to
    the end of the file, into one value. To a reader it looks like a value with line breaks.

    Raises:
        FileFormatError: there is such a value; the message names its line.
        OSError: the file cannot be read.
    """
    before, rest = 0, b""  # the bytes of the lines that were looked at, and an unfinished line
    with open(path, "rb") as file:
        while chunk := file.read(_BLOCK):
            block = rest + chunk
            end = max(block.rfind(b"\n"), block.rfind(b"\r")) + 1
            if not end and len(block) > _BLOCK:
                return  # the reader refuses a line of this length
            _check(path, block[:end], before)
            before, rest = before + end, block[end:]
    _check(path, rest, before)


def _check(path: str, lines: bytes, before: int) -> None:
    if b'"' not in lines:
        return
    start = len(_BYTE_ORDER_MARK) if not before and lines.startswith(_BYTE_ORDER_MARK) else 0
    match = _VALUES.match(lines, start)
    end = start if match is None else match.end()
    if end < len(lines):
        with open(path, "rb") as file:
            number = len((file.read(before + end) + b"x").splitlines())
        value = lines[end:].splitlines()[0].decode(errors="replace")
        raise FileFormatError(
            f"{path}, line {number:,}: the value {short(value)} begins with a quote that is not "
            "closed on that line, so the lines after it would be read as part of it. Remove the "
            "quote; a value that is meant to hold a line break can be read from a Parquet file."
        )
