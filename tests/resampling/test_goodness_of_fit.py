"""Goodness of fit: statistics of SciPy and fitdistrplus, p-values of SciPy's bootstrap."""

import json
from pathlib import Path

import numpy as np
import pytest
import scipy.stats

import kullback as kl
from kullback.resampling.cells import by_rule

X = scipy.stats.weibull_min(1.7, scale=3.0).rvs(300, random_state=1)
REFERENCE = Path(__file__).parents[1] / "reference"

CONTINUOUS = {
    kl.Weibull: lambda p: scipy.stats.weibull_min(p["shape"], scale=p["scale"]),
    kl.Normal: lambda p: scipy.stats.norm(p["loc"], p["scale"]),
}


def anderson(x, distribution):
    """A² by its definition, from SciPy's logarithms of both tails."""
    x, i = np.sort(x), np.arange(1, x.size + 1)
    terms = (2 * i - 1) * (distribution.logcdf(x) + distribution.logsf(x)[::-1])
    return -x.size - terms.sum() / x.size


@pytest.mark.parametrize("model", [kl.Weibull, kl.Normal])
def test_statistics_against_scipy(model):
    fit = kl.fit(model(), X)
    known = CONTINUOUS[model](fit.params)
    found = fit.goodness_of_fit(0)
    # 1e-11: the distances are near 1e-2 and differences of numbers near 1
    expected = scipy.stats.kstest(X, known.cdf).statistic
    assert found.kolmogorov_smirnov.statistic == pytest.approx(expected, rel=1e-11)
    expected = scipy.stats.cramervonmises(X, known.cdf).statistic
    assert found.cramer_von_mises.statistic == pytest.approx(expected, rel=1e-11)
    assert found.anderson_darling.statistic == pytest.approx(anderson(X, known), rel=1e-10)
    assert found.kolmogorov_smirnov.p_value is None
    assert found.chi_square is None
    if model is kl.Normal:  # SciPy's own, whose variance divides by n − 1
        at = scipy.stats.norm(X.mean(), X.std(ddof=1))
        assert scipy.stats.anderson(X, method="interpolate").statistic == pytest.approx(
            anderson(X, at), rel=1e-9
        )


def test_replicates_have_the_same_statistics_as_samples():
    from kullback.resampling.distances import distances, distances_of_one

    for model in (kl.Weibull(), kl.Gamma()):
        fit = kl.fit(model, X)
        theta = np.array([list(fit.params.values())]).T * np.array([1.0, 1.1, 0.9])
        y = np.sort(X)[:, None] * np.array([1.0, 1.2, 0.8])
        found = distances(model, theta, y, None)
        for i in range(3):
            alone = distances_of_one(model, theta[:, i], y[:, i])
            np.testing.assert_allclose(found[:, i], alone, rtol=1e-10)


# the case's family -> our model
OURS = {
    "norm": kl.Normal,
    "logis": kl.Logistic,
    "gamma": kl.Gamma,
    "weibull": kl.Weibull,
    "lnorm": kl.LogNormal,
    "llogis": kl.LogLogistic,
    "pareto": kl.Lomax,
    "exp": kl.Exponential,
    "pois": kl.Poisson,
    "nbinom": kl.NegativeBinomial,
    "geom": kl.Geometric,
}


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("danish", "dist/danishuni.csv"),
        ("precip", "gof/gof_precip.csv"),
        ("toxocara", "dist/toxocara.csv"),
    ],
)
def test_statistics_against_fitdistrplus(name, data):
    """R's fitdistrplus, and the statistics of estimates refined to the last digits."""
    case = json.loads((REFERENCE / "gof" / f"gof_{name}.json").read_text())
    y = np.loadtxt(REFERENCE / data, skiprows=1)
    pairs = zip(case["reference"]["candidates"], case["refined"]["candidates"], strict=True)
    for theirs, refined in pairs:
        fit = kl.fit(OURS[theirs["family"]](), y)
        if "chisq_breaks" in theirs:
            found = fit.goodness_of_fit(0, cells=theirs["chisq_breaks"])
            assert found.chi_square.statistic == pytest.approx(refined["chisq"], rel=1e-9)
            assert found.chi_square.statistic == pytest.approx(theirs["chisq"], rel=1e-6)
            assert found.chi_square.df == theirs["chisq_df"]
            continue
        found = fit.goodness_of_fit(0)
        for key, own in (
            ("ks", found.kolmogorov_smirnov),
            ("cvm", found.cramer_von_mises),
            ("ad", found.anderson_darling),
        ):
            assert own.statistic == pytest.approx(refined[key], rel=1e-9)
            if isinstance(theirs[key], float):  # R's A² is infinite where a tail rounds to 0
                assert own.statistic == pytest.approx(theirs[key], rel=1e-6)  # R's looser fit


