"""The character between the values of a CSV file: given by the user, or found from its lines."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from typing import Any

from kullback._core.errors import DataError, FileFormatError
from kullback.data.checks import and_more, count_of

# The separators that are looked for, with their names in messages.
SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}

# The header and the rows after it: enough to find a row that a wrong separator splits otherwise.
EXAMINED_LINES = 50

# A tab is hard to write in a terminal.
_SPELLED = {"tab": "\t", "\\t": "\t"}

# Both parts of a number with a decimal comma, as a separator splits it.
_WHOLE, _DECIMALS = re.compile(r"\s*[-+]?\d+"), re.compile(r"\d+([eE][-+]?\d+)?\s*")

DECIMAL_COMMA_FIX = (
    "Numbers must have a decimal point, as in 1.5, and be without separators of thousands; "
    'pandas.read_csv(path, sep=";", decimal=",") reads a file with decimal commas as a table.'
)


def check_separator(separator: Any) -> str | None:
    """Return a separator as one character, a tab for "tab" or its escape; None for None.

    Raises:
        DataError: it is not one character, or one that is part of numbers, names or quoted values.
    """
    if separator is None:
        return None
    character = _SPELLED.get(separator, separator) if isinstance(separator, str) else ""
    if len(character) != 1 or not character.isascii() or character.isalnum():
        raise DataError(f'separator must be one character, such as ";" or "tab", got {separator!r}')
    if character in "\"'.+-_\r\n\0":
        raise DataError(f"separator must not be {separator!r}, which is part of values")
    return character


def separator_name(separator: str) -> str:
    """A separator in the plural, for messages.

    >>> print(separator_name(";"), separator_name("~"))
    semicolons "~"
    """
    return SEPARATORS.get(separator, f'"{separator}"')


def find_separator(lines: Sequence[str], name: str, given: str | None = None) -> str:
    """Return the separator that splits the first lines of a file into the same number of values.

    A separator inside quotes does not count. A file of one column does not have any: it gets a
    comma, or a tab where the name of the file ends in .tsv, which also decides between several.

    Args:
        lines: the header, and some rows.
        name: the file, for messages.
        given: the separator that the user gave; it is used unless another one alone splits.

    Raises:
        FileFormatError: several separators do, or the given one does not while another does.
    """
    usual = "\t" if name.lower().removesuffix(".gz").endswith(".tsv") else ","
    sizes = {s: [len(values) for values in _split(lines, s)] for s in SEPARATORS}
    sure = [s for s, found in sizes.items() if found and found[0] > 1 and len(set(found)) == 1]
    if given is not None:
        if sure and given not in sure and all(len(values) == 1 for values in _split(lines, given)):
            raise FileFormatError(
                f"{name} does not have {separator_name(given)} between its values; they seem to be "
                f"separated by {separator_name(sure[0])}"
            )
        return given
    if len(sure) == 1 or (usual == "\t" and usual in sure):
        return sure[0] if len(sure) == 1 else usual
    if not sure:  # the reader names the line that has another number of values
        in_header = [s for s, found in sizes.items() if found and found[0] > 1]
        return in_header[0] if len(in_header) == 1 else usual
    ways = [f"{separator_name(s)} (into {sizes[s][0]:,} columns)" for s in sure]
    raise FileFormatError(
        f"{name} may be split at its {and_more(ways, len(ways))}: its first "
        f"{count_of(len(lines), 'line')} would fit each. Say which, as in "
        'kl.DataFiles(paths, separator=",").'
    )


def _split(lines: Sequence[str], separator: str) -> list[list[str]]:
    return [_values(line, separator) for line in lines]


def _values(line: str, separator: str) -> list[str]:
    """The values of one line; each line is read alone, as a quote left open would take the next."""
    try:
        return next(csv.reader([line], delimiter=separator), [])
    except csv.Error:  # a value of more than 131,072 characters
        return [line]


def refuse_decimal_commas(lines: Sequence[str], name: str) -> None:
    """Refuse values such as 1,5 that commas cut in two: each row is twice as long as the header.

    Raises:
        FileFormatError: all rows are.
    """
    header, *rows = _split(lines, ",") or [[]]
    if rows and all(
        len(row) == 2 * len(header)
        and all(map(_WHOLE.fullmatch, row[::2]))
        and all(map(_DECIMALS.fullmatch, row[1::2]))
        for row in rows
    ):
        raise FileFormatError(
            f"{name}, line 2: {','.join(rows[0][:2])} seems to be a number with a decimal comma. "
            + DECIMAL_COMMA_FIX
        )
