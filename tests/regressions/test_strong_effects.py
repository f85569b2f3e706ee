"""Locations that columns explain nearly alone, against SciPy's optimiser on SciPy's densities."""

import numpy as np
import pytest
import scipy.optimize
import scipy.stats

import kullback as kl

FAMILIES = [
    (kl.Gumbel, scipy.stats.gumbel_r),
    (kl.Logistic, scipy.stats.logistic),
    (kl.Cauchy, scipy.stats.cauchy),
]


@pytest.mark.parametrize(("family", "distribution"), FAMILIES)
@pytest.mark.parametrize("weighted", [False, True])
def test_maximum_is_that_of_scipy(family, distribution, weighted):
    rng = np.random.default_rng(4)
    x = rng.standard_normal(150)
    y = 1e3 + 500.0 * x + distribution.rvs(size=150, random_state=rng)
    weight = rng.integers(1, 4, 150).astype(float) if weighted else np.ones(150)
    data = {"x": x, "y": y, "w": weight}
    fit = kl.fit(family(loc="~ x"), data, "y", weights="w")
    assert fit.convergence.converged

    def loss(at):
        logs = distribution.logpdf(y, at[0] + at[1] * x, np.exp(at[2]))
        return -float(weight @ logs)

    options = {"xatol": 1e-9, "fatol": 1e-10, "maxiter": 20_000, "maxfev": 20_000}
    starts = [(1e3, 500.0, s) for s in (-1.0, 0.0, 1.0)]
    found = [
        scipy.optimize.minimize(loss, start, method="Nelder-Mead", options=options)
        for start in starts
    ]
    best = min(found, key=lambda r: r.fun)
    assert fit.log_likelihood == pytest.approx(-best.fun, rel=1e-10)
    own = [*fit.params["loc"].values(), np.log(fit.params["scale"])]
    np.testing.assert_allclose(own, best.x, rtol=1e-5, atol=1e-5)  # SciPy's search ends there
