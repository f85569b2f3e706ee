"""Tests of hypotheses: log-likelihoods and errors of R, published statistics, and formulas.

``tests/reference`` has log-likelihoods of R's fitdistrplus and evd, and estimates with standard
errors of its glm; their call is in each file. S. Coles (2001), An Introduction to Statistical
Modeling of Extreme Values, section 6.3.2, has the deviance of a trend at Fremantle, 12.67. Vuong's
z is computed from SciPy's densities.
"""

import json
from pathlib import Path

import numpy as np
import pytest
import scipy.optimize
import scipy.stats

import kullback as kl
from kullback._core.errors import KullbackError
from kullback.models.linear import Linear
from kullback.results.restrictions import parse_restrictions

CASES = Path(__file__).parent / "reference"
X = np.random.default_rng(41).gamma(2.0, 1.5, 60)
WEIGHTS = np.arange(60.0) % 3.0 + 1.0
FEW = [0.2, 1.1, 0.7, 2.9, 0.4, 1.6, 0.9, 0.3, 1.2, 0.7]


def case(name):
    found = json.loads((CASES / f"{name}.json").read_text())
    path = CASES / name.split("/")[0] / found["data"]
    return found, np.genfromtxt(path, delimiter=",", names=True)


@pytest.mark.parametrize(
    ("small", "large", "models", "edge"),
    [
        ("oxford_gumbel", "oxford_gev", (kl.Gumbel(), kl.GeneralizedExtremeValue()), False),
        ("danishuni_exp", "danishuni_weibull", (kl.Exponential(), kl.Weibull()), False),
        ("discoveries_pois", "discoveries_nbinom", (kl.Poisson(), kl.NegativeBinomial()), True),
    ],
)
def test_likelihood_ratios_of_r(small, large, models, edge):
    (first, table), (second, _) = case(f"dist/{small}"), case(f"dist/{large}")
    rows = table[table.dtype.names[0]]
    result = kl.likelihood_ratio_test(*(kl.fit(model, rows) for model in models))
    expected = 2.0 * (second["refined"]["loglik"] - first["refined"]["loglik"])
    # the difference of log-likelihoods that agree to 1e-12
    assert result.statistic == pytest.approx(expected, rel=1e-7)
    p = scipy.stats.chi2(1).sf(expected)
    assert result.p_value == pytest.approx(0.5 * p if edge else p, rel=1e-6)
    assert result.df == 1
    assert result.distribution == (
        "½ chi-squared(0) + ½ chi-squared(1)" if edge else "chi-squared(1)"
    )


def test_the_trend_at_fremantle():
    found, table = case("profile/fremantle_gev_trend_profile")
    data = {name: table[name] for name in table.dtype.names}
    model = kl.GeneralizedExtremeValue
    result = kl.likelihood_ratio_test(
        kl.fit(model(), data, "y"), kl.fit(model(loc=Linear(("t",))), data, "y")
    )
    # without the trend, by SciPy: Nelder and Mead's minimum, good to 1e-9
    least = scipy.optimize.minimize(
        lambda v: -scipy.stats.genextreme(v[0], v[1], np.exp(v[2])).logpdf(data["y"]).sum(),
        [0.2, 1.5, -2.0],
        method="Nelder-Mead",
        options={"xatol": 1e-9, "fatol": 1e-10, "maxiter": 2000},
    )
    expected = 2.0 * (found["refined"]["loglik"] + least.fun)
    assert result.statistic == pytest.approx(expected, rel=1e-8)
    assert result.statistic == pytest.approx(12.67, abs=0.05)  # of log-likelihoods to two digits
    assert result.df == 1


def test_a_test_prints_plainly():
    result = kl.likelihood_ratio_test(kl.fit(kl.Exponential(), FEW), kl.fit(kl.Gamma(), FEW))
    assert str(result) == (
        "likelihood-ratio test: Exponential, not Gamma: statistic 2.2545, chi-squared(1), p = 0.133"
    )
    assert repr(result) == str(result)
    assert "<td style='text-align:left'>p-value</td>" in result._repr_html_()
    none = kl.likelihood_ratio_test(
        kl.fit(kl.Poisson(), [2.0, 3.0, 2.0, 3.0]), kl.fit(kl.NegativeBinomial(), [2.0, 3.0] * 2)
    )
    assert (none.statistic, none.p_value) == (0.0, 1.0)  # the larger likelihood is the limit's


def test_a_fixed_number_on_a_bound():
    bounded = kl.fit(kl.Weibull(shape=kl.Param(lower=1.0)), X)
    at = kl.fit(kl.Weibull(shape=1.0), X)
    result = kl.likelihood_ratio_test(at, bounded)
    assert result.p_value == pytest.approx(0.5 * scipy.stats.chi2(1).sf(result.statistic))
    inside = kl.likelihood_ratio_test(kl.fit(kl.Weibull(shape=1.5), X), bounded)
    assert inside.distribution == "chi-squared(1)"
    both = kl.Gamma(shape=kl.Param(lower=1.0), rate=kl.Param(lower=1.0))
    with pytest.raises(KullbackError, match="at 2 bounds of the larger one"):
        kl.likelihood_ratio_test(kl.fit(kl.Gamma(shape=1.0, rate=1.0), X), kl.fit(both, X))


