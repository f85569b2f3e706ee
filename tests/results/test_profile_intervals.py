"""Profile likelihood intervals against R, and against SciPy's root finder on other likelihoods.

The cases in ``tests/reference/profile`` are published data sets with the profile intervals of R
4.2.2 (gamlss, MASS, evd; each JSON says which); ``refined`` holds the same ends found again by
separate code from the definition, to 11 digits.
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
from kullback.results.intervals import Intervals

CASES = Path(__file__).parents[1] / "reference" / "profile"

# the case -> the model, and the case's quantities -> our numbers
MODELS = {
    "abdom150_t_df_profile": (kl.StudentT(loc=Linear(("x",))), {"df": "df"}),
    "birthwt_logit_profile": (
        kl.Bernoulli(probability=Linear(("lwt", "race2", "race3", "smoke", "ht"))),
        {f"mu:{name}": f"probability[{name}]" for name in ("ht", "smoke", "lwt")},
    ),
    "fremantle_gev_trend_profile": (
        kl.GeneralizedExtremeValue(loc=Linear(("t",))),
        {"location:t": "loc[t]", "shape": "shape"},
    ),
    "quine_nb_size_profile": (
        kl.NegativeBinomial(mean=Linear(("EthN", "SexM", "AgeF1", "AgeF2", "AgeF3", "LrnSL"))),
        {"size": "size"},
    ),
    "ships_poisson_profile": (
        kl.Poisson(rate=kl.Formula("~ tB + tC + tD + tE + p75", offset="offset")),
        {"mu:tC": "rate[tC]", "mu:p75": "rate[p75]"},
    ),
    "quine_zinb_pi_bounded_profile": (
        kl.ZeroInflated(kl.NegativeBinomial(mean="~ e + s")),
        {"pi": "zero_probability"},
    ),
}

RANDOM = np.random.default_rng(23)
X = RANDOM.gamma(2.5, 3.0, 150)
T = scipy.stats.t(5.0, 2.0, 3.0).rvs(300, random_state=4)
COUNTS = RANDOM.negative_binomial(3, 0.3, 200).astype(float)


@pytest.mark.parametrize("name", MODELS)
def test_intervals_of_r(name):
    case = json.loads((CASES / f"{name}.json").read_text())
    table = np.genfromtxt(CASES / case["data"], delimiter=",", names=True)
    data = {column: table[column] for column in table.dtype.names}
    model, names = MODELS[name]
    fit = kl.fit(model, data, "y")
    assert fit.log_likelihood == pytest.approx(case["refined"]["loglik"], rel=1e-12)
    found = fit.interval(method="profile", parameters=list(names.values()))
    answers = {q["quantity"]: q for q in case["refined"]["profile"] if q["quantity"] in names}
    assert answers.keys() == names.keys()
    for theirs, ours in names.items():
        ends = [float(str(end).removeprefix("bound ")) for end in answers[theirs]["interval"]]
        # the root is searched to 1e-10 of the interval's width
        assert found[ours] == pytest.approx(ends, rel=1e-8)
    cautions = {
        "abdom150_t_df_profile": (
            "df: the upper end is infinity: the deviance rises by 0.592 on the way there, and 3.84 "
            "is needed at a level of 0.95.",
        ),
        "quine_zinb_pi_bounded_profile": (  # R's deviance rises by 0.30945 on the way to 0
            "zero_probability: the lower end is 0: the deviance rises by 0.309 on the way there, "
            "and 3.84 is needed at a level of 0.95.",
        ),
    }
    assert found.cautions == cautions.get(name, ())


# each: a model, its rows, a parameter, and minus the log-likelihood in it and the logarithms, or
# values, of the other parameters
LIKELIHOODS = {
    "gamma": (
        kl.Gamma(), X, "shape",
        lambda v, u: -scipy.stats.gamma(v, scale=np.exp(-u[0])).logpdf(X).sum(), [-1.2],
    ),
    "gamma rate": (
        kl.Gamma(), X, "rate",
        lambda v, u: -scipy.stats.gamma(np.exp(u[0]), scale=1 / v).logpdf(X).sum(), [0.9],
    ),
    "weibull": (
        kl.Weibull(), X, "shape",
        lambda v, u: -scipy.stats.weibull_min(v, scale=np.exp(u[0])).logpdf(X).sum(), [2.0],
    ),
    "negative binomial": (
        kl.NegativeBinomial(), COUNTS, "size",
        lambda v, u: -scipy.stats.nbinom(v, v / (v + np.exp(u[0]))).logpmf(COUNTS).sum(), [2.0],
    ),
    "student t": (
        kl.StudentT(), T, "df",
        lambda v, u: -scipy.stats.t(v, u[0], np.exp(u[1])).logpdf(T).sum(), [2.0, 1.1],
    ),
    "student t loc": (
        kl.StudentT(), T, "loc",
        lambda v, u: -scipy.stats.t(np.exp(u[0]), v, np.exp(u[1])).logpdf(T).sum(), [1.6, 1.1],
    ),
}  # fmt: skip


def test_no_successes():
    # 0 of 20: the estimate and the lower end are on the bound
    case = json.loads((CASES / "binomial_zero_bounded_profile.json").read_text())
    successes, trials = np.genfromtxt(CASES / case["data"], delimiter=",", skip_header=1)
    fit = kl.fit(kl.Binomial(trials=trials), [successes])
    found = fit.interval(method="profile", parameters=["probability"])
    (answer,) = case["refined"]["profile"]
    assert answer["interval"][0] == "bound 0"
    # the closed form; the root is searched to 1e-10 of the interval's width
    assert found["probability"] == pytest.approx([0.0, answer["interval"][1]], rel=1e-9)
    assert found.cautions == ("probability: the lower end is its bound, where the estimate is.",)


@pytest.mark.parametrize("level", [0.5, 0.9])
@pytest.mark.parametrize("case", LIKELIHOODS)
def test_intervals_of_scipy(case, level):
    model, rows, name, loss, start = LIKELIHOODS[case]
    fit = kl.fit(model, rows)
    limit = scipy.stats.chi2(1).ppf(level)

    def excess(v):
        least = scipy.optimize.minimize(
            lambda u: loss(v, u), start, method="BFGS", jac="3-point", options={"gtol": 1e-5}
        )
        return 2.0 * (least.fun + fit.log_likelihood) - limit

    v, reach = fit.params[name], 6.0 * fit.stderr[name]
    brackets = ((v - reach, v), (v, v + reach)) if name == "loc" else ((v / 8, v), (v, 8 * v))
    ends = [scipy.optimize.brentq(excess, *bracket, xtol=1e-10) for bracket in brackets]
    found = fit.interval(level, method="profile", parameters=[name])
    # a minimum has an error of the gradient's square, 1e-10, in some hundreds
    assert found[name] == pytest.approx(ends, rel=1e-7)
    assert not found.cautions


def test_all_parameters_and_what_is_fixed():
    fit = kl.fit(kl.StudentT(df=5.0), T)
    found = fit.interval(method="profile")
    assert list(found) == ["df", "loc", "scale"]
    assert found["df"].tolist() == [5.0, 5.0]
    tied = kl.fit(kl.Gamma(rate=kl.same_as("shape")), X / X.mean())
    found = tied.interval(method="profile")
    assert found["rate"].tolist() == found["shape"].tolist()
    columns = {"x": np.sin(np.arange(150.0)), "y": X}
    fit = kl.fit(kl.Gamma(rate=Linear(("x",))), columns, "y")
    found = fit.interval(method="profile")
    assert list(found["rate"]) == ["Intercept", "x"]
    one = fit.interval(method="profile", parameters=["rate[x]"])
    assert list(one) == ["rate[x]"]
    assert one["rate[x]"] == pytest.approx(found["rate"]["x"], rel=1e-9)
    point = fit.problem.refit(fixed={"rate[x]": 0.1})
    assert point.interval(method="profile", parameters=["rate[x]"])["rate[x]"].tolist() == [0.1] * 2
    wald = fit.interval(parameters=["rate[x]", "shape"])
    assert wald["rate[x]"].tolist() == fit.interval()["rate"]["x"].tolist()
    assert wald["shape"].tolist() == fit.interval()["shape"].tolist()


def test_the_signed_root_is_the_quantile_at_each_end():
    fit = kl.fit(kl.Gamma(), X)
    low, high = fit.interval(0.9, method="profile", parameters=["shape"])["shape"]
    for end in (low, high):
        point = fit.problem.refit(fixed={"shape": end})
        root = np.sqrt(2.0 * fit.n * (point.cross_entropy - fit.cross_entropy))
        assert root == pytest.approx(scipy.stats.norm.ppf(0.95), rel=1e-8)


def test_ends_do_not_depend_on_the_engine_the_unit_or_a_power():
    fit = kl.fit(kl.Weibull(), X)
    found = fit.interval(method="profile")
    streamed = kl.fit(kl.Weibull(), X, engine=kl.StreamingEngine)
    assert repr(streamed.interval(method="profile")) == repr(found)
    small = kl.fit(kl.Weibull(), X * 2.0**-900).interval(method="profile")
    assert small["shape"] == pytest.approx(found["shape"], rel=1e-10)
    assert small["scale"] * 2.0**900 == pytest.approx(found["scale"], rel=1e-10)
    # the rate of an exponential: its profile is the likelihood, in Lambert's function
    rate = kl.fit(kl.Exponential(), X)
    limit = scipy.stats.chi2(1).ppf(0.95) / (2.0 * X.size)
    of_mean = [-scipy.special.lambertw(-np.exp(-1.0 - limit), k).real for k in (0, -1)]
    ends = np.array(of_mean) * rate.params["rate"]
    assert rate.interval(method="profile")["rate"] == pytest.approx(ends, rel=1e-9)


def test_an_end_at_a_bound():
    # the bound of the user lies inside the interval without it
    fit = kl.fit(kl.Weibull(), X)
    low, high = fit.interval(method="profile")["shape"]
    bound = 0.5 * (low + fit.params["shape"])
    found = kl.fit(kl.Weibull(shape=kl.Param(lower=bound)), X).interval(method="profile")
    assert found["shape"] == pytest.approx([bound, high], rel=1e-9)
    (caution,) = found.cautions
    assert caution.startswith(f"shape: the lower end is {bound:g}: the deviance rises by ")
    assert "3.84 is needed at a level of 0.95" in caution
    # the estimate lies on its bound
    bound = 0.9 * fit.params["shape"]
    at = kl.fit(kl.Weibull(shape=kl.Param(upper=bound)), X)
    found = at.interval(method="profile")
    assert found["shape"][1] == bound
    assert found.cautions == ("shape: the upper end is its bound, where the estimate is.",)
    point = at.problem.refit(fixed={"shape": found["shape"][0]})
    deviance = 2.0 * at.n * (point.cross_entropy - at.cross_entropy)
    assert deviance == pytest.approx(scipy.stats.chi2(1).ppf(0.95), rel=1e-6)


def test_what_is_unknown_says_why():
    found = kl.fit(kl.Pareto(), X).interval(method="profile")
    assert np.isnan(found["minimum"]).all()
    assert np.isfinite(found["shape"]).all()
    assert found.cautions == ("minimum: unknown, as it is the minimum of the sample.",)
    found = kl.fit(kl.NegativeBinomial(), [2.0, 3.0, 2.0, 3.0]).interval(method="profile")
    assert np.isnan(found["size"]).all()
    assert found.cautions[0] == "mean: unknown, as the fit did not converge."
    assert repr(found).endswith("\n  size: unknown, as the fit did not converge.")
    assert Intervals() == {}


def test_a_better_fit_on_the_way_is_no_interval():
    # two clusters, each with a local maximum in the location; the deviance between is below 2
    x = np.concatenate([np.linspace(-1.0, 1.0, 9), np.linspace(9.0, 11.0, 12)])
    model = kl.Cauchy(loc=kl.Param(start=0.0), scale=2.5)
    fit = kl.fit(model, x)
    if fit.params["loc"] > 5.0:
        fit = fit.problem.refit(start={"loc": 0.0})
    assert fit.params["loc"] < 5.0
    found = fit.interval(method="profile", parameters=["loc"])
    assert np.isnan(found["loc"][1])
    assert "has a larger likelihood than this one" in found.cautions[-1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"method": "bayes"}, "method must be 'wald', 'profile' or 'bootstrap', got 'bayes'"),
        ({"method": "profile", "level": 1.0}, "level"),
        ({"method": "profile", "kind": "sandwich"}, "kind='sandwich' is for Wald intervals"),
        ({"parameters": ["shap"]}, "Gamma has no parameter 'shap'; did you mean \"shape\""),
        ({"parameters": "shape"}, r"parameters must be a list of names, such as \['shape'\]"),
        ({"method": "profile", "parameters": ["x"]}, r"no parameter 'x'\. It has shape, rate\."),
    ],
)
def test_wrong_arguments_are_refused(arguments, message):
    with pytest.raises(KullbackError, match=message):
        kl.fit(kl.Gamma(), X).interval(**arguments)


def test_many_profiles_need_to_be_named():
    columns = {f"x{k}": np.sin(k * np.arange(150.0)) for k in range(1, 14)}
    fit = kl.fit(kl.Normal(loc=Linear(tuple(columns))), {**columns, "y": X}, "y")
    with pytest.raises(KullbackError, match=r"profiles of all 15 numbers .*: name those"):
        fit.interval(method="profile")
    assert fit.interval(method="profile", parameters=["loc[x3]"])["loc[x3]"].shape == (2,)
    shares = kl.fit(kl.Categorical(), list("abca"))
    with pytest.raises(KullbackError, match=r"profile interval of probabilities\[0\] is not avail"):
        shares.interval(method="profile")
