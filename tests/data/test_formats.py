"""Every format gives the same sample, bit for bit, as the same rows in arrays."""

import gc
import gzip
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

import kullback as kl
from kullback._core.errors import FileFormatError
from kullback.data import Roles, RowSource, csv_files, open_sample, spill

pytestmark = pytest.mark.usefixtures("folder")

R = np.random.default_rng(5)
ROWS = 3000
COLUMNS: dict[str, Any] = {
    "loss": R.gamma(2.0, size=ROWS) * 10.0 ** R.integers(-8, 8, ROWS),
    "age": np.where(R.random(ROWS) < 0.01, np.nan, R.normal(size=ROWS)),
    "n": R.integers(0, 4, ROWS),
    "class": np.array(["red", "green", "dark; blue", "a,b"])[R.integers(0, 4, ROWS)],
}


def text(separator: str = ",", columns: dict[str, Any] = COLUMNS) -> str:
    """The columns as CSV: numbers by Python's repr, which gives back their bits; texts quoted."""

    def written(value: Any) -> str:
        if isinstance(value, str):
            return f'"{value}"'
        return "" if value != value else repr(value)

    rows = zip(*(np.asarray(values).tolist() for values in columns.values()), strict=True)
    lines = [columns, *([written(value) for value in row] for row in rows)]
    return "".join(separator.join(line) + "\n" for line in lines)


def csv() -> Any:
    Path("t.csv").write_text(text())
    return "t.csv"


def csv_gz() -> Any:
    Path("t.csv.gz").write_bytes(gzip.compress(text().encode()))
    return "t.csv.gz"


def csv_gz_of_two_members() -> Any:
    # as parallel compressors write them, and as `cat a.gz b.gz` joins them
    written = text().encode()
    Path("t.csv.gz").write_bytes(gzip.compress(written[:40_000]) + gzip.compress(written[40_000:]))
    return "t.csv.gz"


def tsv() -> Any:
    Path("t.tsv").write_text(text("\t"))
    return "t.tsv"


def tsv_gz() -> Any:
    Path("t.tsv.gz").write_bytes(gzip.compress(text("\t").encode()))
    return "t.tsv.gz"


def semicolons_found() -> Any:
    Path("t.csv").write_text(text(";"))
    return "t.csv"


def vertical_bars_found() -> Any:
    Path("t.csv").write_text(text("|"))
    return "t.csv"


def another_separator_given() -> Any:
    Path("t.csv").write_text(text("~"))
    return kl.DataFiles("t.csv", separator="~")


def parquet() -> Any:
    pq.write_table(pa.table(COLUMNS), "t.parquet", row_group_size=700)
    return "t.parquet"


