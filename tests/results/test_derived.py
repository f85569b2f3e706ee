"""Quantities of fits: errors against formulas, profiles against SciPy's optimisers.

Errors are compared with the gradients of textbooks (S. Coles 2001, An Introduction to Statistical
Modeling of Extreme Values, equations 3.11 and 4.15). The profiles' peers are SciPy's densities in
which a parameter is written as a function of the quantity: Nelder and Mead's method minimises over
the others, and Brent's finds the ends.
"""

import numpy as np
import pytest
import scipy.optimize
import scipy.stats

import kullback as kl
from kullback._core.errors import KullbackError
from kullback.models.linear import Linear

RANDOM = np.random.default_rng(31)
X = RANDOM.gamma(2.5, 3.0, 150)
MAXIMA = scipy.stats.genextreme(-0.15, 20.0, 4.0).rvs(80, random_state=5)
EXCESSES = scipy.stats.genpareto(0.2, 0.0, 3.0).rvs(120, random_state=6)
T = scipy.stats.t(5.0, 2.0, 3.0).rvs(300, random_state=4)
COUNTS = RANDOM.negative_binomial(3, 0.3, 200).astype(float)
SHARES = RANDOM.beta(2.0, 5.0, 90)
Z = scipy.stats.norm.ppf(0.975)


def variance(gradient, fit):
    return float(np.array(gradient) @ fit.covariance() @ np.array(gradient))


def test_the_error_of_a_return_level():
    fit = kl.fit(kl.GeneralizedExtremeValue(), MAXIMA)
    found = fit.derived(lambda m: m.quantile(0.99))
    scale, shape = fit.params["scale"], fit.params["shape"]
    y = -np.log(0.99)
    inner = scale * (1.0 - y**-shape) / shape**2 - scale * y**-shape * np.log(y) / shape
    expected = np.sqrt(variance([1.0, -(1.0 - y**-shape) / shape, inner], fit))
    # the differences are extrapolated until they agree to 1e-11
    assert found.stderr == pytest.approx(expected, rel=1e-9)
    assert found.value == fit.model.quantile(0.99)
    ends = (found.value - Z * expected, found.value + Z * expected)
    assert found.interval == pytest.approx(ends, rel=1e-9)
    assert found.unit == ""
    assert found.assumptions == ()


def test_errors_of_several_quantities():
    fit = kl.fit(kl.Normal(), T)
    u = np.array([[0.01, 0.5], [0.9, 0.999]])
    found = fit.derived(lambda m: m.quantile(u))
    z = scipy.stats.norm.ppf(u)
    expected = fit.params["scale"] * np.sqrt((1.0 + z * z / 2.0) / T.size)
    np.testing.assert_allclose(found.stderr, expected, rtol=1e-9)
    assert found.value.shape == found.interval[0].shape == (2, 2)
    first, *rows = str(found).splitlines()
    assert (first, len(rows)) == ("4 estimates, delta method", 1 + 4)  # a head, and a row each
    assert "<td style='text-align:right'>value" not in found._repr_html_()
    shares = kl.fit(kl.Categorical(), list("abcabbcaab"))
    of_shares = shares.derived(lambda m: m.params["probabilities"])
    np.testing.assert_allclose(of_shares.stderr, shares.stderr["probabilities"], rtol=1e-9)


