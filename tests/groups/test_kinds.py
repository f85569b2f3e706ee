"""Groups of censored, truncated and interval rows: each as its own fit, whatever lies beside it.

Expected values are those of ``kl.fit`` on the rows of a group alone (which tests/rows compare with
other programs).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import kullback as kl

ROLES: dict[str, Any] = {"y": ("lower", "upper"), "truncation": ("entry", None)}
KINDS = ("exact", "right", "left", "interval", "windows", "mixed")
SIZES = (1, 99, 100, 129)

# From one starting point a group takes the steps of its own fit.
ERRORS = 1e-12


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder that command lines run in."""
    return tmp_path


def rows_of(kind: str, times: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    """Rows that were observed in one way, or each in a way of its own."""
    n, u = times.size, rng.uniform(size=times.size)
    lower, upper = times.copy(), times.copy()
    entry = np.full(n, np.nan)
    how = np.array([kind] * n)
    if kind == "mixed":
        how = rng.choice(["exact", "right", "left", "interval", "windows"], n)
    some = u < 0.3
    lower[(how == "right") & some] *= u[(how == "right") & some] / 0.3
    upper[(how == "right") & some] = np.inf
    lower[(how == "left") & some] = -np.inf
    upper[(how == "left") & some] += u[(how == "left") & some]
    cells = how == "interval"
    lower[cells], upper[cells] = (
        np.floor(4.0 * times[cells]) / 4.0,
        (np.floor(4.0 * times[cells]) + 1.0) / 4.0,
    )
    seen = how == "windows"
    entry[seen & some] = 0.5 * times[seen & some]
    return pd.DataFrame({"lower": lower, "upper": upper, "entry": entry})


def sample(seed: int, repeats: int = 1) -> pd.DataFrame:
    """Groups of every kind and size, their rows in any order."""
    rng = np.random.default_rng(seed)
    groups = [(kind, size) for kind in KINDS for size in SIZES] * repeats
    frames = [
        rows_of(kind, 3.0 * rng.weibull(1.5, size) + 0.01, rng).assign(machine=number)
        for number, (kind, size) in enumerate(groups)
    ]
    frame = pd.concat(frames, ignore_index=True)
    frame["n"] = rng.integers(0, 4, len(frame))
    return frame.sample(frac=1.0, random_state=1).reset_index(drop=True)


def alone(model: kl.Model, rows: pd.DataFrame, weights: str | None) -> kl.Fit | str:
    try:
        return kl.fit(model, rows.drop(columns="machine"), weights=weights, **ROLES)
    except kl.KullbackError as error:
        return str(error)


@pytest.mark.parametrize(
    ("model", "weights"), [(kl.Weibull(), None), (kl.Weibull(), "n"), (kl.Exponential(), "n")]
)
def test_a_group_is_fitted_as_its_rows_alone(model: kl.Model, weights: str | None) -> None:
    frame = sample(3)
    table = kl.fit(model, frame, by="machine", weights=weights, **ROLES)
    fitted = 0
    for i, key in enumerate(table):
        expected = alone(model, frame[frame["machine"] == key], weights)
        if isinstance(expected, str):
            assert not table.converged[i]
            assert np.isnan(table.log_likelihood[i])
            continue
        fit = table[key]
        assert fit.convergence.reason == expected.convergence.reason == table.reason[i]
        assert fit.convergence.converged == expected.convergence.converged == table.converged[i]
        assert fit.convergence.solver == expected.convergence.solver
        assert fit.convergence.bounds == expected.convergence.bounds
        assert fit.n == expected.n == table.n[i]
        assert fit.sample_info.inexact == expected.sample_info.inexact
        if not expected.convergence.converged:  # the last point is any
            continue
        fitted += 1
        assert table.log_likelihood[i] == pytest.approx(expected.log_likelihood, rel=1e-12)
        for name, value in expected.params.items():
            assert table.params[name][i] == pytest.approx(value, rel=1e-12)
            assert table.stderr[name][i] == pytest.approx(expected.stderr[name], rel=ERRORS)
            assert fit.params[name] == table.params[name][i]
        sandwich = fit.covariance("sandwich"), expected.covariance("sandwich")
        # the products of scores, at points that differ by the last step of a search; of one row
        # they are zero but for rounding
        least = 1e-12 * float(np.max(np.abs(expected.covariance())))
        np.testing.assert_allclose(*sandwich, rtol=1e-8, atol=least)
    assert fitted >= 17  # all but those of one row


@pytest.mark.parametrize("model", [kl.Weibull(), kl.Gamma()], ids=repr)
def test_the_bits_of_a_group_do_not_depend_on_anything_beside_it(
    model: kl.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = sample(5, repeats=2)
    if isinstance(model, kl.Gamma):  # one kind of program is enough of its incomplete functions
        frame = frame[frame["machine"] % len(KINDS * len(SIZES)) < 2 * len(SIZES)]
    whole = kl.fit(model, frame, by="machine", weights="n", **ROLES).to_frame()
    whole = whole.set_index("machine").drop(columns="reason")

    def same(rows: pd.DataFrame) -> None:
        found = kl.fit(model, rows, by="machine", weights="n", **ROLES).to_frame()
        found = found.set_index("machine").drop(columns="reason")
        pd.testing.assert_frame_equal(found, whole.loc[found.index], check_exact=True)

    for key in whole.index.intersection([1, 6, 11, 13]):  # alone
        same(frame[frame["machine"] == key])
    same(frame[frame["machine"] % 3 == 1])  # in other company
    same(frame.sort_values("machine", kind="stable"))
    monkeypatch.setattr("kullback.groups.solve.threads_or_all", lambda _: 1)
    same(frame)


@pytest.mark.parametrize(("kind", "order"), [("csv", "sorted"), ("parquet", "scattered")])
def test_files_give_the_bits_of_the_same_rows_in_memory(
    kind: str, order: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = sample(7)
    if order == "sorted":
        frame = frame.sort_values("machine", kind="stable").reset_index(drop=True)
    path = tmp_path / f"a.{kind}"
    if kind == "csv":
        frame.to_csv(path, index=False)
    else:
        frame.to_parquet(path, index=False, row_group_size=97)
    expected = kl.fit(kl.Weibull(), frame, by="machine", weights="n", **ROLES)
    assert kl.fit(kl.Weibull(), path, by="machine", weights="n", **ROLES) == expected  # in memory
    monkeypatch.setattr("kullback.groups.open.IN_MEMORY_BYTES", 0)
    monkeypatch.setattr("kullback.groups.stream.BATCH_ROWS", 150)
    table = kl.fit(kl.Weibull(), path, by="machine", weights="n", **ROLES)
    assert table == expected
    for key in (5, 22):  # read again
        assert table[key].params == expected[key].params
        assert table[key].stderr == expected[key].stderr
    assert table.pooled_test(exclude_failed=True).statistic == pytest.approx(
        expected.pooled_test(exclude_failed=True).statistic, rel=1e-9
    )


def test_counts_with_events_are_fitted_as_their_rows_alone() -> None:
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({"machine": np.repeat(np.arange(4), [30, 100, 129, 50])})
    frame["faults"] = rng.poisson(4.0, len(frame)).astype(float)
    frame["seen"] = np.where(frame["machine"] == 3, 1, rng.integers(0, 4, len(frame)) > 0)
    table = kl.fit(kl.Poisson(), frame, "faults", event="seen", by="machine")
    for i, key in enumerate(table):
        own = kl.fit(kl.Poisson(), frame[frame["machine"] == key], "faults", event="seen")
        assert table.params["rate"][i] == pytest.approx(own.params["rate"], rel=1e-12)
        assert table.stderr["rate"][i] == pytest.approx(own.stderr["rate"], rel=1e-12)
        assert table.log_likelihood[i] == pytest.approx(own.log_likelihood, rel=1e-12)
        assert table[key].convergence.solver == own.convergence.solver


def test_most_groups_are_solved_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = sample(4)
    frame = frame[frame.groupby("machine")["n"].transform("size") > 1]
    monkeypatch.setattr("kullback.groups.batch._alone", None)  # called for none
    for model in (kl.Weibull(), kl.Exponential()):
        assert kl.fit(model, frame, by="machine", **ROLES).converged.all()


def test_a_group_without_a_maximum_is_a_row_with_its_reason() -> None:
    frame = pd.DataFrame({"k": np.repeat(["all", "some"], 40)})
    frame["t"] = np.random.default_rng(1).weibull(1.5, 80)
    frame["died"] = (frame["k"] == "some") & (np.arange(80) % 3 > 0)
    table = kl.fit(kl.Weibull(), frame, "t", event="died", by="k")
    own = alone_by_event(frame[frame["k"] == "all"])
    assert table.converged.tolist() == [False, True]
    assert table.reason[0] == own
    assert "some" in table
    assert np.isfinite(table.stderr["scale"][1])


def alone_by_event(rows: pd.DataFrame) -> str:
    try:
        return kl.fit(kl.Weibull(), rows, "t", event="died").convergence.reason
    except kl.KullbackError as error:
        return str(error)


def test_arrays_of_keys_events_and_windows() -> None:
    rng = np.random.default_rng(6)
    t, died, key = rng.weibull(1.5, 300), rng.integers(0, 2, 300), np.arange(300) % 3
    entry = np.where(key == 1, 0.5 * t, np.nan)
    window = (entry, None)
    table = kl.fit(kl.Weibull(), t, event=died, truncation=window, by=key)
    mine = key == 1
    own = kl.fit(kl.Weibull(), t[mine], event=died[mine], truncation=(entry[mine], None))
    assert table.params["shape"][1] == pytest.approx(own.params["shape"], rel=1e-12)
    assert table[1].sample_info.inexact == own.sample_info.inexact


def test_rows_with_errors_are_named_and_missing_ones_dropped() -> None:
    frame = sample(8)[["lower", "upper", "entry", "machine"]]
    frame.loc[3, ["lower", "upper"]] = np.nan
    table = kl.fit(kl.Weibull(), frame, by="machine", missing="drop", **ROLES)
    kept = frame.drop(index=3)
    expected = kl.fit(kl.Weibull(), kept, by="machine", **ROLES).params["shape"]
    np.testing.assert_array_equal(table.params["shape"], expected)
    frame.loc[5, ["lower", "upper"]] = [-3.0, -2.0]
    table = kl.fit(kl.Weibull(), frame, by="machine", missing="drop", **ROLES)
    assert "row 5" in dict(zip(table, table.reason, strict=True))[frame.loc[5, "machine"]]


def test_the_command_line_takes_events(run: Any, folder: Path) -> None:
    frame = pd.DataFrame({"k": np.arange(60) % 2, "t": np.random.default_rng(3).weibull(2.0, 60)})
    frame["died"], frame["entry"] = np.arange(60) % 4 > 0, 0.5 * frame["t"]
    frame.to_csv(folder / "rows.csv", index=False)
    arguments = ("--y", "t", "--model", "weibull", "--event", "died", "--by", "k", "--json")
    code, out, _ = run("fit", "rows.csv", *arguments, "--truncation-lower", "entry")
    window = ("entry", None)
    table = kl.fit(kl.Weibull(), frame, "t", event="died", truncation=window, by="k")
    found = json.loads(out)["groups"]
    assert code == 0
    assert [group["params"]["shape"] for group in found] == table.params["shape"].tolist()