def test_p_values_against_scipy():
    fit = kl.fit(kl.Weibull(), X[:80])
    found = fit.goodness_of_fit(999)
    for statistic, name in (("ad", "anderson_darling"), ("ks", "kolmogorov_smirnov")):
        other = scipy.stats.goodness_of_fit(
            scipy.stats.weibull_min,
            X[:80],
            known_params={"loc": 0.0},
            statistic=statistic,
            n_mc_samples=299,
            rng=np.random.default_rng(1),
        )
        ours = getattr(found, name)
        assert ours.statistic == pytest.approx(other.statistic, rel=1e-3)  # SciPy's looser fit
        error = np.sqrt(other.pvalue * (1.0 - other.pvalue) * (1 / 999 + 1 / 299))
        assert abs(ours.p_value - other.pvalue) < 4.0 * error + 0.005


def test_a_wrong_model_is_rejected_and_a_right_one_is_not():
    wrong = kl.fit(kl.Exponential(), X).goodness_of_fit(199)
    assert wrong.anderson_darling.p_value == pytest.approx(1 / 200)
    assert wrong.conclusion == (
        "The model is rejected at the 1% level by Kolmogorov–Smirnov, Cramér–von Mises and "
        "Anderson–Darling."
    )
    y = scipy.stats.weibull_min(1.7, scale=3.0).rvs(300, random_state=7)
    right_fit = kl.fit(kl.Weibull(), y)
    right = right_fit.goodness_of_fit(199)
    assert right.conclusion.startswith("No evidence against the model: the smallest p-value is 0.")
    k, scale = (f"{right_fit.params[name]:.6g}" for name in ("shape", "scale"))
    assert repr(right).startswith(f"Goodness of fit of Weibull(shape={k}, scale={scale}) to 300")
    assert "199 samples of the model" in right._repr_html_()


def test_known_parameters_need_no_fits():
    # SciPy's tables are for known parameters: D's p-value by its exact distribution
    fit = kl.fit(kl.Normal(loc=0.0, scale=1.0), scipy.stats.norm.rvs(size=40, random_state=3))
    found = fit.goodness_of_fit(1999)
    x = scipy.stats.norm.rvs(size=40, random_state=3)
    for test, name in (("kstest", "kolmogorov_smirnov"), ("cramervonmises", "cramer_von_mises")):
        p = getattr(scipy.stats, test)(x, "norm").pvalue
        assert getattr(found, name).p_value == pytest.approx(p, abs=4 * np.sqrt(0.25 / 1999))


def test_weights_are_rows():
    weights = np.random.default_rng(0).integers(0, 3, X.size)
    a = kl.fit(kl.Weibull(), X, weights=weights.astype(float)).goodness_of_fit(19)
    b = kl.fit(kl.Weibull(), np.repeat(X, weights)).goodness_of_fit(19)
    assert a.n == b.n == weights.sum()
    assert a.anderson_darling.statistic == pytest.approx(b.anderson_darling.statistic, rel=1e-9)
    half = kl.fit(kl.Weibull(), X[:4], weights=[0.5, 1.5, 1.0, 1.0])
    with pytest.raises(kl.KullbackError, match=r"a row has weight 0\.5: give whole numbers"):
        half.goodness_of_fit(19)


def cells_by_rule(counts, expected, after):
    """The rule in words, by a loop: join values until 5 are expected; the rest to the last."""
    cells, o, e = [], 0.0, 0.0
    for own_o, own_e in zip(counts, expected, strict=True):
        o, e = o + own_o, e + own_e
        if e >= 5.0:
            cells.append((o, e))
            o, e = 0.0, 0.0
    e += after
    if e >= 5.0:
        cells.append((o, e))
    else:
        last_o, last_e = cells.pop()
        cells.append((last_o + o, last_e + e))
    return np.array(cells).T


