"""Regressions whose likelihood has no maximum: each names the coefficient that diverges."""

import json
from pathlib import Path

import numpy as np
import pytest
import scipy.optimize

import kullback as kl

CASES = Path(__file__).parents[1] / "reference"


def test_separated_irises(reference_case):
    # R's glm: fitted probabilities of 0 and 1; the supremum of the likelihood is 1
    case = reference_case("reg", "nomle_iris_sv", answers=False)
    fit = case.fit()
    assert not fit.convergence.converged
    named = [f"probability[{name}]" for name in ("Intercept", "X2", "X3", "X4", "X5")]
    assert fit.convergence.reason == f"no maximum: the rows are separated by {', '.join(named)}"
    assert fit.log_likelihood == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize(
    ("constant", "named"),
    [
        ({"size": kl.Param()}, "size diverges to infinity"),
        ({"size": "~ 1"}, "size[Intercept] diverges"),
        ({"overdispersion": kl.Param()}, "overdispersion tends to 0"),
        ({"dispersion": kl.Param()}, "dispersion tends to 0"),
    ],
)
def test_counts_that_are_not_overdispersed(constant, named):
    # R's glm.nb: theta = 2e12 with NaNs; the supremum is the likelihood of the Poisson fit
    case = json.loads((CASES / "nofinite" / "nofinite_nb_insurance.json").read_text())
    with (CASES / "nofinite" / case["data"]).open() as file:
        names = [n.replace(".", "_").strip('"') for n in file.readline().strip().split(",")]
        table = np.loadtxt(file, delimiter=",")
    data = dict(zip(names, table.T.copy(), strict=True))
    columns = " + ".join(n for n in names if n not in ("y", "offset"))
    mean = kl.Formula(f"~ {columns}", offset="offset")
    fit = kl.fit(kl.NegativeBinomial(mean=mean, **constant), data, "y")
    assert fit.convergence.reason == f"no maximum: {named}"
    assert "kl.Poisson()" in fit.convergence.advice[0]
    supremum = case["reference"]["loglik_supremum"]
    assert fit.log_likelihood == pytest.approx(supremum, rel=1e-10)
    # (the size as a formula stops where its slope is small)
    limits = case["reference"]["limit_estimates"]
    np.testing.assert_allclose(list(fit.params["mean"].values()), limits, rtol=1e-8)


def test_no_zeros_to_inflate():
    # every count is far above what a Poisson zero would be: the best zero probability is 0
    x = np.linspace(-1.0, 1.0, 40)
    data = {"x": x, "y": np.round(np.exp(3.0 + x))}
    model = kl.ZeroInflated(kl.Poisson(rate="~ x"), zero_probability="~ 1")
    fit = kl.fit(model, data, "y")
    assert fit.convergence.reason == "no maximum: zero_probability[Intercept] diverges"
    plain = kl.fit(kl.Poisson(rate="~ x"), data, "y")
    assert fit.log_likelihood == pytest.approx(plain.log_likelihood, rel=1e-12)
    # as a number it has a maximum, at its bound
    fit = kl.fit(kl.ZeroInflated(kl.Poisson(rate="~ x")), data, "y")
    assert fit.convergence.converged
    assert fit.params["zero_probability"] == 0.0


def test_level_without_events():
    rng = np.random.default_rng(1)
    z = rng.standard_normal(90)
    level = np.repeat(["a", "b", "c"], 30)
    counts = rng.poisson(np.exp(0.5 + 0.3 * z)) * (level != "b")
    for model in (
        kl.Poisson(rate="~ level + z"),
        kl.NegativeBinomial(mean="~ level + z", size=2.0),
    ):
        fit = kl.fit(model, {"level": level, "z": z, "y": counts}, "y")
        parameter = next(iter(fit.params))
        assert fit.convergence.reason == (
            f"no maximum: the rows are separated by {parameter}[level[T.b]]"
        )
    events = level != "b"
    model = kl.Weibull(scale="~ level + z")
    data = {"level": level, "z": z, "y": rng.weibull(1.5, 90), "event": events}
    fit = kl.fit(model, data, "y", event="event")
    assert fit.convergence.reason == "no maximum: the rows are separated by scale[level[T.b]]"


