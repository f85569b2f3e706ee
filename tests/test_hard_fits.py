"""Fits beyond the reference cases: ridges, ends and limits, against mpmath and theorems."""

from __future__ import annotations

import mpmath as mp
import numpy as np
import pytest
import scipy.optimize
import scipy.stats

import kullback as kl


@pytest.mark.parametrize("centre", [30.0, 1e3, 1e6])
def test_a_lomax_without_a_maximum_diverges(centre):
    # J. del Castillo and J. Daoudi (2009), "Estimation of the generalized Pareto distribution":
    # where the coefficient of variation is below 1 the likelihood rises up to the exponential
    # limit. Shape and scale grow along a ridge, on which each is at its best beside the other.
    x = centre + scipy.stats.norm.rvs(size=60, random_state=6)
    fit = kl.fit(kl.Lomax(), x)
    assert not fit.convergence.converged
    assert fit.convergence.reason == "no maximum: shape diverges to infinity"
    assert "kl.Exponential()" in " ".join(fit.convergence.advice)


def test_a_beta_on_a_narrow_ridge_against_mpmath():
    # Shapes of millions: alpha and beta are distinguished only to 1e-7 of their common size.
    x = scipy.stats.beta(3e6, 1e6).rvs(size=50, random_state=3)
    fit = kl.fit(kl.Beta(), x)
    assert fit.convergence.converged
    with mp.workdps(40):
        rows = [mp.mpf(v) for v in x.tolist()]
        log_x = mp.fsum(map(mp.log, rows)) / len(rows)
        log_rest = mp.fsum(mp.log1p(-v) for v in rows) / len(rows)

        def scores(a, b):
            total = mp.digamma(a + b)
            return mp.digamma(a) - total - log_x, mp.digamma(b) - total - log_rest

        alpha, beta = mp.findroot(scores, tuple(map(mp.mpf, fit.params.values())))
    assert fit.params["alpha"] == pytest.approx(float(alpha), rel=1e-9)
    assert fit.params["beta"] == pytest.approx(float(beta), rel=1e-9)


def test_a_gamma_in_closed_form_keeps_its_digits_on_a_ridge():
    # Shape and rate of rows that scatter by a thousandth are distinguished to 1e-6 of their size.
    x = 1000.0 + scipy.stats.norm.rvs(size=60, random_state=6)
    fit = kl.fit(kl.Gamma(), x)
    with mp.workdps(40):
        rows = [mp.mpf(v) for v in x.tolist()]
        mean = mp.fsum(rows) / len(rows)
        s = mp.log(mean) - mp.fsum(map(mp.log, rows)) / len(rows)
        shape = mp.findroot(lambda a: mp.log(a) - mp.digamma(a) - s, fit.params["shape"])
        rate = shape / mean
    assert fit.convergence.solver == "closed form"
    # s is 5e-7, and its rows' deviations known to 1e-16 of themselves
    assert fit.params["shape"] == pytest.approx(float(shape), rel=1e-13)
    assert fit.params["rate"] == pytest.approx(float(rate), rel=1e-13)


# ---- likelihoods without a maximum -----------------------------------------------------------


@pytest.mark.parametrize("tied", [0.0, 5.0])
@pytest.mark.parametrize("model", [kl.Cauchy(), kl.StudentT(df=3.0)], ids=["cauchy", "t"])
def test_a_power_law_around_tied_rows_has_no_maximum(model, tied):
    # With m of n rows at loc the log-likelihood is (df (n − m) − m) log(scale) + O(1) as scale → 0:
    # it grows without limit where m > df (n − m).
    fit = kl.fit(model, [tied] * 30 + [1.0, 2.0, 3.0, -1.0])
    assert not fit.convergence.converged
    words = " ".join([fit.convergence.reason, *fit.convergence.advice])
    assert "scale tends to 0" in words or "moved scale to" in words
    assert np.isnan(fit.stderr["scale"])


@pytest.mark.parametrize(
    ("model", "name", "where"),
    [(kl.Exponential(), "rate", "diverges to infinity"), (kl.HalfNormal(), "scale", "tends to 0")],
)
def test_zeros_alone_have_no_maximum(model, name, where):
    # n log(rate) and −n log(scale) have none
    convergence = kl.fit(model, [0.0, 0.0, 0.0]).convergence
    assert not convergence.converged
    assert f"{name} {where}" in convergence.reason


