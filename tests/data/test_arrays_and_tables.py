"""Rows read from arrays, lists, Series and tables of every supported library."""

import array
import decimal
import fractions
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from kullback._core.errors import DataError
from kullback.data import ArraySample, Chunk, Exact, Roles, RowSource, open_sample

NAN = float("nan")


def only_chunk(sample: RowSource) -> Chunk:
    (chunk,) = sample.chunks()
    return chunk


def read(data: Any, **options: Any) -> np.ndarray:
    """The outcome as it is read, which is always float64, contiguous and one-dimensional."""
    y = only_chunk(open_sample(data, Roles(**options))).fields["y"]
    assert y.dtype == np.float64
    assert y.ndim == 1
    assert y.flags.c_contiguous
    return y


ARRAYS = {
    "list": [1, 2, 3],
    "list of floats": [1.0, 2.0, 3.0],
    "mixed list": [1, 2.0, np.int8(3)],
    "tuple": (1, 2, 3),
    "range": range(1, 4),
    "array of Python": array.array("i", [1, 2, 3]),
    "buffer": memoryview(np.array([1.0, 2.0, 3.0])),
    "exact fractions": [decimal.Decimal(1), fractions.Fraction(2), 3],
    "list of JAX scalars": [jnp.float32(1), jnp.int32(2), 3.0],
    "float64": np.array([1.0, 2.0, 3.0]),
    "float32": np.array([1.0, 2.0, 3.0], dtype=np.float32),
    "float16": np.array([1.0, 2.0, 3.0], dtype=np.float16),
    "long double": np.array([1.0, 2.0, 3.0], dtype=np.longdouble),
    "big-endian": np.array([1.0, 2.0, 3.0], dtype=">f8"),
    "uint8": np.array([1, 2, 3], dtype=np.uint8),
    "int64": np.array([1, 2, 3]),
    "objects": np.array([1, 2.0, 3], dtype=object),
    "strided": np.arange(6.0)[::-2][::-1],
    "JAX": jnp.array([1.0, 2.0, 3.0]),
    "JAX bfloat16": jnp.array([1.0, 2.0, 3.0], dtype=jnp.bfloat16),
    "pandas Series": pd.Series([1, 2, 3], index=[7, 8, 9]),
    "pandas nullable": pd.Series([1, 2, 3], dtype="Int64"),
    "pandas of Arrow": pd.Series([1, 2, 3], dtype="int64[pyarrow]"),
    "pandas Index": pd.Index([1, 2, 3]),
    "pandas array": pd.array([1, 2, 3], dtype="Int64"),
    "polars Series": pl.Series([1, 2, 3]),
    "polars Int128": pl.Series([1, 2, 3], dtype=pl.Int128),
    "polars Decimal": pl.Series(["1", "2", "3"]).cast(pl.Decimal(10, 2)),
    "Arrow array": pa.array([1, 2, 3]),
    "Arrow chunks": pa.chunked_array([[1], [2, 3]]),
    "memoryview's array": np.asarray(memoryview(np.array([1.0, 2.0, 3.0]))),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays(name: str) -> None:
    expected = [1.0, 3.0, 5.0] if name == "strided" else [1.0, 2.0, 3.0]
    np.testing.assert_array_equal(read(ARRAYS[name]), expected)


MISSING = {
    "list": [1.0, None, 3.0, NAN],
    "float64": np.array([1.0, NAN, 3.0, NAN]),
    "masked": np.ma.masked_array([1, 2, 3, 4], [0, 1, 0, 1]),
    "pandas nullable": pd.Series([1, None, 3, None], dtype="Int64"),
    "pandas Float64": pd.array([1.0, None, 3.0, None], dtype="Float64"),
    "pandas of objects": pd.Series([1, None, 3, pd.NA], dtype=object),
    "pandas boolean": pd.Series([True, None, True, None], dtype="boolean"),
    "polars": pl.Series([1, None, 3, None]),
    "polars float": pl.Series([1.0, None, 3.0, NAN]),
    "polars Boolean": pl.Series([True, None, True, None]),
    "polars Decimal": pl.Series(["1", None, "3", None]).cast(pl.Decimal(10, 2)),
    "Arrow array": pa.array([1, None, 3, None]),
    "Arrow chunks": pa.chunked_array([[1.0, None], [3.0, NAN]]),
}


@pytest.mark.parametrize("name", MISSING)
def test_missing_values_are_refused_or_dropped_and_counted(name: str) -> None:
    with pytest.raises(DataError, match="2 missing values in y: row 1 and row 3"):
        open_sample(MISSING[name])
    sample = open_sample(MISSING[name], Roles(missing="drop"))
    chunk = only_chunk(sample)
    third = 1.0 if "ool" in name else 3.0
    np.testing.assert_array_equal(chunk.fields["y"], [1.0, third])
    np.testing.assert_array_equal(chunk.rows, [0, 2])
    assert sample.dropped == 2


@pytest.mark.parametrize(
    "data",
    [
        pd.Series([2**53 + 1, None], dtype="Int64"),
        pl.Series([2**53 + 1, None]),
        pa.array([2**53 + 1, None]),
        pa.chunked_array([[2**53 + 1, None]]),
    ],
)
def test_a_missing_value_does_not_hide_that_an_integer_would_be_rounded(data: Any) -> None:
    with pytest.raises(DataError, match=r"beyond 2\*\*53 in y: row 0 \(9007199254740993\)"):
        open_sample(data, Roles(missing="drop"))


def test_the_largest_exact_integers_are_taken() -> None:
    ends = [2**53, -(2**53)]
    assert read(ends).tolist() == ends
    assert read(np.array(ends)).tolist() == ends


def test_booleans_are_zero_and_one() -> None:
    for data in ([True, False], np.array([True, False]), pd.Series([True, False])):
        np.testing.assert_array_equal(read(data), [1.0, 0.0])


def test_an_array_of_float64_is_not_copied() -> None:
    values, weight = np.arange(10.0), np.ones(10)
    chunk = only_chunk(open_sample(values, Roles(weights=weight)))
    assert np.shares_memory(chunk.fields["y"], values)
    assert np.shares_memory(chunk.weight, weight)
    frame = pd.DataFrame({"x": values})
    assert np.shares_memory(read(frame), frame["x"].to_numpy())
    table = pa.table({"x": values})
    assert np.shares_memory(read(table), values)


def test_finite_values_whose_sum_overflows_are_finite() -> None:
    np.testing.assert_array_equal(read([1e308] * 4), [1e308] * 4)


TABLES: dict[str, Callable[[dict[str, list[Any]]], Any]] = {
    "pandas DataFrame": pd.DataFrame,
    "polars DataFrame": pl.DataFrame,
    "pyarrow Table": pa.table,
    "Arrow record batch": pa.record_batch,
    "dict": dict,
    "dict of Series": lambda columns: {name: pd.Series(held) for name, held in columns.items()},
}


@pytest.mark.parametrize("library", TABLES)
def test_columns_of_a_table(library: str) -> None:
    table = TABLES[library](
        {"loss": [1.5, 2.5, None], "age": [30, 40, 50], "n": [2, 0, 1], "unused": ["a", "b", "c"]}
    )
    sample = open_sample(table, Roles(y="loss", weights="n", columns=["age"], missing="drop"))
    assert sample.label == 'column "loss"'
    assert sample.in_memory
    assert sample.levels is None
    assert sample.dropped == 1
    chunk = only_chunk(sample)
    assert chunk.kind == Exact()
    assert set(chunk.fields) == {"y", "age"}
    np.testing.assert_array_equal(chunk.fields["y"], [1.5, 2.5])
    np.testing.assert_array_equal(chunk.fields["age"], [30.0, 40.0])
    np.testing.assert_array_equal(chunk.weight, [2.0, 0.0])  # a row of weight zero stays
    np.testing.assert_array_equal(chunk.rows, [0, 1])
    # the whole sample can be read again
    np.testing.assert_array_equal(only_chunk(sample).fields["y"], [1.5, 2.5])


def test_a_row_that_lacks_a_covariate_or_a_weight_is_dropped() -> None:
    table = {"y": [1.0, 2.0, 3.0, NAN], "x": [NAN, 1.0, 1.0, NAN], "n": [1.0, None, 1.0, 1.0]}
    sample = open_sample(table, Roles(y="y", weights="n", columns=["x"], missing="drop"))
    assert only_chunk(sample).fields["y"].tolist() == [3.0]
    assert sample.dropped == 3


def test_a_value_missing_in_a_column_that_is_not_used_does_not_matter() -> None:
    sample = open_sample({"y": [1.0, 2.0], "x": [None, "?"]}, Roles(y="y"))
    assert sample.dropped == 0
    assert only_chunk(sample).rows is None


def test_a_single_column_is_found_without_its_name() -> None:
    for table in (pd.DataFrame({"loss": [1.0]}), {"loss": [1.0]}, pd.DataFrame({7: [1.0]})):
        np.testing.assert_array_equal(read(table), [1.0])
    assert open_sample(pl.DataFrame({"loss": [1.0]})).label == 'column "loss"'


def test_a_structured_array_is_a_table() -> None:
    array = np.array([(1.5, 2), (2.5, 3)], dtype=[("loss", float), ("n", int)])
    chunk = only_chunk(open_sample(array, Roles(y="loss", weights="n")))
    assert chunk.fields["y"].tolist() == [1.5, 2.5]
    assert chunk.weight is not None
    assert chunk.weight.tolist() == [2.0, 3.0]


def test_weights_beside_an_array_or_a_table() -> None:
    for weights in ([1, 2], np.array([1.0, 2.0]), pd.Series([1, 2]), jnp.array([1.0, 2.0])):
        for data in ([3.0, 4.0], pd.DataFrame({"x": [3.0, 4.0]})):
            weight = only_chunk(open_sample(data, Roles(weights=weights))).weight
            np.testing.assert_array_equal(weight, [1.0, 2.0])
    assert only_chunk(open_sample([3.0])).weight is None


def test_a_table_of_another_library_with_the_arrow_protocol() -> None:
    class Other:
        def __init__(self, table: pa.Table) -> None:
            self._table = table

        def __arrow_c_stream__(self, requested_schema: object = None) -> object:
            return self._table.__arrow_c_stream__(requested_schema)

    np.testing.assert_array_equal(read(Other(pa.table({"x": [1.0, 2.0]}))), [1.0, 2.0])


def test_a_table_of_another_library_with_the_interchange_protocol() -> None:
    class Other:
        def __init__(self, table: pa.Table) -> None:
            self._table = table

        def __dataframe__(self, **options: Any) -> object:
            return self._table.__dataframe__(**options)

    np.testing.assert_array_equal(read(Other(pa.table({"x": [1.0, 2.0]}))), [1.0, 2.0])


def test_an_array_that_cannot_be_converted_says_why() -> None:
    class Elsewhere:
        def __array__(self, dtype: object = None, copy: object = None) -> np.ndarray:
            raise TypeError("the array is on another machine")

    with pytest.raises(
        DataError,
        match="y cannot be read from an Elsewhere as a NumPy array: the array is on another",
    ):
        open_sample(Elsewhere())


def test_columns_that_share_a_name() -> None:
    with pytest.raises(DataError, match="DataFrame cannot be read: Expected unique column names"):
        open_sample(pd.DataFrame([[1, 2]], columns=["a", "a"]), Roles(y="a"))


@pytest.mark.parametrize(
    ("labels", "levels", "codes"),
    [
        (["b", "a", "b"], ("a", "b"), [1, 0, 1]),
        (np.array(["b", "a"]), ("a", "b"), [1, 0]),
        ([True, False], (False, True), [1, 0]),
        (np.array([False, False]), (False,), [0, 0]),
        ([10, 9, 10], (9, 10), [1, 0, 1]),
        (np.array([3, 1, 2], dtype=np.uint8), (1, 2, 3), [2, 0, 1]),
        ([1.5, 0.5], (0.5, 1.5), [1, 0]),
        (pd.Series(["x", "y"], dtype="category"), ("x", "y"), [0, 1]),
        (pd.Categorical(["x", "y"], categories=["z", "y", "x"]), ("x", "y"), [0, 1]),
        (pl.Series(["x", "y"], dtype=pl.Categorical), ("x", "y"), [0, 1]),
        (pl.Series(["x", "y"], dtype=pl.Enum(["y", "x"])), ("x", "y"), [0, 1]),
        (pa.array(["x", "y"]).dictionary_encode(), ("x", "y"), [0, 1]),
        (pa.chunked_array([["x"], ["y"]]), ("x", "y"), [0, 1]),
        (jnp.array([2, 1]), (1, 2), [1, 0]),
    ],
)
def test_labels(labels: Any, levels: tuple[Any, ...], codes: list[int]) -> None:
    sample = open_sample(labels, Roles(outcome="label"))
    assert sample.levels == levels
    assert list(map(type, sample.levels)) == list(map(type, levels))
    assert only_chunk(sample).fields["y"].tolist() == codes


@pytest.mark.parametrize(
    "labels",
    [
        ["b", None, "a"],
        pd.Series(["b", None, "a"], dtype="category"),
        pl.Series(["b", None, "a"], dtype=pl.Categorical),
        pa.array(["b", None, "a"]).dictionary_encode(),
        pa.chunked_array([pa.array(["b", None, "a"]).dictionary_encode()]),
    ],
)
def test_missing_labels_are_not_a_class(labels: Any) -> None:
    sample = open_sample(labels, Roles(outcome="label", missing="drop"))
    assert sample.levels == ("a", "b")
    assert sample.dropped == 1
    assert only_chunk(sample).fields["y"].tolist() == [1.0, 0.0]


def test_text_that_could_be_labels_is_not_a_list_of_files() -> None:
    assert open_sample(["a.csv", "other"], Roles(outcome="label")).levels == ("a.csv", "other")


@pytest.mark.parametrize(
    ("data", "source"),
    [
        ([1.0], "a list of 1 row"),
        (np.ones(2167), "a NumPy array of 2,167 rows"),
        (jnp.ones(3), "a JAX array of 3 rows"),
        (pd.Series([1.0, 2.0]), "a pandas Series of 2 rows"),
        (pd.DataFrame({"x": np.ones(2167)}), "a pandas DataFrame of 2,167 rows"),
        (pl.DataFrame({"x": [1.0]}), "a polars DataFrame of 1 row"),
        (pa.table({"x": [1.0]}), "a pyarrow Table of 1 row"),
        ({"x": [1.0]}, "a dict of arrays"),
    ],
)
def test_the_description_of_the_source(data: Any, source: str) -> None:
    sample = open_sample(data)
    assert sample.describe_source() == source
    assert sample.locate(17) == "row 17"


def test_an_array_sample_made_directly() -> None:
    sample = ArraySample({"y": np.arange(4.0)[::2]}, label="loss")
    chunk = only_chunk(sample)
    assert chunk.fields["y"].flags.c_contiguous
    assert chunk.fields["y"].tolist() == [0.0, 2.0]
    assert (chunk.kind, chunk.weight, chunk.first_row, chunk.rows) == (Exact(), None, 0, None)
    assert (chunk.count, sample.count, sample.label) == (2, 2, "loss")
    assert sample.describe_source() == "2 rows in memory"


def test_the_table_libraries_are_imported_only_for_tables() -> None:
    # In a process of its own: this one has imported everything.
    code = (
        "import sys, numpy as np; from kullback.data import Roles, open_sample; "
        "open_sample([1.0]); open_sample(np.ones(3), Roles(weights=[1, 2, 3])); "
        "open_sample({'x': [1.0, 2.0]}); "
        "print({'narwhals', 'pyarrow', 'pandas', 'polars'} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize("rows", [1, 4_096, 9_001])
def test_columns_of_a_table_of_rows_are_read_as_those_of_arrays(rows: int) -> None:
    random = np.random.default_rng(1)
    table = pd.DataFrame(random.normal(size=(rows, 3)), columns=["a", "b", "c"])
    table.iloc[rows // 2, 1] = 7.0
    table["d"], table["y"] = np.arange(rows), 1.0  # next to each other in memory
    chunk = only_chunk(open_sample(table, Roles(y="y", columns=("a", "b", "c", "d"))))
    for name in ("a", "b", "c", "d"):
        np.testing.assert_array_equal(chunk.fields[name], table[name].to_numpy(float))
        assert chunk.fields[name].flags.c_contiguous
