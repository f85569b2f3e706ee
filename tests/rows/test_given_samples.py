"""``kl.Sample``, bins, rounded values and events in other codes: the rows that they stand for."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy import optimize, stats
from typer.testing import CliRunner

import kullback as kl
from kullback.cli import app

N = 400


def ends() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(8)
    x = rng.gamma(2.0, 1.5, N)
    kind = rng.integers(0, 4, N)
    floor = np.floor(x)
    return {
        "lower": np.select([kind == 0, kind == 1, kind == 2], [x, 0.8 * x, floor], -np.inf),
        "upper": np.select([kind == 0, kind == 1, kind == 2], [x, np.inf, floor + 1.0], 1.3 * x),
        "entry": 0.1 * x,
        "w": rng.integers(1, 4, N).astype(float),
    }


def test_a_sample_is_the_table_of_its_ends() -> None:
    columns = ends()
    window = (columns["entry"], 60.0)
    sample = kl.Sample(columns["lower"], columns["upper"], truncation=window, weights=columns["w"])
    table: dict[str, Any] = {
        "data": columns,
        "y": ("lower", "upper"),
        "truncation": ("entry", 60.0),
        "weights": "w",
    }
    for weight_kind in ("frequency", "sampling"):
        expected = kl.fit(kl.Weibull(), weight_kind=weight_kind, **table)
        fit = kl.fit(kl.Weibull(), sample, weight_kind=weight_kind)
        assert fit.params == expected.params
        assert fit.log_likelihood == expected.log_likelihood
        assert fit.sample_info.inexact == expected.sample_info.inexact
        np.testing.assert_array_equal(fit.covariance(), expected.covariance())
    assert repr(sample).startswith(f"Sample({N} rows, total weight {columns['w'].sum():g}: ")


def test_a_sample_goes_where_data_go() -> None:
    columns = ends()
    sample = kl.Sample(columns["lower"], columns["upper"])
    comparison = kl.compare([kl.Weibull(), kl.Exponential()], sample, criterion="aic")
    assert comparison.best.params == kl.fit(kl.Weibull(), sample).params
    model = kl.Weibull(shape=1.4, scale=3.0)
    law, lower, upper = stats.weibull_min(1.4, scale=3.0), columns["lower"], columns["upper"]
    exact = lower == upper
    inside = np.log(law.cdf(upper) - law.cdf(lower), where=~exact, out=law.logpdf(lower))
    found = kl.estimate_cross_entropy(model, sample)
    assert found.value == pytest.approx(-inside.mean(), rel=1e-12)


def test_bins_are_half_open() -> None:
    # SciPy's probabilities of the bins, with the maximum by its optimiser
    edges, counts = np.array([0.0, 0.5, 1.0, 2.0, 4.0, np.inf]), np.array([12, 30, 41, 9, 2])
    fit = kl.fit(kl.Weibull(), kl.Sample.binned(edges, counts))

    def loss(u: Any) -> float:
        shape, scale = np.exp(u)
        return -float(counts @ np.log(np.diff(stats.weibull_min(shape, scale=scale).cdf(edges))))

    best = optimize.minimize(loss, [0.0, 0.0], method="Nelder-Mead", options={"xatol": 1e-10})
    assert fit.log_likelihood == pytest.approx(-best.fun, rel=1e-12)
    np.testing.assert_allclose([*fit.params.values()], np.exp(best.x), rtol=1e-6)
    assert fit.n == counts.sum()
    # whole numbers: as numpy.histogram, each in the bin that it begins
    x = stats.poisson(2.0).rvs(300, random_state=1)
    whole = np.arange(x.max() + 2.0)
    counted = np.histogram(x, whole)[0]
    last = np.append(whole[:-1], np.inf)
    fit = kl.fit(kl.Poisson(rate=1.9), kl.Sample.binned(last, counted))
    law = stats.poisson(1.9)
    expected = law.logpmf(x[x < x.max()]).sum() + counted[-1] * law.logsf(x.max() - 1)
    assert fit.log_likelihood == pytest.approx(expected, rel=1e-12)


def test_rounded_values_are_their_cells(tmp_path: Path) -> None:
    x = np.round(stats.gamma(2.0, scale=1.5).rvs(N, random_state=3), 1)
    fit = kl.fit(kl.Weibull(), x, rounding=0.1)
    law = stats.weibull_min(fit.params["shape"], scale=fit.params["scale"])
    cells = np.log(law.cdf(x + 0.05) - law.cdf(x - 0.05))
    assert fit.log_likelihood == pytest.approx(cells.sum(), rel=1e-12)
    assert kl.fit(kl.Weibull(), kl.Sample(x, x, rounding=0.1)).params == fit.params
    assert fit.sample_info.inexact == f"{N} of {N} rows are interval-censored"
    pl.DataFrame({"x": x}).write_csv(tmp_path / "x.csv")
    start = ["fit", str(tmp_path / "x.csv"), "--model", "weibull", "--rounding"]
    shown = CliRunner().invoke(app, [*start, "0.1", "--json"])
    assert f'"log_likelihood": {fit.log_likelihood!r}' in shown.output
    assert CliRunner().invoke(app, [*start, "-1"]).exit_code == 2


def flags(folder: Path) -> dict[str, Any]:
    columns = {"flag": ["<", "=", ">", "=", "<"] * 40, "level": np.linspace(0.5, 9.0, 200)}
    frame = pl.DataFrame(columns)
    frame.write_parquet(folder / "t.parquet", row_group_size=33)
    (folder / "t.csv.gz").write_bytes(gzip.compress(frame.write_csv().encode()))
    return {
        "mapping": columns,
        "pandas": pd.DataFrame(columns),
        "categorical": pd.DataFrame(columns).astype({"flag": "category"}),
        "polars": frame,
        "arrow": frame.to_arrow(),
        "parquet": str(folder / "t.parquet"),
        "csv.gz": str(folder / "t.csv.gz"),
        "stream": pa.RecordBatchReader.from_batches(
            frame.to_arrow().schema, frame.to_arrow().to_batches(max_chunksize=61)
        ),
    }


def test_events_as_text_from_every_source(tmp_path: Path) -> None:
    events = kl.Events({"<": -1, "=": 1, ">": 0}, "flag")
    codes = np.tile([-1.0, 1.0, 0.0, 1.0, -1.0], 40)
    plain = kl.fit(kl.LogNormal(), np.linspace(0.5, 9.0, 200), event=codes)
    for name, data in flags(tmp_path).items():
        fit = kl.fit(kl.LogNormal(), data, "level", event=events)
        assert fit.params == plain.params, name
    short = kl.Events({"<": -1, "=": 1}, "flag")
    message = r"40 values of .* none of '<' and '='.*row 2 \(>\)"
    for data in flags(tmp_path).values():
        with pytest.raises(kl.DataError, match=message):
            kl.fit(kl.LogNormal(), data, "level", event=short)
    options = ["--y", "level", "--event", "flag", "--events", "<=-1", "--events", "==1"]
    start = ["fit", str(tmp_path / "t.csv.gz"), "--model", "lognormal", *options]
    shown = CliRunner().invoke(app, [*start, "--events", ">=0", "--json"])
    assert f'"log_likelihood": {plain.log_likelihood!r}' in shown.output
    assert "none of" in CliRunner().invoke(app, start).output
    assert CliRunner().invoke(app, [*start, "--events", "<"]).exit_code == 2


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda s: kl.fit(kl.Gamma(), s, "x"), "leave out y"),
        (lambda s: kl.fit(kl.Gamma(), s, weights=[1.0, 1.0]), "leave out weights"),
        (lambda s: kl.fit(kl.Gamma(), s, event=[1, 1]), "leave out event"),
        (lambda s: kl.fit(kl.Categorical(), s), "one of class labels"),
        (lambda s: kl.fit(kl.Normal(loc=kl.MLP()), s), "does not hold the covariates"),
        (lambda s: kl.fit(kl.Gamma(), s, by=[1, 2]), "by= needs a table"),
        (lambda _: kl.Sample(), "give lower or upper ends"),
        (lambda _: kl.Sample([2.0], [1.0]), "lower end above the upper one: row 0"),
        (lambda _: kl.Sample([1.0, 2.0], [3.0]), "every row needs a value of each"),
        (lambda _: kl.Sample([1.0], rounding=0.1), "lower ends alone .*give lower=y, upper=y"),
        (lambda _: kl.Sample([1.0], [1.0], rounding=-1.0), "rounding must be a positive number"),
        (lambda _: kl.Sample.binned([0.0, 1.0, 1.0], [1, 2]), "edge 2 .1. is not above edge 1"),
        (lambda _: kl.Sample.binned([0.0, 1.0], [1, 2]), "2 bins need one edge more, got 2 edges"),
        (lambda _: kl.Sample.binned([0.0, 1.0, 2.0], [1, -2]), "negative value in the weight"),
        (lambda _: kl.Events({"<": 2}, "q"), "'<' must mean 1"),
        (lambda _: kl.Events({}, "q"), "the first argument says what each value means"),
    ],
)
def test_what_cannot_be_is_refused(call: Any, message: str) -> None:
    with pytest.raises(kl.KullbackError, match=message):
        call(kl.Sample([1.0, 2.0], [1.0, 3.0]))
