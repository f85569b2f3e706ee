"""Beta-binomial, generalised Poisson and Zipf counts against mpmath (60 digits) and SciPy."""

import math

import jax.numpy as jnp
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


def mp_beta_binomial(x, n, p, precision):
    a, b = p * precision, (1 - p) * precision
    choose = mp.loggamma(n + 1) - mp.loggamma(x + 1) - mp.loggamma(n - x + 1)
    rest = mp.loggamma(x + a) - mp.loggamma(a) + mp.loggamma(n - x + b) - mp.loggamma(b)
    return choose + rest - mp.loggamma(n + a + b) + mp.loggamma(a + b)


def mp_generalized_poisson(x, mean, dispersion):
    theta, rate = mean / (1 + dispersion), dispersion / (1 + dispersion)
    own = theta + rate * x
    return mp.log(theta) + (x - 1) * mp.log(own) - own - mp.loggamma(x + 1)


def mp_zipf(x, exponent):
    return -exponent * mp.log(x) - mp.log(mp.zeta(exponent))


# ---- beta-binomial -------------------------------------------------------------------------------


@pytest.mark.parametrize(("p", "precision"), [(0.3, 4.0), (0.5, 0.02), (1e-3, 30.0), (0.2, 1e12)])
@pytest.mark.parametrize("n", [1, 10, 300])
def test_beta_binomial_probabilities(n, p, precision, check_tails):
    model = kl.BetaBinomial(trials=n, probability=p, precision=precision)
    every = [mp.exp(mp_beta_binomial(M(k), M(n), M(p), M(precision))) for k in range(n + 1)]
    x = np.unique(np.linspace(0, n, 12).round())
    # 1 − p has an error of a rounding, and so has the probability of each failure
    expected = [mp.log(every[int(k)]) for k in x]
    for got, e in zip(model.log_density(x), expected, strict=True):
        assert abs(M(float(got)) - e) <= 1e-12 * max(abs(e), 1)
    x = x[x < n]
    lower = [mp.fsum(every[: int(k) + 1]) for k in x]
    upper = [mp.fsum(every[int(k) + 1 :]) for k in x]
    check_tails(model, x, lower, upper)


class OfTen:
    """Ten trials, in which no derivative exists."""

    def row_log_density_inside(self, x, parameters):
        model = kl.BetaBinomial(trials=10)
        return model.row_log_density_inside(x, {"trials": jnp.float64(10.0), **parameters})


def test_beta_binomial_derivatives(derivatives):
    x = np.array([0.0, 1.0, 4.0, 10.0])
    orders = [((1, 0), 1e-11), ((0, 1), 1e-11), ((2, 0), 1e-9), ((1, 1), 1e-9), ((0, 2), 1e-9)]
    for p, precision in [(0.3, 4.0), (0.7, 0.5), (0.4, 1e5)]:
        found = derivatives(OfTen(), x, probability=p, precision=precision)
        for row, v in enumerate(x.tolist()):
            for (order, tolerance), got in zip(orders, found[1:], strict=True):

                def log_probability(*t, v=v):
                    return mp_beta_binomial(M(v), M(10), *t)

                expected = float(mp.diff(log_probability, (M(p), M(precision)), order))
                # relative to the largest term of the sum of three: n/precision to a power
                scale = (10.0 / precision) ** order[1]
                limit = tolerance * max(abs(expected), scale)
                assert abs(got[row] - expected) <= limit, (p, precision, v, order)


def test_beta_binomial_moments_draws_and_quantiles(check_draws):
    model, theirs = (
        kl.BetaBinomial(trials=20, alpha=1.2, beta=2.8),
        scipy.stats.betabinom(20, 1.2, 2.8),
    )
    assert model.mean() == pytest.approx(theirs.mean(), rel=1e-13)
    assert model.variance() == pytest.approx(theirs.var(), rel=1e-13)
    u = np.array([0.01, 0.2, 0.5, 0.9, 0.999])
    np.testing.assert_array_equal(model.quantile(u), theirs.ppf(u))
    check_draws(kl.BetaBinomial(trials=60, probability=0.1, precision=8.0))


