"""Tests of terms of formulas: Wald's with names, and of likelihoods with nesting by terms.

Log-likelihoods are R's (tests/reference/reg: glm, MASS's glm.nb, pscl's zeroinfl), found again by
separate code; Wald statistics are the formula with the covariance, and Vuong's z SciPy's densities.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import scipy.stats

import kullback as kl
from kullback._core.errors import KullbackError

CASES = Path(__file__).parent / "reference" / "reg"
RNG = np.random.default_rng(3)
N = 240
ROWS = {
    "age": RNG.normal(size=N),
    "region": np.array(["north east", "south.w", "east"])[RNG.integers(0, 3, N)],
    "k": RNG.integers(0, 4, N),
    "w": RNG.integers(1, 4, N).astype(float),
    "died": RNG.integers(0, 2, N),
}
MEAN = np.exp(1.0 + 0.2 * ROWS["age"])
ROWS["y"] = RNG.negative_binomial(1.5, 1.5 / (1.5 + MEAN)) + 1.0
MODEL = kl.NegativeBinomial(mean="~ age*region + I(age**2) + C(k)", size="~ age")
FIT = kl.fit(MODEL, ROWS, "y")


def case(name):
    found = json.loads((CASES / f"{name}.json").read_text())
    table = np.genfromtxt(CASES / found["data"], delimiter=",", names=True)
    return found, {column: table[column] for column in table.dtype.names}


def wald(fit, names, matrix=None, kind="observed"):
    """The statistic of R b = 0 from the covariance."""
    at = [fit.names.index(name) for name in names]
    b = np.array([fit.model.coefficients[name] for name in names])
    v = fit.covariance(kind)[np.ix_(at, at)]
    r = np.eye(len(at)) if matrix is None else np.atleast_2d(matrix)
    return (r @ b) @ np.linalg.solve(r @ v @ r.T, r @ b)


REGION = ["mean[region[T.north east]]", "mean[region[T.south.w]]"]
K = ["mean[k[T.1]]", "mean[k[T.2]]", "mean[k[T.3]]"]
PRODUCT = ["mean[age:region[T.north east]]", "mean[age:region[T.south.w]]"]


@pytest.mark.parametrize(
    ("texts", "names", "matrix"),
    [
        (["region"], REGION, None),
        (["mean[region]"], REGION, None),
        (["C(k)"], K, None),
        (["k"], K, None),
        (["age:region"], PRODUCT, None),
        (["region:age"], PRODUCT, None),
        (["mean[age:region]", "region"], PRODUCT + REGION, None),
        (["region[T.north east] = region[T.south.w]"], REGION, [1.0, -1.0]),
        (["mean[region[T.north east]] - 2*region[T.south.w]"], REGION, [1.0, -2.0]),
        (["age:region[T.south.w] = 0"], PRODUCT[1:], None),
        (["I(age ** 2)"], ["mean[I(age**2)]"], None),
        (["mean[age] = 0", "size[age] = 0"], ["mean[age]", "size[age]"], None),
        (["mean[age] + size[age]"], ["mean[age]", "size[age]"], [1.0, 1.0]),
        (["size"], ["size[Intercept]", "size[age]"], None),
    ],
)
def test_names_of_coefficients_and_terms(texts, names, matrix):
    test = FIT.test(*texts)
    assert test.statistic == pytest.approx(wald(FIT, names, matrix), rel=1e-9)
    assert test.df == (len(names) if matrix is None else 1)
    assert test.p_value == pytest.approx(scipy.stats.chi2(test.df).sf(test.statistic), rel=1e-12)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("age", r"age is several: write mean\[age\] or size\[age\]"),
        ("region[T.east] = region[T.south.w]", "is the reference level, whose coefficient is 0"),
        ("region = 1", "region has 2 numbers"),
        ("regions", 'did you mean "region"'),
        ("region[T.north west]", "no estimated number is named 'region.T.north west.'"),
        ("mean[region[T.south.w] = 0", "no estimated number|is not a number"),
        ("k[T.1]k[T.2]", "no estimated number is named"),
    ],
)
def test_names_that_are_wrong(text, message):
    with pytest.raises(KullbackError, match=message):
        FIT.test(text)


def test_logits_have_a_coefficient_for_each_class():
    fit = kl.fit(kl.Categorical(logits="~ age + C(k)"), ROWS, "region")
    each = ["logits[north east[age]]", "logits[south.w[age]]"]
    assert fit.test("age").statistic == pytest.approx(wald(fit, each), rel=1e-9)
    assert fit.test("k").df == 6
    alike = fit.test("north east[age] = south.w[age]")
    assert alike.statistic == pytest.approx(wald(fit, each, [1.0, -1.0]), rel=1e-9)


def test_a_column_with_the_name_of_a_parameter():
    fit = kl.fit(kl.Normal(loc="~ scale"), {**ROWS, "scale": ROWS["age"]}, "y")
    with pytest.raises(KullbackError, match=r"scale is several: write scale or loc\[scale\]"):
        fit.test("scale")
    assert fit.test("loc[scale]").df == 1


@pytest.mark.parametrize("kind", ["sandwich", "clustered"])
@pytest.mark.parametrize(
    "more", [{}, {"weights": "w"}, {"weights": "w", "weight_kind": "sampling"}]
)
def test_terms_with_other_covariances_and_weights_of_censored_rows(kind, more):
    fit = kl.fit(kl.Weibull(scale="~ age + region"), ROWS, "y", event="died", **more)
    fit = fit.with_covariance(kind, clusters=np.arange(N) // 4 if kind == "clustered" else None)
    names = ["scale[region[T.north east]]", "scale[region[T.south.w]]"]
    assert fit.test("region").statistic == pytest.approx(wald(fit, names, kind=kind), rel=1e-8)


def test_likelihood_ratios_of_r_on_the_bound():
    (small, rows), (large, _), (zip_, _) = map(
        case, ("pois_biochemists", "nb_biochemists", "zip_biochemists_c")
    )
    terms = "~ X2 + X3 + X4 + X5 + X6"  # X1 is the constant
    poisson = kl.fit(kl.Poisson(rate=terms), rows, "y")
    for answer, model in (
        (large, kl.NegativeBinomial(mean=terms)),
        (zip_, kl.ZeroInflated(kl.Poisson(rate=terms))),
    ):
        test = kl.likelihood_ratio_test(poisson, kl.fit(model, rows, "y"))
        expected = 2.0 * (answer["refined"]["loglik"] - small["refined"]["loglik"])
        # log-likelihoods of 1,600 that agree to 1e-12
        assert test.statistic == pytest.approx(expected, rel=1e-8)
        assert test.p_value == pytest.approx(0.5 * scipy.stats.chi2(1).sf(expected), rel=1e-6)
        assert test.distribution == "½ chi-squared(0) + ½ chi-squared(1)"
    varying = kl.fit(kl.ZeroInflated(kl.Poisson(rate=terms), zero_probability="~ X6"), rows, "y")
    with pytest.raises(KullbackError, match="the distribution of the statistic is not known"):
        kl.likelihood_ratio_test(poisson, varying)


NESTED = [
    ("~ age", "~ age + region", 2),
    ("~ region", "~ 0 + region + age", 1),
    ("~ region + age", "~ age*region", 2),
    ("~ 1", "~ age:region", 3),
    ("~ region", "~ region:C(k)", 9),
    (None, "~ 0 + region", 2),
]


@pytest.mark.parametrize(("small", "large", "df"), NESTED)
def test_nesting_by_the_terms(small, large, df):
    fits = [
        kl.fit(kl.Exponential(rate=source), ROWS, "y", event="died") for source in (small, large)
    ]
    test = kl.likelihood_ratio_test(*fits)
    assert test.df == df
    gain = fits[1].log_likelihood - fits[0].log_likelihood
    assert test.statistic == pytest.approx(2.0 * gain)
    assert test.distribution == f"chi-squared({df})"
    with pytest.raises(KullbackError):
        kl.likelihood_ratio_test(*fits[::-1])


@pytest.mark.parametrize(
    ("small", "large"),
    [
        (kl.Gamma(rate="~ age"), kl.Gamma(rate="~ region + C(k)")),
        (kl.Gamma(rate="~ age"), kl.Gamma(shape="~ age + region")),
        (kl.Exponential(rate="~ age"), kl.Gamma(shape="~ age + region")),
        (kl.Exponential(rate="~ age"), kl.Weibull(scale="~ region")),
        (kl.Frechet(scale="~ age"), kl.GeneralizedGamma(scale="~ age")),
        (kl.Poisson(rate="~ age"), kl.ZeroInflated(kl.Poisson(rate="~ region"))),
    ],
)
def test_models_that_are_not_nested(small, large):
    fits = [kl.fit(model, ROWS, "y") for model in (small, large)]
    with pytest.raises(KullbackError, match=r"not a special case|is not known to be"):
        kl.likelihood_ratio_test(*fits)


def test_a_rate_and_a_scale_have_the_same_terms():
    small = kl.fit(kl.Exponential(rate="~ age + region"), ROWS, "y", event="died")
    for model in (
        kl.Weibull(scale="~ age + region"),
        kl.Gamma(rate="~ age + region"),
        kl.Gamma(mean="~ age*region"),
    ):
        large = kl.fit(model, ROWS, "y", event="died")
        test = kl.likelihood_ratio_test(small, large)
        assert test.statistic == pytest.approx(2.0 * (large.log_likelihood - small.log_likelihood))
        assert test.df == large.parameter_count - small.parameter_count


@pytest.mark.parametrize("weights", [None, "w"])
def test_vuong_of_formulas_from_scipys_densities(weights):
    a = kl.fit(kl.Poisson(rate="~ age + region"), ROWS, "y", weights=weights)
    b = kl.fit(kl.Poisson(rate="~ age + C(k)"), ROWS, "y", weights=weights)
    logs = []
    for fit, name in ((a, "region"), (b, "k")):
        beta = fit.params["rate"]
        eta = beta["Intercept"] + beta["age"] * ROWS["age"]
        for level in np.unique(ROWS[name]):
            eta = eta + beta.get(f"{name}[T.{level}]", 0.0) * (ROWS[name] == level)
        logs.append(scipy.stats.poisson(np.exp(eta)).logpmf(ROWS["y"]))
    w, m = ROWS["w"] if weights else np.ones(N), logs[0] - logs[1]
    mean = (w * m).sum() / w.sum()
    z = (w * m).sum() / np.sqrt((w * (m - mean) ** 2).sum())
    test = kl.vuong_test(a, b)
    assert test.statistic == pytest.approx(z, rel=1e-7)
    assert test.p_value == pytest.approx(2.0 * scipy.stats.norm.sf(abs(z)), rel=1e-7)
