"""Rows grouped by keys: the same groups as pandas, from keys of every type."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from kullback import DataError
from kullback.data.frames import FrameTable, new_frame, read, with_columns
from kullback.data.keys import group_rows

RNG = np.random.default_rng(5)
DAYS = [datetime.date(2024, 1, 1) + datetime.timedelta(days=k) for k in range(9)]


def members(columns: dict[str, Any], rows: Any = None) -> dict[Any, list[int]]:
    grouped = group_rows(columns, rows)
    order = np.arange(grouped.offsets[-1]) if grouped.order is None else grouped.order
    bounds = zip(grouped.offsets[:-1], grouped.offsets[1:], strict=True)
    found = {k: order[a:b].tolist() for k, (a, b) in zip(grouped.keys, bounds, strict=True)}
    assert list(found) == sorted(found)
    assert grouped.firsts.tolist() == [rows[0] for rows in found.values()]
    return found


def by_pandas(frame: pd.DataFrame) -> dict[Any, list[int]]:
    names = list(frame.columns)
    return {
        k[0] if len(names) == 1 else k: own.tolist()
        for k, own in frame.groupby(names).indices.items()
        for k in [k if isinstance(k, tuple) else (k,)]
    }


@pytest.mark.parametrize(
    "keys",
    [
        RNG.integers(-5, 90, 1_000),
        np.sort(RNG.integers(0, 9, 1_000)),
        RNG.integers(0, 2**62, 40)[RNG.integers(0, 40, 1_000)],
        RNG.integers(0, 70_000, 300_000),  # more groups than 16 bits count
        RNG.integers(0, 3, 1_000).astype(bool),
        np.array([2**63 + 5, 7, 2**63 + 5], dtype=np.uint64),
        RNG.integers(0, 9, 1_000) / 4.0,
        np.array(["a", "c", "b"])[RNG.integers(0, 3, 1_000)],
        np.array(["a", "c", "b"], dtype=object)[RNG.integers(0, 3, 1_000)],
    ],
)
def test_groups_are_those_of_pandas(keys: Any) -> None:
    expected = by_pandas(pd.DataFrame({"k": keys}))
    assert members({"k": keys}) == expected
    for frame in (pd.DataFrame({"k": keys}), pl.DataFrame({"k": keys}), pa.table({"k": keys})):
        table = read(frame)
        assert isinstance(table, FrameTable)
        assert members({"k": table.key("k")}) == expected


def test_several_key_columns_and_some_of_the_rows() -> None:
    frame = pd.DataFrame({"a": RNG.integers(0, 4, 500), "b": RNG.choice(["x", "y", "z"], 500)})
    columns = {"a": frame["a"].to_numpy(), "b": pa.array(frame["b"])}
    assert members(columns) == by_pandas(frame)
    rows = np.flatnonzero(RNG.random(500) < 0.02)
    expected = by_pandas(frame.iloc[rows].reset_index(drop=True))
    assert members(columns, rows) == expected


def test_levels_that_do_not_occur_make_no_group() -> None:
    column = pd.Series(["b", "a", "b"], dtype=pd.CategoricalDtype(["z", "b", "a"]))
    table = read(pd.DataFrame({"k": column}))
    assert isinstance(table, FrameTable)
    assert members({"k": table.key("k")}) == {"a": [1], "b": [0, 2]}


@pytest.mark.parametrize(
    "column",
    [
        np.array([1.0, np.nan]),
        np.array(["a", None], dtype=object),
        pa.array([1, None]),
        pa.array(["a", None]),
        np.array(["2024-01-01", "NaT"], dtype="datetime64[D]"),
    ],
)
def test_a_missing_key_is_an_error_with_its_row(column: Any) -> None:
    with pytest.raises(DataError, match=r'1 missing key in column "k": row 1\. Every row needs'):
        group_rows({"k": column})


def test_keys_without_an_order_are_an_error() -> None:
    with pytest.raises(DataError, match='keys in column "k" have no order'):
        group_rows({"k": np.array(["a", 1], dtype=object)})


def test_tables_keep_their_library_and_the_types_of_keys() -> None:
    numbers = {"n": np.array([1.5, 2.5])}
    at = np.array([3, 1])
    for frame in (pd.DataFrame({"k": DAYS, "x": 0}), pl.DataFrame({"k": DAYS, "x": 0})):
        table = read(frame)
        assert isinstance(table, FrameTable)
        made = with_columns(table.part(["k"], at), numbers)
        assert type(made) is type(frame)
        assert list(made.columns) == ["k", "n"]
        assert made["k"].to_list() == [DAYS[3], DAYS[1]]
        assert made["k"].dtype == frame["k"].dtype
        assert made["n"].to_list() == [1.5, 2.5]
    assert new_frame(numbers).equals(pd.DataFrame(numbers))


@pytest.mark.parametrize(
    ("kind", "numbers"),
    [
        ("i1", [127, -128, 5, 127]),
        ("i2", [32_767, -32_768, 5, 5]),
        ("u8", [2**64 - 1, 2**64 - 3, 2**64 - 1, 2**64 - 2]),
    ],
)
def test_keys_whose_differences_their_type_does_not_hold(kind: str, numbers: list[int]) -> None:
    found = members({"k": np.array(numbers, kind)})
    assert found == {key: [i for i, v in enumerate(numbers) if v == key] for key in numbers}