class Rows:
    """A table of a library that has Arrow's stream protocol and nothing else."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._table.to_reader(700).__arrow_c_stream__(requested_schema)


def arrow_stream() -> Any:
    return Rows(pa.table(COLUMNS))


def record_batch_reader() -> Any:
    return pa.table(COLUMNS).to_reader(700)


def polars_lazy_frame() -> Any:
    return pl.LazyFrame(COLUMNS)


def pyarrow_dataset() -> Any:
    return ds.dataset(parquet())


def pyarrow_scanner() -> Any:
    return ds.dataset(parquet()).scanner(batch_size=700)


STREAMS = [arrow_stream, record_batch_reader, polars_lazy_frame, pyarrow_dataset, pyarrow_scanner]

FORMATS: list[Callable[[], Any]] = [
    csv,
    csv_gz,
    csv_gz_of_two_members,
    tsv,
    tsv_gz,
    semicolons_found,
    vertical_bars_found,
    another_separator_given,
    parquet,
    *STREAMS,
]

ROLES = {
    "y": {"y": "loss"},
    "weights": {"y": "loss", "weights": "n"},
    "numeric columns": {"y": "loss", "weights": "n", "columns": ["age"], "missing": "drop"},
    "labels": {"y": "class", "outcome": "label", "weights": "n"},
}


def content(sample: RowSource) -> dict[str, Any]:
    """The bits of all rows, their numbers, and the levels."""
    chunks = list(sample.chunks())
    fields = {
        name: b"".join(chunk.fields[name].tobytes() for chunk in chunks)
        for name in chunks[0].fields
    }
    weights = [np.ones(c.count) if c.weight is None else c.weight for c in chunks]
    numbers = [c.first_row + np.arange(c.count) if c.rows is None else c.rows for c in chunks]
    return {
        **fields,
        "weight": np.concatenate(weights).tobytes(),
        "rows": np.concatenate(numbers).tolist(),
        "levels": sample.levels,
        "dropped": sample.dropped,
    }


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("roles", ROLES.values(), ids=ROLES)
@pytest.mark.parametrize("make", FORMATS, ids=lambda make: make.__name__)
def test_every_format_gives_the_bits_of_the_arrays(
    make: Callable[[], Any],
    roles: dict[str, Any],
    streamed: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    expected = content(open_sample(COLUMNS, Roles(**roles)))
    if streamed:
        monkeypatch.setattr("kullback.data.open.IN_MEMORY_BYTES", -1)
        monkeypatch.setattr(csv_files, "CSV_BLOCK_BYTES", 20_000)
        monkeypatch.setattr(spill, "MEMORY_BYTES", 1000)
        monkeypatch.setattr(spill, "GROUP_BYTES", 30_000)
    sample = open_sample(make(), Roles(**roles))
    assert sample.in_memory is not streamed
    for _ in range(1 + streamed):
        assert content(sample) == expected


@pytest.mark.parametrize("make", FORMATS, ids=lambda make: make.__name__)
def test_every_format_gives_the_same_fit(make: Callable[[], Any]) -> None:
    expected = kl.fit(kl.LogNormal(), COLUMNS, "loss", weights="n")
    fit = kl.fit(kl.LogNormal(), make(), "loss", weights="n")
    assert fit.params == expected.params
    assert fit.cross_entropy == expected.cross_entropy


# ---- gzip --------------------------------------------------------------------------------------


@pytest.mark.parametrize("in_memory", [True, False])
@pytest.mark.parametrize("harm", ["cut in half", "without its end", "one bit", "its checksum"])
def test_a_damaged_gzip_file_is_refused_with_its_name(harm: str, in_memory: bool) -> None:
    whole = bytearray(gzip.compress(text().encode()))
    if harm == "cut in half":
        del whole[len(whole) // 2 :]
    elif harm == "without its end":
        del whole[-1:]
    else:
        whole[-6 if harm == "its checksum" else len(whole) // 2] ^= 1
    Path("t.csv.gz").write_bytes(whole)
    with pytest.raises(FileFormatError, match=r"^t\.csv\.gz cannot be read as CSV: ") as caught:
        list(open_sample("t.csv.gz", Roles(y="loss"), in_memory=in_memory).chunks())
    assert str(caught.value).endswith("write it again or leave it out.")


def test_a_compressed_file_is_kept_in_memory_by_the_size_of_its_text(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    written = "x\n" + "1.5\n" * 100_000  # 400,002 bytes, compressed to less than 2,000
    Path("t.csv.gz").write_bytes(gzip.compress(written.encode()))
    assert Path("t.csv.gz").stat().st_size < 2000
    for limit, in_memory in [(400_002, True), (400_001, False)]:
        monkeypatch.setattr("kullback.data.open.IN_MEMORY_BYTES", limit)
        assert open_sample("t.csv.gz").in_memory is in_memory


def test_a_compressed_file_is_recognised_whatever_its_ending() -> None:
    Path("t.csv").write_bytes(gzip.compress(b"x\n1\n2\n"))
    Path("plain.csv.gz").write_text("x\n1\n2\n")
    for name in ("t.csv", "plain.csv.gz"):
        (chunk,) = open_sample(name).chunks()
        assert chunk.fields["y"].tolist() == [1.0, 2.0]


def test_a_quote_left_open_in_a_compressed_file_is_refused_with_its_line() -> None:
    Path("t.csv.gz").write_bytes(gzip.compress(b'x,z\n1,2\n300,"600\n4,5\n'))
    with pytest.raises(FileFormatError, match=r'^t\.csv\.gz, line 3: the value "600 begins with'):
        open_sample("t.csv.gz", Roles(y="x"))


# ---- separators --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "separator"),
    [
        ("x,z\n1,2\n", ","),
        ("x;z\n1;2\n", ";"),
        ("x;z\n", ";"),  # a header alone
        ("x\tz\n1,5\t2\n", "\t"),
        ("x|z\n1|2\n", "|"),
        ("x\n1\n", ","),  # one column
        ('"x;z",n\n1,2\n', ","),  # a name that holds a separator
        ('"x;z";n\n1,5;2\n', ";"),
        ('g;x\n"a;b";1\nc;2\n', ";"),
        ("a;b,c;d\n1;2,5;3\n4;5;6\n", ";"),  # commas split the second row otherwise
        ("\ufeffx;z\r\n1;2\r\n", ";"),
        ("x;z\n\n1;2\n", ";"),
    ],
)
def test_the_separator_is_the_one_that_splits_all_first_lines_alike(
    written: str, separator: str
) -> None:
    Path("t.csv").write_text(written, newline="")
    assert csv_files.CsvFile("t.csv").separator == separator


def test_only_the_first_lines_are_looked_at() -> None:
    lines = ["x;z", *(f"{k};{k}" for k in range(200)), "7"]
    Path("t.csv").write_text("\n".join(lines))
    message = r"^t\.csv cannot be read as CSV: .*Expected 2 columns, got 1: 7"
    with pytest.raises(FileFormatError, match=message):
        list(open_sample("t.csv", Roles(y="x"), in_memory=False).chunks())


@pytest.mark.parametrize("separator", [",", ";"])
def test_two_separators_that_both_split_are_refused_until_one_is_given(separator: str) -> None:
    Path("t.csv").write_text("a,b;c\n1,2;3\n4,5;6\n")
    with pytest.raises(FileFormatError) as caught:
        open_sample("t.csv", Roles(y="a"))
    assert str(caught.value) == (
        "t.csv may be split at its commas (into 2 columns) and semicolons (into 2 columns): its "
        'first 3 lines would fit each. Say which, as in kl.DataFiles(paths, separator=",").'
    )
    name = {",": "a", ";": "c"}[separator]
    (chunk,) = open_sample(kl.DataFiles("t.csv", separator=separator), Roles(y=name)).chunks()
    assert chunk.fields["y"].tolist() == {",": [1.0, 4.0], ";": [3.0, 6.0]}[separator]
    Path("t.csv").rename("t.tsv")
    Path("t.tsv").write_text("a,b\tc\n1,2\t3\n")
    (chunk,) = open_sample("t.tsv", Roles(y="c")).chunks()  # the ending decides
    assert chunk.fields["y"].tolist() == [3.0]


def test_a_tsv_file_of_one_column_may_hold_commas() -> None:
    Path("t.tsv").write_text("name\na, b\nc\n")
    assert open_sample("t.tsv", Roles(outcome="label")).levels == ("a, b", "c")


def test_a_separator_that_the_file_does_not_have_is_refused() -> None:
    Path("t.csv").write_text("a,b\n1,2\n")
    message = r"^t\.csv does not have semicolons between its values; .* separated by commas$"
    with pytest.raises(FileFormatError, match=message):
        open_sample(kl.DataFiles("t.csv", separator=";"), Roles(y="a"))


@pytest.mark.parametrize("wrong", ["", ";;", '"', "1", "a", ".", "\n", "é", 1, b";"])
def test_what_is_not_a_separator_is_refused(wrong: Any) -> None:
    with pytest.raises(kl.DataError, match=r"^separator must "):
        kl.DataFiles("t.csv", separator=wrong)
    assert kl.DataFiles("t.csv", separator="tab").separator == "\t"


def test_a_quote_left_open_between_other_separators_is_refused() -> None:
    Path("t.csv").write_text('x;z\n1;2\n300;"600\n4;5\n')
    with pytest.raises(FileFormatError, match=r'^t\.csv, line 3: the value "600 begins with'):
        open_sample("t.csv", Roles(y="x"))
    Path("t.csv").write_text('x;z\n1;"a"\n300;"6,""00"\n')
    assert open_sample("t.csv", Roles(y="z", outcome="label")).levels == ('6,"00', "a")


def test_the_summary_names_the_separator() -> None:
    Path("a.csv").write_text("x;z\n1;2\n3;4\n")
    Path("b.csv").write_text("x\tz\n1\t2\n")
    Path("c.csv").write_text("x,z\n1,2\n")
    Path("d.csv").write_text("x~z\n1~2\n")
    sources = {
        "a.csv": "a.csv (separated by semicolons)",
        "[ab].csv": "[ab].csv (2 files, separated by tabs and semicolons)",
        "c.csv": "c.csv",
    }
    for given, said in sources.items():
        assert open_sample(given, Roles(y="x")).describe_source() == said
    given = kl.DataFiles("d.csv", separator="~")
    assert open_sample(given, Roles(y="x")).describe_source() == 'd.csv (separated by "~")'
    assert "a.csv (separated by semicolons)" in str(kl.fit(kl.Normal(), "a.csv", "x").summary())


# ---- streams -----------------------------------------------------------------------------------


@pytest.fixture
def temporary(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for temporary files, where streams of more than a few rows go."""
    own = tmp_path_factory.mktemp("temporary")
    monkeypatch.setattr("tempfile.tempdir", str(own))
    monkeypatch.setattr(spill, "MEMORY_BYTES", 1000)
    monkeypatch.setattr("kullback.data.open.IN_MEMORY_BYTES", 1000)
    return own