EXPONENTIAL, GAMMA = kl.Exponential(), kl.Gamma()


@pytest.mark.parametrize(
    ("small", "large", "rows", "message"),
    [
        (GAMMA, EXPONENTIAL, (X, X), "Gamma is not known to be a special case of Exponential"),
        (GAMMA, GAMMA, (X, X), "has 2 free parameters and the second 2"),
        (EXPONENTIAL, GAMMA, (X, X[1:]), "of different rows: rows is 60 in the first and 59"),
        (EXPONENTIAL, GAMMA, (X, X[::-1] + 1.0), "different rows: their outcomes differ"),
        (EXPONENTIAL, kl.Gamma(shape=2.0), (X, X), "where no parameter of Gamma is restricted"),
        (kl.Gamma(shape=2.0), kl.Gamma(shape=1.0), (X, X), "shape is fixed in the larger model"),
        (GAMMA, kl.Gamma(shape=kl.Param(lower=0.5)), (X, X), "shape has narrower bounds"),
        (kl.Gamma(shape=0.5), kl.Gamma(shape=kl.Param(lower=1.0)), (X, X), "shape = 0.5 is not p"),
        (GAMMA, kl.Gamma(rate=kl.same_as("shape")), (X, X), "rate is tied in the larger model"),
    ],
)
def test_models_that_are_not_nested_are_refused(small, large, rows, message):
    with pytest.raises(KullbackError, match=message):
        kl.likelihood_ratio_test(kl.fit(small, rows[0]), kl.fit(large, rows[1]))


@pytest.mark.parametrize("engine", [kl.LocalEngine, kl.StreamingEngine])
def test_vuong(engine):
    data = {"x": X, "w": WEIGHTS}
    first, second = (
        kl.fit(model, data, "x", weights="w", engine=engine) for model in (GAMMA, kl.LogNormal())
    )
    a, b = first.params, second.params
    m = scipy.stats.gamma(a["shape"], scale=1.0 / a["rate"]).logpdf(X)
    m -= scipy.stats.lognorm(b["scale"], scale=np.exp(b["loc"])).logpdf(X)
    rows = np.repeat(m, WEIGHTS.astype(int))
    z = rows.sum() / np.sqrt(rows.size) / rows.std()
    result = kl.vuong_test(first, second)
    assert result.statistic == pytest.approx(z, rel=1e-9)
    assert result.p_value == pytest.approx(2.0 * scipy.stats.norm.sf(abs(z)), rel=1e-9)
    assert kl.vuong_test(second, first).statistic == pytest.approx(-z, rel=1e-9)
    assert result.notes[0].startswith("it holds where the two differ")
    # both have two parameters; against an exponential there is one more
    one = kl.fit(kl.Rayleigh(), data, "x", weights="w", engine=engine)
    plain, aic, bic = (
        kl.vuong_test(second, one, correction=c).statistic for c in ("none", "aic", "bic")
    )
    assert (plain - bic) / (plain - aic) == pytest.approx(0.5 * np.log(WEIGHTS.sum()), rel=1e-9)
    assert plain > aic


@pytest.mark.parametrize(
    ("second", "options", "message"),
    [
        (EXPONENTIAL, {}, "Gamma and Exponential are nested"),
        (kl.LogNormal(), {"correction": "tic"}, "correction must be one of 'none', 'aic', 'bic'"),
    ],
)
def test_vuong_is_refused(second, options, message):
    with pytest.raises(KullbackError, match=message):
        kl.vuong_test(kl.fit(GAMMA, X), kl.fit(second, X), **options)


def test_vuong_needs_rows_that_differ():
    normal = kl.fit(kl.Normal(), X)
    with pytest.raises(KullbackError, match="needs the rows"):
        kl.vuong_test(normal.without_data(), kl.fit(kl.Gumbel(), X))
    twice = kl.fit(GAMMA, X), kl.fit(kl.Gamma(scale=kl.Param()), X)
    with pytest.raises(KullbackError, match="have the same density at every row"):
        kl.vuong_test(*twice)