def test_beta_binomial_fit_and_its_limit():
    """Against an optimiser of SciPy's probabilities; binomial rows have the limit."""
    x = kl.BetaBinomial(trials=12, probability=0.3, precision=5.0).sample(500, seed=1)
    fit = kl.fit(kl.BetaBinomial(trials=12), x)

    def loss(u):
        a, b = np.exp(u)
        return -np.sum(scipy.stats.betabinom(12, a, b).logpmf(x))

    best = scipy.optimize.minimize(loss, [0.0, 0.0], method="BFGS", options={"gtol": 1e-8})
    a, b = np.exp(best.x)
    assert fit.convergence.converged
    assert fit.log_likelihood >= -best.fun - 1e-9
    assert fit.params["probability"] == pytest.approx(a / (a + b), rel=1e-5)
    assert fit.params["precision"] == pytest.approx(a + b, rel=1e-5)
    even = np.repeat([3.0, 4.0, 5.0], 40)  # less spread than binomial rows
    limit = kl.fit(kl.BetaBinomial(trials=12), even)
    assert not limit.convergence.converged
    assert "Binomial" in " ".join(limit.convergence.advice)


# ---- generalised Poisson -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mean", "dispersion"), [(4.0, 0.5), (0.2, 3.0), (300.0, 0.05), (7.0, 0.0)]
)
def test_generalized_poisson_probabilities(mean, dispersion, check_tails):
    model = kl.GeneralizedPoisson(mean=mean, dispersion=dispersion)
    at = (M(mean), M(dispersion))
    for x in (0.0, 1.0, 5.0, 40.0, 1000.0):
        expected = mp_generalized_poisson(M(x), *at)
        assert abs(M(float(model.log_density(x))) - expected) <= 1e-12 * max(abs(expected), 1), x
    x = np.array([0.0, 1.0, 3.0, 20.0, 250.0, 320.0])
    every = [mp.exp(mp_generalized_poisson(M(k), *at)) for k in range(1500)]
    tails = [(mp.fsum(every[: int(k) + 1]), mp.fsum(every[int(k) + 1 :])) for k in x]
    check_tails(model, x, *zip(*tails, strict=True))
    assert abs(mp.fsum(every) - 1) < 1e-25  # the formula is a distribution


def test_generalized_poisson_derivatives(derivatives):
    x = np.array([0.0, 1.0, 4.0, 30.0])
    orders = [((1, 0), 1e-11), ((0, 1), 1e-11), ((2, 0), 1e-9), ((1, 1), 1e-9), ((0, 2), 1e-9)]
    for mean, dispersion in [(4.0, 0.5), (0.2, 3.0), (7.0, 0.0)]:
        found = derivatives(kl.GeneralizedPoisson(), x, mean=mean, dispersion=dispersion)
        for row, v in enumerate(x.tolist()):
            for (order, tolerance), got in zip(orders, found[1:], strict=True):

                def log_probability(*t, v=v):
                    return mp_generalized_poisson(M(v), *t)

                expected = float(mp.diff(log_probability, (M(mean), M(dispersion)), order))
                assert got[row] == pytest.approx(expected, rel=tolerance, abs=tolerance), order


