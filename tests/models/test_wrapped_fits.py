"""Fits of shifted, zero-inflated and hurdle models, against SciPy's optimum and R's answers.

The cases in tests/reference/wrapped are R 4.2.2's (pscl, and the likelihood along a path); in each,
``refined`` is the same maximum found again by separate code with exact derivatives.
"""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy import optimize, stats

import kullback as kl
from kullback.models.linear import Linear
from kullback.results.by_parameter import flat

CASES = Path(__file__).parents[1] / "reference" / "wrapped"
# Proschan (1963), as in tests/reference/dist/aircondit.csv
AIR = [3.0, 5.0, 7.0, 18.0, 43.0, 85.0, 91.0, 98.0, 100.0, 130.0, 230.0, 487.0]


@pytest.mark.parametrize(
    ("model", "law", "start"),
    [
        (
            kl.Shifted(kl.Weibull()),
            lambda p: stats.weibull_min(p[1], loc=p[0], scale=p[2]),
            [4.9, 1.6, 3.0],
        ),
        (
            kl.Shifted(kl.Gamma(scale=kl.Param())),
            lambda p: stats.gamma(p[1], loc=p[0], scale=p[2]),
            [4.8, 2.0, 1.2],
        ),
        (
            kl.Shifted(kl.LogNormal(median=kl.Param())),
            lambda p: stats.lognorm(p[2], loc=p[0], scale=p[1]),
            [3.5, 3.5, 0.4],
        ),
    ],
    ids=["Weibull", "Gamma", "LogNormal"],
)
def test_three_parameters_at_the_interior_maximum(model, law, start):
    x = stats.weibull_min(1.7, loc=5.0, scale=3.0).rvs(200, random_state=1)
    fit = kl.fit(model, x)
    assert fit.convergence.converged
    found = optimize.minimize(
        lambda p: -law(p).logpdf(x).sum() if p[0] < x.min() and min(p[1:]) > 0.0 else np.inf,
        start,
        method="Nelder-Mead",
        options={"xatol": 1e-10, "fatol": 1e-13, "maxiter": 5_000},
    )
    # the simplex stops where the likelihood is flat to 1e-13 of it
    assert fit.log_likelihood == pytest.approx(-found.fun, rel=1e-11)
    np.testing.assert_allclose(list(fit.params.values()), found.x, rtol=1e-5)
    scaled = kl.fit(model, 1e6 * x)
    assert scaled.params["loc"] == pytest.approx(1e6 * fit.params["loc"], rel=1e-9)


def test_a_likelihood_without_a_maximum_is_named():
    case = json.loads((CASES / "nofinite_weibull3_aircondit.json").read_text())
    assert case["no_finite_mle"]
    fit = kl.fit(kl.Shifted(kl.Weibull()), AIR)
    assert not fit.convergence.converged
    assert fit.convergence.reason == (
        "no maximum: the likelihood keeps increasing as loc tends to the minimum of the sample"
    )
    assert np.isnan(fit.stderr["shape"])
    for point in case["refined"]["profile_over_threshold_gap"][:8]:
        loc = 3.0 - point["threshold_gap"]
        at = kl.fit(kl.Shifted(kl.Weibull(), loc=loc), AIR)
        assert at.log_likelihood == pytest.approx(point["loglik"], rel=1e-11)
        assert at.params["shape"] == pytest.approx(point["shape"], rel=1e-9)
        assert at.params["scale"] == pytest.approx(point["scale"], rel=1e-9)
    for point in case["refined"]["path"][:5]:  # nearer, 3 − gap is rounded
        loc = 3.0 - point["threshold_gap"]
        model = kl.Shifted(kl.Weibull(shape=0.5, scale=point["scale"]), loc=loc)
        # the gap is rounded to 4e-16/gap of itself, and half its logarithm counts
        rounding = 1e-15 / point["threshold_gap"]
        assert model.log_density(AIR).sum() == pytest.approx(point["loglik"], abs=rounding + 1e-12)


def test_a_shift_that_runs_away_is_named():
    x = -stats.gamma(2.0).rvs(200, random_state=1)  # its long tail is on the left
    fit = kl.fit(kl.Shifted(kl.LogNormal(median=kl.Param())), x)
    assert fit.convergence.reason == (
        "no maximum: the likelihood keeps increasing as loc diverges to −infinity"
    )


def test_a_falling_density_begins_at_the_smallest_outcome():
    x = stats.expon(loc=2.0, scale=3.0).rvs(100, random_state=1)
    fit = kl.fit(kl.Shifted(kl.Exponential()), x)
    assert fit.convergence.converged
    assert fit.params["loc"] == x.min()
    assert fit.params["rate"] == pytest.approx(1.0 / (x.mean() - x.min()), rel=1e-12)