def test_wald_tests_of_r():
    found, table = case("profile/birthwt_logit_profile")
    columns = ("lwt", "race2", "race3", "smoke", "ht")
    data = {name: table[name] for name in table.dtype.names}
    fit = kl.fit(kl.Bernoulli(probability=Linear(columns)), data, "y")
    names = [f"probability[{name}]" for name in columns]
    estimates, errors = (dict(zip(found["coef_names"], found["reference"][k], strict=True))
                         for k in ("estimate", "se"))  # fmt: skip
    for theirs in estimates:
        column = theirs.split(":")[-1]
        if column in columns:
            result = fit.test(f"probability[{column}]")
            z = estimates[theirs] / errors[theirs]
            assert result.statistic == pytest.approx(z * z, rel=1e-7)  # nine digits of the error
            assert result.p_value == pytest.approx(2.0 * scipy.stats.norm.sf(abs(z)), rel=1e-6)
    # several at once, by the quadratic form
    b, at = (
        np.array([fit.model.coefficients[n] for n in names]),
        [fit.names.index(n) for n in names],
    )
    covariance = fit.covariance()[np.ix_(at, at)]
    result = fit.test(f"{names[1]} = {names[2]}", f"2*{names[3]} - {names[4]} = -0.5")
    rows = np.array([[0.0, 1.0, -1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 2.0, -1.0]])
    gap = rows @ b - [0.0, -0.5]
    expected = gap @ np.linalg.solve(rows @ covariance @ rows.T, gap)
    assert result.statistic == pytest.approx(expected, rel=1e-10)
    assert result.df == 2
    assert result.p_value == pytest.approx(scipy.stats.chi2(2).sf(expected), rel=1e-10)
    whole = fit.test("probability")
    assert whole.df == len(fit.names)
    b, covariance = np.array(list(fit.model.coefficients.values())), fit.covariance()
    assert whole.statistic == pytest.approx(b @ np.linalg.solve(covariance, b), rel=1e-10)
    sandwich = fit.test(names[0], kind="sandwich")
    error = np.sqrt(fit.covariance("sandwich")[at[0], at[0]])
    assert sandwich.statistic == pytest.approx((b[at[0]] / error) ** 2, rel=1e-10)


@pytest.mark.parametrize(
    ("text", "factors", "value"),
    [
        ("a = 1", {"a": 1.0}, 1.0),
        ("a", {"a": 1.0}, 0.0),
        ("1e-3 = -a/4", {"a": 0.25}, -0.001),
        ("2*a - b = 0.5 + 3*b*2 - 1", {"a": 2.0, "b": -7.0}, -0.5),
        ("- -a = b", {"a": 1.0, "b": -1.0}, 0.0),
        ("b[x y = 1] = a − 2", {"b[x y = 1]": 1.0, "a": -1.0}, -2.0),
        ("C(b)[x y = 1] = C( a )", {"b[x y = 1]": 1.0, "a": -1.0}, 0.0),  # as formulas have it
    ],
)
def test_restrictions_are_read(text, factors, value):
    names = {name: [name] for name in ("a", "b", "b[x y = 1]")}
    (found,) = parse_restrictions([text], names, [])
    assert found.factors == factors
    assert found.value == value


@pytest.mark.parametrize(
    ("texts", "message", "mark"),
    [
        (["shape == 1"], "a number or a name is missing", 7),
        (["shap = 1"], "no estimated number is named 'shap'; did you mean \"shape\"", 0),
        (["shape * rate = 1"], "is linear in the numbers", 8),
        (["shape ="], "a number or a name is missing", 7),
        (["2 shape = 1"], "needs", 2),
        (["shape/0 = 1"], "divides by 0", 6),
        (["shape = 1 = rate"], "or one '='", 10),
        (["rate & shape"], "'&' is not a number", 5),
        (["shape = loc"], "loc is fixed, not estimated", 8),
        (["1 = 1"], "restricts no number", None),
        (["shape = -1"], "is on a bound of shape or beyond it", None),
        (["scale = 0"], "is on a bound of scale or beyond it", None),
        (["shape = 1", "2*shape = 2"], "follow from one another", None),
        ([], r"name what to test", None),
    ],
)
def test_wrong_restrictions_say_where(texts, message, mark):
    model = kl.GeneralizedPareto(shape=kl.Param(lower=-0.5)) if "scale = 0" in texts else GAMMA
    if "loc" in "".join(texts):
        model = kl.GeneralizedPareto()
    with pytest.raises(KullbackError, match=message) as error:
        kl.fit(model, X).test(*texts)
    if mark is not None:
        *_, shown, below = str(error.value).split("\n")
        assert shown == f"  {texts[0]}"
        assert below == " " * (mark + 2) + "^"


def test_a_model_without_columns_is_nested_in_one_with_columns() -> None:
    random = np.random.default_rng(8)
    x = random.normal(size=300)
    data = {"x": x, "y": random.poisson(np.exp(0.5 + 0.2 * x))}
    large = kl.fit(kl.Poisson(rate="~ x"), data, "y")
    # McCullagh and Nelder (1989): twice the difference of the log-likelihoods, chi-squared, 1 df
    for small in (kl.Poisson(), kl.Poisson(rate="~ 1")):
        fit = kl.fit(small, data, "y")
        found = kl.likelihood_ratio_test(fit, large)
        expected = 2.0 * (large.log_likelihood - fit.log_likelihood)
        assert found.statistic == pytest.approx(expected, rel=1e-12)
        assert found.p_value == pytest.approx(float(scipy.stats.chi2.sf(expected, 1)), rel=1e-10)
    other = kl.fit(kl.Poisson(), {**data, "y": data["y"] + 1}, "y")
    with pytest.raises(kl.KullbackError, match=r"different rows|not the same in both fits"):
        kl.likelihood_ratio_test(other, large)