@pytest.mark.parametrize(
    ("model", "rows", "end"),
    [
        (kl.Bernoulli(logit=kl.Param()), [1, 1, 1], "logit runs to infinity"),
        (kl.Bernoulli(logit=kl.Param()), [0, 0, 0], "logit runs to −infinity"),
        (kl.Binomial(trials=3, logit=kl.Param()), [3, 3], "logit runs to infinity"),
    ],
)
def test_outcomes_of_one_kind_have_no_logit(model, rows, end):
    # the estimate of the probability is 1 or 0, and its logit infinite
    convergence = kl.fit(model, rows).convergence
    assert not convergence.converged
    assert convergence.reason == f"no maximum: {end}"
    assert "probability instead" in convergence.advice[0]


def test_a_burr_that_becomes_pareto_says_so():
    # Rows that begin where they are densest: shape2 → ∞ with shape1·shape2 = α, the Pareto's.
    x = scipy.stats.pareto(1.1).rvs(size=80, random_state=5)
    fit, pareto = kl.fit(kl.Burr(), x), kl.fit(kl.Pareto(), x)
    assert not fit.convergence.converged
    assert fit.convergence.reason == "no maximum: shape2 diverges to infinity"
    assert "kl.Pareto()" in " ".join(fit.convergence.advice)
    # the limit's likelihood, from scipy: shape n / Σ log(x / min) (JKB 1994, eq. 20.16)
    shape = 1.0 / np.mean(np.log(x / x.min()))
    limit = scipy.stats.pareto(shape, scale=x.min()).logpdf(x).sum()
    assert pareto.log_likelihood == pytest.approx(limit, rel=1e-12)
    assert fit.log_likelihood == pytest.approx(limit, abs=0.01)
    assert fit.log_likelihood < limit


# ---- bounds that the convergence advises -----------------------------------------------------


def test_a_gompertz_kept_from_a_negative_shape_is_exponential():
    # The convergence of a defective Gompertz says shape=kl.Param(lower=0.0); at shape 0 the rate's
    # estimate is 1/mean, with standard error rate/√n.
    x = scipy.stats.lomax(1.0).rvs(size=80, random_state=1)
    free = kl.fit(kl.Gompertz(), x)
    assert free.params["shape"] < 0.0
    assert "shape=kl.Param(lower=0.0)" in free.convergence.advice[0]
    fit = kl.fit(kl.Gompertz(shape=kl.Param(lower=0.0)), x)
    assert fit.convergence.converged
    assert fit.convergence.bounds == ("shape = 0, its lower bound",)
    assert fit.params["rate"] == pytest.approx(1.0 / x.mean(), rel=1e-12)
    assert fit.stderr["rate"] == pytest.approx(1.0 / x.mean() / np.sqrt(80), rel=1e-9)


def test_a_generalised_pareto_kept_from_shape_below_minus_a_half():
    # Uniform rows have no maximum; on the bound that the convergence advises, scipy's minimum.
    x = np.random.default_rng(1).uniform(size=40)
    free = kl.fit(kl.GeneralizedPareto(), x).convergence
    assert free.reason == "no maximum: the likelihood is unbounded"
    assert "shape=kl.Param(lower=-0.5)" in free.advice[0]
    fit = kl.fit(kl.GeneralizedPareto(shape=kl.Param(lower=-0.5)), x)
    assert fit.convergence.converged
    assert fit.params["shape"] == -0.5
    found = scipy.optimize.minimize_scalar(
        lambda s: -scipy.stats.genpareto(-0.5, scale=s).logpdf(x).sum(),
        bounds=(x.max() / 2 * (1 + 1e-9), 2.0),
        method="bounded",
        options={"xatol": 1e-12},
    )
    assert fit.log_likelihood == pytest.approx(-found.fun, rel=1e-12)
    assert fit.params["scale"] == pytest.approx(found.x, rel=1e-7)  # a minimum's rounding


@pytest.mark.parametrize("shape", [-0.4, -0.8])
def test_a_fixed_shape_that_ends_the_support_is_fitted(shape):
    # The starting scale of rows of shape −0.1 ends the support of this shape inside the sample; the
    # minimum is scipy's.
    x = scipy.stats.genpareto(-0.1).rvs(size=300, random_state=2)
    fit = kl.fit(kl.GeneralizedPareto(shape=shape), x)
    assert fit.convergence.converged
    found = scipy.optimize.minimize_scalar(
        lambda s: -scipy.stats.genpareto(shape, scale=s).logpdf(x).sum(),
        bounds=(-shape * x.max() * (1.0 + 1e-12), 20.0 * x.max()),
        method="bounded",
        options={"xatol": 1e-12},
    )
    assert fit.log_likelihood == pytest.approx(-found.fun, rel=1e-12)
    y = scipy.stats.genextreme(0.1).rvs(size=300, random_state=2)
    assert kl.fit(kl.GeneralizedExtremeValue(shape=shape), y).convergence.converged


