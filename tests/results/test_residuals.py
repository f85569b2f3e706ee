"""Residuals against their definitions in SciPy, and their distribution where the model is right."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import scipy.stats

import kullback as kl

RANDOM = np.random.default_rng(11)
N = 400
X = RANDOM.normal(size=N)
MEAN = np.exp(0.5 + 0.6 * X)
TIME = MEAN * RANDOM.weibull(1.4, N)
LIMIT = RANDOM.uniform(0.5, 4.0, N)
ENTRY = RANDOM.uniform(0.0, 0.4, N)
DATA = {
    "x": X,
    "w": RANDOM.integers(1, 4, N).astype(float),
    "count": RANDOM.poisson(MEAN).astype(float),
    "size": RANDOM.negative_binomial(3.0, 3.0 / (3.0 + MEAN)).astype(float),
    "yes": (RANDOM.random(N) < 1.0 / (1.0 + MEAN)).astype(float),
    "of": RANDOM.binomial(7, MEAN / (1.0 + MEAN)).astype(float),
    "gamma": RANDOM.gamma(2.0, MEAN / 2.0),
    "wald": RANDOM.wald(MEAN, 3.0),
    "real": 0.5 + 0.6 * X + RANDOM.normal(size=N),
    "time": np.minimum(TIME, LIMIT),
    "died": TIME < LIMIT,
}


def law_of(name, rows):
    """SciPy's distribution of each row, and that of the saturated model, by the family."""
    mean, own = rows.mean(), rows.params
    laws = {
        "Normal": lambda m: scipy.stats.norm(m, own["scale"]),
        "Poisson": scipy.stats.poisson,
        "Bernoulli": scipy.stats.bernoulli,
        "Binomial": lambda m: scipy.stats.binom(7, m / 7.0),
        "Gamma": lambda m: scipy.stats.gamma(own["shape"], scale=m / own["shape"]),
        "Exponential": lambda m: scipy.stats.expon(scale=m),
        "InverseGaussian": lambda m: scipy.stats.invgauss(m / own["shape"], scale=own["shape"]),
        "NegativeBinomial": lambda m: scipy.stats.nbinom(
            own["size"], own["size"] / (own["size"] + m)
        ),
        "Geometric": lambda m: scipy.stats.geom(1.0 / (1.0 + m), loc=-1),
    }
    dispersion = {
        "Normal": lambda: own["scale"] ** 2,
        "Gamma": lambda: 1.0 / own["shape"],
        "InverseGaussian": lambda: 1.0 / own["shape"],
    }
    return laws[name], mean, dispersion.get(name, lambda: 1.0)()


@pytest.mark.parametrize(
    ("model", "y"),
    [
        (kl.Normal(loc="~ x"), "real"),
        (kl.Poisson(rate="~ x"), "count"),
        (kl.Bernoulli(probability="~ x"), "yes"),
        (kl.Binomial(trials=7, probability="~ x"), "of"),
        (kl.Gamma(mean="~ x"), "gamma"),
        (kl.Exponential(scale="~ x"), "gamma"),
        (kl.InverseGaussian(mean="~ x"), "wald"),
        (kl.NegativeBinomial(mean="~ x"), "size"),
        (kl.Geometric(mean="~ x"), "size"),
    ],
    ids=lambda m: m if isinstance(m, str) else m.name,
)
def test_residuals_of_generalized_linear_models(model, y):
    fit = kl.fit(model, DATA, y, weights="w")
    outcome = DATA[y]
    law, mean, dispersion = law_of(model.name, fit.at(DATA))
    of = law(mean)
    np.testing.assert_allclose(fit.residuals("response"), outcome - mean, rtol=1e-12, atol=1e-14)
    pearson = (outcome - mean) / of.std()
    np.testing.assert_allclose(fit.residuals("pearson"), pearson, rtol=1e-9, atol=1e-12)
    log_of = "logpmf" if model.discrete else "logpdf"
    with np.errstate(all="ignore"):
        saturated = getattr(law(outcome), log_of)(outcome)
        saturated = np.where((outcome == 0.0) & model.discrete, 0.0, saturated)
    # of the square: the difference of two log-likelihoods cancels where y is near its mean
    found = fit.residuals("deviance")
    twice = 2.0 * dispersion * (saturated - getattr(of, log_of)(outcome))
    np.testing.assert_allclose(found**2, twice, rtol=1e-9, atol=1e-11)
    np.testing.assert_array_equal(np.sign(found), np.sign(outcome - mean))
    u = scipy.stats.norm.cdf(fit.residuals("quantile", seed=3))
    above = of.cdf(outcome)
    below = above - of.pmf(outcome) if model.discrete else above
    assert np.all((u > below - 1e-12) & (u < above + 1e-12))
    if model.name not in ("Exponential", "Geometric"):  # the rows are of other families
        assert scipy.stats.kstest(u, "uniform").pvalue > 1e-3


