"""Groups of rounded rows, and groups with sampling weights: each as its own fit."""

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

import kullback as kl
from kullback.cli import app

RNG = np.random.default_rng(5)
ROWS = {
    "g": np.repeat(["a", "b", "c"], 80),
    "y": np.round(RNG.gamma(2.0, 1.5, 240) + 0.1, 1),
    "w": RNG.integers(1, 5, 240) * 0.5,
}
OF_B = ROWS["g"] == "b"
ALONE = {"y": ROWS["y"][OF_B], "w": ROWS["w"][OF_B]}


@pytest.mark.parametrize("engine", [None, kl.StreamingEngine])
def test_rounded_rows(engine):
    table = kl.fit(kl.Weibull(), ROWS, "y", by="g", rounding=0.1, weights="w", engine=engine)
    own = kl.fit(kl.Weibull(), ALONE, "y", rounding=0.1, weights="w")
    for name, value in own.params.items():
        assert table["b"].params[name] == pytest.approx(value, rel=1e-9)
        assert table["b"].stderr[name] == pytest.approx(own.stderr[name], rel=1e-8)
    assert table["b"].log_likelihood == pytest.approx(own.log_likelihood, rel=1e-12)
    assert table["b"].sample_info.inexact == "80 of 80 rows are interval-censored"


@pytest.mark.parametrize("model", [kl.Gamma(), kl.Poisson(), kl.Weibull()])
def test_sampling_weights(model):
    rows = {**ROWS, "y": np.round(ROWS["y"]) + 1.0}
    how = {"weights": "w", "weight_kind": "sampling"}
    table = kl.fit(model, rows, "y", by="g", **how)
    own = kl.fit(model, {**ALONE, "y": rows["y"][OF_B]}, "y", **how)
    frame = table.to_frame()
    for name, value in own.params.items():
        assert table["b"].params[name] == pytest.approx(value, rel=1e-12)
        assert table["b"].stderr[name] == pytest.approx(own.stderr[name], rel=1e-10)
        assert float(frame[f"{name}_stderr"][1]) == pytest.approx(own.stderr[name], rel=1e-10)
    frequency = kl.fit(model, rows, "y", by="g", weights="w")
    assert frequency["b"].params == pytest.approx(own.params, rel=1e-9)
    assert frequency["b"].stderr != pytest.approx(own.stderr, rel=1e-2)
    with pytest.raises(kl.KullbackError, match="sampling weights"):
        table.pooled_test()


def test_at_the_command_line(tmp_path):
    pl.DataFrame(ROWS).write_csv(tmp_path / "t.csv")
    out = tmp_path / "groups.csv"
    options = ["--y", "y", "--by", "g", "--weights", "w", "--weight-kind", "sampling"]
    start = ["fit", str(tmp_path / "t.csv"), "--model", "gamma", *options, "--rounding", "0.1"]
    done = CliRunner().invoke(app, [*start, "--out", str(out)])
    assert done.exit_code == 0, done.output
    how = {"weights": "w", "weight_kind": "sampling", "rounding": 0.1}
    own = kl.fit(kl.Gamma(), ALONE, "y", **how)
    row = pl.read_csv(out).row(1, named=True)
    assert row["g"] == "b"
    assert row["shape"] == pytest.approx(own.params["shape"], rel=1e-9)
    assert row["shape_stderr"] == pytest.approx(own.stderr["shape"], rel=1e-8)
