"""Comparisons of censored, truncated and weighted rows: held-out losses from SciPy's functions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy import stats
from typer.testing import CliRunner

import kullback as kl
from kullback import cli
from kullback.data import Roles, open_sample
from kullback.data.folds import RowFolds
from kullback.objective.families_for import families_for

N = 300


def table() -> dict[str, np.ndarray]:
    """Lifetimes: right-censored, left-truncated, in cells, with weights, in groups."""
    rng = np.random.default_rng(8)
    time = 3.0 * rng.weibull(1.5, 3 * N)
    entry = np.where(rng.uniform(size=3 * N) < 0.5, rng.uniform(0.0, 2.0, 3 * N), 0.0)
    time, entry = time[time > entry][:N], entry[time > entry][:N]
    end = entry + rng.uniform(0.5, 6.0, N)
    return {
        "time": np.minimum(time, end),
        "died": (time <= end).astype(float),
        "entry": entry,
        "lower": np.floor(2.0 * time) / 2.0,
        "upper": np.floor(2.0 * time) / 2.0 + 0.5,
        "n": rng.integers(1, 4, N).astype(float),
        "clinic": rng.integers(0, 12, N).astype(float),
    }


ROWS: dict[str, dict[str, Any]] = {
    "censored": {"y": "time", "event": "died"},
    "truncated": {"y": "time", "truncation": ("entry", None)},
    "both, weighted": {
        "y": "time",
        "event": "died",
        "truncation": ("entry", None),
        "weights": "n",
    },
    "cells": {"y": ("lower", "upper")},
}
FROZEN = {
    "Weibull": lambda p: stats.weibull_min(p["shape"], scale=p["scale"]),
    "LogNormal": lambda p: stats.lognorm(p["scale"], scale=np.exp(p["loc"])),
    "Exponential": lambda p: stats.expon(scale=1.0 / p["rate"]),
}
MODELS = [kl.Weibull(), kl.LogNormal(), kl.Exponential()]


def losses(law: Any, rows: dict[str, np.ndarray], kind: str) -> np.ndarray:
    """−log of the density, of the probability of the ends, given the window: by SciPy."""
    if kind == "cells":
        return -np.log(law.cdf(rows["upper"]) - law.cdf(rows["lower"]))
    own = law.logpdf(rows["time"])
    if kind != "truncated":
        own = np.where(rows["died"] == 1.0, own, law.logsf(rows["time"]))
    return -(own - law.logsf(rows["entry"])) if kind != "censored" else -own


def fold_of_rows(count: int, folds: int = 5) -> np.ndarray:
    """The fold of each row: it depends on the number of the row alone."""
    drawn = RowFolds(open_sample(np.arange(float(count)), Roles()), folds, 0)
    (chunk,) = drawn.sample.chunks()
    return drawn.of_chunk(chunk)


@pytest.mark.parametrize("kind", ROWS)
def test_held_out_losses_are_those_of_the_fits_to_the_other_folds(kind: str) -> None:
    rows, roles = table(), ROWS[kind]
    fold = fold_of_rows(N)
    comparison = kl.compare(MODELS, rows, **roles)
    w = rows["n"] if "weights" in roles else np.ones(N)
    own = {name: np.empty(N) for name in FROZEN}
    for model in MODELS:
        for k in range(5):
            others = {name: values[fold != k] for name, values in rows.items()}
            params = kl.fit(model, others, **roles).params
            held = {name: values[fold == k] for name, values in rows.items()}
            own[model.name][fold == k] = losses(FROZEN[model.name](params), held, kind)
    mean = {name: np.average(values, weights=w) for name, values in own.items()}
    assert [entry.model for entry in comparison.models] == sorted(mean, key=mean.__getitem__)
    best = own[comparison.models[0].model]
    for entry in comparison.models:
        assert entry.held_out == pytest.approx(mean[entry.model], rel=1e-8)
        gap = own[entry.model] - best
        assert entry.difference == pytest.approx(np.average(gap, weights=w), abs=1e-8)
        n = w.sum()
        variance = np.average((gap - np.average(gap, weights=w)) ** 2, weights=w) / (n - 1.0)
        assert entry.difference_error == pytest.approx(np.sqrt(variance), rel=1e-6, abs=1e-9)


@pytest.mark.parametrize(
    ("kind", "key"),
    [
        ("cells", {}),
        ("both, weighted", {}),
        ("both, weighted", {"groups": "clinic"}),
        ("both, weighted", {"time": "clinic"}),
    ],
)
def test_streams_and_keys_in_arrays_give_the_same(
    tmp_path: Path, kind: str, key: dict[str, str]
) -> None:
    rows, roles = table(), ROWS[kind]
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table(rows), path, row_group_size=61)
    expected = kl.compare(MODELS, rows, **roles, **key)
    streamed = kl.compare(MODELS, str(path), **roles, **key, engine=kl.StreamingEngine)
    rest = {name: values for name, values in rows.items() if name != "clinic"}
    arrays = kl.compare(MODELS, rest, **roles, **{role: rows[name] for role, name in key.items()})
    for other in (streamed, arrays):
        for one, two in zip(expected.models, other.models, strict=True):
            assert one.model == two.model
            assert two.held_out == pytest.approx(one.held_out, rel=1e-12)
            assert two.difference_error == pytest.approx(one.difference_error, rel=1e-9, abs=1e-12)


def test_many_censored_rows_are_scored_by_one_step() -> None:
    rng = np.random.default_rng(3)
    time, end = 3.0 * rng.weibull(1.5, 40_000), rng.uniform(0.5, 6.0, 40_000)
    rows = {"time": np.minimum(time, end), "died": time <= end}
    fold = fold_of_rows(40_000)
    (entry,) = kl.compare([kl.Weibull()], rows, "time", event="died").models
    total = 0.0
    for k in range(5):
        others = {name: values[fold != k] for name, values in rows.items()}
        law = FROZEN["Weibull"](kl.fit(kl.Weibull(), others, "time", event="died").params)
        held = {name: values[fold == k] for name, values in rows.items()}
        total += losses(law, held, "censored").sum()
    assert entry.held_out == pytest.approx(total / 40_000, abs=1e-7)  # as for exact rows


@pytest.mark.parametrize(
    ("rows", "roles", "outcomes", "among", "not_among"),
    [
        # exact whole numbers are counts, with censored ones too
        (
            {"y": [1.0, 4.0, 2.0, 3.0, 2.0, 6.0], "e": [1, 1, 1, 1, 0, 0]},
            {"y": "y", "event": "e"},
            "counts",
            {"Poisson", "Geometric"},
            {"Gamma"},
        ),
        # cells alone are rounded measurements; the first is met by positive numbers
        (
            {"a": [0.0, 1.0, 1.0, 2.0, 3.0, 0.0], "b": [1.0, 2.0, 2.0, 3.0, 5.0, 1.0]},
            {"y": ("a", "b")},
            "positive numbers",
            {"Gamma", "Weibull", "Normal"},
            {"Poisson", "Beta"},
        ),
        # below a limit of detection of positive numbers, and of numbers that may be negative
        (
            {"y": [0.5, 1.7, 2.2, 0.9, 0.5, 3.0], "e": [-1, 1, 1, 1, -1, 1]},
            {"y": "y", "event": "e"},
            "positive numbers",
            {"LogNormal", "Normal"},
            {"Beta"},
        ),
        (
            {"y": [-0.5, 1.7, 2.2, 0.9, -0.5, 3.0], "e": [-1, 1, 1, 1, -1, 1]},
            {"y": "y", "event": "e"},
            "numbers",
            {"Normal", "Gumbel"},
            {"LogNormal", "VonMises"},
        ),
    ],
)
def test_all_takes_the_families_that_meet_the_ends(
    rows: Any, roles: Any, outcomes: str, among: set[str], not_among: set[str]
) -> None:
    found, families = families_for(open_sample(rows, Roles(**roles)), continuous=False)
    assert found == outcomes
    assert among <= families.keys()
    assert not families.keys() & not_among


def test_a_family_that_needs_exact_rows_is_a_row_with_its_reason() -> None:
    found = kl.compare([kl.Laplace(), kl.Normal()], table(), "time", event="died")
    assert [entry.model for entry in found.models] == ["Normal", "Laplace"]
    assert "needs exact rows, but" in found.models[1].reason


def test_the_command_ranks_censored_rows(tmp_path: Path) -> None:
    rows = table()
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table(rows), path)
    flags = ["--y", "time", "--event", "died", "--truncation-lower", "entry", "--weights", "n"]
    models = ["--models", "weibull,lognormal,exponential"]
    run = CliRunner().invoke(cli.app, ["compare", str(path), *flags, *models, "--json"])
    found = json.loads(run.stdout)
    expected = kl.compare(MODELS, rows, **ROWS["both, weighted"])
    assert [m["model"] for m in found["models"]] == [m.model for m in expected.models]
    assert found["models"][0]["held_out"] == pytest.approx(expected.models[0].held_out, rel=1e-9)


def test_the_best_distribution_of_censored_rows_by_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = {model.name: model for model in MODELS}  # of all families, which take longer
    monkeypatch.setattr("kullback.comparing.families_for", lambda *_, **__: ("numbers", few))
    rows = table()
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table(rows), path)
    arguments = ["fit", str(path), "--model", "best", "--y", "time", "--event", "died", "--json"]
    found = json.loads(CliRunner().invoke(cli.app, arguments).stdout)
    expected = kl.compare("all", rows, "time", event="died")
    assert found["chosen"] == expected.conclusion
    assert found["log_likelihood"] == pytest.approx(expected.best.log_likelihood, rel=1e-12)
