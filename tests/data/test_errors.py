"""Every message that refuses data: it is part of the interface, and names the fix."""

import datetime
import decimal
from typing import Any

import numpy as np
import pytest

from kullback._core.errors import (
    DataError,
    FileFormatError,
    KullbackError,
    ModelError,
    did_you_mean,
)
from kullback.data import ArraySample, Roles, open_sample

NAN, INF = float("nan"), float("inf")
TABLE = {"loss": [1.5, 2.0, 4.0], "age": [30, 40, 50], "n": [1, 2, 1]}
MISSING_FIX = 'Fill them in, or give missing="drop" to drop such rows.'
INFINITE_FIX = "Correct or remove such rows."
NEGATIVE_FIX = "A weight is the number of times that a row was observed: it must be zero or more."
INTEGER_FIX = (
    "Double precision would round them: subtract a constant first, or convert them to floats if "
    "rounding is harmless."
)
TEXT_FIX = (
    "Numbers were expected. Class labels need a model of classes, such as Categorical; text that "
    "says which rows are censored needs kl.Events."
)
MIXED_FIX = 'Correct such rows, or make them missing and give missing="drop".'
UNREADABLE = (
    "; give an array, a list, a Series, a table with the name of a column, or the path of a CSV or "
    "Parquet file"
)


def message(data: Any, **options: Any) -> str:
    """The message of the error for data that are refused."""
    with pytest.raises(DataError) as caught:
        open_sample(data, Roles(**options))
    return str(caught.value)


def test_every_error_is_one_that_the_command_line_catches() -> None:
    for kind in (DataError, ModelError, FileFormatError):
        assert issubclass(kind, KullbackError)
    assert issubclass(KullbackError, ValueError)


