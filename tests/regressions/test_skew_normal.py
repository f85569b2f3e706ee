"""Skew-normal regressions with strong effects, and with a skewness that changes with a column."""

import numpy as np
import pytest
from scipy import optimize, stats

import kullback as kl

ROWS = 400


def drawn(effect, shape, slope, seed):
    random = np.random.default_rng(seed)
    a, b = random.standard_normal((2, ROWS))
    noise = stats.skewnorm(shape + slope * b).rvs(ROWS, random_state=random)
    return {"a": a, "b": b, "y": 1.0 + effect * a - effect / 2.0 * b + noise}


def loss(at, data, *, varies):
    """The cross-entropy by SciPy's normal distribution."""
    scale = np.exp(at[3])
    z = (data["y"] - at[0] - at[1] * data["a"] - at[2] * data["b"]) / scale
    shape = at[4] + (at[5] * data["b"] if varies else 0.0)
    terms = np.log(2.0 / scale) + stats.norm.logpdf(z) + stats.norm.logcdf(shape * z)
    return -np.mean(terms)


@pytest.mark.parametrize("effect", [1.0, -5.0, 100.0])
@pytest.mark.parametrize("shape", [-8.0, -2.0, 3.0])
def test_strong_effects_on_the_location(effect, shape):
    data = drawn(effect, shape, 0.0, 3)
    fit = kl.fit(kl.SkewNormal(loc="~ a + b"), data, "y")
    truth = [1.0, effect, -effect / 2.0, 0.0, shape]
    best = optimize.minimize(lambda at: loss(at, data, varies=False), truth, method="BFGS")
    assert fit.convergence.converged
    # SciPy's search from the truth ends within 1e-8 of its minimum
    assert fit.cross_entropy == pytest.approx(best.fun, abs=1e-8)


@pytest.mark.parametrize("effect", [1.0, 5.0, 100.0])
@pytest.mark.parametrize(("shape", "slope"), [(2.0, 2.0), (-2.0, 2.0), (0.0, 2.0), (2.0, 5.0)])
def test_a_skewness_that_changes_its_sign_with_a_column(effect, shape, slope):
    data = drawn(effect, shape, slope, 5)
    fit = kl.fit(kl.SkewNormal(loc="~ a + b", shape="~ b"), data, "y")
    truth = [1.0, effect, -effect / 2.0, 0.0, shape, slope]
    best = optimize.minimize(lambda at: loss(at, data, varies=True), truth, method="BFGS")
    assert fit.convergence.converged
    assert fit.cross_entropy <= best.fun + 1e-8


@pytest.mark.parametrize("loc", [kl.Param(), "~ x"])
def test_a_sample_that_leans_as_far_as_one_can(loc):
    # all rows of a half-normal lie below its end: of few, the likelihood has no maximum (Azzalini
    # and Arellano-Valle, 2013, "Maximum penalized likelihood estimation for skew-normal")
    generator = np.random.default_rng(1)
    x = generator.normal(size=40)
    y = 1.8 + 0.43 * x - 1.3 * np.abs(generator.normal(size=40))
    rows = {"x": x, "y": y if isinstance(loc, str) else y - 0.43 * x}
    fit = kl.fit(kl.SkewNormal(loc=loc), rows, "y")
    assert fit.convergence.reason == "no maximum: shape diverges to −infinity"
    bounded = [
        kl.fit(kl.SkewNormal(loc=loc, shape=kl.Param(lower=-end)), rows, "y").log_likelihood
        for end in (10.0, 1e2, 1e4)
    ]
    assert bounded[0] < bounded[1] < bounded[2] <= fit.log_likelihood + 1e-9
