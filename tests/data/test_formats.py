"""Every format gives the same sample, bit for bit, as the same rows in arrays."""

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import kullback as kl
from kullback._core.errors import FileFormatError
from kullback.data import Sample, csv_files, open_sample

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


def parquet() -> Any:
    pq.write_table(pa.table(COLUMNS), "t.parquet", row_group_size=700)
    return "t.parquet"


FORMATS: list[Callable[[], Any]] = [csv, csv_gz, csv_gz_of_two_members, parquet]

ROLES = {
    "y": {"y": "loss"},
    "weights": {"y": "loss", "weights": "n"},
    "numeric columns": {"y": "loss", "weights": "n", "columns": ["age"], "missing": "drop"},
    "labels": {"y": "class", "outcome": "label", "weights": "n"},
}


def content(sample: Sample) -> dict[str, Any]:
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
    expected = content(open_sample(COLUMNS, **roles))
    if streamed:
        monkeypatch.setattr("kullback.data.open.IN_MEMORY_BYTES", -1)
        monkeypatch.setattr(csv_files, "CSV_BLOCK_BYTES", 20_000)
    sample = open_sample(make(), **roles)
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
        list(open_sample("t.csv.gz", y="loss", in_memory=in_memory).chunks())
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
        open_sample("t.csv.gz", y="x")
