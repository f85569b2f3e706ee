"""Groups of files and streams in bounded memory: the bits of the same rows in memory."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import kullback as kl
from kullback.models.linear import Linear

RNG = np.random.default_rng(17)
SIZES = [1, 99, 100, 129, 3, 40, 17, 64] * 3


def sample(order: str) -> pd.DataFrame:
    """Groups of these sizes, one of which has a row that a Weibull cannot have."""
    frame = pd.DataFrame({"machine": np.repeat(np.arange(len(SIZES)), SIZES)})
    frame["plant"] = np.array(["b", "a"])[frame["machine"] % 2]
    frame["y"] = 3.0 * RNG.weibull(1.5, len(frame))
    frame["n"] = RNG.integers(0, 3, len(frame))
    frame.loc[frame["machine"] == 9, "y"] *= -1.0
    if order == "scattered":
        return frame.sample(frac=1.0, random_state=1)
    by = ["plant", "machine"]
    return frame.sort_values(by, ascending=order == "sorted", kind="stable")


@pytest.fixture(autouse=True)
def streamed(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Nothing is small enough for memory."""
    monkeypatch.setattr("kullback.groups.open.IN_MEMORY_BYTES", 0)
    monkeypatch.setattr("kullback.data.spill.MEMORY_BYTES", 0)
    return monkeypatch


def written(frame: pd.DataFrame, kind: str, path: Path, rows: int) -> Any:
    """The rows as a file, or as an Arrow stream, in groups or batches of so many rows."""
    if kind == "csv":
        frame.to_csv(path / "a.csv", index=False)
        return path / "a.csv"
    if kind == "parquet":
        frame.to_parquet(path / "a.parquet", index=False, row_group_size=rows)
        return path / "a.parquet"
    table = pa.Table.from_pandas(frame, preserve_index=False)
    return pa.RecordBatchReader.from_batches(table.schema, table.to_batches(rows))


@pytest.mark.parametrize("order", ["sorted", "together", "scattered"])
@pytest.mark.parametrize("kind", ["parquet", "csv", "stream"])
@pytest.mark.parametrize(("rows", "batch"), [(50, 1), (7, 150), (1_000, 2**20)])
def test_the_fits_are_those_in_memory(
    order: str, kind: str, rows: int, batch: int, tmp_path: Path, streamed: pytest.MonkeyPatch
) -> None:
    frame, by = sample(order), ["plant", "machine"]
    expected = kl.fit(kl.Weibull(), frame.reset_index(drop=True), "y", by=by, weights="n")
    streamed.setattr("kullback.groups.stream.BATCH_ROWS", batch)
    streamed.setattr("kullback.data.spill.GROUP_BYTES", rows * 20)
    data = written(frame, kind, tmp_path, rows)
    table = kl.fit(kl.Weibull(), data, "y", by=by, weights="n")
    assert table == expected
    pd.testing.assert_frame_equal(table.to_frame(), expected.to_frame(), check_exact=True)
    assert ("not together" in repr(table)) == (order == "scattered")
    for key in [("a", 1), ("b", 2)]:  # read again
        assert table[key].params == expected[key].params
        assert table[key].stderr == expected[key].stderr
        assert table[key].log_likelihood == expected[key].log_likelihood
    with pytest.raises(kl.DataError, match=r"group \('a', 9\) could not be fitted: .* row \d+ \("):
        table["a", 9]


@pytest.mark.parametrize("batch", [10, 2**20])
def test_a_group_that_comes_again_is_one_group(
    batch: int, tmp_path: Path, streamed: pytest.MonkeyPatch
) -> None:
    streamed.setattr("kullback.groups.stream.BATCH_ROWS", batch)
    y = RNG.gamma(2.0, 1.0, 120)
    frame = pd.DataFrame({"k": np.repeat([1, 2, 3, 1], 30), "y": y})
    frame.to_parquet(tmp_path / "a.parquet", index=False, row_group_size=30)
    table = kl.fit(kl.Gamma(), tmp_path / "a.parquet", "y", by="k")
    assert list(table) == [1, 2, 3]
    assert table.n.tolist() == [60.0, 30.0, 30.0]
    assert table == kl.fit(kl.Gamma(), frame, "y", by="k")


def test_files_are_read_in_order_and_rows_are_named(tmp_path: Path) -> None:
    frame = pd.DataFrame({"k": np.repeat(["a", "b", "c"], 20), "y": RNG.gamma(2.0, 1.0, 60)})
    frame.loc[45, "y"] = -1.0
    frame[:30].to_parquet(tmp_path / "1.parquet", index=False)
    frame[30:].to_parquet(tmp_path / "2.parquet", index=False)
    table = kl.fit(kl.Gamma(), str(tmp_path / "*.parquet"), "y", by="k")
    expected = kl.fit(kl.Gamma(), frame, "y", by="k")
    assert table.log_likelihood[:2].tolist() == expected.log_likelihood[:2].tolist()
    assert f"row 15 of {tmp_path / '2.parquet'} (-1.0)" in table.reason[2]
    frame.loc[50, "k"] = None
    frame[30:].to_parquet(tmp_path / "2.parquet", index=False)
    with pytest.raises(kl.DataError, match=r'1 missing key in column "k": row 20 of .*2\.parquet'):
        kl.fit(kl.Gamma(), str(tmp_path / "*.parquet"), "y", by="k")


