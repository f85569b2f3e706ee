"""Comparisons of rounded rows, and with sampling weights."""

import json

import numpy as np
import polars as pl
import pytest
from scipy import stats
from typer.testing import CliRunner

import kullback as kl
from kullback.cli import app

RNG = np.random.default_rng(8)
Y = np.round(RNG.gamma(2.0, 1.5, 150) + 0.1, 1)
W = RNG.integers(1, 6, 150).astype(float)
MODELS = [kl.Gamma(shape=2.0, rate=0.6), kl.Exponential(rate=0.3)]  # known, as are their losses
LAWS = [stats.gamma(2.0, scale=1.0 / 0.6), stats.expon(scale=1.0 / 0.3)]


def test_errors_with_sampling_weights():
    """Σ w (ℓ − mean)/Σ w is a sum of n rows, whose variance is that of its terms."""
    found = kl.compare(MODELS, {"y": Y, "w": W}, "y", weights="w", weight_kind="sampling")
    losses = np.stack([-law.logpdf(Y) for law in LAWS])
    means = losses @ W / W.sum()

    def error(loss):
        terms = W * (loss - loss @ W / W.sum())
        return np.sqrt(150 / 149 * np.sum(terms**2)) / W.sum()

    for entry, k in zip(found.models, np.argsort(means), strict=True):
        assert entry.held_out == pytest.approx(means[k], rel=1e-12)
        assert entry.held_out_error == pytest.approx(error(losses[k]), rel=1e-10)
    last = found.models[-1]
    assert last.difference_error == pytest.approx(error(losses[1] - losses[0]), rel=1e-9)
    assert np.isnan(last.criterion("aic"))
    assert "sampling" not in str(found.best.stderr)
    for criterion in ("aic", "bic"):
        with pytest.raises(kl.KullbackError, match="sampling weights"):
            kl.compare(MODELS, Y, weights=W, weight_kind="sampling", criterion=criterion)


def test_equal_sampling_weights_are_none():
    plain = kl.compare(MODELS, Y)
    equal = kl.compare(MODELS, Y, weights=np.full(150, 2.5), weight_kind="sampling")
    for a, b in zip(plain.models, equal.models, strict=True):
        assert a.held_out_error == pytest.approx(b.held_out_error, rel=1e-10)


def test_rounded_rows_are_scored_as_cells():
    found = kl.compare(MODELS, Y, rounding=0.1)
    cells = [law.cdf(Y + 0.05) - law.cdf(Y - 0.05) for law in LAWS]
    expected = sorted(-np.log(cell).mean() for cell in cells)
    assert [entry.held_out for entry in found.models] == pytest.approx(expected, rel=1e-11)
    every = kl.compare("all", Y, rounding=0.1, criterion="aic")
    assert {"Gamma", "Weibull"} <= set(every.fits)
    assert every.fits["Gamma"].params == pytest.approx(
        kl.fit(kl.Gamma(), Y, rounding=0.1).params, rel=1e-9
    )


def test_at_the_command_line(tmp_path):
    pl.DataFrame({"y": Y, "w": W}).write_csv(tmp_path / "t.csv")
    how = ["--y", "y", "--weights", "w", "--weight-kind", "sampling", "--rounding", "0.1"]
    start = ["compare", str(tmp_path / "t.csv"), "--models", "gamma,exponential", *how]
    done = CliRunner().invoke(app, [*start, "--json"])
    assert done.exit_code == 0, done.output
    options = {"weights": "w", "weight_kind": "sampling", "rounding": 0.1}
    own = kl.compare([kl.Gamma(), kl.Exponential()], {"y": Y, "w": W}, "y", **options)
    shown = json.loads(done.output)["models"]
    assert [row["held_out_error"] for row in shown] == pytest.approx(
        [entry.held_out_error for entry in own.models], rel=1e-9
    )
    assert CliRunner().invoke(app, [*start, "--criterion", "aic"]).exit_code == 2
