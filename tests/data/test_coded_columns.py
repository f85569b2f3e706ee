"""Columns of texts that are converted by codes: the same as value by value."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import kullback as kl
from kullback.data.open import open_sample
from kullback.data.roles import Roles

# more rows than are read value by value
ROWS = 2_500


def texts(missing: bool) -> list[str | None]:
    rng = np.random.default_rng(1)
    values = np.array(["north", "east", "south"])[rng.integers(0, 3, ROWS)].astype(object)
    if missing:
        values[7] = None
    return values.tolist()


TABLES = {
    "pandas text": lambda v, y: pd.DataFrame({"g": v, "y": y}),
    "pandas categories": lambda v, y: pd.DataFrame({"g": pd.Categorical(v), "y": y}),
    # in an order of its own, and with a category that no row has
    "pandas order": lambda v, y: pd.DataFrame(
        {"g": pd.Categorical(v, ["west", "south", "north", "east"]), "y": y}
    ),
    "polars text": lambda v, y: pl.DataFrame({"g": v, "y": y}),
    "polars categories": lambda v, y: pl.DataFrame({"g": v, "y": y}).with_columns(
        pl.col("g").cast(pl.Categorical)
    ),
    "polars enum": lambda v, y: pl.DataFrame({"g": v, "y": y}).with_columns(
        pl.col("g").cast(pl.Enum(["west", "south", "north", "east"]))
    ),
    "Arrow text": lambda v, y: pa.table({"g": v, "y": y}),
    "Arrow dictionary": lambda v, y: pa.table({"g": pa.array(v).dictionary_encode(), "y": y}),
}


@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("inferred", [False, True])
def test_codes_of_any_table(table: str, missing: bool, inferred: bool) -> None:
    values, y = texts(missing), np.arange(ROWS) + 1.0
    data = TABLES[table](values, y)
    roles = Roles(y="y", columns=("g",), by_value=("g",), missing="drop", inferred=inferred)
    sample = open_sample(data, roles)
    own_order = not inferred and table in ("pandas order", "polars enum")
    levels = ("south", "north", "east") if own_order else ("east", "north", "south")
    assert sample.schema.categories == {"g": levels}
    expected = np.array([np.nan if v is None else levels.index(v) for v in values])
    (chunk,) = sample.chunks()
    kept = expected if inferred else expected[~np.isnan(expected)]  # networks take missing values
    np.testing.assert_array_equal(chunk.fields["g"], kept)
    assert sample.dropped == int(missing and not inferred)
    # other rows, with the levels of these
    fewer = TABLES[table]([v or "north" for v in values[:2100]], y[:2100])
    again = open_sample(fewer, roles, sample.schema)
    codes = [levels.index(v or "north") for v in values[:2100]]
    np.testing.assert_array_equal(next(again.chunks()).fields["g"], codes)


@pytest.mark.parametrize("table", ["pandas text", "pandas categories", "Arrow text"])
def test_errors_of_coded_columns(table: str) -> None:
    values, y = texts(missing=False), np.arange(ROWS) + 1.0
    roles = Roles(y="y", columns=("g",), by_value=("g",))
    known = open_sample(TABLES[table](values, y), roles).schema
    values[3] = "up"
    with pytest.raises(kl.DataError, match='"g" holds "up", which is not one of the categories'):
        open_sample(TABLES[table](values, y), roles, known)
    with pytest.raises(kl.DataError, match='"g"'):  # it must be numbers
        open_sample(TABLES[table](values, y), Roles(y="y", columns=("g",)))
    numbers = [f"{k}.5" for k in range(ROWS - 1)] + ["?"]
    if table != "pandas categories":
        with pytest.raises(kl.DataError, match=r'numbers and 1 text: "\?" \(1 row\)'):
            open_sample(TABLES[table](numbers, y), roles)


TYPES = {
    "text": pa.string(),
    "large text": pa.large_string(),
    "dictionary": pa.dictionary(pa.int8(), pa.string()),
    "unsigned dictionary": pa.dictionary(pa.uint8(), pa.string()),
}


@pytest.mark.parametrize("in_memory", [True, False])
@pytest.mark.parametrize("kind", [*TYPES, "csv"])
def test_codes_of_files(kind: str, in_memory: bool, tmp_path: Path) -> None:
    """Files and row groups hold other levels, in another order; the last has one of its own."""
    rows: list[list[str | None]] = [
        ["south", None, "north", "south"],
        [None, None, None, None],
        ["north", "south", "west", None],
    ]
    for i, values in enumerate(rows):
        if kind == "csv":
            lines = ["g,y", *(f"{v or ''},{k + 1}" for k, v in enumerate(values))]
            (tmp_path / f"{i}.csv").write_text("\n".join(lines) + "\n")
        else:
            g = pa.array(values, pa.string()).cast(TYPES[kind])
            table = pa.table({"g": g, "y": np.arange(4) + 1.0})
            pq.write_table(table, tmp_path / f"{i}.parquet", row_group_size=2)
    files = sorted(map(str, tmp_path.iterdir()))
    roles = Roles(y="y", columns=("g",), by_value=("g",), missing="drop")
    sample = open_sample(files, roles, in_memory=in_memory)
    levels = ("north", "south", "west")
    assert sample.schema.categories == {"g": levels}
    found = np.concatenate([chunk.fields["g"] for chunk in sample.chunks()])
    expected = [levels.index(v) for values in rows for v in values if v is not None]
    np.testing.assert_array_equal(found, expected)
    assert sample.dropped == 6
    known = open_sample(files[:1], roles).schema
    message = r'"g" holds "west".* categories: "north" and "south". It is in row 2'
    with pytest.raises(kl.DataError, match=message):
        for _ in open_sample(files, roles, known, in_memory=in_memory).chunks():
            pass


@pytest.mark.parametrize("kind", ["i1", "u1", "i4", "u8", "f8"])
def test_codes_of_whole_numbers(kind: str) -> None:
    values = np.array([100, 7, 100, 0, 127, 7], kind)
    values[3] = 0 if kind.startswith("u") else -100
    roles = Roles(y="y", columns=("g",), categorical=("g",), by_value=("g",))
    sample = open_sample({"g": values, "y": np.ones(6)}, roles)
    levels = sample.schema.categories["g"]
    assert list(levels) == sorted(set(values.tolist()))
    codes = next(sample.chunks()).fields["g"]
    np.testing.assert_array_equal(codes, [levels.index(v) for v in values])
    for other in (8, -1 if kind[0] != "u" else 9):
        changed = values.copy()
        changed[4] = other
        with pytest.raises(kl.DataError, match=f"holds {other}.*row 4"):
            open_sample({"g": changed, "y": np.ones(6)}, roles, sample.schema)


@pytest.mark.parametrize("kind", ["parquet", "csv"])
@pytest.mark.parametrize("in_memory", [True, False])
def test_a_level_of_dropped_rows_is_none(kind: str, in_memory: bool, tmp_path: Path) -> None:
    path = tmp_path / f"rows.{kind}"
    g = ["north", "up", "south", "north", "south", "up"]
    x = [1.0, None, 2.0, 3.0, 4.0, None]
    table = pa.table({"g": g, "x": x, "y": np.arange(6) % 2 + 1.0})
    if kind == "csv":
        table.to_pandas().to_csv(path, index=False)
    else:
        pq.write_table(table, path, row_group_size=2)
    roles = Roles(y="y", columns=("g", "x"), by_value=("g", "x"), missing="drop")
    sample = open_sample(str(path), roles, in_memory=in_memory)
    assert sample.schema.categories == {"g": ("north", "south")}
    found = np.concatenate([chunk.fields["g"] for chunk in sample.chunks()])
    np.testing.assert_array_equal(found, [0, 1, 0, 1])
    assert sample.dropped == 2