def test_chi_square_of_counts():
    y = np.random.default_rng(4).negative_binomial(3, 0.4, 200)
    fit = kl.fit(kl.NegativeBinomial(), y)
    p = fit.params
    known = scipy.stats.nbinom(p["size"], p["size"] / (p["size"] + p["mean"]))
    k = np.arange(y.max() + 1)
    o, e = cells_by_rule(np.bincount(y), 200 * known.pmf(k), 200 * known.sf(y.max()))
    expected = scipy.stats.chisquare(o, e, ddof=2, sum_check=False)
    found = fit.goodness_of_fit(199)
    assert found.chi_square.statistic == pytest.approx(expected.statistic, rel=1e-9)
    assert found.chi_square.df == o.size - 3
    # the chi-square distribution is close where 5 rows are expected
    assert found.chi_square.p_value == pytest.approx(expected.pvalue, abs=0.12)
    assert found.kolmogorov_smirnov is None
    assert "5 rows are expected" in found.cells
    # many replicates at once, each with its own estimates
    theta = np.array([[3.0, 5.0], [2.0, 4.0]])
    counts = np.random.default_rng(5).poisson(4.0, (40, 2)).astype(float)
    statistic, cells = by_rule(kl.NegativeBinomial(), theta, counts, None)
    for i in range(2):
        n, (mean, size) = counts[:, i].sum(), theta[:, i]
        known = scipy.stats.nbinom(size, size / (size + mean))
        o, e = cells_by_rule(counts[:, i], n * known.pmf(np.arange(40)), n * known.sf(39))
        assert cells[i] == o.size
        assert statistic[i] == pytest.approx(np.sum((o - e) ** 2 / e), rel=1e-9)


def test_chosen_cells():
    fit = kl.fit(kl.Weibull(), X)
    known = CONTINUOUS[kl.Weibull](fit.params)
    ends = [1.0, 2.0, 3.0, 5.0]
    o = np.histogram(X, [0.0, *ends, np.inf])[0]
    e = X.size * np.diff(known.cdf([0.0, *ends, np.inf]))
    found = fit.goodness_of_fit(0, cells=ends)
    assert found.chi_square.statistic == pytest.approx(np.sum((o - e) ** 2 / e), rel=1e-9)
    assert found.chi_square.df == 2
    equal = fit.goodness_of_fit(99, cells=10)
    o = np.histogram(known.cdf(X), np.linspace(0, 1, 11))[0]
    assert equal.chi_square.statistic == pytest.approx(np.sum((o - 30) ** 2 / 30), rel=1e-9)
    assert 0.01 < equal.chi_square.p_value <= 1.0
    for cells, text in (
        (3, "3 cells leave no degrees of freedom for 2 estimated parameters: give at least 4"),
        (1, "cells must be at least 2, got 1"),
        ([2.0, 1.0], r"their upper ends, ascending, got \[2.0, 1.0\]"),
    ):
        with pytest.raises(kl.KullbackError, match=text):
            fit.goodness_of_fit(0, cells=cells)


def test_what_is_refused_or_missing():
    bernoulli = kl.fit(kl.Bernoulli(), [0, 1, 1, 0] * 10).goodness_of_fit(9)
    assert bernoulli.chi_square is None
    assert "Chi-square has no degrees of freedom: 2 cells" in bernoulli.notes[-1]
    assert bernoulli.conclusion.startswith("No p-values")
    uniform = kl.fit(kl.Uniform(), X).goodness_of_fit(9)
    assert uniform.anderson_darling is None
    assert "Anderson–Darling is not defined" in uniform.notes[0]
    labels = kl.fit(kl.Categorical(), list("aabbc"))
    with pytest.raises(kl.KullbackError, match="the outcomes of Categorical are labels"):
        labels.goodness_of_fit()
    with pytest.raises(kl.KullbackError, match="n_bootstrap must be a number of samples"):
        kl.fit(kl.Weibull(), X).goodness_of_fit(-1)


def test_extreme_units():
    a = kl.fit(kl.Weibull(), X).goodness_of_fit(19, cells=[1.0, 2.0, 3.0, 4.0])
    b = kl.fit(kl.Weibull(), X * 2.0**700).goodness_of_fit(
        19, cells=np.array([1.0, 2.0, 3.0, 4.0]) * 2.0**700
    )
    for name, test in a.tests.items():
        other = getattr(b, name)
        assert other.statistic == pytest.approx(test.statistic, rel=1e-9)
        assert other.p_value == test.p_value