def weibull(fit, rows):
    return scipy.stats.weibull_min(fit.params["shape"], scale=rows.params["scale"])


@pytest.fixture(scope="module")
def censored():
    return kl.fit(kl.Weibull(scale="~ x"), DATA, "time", event="died", weights="w")


def test_residuals_of_censored_rows(censored):
    died, time = DATA["died"], DATA["time"]
    of = weibull(censored, censored.at(DATA))
    hazard = -of.logsf(time)
    np.testing.assert_allclose(censored.residuals("cox-snell"), hazard, rtol=1e-11)
    np.testing.assert_allclose(censored.residuals("martingale"), died - hazard, rtol=1e-11)
    # the score in the constant is Σ w (event − hazard) = 0
    assert abs(np.sum(DATA["w"] * censored.residuals("martingale"))) < 1e-6
    found = censored.residuals("quantile", seed=1)
    u = scipy.stats.norm.cdf(found)
    np.testing.assert_allclose(u[died], of.cdf(time)[died], rtol=1e-10)
    assert np.all(u[~died] > of.cdf(time)[~died])
    assert scipy.stats.kstest(found, "norm").pvalue > 1e-3
    assert np.array_equal(found[died], censored.residuals("quantile", seed=2)[died])
    assert not np.any(found[~died] == censored.residuals("quantile", seed=2)[~died])
    np.testing.assert_array_equal(np.isnan(censored.residuals("response")), ~died)
    with pytest.raises(kl.KullbackError, match="Weibull is not one of the generalized linear"):
        censored.residuals("deviance")


def test_intervals_and_left_censored_rows():
    lower, upper = np.floor(TIME), np.floor(TIME) + 1.0
    left = lower == 0.0
    data = {"x": X, "lower": np.where(left, np.nan, lower), "upper": upper}
    fit = kl.fit(kl.Weibull(scale="~ x"), data, ("lower", "upper"))
    of = weibull(fit, fit.at(data))
    u = scipy.stats.norm.cdf(fit.residuals("quantile", seed=5))
    assert np.all((u > of.cdf(lower)) & (u < of.cdf(upper)))
    assert scipy.stats.kstest(u, "uniform").pvalue > 1e-3
    assert np.isnan(fit.residuals("cox-snell")).all()


def test_rows_with_a_window_are_taken_given_that_they_lie_in_it():
    seen = TIME > ENTRY
    data = {name: np.asarray(v)[seen] for name, v in (DATA | {"entry": ENTRY}).items()}
    data["time"] = np.minimum(TIME, LIMIT + ENTRY)[seen]
    data["died"] = (TIME < LIMIT + ENTRY)[seen]
    data["end"] = np.full(seen.sum(), 50.0)
    fit = kl.fit(kl.Weibull(scale="~ x"), data, "time", event="died", truncation=("entry", "end"))
    of = weibull(fit, fit.at(data))
    kept = of.cdf(data["end"]) - of.cdf(data["entry"])
    u = (of.cdf(data["time"]) - of.cdf(data["entry"])) / kept
    found = scipy.stats.norm.cdf(fit.residuals("quantile"))
    died = data["died"]
    np.testing.assert_allclose(found[died], u[died], rtol=1e-10)
    assert np.all(found[~died] > u[~died])
    hazard = -np.log((of.cdf(data["end"]) - of.cdf(data["time"])) / kept)
    np.testing.assert_allclose(fit.residuals("cox-snell"), hazard, rtol=1e-9)
    # of counts, a window includes its lower end
    data = {"x": X, "count": DATA["count"]}
    positive = {name: v[data["count"] >= 1.0] for name, v in data.items()}
    fit = kl.fit(kl.Poisson(rate="~ x"), positive, "count", truncation=(1, None))
    law, y = scipy.stats.poisson(fit.at(positive).mean()), positive["count"]
    u = scipy.stats.norm.cdf(fit.residuals(seed=2))
    above = (law.cdf(y) - law.pmf(0)) / law.sf(0)
    below = (law.cdf(y - 1.0) - law.pmf(0)) / law.sf(0)
    assert np.all((u > below - 1e-12) & (u < above + 1e-12))
    assert scipy.stats.kstest(u, "uniform").pvalue > 1e-3


