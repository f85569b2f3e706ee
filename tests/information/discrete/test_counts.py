"""Counting values: against collections.Counter, from arrays, tables and files."""

from collections import Counter

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kullback._core.errors import DataError
from kullback.data.open import open_sample
from kullback.data.roles import Roles
from kullback.information.discrete import counts as tabulate
from kullback.information.discrete.counts import count_values, joint_counts

RNG = np.random.default_rng(11)


def dense(table):
    """The full contingency table, with its zeros."""
    full = np.zeros([len(symbols) for symbols in table.symbols], dtype=table.counts.dtype)
    full[tuple(table.cells.T)] = table.counts
    return full


def as_dict(found):
    return dict(zip(found.symbols.tolist(), found.counts.tolist(), strict=True))


@pytest.mark.parametrize(
    "values",
    [
        np.array([3, 1, 3, 3], dtype=np.int64),
        np.array([-128, 127, 127], dtype=np.int8),
        np.array([2**64 - 1, 2**64 - 2, 2**64 - 1], dtype=np.uint64),
        np.array([10**15, -(10**15), 10**15]),
        np.array([0.5, -0.0, 0.0, 0.5]),
        np.array([True, False, True]),
        np.array(["b", "a", "b"]),
        ["b", "a", "ü", "b"],
        [1, 2, 2],
        pd.Series(["x", "y", "x"], dtype="category"),
        pd.Series([1.5, 2.5, 1.5]),
        pl.Series(["x", "y", "x"]),
    ],
    ids=lambda values: f"{type(values).__name__} {getattr(values, 'dtype', '')}",
)
def test_counts_are_those_of_counter(values):
    found = count_values(values)
    assert as_dict(found) == dict(Counter(np.asarray(values, dtype=object).tolist()))
    assert found.symbols.tolist() == sorted(found.symbols.tolist())
    assert found.rows == len(values)
    assert found.counts.dtype == np.int64


@given(st.lists(st.integers(-(2**40), 2**40), min_size=1), st.integers(1, 7))
def test_parts_change_nothing(values, rows):
    together = count_values(np.array(values))
    saved = tabulate._ROWS, tabulate._COUNTED
    tabulate._ROWS, tabulate._COUNTED = rows, 4
    try:
        parts = count_values(np.array(values))
        floats = count_values(np.array(values, dtype=np.float64))
    finally:
        tabulate._ROWS, tabulate._COUNTED = saved
    assert as_dict(parts) == as_dict(together) == dict(Counter(values)) == as_dict(floats)


def test_weights():
    frame = pd.DataFrame({"a": list("abca"), "w": [1.0, 2.5, 0.0, 0.25]})
    found = count_values(frame, y="a", weights="w")
    assert as_dict(found) == {"a": 1.25, "b": 2.5}  # what weighs nothing was not seen
    whole = count_values([5, 5, 6], weights=np.array([2.0, 3.0, 1.0]))
    assert as_dict(whole) == {5: 5, 6: 1}
    assert whole.counts.dtype == np.int64


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_files_are_streamed(tmp_path, kind):
    frame = pd.DataFrame(
        {"a": RNG.choice(list("abcde"), 3000), "b": RNG.integers(0, 9, 3000), "w": 1.5}
    )
    path = tmp_path / f"table.{kind}"
    getattr(frame, f"to_{kind}")(path, index=False)
    found = count_values(str(path), y="a")
    assert as_dict(found) == dict(Counter(frame["a"]))
    streamed = count_values(open_sample(str(path), Roles(y="b"), in_memory=False))
    assert as_dict(streamed) == dict(Counter(frame["b"]))
    table = joint_counts(str(path), ["a", "b"])
    expected = pd.crosstab(frame["a"], frame["b"]).to_numpy()
    assert dense(table).tolist() == expected.tolist()
    weighted = joint_counts(str(path), ["a", "b"], weights="w")
    np.testing.assert_array_equal(dense(weighted), 1.5 * expected)


def test_missing_values():
    values = pd.Series(["x", None, "x"])
    with pytest.raises(DataError, match='missing="drop"'):
        count_values(values)
    found = count_values(values, missing="drop")
    assert (as_dict(found), found.rows, found.dropped) == ({"x": 2}, 2, 1)


def test_too_many_distinct_values_are_refused():
    with pytest.raises(DataError, match=r"more than 50 distinct values.*continuous"):
        count_values(RNG.normal(size=100), most=50)
    with pytest.raises(DataError, match="more than 50 distinct values"):
        count_values(np.arange(100), most=50)


def test_joint_table_of_three_columns_and_its_margins():
    columns = {"a": RNG.integers(0, 4, 500), "b": RNG.choice([0.5, 2.5], 500)}
    columns["c"] = RNG.choice(["u", "v"], 500)
    table = joint_counts(columns)
    rows = zip(*(column.tolist() for column in columns.values()), strict=True)
    cells = [
        tuple(symbols[code] for symbols, code in zip(table.symbols, cell, strict=True))
        for cell in table.cells.tolist()
    ]
    assert dict(zip(cells, table.counts.tolist(), strict=True)) == dict(Counter(rows))
    assert table.labels == ("a", "b", "c")
    for place, column in enumerate(columns.values()):
        others = tuple(axis for axis in range(3) if axis != place)
        margin = dense(table).sum(axis=others)
        assert margin.tolist() == list(np.unique(column, return_counts=True)[1])
    assert dense(table).sum() == 500


def test_joint_table_leaves_out_values_of_weight_zero():
    table = joint_counts({"a": ["x", "y", "z"], "b": [1, 2, 3]}, weights=np.array([1.0, 0.0, 2.5]))
    assert [symbols.tolist() for symbols in table.symbols] == [["x", "z"], [1, 3]]
    assert dense(table).tolist() == [[1.0, 0.0], [0.0, 2.5]]


def test_joint_table_leaves_out_rows_in_which_any_value_is_missing():
    frame = pd.DataFrame({"a": ["x", None, "y", "z"], "b": [1.0, 2.0, np.nan, 4.0]})
    with pytest.raises(DataError, match="missing value"):
        joint_counts(frame, ["a", "b"])
    table = joint_counts(frame, ["a", "b"], missing="drop")
    assert [symbols.tolist() for symbols in table.symbols] == [["x", "z"], [1, 4]]
    assert dense(table).tolist() == [[1, 0], [0, 1]]


def test_joint_table_that_is_too_large_stays_a_list_of_cells():
    values = np.arange(2000)
    table = joint_counts([values, values])
    assert table.counts.size == 2000


def test_joint_table_refuses_what_it_cannot_use():
    with pytest.raises(DataError, match="two columns or more"):
        joint_counts({"a": [1, 2]})
    with pytest.raises(DataError, match="different columns"):
        joint_counts({"a": [1, 2], "b": [1, 2]}, ["a", "a"])
    with pytest.raises(DataError, match="a sample holds one outcome"):
        joint_counts(open_sample([1, 2]), ["a", "b"])
    with pytest.raises(DataError, match="different numbers of rows"):
        joint_counts([[1, 2], [1, 2, 3]])
