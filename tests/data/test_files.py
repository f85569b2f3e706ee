"""CSV and Parquet files: the same rows, streamed or in memory, whatever the files are cut into."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kullback.data import Roles, RowSource, blocks, csv_files, files, open_sample, parquet_files
from kullback.data.stream import Part

pytestmark = pytest.mark.usefixtures("folder")


def parquet(name: str, columns: dict[str, Any], row_group_size: int = 1000) -> None:
    pq.write_table(pa.table(columns), name, row_group_size=row_group_size)


def rows(sample: RowSource) -> dict[str, list[float]]:
    """All rows of one pass, with their weights and their numbers."""
    found: dict[str, list[float]] = {"weight": [], "number": []}
    for chunk in sample.chunks():
        for name, values in chunk.fields.items():
            found.setdefault(name, []).extend(values.tolist())
        found["weight"] += [1.0] * chunk.count if chunk.weight is None else chunk.weight.tolist()
        found["number"] += (
            list(range(chunk.first_row, chunk.first_row + chunk.count))
            if chunk.rows is None
            else chunk.rows.tolist()
        )
    return found


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    row_group_size=st.integers(1, 70),
    piece=st.sampled_from([1, 8, 64, 10**6]),
    split=st.integers(0, 60),
    drop=st.booleans(),
)
def test_any_row_groups_and_files_give_the_same_blocks(
    row_group_size: int, piece: int, split: int, drop: bool
) -> None:
    generator = np.random.default_rng(split)
    columns = {name: generator.normal(size=60) for name in ("loss", "age")}
    columns["n"] = generator.integers(0, 5, size=60).astype(float)
    if drop:
        columns["age"][generator.permutation(60)[:7]] = np.nan
    options: dict[str, Any] = {"y": "loss", "columns": ["age"], "weights": "n", "missing": "drop"}
    parquet("a.parquet", {name: held[:split] for name, held in columns.items()}, row_group_size)
    parquet("b.parquet", {name: held[split:] for name, held in columns.items()}, row_group_size)
    with pytest.MonkeyPatch.context() as patch:
        # Row groups larger than this are read in pieces.
        patch.setattr(parquet_files, "PART_BYTES", 8 * 3 * piece)
        streamed = open_sample("?.parquet", Roles(**options), in_memory=False)
        for _ in range(2):
            expected = list(blocks(open_sample(columns, Roles(**options)).chunks(), 16))
            for sample in (streamed, open_sample("?.parquet", Roles(**options), in_memory=True)):
                assert sample.in_memory is not (sample is streamed)
                found = list(blocks(sample.chunks(), 16))
                assert sample.dropped == 7 * drop
                for block, other in zip(found, expected, strict=True):
                    assert block.count == other.count
                    assert block.weight.tobytes() == other.weight.tobytes()
                    for name in ("y", "age"):
                        assert block.fields[name].tobytes() == other.fields[name].tobytes()
                    for position in range(block.count):
                        assert block.row_number(position) == other.row_number(position)


@pytest.mark.parametrize("in_memory", [True, False])
def test_columns_of_every_type(in_memory: bool) -> None:
    numbers = [1, None, 0]
    columns = {
        "float": pa.array(numbers, pa.float64()),
        "short": pa.array([np.float16(1), None, np.float16(0)], pa.float16()),
        "int": pa.array(numbers, pa.int32()),
        "unsigned": pa.array(numbers, pa.uint64()),
        "bool": pa.array([True, None, False]),
        "decimal": pa.array(["1", None, "0"]).cast(pa.decimal128(5, 2)),
        "dictionary": pa.array([1.0, None, 0.0]).dictionary_encode(),
    }
    parquet("a.parquet", columns, 2)
    for name in columns:
        found = rows(open_sample("a.parquet", Roles(y=name, missing="drop"), in_memory=in_memory))
        assert (found["y"], found["number"]) == ([1.0, 0.0], [0, 2])


@pytest.mark.parametrize("in_memory", [True, False])
def test_a_csv_file(in_memory: bool) -> None:
    Path("a.csv").write_text('loss,age,"the n"\n1,30,2\n2.5,,1\n" 3",50,0\n\n-1e-3,60,1\n')
    sample = open_sample(
        "a.csv",
        Roles(y="loss", columns=["age"], weights="the n", missing="drop"),
        in_memory=in_memory,
    )
    found = rows(sample)
    assert found == {
        "y": [1.0, 3.0, -1e-3],
        "age": [30.0, 50.0, 60.0],
        "weight": [2.0, 0.0, 1.0],
        "number": [0, 2, 3],
    }
    assert sample.dropped == 1
    assert sample.describe_source() == "a.csv"


@pytest.mark.parametrize("in_memory", [True, False])
def test_a_csv_file_of_several_blocks(in_memory: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_files, "CSV_BLOCK_BYTES", 512)
    monkeypatch.setattr(csv_files, "CSV_HEAD_BYTES", 512)
    # Whole numbers at first: the type found there must not hold for the rest.
    written = [*map(str, range(1000)), "0.5", "NA", "1e300"]
    Path("a.csv").write_text("x\n" + "\n".join(written) + "\n")
    found = rows(open_sample("a.csv", Roles(missing="drop"), in_memory=in_memory))
    assert found["y"] == [*range(1000), 0.5, 1e300]
    assert found["number"] == [*range(1001), 1002]


def test_numbers_in_csv_files_are_the_nearest_doubles(tmp_path: Path) -> None:
    # Python's own repr and float are the reference: they are exact.
    values = np.random.default_rng(1).normal(size=300) * 10.0 ** np.arange(-150, 150)
    (tmp_path / "a.csv").write_text("x\n" + "\n".join(map(repr, values.tolist())))
    assert rows(open_sample(tmp_path / "a.csv"))["y"] == values.tolist()


@pytest.mark.parametrize("in_memory", [True, False])
@pytest.mark.parametrize(
    ("written", "levels", "codes"),
    [
        (["b", "a", "", "b"], ("a", "b"), [1, 0, 1]),
        (["10", "9", "NA", "10"], (9, 10), [1, 0, 1]),
        (["1.5", "-2", "", "1.5"], (-2, 1.5), [1, 0, 1]),
        (["01", "1", "", "01"], ("01", "1"), [0, 1, 0]),  # not a number in its usual form
        (["2", "a", "", "10"], ("10", "2", "a"), [1, 2, 0]),
    ],
)
def test_labels_in_a_csv_file(
    in_memory: bool, written: list[str], levels: tuple[Any, ...], codes: list[int]
) -> None:
    Path("a.csv").write_text("x,g\n" + "".join(f"1,{label}\n" for label in written))
    sample = open_sample(
        "a.csv", Roles(y="g", outcome="label", missing="drop"), in_memory=in_memory
    )
    assert rows(sample)["y"] == codes
    assert sample.levels == levels
    assert list(map(type, sample.levels)) == list(map(type, levels))
    assert sample.dropped == 1


@pytest.mark.parametrize("in_memory", [True, False])
@pytest.mark.parametrize(
    ("labels", "levels", "codes"),
    [
        (["b", "a", None, "c"], ("a", "b", "c"), [1, 0, 2]),
        ([10, 9, None, 11], (9, 10, 11), [1, 0, 2]),
        ([0.5, -0.5, None, 0.0], (-0.5, 0.0, 0.5), [2, 0, 1]),
        ([True, False, None, True], (False, True), [1, 0, 1]),
        (pa.array(["b", "a", None, "c"]).dictionary_encode(), ("a", "b", "c"), [1, 0, 2]),
    ],
)
def test_labels_in_a_parquet_file(
    in_memory: bool, labels: Any, levels: tuple[Any, ...], codes: list[int]
) -> None:
    # In row groups of one row no group holds all labels.
    parquet("a.parquet", {"g": labels, "x": [0.0, 1.0, 2.0, 3.0]}, 1)
    sample = open_sample(
        "a.parquet",
        Roles(y="g", columns=["x"], outcome="label", missing="drop"),
        in_memory=in_memory,
    )
    found = rows(sample)
    assert sample.levels == levels
    assert (found["y"], found["x"]) == (codes, [0.0, 1.0, 3.0])


def test_files_are_read_into_memory_up_to_a_size(monkeypatch: pytest.MonkeyPatch) -> None:
    parquet("a.parquet", {"x": np.arange(1000.0), "z": np.arange(1000.0)})
    Path("a.csv").write_text("x\n" + "1\n" * 4000)
    for limit, name, in_memory in [
        (8000, "a.parquet", True),
        (7999, "a.parquet", False),
        (8002, "a.csv", True),
        (8001, "a.csv", False),
    ]:
        monkeypatch.setattr("kullback.data.open.IN_MEMORY_BYTES", limit)
        assert open_sample(name, Roles(y="x")).in_memory is in_memory


def test_paths_patterns_and_lists_of_them() -> None:
    os.makedirs("2024/05")
    for number, name in enumerate(["2024/b.parquet", "2024/a.parquet", "2024/05/c.PQ", "a[1].pq"]):
        parquet(name, {"x": [float(number)]})
    Path("2024/note.txt").write_text("not a table")
    for given_, expected in [
        ("2024/a.parquet", [1]),
        (Path("2024/a.parquet"), [1]),
        ("2024/*.parquet", [1, 0]),  # sorted by name
        ("20*/**/*.[pP]*", [2, 1, 0]),
        (["2024/b.parquet", "2024/a.parquet"], [0, 1]),  # in the given order
        ([Path("2024/05/c.PQ"), Path("2024/a.parquet")], [2, 1]),
        ("a[1].pq", [3]),  # a file of that very name
    ]:
        assert rows(open_sample(given_))["y"] == expected, given_


@pytest.mark.parametrize("in_memory", [True, False])
def test_the_description_of_the_source_and_the_place_of_a_row(in_memory: bool) -> None:
    parquet("a.parquet", {"x": np.arange(10.0)}, 4)
    parquet("b.parquet", {"x": np.arange(5.0)}, 4)
    for given_, words, place in [
        ("a.parquet", "a.parquet (3 row groups)", "row 9"),
        ("*.parquet", "*.parquet (2 files, 5 row groups)", "row 9 of a.parquet"),
        (
            ["b.parquet", "a.parquet"],
            "b.parquet and a.parquet (2 files, 5 row groups)",
            "row 4 of a.parquet",
        ),
    ]:
        sample = open_sample(given_, in_memory=in_memory)
        assert sample.describe_source() == words
        rows(sample)
        assert sample.locate(9) == place
    assert sample.locate(4) == "row 4 of b.parquet"
    Path("a.csv").write_text("x\n1\n")
    Path("b.csv").write_text("x\n1\n2\n")
    sample = open_sample("?.csv", in_memory=in_memory)
    rows(sample)
    assert sample.locate(2) == "row 1 of b.csv"


def test_parts_of_a_large_row_group_are_small() -> None:
    parquet("a.parquet", {"x": np.zeros(300_000), "z": np.zeros(300_000)}, 300_000)
    held = files.open_files(["a.parquet"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parquet_files, "PART_BYTES", 100_000 * 8)
        counts = [part.count for part in held.parts(("x",))]
        both = [part.count for part in held.parts(("x", "z"))]
    assert sum(counts) == sum(both) == 300_000
    assert max(counts) <= 100_000
    assert max(both) <= 50_000
    assert isinstance(next(held.parts(("x",))), Part)