def test_separated_probit_and_multinomial():
    rng = np.random.default_rng(2)
    x, z = rng.standard_normal((2, 80))
    data = {"x": x, "z": z, "y": (x > 0.2).astype(float)}
    probit = kl.Bernoulli(probability=kl.Formula("~ x + z", link="probit"))
    fit = kl.fit(probit, data, "y")
    assert not fit.convergence.converged
    assert "probability[x]" in fit.convergence.reason
    data["y"] = np.where(x > 1.0, "c", np.array(["a", "b"])[rng.integers(0, 2, 80)])
    fit = kl.fit(kl.Categorical(logits="~ x + z"), data, "y")
    assert not fit.convergence.converged
    assert "logits[c[x]]" in fit.convergence.reason
    assert "logits[b[x]]" not in fit.convergence.reason


def test_a_generalized_pareto_with_an_end_that_rows_set():
    random = np.random.default_rng(6)
    group = np.repeat(["a", "b"], 100)
    y = random.random(200) ** 0.5 * np.where(group == "a", 1.0, 2.0)
    fit = kl.fit(kl.GeneralizedPareto(scale="~ group"), {"y": y, "group": group}, "y")
    # R. L. Smith (1985), section 1: below a shape of −1 the density is infinite at its end
    assert not fit.convergence.converged
    assert fit.convergence.reason == "no maximum: the likelihood is unbounded"
    assert "The shape fell below −1" in fit.convergence.advice[0]


def test_a_negative_gompertz_shape_beside_a_formula_has_its_caution():
    random = np.random.default_rng(7)
    x = random.random(500)
    y = random.exponential(size=500) * np.exp(x)
    cured = random.random(500) < 0.4
    rows = {"x": x, "y": np.where(cured, 20.0, np.minimum(y, 20.0)), "died": ~cured & (y < 20.0)}
    fit = kl.fit(kl.Gompertz(rate="~ x"), rows, "y", event="died")
    assert fit.convergence.converged
    assert fit.params["shape"] < 0.0
    assert "a share of every row's units never fails" in fit.convergence.advice[0]


@pytest.mark.parametrize("link", ["log", "identity"])
@pytest.mark.parametrize("weighted", [False, True])
def test_a_maximum_on_the_boundary_of_probabilities_names_the_rows(link, weighted):
    # the likelihood is concave in the coefficients, and SciPy's constrained maximum has a
    # probability of 1 in the row with the largest x, so there is none inside
    random = np.random.default_rng(1)
    x = random.uniform(0.0, 1.0, 300)
    y = (random.random(300) < np.minimum(np.exp(-1.5 + 2.0 * x), 1.0)).astype(float)
    last = int(np.argmax(x))
    y[last] = 1.0
    w = random.uniform(0.5, 2.0, 300) if weighted else np.ones(300)
    inverse, upper = (np.exp, 0.0) if link == "log" else (lambda eta: eta, 1.0)

    def loss(beta):
        p = np.clip(inverse(beta[0] + beta[1] * x), 1e-12, 1.0)
        other = np.log(np.maximum(1.0 - p, 1e-300))
        return -np.sum(w * np.where(y > 0.0, np.log(p), other))

    # at the row with the largest x the predictor is a + b max(x) <= upper
    start = [-1.0, 0.1] if link == "log" else [0.4, 0.1]
    limit = {"type": "ineq", "fun": lambda beta: upper - beta[0] - beta[1] * x[last]}
    found = scipy.optimize.minimize(loss, start, method="SLSQP", constraints=[limit], tol=1e-12)
    assert upper - found.x[0] - found.x[1] * x[last] == pytest.approx(0.0, abs=1e-6)
    model = kl.Bernoulli(probability=kl.Formula("~ x", link=link))
    fit = kl.fit(model, {"x": x, "y": y, "w": w}, "y", weights="w" if weighted else None)
    assert not fit.convergence.converged
    reason = "no maximum inside the domain: probability reaches 1 in 1 row"
    assert fit.convergence.reason == f"{reason}: row {last} (1.0)"
    assert "boundary of the coefficients" in fit.convergence.advice[0]


def test_a_maximum_inside_the_boundary_is_found():
    random = np.random.default_rng(2)
    x = random.uniform(0.0, 1.0, 300)
    y = (random.random(300) < np.exp(-1.5 + 0.7 * x)).astype(float)
    fit = kl.fit(kl.Bernoulli(probability=kl.Formula("~ x", link="log")), {"x": x, "y": y}, "y")
    p = np.exp(fit.params["probability"]["Intercept"] + fit.params["probability"]["x"] * x)
    assert fit.convergence.converged
    # the scores of a log link, (y − p)/(1 − p), add up to zero along the columns
    scores = (y - p) / (1.0 - p)
    np.testing.assert_allclose([scores.sum(), scores @ x], 0.0, atol=1e-9)
