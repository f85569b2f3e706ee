"""Rows that cannot be, named in the error, from every kind of source."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import kullback as kl

Columns = dict[str, list[float]]


def _stream(frame: pl.DataFrame) -> Any:
    table = frame.to_arrow()
    return pa.RecordBatchReader.from_batches(table.schema, table.to_batches(max_chunksize=3))


def _csv(frame: pl.DataFrame, folder: Path) -> str:
    (folder / "t.csv.gz").write_bytes(gzip.compress(frame.write_csv().encode()))
    return str(folder / "t.csv.gz")


def _parquet(frame: pl.DataFrame, folder: Path) -> str:
    frame.write_parquet(folder / "t.parquet", row_group_size=3)
    return str(folder / "t.parquet")


SOURCES: dict[str, Callable[[pl.DataFrame, Path], Any]] = {
    "mapping": lambda frame, _: frame.to_dict(as_series=False),
    "pandas": lambda frame, _: pd.DataFrame(frame.to_dict(as_series=False)),
    "polars": lambda frame, _: frame,
    "arrow": lambda frame, _: frame.to_arrow(),
    "stream": lambda frame, _: _stream(frame),
    "csv.gz": _csv,
    "parquet": _parquet,
}

# the columns of rows 0 to 7, of which row 5 cannot be; the roles; what the error says
CASES: dict[str, tuple[Columns, dict[str, Any], str]] = {
    "ends in the wrong order": (
        {"a": [1.0] * 5 + [4.0] + [1.0] * 2, "b": [2.0] * 8},
        {"y": ("a", "b")},
        "lower end above the upper one",
    ),
    "outside its window": (
        {"a": [3.0, 2.0, 3.0, 4.0, 5.0, 1.0, 4.0, 3.0], "e": [1.5] * 8},
        {"y": "a", "truncation": ("e", None)},
        "outside their window",
    ),
    "censored outside its window": (
        {"a": [3.0, 2.0, 3.0, 4.0, 5.0, 9.0, 4.0, 3.0], "s": [1.0, 0.0] * 4},
        {"y": "a", "event": "s", "truncation": (None, 8.0)},
        "outside their window",
    ),
    "a window in the wrong order": (
        {"a": [3.0] * 8, "e": [1.0] * 5 + [7.0, 1.0, 1.0]},
        {"y": "a", "truncation": ("e", 6.0)},
        "window whose lower end is above its upper one",
    ),
    "a window of one value": (
        {"a": [3.0, 2.5, 4.0, 2.0, 3.0, 3.5, 2.0, 2.2], "e": [1.0] * 5 + [3.5, 1.0, 1.0]},
        {"y": "a", "truncation": ("e", [4.0, 4.0, 5.0, 4.0, 4.0, 3.5, 4.0, 4.0])},
        "in windows with more than one such value",
    ),
    "an interval outside the support": (
        {"a": [1.0] * 5 + [-3.0] + [1.0] * 2, "b": [2.0] * 5 + [-1.0] + [2.0] * 2},
        {"y": ("a", "b")},
        "needs y > 0",
    ),
    "an unknown event": (
        {"a": [3.0] * 8, "s": [1.0] * 5 + [4.0, 0.0, 1.0]},
        {"y": "a", "event": "s"},
        r"Give 1 or True",
    ),
}


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("case", CASES)
def test_the_row_is_named(case: str, source: str, tmp_path: Path) -> None:
    columns, roles, message = CASES[case]
    if case == "a window of one value":  # its upper ends, too, are a column
        columns = {**columns, "f": roles["truncation"][1]}
        roles = {**roles, "truncation": ("e", "f")}
    data = SOURCES[source](pl.DataFrame(columns), tmp_path)
    with pytest.raises(kl.DataError, match=message) as error:
        kl.fit(kl.Weibull(), data, **roles)
    assert "row 5" in str(error.value)
    if "y" in roles and isinstance(roles["y"], str):
        assert 'column "' in str(error.value)


@pytest.mark.parametrize("case", CASES)
def test_the_row_of_a_stream_is_named(case: str, tmp_path: Path) -> None:
    columns, roles, message = CASES[case]
    if case == "a window of one value":
        columns = {**columns, "f": roles["truncation"][1]}
        roles = {**roles, "truncation": ("e", "f")}
    path = _parquet(pl.DataFrame(columns), tmp_path)
    with pytest.raises(kl.DataError, match=message) as error:
        kl.fit(kl.Weibull(), path, engine=kl.StreamingEngine, **roles)
    assert "row 5" in str(error.value)


def test_rows_without_probability_at_an_end_of_the_support() -> None:
    for columns in ({"a": [-1.0, 1.0], "b": [0.0, 2.0]}, {"a": [-np.inf, 1.0], "b": [0.0, 2.0]}):
        with pytest.raises(kl.DataError, match=r"probability zero to 1 row .*: row 0 "):
            kl.fit(kl.Exponential(), {k: np.array(v) for k, v in columns.items()}, ("a", "b"))


def test_an_event_beside_two_ends_is_refused() -> None:
    ends = {"a": [1.0], "b": [2.0], "s": [1.0]}
    with pytest.raises(kl.DataError, match="leave event out"):
        kl.fit(kl.Weibull(), ends, ("a", "b"), event="s")
