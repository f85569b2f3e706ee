"""No row of a file is lost without a word: quotes left open, line breaks, files without a header.

The rows that are right are those of Python's own csv module, or were written by hand.
"""

import csv
import io
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import kullback as kl
from kullback._core.errors import DataError, FileFormatError
from kullback.data import Roles, open_sample
from kullback.data.open import open_table

pytestmark = pytest.mark.usefixtures("folder")

FIX = (
    "begins with a quote that is not closed on that line, so the lines after it would be read as "
    "part of it. Remove the quote; a value that is meant to hold a line break can be read from a "
    "Parquet file."
)


def numbered(*changes: tuple[int, str]) -> str:
    """A table of 1,000 rows, some of them replaced."""
    rows = [f"{row},{2 * row}" for row in range(1000)]
    for row, text in changes:
        rows[row] = text
    return "x,z\n" + "\n".join(rows) + "\n"


@pytest.mark.parametrize("in_memory", [True, False])
@pytest.mark.parametrize(
    ("written", "line", "value"),
    [
        (numbered((300, '300,"600')), 302, '"600'),  # all later rows were lost: 301 were left
        (numbered((300, '300,"600'), (900, '900,1800"')), 302, '"600'),  # 600 rows were lost
        (numbered((999, '999,"1998')), 1001, '"1998'),  # the quote was dropped in silence
        (numbered((300, '"300,600')), 302, '"300,600'),
        (numbered((300, 'a"b,"c')), 302, '"c'),  # an even number of quotes in a line
        (numbered((300, '300,"six\nhundred"')), 302, '"six'),
        (numbered((300, '300,"600""')), 302, '"600""'),
        (numbered((300, '300,"600')).replace("\n", "\r\n"), 302, '"600'),
        (numbered((300, '300,"600')).replace("\n", "\r"), 302, '"600'),
        (numbered((300, '300,"600')).rstrip("\n"), 302, '"600'),
        (numbered((300, "\n\n300," + '"600')), 304, '"600'),
        ('x,"z\n1,2\n3,4\n', 1, '"z'),
        ('\ufeff"x,z\n1,2\n3,4\n', 1, '"x,z'),
        ('x,z\n1,"' + "2" * 100 + "\n", 2, '"' + "2" * 35 + "...2"),
    ],
)
def test_a_quote_left_open_is_refused_with_its_line(
    written: str, line: int, value: str, in_memory: bool
) -> None:
    Path("a.csv").write_text(written, newline="")
    with pytest.raises(FileFormatError) as caught:
        kl.fit(kl.Normal(), open_sample("a.csv", Roles(y="x"), in_memory=in_memory))
    assert str(caught.value) == f"a.csv, line {line:,}: the value {value} {FIX}"


def test_a_quote_is_found_in_every_block(monkeypatch: pytest.MonkeyPatch) -> None:
    import kullback.data.quotes as quotes

    for size in (16, 17, 64, 1000):  # each longer than a line
        monkeypatch.setattr(quotes, "_BLOCK", size)
        Path("a.csv").write_text(numbered((700, '"7,00",1')), newline="")
        quotes.refuse_open_quotes(partial(open, "a.csv", "rb"), "a.csv")
        Path("a.csv").write_text(numbered((700, '"7,00",1'), (800, '1,"')), newline="")
        with pytest.raises(FileFormatError, match=r"^a.csv, line 802: the value \" begins"):
            quotes.refuse_open_quotes(partial(open, "a.csv", "rb"), "a.csv")


def by_csv_module(text: str) -> list[list[str]] | None:
    """The rows by Python's csv module; None where a quote is not closed on its line."""
    rows = []
    for line in text.split("\n")[:-1]:
        try:
            (row,) = csv.reader(io.StringIO(line), strict=False)
        except ValueError:
            return None
        again = next(csv.reader(io.StringIO(line + '\n,"'), strict=False))
        if again != row:  # it went on into the next line
            return None
        rows.append(row)
    return rows


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text('ab", ', min_size=1, max_size=8), min_size=1, max_size=4))
def test_the_rows_are_those_of_another_reader(lines: list[str]) -> None:
    text = "".join(f"{line},0\n" for line in ["x", *lines])
    expected = by_csv_module(text)
    Path("a.csv").write_text(text, newline="")
    if expected is None:
        with pytest.raises(FileFormatError, match="begins with a quote that is not closed"):
            open_table(["a.csv"])
    elif {len(row) for row in expected} == {2}:
        _, columns = open_table(["a.csv"])
        assert len(columns["0"]) == len(lines)


def outcome(data: str, **options: Any) -> list[float]:
    """The outcome, from one pass."""
    in_memory = options.pop("in_memory", None)
    chunks: Iterator[Any] = open_sample(data, Roles(**options), in_memory=in_memory).chunks()
    return np.concatenate([chunk.fields["y"] for chunk in chunks]).tolist()


@pytest.mark.parametrize("in_memory", [True, False])
def test_quotes_that_are_closed_are_read(in_memory: bool) -> None:
    # RFC 4180: commas and doubled quotes inside quotes; a quote inside a plain value is a character
    Path("a.csv").write_text('"x","note, 1"\r\n"1","a ""b"", c"\r\n2,5" pipe\r\n"3",""\r\n')
    sample = open_sample(
        "a.csv", Roles("note, 1", missing="drop", outcome="label"), in_memory=in_memory
    )
    assert sample.levels == ('5" pipe', 'a "b", c')
    assert outcome("a.csv", y="x", in_memory=in_memory) == [1.0, 2.0, 3.0]


@pytest.mark.parametrize("in_memory", [True, False])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_and_empty_lines_lose_no_row(end: str, in_memory: bool) -> None:
    # an empty line of a table with several columns holds no value, so it is no row
    Path("a.csv").write_text(end.join(["x,z", "1,2", "", "3,4", "", ""]), newline="")
    assert outcome("a.csv", y="x", in_memory=in_memory) == [1.0, 3.0]
    Path("b.csv").write_text(end.join(["x", "1", "", "3", ""]), newline="")
    with pytest.raises(DataError, match="1 missing value in column"):
        outcome("b.csv", y="x", in_memory=in_memory)


@pytest.mark.parametrize("in_memory", [True, False])
@pytest.mark.parametrize("row", ["5", "5,6,7", "   ", "\0\0\0", "\x1a", "5,\0\0"])
def test_ragged_rows_and_zero_bytes_are_refused(row: str, in_memory: bool) -> None:
    Path("a.csv").write_text(f"x,z\n1,2\n{row}\n3,4\n")
    with pytest.raises((DataError, FileFormatError), match=r"a\.csv"):
        outcome("a.csv", y="z", in_memory=in_memory)


def test_a_table_without_a_header_loses_no_row() -> None:
    Path("bare.csv").write_text("1.5,2\n2.5,3\n3.5,4\n")
    with pytest.raises(DataError) as caught:
        open_table(["bare.csv"])
    assert str(caught.value) == (
        "bare.csv seems to lack a header: its first line, 1.5,2, holds only numbers and was read "
        "as the names of the columns. Add a line with names."
    )