def test_generalized_poisson_draws_and_fits(check_draws):
    """Draws; a fit against SciPy's optimiser of the formula; both parametrisations; the bound."""
    model = kl.GeneralizedPoisson(mean=4.0, dispersion=0.5)
    check_draws(model)
    x = model.sample(800, seed=1)
    fit = kl.fit(kl.GeneralizedPoisson(), x)

    def loss(u):
        mean, dispersion = np.exp(u)
        theta, rate = mean / (1 + dispersion), dispersion / (1 + dispersion)
        own = theta + rate * x
        terms = np.log(theta) + (x - 1) * np.log(own) - own - scipy.special.gammaln(x + 1)
        return -terms.sum()

    best = scipy.optimize.minimize(loss, [1.0, -1.0], method="BFGS", options={"gtol": 1e-8})
    assert fit.convergence.converged
    assert fit.log_likelihood >= -best.fun - 1e-9
    np.testing.assert_allclose(list(fit.params.values()), np.exp(best.x), rtol=1e-5)
    other = kl.fit(kl.GeneralizedPoisson(mean=None, overdispersion=None), x)
    assert other.log_likelihood == pytest.approx(fit.log_likelihood, rel=1e-13)
    ratio = fit.params["dispersion"] / fit.params["mean"]
    assert other.params["overdispersion"] == pytest.approx(ratio, rel=1e-8)
    # less spread than Poisson counts: the estimate is the bound, and the likelihood Poisson's
    even = np.repeat([3.0, 4.0, 5.0], 40)
    bound = kl.fit(kl.GeneralizedPoisson(), even)
    assert bound.params["dispersion"] == pytest.approx(0.0, abs=1e-6)
    poisson = kl.fit(kl.Poisson(), even).log_likelihood
    assert bound.log_likelihood == pytest.approx(poisson, rel=1e-6)


# ---- Zipf ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("exponent", [1.05, 1.5, 2.0, 3.7, 12.0, 80.0])
def test_zipf_probabilities(exponent, check, check_tails):
    model = kl.Zipf(exponent=exponent)
    x = np.array([1.0, 2.0, 3.0, 10.0, 1e3, 1e8, 1e15])
    check(model.log_density(x), [mp_zipf(M(k), M(exponent)) for k in x])
    x = np.array([1.0, 2.0, 3.0, 11.0, 200.0])
    total = mp.zeta(M(exponent))
    upper = [mp.zeta(M(exponent), M(k) + 1) / total for k in x]
    check_tails(model, x, [1 - p for p in upper], upper)


def test_zipf_derivatives(derivatives):
    x = np.array([1.0, 5.0, 1e6])
    for exponent in (1.001, 1.5, 4.0):
        _, score, curvature = derivatives(kl.Zipf(), x, exponent=exponent)
        for row, v in enumerate(x.tolist()):
            for order, got, tolerance in ((1, score, 1e-11), (2, curvature, 1e-9)):
                expected = mp.diff(lambda s, v=v: mp_zipf(M(v), s), M(exponent), order)
                assert got[row] == pytest.approx(float(expected), rel=tolerance)


@pytest.mark.parametrize("own", [1.0001, 1.5, 2.5, 40.0])
@pytest.mark.parametrize("other", [1.01, 1.5 + 1e-6, 2.2, 3.0, 40.5])
def test_zipf_divergences(own, other):
    # of an exponential family in log x, whose mean is −ζ'/ζ
    p, q = kl.Zipf(exponent=own), kl.Zipf(exponent=other)
    with mp.workdps(50):
        s, t = M(own), M(other)
        slope = mp.zeta(s, derivative=1) / mp.zeta(s)
        cross = mp.log(mp.zeta(t)) - t * slope
        divergence = cross - (mp.log(mp.zeta(s)) - s * slope)
    assert float(kl.cross_entropy(p, q)) == pytest.approx(float(cross), rel=1e-13)
    # between exponents apart, differences of logarithms lose some digits of a small value
    assert float(kl.kl_divergence(p, q)) == pytest.approx(float(divergence), rel=1e-11)


