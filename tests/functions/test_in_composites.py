"""Functions as parameters of models made of models: fits against SciPy's, saving, refusals."""

import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize
import scipy.stats

import kullback as kl

X = np.linspace(0.0, 3.0, 200)
RNG = np.random.default_rng(3)
Y = 1.0 + 2.0 * np.exp(-X) + 0.3 * RNG.normal(size=X.size)


def decay(x, a, b):
    return a + b * jnp.exp(-x)


def curve():
    return kl.Function(decay, start={"a": 1.0, "b": 1.0})


def test_a_truncated_regression(tmp_path):
    """Rows below 2.5 alone: against SciPy's optimiser of its own truncated normal."""
    kept = Y < 2.5
    x, y = X[kept], Y[kept]
    fit = kl.fit(kl.Truncated(kl.Normal(loc=curve()), upper=2.5), {"x": x, "y": y}, "y")

    def loss(u):
        loc, scale = u[0] + u[1] * np.exp(-x), np.exp(u[2])
        return -np.sum(scipy.stats.truncnorm.logpdf(y, -np.inf, (2.5 - loc) / scale, loc, scale))

    best = scipy.optimize.minimize(loss, [1.0, 2.0, -1.0], method="BFGS", options={"gtol": 1e-7})
    assert fit.convergence.converged
    assert fit.log_likelihood == pytest.approx(-best.fun, rel=1e-10)
    found = [*fit.params["loc"].values(), np.log(fit.params["scale"])]
    np.testing.assert_allclose(found, best.x, rtol=1e-4)
    path = tmp_path / "fit.json"
    fit.save(path, functions=["loc"])
    assert kl.load(path, functions={"loc": decay}).params == fit.params


def test_a_mixture_of_a_regression_and_a_cluster(tmp_path):
    """Against SciPy's optimiser of the same likelihood, written out."""
    cluster = 4.0 + 0.5 * RNG.normal(size=60)
    x, y = np.r_[X, X[:60]], np.r_[Y, cluster]
    first = kl.Normal(loc=curve(), scale=kl.Param(start=0.5))
    second = kl.Normal(loc=kl.Param(start=4.0), scale=kl.Param(start=1.0))
    fit = kl.fit(kl.Mixture([first, second]), {"x": x, "y": y}, "y")

    def loss(u):
        q = scipy.stats.norm.pdf(y, u[0] + u[1] * np.exp(-x), np.exp(u[2]))
        r = scipy.stats.norm.pdf(y, u[3], np.exp(u[4]))
        return -np.sum(np.log(q / (1.0 + np.exp(u[5])) + r / (1.0 + np.exp(-u[5]))))

    start = [1.0, 2.0, -1.0, 4.0, -0.7, -1.0]
    best = scipy.optimize.minimize(loss, start, method="BFGS", options={"gtol": 1e-7})
    assert fit.convergence.converged
    assert fit.log_likelihood == pytest.approx(-best.fun, rel=1e-10)
    path = tmp_path / "fit.json"
    fit.save(path, functions=["components[0].loc"])
    again = kl.load(path, functions={"components[0].loc": decay})
    np.testing.assert_array_equal(again.params["weights"], fit.params["weights"])
    with pytest.raises(kl.KullbackError, match=r"its loc is not a kl\.Function"):
        kl.load(path, functions={"components[0].loc": decay, "components[1].loc": decay})


def test_components_with_columns_need_starting_values():
    mixture = kl.Mixture([kl.Normal(loc=curve()), kl.Normal(loc=kl.Param(start=9.0))])
    with pytest.raises(kl.ModelError, match=r"components\[0\]\.scale has none"):
        kl.fit(mixture, {"x": X, "y": Y}, "y")
