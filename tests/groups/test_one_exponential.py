"""Losses from three sums of one exponential: against mpmath, at 30 digits."""

from __future__ import annotations

from typing import Any

import mpmath as mp
import numpy as np
import pytest
import scipy.stats

import kullback as kl
from kullback.objective.one_exponential import ExponentialLoss, sums_across, sums_along
from kullback.objective.statistics import LossDerivatives
from kullback.resampling.distances import distances

RNG = np.random.default_rng(4)


def weibull(x: Any, shape: Any, scale: Any) -> Any:
    return mp.log(shape / scale) + (shape - 1) * mp.log(x / scale) - (x / scale) ** shape


def gumbel(x: Any, loc: Any, scale: Any) -> Any:
    z = (x - loc) / scale
    return -z - mp.exp(-z) - mp.log(scale)


CASES = [
    (kl.Weibull(), weibull, 3.0 * RNG.weibull(1.5, 12), (1.7, 2.8)),
    (kl.Weibull(), weibull, 1e2 * RNG.weibull(0.4, 12), (0.4, 1e2)),
    # within a few 1e-5 of each other, where log(x/scale) has to keep its digits
    (kl.Weibull(), weibull, 5.0 * RNG.weibull(3e4, 12), (3e4, 5.0)),
    (kl.Gumbel(), gumbel, RNG.gumbel(-3.0, 2.0, 12), (-2.7, 2.1)),
    (kl.Gumbel(), gumbel, 1e6 + RNG.gumbel(size=12), (1e6 + 0.25, 1.1)),
]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("model", "log_density", "x", "at"), CASES)
def test_the_loss_and_its_derivatives_are_those_of_mpmath(
    model: Any, log_density: Any, x: Any, at: Any, weighted: bool
) -> None:
    w = RNG.integers(1, 4, x.size).astype(float) if weighted else np.ones(x.size)
    loss = ExponentialLoss.of(LossDerivatives(model, (True, True)))
    assert loss is not None
    theta, origin = np.array(at)[:, None], np.array([x.mean()])
    t = loss.form.coordinate(x, np.full(x.size, x.mean()))
    rates = loss.rates(theta, origin)
    mean = np.array([[w @ t / w.sum()]])
    for sums in (
        sums_along(t[None, :], w[None, :] if weighted else None, rates),
        sums_across(t[:, None], w[:, None] if weighted else None, rates),
    ):
        means = np.concatenate([mean, sums / w.sum()])
        found = loss.derived(theta, origin, rates, means)[:, 0]
        with mp.workdps(30):

            def exact(a: Any, b: Any) -> Any:
                terms = [
                    int(k) * log_density(mp.mpf(float(v)), a, b) for v, k in zip(x, w, strict=True)
                ]
                return -mp.fsum(terms) / int(w.sum())

            point = [mp.mpf(v) for v in at]
            orders = [(0, 0), (1, 0), (0, 1), (2, 0), (1, 1), (0, 2)]
            expected = [exact(*point), *(mp.diff(exact, point, n) for n in orders[1:])]
            # in units of the parameters' spread, a shape's being in proportion to the shape
            scale = [
                abs(v) if name != "loc" else 1.0
                for v, name in zip(at, model.parameters, strict=True)
            ]
            if log_density is weibull:
                scale[1] /= at[0]
            for value, want, (i, j) in zip(found, expected, orders, strict=True):
                unit = scale[0] ** i * scale[1] ** j
                size = max(1.0, abs(float(expected[0])))
                # the sums' rounding, a dozen of rows: 1e-13 of the largest terms
                assert abs(value * unit - float(want * unit)) < 1e-12 * size


@pytest.mark.parametrize("model", [kl.Gumbel(), kl.Weibull(shape=1.5)], ids=repr)
def test_groups_are_fitted_as_their_rows_alone(model: kl.Model) -> None:
    key = np.repeat(np.arange(4), [17, 99, 100, 300])
    x = 4.0 + RNG.weibull(2.0, key.size)
    table = kl.fit(model, x, by=key)
    assert table.converged.all()
    for i in range(4):
        own = kl.fit(model, x[key == i])
        for name, value in own.params.items():
            assert table.params[name][i] == pytest.approx(value, rel=1e-12)
            assert table.stderr[name][i] == pytest.approx(own.stderr[name], rel=1e-12)


@pytest.mark.parametrize("kind", ["poisson", "parametric"])
def test_bootstrap_replicates_are_maxima(kind: Any) -> None:
    x = RNG.gumbel(2.0, 3.0, 150)
    fit = kl.fit(kl.Gumbel(), x)
    found = fit.bootstrap(40, kind=kind)
    if kind == "poisson":
        from kullback.data.poisson_weights import PoissonWeights

        weights = PoissonWeights(found.seed).of(np.arange(x.size), None, np.arange(40))
        for i in (0, 17, 39):
            own = kl.fit(kl.Gumbel(), x, weights=weights[:, i].astype(float))
            assert found.params["loc"][i] == pytest.approx(own.params["loc"], rel=1e-10)
            assert found.params["scale"][i] == pytest.approx(own.params["scale"], rel=1e-10)
    # each replicate's numbers do not depend on how many there are
    fewer = kl.fit(kl.Gumbel(), x).bootstrap(40 if kind == "parametric" else 7, kind=kind)
    np.testing.assert_array_equal(fewer.params["loc"], found.params["loc"][: fewer.n])


@pytest.mark.parametrize(
    ("model", "peer"),
    [
        (kl.Weibull(), lambda shape, scale: scipy.stats.weibull_min(shape, 0.0, scale)),
        (kl.Gumbel(), lambda loc, scale: scipy.stats.gumbel_r(loc, scale)),
    ],
)
def test_distances_are_those_of_scipy(model: kl.Model, peer: Any) -> None:
    theta = np.array([[1.5, 0.8], [2.0, 3.0]])
    y = np.sort(RNG.weibull(1.5, (70, 2)) + 0.01, axis=0)
    found = distances(model, theta, y, None)
    rank = np.arange(1.0, 71.0)
    for i, numbers in enumerate(theta.T):
        own = peer(*numbers)
        cdf = own.cdf(y[:, i])
        largest = max(np.max(rank / 70 - cdf), np.max(cdf - (rank - 1.0) / 70))
        squares = 1.0 / 840.0 + np.sum((cdf - (2.0 * rank - 1.0) / 140.0) ** 2)
        logs = own.logcdf(y[:, i]) + own.logsf(y[::-1, i])
        expected = [largest, squares, -70.0 - np.sum((2.0 * rank - 1.0) * logs) / 70.0]
        # SciPy's formulas, D'Agostino and Stephens (1986), section 4.2
        np.testing.assert_allclose(found[:, i], expected, rtol=1e-11)
