"""Profile and bootstrap intervals of chosen coefficients of a regression.

An exponential regression with weights and censored rows has a profile of its slope in closed form:
Σ w (d η' − t e^η'), η' = −log scale, with the constant at Σ w d = Σ w t e^η'.
"""

from __future__ import annotations

import numpy as np
import pytest
import scipy.optimize
import scipy.stats

import kullback as kl
from kullback._core.errors import KullbackError

RNG = np.random.default_rng(5)
N = 150
ROWS = {"age": RNG.normal(size=N), "g": RNG.integers(0, 3, N), "w": RNG.integers(1, 4, N)}
ROWS["t"] = RNG.exponential(np.exp(0.4 * ROWS["age"]))
ROWS["died"] = RNG.integers(0, 2, N)


@pytest.mark.parametrize("weights", [None, "w"])
@pytest.mark.parametrize("level", [0.9, 0.99])
def test_a_profile_in_closed_form(weights, level):
    w = ROWS["w"] if weights else np.ones(N)
    x, t, d = ROWS["age"], ROWS["t"], ROWS["died"]

    def log_likelihood(slope: float) -> float:
        rate = np.exp(-slope * x)
        eta = np.log((w * d).sum() / (w * t * rate).sum()) - slope * x
        return float((w * (d * eta - t * np.exp(eta))).sum())

    model = kl.Exponential(scale="~ age")
    fit = kl.fit(model, ROWS, "t", event="died", weights=weights)
    found = fit.interval(level, "profile", parameters=["scale[age]"])
    assert list(found) == ["scale[age]"]
    best = fit.params["scale"]["age"]
    assert log_likelihood(best) == pytest.approx(fit.log_likelihood, rel=1e-12)
    limit = log_likelihood(best) - scipy.stats.chi2(1).ppf(level) / 2.0
    ends = [
        scipy.optimize.brentq(lambda b: log_likelihood(b) - limit, best, best + way, xtol=1e-13)
        for way in (-2.0, 2.0)
    ]
    # the root is searched to 1e-10 of the interval's width
    assert found["scale[age]"] == pytest.approx(ends, rel=1e-8)


def test_bootstrap_intervals_of_those_named():
    fit = kl.fit(kl.Normal(loc="~ age + C(g)", scale="~ age"), ROWS, "t")
    made = fit.bootstrap(100, seed=3)
    every = fit.interval(method="bootstrap", bootstrap=made)
    some = fit.interval(
        method="bootstrap", bootstrap=made, parameters=["loc[g[T.1]]", "scale[age]", "scale"]
    )
    assert list(some) == ["loc[g[T.1]]", "scale[age]", "scale"]
    np.testing.assert_array_equal(some["loc[g[T.1]]"], every["loc"]["g[T.1]"])
    np.testing.assert_array_equal(some["scale[age]"], every["scale"]["age"])
    low, high = some["scale[age]"]
    assert low < fit.params["scale"]["age"] < high


def test_wald_intervals_of_those_named_and_unknown_names():
    fit = kl.fit(kl.Exponential(scale="~ age"), ROWS, "t")
    found = fit.interval(parameters=["scale[age]"])
    half = scipy.stats.norm.ppf(0.975) * fit.stderr["scale"]["age"]
    best = fit.params["scale"]["age"]
    assert found["scale[age]"] == pytest.approx([best - half, best + half], rel=1e-12)
    with pytest.raises(KullbackError, match=r"has no parameter 'scale.ages.'"):
        fit.interval(parameters=["scale[ages]"])
