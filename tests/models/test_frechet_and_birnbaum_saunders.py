"""Fréchet's and Birnbaum and Saunders' distribution against mpmath (60 digits) and SciPy."""

import math

import mpmath as mp
import numpy as np
import pytest
import scipy.optimize
import scipy.stats

import kullback as kl

M = mp.mpf


@pytest.fixture(autouse=True)
def _digits():
    with mp.workdps(60):
        yield


def mp_frechet(x, shape, scale):
    t = mp.log(x / scale)
    return mp.log(shape / scale) - (shape + 1) * t - mp.exp(-shape * t)


def mp_frechet_tails(x, shape, scale):
    hazard = (x / scale) ** -shape
    return mp.exp(-hazard), -mp.expm1(-hazard)


def mp_birnbaum_saunders(x, shape, scale):
    root = mp.sqrt(x / scale)
    xi = (root - 1 / root) / shape
    return mp.log((root + 1 / root) / (2 * shape * x)) - xi * xi / 2 - mp.log(2 * mp.pi) / 2


def mp_birnbaum_saunders_tails(x, shape, scale):
    root = mp.sqrt(x / scale)
    xi = (root - 1 / root) / shape
    return mp.erfc(-xi / mp.sqrt(2)) / 2, mp.erfc(xi / mp.sqrt(2)) / 2


CASES = {
    kl.Frechet: (
        mp_frechet,
        mp_frechet_tails,
        [(2.5, 0.7), (0.6, 3.0), (1e-2, 1e8), (1e4, 1e-6)],
    ),
    kl.BirnbaumSaunders: (
        mp_birnbaum_saunders,
        mp_birnbaum_saunders_tails,
        [(0.8, 1.5), (6.0, 3.0), (1e-4, 1e8), (40.0, 1e-6)],
    ),
}
THEIRS = {
    kl.Frechet: lambda shape, scale: scipy.stats.invweibull(shape, scale=scale),
    kl.BirnbaumSaunders: lambda shape, scale: scipy.stats.fatiguelife(shape, scale=scale),
}


@pytest.mark.parametrize("family", CASES)
def test_density_and_tails(family, check_tails):
    """Densities within 1e-12 of mpmath, relative or absolute where below one; tails relative."""
    log_density, tails, parameters = CASES[family]
    for shape, scale in parameters:
        model = family(shape=shape, scale=scale)
        x = model.quantile(np.array([1e-200, 1e-20, 1e-3, 0.3, 0.5, 0.9, 1 - 1e-9]))
        x = np.unique(x[(x > 1e-300) & (x < 1e300)])
        exact = [M(v) for v in x.tolist()]
        at = (M(shape), M(scale))
        for v, got in zip(exact, model.log_density(x), strict=True):
            expected = log_density(v, *at)
            # log(x/scale) is right to a rounding, which the shape (or its inverse) multiplies
            limit = 1e-12 + 3e-16 * (shape if family is kl.Frechet else 1.0 / shape)
            assert abs(M(float(got)) - expected) <= limit * max(abs(expected), 1), (shape, v)
        if 1e-3 < shape < 1e3:
            check_tails(model, x, *zip(*(tails(v, *at) for v in exact), strict=True))


@pytest.mark.parametrize("family", CASES)
def test_derivatives(family, derivatives):
    """Scores within 1e-11 and second derivatives within 1e-9 of mpmath's differences."""
    log_density, _, parameters = CASES[family]
    x = np.array([0.2, 0.7, 1.0, 3.0, 20.0])
    orders = [((1, 0), 1e-11), ((0, 1), 1e-11), ((2, 0), 1e-9), ((1, 1), 1e-9), ((0, 2), 1e-9)]
    for shape, scale in parameters[:2]:
        found = derivatives(family(), x, shape=shape, scale=scale)
        for row, v in enumerate(x.tolist()):
            for (order, tolerance), got in zip(orders, found[1:], strict=True):
                at = (M(shape), M(scale))
                expected = float(mp.diff(lambda *t, v=v: log_density(M(v), *t), at, order))
                assert got[row] == pytest.approx(expected, rel=tolerance, abs=tolerance), order


@pytest.mark.parametrize("family", CASES)
def test_moments_quantiles_and_draws(family, check_numbers_drawn):
    model, theirs = family(shape=2.5, scale=1.5), THEIRS[family](2.5, 1.5)
    assert model.mean() == pytest.approx(theirs.mean(), rel=1e-12)
    assert model.variance() == pytest.approx(theirs.var(), rel=1e-12)
    u = np.array([1e-12, 0.01, 0.5, 0.99])
    np.testing.assert_allclose(model.cdf(model.quantile(u)), u, rtol=1e-12)
    check_numbers_drawn(model)


def test_frechet_moments_that_are_infinite_and_its_entropy():
    assert kl.Frechet(shape=1.0, scale=2.0).mean() == np.inf
    assert kl.Frechet(shape=2.0, scale=2.0).variance() == np.inf
    model = kl.Frechet(shape=2.5, scale=1.5)
    theirs = scipy.stats.invweibull(2.5, scale=1.5).entropy()
    assert model.entropy() == pytest.approx(theirs, rel=1e-9)  # theirs is a quadrature


def test_entropy_of_birnbaum_saunders():
    with mp.workdps(30):

        def term(t):
            log_density = mp_birnbaum_saunders(mp.exp(t), M("2.5"), M("1.5"))
            return -log_density * mp.exp(log_density + t)

        expected = mp.quad(term, [-40, -10, -4, -1, 0, 1, 4, 10, 40])
    found = kl.entropy(kl.BirnbaumSaunders(shape=2.5, scale=1.5))
    assert float(found) == pytest.approx(float(expected), rel=1e-10)


@pytest.mark.parametrize("family", CASES)
def test_fit_is_the_maximum(family):
    """Against an optimiser of SciPy's density in the logarithms of the parameters."""
    x = family(shape=1.3, scale=2.0).sample(400, seed=4)
    weights = np.random.default_rng(1).integers(1, 4, 400).astype(float)
    fit = kl.fit(family(), x, weights=weights)

    def loss(u):
        return -np.sum(weights * THEIRS[family](*np.exp(u)).logpdf(x))

    best = scipy.optimize.minimize(loss, [0.0, 0.0], method="BFGS", options={"gtol": 1e-8})
    assert fit.convergence.converged
    assert fit.log_likelihood >= -best.fun - 1e-9
    np.testing.assert_allclose(list(fit.params.values()), np.exp(best.x), rtol=1e-5)


def test_frechet_is_the_weibull_of_reciprocals():
    """Estimates of 1/x, and standard errors by the delta method."""
    x = kl.Weibull(shape=1.7, scale=3.0).sample(5000, seed=2)
    own, other = kl.fit(kl.Frechet(), 1.0 / x), kl.fit(kl.Weibull(), x)
    assert own.params["shape"] == pytest.approx(other.params["shape"], rel=1e-11)
    assert own.params["scale"] == pytest.approx(1.0 / other.params["scale"], rel=1e-11)
    assert own.stderr["shape"] == pytest.approx(other.stderr["shape"], rel=1e-9)


def test_starts(check_starts):
    rng = np.random.default_rng(2)
    samples = (np.array([2.0, 2.0]), rng.lognormal(size=40), np.array([1e-9, 1.0, 1e9]))
    for family in CASES:
        check_starts(family(), *samples)
    assert math.isfinite(kl.fit(kl.BirnbaumSaunders(), samples[1]).log_likelihood)
