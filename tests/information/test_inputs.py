"""Reading columns: numbers or values to count, rows that stay aligned, and refusals."""

import numpy as np
import pytest

from kullback._core.errors import DataError
from kullback.information.inputs import read_column, read_pair, read_rows

NUMBERS = [0.5, 1.5, 2.0, 8.25]
WHOLE = [3.0, 1.0, 3.0, 2.0]
NAMES = ["b", "a", "b", "c"]


def test_columns_by_no_name_by_one_and_by_several():
    table = {"a": NUMBERS, "b": NUMBERS[::-1]}
    only = {"a": NUMBERS}
    assert read_rows(only, None, None, "error").values.tolist() == [[x] for x in NUMBERS]
    assert read_rows(table, "b", None, "error").values.tolist() == [[x] for x in NUMBERS[::-1]]
    both = read_rows(table, ["a", "b"], None, "error").values
    assert both.tolist() == [list(row) for row in zip(NUMBERS, NUMBERS[::-1], strict=True)]


@pytest.mark.parametrize(
    ("values", "discrete", "labels"),
    [
        (NUMBERS, False, False),
        (WHOLE, True, False),
        (np.array([3, 1], dtype=np.int16), True, False),
        ([3, 1], True, False),
        ([True, False], True, False),
        (NAMES, True, True),
    ],
    ids=["numbers", "whole floats", "integer array", "integers", "bools", "text"],
)
def test_numbers_or_values_to_count(values, discrete, labels):
    for data, y in ((values, None), ({"a": values, "b": values}, "a")):
        found = read_column(data, y, None, "error")
        assert (found.discrete, found.labels) == (discrete, labels)
        whole = any("whole numbers only, which are counted" in note for note in found.notes)
        assert whole == (discrete and not labels)


def test_one_number_that_is_not_whole_makes_the_column_one_of_numbers():
    found = read_column([*WHOLE, 0.5], None, None, "error")
    assert not found.discrete
    assert found.values.tolist() == [*WHOLE, 0.5]


def test_infinities_are_refused():
    with pytest.raises(DataError, match=r"infinit|finite"):
        read_rows([1.5, float("inf"), 2.5], None, None, "error")


def test_dropped_rows_are_noted():
    found = read_column([0.5, None, 1.5], None, None, "drop")
    assert found.values.tolist() == [0.5, 1.5]
    assert found.notes == ("1 row with missing values was left out",)


def test_weights_only_for_counted_values():
    assert read_column({"a": NAMES, "n": [1, 2, 3, 4]}, "a", "n", "error").labels
    assert read_column({"a": WHOLE, "n": [1, 2, 3, 4]}, "a", "n", "error").discrete
    with pytest.raises(DataError, match="rows of equal weight"):
        read_column({"a": NUMBERS, "n": [1, 2, 3, 4]}, "a", "n", "error")
    with pytest.raises(DataError, match="nearest neighbours take rows of equal weight"):
        read_rows({"a": NUMBERS, "n": [1, 2, 3, 4]}, ("a",), "n", "error")


def test_neither_numbers_nor_labels():
    dates = np.array(["2024-01-01", "2024-01-02"], dtype="datetime64[D]")
    with pytest.raises(DataError, match=r"dates or times; row 0 is 2024-01-01\. Convert them"):
        read_column({"day": dates}, "day", None, "error")


def test_rows_of_several_columns():
    array = np.array([[1.0, 2.0], [3.0, 4.0], [5.5, 6.0]])
    assert read_rows(array, None, None, "error").values.tolist() == array.tolist()
    table = {"a": array[:, 0], "other": NAMES[:3], "b": array[:, 1]}
    found = read_rows(table, ("b", "a"), None, "error")
    assert found.values.tolist() == array[:, ::-1].tolist()
    assert found.name == 'column "b", a'
    one = read_rows(array[:, 0], None, None, "error")
    assert one.values.tolist() == array[:, :1].tolist()


def test_a_row_is_left_out_where_either_column_is_missing():
    table = {"a": [1.5, None, 3.5, 4.5], "b": [1.0, 2.0, None, 4.0]}
    found = read_rows(table, ("a", "b"), None, "drop")
    assert found.values.tolist() == [[1.5, 1.0], [4.5, 4.0]]
    assert found.notes == ("2 rows with missing values were left out",)


def test_codes_of_labels_in_sorted_order():
    pair = read_pair(NAMES, NUMBERS, None, "error")
    label, number = pair.columns
    assert label.labels
    assert label.values.tolist() == [1.0, 0.0, 1.0, 2.0]
    assert number.values.tolist() == NUMBERS
    assert pair.names == ("x", "y")


def test_both_columns_keep_the_rows_that_neither_lacks():
    x, y = [None, "a", "b", "c", "a"], [0.5, 1.5, None, 3.5, 4.5]
    for pair in (
        read_pair(x, y, None, "drop"),
        read_pair("x", "y", {"x": x, "y": y}, "drop"),
    ):
        first, second = pair.columns
        assert first.values.tolist() == [0.0, 2.0, 0.0]
        assert second.values.tolist() == [1.5, 3.5, 4.5]
        assert first.notes == ("2 rows with missing values were left out",)


def test_the_number_of_rows_left_out_counts_the_last_row():
    first, _ = read_pair([1.5, None, 2.5, None], [0.5, 1.5, 2.5, None], None, "drop").columns
    assert first.notes == ("2 rows with missing values were left out",)


def test_groups_of_columns():
    pair = read_pair(np.array([[1.5, 2.0], [3.0, 4.0]]), [1, 2], None, "error")
    first, second = pair.columns
    assert first.values.tolist() == [[1.5, 2.0], [3.0, 4.0]]
    assert not first.discrete
    assert second.discrete


def test_pairs_that_are_refused():
    with pytest.raises(DataError, match="x and y are both 'a'"):
        read_pair("a", "a", {"a": NUMBERS}, "error")
    with pytest.raises(DataError, match="names of two of its columns"):
        read_pair("a", NUMBERS, {"a": NUMBERS}, "error")
    with pytest.raises(DataError, match='4 rows and column "y" 3: the rows of both have to'):
        read_pair(NUMBERS, NAMES[:3], None, "error")


def test_values_seen_often_are_repeated():
    few = read_pair([1.0, 2.0] * 20, [0.5] * 40, None, "error").columns[0]
    assert few.repeated  # 2 values in 40 rows: each 20 times
    assert not read_pair([1.0, 2.0] * 19, [0.5] * 38, None, "error").columns[0].repeated


def test_a_stream_is_the_same_as_memory(tmp_path, monkeypatch):
    path = tmp_path / "t.csv"
    path.write_text("a,b\n" + "".join(f"{n},{v}\n" for n, v in zip(NAMES, NUMBERS, strict=True)))
    monkeypatch.setattr("kullback.data.open.IN_MEMORY_BYTES", 0)
    first, second = read_pair("a", "b", str(path), "error").columns
    assert first.values.tolist() == [1.0, 0.0, 1.0, 2.0]
    assert second.values.tolist() == NUMBERS


def test_gaps_in_a_pair_of_a_stream_are_refused(tmp_path, monkeypatch):
    path = tmp_path / "t.csv"
    path.write_text("a,b\n0.5,1.5\n,2.5\n3.5,4.5\n")
    monkeypatch.setattr("kullback.data.open.IN_MEMORY_BYTES", 0)
    with pytest.raises(DataError, match="has missing values, and is too large"):
        read_pair("a", "b", str(path), "drop")
