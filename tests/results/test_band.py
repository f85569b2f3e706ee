"""Confidence bands against the delta method's formulas, and against simulated estimates."""

import numpy as np
import pytest
import scipy.stats

import kullback as kl
from kullback._core.errors import KullbackError

RANDOM = np.random.default_rng(37)
X = RANDOM.exponential(2.0, 50)
Y = RANDOM.normal(3.0, 2.0, 200)
Z = scipy.stats.norm.ppf(0.975)


def test_bands_of_an_exponential():
    fit = kl.fit(kl.Exponential(), X)
    rate, n = fit.params["rate"], X.size
    at = np.array([-1.0, 0.5, 2.0, 9.0])
    t = at[1:]
    # log density: log rate − rate t, with the error |1 − rate t|/√n
    band = fit.band("density", at)
    half = Z * np.abs(1.0 - rate * t) / np.sqrt(n)
    density = rate * np.exp(-rate * t)
    np.testing.assert_allclose(band.value, [0.0, *density], rtol=1e-12)
    np.testing.assert_allclose(band.lower, [0.0, *density * np.exp(-half)], rtol=1e-9)
    np.testing.assert_allclose(band.upper, [0.0, *density * np.exp(half)], rtol=1e-9)
    # log odds of the survival function, with the error rate t/√n/(1 − e^(−rate t))
    s = np.exp(-rate * t)
    half = Z * rate * t / np.sqrt(n) / (1.0 - s)
    ends = [scipy.special.expit(scipy.special.logit(s) + sign * half) for sign in (-1.0, 1.0)]
    band = fit.band("survival", at)
    np.testing.assert_allclose(band.lower, [1.0, *ends[0]], rtol=1e-9)
    np.testing.assert_allclose(band.upper, [1.0, *ends[1]], rtol=1e-9)
    cdf = fit.band("cdf", at)
    np.testing.assert_allclose(cdf.lower, 1.0 - band.upper, atol=1e-15)
    np.testing.assert_allclose(cdf.value, 1.0 - band.value, atol=1e-15)
    # quantiles of positive outcomes on the logarithm: a factor
    band = fit.band("quantile", [0.1, 0.9])
    np.testing.assert_allclose(band.upper / band.value, np.exp(Z / np.sqrt(n)), rtol=1e-9)
    np.testing.assert_allclose(band.value / band.lower, np.exp(Z / np.sqrt(n)), rtol=1e-9)


def test_quantiles_of_a_normal():
    fit = kl.fit(kl.Normal(), Y)
    band = fit.band("quantile", level=0.9)
    z = scipy.stats.norm.ppf(band.at)
    half = scipy.stats.norm.ppf(0.95) * fit.params["scale"] * np.sqrt((1 + z * z / 2) / Y.size)
    np.testing.assert_allclose(band.upper - band.value, half, rtol=1e-8)
    np.testing.assert_allclose(band.value - band.lower, half, rtol=1e-8)
    # over all probabilities, (1, z/√2) points in every direction: Scheffé's factor, 2.448
    wide = fit.band("quantile", scipy.stats.norm.cdf(np.linspace(-8, 8, 400)), simultaneous=True)
    factor = (wide.upper - wide.value) / (fit.band("quantile", wide.at).upper - wide.value) * Z
    # 40,000 draws: a standard error of 0.5%; the ends of the grid leave out 8% of the directions
    np.testing.assert_allclose(factor, np.sqrt(scipy.stats.chi2(2).ppf(0.95)), rtol=0.02)
    assert fit.band("quantile", wide.at, simultaneous=True).upper.tolist() == wide.upper.tolist()
    one = kl.fit(kl.Exponential(), X)  # of one number, all points deviate together
    assert one.band("cdf", simultaneous=True).upper.tolist() == one.band("cdf").upper.tolist()


def test_a_simultaneous_band_holds_the_curves_of_simulated_estimates():
    fit = kl.fit(kl.Gamma(), X)
    band = fit.band("cdf", simultaneous=True)
    estimates = np.array([fit.params["shape"], fit.params["rate"]])
    slopes = np.diag(1.0 / estimates)  # to logarithms, on which estimates are drawn
    draws = np.exp(
        RANDOM.multivariate_normal(
            np.log(estimates), slopes @ fit.covariance() @ slopes, 4000, method="cholesky"
        )
    )
    curves = scipy.stats.gamma(draws[:, :1], scale=1.0 / draws[:, 1:]).cdf(band.at)
    inside = np.all((curves >= band.lower) & (curves <= band.upper), axis=1).mean()
    # exact for a linear curve; the binomial error is 0.0034
    assert 0.93 < inside < 0.965


def test_bands_of_counts_and_estimated_ends():
    counts = kl.fit(kl.Poisson(), np.floor(X))
    band = counts.band("cdf")
    assert (band.at == np.floor(band.at)).all()
    assert np.diff(band.at).min() == 1.0
    rate = counts.params["rate"]
    np.testing.assert_allclose(band.value, scipy.stats.poisson(rate).cdf(band.at), rtol=1e-11)
    assert ((band.lower < band.value) & (band.value < band.upper)).all()
    density = counts.band("density", [1.0, 1.5, -1.0])
    assert density.upper[1:].tolist() == [0.0, 0.0]
    assert density.upper[0] > density.value[0]
    # beyond the estimated end of the support nothing is known
    gev = kl.fit(kl.GeneralizedExtremeValue(), scipy.stats.genextreme(0.3).rvs(80, random_state=1))
    end = gev.params["loc"] - gev.params["scale"] / gev.params["shape"]
    band = gev.band("density", [1.0, end + 0.1])
    assert np.isfinite(band.upper[0])
    assert np.isnan(band.upper[1])


def test_frame_text_and_notes():
    band = kl.fit(kl.Exponential(), X).band("cdf", [1.0, 2.0])
    frame = band.to_frame()
    assert list(frame.columns) == ["at", "value", "lower", "upper"]
    assert repr(band) == "cdf at 2 points, 95% band of each point by itself"
    assert "<th style='text-align:right'>upper</th>" in band._repr_html_()
    loaded = kl.fit(kl.Exponential(), X).without_data().band("cdf", [1.0, 2.0])
    assert loaded.upper.tolist() == band.upper.tolist()
    at_bound = kl.fit(kl.Weibull(shape=kl.Param(upper=0.5)), X).band("cdf", [1.0])
    assert np.isnan(at_bound.upper).all()
    assert at_bound.notes == ("the band is unknown, as shape is on a bound of its domain",)
    fixed = kl.fit(kl.Gamma(shape=2.5, rate=0.3), X).band("cdf", [1.0])
    assert fixed.lower.tolist() == fixed.upper.tolist() == fixed.value.tolist()


@pytest.mark.parametrize(
    ("model", "rows", "arguments", "message"),
    [
        (kl.Gamma(), X, ("hazard",), "what must be one of 'density', 'cdf'"),
        (kl.Gamma(), X, ("cdf", [np.nan]), "at must be finite numbers"),
        (kl.Gamma(), X, ("quantile", [1.5]), r"u must lie in \[0, 1\]"),
        (kl.Gamma(), X, ("cdf", None, 1.0), "level must lie in"),
        (kl.Poisson(), np.floor(X), ("quantile",), "change in steps: use the band of the cdf"),
        (kl.Categorical(), list("aab"), ("cdf",), "a band is of one distribution of numbers"),
    ],
)
def test_wrong_bands_are_refused(model, rows, arguments, message):
    with pytest.raises(KullbackError, match=message):
        kl.fit(model, rows).band(*arguments)
