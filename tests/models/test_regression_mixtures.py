"""Mixtures of regressions: against flexmix's maximum, and SciPy's from many starts.

The reference case is refined to 13 digits by an independent program, started at the estimate of
flexmix 2.3.18. SciPy's maxima are the best of eight BFGS searches on the log-likelihood as it is
written here.
"""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy import optimize, special, stats

import kullback as kl

CASES = Path(__file__).parents[1] / "reference" / "mixtures"
RNG = np.random.default_rng(1)
N = 200
X, U, NOISE = RNG.uniform(-3.0, 3.0, N), RNG.random(N), RNG.normal(size=N)
LINES = {"x": X, "y": np.where(U < 0.4, 1.0 + 2.0 * X + 0.5 * NOISE, 1.0 - 1.5 * X + NOISE)}
COUNTS = {
    "x": X,
    "y": RNG.poisson(np.exp(np.where(U < 0.5, 0.5 + 0.5 * X, 2.0 - 0.3 * X))).astype(float),
    "w": RNG.integers(1, 4, N).astype(float),
}


def best_of_many(log_likelihood, size, seed=0):
    """The largest log-likelihood and where it is: SciPy's BFGS from eight random starts."""
    starts = np.random.default_rng(seed).normal(size=(8, size))

    def loss(u):
        with np.errstate(all="ignore"):
            value = -log_likelihood(u)
        return value if np.isfinite(value) else 1e10

    found = [optimize.minimize(loss, start, method="BFGS") for start in starts]
    return min(found, key=lambda one: one.fun)


def test_poisson_regressions_with_a_covariate_in_the_weights():
    """flexmix's data NPreg: P(second) = logistic(g0 + g1 x2), y ~ Poisson(exp(b0 + b1 x))."""
    case = json.loads((CASES / "mixpois_concomitant_npreg.json").read_text())
    table = np.genfromtxt(CASES / case["data"], delimiter=",", names=True)
    data = {name: table[name] for name in table.dtype.names}
    model = kl.Mixture([kl.Poisson(rate="~ x"), kl.Poisson(rate="~ x")], weights="~ x2")
    fit = kl.fit(model, data, "y")
    g0, g1, *rest = case["refined"]["estimate"]
    assert fit.convergence.converged
    assert fit.params["weights"][1]["Intercept"] == pytest.approx(g0, rel=1e-9)
    assert fit.params["weights"][1]["x2"] == pytest.approx(g1, rel=1e-9)
    found = [fit.params[f"components[{k}].rate"][n] for k in range(2) for n in ("Intercept", "x")]
    assert found == pytest.approx(rest, rel=1e-10)
    errors = np.sqrt(np.diag(fit.covariance()))
    np.testing.assert_allclose(errors, case["refined"]["se"], rtol=1e-9)
    assert fit.log_likelihood == pytest.approx(case["refined"]["loglik"], rel=1e-12)
    # the shares of the components, by Bayes' rule
    eta = g0 + g1 * data["x2"]
    rates = [np.exp(b0 + b1 * data["x"]) for b0, b1 in (rest[:2], rest[2:])]
    joint = np.stack([stats.poisson(rate).pmf(data["y"]) for rate in rates])
    joint *= np.stack([special.expit(-eta), special.expit(eta)])
    shares = fit.responsibilities(data, "y")
    np.testing.assert_allclose(shares, (joint / joint.sum(axis=0)).T, rtol=1e-7)


def lines(u):
    w = special.expit(u[0])
    a = stats.norm.logpdf(LINES["y"], u[1] + u[2] * X, np.exp(u[3])) + np.log(w)
    b = stats.norm.logpdf(LINES["y"], u[4] + u[5] * X, np.exp(u[6])) + np.log1p(-w)
    return np.logaddexp(a, b).sum()


def test_lines_that_cross_are_found_and_ordered():
    fit = kl.fit(kl.Mixture(kl.Normal(loc="~ x"), components=2), LINES, "y")
    known = best_of_many(lines, 7)
    assert fit.convergence.converged
    assert fit.log_likelihood >= -known.fun - 1e-9 * N
    assert fit.log_likelihood == pytest.approx(-known.fun, rel=1e-6)  # BFGS's own accuracy
    first, second = (fit.params[f"components[{k}].loc"] for k in range(2))
    assert first["Intercept"] < second["Intercept"]  # the rule of the labels
    slopes = sorted([known.x[2], known.x[5]])
    assert sorted([first["x"], second["x"]]) == pytest.approx(slopes, rel=1e-3)
    # the same labels whatever the order of the rows
    order = np.random.default_rng(3).permutation(N)
    again = kl.fit(
        kl.Mixture(kl.Normal(loc="~ x"), components=2), {n: v[order] for n, v in LINES.items()}, "y"
    )
    assert again.params["components[0].loc"] == pytest.approx(first, rel=1e-7)