def test_missing_outcomes_are_dropped_as_in_memory(tmp_path: Path) -> None:
    frame = sample("sorted").reset_index(drop=True)
    frame.loc[(frame.index % 5 == 0) | (frame["machine"] == 4), "y"] = np.nan
    frame.to_parquet(tmp_path / "a.parquet", index=False, row_group_size=100)
    table = kl.fit(kl.Weibull(), tmp_path / "a.parquet", "y", by="machine", missing="drop")
    assert table == kl.fit(kl.Weibull(), frame, "y", by="machine", missing="drop")
    assert 4 not in table


def test_models_with_covariates_are_streamed_too(tmp_path: Path) -> None:
    frame = pd.DataFrame({"k": np.arange(120) % 3, "x": RNG.normal(size=120)})
    frame["y"] = RNG.integers(0, 2, 120)
    frame.to_parquet(tmp_path / "a.parquet", index=False, row_group_size=50)
    model = kl.Bernoulli(logit=Linear(("x",)))
    table = kl.fit(model, tmp_path / "a.parquet", "y", by="k")
    assert table == kl.fit(model, frame, "y", by="k")


def test_progress_names_the_rows(tmp_path: Path, streamed: pytest.MonkeyPatch) -> None:
    streamed.setattr("kullback.groups.stream.BATCH_ROWS", 40)
    frame = pd.DataFrame({"k": np.repeat([1, 2, 3], 30), "y": RNG.gamma(2.0, 1.0, 90)})
    frame.to_parquet(tmp_path / "a.parquet", index=False, row_group_size=10)
    seen: list[int] = []
    kl.fit(
        kl.Gamma(),
        tmp_path / "a.parquet",
        "y",
        by="k",
        progress=lambda progress: seen.append(progress.rows),
    )
    assert seen == [30, 60, 90]


def test_a_streamed_table_pickles(tmp_path: Path) -> None:
    frame = sample("sorted")
    frame.to_parquet(tmp_path / "a.parquet", index=False)
    table = kl.fit(kl.Weibull(), tmp_path / "a.parquet", "y", by="machine")
    copy = pickle.loads(pickle.dumps(table))
    assert copy == table
    assert copy[2] == table[2]


def test_a_small_stream_is_grouped_in_memory() -> None:
    frame = pd.DataFrame({"x": [0.5, 1.5, 2.0, 0.3, 0.9], "g": list("ababa")})
    reader = pa.Table.from_pandas(frame).to_reader()
    streamed = kl.fit(kl.Exponential(), reader, "x", by="g")
    # the rate of each group is one over its mean
    assert streamed["a"].params["rate"] == pytest.approx(3 / 3.4, rel=1e-12)
    assert streamed["b"].params["rate"] == pytest.approx(2 / 1.8, rel=1e-12)


@pytest.mark.parametrize("kind", ["parquet", "csv", "stream"])
@pytest.mark.parametrize("batch", [1, 300])
def test_regressions_are_those_in_memory(
    kind: str, batch: int, tmp_path: Path, streamed: pytest.MonkeyPatch
) -> None:
    frame = pd.DataFrame({"g": np.repeat(np.arange(4), [80, 150, 60, 130])})
    frame["x"] = RNG.normal(size=len(frame))
    frame["colour"] = RNG.choice(["red", "blue"], len(frame))
    frame["y"] = RNG.poisson(np.exp(0.5 + 0.3 * frame["x"] + 0.2 * frame["g"]))
    model = kl.Poisson(rate="~ x + colour")
    with pytest.MonkeyPatch.context() as memory:
        memory.setattr("kullback.groups.open.IN_MEMORY_BYTES", 2**20)
        expected = kl.fit(model, frame, "y", by="g")
    streamed.setattr("kullback.groups.stream.BATCH_ROWS", batch)
    found = kl.fit(model, written(frame, kind, tmp_path, 50), "y", by="g")
    assert found.converged.all()
    for own, other in ((found.params, expected.params), (found.stderr, expected.stderr)):
        for label, numbers in other["rate"].items():
            # the same bits: each group starts from its own rows
            np.testing.assert_array_equal(own["rate"][label], numbers)
    np.testing.assert_array_equal(found.log_likelihood, expected.log_likelihood)