@pytest.mark.parametrize("make", STREAMS, ids=lambda make: make.__name__)
def test_the_temporary_file_goes_with_the_sample(make: Callable[[], Any], temporary: Path) -> None:
    sample = open_sample(make(), Roles(y="loss", columns=["age"], missing="drop"))
    (file,) = temporary.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    kept = pq.read_schema(file).names
    # a scanner has its columns already: the others are left out as it is read
    assert sorted(kept) == ["age", "loss"]
    assert sample.describe_source().endswith(" of 2 columns (read once, kept in a temporary file)")
    list(sample.chunks())
    del sample
    gc.collect()
    assert list(temporary.iterdir()) == []


def test_what_is_read_once_is_named_in_summaries(temporary: Path) -> None:
    names = {
        arrow_stream: "a Rows",
        record_batch_reader: "a RecordBatchReader",
        polars_lazy_frame: "a polars LazyFrame",
    }
    for make, name in names.items():
        kept = open_sample(make(), Roles(y="loss"))
        assert kept.describe_source() == (
            f"{name} of 1 column (read once, kept in a temporary file)"
        )
    fit = kl.fit(kl.LogNormal(), record_batch_reader(), "loss")
    assert "(read once, kept in a temporary file)" in str(fit.summary())
    assert spill.MEMORY_BYTES == 1000
    assert temporary.exists()