@pytest.mark.parametrize(
    ("name", "known", "said"),
    [
        ("los", ["loss", "age"], '; did you mean "loss"?'),
        ("LOSS", ["loss", "age"], '; did you mean "loss"?'),
        ("wieght", iter(["age", "weight"]), '; did you mean "weight"?'),
        ("age", ["rate"], ""),
        ("x", [], ""),
    ],
)
def test_did_you_mean(name: str, known: Any, said: str) -> None:
    assert did_you_mean(name, known) == said


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([1.0, NAN], f"1 missing value in y: row 1. {MISSING_FIX}"),
        ([1, None, NAN], f"2 missing values in y: row 1 and row 2. {MISSING_FIX}"),
        (
            np.where(np.arange(5000) >= 17, NAN, 1.0),
            f"4,983 missing values in y: row 17, row 18, row 19 and 4,980 more. {MISSING_FIX}",
        ),
        (
            [1.0, INF, 2.0, -INF],
            f"2 infinite values in y: row 1 (inf) and row 3 (-inf). {INFINITE_FIX}",
        ),
        ([1, "n/a", 3], f'y holds text; row 1 is "n/a". {MIXED_FIX}'),
        (
            [1, "a", "b", "c", "d", 2],
            f'y holds text; row 1 is "a", row 2 is "b", row 3 is "c" and 1 more. {MIXED_FIX}',
        ),
        (["red", "blue"], f'y holds text; row 0 is "red" and row 1 is "blue". {TEXT_FIX}'),
        (np.array(["red"]), f'y holds text; row 0 is "red". {TEXT_FIX}'),
        (["x" * 60], f'y holds text; row 0 is "{"x" * 35}...". {TEXT_FIX}'),
        (
            ["1.5", "2"],
            'y holds numbers written as text; row 0 is "1.5". Convert them to numbers first, for '
            "example with astype(float).",
        ),
        (["1_000"], f'y holds text; row 0 is "1_000". {TEXT_FIX}'),
        (
            [datetime.date(2024, 1, 31)],
            "y holds dates or times; row 0 is 2024-01-31. Convert them to numbers first, for "
            "example the days since a first date.",
        ),
        (
            np.array(["2024-01-31"], dtype="M8[D]"),
            "y holds dates or times; row 0 is 2024-01-31. Convert them to numbers first, for "
            "example the days since a first date.",
        ),
        (
            [1.0, 2 + 1j],
            "y holds complex numbers; row 1 is (2+1j). Take their real part, imaginary part or "
            "absolute value first.",
        ),
        (
            np.array([1j]),
            "y holds complex numbers; row 0 is 1j. Take their real part, imaginary part or "
            "absolute value first.",
        ),
        ([1, [2]], "y holds values of type list; row 1 is [2]. Numbers were expected."),
        ([[1], [2, 3]], "y holds values of type list; row 0 is [1]. Numbers were expected."),
        (
            [1, 2**53 + 1],
            f"1 integer beyond 2**53 in y: row 1 (9007199254740993). {INTEGER_FIX}",
        ),
        (
            np.array([-(2**53) - 1, 2**60, 0]),
            "2 integers beyond 2**53 in y: row 0 (-9007199254740993) and row 1 "
            f"(1152921504606846976). {INTEGER_FIX}",
        ),
        ([10**400], f"1 integer beyond 2**53 in y: row 0 (1{'0' * 35}...0). {INTEGER_FIX}"),
        (
            [decimal.Decimal("sNaN")],
            "y holds a value that is not a double: cannot convert signaling NaN to float",
        ),
        ([], "y is empty; at least one row is required"),
        (np.empty(0), "y is empty; at least one row is required"),
        (
            np.ones((3, 1)),
            "y has the shape 3 x 1: a table of one column. Give the column itself, x[:, 0] or "
            "x.ravel()",
        ),
        (
            [[1.0, 2.0], [3.0, 4.0]],
            "y must be one column, got an array of shape 2 x 2: give one column of it, such as "
            "x[:, 0], or a table with named columns",
        ),
        (
            np.ones((2, 2, 2)),
            "y must be one column, got an array of shape 2 x 2 x 2: give one column of it, such "
            "as x[:, 0]",
        ),
        (np.float64(3.0), "y is a single value; give an array with one value for each row"),
        (3.0, f"y cannot be read from a float{UNREADABLE}"),
        (None, f"y cannot be read from a NoneType{UNREADABLE}"),
        (range(0), "y is empty; at least one row is required"),
        (iter([1.0]), f"y cannot be read from a list_iterator{UNREADABLE}"),
        (object(), f"y cannot be read from an object{UNREADABLE}"),
    ],
)
def test_values(values: Any, said: str) -> None:
    assert message(values) == said


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        ([1, 2], "y has 3 rows and the weight array has 2; every row needs a value of each"),
        ([1, -2, 0.5], f"1 negative value in the weight array: row 1 (-2.0). {NEGATIVE_FIX}"),
        ([1, NAN, 1], f"1 missing value in the weight array: row 1. {MISSING_FIX}"),
        ([1, INF, 1], f"1 infinite value in the weight array: row 1 (inf). {INFINITE_FIX}"),
        ([0, 0, 0], "all values in the weight array are zero; at least one row must count"),
        (
            ["a", "b", "c"],
            'the weight array holds text; row 0 is "a", row 1 is "b" and row 2 is "c". ' + TEXT_FIX,
        ),
        (
            "n",
            'weights="n" names a column, and the data are a single list; give a table, such as a '
            "data frame or a dict of arrays",
        ),
        (2.0, f"the weight array cannot be read from a float{UNREADABLE}"),
        (
            {"n": [1, 2, 3]},
            "the weight array cannot be read from a dict" + UNREADABLE,
        ),
    ],
)
def test_weights(weights: Any, said: str) -> None:
    assert message([1.0, 2.0, 3.0], weights=weights) == said


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            {},
            'a dict of arrays has 3 columns ("loss", "age" and "n"): say which one to fit, for '
            'example y="loss"',
        ),
        (
            {"y": "los"},
            'there is no column "los" in a dict of arrays; did you mean "loss"? The columns are '
            '"loss", "age" and "n".',
        ),
        (
            {"y": "zzz"},
            'there is no column "zzz" in a dict of arrays. The columns are "loss", "age" and "n".',
        ),
        (
            {"y": "loss", "weights": "N"},
            'there is no column "N" in a dict of arrays; did you mean "n"? The columns are "loss", '
            '"age" and "n".',
        ),
        (
            {"y": "loss", "columns": ["ages"]},
            'there is no column "ages" in a dict of arrays; did you mean "age"? The columns are '
            '"loss", "age" and "n".',
        ),
        (
            {"y": 3},
            "y must be the name of a column of a dict of arrays, got int; the columns are "
            '"loss", "age" and "n"',
        ),
        (
            {"y": "loss", "columns": "age"},
            'columns must be a list of names, such as ["age"], got one name',
        ),
        (
            {"y": "loss", "missing": "dorp"},
            'missing must be "error" or "drop", got \'dorp\'; did you mean "drop"?',
        ),
        ({"y": "loss", "outcome": "class"}, 'outcome must be "number" or "label", got \'class\''),
        (
            {"y": "loss", "weights": [1.0]},
            'column "loss" has 3 rows and the weight array has 1; every row needs a value of each',
        ),
    ],
)
def test_columns(options: dict[str, Any], said: str) -> None:
    assert message(TABLE, **options) == said


