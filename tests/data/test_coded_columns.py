"""Columns of texts that are converted by codes: the same as value by value."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
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