def counts(u, w=1.0, y=COUNTS["y"]):
    a = stats.poisson.logpmf(y, np.exp(u[1] + u[2] * X)) + special.log_expit(u[0])
    b = stats.poisson.logpmf(y, np.exp(u[3] + u[4] * X)) + special.log_expit(-u[0])
    return np.sum(w * np.logaddexp(a, b))


def test_weighted_counts_in_memory_and_streamed():
    model = kl.Mixture(kl.Poisson(rate="~ x"), components=2)
    fit = kl.fit(model, COUNTS, "y", weights="w")
    known = best_of_many(lambda u: counts(u, COUNTS["w"]), 5)
    assert fit.log_likelihood >= -known.fun - 1e-9 * N
    assert fit.log_likelihood == pytest.approx(-known.fun, rel=1e-7)
    streamed = kl.fit(model, COUNTS, "y", weights="w", engine=kl.StreamingEngine)
    np.testing.assert_array_equal(streamed.covariance(), fit.covariance())
    copies = {n: np.repeat(COUNTS[n], COUNTS["w"].astype(int)) for n in ("x", "y")}
    copied = kl.fit(model, copies, "y")
    np.testing.assert_allclose(fit.covariance(), copied.covariance(), rtol=1e-6)


def test_censored_rows_with_tied_shapes():
    z = np.random.default_rng(4).normal(size=N)
    second = np.random.default_rng(5).random(N) < special.expit(z)
    scale = np.where(second, np.exp(1.0 + 0.5 * X), np.exp(-0.5 - 0.5 * X))
    t = scale * np.random.default_rng(6).weibull(2.0, N)
    data = {"x": X, "z": z, "y": np.minimum(t, 4.0), "e": (t < 4.0).astype(float)}
    parts = [
        kl.Weibull(scale="~ x"),
        kl.Weibull(scale="~ x", shape=kl.same_as("components[0].shape")),
    ]
    fit = kl.fit(kl.Mixture(parts, weights="~ z"), data, "y", event="e")

    def log_likelihood(u):
        found = []
        for k, (a, b) in enumerate(((u[2], u[3]), (u[4], u[5]))):
            shape, log_ratio = np.exp(u[6]), np.log(data["y"]) - (a + b * X)
            hazard = np.log(shape) + (shape - 1.0) * log_ratio - (a + b * X)
            seen = data["e"] * hazard - np.exp(shape * log_ratio)
            found.append(seen + special.log_expit((u[0] + u[1] * z) * (1.0 if k else -1.0)))
        return np.logaddexp(*found).sum()

    known = best_of_many(log_likelihood, 7)
    assert fit.convergence.converged
    assert fit.log_likelihood >= -known.fun - 1e-9 * N
    assert fit.log_likelihood == pytest.approx(-known.fun, rel=1e-7)


def test_components_of_which_one_is_needless_or_has_collapsed_are_named():
    # counts that vary less than one Poisson regression says
    one = RNG.binomial(8, special.expit(0.3 * X)).astype(float)
    fit = kl.fit(kl.Mixture(kl.Poisson(rate="~ x"), components=2), {"x": X, "y": one}, "y")
    assert not fit.convergence.converged
    assert any(word in fit.convergence.reason for word in ("are equal", "tends to 0"))
    exact = {"x": X, "y": np.where(U < 0.3, 1.0 + 2.0 * X, 2.0 * NOISE)}
    fit = kl.fit(kl.Mixture(kl.Normal(loc="~ x"), components=2), exact, "y")
    assert not fit.convergence.converged
    assert "has collapsed on a few rows" in fit.convergence.reason
    assert "tie their scales" in " ".join(fit.convergence.advice)


def test_a_saved_fit_has_the_same_shares(tmp_path):
    fit = kl.fit(kl.Mixture(kl.Poisson(rate="~ x"), components=2, weights="~ x"), COUNTS, "y")
    fit.save(tmp_path / "fit.json")
    again = kl.load(tmp_path / "fit.json")
    assert again == fit
    np.testing.assert_array_equal(
        again.responsibilities(COUNTS, "y"), fit.responsibilities(COUNTS, "y")
    )
    # its table: coefficients of weights are log odds against the first component
    text = str(fit.summary(exponentiate=True))
    assert "logit link, ~ x; odds ratios against the first component: exp(estimate)" in text
    first = fit.summary(exponentiate=True).to_frame().loc[:1, "estimate"]
    np.testing.assert_allclose(first, np.exp(list(fit.params["weights"][1].values())), rtol=1e-14)
