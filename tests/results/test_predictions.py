"""Predictions and their intervals, against closed formulas of the delta method in NumPy."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.special
import scipy.stats

import kullback as kl

Z = scipy.stats.norm.ppf(0.975)
RANDOM = np.random.default_rng(4)
N = 300
X = RANDOM.normal(size=N)
GROUP = np.array(["a", "b", "c"])[RANDOM.integers(0, 3, N)]
WEIGHT = RANDOM.integers(1, 4, N).astype(float)
ETA = 0.4 + 0.7 * X + 0.5 * (GROUP == "b")
TIME = np.exp(ETA) * RANDOM.weibull(1.5, N)
DATA = {
    "x": X,
    "group": GROUP,
    "w": WEIGHT,
    "count": RANDOM.poisson(np.exp(ETA)).astype(float),
    "yes": (RANDOM.random(N) < scipy.special.expit(ETA)).astype(float),
    "time": np.minimum(TIME, 3.0),
    "died": TIME < 3.0,
    "real": ETA + RANDOM.normal(size=N),
}
NEW = pd.DataFrame({"group": ["b", "a", "c"], "x": [0.5, np.nan, -1.0]}, index=[30, 10, 20])
# the coefficients of "~ x + group" times this give η of the rows of NEW that are known
DESIGN = np.array([[1.0, 0.5, 1.0, 0.0], [1.0, -1.0, 0.0, 1.0]])
KNOWN = [30, 20]


def coefficients(fit, parameter):
    names = list(fit.params[parameter])
    assert names == ["Intercept", "x", "group[T.b]", "group[T.c]"]
    return np.array(list(fit.params[parameter].values()))


@pytest.mark.parametrize(
    ("model", "y", "inverse"),
    [
        (kl.Normal(loc="~ x + group"), "real", lambda eta: eta),
        (kl.Poisson(rate="~ x + group"), "count", np.exp),
        (kl.Bernoulli(probability="~ x + group"), "yes", scipy.special.expit),
        (kl.Gamma(mean="~ x + group"), "time", np.exp),
    ],
)
def test_the_interval_of_a_mean_is_that_of_its_predictor(model, y, inverse):
    fit = kl.fit(model, DATA, y, weights="w")
    name = next(iter(fit.params))
    eta = DESIGN @ coefficients(fit, name)
    covariance = fit.covariance()[:4, :4]
    error = np.sqrt(np.einsum("ij,jk,ik->i", DESIGN, covariance, DESIGN))
    found = fit.predict(NEW, interval="confidence")
    assert list(found.columns) == ["estimate", "lower", "upper"]
    assert list(found.index) == [30, 10, 20]
    assert found.loc[10].isna().all()
    # differences extrapolate the derivative to about 1e-10
    np.testing.assert_allclose(found.loc[KNOWN, "estimate"], inverse(eta), rtol=1e-13)
    np.testing.assert_allclose(found.loc[KNOWN, "lower"], inverse(eta - Z * error), rtol=1e-9)
    np.testing.assert_allclose(found.loc[KNOWN, "upper"], inverse(eta + Z * error), rtol=1e-9)
    series = fit.predict(NEW)
    assert isinstance(series, pd.Series)
    pd.testing.assert_series_equal(series, found["estimate"], check_names=False)


def test_clusters_widen_the_interval_of_a_mean_and_not_that_of_an_outcome():
    rng = np.random.default_rng(3)
    herd = np.repeat(np.arange(30), 8)
    x = rng.normal(size=240)
    rows = {"x": x, "herd": herd, "y": x + rng.normal(size=30)[herd] + 0.3 * rng.normal(size=240)}
    fit = kl.fit(kl.Normal(loc="~ x"), rows, "y")
    clustered = fit.with_covariance("clustered", clusters="herd")
    new = {"x": np.array([-1.0, 0.0, 2.0])}
    design = np.stack([np.ones(3), new["x"]], axis=1)
    covariance = clustered.covariance()[:2, :2]
    half = Z * np.sqrt(np.einsum("ij,jk,ik->i", design, covariance, design))
    found = clustered.predict(new, interval="confidence")
    np.testing.assert_allclose(found["upper"] - found["estimate"], half, rtol=1e-9)
    plain = fit.predict(new, interval="confidence")
    assert (half > 1.5 * (plain["upper"] - plain["estimate"])).all()
    # quantiles of the fitted distribution of each row, which clusters do not change
    outcome = clustered.predict(new, interval="prediction")
    np.testing.assert_array_equal(outcome, fit.predict(new, interval="prediction"))


def test_survival_and_quantiles_of_censored_rows():
    fit = kl.fit(kl.Weibull(scale="~ x + group"), DATA, "time", event="died", weights="w")
    place = [fit.names.index(f"scale[{n}]") for n in fit.params["scale"]]
    place.append(fit.names.index("shape"))
    covariance = fit.covariance()[np.ix_(place, place)]
    shape, eta = fit.params["shape"], DESIGN @ coefficients(fit, "scale")
    # log Q(u) = η + log(−log(1 − u))/shape
    level = np.log(-np.log1p(-0.25))
    gradient = np.column_stack([DESIGN, np.full(2, -level / shape**2)])
    error = np.sqrt(np.einsum("ij,jk,ik->i", gradient, covariance, gradient))
    found = fit.predict(NEW, "quantile", at=0.25, interval="confidence", level=0.9)
    log_quantile, half = eta + level / shape, scipy.stats.norm.ppf(0.95) * error
    np.testing.assert_allclose(found.loc[KNOWN, "estimate"], np.exp(log_quantile), rtol=1e-12)
    np.testing.assert_allclose(found.loc[KNOWN, "lower"], np.exp(log_quantile - half), rtol=1e-8)
    np.testing.assert_allclose(found.loc[KNOWN, "upper"], np.exp(log_quantile + half), rtol=1e-8)
    # the log odds of S(t) = exp(−H), H = (t/scale)^shape, at two times
    times = np.array([0.5, 2.0])
    found = fit.predict(NEW, "survival", at=times, interval="confidence")
    assert list(found.index) == [30, 30, 10, 10, 20, 20]
    assert list(found["at"][:2]) == [0.5, 2.0]
    for row, x, own in ((30, DESIGN[0], eta[0]), (20, DESIGN[1], eta[1])):
        hazard = (times / np.exp(own)) ** shape
        odds = -hazard - np.log(-np.expm1(-hazard))
        slope = -hazard / -np.expm1(-hazard)
        by_shape = slope * (np.log(times) - own)
        gradient = np.column_stack([slope[:, None] * -shape * x, by_shape])
        error = np.sqrt(np.einsum("ij,jk,ik->i", gradient, covariance, gradient))
        ends = scipy.special.expit(odds + Z * np.array([[0.0], [-1.0], [1.0]]) * error)
        columns = found.loc[row, ["estimate", "lower", "upper"]].to_numpy().T
        np.testing.assert_allclose(columns, ends, rtol=1e-8)


def test_several_regressed_parameters_and_a_mixture_of_sources():
    # the mean alone counts for the mean's interval, though the size is regressed too
    fit = kl.fit(kl.NegativeBinomial(mean="~ x + group", size=2.0), DATA, "count")
    eta = DESIGN @ coefficients(fit, "mean")
    error = np.sqrt(np.einsum("ij,jk,ik->i", DESIGN, fit.covariance(), DESIGN))
    found = fit.predict(NEW, interval="confidence")
    np.testing.assert_allclose(found.loc[KNOWN, "upper"], np.exp(eta + Z * error), rtol=1e-9)
    inflated = kl.ZeroInflated(kl.Poisson(rate="~ x + group"), zero_probability=0.25)
    fit = kl.fit(inflated, DATA, "count")
    assert fit.convergence.converged
    eta = DESIGN @ coefficients(fit, "rate")
    error = np.sqrt(np.einsum("ij,jk,ik->i", DESIGN, fit.covariance(), DESIGN))
    found = fit.predict(NEW, interval="confidence")
    np.testing.assert_allclose(found.loc[KNOWN, "estimate"], 0.75 * np.exp(eta), rtol=1e-13)
    np.testing.assert_allclose(found.loc[KNOWN, "lower"], 0.75 * np.exp(eta - Z * error), rtol=1e-9)


def test_a_function_of_columns():
    curve = kl.Function(lambda x, a, b: a + b * x, start={"a": 0.0, "b": 0.0})
    fit = kl.fit(kl.Normal(loc=curve), DATA, "real")
    line = kl.fit(kl.Normal(loc="~ x"), DATA, "real")
    new = {"x": [0.3, -2.0]}
    expected = line.predict(new, interval="confidence")
    pd.testing.assert_frame_equal(fit.predict(new, interval="confidence"), expected, rtol=1e-7)


def test_probabilities_of_classes():
    labels = np.where(RANDOM.random(N) < 0.5, GROUP, np.where(X > 0.0, "up", "down"))
    fit = kl.fit(kl.Categorical(logits="~ x"), {**DATA, "label": labels}, "label")
    new = pl.DataFrame({"x": [0.5, None, 2.0]})
    p = fit.predict(new, "probability")
    assert p.shape == (3, 5)
    best = [fit.model.levels[k] for k in np.argmax(p[[0, 2]], axis=1)]
    assert fit.predict(new).tolist() == [best[0], None, best[1]]
    found = fit.predict(new, "probability", at="up", interval="confidence")
    assert isinstance(found, pl.DataFrame)
    # p_k is the softmax of η: ∂ log(p_k/(1 − p_k))/∂η_j = (δ_jk − p_j)/(1 − p_k)
    k = fit.model.levels.index("up")
    for row, x in ((0, 0.5), (2, 2.0)):
        slope = ((np.arange(5) == k) - p[row]) / (1.0 - p[row, k])
        gradient = np.concatenate([s * np.array([1.0, x]) for s in slope[1:]])
        error = np.sqrt(gradient @ fit.covariance() @ gradient)
        odds = scipy.special.logit(p[row, k])
        expected = scipy.special.expit([odds, odds - Z * error, odds + Z * error])
        np.testing.assert_allclose(found.row(row), expected, rtol=1e-8)
    frame = fit.predict(new, "probability", interval="confidence")
    assert frame["at"].to_list() == list(fit.model.levels) * 3
    np.testing.assert_array_equal(frame["estimate"].to_numpy(), p.ravel())


def test_prediction_intervals_are_quantiles_of_each_row():
    fit = kl.fit(kl.Gamma(mean="~ x + group"), DATA, "time")
    found = fit.predict(NEW, interval="prediction", level=0.8)
    shape, mean = fit.params["shape"], np.exp(DESIGN @ coefficients(fit, "mean"))
    law = scipy.stats.gamma(shape, scale=mean / shape)
    np.testing.assert_allclose(found.loc[KNOWN, "estimate"], mean, rtol=1e-13)
    np.testing.assert_allclose(found.loc[KNOWN, "lower"], law.ppf(0.1), rtol=1e-11)
    np.testing.assert_allclose(found.loc[KNOWN, "upper"], law.ppf(0.9), rtol=1e-11)


def test_parameters_and_rows_without_columns():
    fit = kl.fit(kl.Gamma(), DATA, "time")
    assert fit.predict(NEW, "parameters")["shape"].tolist() == [fit.params["shape"]] * 3
    found = fit.predict(NEW, "variance", interval="confidence")
    expected = fit.derived(lambda m: m.variance(), scale="log")
    ends = [float(expected), *expected.interval]
    np.testing.assert_allclose(found.to_numpy(), [ends] * 3, rtol=1e-8)
    again = kl.fit(kl.Gamma(mean="~ x"), DATA, "time")
    np.testing.assert_array_equal(
        again.predict_params(NEW)["mean"], again.predict(NEW, "parameters")["mean"]
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"what": "middle"}, "what must be one of 'mean'"),
        ({"what": "median"}, 'what="quantile", at=0.5'),
        ({"what": "sd"}, 'the square root of what="variance"'),
        ({"what": "class"}, "Poisson is of numbers"),
        ({"what": "survival"}, "what='survival' needs at="),
        ({"at": 0.5}, "at= is for 'quantile'"),
        ({"interval": "both"}, "interval must be one of"),
        ({"what": "quantile", "at": 0.5, "interval": "confidence"}, "whole numbers"),
        ({"what": "survival", "at": 1, "interval": "prediction"}, "leave what at 'mean'"),
        ({"what": "parameters", "interval": "confidence"}, "has no interval"),
        ({"level": 2.0}, "level must lie"),
    ],
)
def test_choices_that_do_not_go_together(arguments, message):
    fit = kl.fit(kl.Poisson(rate="~ x"), DATA, "count")
    with pytest.raises(kl.KullbackError, match=message):
        fit.predict(NEW, **arguments)


def test_a_column_of_trials_bounds_each_row():
    trials = RANDOM.integers(2, 9, N)
    share = scipy.special.expit(ETA)
    data = {**DATA, "n": trials, "successes": RANDOM.binomial(trials, share)}
    fit = kl.fit(kl.Binomial(trials="n", probability="~ x"), data, "successes")
    new = {"x": [0.5, -1.0], "n": [3, 8]}
    design = np.array([[1.0, 0.5], [1.0, -1.0]])
    eta = design @ list(fit.params["probability"].values())
    error = np.sqrt(np.einsum("ij,jk,ik->i", design, fit.covariance(), design))
    found = fit.predict(new, interval="confidence")
    for name, by in (("estimate", 0.0), ("lower", -Z), ("upper", Z)):
        expected = np.array([3, 8]) * scipy.special.expit(eta + by * error)
        np.testing.assert_allclose(found[name], expected, rtol=1e-9)
    assert fit.at(new).quantile(at=[0.0, 1.0]).tolist() == [[0.0, 3.0], [0.0, 8.0]]
    law = scipy.stats.binom([3, 8], scipy.special.expit(eta))
    np.testing.assert_array_equal(fit.at(new).quantile(0.7), law.ppf(0.7))
    assert np.all(fit.at(new).sample(100, seed=1) <= [[3], [8]])


def test_an_unseen_category_is_named():
    fit = kl.fit(kl.Poisson(rate="~ group"), DATA, "count")
    with pytest.raises(kl.KullbackError, match='column "group" holds "z"'):
        fit.predict({"group": ["a", "z"]})