def test_ratios_and_coefficients():
    fit = kl.fit(kl.Gamma(), X)
    k, rate = fit.params["shape"], fit.params["rate"]
    found = fit.derived(lambda m: m.params["shape"] / m.params["rate"])
    assert found.stderr == pytest.approx(
        np.sqrt(variance([1.0 / rate, -k / rate**2], fit)), rel=1e-9
    )
    columns = {"x": np.sin(np.arange(150.0)), "y": X}
    fit = kl.fit(kl.Gamma(rate=Linear(("x",))), columns, "y")
    assert list(fit.model.coefficients) == list(fit.names)
    a, b = fit.model.coefficients["rate[Intercept]"], fit.model.coefficients["rate[x]"]
    ratio = fit.derived(lambda m: m.coefficients["rate[Intercept]"] / m.coefficients["rate[x]"])
    gradient = dict.fromkeys(fit.names, 0.0) | {"rate[Intercept]": 1.0 / b, "rate[x]": -a / b**2}
    assert ratio.stderr == pytest.approx(np.sqrt(variance(list(gradient.values()), fit)), rel=1e-8)
    small = kl.fit(kl.Gamma(), X * 2.0**-900)  # fitted in another unit
    found = small.derived(lambda m: m.mean(), method="profile")
    expected = kl.fit(kl.Gamma(), X).derived(lambda m: m.mean(), method="profile")
    assert found.stderr * 2.0**900 == pytest.approx(expected.stderr, rel=1e-9)
    assert np.array(found.interval) * 2.0**900 == pytest.approx(expected.interval, rel=1e-9)


def test_scales_keep_an_interval_in_its_range():
    fit = kl.fit(kl.Exponential(), X[:12])
    rate, error = fit.params["rate"], fit.stderr["rate"]
    found = fit.derived(lambda m: m.params["rate"], scale="log")
    # on the logarithm, as Wald intervals of positive parameters are
    assert found.interval == pytest.approx(tuple(fit.interval()["rate"]), rel=1e-12)
    tail = fit.derived(lambda m: m.survival(10.0), scale="logit")
    p = np.exp(-10.0 * rate)
    half = Z * 10.0 * error / (1.0 - p)
    ends = scipy.special.expit(scipy.special.logit(p) + np.array([-half, half]))
    assert tail.interval == pytest.approx(tuple(ends), rel=1e-8)
    with pytest.raises(KullbackError, match=r"scale='log' is for a quantity with value > 0, got -"):
        fit.derived(lambda m: -m.mean(), scale="log")