def test_a_small_stream_stays_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "absent"))
    sample = open_sample(record_batch_reader(), Roles(y="loss", columns=["age"], missing="drop"))
    assert sample.in_memory
    assert sample.describe_source() == "a RecordBatchReader of 3,000 rows"


def test_a_reader_that_was_read_is_refused() -> None:
    reader = record_batch_reader()
    assert kl.fit(kl.LogNormal(), reader, "loss").n == ROWS
    with pytest.raises(kl.DataError) as caught:
        kl.fit(kl.LogNormal(), reader, "loss")
    assert str(caught.value) == (
        "the RecordBatchReader gives no rows. If it was read before, make it anew: it can be read "
        "once."
    )


def test_a_stream_that_fails_is_refused_with_its_reason(temporary: Path) -> None:
    def batches() -> Iterator[pa.RecordBatch]:
        yield from pa.table({"x": np.arange(1000.0)}).to_batches()
        raise OSError("the server has closed the connection")

    schema = pa.schema([("x", pa.float64())])
    for limit in (10, 10**9):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(spill, "MEMORY_BYTES", limit)
            with pytest.raises(
                kl.DataError, match=r"^the RecordBatchReader cannot be read: .*closed"
            ):
                open_sample(pa.RecordBatchReader.from_batches(schema, batches()))
    query = pl.LazyFrame({"x": ["1", "two"]}).select(pl.col("x").cast(pl.Float64))
    with pytest.raises(kl.DataError, match=r"^the polars LazyFrame cannot be read: .*two"):
        open_sample(query)
    with pytest.raises(kl.DataError, match="cannot be read"):
        open_sample(Rows(None))  # type: ignore[arg-type]
    gc.collect()
    assert list(temporary.iterdir()) == []


def test_a_column_that_a_stream_does_not_have() -> None:
    for make in STREAMS:
        with pytest.raises(kl.DataError, match='there is no column "los" in a'):
            open_sample(make(), Roles(y="los"))


def test_a_full_disk_is_named(monkeypatch: pytest.MonkeyPatch, temporary: Path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(temporary / "absent"))
    message = r"^a RecordBatchReader of 1 column cannot be kept in a temporary file in .*TMPDIR"
    with pytest.raises(kl.KullbackError, match=message):
        open_sample(record_batch_reader(), Roles(y="loss"))


def test_texts_of_every_arrow_type_are_labels() -> None:
    texts = ["b", "a", None, "b"]
    for kind in (pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), "str")):
        rows = Rows(pa.table({"g": pa.array(texts, kind)}))
        sample = open_sample(rows, Roles(y="g", outcome="label", missing="drop"))
        (chunk,) = sample.chunks()
        assert (sample.levels, chunk.fields["y"].tolist()) == (("a", "b"), [1.0, 0.0, 1.0])


@pytest.mark.parametrize("small", [True, False])
@pytest.mark.parametrize("make", STREAMS, ids=lambda make: make.__name__)
def test_networks_and_estimates_take_streams(
    make: Callable[[], Any], small: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = pd.DataFrame(COLUMNS)
    if not small:
        monkeypatch.setattr(spill, "MEMORY_BYTES", 1000)
    # the values of the same rows in a data frame, which other files test
    found = kl.estimate_entropy(make(), "class")
    assert float(found) == float(kl.estimate_entropy(frame, "class"))
    found = kl.estimate_mutual_information("class", "n", make())
    assert float(found) == float(kl.estimate_mutual_information("class", "n", frame))
    model = kl.Categorical(logits=kl.MLP(hidden=(4,), members=1, inputs=("loss", "age")))
    quick = kl.Minibatch(epochs=1)
    fit = kl.fit(model, make(), "class", solver=quick)
    expected = kl.fit(model, frame, "class", solver=quick)
    assert fit.cross_entropy == expected.cross_entropy
    np.testing.assert_array_equal(fit.predict_proba(make()), expected.predict_proba(frame))
    report, other = kl.evaluate(fit, make(), "class"), kl.evaluate(fit, frame, "class")
    assert float(report.cross_entropy) == float(other.cross_entropy)