def test_a_base_that_cannot_be_shifted():
    with pytest.raises(kl.ModelError, match=r"kl\.LogNormal\(median=kl\.Param\(\), scale="):
        kl.Shifted(kl.LogNormal())
    with pytest.raises(kl.ModelError, match="Shifted moves continuous outcomes"):
        kl.Shifted(kl.Poisson())
    with pytest.raises(kl.ModelError, match="needs a model of counts"):
        kl.Hurdle(kl.Gamma())
    with pytest.raises(kl.ModelError, match="minimum of Pareto is the minimum of the sample"):
        kl.fit(kl.Truncated(kl.Pareto(), upper=9.0), [1.0, 2.0, 3.0])


def test_zero_inflated_and_hurdle_poisson():
    rng = np.random.default_rng(0)
    y = np.where(rng.random(400) < 0.3, 0, rng.poisson(2.5, 400)).astype(float)
    above = y[y > 0.0]
    # above zero both are the zero-truncated Poisson: rate / (1 − e^−rate) is the mean
    rate = optimize.brentq(lambda r: r / -np.expm1(-r) - above.mean(), 0.1, 9.0, xtol=1e-14)
    share = np.mean(y == 0.0)
    hurdle = kl.fit(kl.Hurdle(kl.Poisson()), y)
    assert hurdle.params["rate"] == pytest.approx(rate, rel=1e-10)
    assert hurdle.params["zero_probability"] == pytest.approx(share, rel=1e-12)
    assert hurdle.stderr["zero_probability"] == pytest.approx(
        np.sqrt(share * (1.0 - share) / y.size), rel=1e-10
    )
    inflated = kl.fit(kl.ZeroInflated(kl.Poisson()), y)
    assert inflated.params["rate"] == pytest.approx(rate, rel=1e-10)
    # the share of zeros is p + (1 − p) e^−rate
    p = (share - np.exp(-rate)) / -np.expm1(-rate)
    assert inflated.params["zero_probability"] == pytest.approx(p, rel=1e-9)
    assert inflated.log_likelihood == pytest.approx(hurdle.log_likelihood, rel=1e-13)
    loaded = kl.ZeroInflated(kl.Poisson(rate=rate), zero_probability=p)
    assert repr(inflated.model).startswith("ZeroInflated(Poisson(rate=2.6108")
    assert loaded.entropy() == pytest.approx(inflated.model.entropy(), rel=1e-8)


def test_too_few_zeros_for_inflation():
    y = np.array([1.0, 2.0, 3.0, 2.0, 4.0, 1.0, 5.0, 3.0])
    fit = kl.fit(kl.ZeroInflated(kl.Poisson()), y)
    assert fit.convergence.converged
    assert fit.convergence.bounds == ("zero_probability = 0, its lower bound",)
    assert fit.params["rate"] == pytest.approx(y.mean(), rel=1e-10)
    hurdle = kl.fit(kl.Hurdle(kl.Poisson()), y)
    assert hurdle.params["zero_probability"] == 0.0


@pytest.mark.parametrize("name", ["zip_quine", "hurdle_geom_quine"])
def test_regressions_of_pscl(name):
    case = json.loads((CASES / f"{name}.json").read_text())
    table = np.genfromtxt(CASES / case["data"], delimiter=",", names=True)
    data = {column: table[column] for column in table.dtype.names}
    names = [text.split(":") for text in case["coef_names"]]
    of = {part: tuple(c for p, c in names if p == part and c != "const") for part in ("mu", "pi")}
    mu, pi = Linear(of["mu"]), Linear(of["pi"])
    model = (
        kl.ZeroInflated(kl.Poisson(rate=mu), zero_probability=pi)
        if name == "zip_quine"
        else kl.Hurdle(kl.Geometric(mean=mu), zero_probability=pi)
    )
    fit = kl.fit(model, data, "y")
    answer = case["refined"]
    split = len(of["mu"]) + 1
    # pscl's hurdle models P(Y > 0)
    sign = 1.0 if name == "zip_quine" else -1.0
    estimate = np.array(answer["estimate"]) * np.where(np.arange(len(names)) < split, 1.0, sign)
    base = "rate" if name == "zip_quine" else "mean"
    assert fit.convergence.converged
    # the answers have 13 digits
    assert fit.log_likelihood == pytest.approx(answer["loglik"], rel=1e-11)
    np.testing.assert_allclose(flat(fit.params[base]), estimate[:split], rtol=1e-9)
    np.testing.assert_allclose(flat(fit.params["zero_probability"]), estimate[split:], rtol=1e-9)
    np.testing.assert_allclose(flat(fit.stderr[base]), answer["se"][:split], rtol=1e-8)
    np.testing.assert_allclose(
        flat(fit.stderr["zero_probability"]), answer["se"][split:], rtol=1e-8
    )