def test_a_long_list_of_columns_is_cut_off() -> None:
    said = message({f"c{i}": [1.0] for i in range(50)}, y="other")
    assert said.endswith('"c18", "c19" and 30 more.')


def test_messages_name_the_column() -> None:
    table = {"loss": [1.0, NAN], "n": [-1, 1], "y": [1.0, 2.0], "short": [1.0]}
    assert message(table, y="loss") == f'1 missing value in column "loss": row 1. {MISSING_FIX}'
    assert message(table, y="y", weights="n") == (
        f'1 negative value in the weight column "n": row 0 (-1.0). {NEGATIVE_FIX}'
    )
    assert message(table, y="n", columns=["loss"]) == (
        f'1 missing value in column "loss": row 1. {MISSING_FIX}'
    )
    assert message(table, y="y", columns=["short"]) == (
        'column "y" has 2 rows and column "short" has 1; every row needs a value of each'
    )
    assert message(table, y="n", columns=["y"]) == (
        'a covariate cannot be called "y", the name of the outcome; rename the column'
    )
    assert message({"loss": {"a": [1.0]}}) == (
        'column "loss" cannot be read from a dict' + UNREADABLE
    )
    assert message({}) == "a dict of arrays is empty; at least one column is required"


def test_nothing_left_after_dropping() -> None:
    assert message([None, NAN], missing="drop") == (
        'missing="drop" leaves y without rows: 2 rows had a missing value'
    )


def test_infinity_is_not_dropped() -> None:
    assert message([1.0, INF, NAN], missing="drop") == (
        f"1 infinite value in y: row 1 (inf). {INFINITE_FIX}"
    )


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ([1, "a"], "y mixes labels of type int and str; make all of them the same type"),
        (
            ["a", ["b"]],
            "y holds values of type list, which cannot be class labels; row 1 is ['b']",
        ),
        (
            np.array(["2024"], dtype="M8[Y]"),
            "y holds values of type datetime64[Y], which cannot be class labels; convert them to "
            "text first",
        ),
        (["a", None], f"1 missing value in y: row 1. {MISSING_FIX}"),
        ([], "y is empty; at least one row is required"),
    ],
)
def test_labels(labels: Any, said: str) -> None:
    assert message(labels, outcome="label") == said


@pytest.mark.parametrize(
    ("fields", "weight", "said"),
    [
        ({"x": np.ones(2)}, None, "rows of kind Exact require the field 'y'"),
        ({"y": np.ones(2), "x": np.ones(3)}, None, "x must have 2 rows, got 3"),
        ({"y": np.ones(2)}, np.ones(1), "weight must have 2 rows, got 1"),
        ({"y": np.ones((2, 2))}, None, "y must have one dimension, got 2"),
    ],
)
def test_an_array_sample_that_does_not_fit_together(
    fields: dict[str, np.ndarray], weight: np.ndarray | None, said: str
) -> None:
    with pytest.raises(DataError) as caught:
        ArraySample(fields, weight)
    assert str(caught.value) == said


@pytest.mark.parametrize("y", [np.array([1.0, 2.0]), [1.0, 2.0]])
def test_an_outcome_beside_a_single_array_is_not_ignored(y: Any) -> None:
    # (x, y) in scikit-learn's order was once fitted to x
    kind = "NumPy array" if isinstance(y, np.ndarray) else "list"
    assert message([10.0, 20.0], y=y) == (
        f"y is a {kind} and the data are a single list: only one of them can be used. Give only "
        "the outcome, as the data; y names a column of a table."
    )