def test_a_bound_beyond_the_sample_is_not_an_extreme_of_it():
    fit = kl.fit(kl.Uniform(upper=kl.Param(lower=5.0)), [3.0, 1.0, 2.0])
    assert fit.params == {"lower": 1.0, "upper": 5.0}
    assert fit.convergence.bounds == (
        "lower = 1, the minimum of the sample",
        "upper = 5, its lower bound",
    )


def test_a_threshold_above_rows_raises_with_how_to_free_it():
    # loc has a number of its own: leaving it out would not free it
    with pytest.raises(kl.DataError, match=r"Give loc=kl.Param\(\) to estimate it"):
        kl.fit(kl.GeneralizedPareto(), [-1.0, 2.0, 3.0])


def test_logits_are_free_by_name():
    # log(2/3) − log(1/3), with standard error √(1/2 + 1/1) (Agresti 2013, eq. 3.1)
    fit = kl.fit(kl.Categorical(logits=kl.Param()), ["a", "b", "a"])
    assert fit.params["logits"] == pytest.approx([np.log(2.0), 0.0])
    assert fit.stderr["logits"] == pytest.approx([np.sqrt(1.5), 0.0])


# ---- weights -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "rows"),
    [
        (kl.Gamma(), [-1.0, 2.0, 3.0, 2.5]),  # outside the support
        (kl.Weibull(), [0.0, 2.0, 3.0, 2.5]),
        (kl.Uniform(), [9.0, 2.0, 3.0, 2.5]),  # beyond the estimated end
        (kl.Pareto(), [0.5, 2.0, 3.0, 2.5]),
        (kl.Poisson(), [0.5, 2.0, 3.0, 1.0]),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_a_row_of_weight_zero_does_not_count(model, rows):
    # a weight of k is the row k times
    fit, without = kl.fit(model, rows, weights=[0.0, 1.0, 2.0, 1.0]), [2.0, 3.0, 3.0, rows[3]]
    expected = kl.fit(model, without)
    assert fit.params == pytest.approx(expected.params, rel=1e-12)
    assert fit.log_likelihood == pytest.approx(expected.log_likelihood, rel=1e-12)
    assert fit.n == 4.0


def test_one_distinct_value_of_positive_weight_raises():
    with pytest.raises(kl.DataError, match=r"the only row of y holds the same value 2\.0"):
        kl.fit(kl.Normal(), [1.0, 2.0, 3.0], weights=[0.0, 5.0, 0.0])


def test_a_truncated_exponential_without_a_maximum_is_named():
    # the score of the rate at 0 is the window's middle less the mean: negative, so that the
    # likelihood of rows above the middle rises towards the uniform distribution
    y = np.linspace(0.3, 0.99, 200)
    fit = kl.fit(kl.Truncated(kl.Exponential(), upper=1.0), y)
    assert not fit.convergence.converged
    assert fit.convergence.reason == "no maximum: rate tends to 0"
    below = kl.fit(kl.Truncated(kl.Exponential(), upper=1.0), 1.0 - y)
    rate = below.params["rate"]
    # the mean of the fitted distribution is the sample's
    assert 1.0 / rate - 1.0 / np.expm1(rate) == pytest.approx(np.mean(1.0 - y), rel=1e-12)


@pytest.mark.parametrize("cut", ["model", "rows"])
def test_a_cut_normal_of_rows_that_are_rather_exponential_is_named(cut: str) -> None:
    # where the coefficient of variation is above 1 the likelihood has no maximum: J. del Castillo
    # (1994), Annals of the Institute of Statistical Mathematics 46, 57–66
    y = np.random.default_rng(0).exponential(2.0, 400) ** 1.1
    assert np.std(y) > np.mean(y)
    normal = kl.Normal(loc="~ 1") if cut == "rows" else kl.Normal()
    model = kl.Truncated(normal, lower=0.0) if cut == "model" else normal
    window = (0.0, None) if cut == "rows" else None
    fit = kl.fit(model, {"y": y}, "y", truncation=window)
    assert not fit.convergence.converged
    assert "towards an exponential distribution" in fit.convergence.reason
    assert "kl.Exponential(rate=...)" in fit.convergence.advice[0]


def test_a_cut_log_normal_of_rows_that_are_rather_a_power_is_named() -> None:
    # the logarithms of Pareto rows are exponential from their cut on, as in the test before
    y = np.exp(np.random.default_rng(0).exponential(2.0, 400) ** 1.1)
    fit = kl.fit(kl.LogNormal(), y, truncation=(1.0, None))
    assert fit.convergence.reason.endswith("towards a power law")
    assert "kl.Pareto()" in fit.convergence.advice[0]
