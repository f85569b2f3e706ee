"""The summary of a regression: coefficients by source, ratios, notes, and the table of all numbers.

Expected numbers are R's (tests/reference/robust: glm and sandwich), or formulas with SciPy.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import scipy.stats

import kullback as kl
from kullback._core.errors import KullbackError

CASES = Path(__file__).parents[1] / "reference" / "robust"
RNG = np.random.default_rng(7)
N = 300
ROWS = {
    "age": RNG.normal(40.0, 10.0, N),
    "region": np.array(["east", "north", "south"])[RNG.integers(0, 3, N)],
    "plot": np.array([f"p{k:03d}" for k in RNG.integers(0, 40, N)]),
    "y": RNG.poisson(4.0, N),
    "seeds": np.full(N, 12),
    "w": RNG.integers(1, 4, N),
    "died": RNG.integers(0, 2, N),
}


def lines(fit, **more):
    return str(fit.summary(**more)).splitlines()


def test_z_and_p_against_r():
    case = json.loads((CASES / "pois_epil_cluster.json").read_text())
    table = np.genfromtxt(CASES / case["data"], delimiter=",", names=True)
    rows = {name: table[name] for name in table.dtype.names}
    fit = kl.fit(kl.Poisson(rate="~ lbase + trtprogabide + lage + V4"), rows, "y")
    answer = case["refined"]
    for kind, errors in (("observed", answer["se"]), ("sandwich", answer["se_hc0"])):
        frame = fit.summary(kind=kind).to_frame()
        z = np.array(answer["estimate"]) / errors
        np.testing.assert_allclose(frame["estimate"], answer["estimate"], rtol=1e-9)
        np.testing.assert_allclose(frame["stderr"], errors, rtol=1e-8)
        np.testing.assert_allclose(frame["z"], z, rtol=1e-8)
        # 1e-6: a relative error of z, 1e-9, is z² times it in a p-value of 1e-300
        np.testing.assert_allclose(frame["p_value"], 2.0 * scipy.stats.norm.sf(abs(z)), rtol=1e-5)
        half = scipy.stats.norm.ppf(0.975) * np.array(errors)
        np.testing.assert_allclose(frame["upper"] - frame["estimate"], half, rtol=1e-7)
    assert list(frame["source"]) == ["rate"] * 5
    named = [f"rate[{c}]" for c in frame["coefficient"]]
    assert named == list(fit.names)
    text = str(fit.summary(kind="sandwich"))
    assert "std. errors sandwich" in text
    assert "rate: log link, ~ lbase + trtprogabide + lage + V4" in text
    # R's deviance/df of this model is about 4: seizures vary more than a Poisson model says
    assert "Pearson χ²/df = " in text


MODELS = {
    "log": (kl.Poisson(rate="~ age + region"), {}),
    "logit": (kl.Binomial(trials="seeds", probability="~ age + region"), {}),
    "censored": (kl.Weibull(scale="~ age + region"), {"event": "died"}),
    "weighted": (kl.Gamma(mean="~ age", shape=None), {"weights": "w"}),
}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("weight_kind", ["frequency", "sampling"])
def test_ratios_are_exponentials_with_errors_of_the_delta_method(name, weight_kind):
    model, more = MODELS[name]
    rows = {**ROWS, "y": ROWS["y"] + (name in ("censored", "weighted"))}
    more = {**more, "weight_kind": weight_kind}
    more |= {"weights": "w"} if weight_kind == "sampling" else {}
    fit = kl.fit(model, rows, "y", **more)
    plain, ratio = fit.summary().to_frame(), fit.summary(exponentiate=True).to_frame()
    own = np.array([c != "" for c in plain["coefficient"]])
    estimate = np.exp(plain["estimate"])
    np.testing.assert_allclose(ratio["estimate"][own], estimate[own], rtol=1e-14)
    np.testing.assert_allclose(ratio["stderr"][own], (estimate * plain["stderr"])[own], rtol=1e-14)
    for end in ("lower", "upper"):
        np.testing.assert_allclose(ratio[end][own], np.exp(plain[end])[own], rtol=1e-14)
    for same in ("z", "p_value"):
        np.testing.assert_array_equal(ratio[same], plain[same])
    # a shape or a dispersion is no coefficient: unchanged, and without a test against 0
    np.testing.assert_array_equal(ratio["estimate"][~own], plain["estimate"][~own])
    assert np.all(np.isnan(plain["z"][~own]))
    assert ("odds ratios" in str(fit.summary(exponentiate=True))) == (name == "logit")


def test_ratios_need_a_log_or_logit_link():
    fit = kl.fit(kl.Normal(loc="~ age"), ROWS, "y")
    with pytest.raises(KullbackError, match="has none"):
        fit.summary(exponentiate=True)
    both = kl.fit(kl.Normal(loc="~ age", scale="~ region"), ROWS, "y")
    text = lines(both, exponentiate=True)
    assert any(line == "loc: identity link, ~ age; not exponentiated" for line in text)
    assert any(line.endswith("ratios of scale: exp(estimate)") for line in text)
    frame = both.summary(exponentiate=True).to_frame()
    assert frame["estimate"][1] == both.params["loc"]["age"]


def test_logits_are_odds_against_the_first_class():
    fit = kl.fit(kl.Categorical(logits="~ age"), ROWS, "region")
    text = lines(fit, exponentiate=True)
    assert "logits: logit link, ~ age; odds ratios against east: exp(estimate)" in text
    frame = fit.summary().to_frame()
    assert [f"logits[{c}]" for c in frame["coefficient"]] == list(fit.names)


def test_many_levels_are_printed_when_they_are_asked_for():
    fit = kl.fit(kl.Poisson(rate="~ age + C(plot) + region"), ROWS, "y")
    short, full = lines(fit), lines(fit, full=True)
    assert sum("plot[T." in line for line in short) == 5
    assert "  … 34 more: summary(full=True)" in short
    assert sum("plot[T." in line for line in full) == 39
    assert sum("region[T." in line for line in short) == 2  # what follows them is printed
    assert len(fit.summary().to_frame()) == 43
    html = fit.summary(full=True).html()
    assert html.count("plot[T.") == 39
    assert "summary(full=True)" in fit.summary().html()


def test_fixed_and_constant_numbers_keep_the_columns_of_other_fits():
    fit = kl.fit(kl.Gamma(shape=2.0), ROWS["y"] + 1.0)
    assert lines(fit)[2].split() == ["estimate", "std.", "error", "95%", "interval"]
    assert "fixed" in lines(fit)[3]
    assert fit.summary().to_frame()["stderr"][0] == 0.0
    assert "90% interval" in lines(fit, level=0.9)[2]


def test_a_function_has_tests_of_its_coefficients():
    model = kl.Normal(loc=kl.Function(lambda age, a, b: a + b * age, start={"a": 1.0, "b": 0.0}))
    frame = kl.fit(model, ROWS, "y").summary().to_frame()
    a = frame["coefficient"] == "a"
    np.testing.assert_allclose(frame["z"][a], frame["estimate"][a] / frame["stderr"][a])


@pytest.mark.parametrize("weights", [None, "w"])
@pytest.mark.parametrize("family", ["Poisson", "Binomial"])
def test_overdispersion_from_its_formula(family, weights):
    model = {
        "Poisson": kl.Poisson(rate="~ age"),
        "Binomial": kl.Binomial(trials="seeds", probability="~ age"),
    }[family]
    fit = kl.fit(model, ROWS, "y", weights=weights)
    b = fit.params["rate" if family == "Poisson" else "probability"]
    eta = b["Intercept"] + b["age"] * ROWS["age"]
    y = ROWS["y"]
    x = scipy.stats.poisson(np.exp(eta))
    if family == "Binomial":
        x = scipy.stats.binom(12, 1.0 / (1.0 + np.exp(-eta)))
    mean, variance, _, excess = x.stats("mvsk")
    w = ROWS["w"] if weights else np.ones(N)
    statistic, df = (w * (y - mean) ** 2 / variance).sum(), w.sum() - 2
    z = (statistic - df) / np.sqrt((w * (2.0 + excess)).sum())
    test = fit.overdispersion()
    assert test.statistic == pytest.approx(statistic, rel=1e-9)
    assert test.df == df
    assert test.p_value == pytest.approx(scipy.stats.norm.sf(z), rel=1e-7)
    noted = "Pearson χ²/df" in str(fit.summary())
    assert noted == (test.p_value < 0.05 and statistic > df)


def test_overdispersion_that_is_not_defined():
    with pytest.raises(KullbackError, match="for Poisson and Binomial models"):
        kl.fit(kl.Geometric(), ROWS["y"]).overdispersion()
    with pytest.raises(KullbackError, match="exact rows"):
        kl.fit(kl.Poisson(), ROWS, "y", event="died").overdispersion()
    with pytest.raises(KullbackError, match="degrees of freedom"):
        kl.fit(kl.Poisson(), [3]).overdispersion()


def test_overdispersion_of_a_fit_without_its_rows(tmp_path):
    y = np.repeat([0, 1, 9, 14], 20)
    fit = kl.fit(kl.Poisson(), y)
    fit.save(tmp_path / "fit.json")
    for same in (fit.without_data(), kl.load(tmp_path / "fit.json")):
        assert same.overdispersion().p_value == fit.overdispersion().p_value
        assert "Pearson χ²/df" in str(same.summary())


def test_clusters_are_named_in_the_summary():
    fit = kl.fit(kl.Poisson(rate="~ age"), ROWS, "y")
    text = str(fit.with_covariance("clustered", clusters="region", correction="CR1").summary())
    assert 'std. errors clustered by column "region" (3 clusters, CR1)' in text
    assert "3 clusters are few" in text


def test_coefficients_of_a_logit_are_shown_as_odds_ratios():
    data = {"x": [0, 0, 0, 0, 1, 1, 1, 1, 1], "y": [1, 0, 0, 0, 1, 1, 0, 1, 0]}
    fit = kl.fit(kl.Bernoulli(logit="~ x"), data, "y")
    summary = fit.summary(exponentiate=True)
    assert summary.estimates[0][0] == "logit: identity link, ~ x; odds ratios: exp(estimate)"
    # the odds ratio of the two-by-two table: (3/2)/(1/3)
    assert summary.to_frame()["estimate"].iloc[1] == pytest.approx(4.5, rel=1e-9)
