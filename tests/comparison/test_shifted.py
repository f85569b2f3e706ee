"""Comparisons that contain shifted families: which ones, and their losses by SciPy."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from typer.testing import CliRunner

import kullback as kl
from kullback import cli
from kullback.data.sample import ArraySample
from kullback.models.registry import own_models
from kullback.objective import families_for

# shapes of 5 or less and a distance of a scale from zero: the shift is well determined
X = stats.weibull_min(2.5, loc=10.0, scale=3.0).rvs(400, random_state=3)
POSITIVE = [
    *(kl.BirnbaumSaunders, kl.Exponential, kl.Gamma, kl.HalfNormal, kl.InverseGamma),
    *(kl.InverseGaussian, kl.LogLogistic, kl.LogNormal, kl.Lomax, kl.Rayleigh, kl.Weibull),
]
SHIFTED = {f"Shifted({kind.__name__})" for kind in POSITIVE}


@pytest.fixture
def few_families(monkeypatch):
    """Three families, which take a second where all take a minute."""
    few = {name: own_models()[name] for name in ("Exponential", "Weibull", "LogNormal", "Poisson")}
    monkeypatch.setattr(families_for, "own_models", lambda: few)


def test_the_families_that_a_shift_adds():
    sample = ArraySample({"y": X})
    _, without = families_for.families_for(sample, continuous=False)
    _, found = families_for.families_for(sample, continuous=False, shifted=True)
    assert set(found) - set(without) == SHIFTED
    assert set(without) < set(found)
    counts = ArraySample({"y": np.arange(9.0)})
    assert families_for.families_for(counts, continuous=False, shifted=True) == (
        families_for.families_for(counts, continuous=False)
    )


@pytest.mark.usefixtures("few_families")
def test_a_shifted_family_is_ranked():
    found = {e.model: e for e in kl.compare("all", X, shifted=True).models}
    assert set(found) == {
        name for f in ("Exponential", "Weibull", "LogNormal") for name in (f, f"Shifted({f})")
    }
    entry = found["Shifted(Weibull)"]
    assert entry.fit is not None
    p = entry.fit.params
    law = stats.weibull_min(p["shape"], loc=p["loc"], scale=p["scale"])
    assert entry.fit.log_likelihood == pytest.approx(law.logpdf(X).sum(), rel=1e-12)
    # SciPy's own optimum, which stops at 1e-4 of the parameters, is no better
    shape, loc, scale = stats.weibull_min.fit(X, 2.5, loc=10.0, scale=3.0)
    theirs = stats.weibull_min(shape, loc=loc, scale=scale).logpdf(X).sum()
    assert entry.fit.log_likelihood >= theirs - 1e-9 * abs(theirs)
    # begun at the smallest row of four folds, a falling density gives that of the fifth none
    assert found["Shifted(Exponential)"].held_out == np.inf


@pytest.mark.usefixtures("few_families")
def test_an_unbounded_likelihood_of_a_shift_is_not_ranked():
    # Proschan (1963), as in tests/reference/dist/aircondit.csv
    air = [3.0, 5.0, 7.0, 18.0, 43.0, 85.0, 91.0, 98.0, 100.0, 130.0, 230.0, 487.0]
    found = kl.compare("continuous", air, shifted=True, folds=3)
    entry = next(e for e in found.models if e.model == "Shifted(Weibull)")
    assert not entry.ranked
    assert entry.reason == (
        "no maximum: the likelihood keeps increasing as loc tends to the minimum of the sample"
    )


@pytest.mark.usefixtures("few_families")
@pytest.mark.parametrize("kind", ["negative", "censored", "weighted"])
def test_shifts_of_every_kind_of_row(kind):
    frame = pd.DataFrame({"y": X - 20.0, "seen": 1, "w": 1.0})
    options = {}
    if kind == "censored":
        frame.loc[frame["y"] > -6.0, ["y", "seen"]] = (-6.0, 0)
        options = {"event": "seen"}
    if kind == "weighted":
        frame["w"] = np.arange(400) % 3 + 1.0
        options = {"weights": "w"}
    found = kl.compare("all", frame, "y", shifted=True, **options)
    entry = next(e for e in found.models if e.model == "Shifted(Weibull)")
    assert entry.fit is not None
    p = entry.fit.params
    law = stats.weibull_min(p["shape"], loc=p["loc"], scale=p["scale"])
    y, seen = frame["y"], frame["seen"] == 1
    loss = -np.where(seen, law.logpdf(y), law.logsf(y)) * frame["w"]
    assert entry.fit.cross_entropy == pytest.approx(loss.sum() / frame["w"].sum(), rel=1e-11)
    assert np.isfinite(entry.held_out)


@pytest.mark.usefixtures("few_families")
def test_at_the_command_line(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("x\n" + "\n".join(map(repr, X.tolist())))
    arguments = ["compare", str(path), "--shifted", "--criterion", "aic"]
    done = CliRunner().invoke(cli.app, arguments)
    assert done.exit_code == 0, done.output
    expected = kl.compare("all", {"x": X}, "x", shifted=True, criterion="aic")
    assert done.stdout == f"{expected}\n"


def test_named_models_are_shifted_by_name():
    with pytest.raises(kl.KullbackError, match=r"write kl\.Shifted\(kl\.Weibull\(\)\)"):
        kl.compare([kl.Weibull()], X, shifted=True)


def test_a_huge_loss_does_not_widen_the_table():
    x = np.append(stats.norm.rvs(size=99, random_state=1), 1e7)
    table = str(kl.compare([kl.Normal(), kl.StudentT()], x, folds=5))
    assert max(map(len, table.splitlines())) < 130


def test_the_simplest_of_models_that_are_not_distinguishable():
    found = kl.compare([kl.Shifted(kl.Weibull()), kl.Normal(), kl.StudentT()], X)
    by_name = {e.model: e for e in found.models}
    assert found.models[0].model == "Shifted(Weibull)"
    near = by_name["Normal"]
    # Normal has fewer numbers and no estimated end; it is taken where it is not distinguishable
    within = near.difference <= 2.0 * near.difference_error
    assert found.simplest is (near if within else found.models[0]).fit
    assert found.best is (near if within else found.models[0]).fit
    exponential = stats.expon.rvs(size=300, random_state=1)
    found = kl.compare([kl.Gamma(), kl.Exponential(), kl.Weibull()], exponential)
    assert found.simplest.form.name == "Exponential"
    with pytest.raises(kl.KullbackError, match="no rows were held out"):
        _ = kl.compare([kl.Gamma()], X, criterion="aic").simplest


@pytest.mark.parametrize(("shape", "chosen"), [(3.5, "Normal"), (2.5, "Shifted(Weibull)")])
def test_an_estimated_end_must_be_distinguishably_better(shape, chosen):
    # a Weibull of shape 3.5 hardly differs from a normal distribution, which has no end
    x = stats.weibull_min.rvs(shape, size=300, random_state=0) + 9.0
    found = kl.compare([kl.Shifted(kl.Weibull()), kl.Normal()], x)
    assert found.models[0].model == "Shifted(Weibull)"
    assert found.models[1].distinguishable is (chosen != "Normal")
    assert found.best.form.name == chosen
    assert ("its ends are estimated" in found.conclusion) is (chosen == "Normal")
    in_bits = found.to("bits")
    nats, bits = (c.models[1].difference for c in (found, in_bits))
    assert bits == pytest.approx(nats / np.log(2.0), rel=1e-15)
    assert f"{bits:.4f} ± " in in_bits.conclusion
    assert " bits a row" in in_bits.conclusion
    assert "nats" not in in_bits.conclusion
