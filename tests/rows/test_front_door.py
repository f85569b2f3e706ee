"""Ends of outcomes and windows, from every kind of source: the rows that a sample then holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy import stats

import kullback as kl
from kullback.data import Exact, Roles, open_sample, stream
from kullback.data.observation import Event, Observed, Window

N = 400


def table() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(5)
    time, end = rng.weibull(1.5, N) * 3.0, rng.uniform(0.0, 8.0, N)
    entry = np.where(rng.uniform(size=N) < 0.5, 0.5 * np.minimum(time, end), np.nan)
    lower = np.where(rng.uniform(size=N) < 0.2, np.nan, np.floor(2.0 * time) / 2.0)
    return {
        "time": np.minimum(time, end),
        "died": (time <= end).astype(float),
        "entry": entry,
        "lower": lower,
        "upper": np.floor(2.0 * time) / 2.0 + 0.5,
        "n": rng.integers(1, 4, N).astype(float),
    }


def sources(folder: Path) -> dict[str, Any]:
    columns = table()
    frame = pd.DataFrame(columns)
    polars = pl.DataFrame(columns).with_columns(pl.all().fill_nan(None))
    frame.to_csv(folder / "t.csv", index=False)
    polars.write_parquet(folder / "t.parquet", row_group_size=97)
    return {
        "mapping": columns,
        "pandas": frame,
        "polars": polars,
        "arrow": polars.to_arrow(),
        "csv": str(folder / "t.csv"),
        "parquet": str(folder / "t.parquet"),
        "stream": pa.RecordBatchReader.from_batches(
            polars.to_arrow().schema, polars.to_arrow().to_batches(max_chunksize=61)
        ),
        "lazy": polars.lazy(),
    }


ROLES = {
    "event": {"y": "time", "event": "died"},
    "pair": {"y": ("lower", "upper")},
    "window": {"y": "time", "truncation": ("entry", None)},
    "all": {"y": "time", "event": "died", "truncation": ("entry", 9.0), "weights": "n"},
}


def rows_of(sample: Any) -> dict[Any, dict[str, np.ndarray]]:
    """The fields, weights and numbers of the rows of each kind, in their order."""
    found: dict[Any, list[Any]] = {}
    for chunk in sample.chunks():
        found.setdefault(chunk.kind, []).append(chunk)
    rows = {}
    for kind, chunks in found.items():
        rows[kind] = {n: np.concatenate([c.fields[n] for c in chunks]) for n in kind.fields}
        rows[kind]["row"] = np.concatenate([c.rows for c in chunks])
        weights = [np.ones(c.count) if c.weight is None else c.weight for c in chunks]
        rows[kind]["w"] = np.concatenate(weights)
    return rows


@pytest.mark.parametrize("in_memory", [True, False])
@pytest.mark.parametrize("role", ROLES)
def test_every_source_gives_the_same_rows(tmp_path: Path, role: str, *, in_memory: bool) -> None:
    roles = ROLES[role]
    expected = None
    for name, data in sources(tmp_path).items():
        found = rows_of(open_sample(data, Roles(**roles), in_memory=in_memory))
        expected = expected or found
        assert found.keys() == expected.keys(), name
        for kind, fields in expected.items():
            for field, values in fields.items():
                np.testing.assert_array_equal(found[kind][field], values, err_msg=name)


def test_the_kinds_and_their_ends() -> None:
    columns = table()
    found = rows_of(open_sample(columns, Roles(**ROLES["all"])))
    died, entered = columns["died"] == 1.0, np.isfinite(columns["entry"])
    # a row that lay below 9 and was still alive at its end lies between the two
    for event, seen in ((Event.EXACT, died), (Event.INTERVAL, ~died)):
        for window, late in ((Window.BOTH, entered), (Window.UPPER, ~entered)):
            rows = np.flatnonzero(seen & late)
            part = found.pop(Observed(event, window))
            np.testing.assert_array_equal(part["row"], rows)
            lower = part["y" if event == Event.EXACT else "y.lower"]
            np.testing.assert_array_equal(lower, columns["time"][rows])
            np.testing.assert_array_equal(part["window.upper"], 9.0)
            np.testing.assert_array_equal(part["w"], columns["n"][rows])
            if window == Window.BOTH:
                np.testing.assert_array_equal(part["window.lower"], columns["entry"][rows])
            if event == Event.INTERVAL:
                np.testing.assert_array_equal(part["y.upper"], 9.0)
    assert not found


def test_equal_ends_are_exact_and_infinite_ones_none() -> None:
    ends = {"a": [1.0, 2.0, -np.inf, 3.0, 2.0], "b": [1.0, 4.0, 5.0, np.inf, 2.0]}
    found = rows_of(open_sample(ends, Roles(y=("a", "b"))))
    assert found[Exact()]["y"].tolist() == [1.0, 2.0]
    assert found[Observed(Event.INTERVAL)]["y.upper"].tolist() == [4.0]
    assert found[Observed(Event.LEFT)]["y.upper"].tolist() == [5.0]
    assert found[Observed(Event.RIGHT)]["y.lower"].tolist() == [3.0]


def test_arrays_without_a_table() -> None:
    time, died = np.array([1.0, 2.0, 3.0, 4.0]), np.array([True, False, True, True])
    fit = kl.fit(kl.Exponential(), time, event=died, truncation=([0.5, 0.0, 1.0, 0.0], None))
    # events over the time at risk
    assert fit.params["rate"] == pytest.approx(3.0 / (10.0 - 1.5), rel=1e-12)
    assert fit.stderr["rate"] == pytest.approx(3.0 / 8.5 / np.sqrt(3.0), rel=1e-9)


def test_missing_ends_and_dropped_rows() -> None:
    ends = {"a": [1.0, np.nan, np.nan, 2.0], "b": [2.0, 3.0, np.nan, np.nan]}
    with pytest.raises(kl.DataError, match='1 missing value in column "a" and column "b": row 2'):
        open_sample(ends, Roles(y=("a", "b")))
    sample = open_sample(ends, Roles(y=("a", "b"), missing="drop"))
    assert sample.dropped == 1
    found = rows_of(sample)
    assert found[Observed(Event.LEFT)]["row"].tolist() == [1]
    assert found[Observed(Event.RIGHT)]["row"].tolist() == [3]


@pytest.mark.parametrize(
    ("columns", "roles", "message"),
    [
        ({"a": [2.0], "b": [1.0]}, {"y": ("a", "b")}, "lower end above the upper one: row 0"),
        (
            {"a": [-np.inf], "b": [np.inf]},
            {"y": ("a", "b")},
            "have no end, and say nothing of the outcome",
        ),
        ({"a": [1.0], "e": [2.0]}, {"y": "a", "event": "e"}, r"1 value of column \"e\" .* row 0"),
        (
            {"a": [1.0, 5.0], "e": [2.0, 3.0]},
            {"y": "a", "truncation": ("e", None)},
            r"1 row of column \"a\" lie outside their window: row 0; the first goes from 1 to 1, "
            "in a window from 2 to inf",
        ),
        (
            {"a": [1.0]},
            {"y": "a", "truncation": (3.0, 2.0)},
            "window whose lower end is above its upper one",
        ),
        (
            {"a": [2.0], "e": [0.0]},
            {"y": "a", "event": "e", "truncation": (None, 2.0)},
            "leave nothing between their ends and those of the window",
        ),
        ({"a": [1.0]}, {"y": "a", "truncation": 3.0}, "must be the two ends of a window"),
        ({"a": [1.0], "b": [1.0]}, {"y": ("a", "b"), "event": "a"}, "leave event out"),
        ({"a": [1.0]}, {"y": "a", "event": "gone"}, 'there is no column "gone"'),
        ({"a": [1.0, 2.0]}, {"y": "a", "event": [1]}, "event has 1"),
    ],
)
def test_what_cannot_be_is_refused(columns: Any, roles: Any, message: str) -> None:
    with pytest.raises(kl.DataError, match=message):
        open_sample({k: np.array(v) for k, v in columns.items()}, Roles(**roles))


def test_rounded_values_are_cells() -> None:
    sample = open_sample({"a": np.array([1.0, 2.5])}, Roles(y="a", rounding=0.5))
    found = rows_of(sample)[Observed(Event.INTERVAL)]
    assert found["y.lower"].tolist() == [0.75, 2.25]
    assert found["y.upper"].tolist() == [1.25, 2.75]


def test_counts_are_censored_with_their_ends() -> None:
    # X ≥ 3 of a Poisson count is P(X > 2), X ≤ 3 its distribution function; SciPy's
    counts = {"n": [0.0, 1.0, 3.0, 3.0], "seen": [1.0, 1.0, 0.0, -1.0]}
    fit = kl.fit(kl.Poisson(rate=1.7), counts, "n", event="seen")
    law = stats.poisson(1.7)
    expected = law.logpmf([0, 1]).sum() + law.logsf(2) + law.logcdf(3)
    assert fit.log_likelihood == pytest.approx(expected, rel=1e-13)
    ends = {"low": [1.0, 2.0], "high": [3.0, 2.0]}
    fit = kl.fit(kl.Poisson(rate=1.7), ends, ("low", "high"), truncation=(1, None))
    expected = np.log(law.pmf([1, 2, 3]).sum()) + law.logpmf(2) - 2.0 * law.logsf(0)
    assert fit.log_likelihood == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize("role", ["all"])
def test_the_same_bits_streamed_and_in_any_row_groups(tmp_path: Path, role: str) -> None:
    columns = table()
    large = {name: np.tile(values, 300) for name, values in columns.items()}
    plain = kl.fit(kl.Exponential(), large, **ROLES[role])
    polars = pl.DataFrame(large).with_columns(pl.all().fill_nan(None))
    for size in (10_007, 65_536):
        polars.write_parquet(tmp_path / "big.parquet", row_group_size=size)
        streamed = kl.fit(
            kl.Exponential(),
            str(tmp_path / "big.parquet"),
            engine=kl.StreamingEngine,
            **ROLES[role],
        )
        assert streamed.params == plain.params
        assert streamed.log_likelihood == plain.log_likelihood


def test_events_are_not_lost_where_they_cannot_be_used() -> None:
    columns = {"y": np.array([1.0, 2.0, 3.0]), "seen": np.array([1, 0, 1]), "x": np.arange(3.0)}
    network = kl.Normal(loc=kl.MLP(), scale=1.0)
    with pytest.raises(kl.ModelError, match="trained on exact rows: leave out event, trunc"):
        kl.fit(network, columns, "y", event="seen")
    for window in (("x", None), (None, "x")):
        with pytest.raises(kl.DataError, match=r'truncation\[\d\]="x" names a column'):
            kl.fit(kl.Exponential(), columns["y"], truncation=window)


def test_large_parts_are_read_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "_PIECE", 50)
    columns = table()
    roles = Roles(**ROLES["all"])
    expected = rows_of(open_sample(columns, roles))
    frame = pl.DataFrame(columns).with_columns(pl.all().fill_nan(None))
    frame.write_parquet(tmp_path / "t.parquet")
    found = rows_of(open_sample(str(tmp_path / "t.parquet"), roles, in_memory=False))
    assert found.keys() == expected.keys()
    for kind, fields in expected.items():
        for field, values in fields.items():
            np.testing.assert_array_equal(found[kind][field], values)
    wrong = {**columns, "died": np.where(np.arange(N) == 310, 7.0, columns["died"])}
    pl.DataFrame(wrong).with_columns(pl.all().fill_nan(None)).write_parquet(tmp_path / "w.parquet")
    with pytest.raises(kl.DataError, match=r"row 310 \(7.0\)"):
        rows_of(open_sample(str(tmp_path / "w.parquet"), roles, in_memory=False))
