"""CSV and Parquet files that cannot be used: the error names the file, the place and the fix."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import kullback as kl
from kullback._core.errors import DataError, FileFormatError, MissingFileError
from kullback.data import Roles, RowSource, csv_files, open_sample

MISSING_FIX = 'Fill them in, or give missing="drop" to drop such rows.'
TEXT_FIX = (
    "Numbers were expected. Class labels need a model of classes, such as Categorical; text that "
    "says which rows are censored needs kl.Events."
)
MIXED_FIX = 'Correct such rows, or make them missing and give missing="drop".'
COMMA_FIX = (
    "Numbers must have a decimal point, as in 1.5, and be without separators of thousands; "
    'pandas.read_csv(path, sep=";", decimal=",") reads a file with decimal commas as a table.'
)
FILE_FIX = "The file is damaged, truncated or of another kind; write it again or leave it out."


pytestmark = pytest.mark.usefixtures("folder")


def parquet(name: str, columns: dict[str, Any], row_group_size: int = 1000) -> None:
    pq.write_table(pa.table(columns), name, row_group_size=row_group_size)


def outcome(sample: RowSource) -> list[float]:
    """The outcome, from one pass."""
    return [value for chunk in sample.chunks() for value in chunk.fields["y"].tolist()]


def refused(kind: type[Exception], data: Any, *, in_memory: bool, **options: Any) -> str:
    """The message of the error for a refused file, at the latest in the first pass."""
    with pytest.raises(kind) as caught:
        outcome(open_sample(data, Roles(**options), in_memory=in_memory))
    assert type(caught.value) is kind
    return str(caught.value)


def test_missing_and_negative_values_in_several_files() -> None:
    parquet("a.parquet", {"x": [1.0, 2.0, 3.0], "n": [1, 1, 1]}, 2)
    parquet("b.parquet", {"x": [4.0, 5.0, None, None], "n": [1, 1, 1, -1]}, 2)
    # In memory all are counted; a stream stops at the first row group that holds one.
    assert refused(DataError, "?.parquet", y="x", in_memory=True) == (
        '2 missing values in column "x": row 2 of b.parquet and row 3 of b.parquet. ' + MISSING_FIX
    )
    assert refused(DataError, "?.parquet", y="x", in_memory=False) == (
        '2 missing values in column "x" in b.parquet (row group 1): row 2 and row 3. ' + MISSING_FIX
    )
    said = refused(DataError, "?.parquet", y="x", weights="n", missing="drop", in_memory=False)
    assert said.startswith(
        '1 negative value in the weight column "n" in b.parquet (row group 1): row 3 (-1.0).'
    )
    said = refused(DataError, "?.parquet", y="x", weights="n", missing="drop", in_memory=True)
    assert said.startswith('1 negative value in the weight column "n": row 3 of b.parquet (-1.0).')


def test_text_in_one_of_several_csv_files() -> None:
    Path("a.csv").write_text("x\n1\n2\n")
    Path("b.csv").write_text("x\none\n2\n")
    for in_memory in (True, False):
        assert refused(DataError, "?.csv", in_memory=in_memory) == (
            f'column "x" holds text in b.csv; row 0 is "one". {MIXED_FIX}'
        )
    labels = open_sample("?.csv", Roles(outcome="label"), in_memory=False)
    assert labels.levels == ("1", "2", "one")


@pytest.mark.parametrize("in_memory", [True, False])
def test_integers_that_would_be_rounded(in_memory: bool) -> None:
    # The second row group comes as floats, because a value is missing in it.
    parquet("a.parquet", {"x": [1, 2**53 + 1, None, 4]}, 2)
    parquet("b.parquet", {"x": [1, None, 2**53 + 1]}, 2)
    parquet("c.parquet", {"x": pa.array([1], pa.int64())})
    parquet("d.parquet", {"x": pa.array([2**63], pa.uint64())})
    said = refused(DataError, ["c.parquet", "d.parquet"], in_memory=in_memory)
    assert "row 0 of d.parquet (9223372036854775808)" in said or "d.parquet (row group 0)" in said
    said = refused(DataError, "a.parquet", missing="drop", in_memory=in_memory)
    assert "1 integer beyond 2**53" in said
    assert "row 1 (9007199254740993)" in said
    said = refused(DataError, "b.parquet", missing="drop", in_memory=in_memory)
    assert "row 2 (9007199254740993)" in said


def test_text_in_a_csv_file() -> None:
    Path("a.csv").write_text("x,z\n1,1\ntwo,2\n3,3\nfour,4\n")
    for in_memory in (True, False):
        assert refused(DataError, "a.csv", y="z", columns=["x"], in_memory=in_memory) == (
            f'column "x" holds text in a.csv; row 1 is "two" and row 3 is "four". {MIXED_FIX}'
        )
        assert outcome(open_sample("a.csv", Roles(y="z"), in_memory=in_memory)) == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("written", "kind", "said"),
    [
        ("", FileFormatError, "a.csv is empty (0 bytes)"),
        ("x\n", DataError, 'column "x" is empty; at least one row is required'),
        ("x\nred\n", DataError, f'column "x" holds text in a.csv; row 0 is "red". {TEXT_FIX}'),
        ('x\n"1,5"\n', DataError, f'column "x" holds text in a.csv; row 0 is "1,5". {COMMA_FIX}'),
        (
            "x\n1,5\n2,5\n",
            FileFormatError,
            f"a.csv, line 2: 1,5 seems to be a number with a decimal comma. {COMMA_FIX}",
        ),
        (
            "x;z\n1,5;2\n-2,5;3\n",
            DataError,
            f'column "x" holds text in a.csv; row 0 is "1,5" and row 1 is "-2,5". {COMMA_FIX}',
        ),
        (
            "x\n2024-01-31\n",
            DataError,
            'column "x" holds dates or times in a.csv; row 0 is 2024-01-31. Convert them to '
            "numbers first, for example the days since a first date.",
        ),
        ("x\n1\n\n2\n", DataError, f'1 missing value in column "x" in a.csv: row 1. {MISSING_FIX}'),
        (
            "x\n1\n-inf\n",
            DataError,
            '1 infinite value in column "x" in a.csv: row 1 (-inf). Correct or remove such rows.',
        ),
        (
            "x,z\n1,2\n3\n",
            FileFormatError,
            "a.csv cannot be read as CSV: CSV parse error: Expected 2 columns, got 1: 3. "
            + FILE_FIX,
        ),
        ("x,x\n1,2\n", DataError, 'a.csv has 2 columns called "x"; give each column its own name'),
        (
            "los,x z\n1,2\n",
            DataError,
            'there is no column "x" in a.csv. The columns are "los" and "x z".',
        ),
    ],
)
def test_csv_files_that_are_wrong(written: str, kind: type[Exception], said: str) -> None:
    Path("a.csv").write_text(written)
    assert refused(kind, "a.csv", y="x", in_memory=False) == said
    in_memory = refused(kind, "a.csv", y="x", in_memory=True)
    # All rows of a single file are looked at together, so the file need not be named.
    assert in_memory in {said, said.replace(" in a.csv", "")}


@pytest.mark.parametrize("in_memory", [True, False])
@pytest.mark.parametrize("written", ["x,g\n1,\xe9\n", "\xe9,g\n1,a\n"])
def test_a_csv_file_in_another_encoding(in_memory: bool, written: str) -> None:
    Path("a.csv").write_bytes(written.encode("latin-1"))
    said = refused(FileFormatError, "a.csv", y="g", outcome="label", in_memory=in_memory)
    assert said.startswith("a.csv cannot be read as CSV: it is not in UTF-8 (")
    assert said.endswith("Save it in UTF-8.")


@pytest.mark.parametrize("in_memory", [True, False])
def test_parquet_files_that_are_damaged(in_memory: bool) -> None:
    parquet("whole.parquet", {"x": np.random.default_rng(0).normal(size=1000)}, 100)
    whole = Path("whole.parquet").read_bytes()

    for size in (100, len(whole) // 2, len(whole) - 1):
        Path("cut.parquet").write_bytes(whole[:size])
        assert refused(FileFormatError, "cut.parquet", in_memory=in_memory) == (
            "cut.parquet cannot be read as Parquet: Parquet magic bytes not found in footer. "
            + FILE_FIX
        )
    Path("empty.parquet").write_bytes(b"")
    assert refused(FileFormatError, "empty.parquet", in_memory=in_memory) == (
        "empty.parquet is empty (0 bytes)"
    )
    # The header of the first page of row group 3 overwritten, as by a bad disk.
    column = pq.read_metadata("whole.parquet").row_group(3).column(0)
    start = column.dictionary_page_offset or column.data_page_offset
    Path("bad.parquet").write_bytes(whole[:start] + b"\xff" * 40 + whole[start + 40 :])
    said = refused(FileFormatError, "bad.parquet", in_memory=in_memory)
    assert said.startswith("bad.parquet (row group 3) cannot be read as Parquet: ")
    assert said.endswith(FILE_FIX)


def test_a_damaged_page_is_found_by_its_checksum() -> None:
    pq.write_table(
        pa.table({"x": np.arange(1000.0)}),
        "a.parquet",
        write_page_checksum=True,
        compression="none",
        use_dictionary=False,
    )
    held = bytearray(Path("a.parquet").read_bytes())
    held[held.index(np.float64(500.0).tobytes())] ^= 1  # one bit of one value
    Path("a.parquet").write_bytes(held)
    said = refused(FileFormatError, "a.parquet", in_memory=False)
    assert said.startswith("a.parquet (row group 0) cannot be read as Parquet: could not verify")


@pytest.mark.parametrize("in_memory", [True, False])
def test_files_that_do_not_agree(in_memory: bool) -> None:
    parquet("a.parquet", {"x": [1.0], "z": ["a"]})
    parquet("b.parquet", {"y": [1.0], "z": ["a"]})
    parquet("c.parquet", {"x": ["1"], "z": ["a"]})
    parquet("d.parquet", {"x": [2], "z": [None]})  # whole numbers, and a column of nothing
    Path("e.csv").write_text("x,z\n1,a\n")
    assert refused(DataError, ["a.parquet", "b.parquet"], y="x", in_memory=in_memory) == (
        'there is no column "x" in b.parquet (a.parquet has it). The columns are "y" and "z".'
    )
    assert refused(DataError, ["a.parquet", "c.parquet"], y="x", in_memory=in_memory) == (
        'column "x" holds text in c.parquet and numbers in a.parquet; the files must agree'
    )
    assert refused(DataError, ["a.parquet", "e.csv"], y="x", in_memory=in_memory) == (
        "a.parquet and e.csv: CSV and Parquet files are mixed; give files of one kind"
    )
    Path("f.csv").write_text("x,z\n2024-01-31,a\n")
    assert refused(DataError, ["e.csv", "f.csv"], y="x", in_memory=in_memory) == (
        'column "x" holds dates or times in f.csv and numbers or text in e.csv; the files must '
        "agree"
    )
    agreed = open_sample(["a.parquet", "d.parquet"], Roles(y="x"), in_memory=in_memory)
    assert outcome(agreed) == [1.0, 2.0]
    # The labels of d.parquet come as missing numbers, not as text.
    labels = open_sample(
        ["a.parquet", "d.parquet"],
        Roles(y="z", outcome="label", missing="drop"),
        in_memory=in_memory,
    )
    assert outcome(labels) == [0.0]


def test_files_that_are_not_there() -> None:
    os.mkdir("empty")
    Path("losses.csv").write_text("x\n1\n")
    Path("note.txt").write_text("x\n1\n")
    here = os.getcwd()
    for given_, said in [
        ("lose.csv", 'there is no file "lose.csv"; did you mean "losses.csv"?'),
        (
            "other.parquet",
            f'there is no file "other.parquet": in {here} there are empty, losses.csv and note.txt',
        ),
        (
            "*.parquet",
            f'no file matches "*.parquet": in {here} there are empty, losses.csv and note.txt',
        ),
        ("empty/*.pq", f'no file matches "empty/*.pq": the folder {here}/empty is empty'),
        ("no/*/*.pq", f'no file matches "no/*/*.pq": there is no folder {here}/no'),
        (
            "empty",
            'empty is a folder; give the files in it by a pattern, such as "empty/*.parquet"',
        ),
        (
            "note.txt",
            "note.txt: the name of a file must end in .csv, .csv.gz, .tsv, .tsv.gz, .parquet "
            "or .pq",
        ),
        (
            "-",
            'the standard input ("-") cannot be read again, as a fit needs; write it to a file',
        ),
        (
            "https://example.org/a.csv",
            "https://example.org/a.csv is not a file on this machine; download it first",
        ),
    ]:
        missing = said.startswith(("there is no file", "no file matches"))
        kind = MissingFileError if missing else DataError
        assert refused(kind, given_, in_memory=True) == said


@pytest.mark.parametrize("in_memory", [True, False])
def test_no_rows_and_no_weight(in_memory: bool) -> None:
    parquet("a.parquet", {"x": pa.array([], pa.float64()), "n": pa.array([], pa.int64())})
    parquet("b.parquet", {"x": [1.0, None], "n": [0, 0]})
    parquet("c.parquet", {"x": [None, None], "n": [1, 1]})
    for name, options, said in [
        ("a.parquet", {}, 'column "x" is empty; at least one row is required'),
        (
            "c.parquet",
            {},
            'missing="drop" leaves column "x" without rows: 2 rows had a missing value',
        ),
        (
            "b.parquet",
            {"weights": "n"},
            'all values in the weight column "n" are zero; at least one row must count',
        ),
    ]:
        options = {"y": "x", "missing": "drop", **options}
        assert refused(DataError, name, in_memory=in_memory, **options) == said
    assert outcome(open_sample("[ab].parquet", Roles(y="x", missing="drop"))) == [1.0]


def test_weights_beside_files_are_refused() -> None:
    parquet("a.parquet", {"x": [1.0]})
    assert refused(DataError, "a.parquet", weights=[1.0], in_memory=True) == (
        "weights must be the name of a column if the data are files, got list"
    )


def test_a_file_that_changes_between_passes() -> None:
    parquet("a.parquet", {"x": np.arange(10.0)}, 2)
    sample = open_sample("a.parquet", in_memory=False)
    assert len(outcome(sample)) == 10
    parquet("a.parquet", {"x": np.arange(12.0)}, 2)
    with pytest.raises(FileFormatError, match=r"^a.parquet has changed since it was opened; start"):
        outcome(sample)
    os.remove("a.parquet")
    with pytest.raises(FileFormatError, match=r"^a.parquet cannot be read: No such file"):
        outcome(sample)


@pytest.mark.parametrize("name", ["a.csv", "a.parquet"])
@pytest.mark.parametrize("size", [900, 3000])  # in place, of the same size; and of another
def test_a_file_that_is_overwritten_during_the_only_pass(
    name: str, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_files, "CSV_BLOCK_BYTES", 400)

    def write(value: float, rows: int) -> None:
        if name.endswith("parquet"):
            parquet(name, {"x": np.full(rows, value)}, 50)
        else:
            Path(name).write_text("x\n" + f"{value}\n" * rows)

    write(1.0, 900)
    for _ in range(3):  # a pass over a file that stays gives its values: here their mean, 1
        assert np.mean(outcome(open_sample(name, in_memory=False))) == 1.0
    chunks = open_sample(name, in_memory=False).chunks()
    next(chunks)
    before = os.stat(name)
    write(2.0, size)
    os.utime(name, ns=(before.st_atime_ns, before.st_mtime_ns + 1))  # the least change
    with pytest.raises(FileFormatError, match=f"^{name} has changed since it was opened; start"):
        list(chunks)


def test_an_estimate_of_neither_of_two_files_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_files, "CSV_BLOCK_BYTES", 200_000)
    monkeypatch.setattr("kullback.data.open.IN_MEMORY_BYTES", 0)
    Path("a.csv").write_text("x\n" + "1.0\n" * 3_000_000)
    assert kl.fit(kl.Exponential(), "a.csv").params["rate"] == 1.0  # 1 / mean

    def overwrite(_: kl.Progress) -> None:
        with open("a.csv", "r+") as file:  # in place, as a program does that writes it again
            file.write("x\n" + "3.0\n" * 3_000_000)

    with pytest.raises(FileFormatError, match=r"^a\.csv has changed since it was opened"):
        kl.fit(kl.Exponential(), "a.csv", progress=overwrite)


@pytest.mark.parametrize("in_memory", [True, False])
def test_a_csv_file_without_a_header_loses_no_row(in_memory: bool) -> None:
    # its first row was once silently read as the column's name
    Path("bare.csv").write_text("1.5\n2.5\n3.5\n")
    assert refused(DataError, "bare.csv", in_memory=in_memory) == (
        "bare.csv seems to lack a header: its first line, 1.5, holds only numbers and was read as "
        'the names of the columns. Add a line with names, or give y="1.5" if that is the name.'
    )
    assert outcome(open_sample("bare.csv", Roles(y="1.5"), in_memory=in_memory)) == [2.5, 3.5]


@pytest.mark.parametrize("in_memory", [True, False])
def test_whole_numbers_of_a_csv_file_are_not_rounded(in_memory: bool) -> None:
    # as those of arrays and of Parquet files are not; 2**53 + 1 would become 2**53
    Path("ids.csv").write_text("id\n1\n9007199254740993\n")
    said = refused(DataError, "ids.csv", in_memory=in_memory)
    assert said.startswith(
        '1 integer beyond 2**53 in column "id" in ids.csv: row 1 (9007199254740993). '
    )
    Path("large.csv").write_text("x\n1e20\n3.0e20\n9007199254740992\n")  # no digit is lost
    read = outcome(open_sample("large.csv", in_memory=in_memory))
    assert read == [1e20, 3e20, 9007199254740992.0]