def test_zipf_against_other_counts():
    p, q = kl.Zipf(exponent=2.5), kl.Geometric(probability=0.3)
    mean = float(mp.zeta(M("1.5")) / mp.zeta(M("2.5")))  # log q is linear in x
    expected = -math.log(0.3) - mean * math.log1p(-0.3)
    assert float(kl.cross_entropy(p, q)) == pytest.approx(expected, rel=1e-12)
    assert float(kl.cross_entropy(kl.Zipf(exponent=1.5), q)) == math.inf  # its mean is infinite
    with pytest.raises(kl.ModelError, match="fall too slowly"):  # it is finite, but barely
        kl.cross_entropy(kl.Zipf(exponent=2.01), q)
    # with a zero of its own: SciPy's probabilities, of which 10^6 leave 1e-15 beyond
    x = np.arange(1.0, 1e6)
    log_p, log_q = (
        math.log1p(-z) + scipy.stats.zipf(a).logpmf(x) for a, z in ((3.5, 0.2), (4.0, 0.3))
    )
    hurdles = [
        kl.Hurdle(kl.Zipf(exponent=a), zero_probability=z) for a, z in ((3.5, 0.2), (4.0, 0.3))
    ]
    expected = 0.2 * math.log(0.2 / 0.3) + float(np.sum(np.exp(log_p) * (log_p - log_q)))
    assert float(kl.kl_divergence(*hurdles)) == pytest.approx(expected, rel=1e-11)
    log_m = np.logaddexp(log_p, log_q) - math.log(2.0)
    expected = sum(
        0.5 * zero * math.log(zero / 0.25) + 0.5 * float(np.sum(np.exp(log) * (log - log_m)))
        for zero, log in ((0.2, log_p), (0.3, log_q))
    )
    assert float(kl.jensen_shannon(*hurdles)) == pytest.approx(expected, rel=1e-11)


def test_zipf_moments_draws_and_fit(check_draws):
    model = kl.Zipf(exponent=4.5)
    a = M("4.5")
    mean = mp.zeta(a - 1) / mp.zeta(a)
    assert model.mean() == pytest.approx(float(mean), rel=1e-13)
    assert model.variance() == pytest.approx(
        float(mp.zeta(a - 2) / mp.zeta(a) - mean**2), rel=1e-12
    )
    entropy = mp.log(mp.zeta(a)) - a * mp.zeta(a, derivative=1) / mp.zeta(a)
    assert model.entropy() == pytest.approx(float(entropy), rel=1e-12)
    assert kl.Zipf(exponent=2.0).mean() == np.inf
    assert kl.Zipf(exponent=3.0).variance() == np.inf
    for exponent in (1.5, 2.3, 7.0):
        check_draws(kl.Zipf(exponent=exponent))
    assert np.all(kl.Zipf(exponent=3000.0).sample(10, seed=0) == 1.0)
    # the estimate solves −ζ'/ζ(exponent) = mean log x
    x = kl.Zipf(exponent=2.2).sample(3000, seed=2)
    fit = kl.fit(kl.Zipf(), x)
    s = M(fit.params["exponent"])
    score = -mp.zeta(s, derivative=1) / mp.zeta(s) - M(float(np.log(x).mean()))
    assert fit.convergence.converged
    assert abs(score) < 1e-12


@pytest.mark.parametrize(
    ("model", "top", "log_probability"),
    [
        (kl.BetaBinomial(trials=20, probability=0.3, precision=4.0), 20,
         lambda k: mp_beta_binomial(M(k), M(20), M("0.3"), M(4))),
        (kl.GeneralizedPoisson(mean=4.0, dispersion=0.5), 800,
         lambda k: mp_generalized_poisson(M(k), M(4), M("0.5"))),
    ],
)  # fmt: skip
def test_entropies_are_sums(model, top, log_probability):
    logs = [log_probability(k) for k in range(top + 1)]
    expected = -mp.fsum(mp.exp(v) * v for v in logs)
    assert float(kl.entropy(model)) == pytest.approx(float(expected), rel=1e-11)


def test_starts(check_starts):
    rng = np.random.default_rng(2)
    poisson = rng.poisson(3.0, 50).astype(float)
    check_starts(kl.GeneralizedPoisson(), np.zeros(3), np.full(4, 7.0), poisson)
    check_starts(kl.Zipf(), np.ones(3), rng.zipf(1.5, 50).astype(float))
    model = kl.BetaBinomial(trials=9)
    for values in (np.zeros(3), np.full(4, 9.0), np.array([0.0, 9.0])):
        kl.BetaBinomial(**model.starts(values, np.ones(values.size))[0])  # raises outside domains