@pytest.mark.parametrize(
    "model",
    [
        kl.ZeroInflated(kl.Poisson(rate="~ x"), zero_probability=0.05),
        kl.Hurdle(kl.Poisson(rate="~ x"), zero_probability="~ x"),
        kl.Truncated(kl.Poisson(rate="~ x"), upper=40),
    ],
    ids=lambda m: m.name,
)
def test_composites(model):
    fit = kl.fit(model, DATA, "count")
    rows, y = fit.at(DATA), DATA["count"]
    u = scipy.stats.norm.cdf(fit.residuals(seed=4))
    above = rows.cdf(y)
    assert np.all((u > above - rows.density(y) - 1e-12) & (u < above + 1e-12))
    assert scipy.stats.kstest(u, "uniform").pvalue > 1e-3
    pearson = (y - rows.mean()) / np.sqrt(rows.variance())
    np.testing.assert_allclose(fit.residuals("pearson"), pearson, rtol=1e-12)


def test_tails_keep_their_digits_far_out():
    data = {"y": [-40.0, 0.0, 1.0, 60.0], "x": [0.0, 1.0, 2.0, 3.0]}
    fit = kl.fit(kl.Normal(loc=kl.Param(start=0.0), scale=1.0), data, "y")
    expected = np.array(data["y"]) - fit.params["loc"]
    np.testing.assert_allclose(fit.residuals(), expected, rtol=1e-13)


def test_the_same_in_memory_streamed_and_with_missing_rows(tmp_path, monkeypatch):
    frame = pd.DataFrame({"x": np.resize(X, 20_000), "y": np.resize(DATA["count"], 20_000)})
    frame.loc[5_000, "x"] = np.nan
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.Table.from_pandas(frame), path, row_group_size=7_000)
    inside = kl.fit(kl.Poisson(rate="~ x"), frame, "y", missing="drop").residuals(seed=9)
    assert np.flatnonzero(np.isnan(inside)).tolist() == [5_000]
    monkeypatch.setattr("kullback.data.open.IN_MEMORY_BYTES", 0)
    streamed = kl.fit(kl.Poisson(rate="~ x"), path, "y", missing="drop").residuals(seed=9)
    # NumPy's sums of the last rows of a run differ in last digits
    np.testing.assert_allclose(streamed, inside, rtol=1e-13)


def test_groups_and_fits_without_rows(censored):
    data = {**DATA, "group": np.where(np.arange(N) % 3 > 0, "a", "b")}
    table = kl.fit(kl.Poisson(rate="~ x"), data, "count", by="group")
    part = data["group"] == "a"
    alone = kl.fit(kl.Poisson(rate="~ x"), {"x": X[part], "y": DATA["count"][part]}, "y")
    np.testing.assert_allclose(
        table["a"].residuals("pearson"), alone.residuals("pearson"), rtol=1e-9
    )
    with pytest.raises(kl.KullbackError, match="a residual needs the rows"):
        censored.without_data().residuals()
    with pytest.raises(kl.KullbackError, match="kind must be one of"):
        censored.residuals("studentized")
    labels = kl.fit(kl.Categorical(logits="~ x"), {**data, "label": data["group"]}, "label")
    with pytest.raises(kl.KullbackError, match="of labels"):
        labels.residuals()