# name -> model, rows, quantity, −log-likelihood given the quantity and the others, a start
PROFILES = {
    "GEV return level": (
        kl.GeneralizedExtremeValue(), MAXIMA, lambda m: m.quantile(0.99),
        lambda q, u: -scipy.stats.genextreme(
            -u[1], q - scipy.stats.genextreme(-u[1], 0.0, np.exp(u[0])).ppf(0.99), np.exp(u[0])
        ).logpdf(MAXIMA).sum(), [1.4, 0.1],
    ),
    "GPD return level": (
        kl.GeneralizedPareto(), EXCESSES, lambda m: m.quantile(0.998),
        lambda q, u: -scipy.stats.genpareto(
            u[0], 0.0, q / scipy.stats.genpareto(u[0]).ppf(0.998)
        ).logpdf(EXCESSES).sum(), [0.2],
    ),
    "gamma mean": (
        kl.Gamma(), X, lambda m: m.mean(),
        lambda q, u: -scipy.stats.gamma(np.exp(u[0]), scale=q / np.exp(u[0])).logpdf(X).sum(),
        [1.0],
    ),
    "log-normal mean": (
        kl.LogNormal(), X, lambda m: m.mean(),
        lambda q, u: -scipy.stats.lognorm(
            np.exp(u[0]), scale=q * np.exp(-0.5 * np.exp(2.0 * u[0]))
        ).logpdf(X).sum(), [-0.4],
    ),
    "Weibull quantile": (
        kl.Weibull(), X, lambda m: m.quantile(0.1),
        lambda q, u: -scipy.stats.weibull_min(
            np.exp(u[0]), scale=q * (-np.log(0.9)) ** -np.exp(-u[0])
        ).logpdf(X).sum(), [0.5],
    ),
    "Gumbel quantile": (
        kl.Gumbel(), MAXIMA, lambda m: m.quantile(0.98),
        lambda q, u: -scipy.stats.gumbel_r(
            q + np.exp(u[0]) * np.log(-np.log(0.98)), np.exp(u[0])
        ).logpdf(MAXIMA).sum(), [1.4],
    ),
    "logistic survival": (
        kl.Logistic(), T, lambda m: m.survival(6.0),
        lambda q, u: -scipy.stats.logistic(
            6.0 - np.exp(u[0]) * np.log(1.0 / q - 1.0), np.exp(u[0])
        ).logpdf(T).sum(), [0.8],
    ),
    "beta mean": (
        kl.Beta(), SHARES, lambda m: m.mean(),
        lambda q, u: -scipy.stats.beta(q * np.exp(u[0]), (1.0 - q) * np.exp(u[0])).logpdf(
            SHARES
        ).sum(), [2.0],
    ),
    "negative binomial probability of 0": (
        kl.NegativeBinomial(), COUNTS, lambda m: m.density(0.0),
        lambda q, u: -scipy.stats.nbinom(np.exp(u[0]), q ** np.exp(-u[0])).logpmf(COUNTS).sum(),
        [1.1],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", PROFILES)
def test_profiles_of_scipy(case):
    model, rows, quantity, loss, start = PROFILES[case]
    fit = kl.fit(model, rows)
    found = fit.derived(quantity, method="profile")
    limit = scipy.stats.chi2(1).ppf(0.95)

    def excess(v):
        if len(start) == 1:
            u = scipy.optimize.minimize_scalar(
                lambda u: loss(v, [u]), (start[0] - 0.1, start[0] + 0.1), tol=1e-10
            )
        else:
            options = {"xatol": 1e-8, "fatol": 1e-10, "maxiter": 4000}
            u = scipy.optimize.minimize(
                lambda u: loss(v, u), start, method="Nelder-Mead", options=options
            )
        return 2.0 * (u.fun + fit.log_likelihood) - limit

    # Nelder and Mead's minimum has an error of 1e-10 in some hundreds
    for end in found.interval:
        near = sorted([end - 0.02 * (end - found.value), end + 0.02 * (end - found.value)])
        assert end == pytest.approx(scipy.optimize.brentq(excess, *near, xtol=1e-10), rel=1e-7)
    assert found.assumptions == ()
    assert found.method == "profile likelihood"


def test_a_parameters_profile_carries_over():
    fit = kl.fit(kl.Weibull(), X)
    own = fit.interval(method="profile")
    found = fit.derived(lambda m: m.params["shape"] ** 2, method="profile")
    assert found.interval == pytest.approx(tuple(own["shape"] ** 2), rel=1e-9)
    fit = kl.fit(kl.Exponential(), X)
    low, high = fit.interval(method="profile")["rate"]
    found = fit.derived(lambda m: m.quantile([0.5, 0.9]), method="profile")
    for ends, rate in zip(found.interval, (high, low), strict=True):
        np.testing.assert_allclose(ends, scipy.stats.expon(scale=1.0 / rate).ppf([0.5, 0.9]), 1e-9)


def test_a_quantity_of_a_parameter_on_its_bound():
    # none of 20: the profile is 20 log(1 − p), with the end 1 − exp(−χ²/40)
    fit = kl.fit(kl.Bernoulli(), np.zeros(20))
    found = fit.derived(lambda m: 100.0 * m.mean(), method="profile")
    end = -100.0 * np.expm1(-scipy.stats.chi2(1).ppf(0.95) / 40.0)
    assert found.interval == pytest.approx((0.0, end), rel=1e-9)
    assert str(found).startswith("0, error unknown (95%: 0 to 9.15691), profile likelihood\n")
    delta = fit.derived(lambda m: m.mean())
    assert np.isnan(delta.stderr)
    assert np.isnan(delta.interval).all()
    assert delta.assumptions == (
        "the standard error is unknown, as probability is on a bound of its domain",
    )


def test_the_bootstrap_of_a_quantity():
    fit = kl.fit(kl.Weibull(), X)
    found = fit.derived(lambda m: m.quantile([0.5, 0.9]), method="bootstrap")
    drawn = fit.bootstrap().params
    # the quantity of each replicate's estimates, by SciPy
    values = scipy.stats.weibull_min(drawn["shape"], scale=drawn["scale"]).ppf([[0.5], [0.9]])
    np.testing.assert_allclose(found.stderr, values.std(axis=1, ddof=1), rtol=1e-9)
    ends = np.quantile(values, [0.025, 0.975], axis=1)
    np.testing.assert_allclose(np.stack(found.interval), ends, rtol=1e-9)
    assert found.method == "percentiles of bootstrap replicates"
    steps = kl.fit(kl.Poisson(), COUNTS).derived(lambda m: m.quantile(0.9), method="bootstrap")
    assert steps.interval[0] <= steps.value <= steps.interval[1]


def test_an_infinite_end_is_said():
    rows = scipy.stats.t(8).rvs(150, random_state=3)
    fit = kl.fit(kl.StudentT(), rows)
    own = fit.interval(method="profile", parameters=["df"])["df"]
    found = fit.derived(lambda m: m.params["df"], method="profile")
    assert found.interval == pytest.approx(tuple(own), rel=1e-8)
    assert found.interval[1] == np.inf
    (note,) = found.assumptions
    assert note.startswith("the upper end of the quantity is infinity: the deviance rises by 1.98")


def test_what_limits_an_estimate_is_said():
    few = kl.fit(kl.Exponential(), X[:7]).derived(lambda m: m.mean())
    assert few.assumptions == ("7 rows are few: the interval may hold less often than it says",)
    assert kl.fit(kl.Exponential(), X[:10]).derived(lambda m: m.mean()).assumptions == ()
    order = kl.fit(kl.Pareto(), X).derived(lambda m: m.quantile(0.9))
    assert order.assumptions == (
        "minimum is the minimum of the sample: the interval takes it as known",
    )
    assert order.stderr > 0.0
    median = kl.fit(kl.Laplace(), X).derived(lambda m: m.quantile(0.9))
    assert np.isnan(median.stderr)
    assert median.assumptions == (
        "the standard error is unknown, as loc is the median of the sample",
    )
    steps = kl.fit(kl.Poisson(), COUNTS).derived(lambda m: m.quantile(0.9))
    assert np.isnan(steps.stderr)
    assert "has no derivative at the estimate" in steps.assumptions[0]
    fixed = kl.fit(kl.Gamma(shape=2.5, rate=0.3), X).derived(lambda m: m.mean())
    assert fixed.stderr == 0.0
    assert str(fixed) == f"{fixed.value:.10g}, delta method"
    none = kl.fit(kl.NegativeBinomial(), [2.0, 3.0, 2.0, 3.0]).derived(lambda m: m.mean())
    assert "the standard error is unknown, as the fit did not converge" in none.assumptions


def test_a_fit_without_its_rows_has_errors_and_no_profile():
    fit = kl.fit(kl.Gamma(), X)
    without = fit.without_data()
    mean = without.derived(lambda m: m.mean())
    assert mean.stderr == fit.derived(lambda m: m.mean()).stderr
    with pytest.raises(KullbackError, match="needs the rows"):
        without.derived(lambda m: m.mean(), method="profile")
    with pytest.raises(KullbackError, match="is not in a unit of information"):
        mean.to("bits")


@pytest.mark.parametrize(
    ("f", "arguments", "message"),
    [
        (lambda m: m.params, {}, "the function must return a number or an array of numbers, got {"),
        (lambda m: m.mean(), {"method": "wald"}, "method must be one of 'delta', 'profile'"),
        (lambda m: m.mean(), {"scale": "sqrt"}, "scale must be one of 'identity', 'log', 'logit'"),
        (lambda m: m.mean(), {"scale": "log", "method": "profile"}, "is for method='delta'"),
        (lambda m: m.mean(), {"level": 95.0}, r"level must lie in \(0, 1\), got 95"),
        (lambda m: m.quantile(np.full(13, 0.5)), {"method": "profile"}, "returns 13 numbers"),
    ],
)
def test_wrong_arguments_are_refused(f, arguments, message):
    with pytest.raises(KullbackError, match=message):
        kl.fit(kl.Gamma(), X).derived(f, **arguments)
