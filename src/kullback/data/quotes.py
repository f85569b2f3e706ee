"""Find values of a CSV file whose quote is not closed on its line, by which rows would be lost."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from kullback._core.errors import FileFormatError
from kullback.data.checks import short

# So much is looked at together.
_BLOCK = 2**22

BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@lru_cache(maxsize=8)
def _values(separator: bytes) -> re.Pattern[bytes]:
    """Whole values, as pyarrow reads them, up to the first whose quote its line does not close.

    A quote opens a value only at its beginning, "" inside quotes is a quote, and what follows the
    closing quote belongs to the value.
    """
    end = re.escape(separator) + rb"\r\n"
    return re.compile(
        rb"""(?:(?:"[^"\r\n]*+(?:""[^"\r\n]*+)*+"[^%b]*+|(?!")[^%b]*+)[%b]*+)*+""" % (end, end, end)
    )


def refuse_open_quotes(open_file: Callable[[], Any], name: str, separator: str = ",") -> int:
    """Refuse a CSV file in which a quoted value does not end on the line where it begins.

    A quote that nobody meant, as in ``300,"600``, takes the lines up to the next quote, or up to
    the end of the file, into one value. To a reader it looks like a value with line breaks.

    Args:
        open_file: opens the file for reading bytes.
        name: the file, for messages.
        separator: the character between its values.

    Returns:
        The number of bytes in the file.

    Raises:
        FileFormatError: there is such a value; the message names its line.
        OSError: the file cannot be read.
    """
    values = _values(separator.encode())
    before, rest = 0, b""  # the bytes of the lines that were looked at, and an unfinished line
    with open_file() as file:
        while chunk := file.read(_BLOCK):
            block = rest + chunk
            end = max(block.rfind(b"\n"), block.rfind(b"\r")) + 1
            if not end and len(block) > _BLOCK:
                return before + len(block)  # the reader refuses a line of this length
            _check(values, block[:end], before, open_file, name)
            before, rest = before + end, block[end:]
    _check(values, rest, before, open_file, name)
    return before + len(rest)


def _check(
    values: re.Pattern[bytes], lines: bytes, before: int, open_file: Callable[[], Any], name: str
) -> None:
    if b'"' not in lines:
        return
    start = len(BYTE_ORDER_MARK) if not before and lines.startswith(BYTE_ORDER_MARK) else 0
    match = values.match(lines, start)
    end = start if match is None else match.end()
    if end < len(lines):
        with open_file() as file:
            number = len((file.read(before + end) + b"x").splitlines())
        value = lines[end:].splitlines()[0].decode(errors="replace")
        raise FileFormatError(
            f"{name}, line {number:,}: the value {short(value)} begins with a quote that is not "
            "closed on that line, so the lines after it would be read as part of it. Remove the "
            "quote; a value that is meant to hold a line break can be read from a Parquet file."
        )
