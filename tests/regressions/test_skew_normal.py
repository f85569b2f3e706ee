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
