"""The deviance as cross-entropies, against the deviances of R's glm and nnet, and SciPy's formulas.

R's null deviances are from its help pages: 316.17 of help(infert)'s model, 3693.884 of menarche.
"""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import scipy.stats

import kullback as kl
from kullback._core.errors import KullbackError

CASES = Path(__file__).parents[1] / "reference" / "reg"


def read(name):
    case = json.loads((CASES / f"{name}.json").read_text())
    table = np.genfromtxt(CASES / case["data"], delimiter=",", names=True)
    rows = {column: table[column] for column in table.dtype.names}
    terms = [c for c in rows if c[0] == "X" and c != "X1"]  # X1 is the constant
    return case["reference"]["deviance"], rows, "~ " + " + ".join(terms)


# R's deviance is this one times the dispersion
MODELS = {
    "pois_epil": (lambda f: kl.Poisson(rate=f), lambda _: 1.0),
    "logit_infert": (lambda f: kl.Bernoulli(probability=f), lambda _: 1.0),
    "logit_menarche": (lambda f: kl.Binomial(trials="trials", probability=f), lambda _: 1.0),
    "gammalog_trees": (lambda f: kl.Gamma(mean=f), lambda p: 1.0 / p["shape"]),
    "gausslog_trees": (
        lambda f: kl.Normal(loc=kl.Formula(f, link="log")),
        lambda p: p["scale"] ** 2,
    ),
    "invgauss_trees": (lambda f: kl.InverseGaussian(mean=f), lambda p: 1.0 / p["shape"]),
    "mn_glass": (lambda f: kl.Categorical(logits=f), lambda _: 1.0),
}


@pytest.mark.parametrize("name", MODELS)
def test_deviances_of_r(name):
    expected, rows, terms = read(name)
    make, dispersion = MODELS[name]
    if name == "mn_glass":
        rows["y"] = np.array([f"type {code:g}" for code in rows["y"]])
    fit = kl.fit(make(terms), rows, "y")
    found = fit.deviance()
    # 1e-9: R stops where its deviance changes by less than 1e-8 of itself
    assert found.deviance * dispersion(fit.params) == pytest.approx(expected, rel=1e-9)
    assert found.deviance == pytest.approx(2.0 * fit.n * (found.model - found.saturated))
    assert found.r_squared == pytest.approx(1.0 - found.deviance / found.null_deviance)
    coefficients = terms.count("X") + 1
    if name != "mn_glass":
        assert (found.df, found.null_df) == (fit.n - coefficients, fit.n - 1)
    if name in ("logit_infert", "logit_menarche"):
        null = {"logit_infert": 316.17, "logit_menarche": 3693.884}[name]
        assert found.null_deviance == pytest.approx(null, rel=1e-5)
    if name == "gausslog_trees":  # the total sum of squares
        total = ((rows["y"] - rows["y"].mean()) ** 2).sum()
        assert found.null_deviance * fit.params["scale"] ** 2 == pytest.approx(total, rel=1e-10)


@pytest.mark.parametrize("weight_kind", ["frequency", "sampling"])
def test_r_squared_by_their_formulas_with_weights(weight_kind):
    _, rows, terms = read("logit_infert")
    w = np.arange(rows["y"].size) % 3 + 1.0
    fit = kl.fit(
        kl.Bernoulli(probability=terms), {**rows, "w": w}, "y", weights="w", weight_kind=weight_kind
    )
    found, n = fit.deviance(), w.sum()
    share = (w * rows["y"]).sum() / n
    null = (w * scipy.stats.bernoulli(share).logpmf(rows["y"])).sum()
    model = fit.log_likelihood
    assert found.null == pytest.approx(-null / n, rel=1e-12)
    assert found.mcfadden == pytest.approx(1.0 - model / null, rel=1e-9)
    cox_snell = 1.0 - math.exp(2.0 * (null - model) / n)
    assert found.cox_snell == pytest.approx(cox_snell, rel=1e-9)
    assert found.nagelkerke == pytest.approx(cox_snell / (1.0 - math.exp(2.0 * null / n)), rel=1e-9)
    assert found.r_squared == pytest.approx(found.mcfadden, rel=1e-9)  # the saturated H is 0
    copies = np.repeat(np.arange(w.size), w.astype(int))
    same = kl.fit(kl.Bernoulli(probability=terms), {k: v[copies] for k, v in rows.items()}, "y")
    assert same.deviance().deviance == pytest.approx(found.deviance, rel=1e-9)


def test_units_and_the_table():
    _, rows, terms = read("pois_epil")
    fit = kl.fit(kl.Poisson(rate=terms), rows, "y")
    nats, bits = fit.deviance(), fit.deviance("bits")
    assert bits.saturated * math.log(2.0) == pytest.approx(nats.saturated, rel=1e-14)
    assert bits.deviance == nats.deviance
    y = rows["y"]
    saturated = -scipy.stats.poisson(y).logpmf(y).mean()
    assert nats.saturated == pytest.approx(saturated, rel=1e-12)
    frame = nats.to_frame()
    assert list(frame["model"]) == ["null", "model", "saturated"]
    assert list(frame["cross_entropy"]) == [nats.null, nats.model, nats.saturated]
    assert "McFadden's R²" in str(nats)
    assert "<table>" in nats._repr_html_()


def test_offsets_are_in_the_null_model():
    _, rows, _ = read("pois_epil")
    rows["time"] = np.linspace(1.0, 3.0, rows["y"].size)
    model = kl.Poisson(rate=kl.Formula("~ X2", exposure="time"))
    found = kl.fit(model, rows, "y").deviance()
    rate = rows["y"].sum() / rows["time"].sum()
    null = -scipy.stats.poisson(rate * rows["time"]).logpmf(rows["y"]).mean()
    assert found.null == pytest.approx(null, rel=1e-10)


def test_models_without_a_saturated_one():
    _, rows, _ = read("pois_epil")
    rows["t"], rows["died"] = rows["y"] + 1.0, np.arange(rows["y"].size) % 2
    censored = kl.fit(kl.Exponential(rate="~ X2"), rows, "t", event="died").deviance()
    assert math.isnan(censored.deviance)
    assert "right-censored" in censored.reason
    null = kl.fit(kl.Exponential(), rows, "t", event="died")
    assert censored.null == pytest.approx(null.cross_entropy, rel=1e-12)
    gain = 2.0 * (censored.model - censored.null)
    assert censored.cox_snell == pytest.approx(1.0 - math.exp(gain))
    assert math.isnan(censored.mcfadden)
    both = kl.fit(kl.Normal(loc="~ X2", scale="~ X2"), rows, "t").deviance()
    assert both.reason == "scale depends on columns"
    assert "No saturated model: Weibull has none" in str(
        kl.fit(kl.Weibull(scale="~ X2"), rows, "t").deviance()
    )


def test_fits_without_a_deviance():
    _, rows, _ = read("pois_epil")
    formula = kl.Formula("~ X2", penalty=kl.Ridge(0.1))
    with pytest.raises(KullbackError, match="ridge penalty"):
        kl.fit(kl.Poisson(rate=formula), rows, "y").deviance()
    with pytest.raises(KullbackError, match="needs the rows"):
        kl.fit(kl.Poisson(rate="~ X2"), rows, "y", keep_data=False).deviance()
