"""The generalised gamma and the skew normal distribution against mpmath (60 digits).

Both have a parameter at which another formula takes over; both sides of it are tested.
"""

import math

import mpmath as mp
import numpy as np
import pytest
import scipy.stats

import kullback as kl

M = mp.mpf


@pytest.fixture(autouse=True)
def _digits():
    with mp.workdps(60):
        yield


# ---- as Prentice and Azzalini write them ---------------------------------------------------------


def mp_generalized_gamma(x, loc, scale, shape):
    w = (mp.log(x) - loc) / scale
    if shape == 0:
        return -mp.log(2 * mp.pi) / 2 - w * w / 2 - mp.log(x * scale)
    k = 1 / shape**2
    kernel = mp.log(abs(shape)) + k * mp.log(k) + k * (shape * w - mp.exp(shape * w))
    return kernel - mp.log(scale * x) - mp.loggamma(k)


def mp_generalized_gamma_tails(x, loc, scale, shape):
    """By the incomplete gamma function; of a shape near 0 by quadrature of the smaller side."""
    w = (mp.log(x) - loc) / scale
    if abs(shape) < 0.05:
        sign = 1 if w > 0 else -1

        def density(h):
            v = mp.exp(loc + scale * (w + sign * h))
            return mp.exp(mp_generalized_gamma(v, loc, scale, shape)) * v * scale

        with mp.workdps(40):
            smaller = mp.quad(density, [0, 1, 3, 8, 30])
        return (1 - smaller, smaller) if w > 0 else (smaller, 1 - smaller)
    k = 1 / shape**2
    z = k * mp.exp(shape * w)
    lower = mp.gammainc(k, 0, z, regularized=True)
    upper = mp.gammainc(k, z, mp.inf, regularized=True)
    return (lower, upper) if shape > 0 else (upper, lower)


def mp_skew_normal(x, loc, scale, shape):
    z = (x - loc) / scale
    both = -z * z / 2 - mp.log(2 * mp.pi) / 2 + mp.log(mp.erfc(-shape * z / mp.sqrt(2)))
    return both - mp.log(scale)


def mp_skew_normal_tails(x, loc, scale, shape):
    """By quadrature of the density away from x, in pieces that grow from its own length there."""
    z = (x - loc) / scale
    sign = 1 if z > 0 else -1
    length = 1 / (1 + abs(shape) + abs(z) * (1 + shape**2))
    ends = [z + sign * length * d for d in (0, 0.3, *(2**k for k in range(28))) if length * d < 60]
    start = mp_skew_normal(z, 0, 1, shape)  # mpmath's errors are absolute
    ratio = mp.quad(lambda t: mp.exp(mp_skew_normal(t, 0, 1, shape) - start), ends)
    smaller = abs(ratio) * mp.exp(start)
    return (1 - smaller, smaller) if z > 0 else (smaller, 1 - smaller)


SHAPES = [0.0, 1e-9, -1e-4, 0.03, 0.0999, -0.0999, 0.1001, -0.1001, 0.4, -0.7, 1.0, 2.5, -6.0]


@pytest.mark.parametrize("shape", SHAPES)
def test_generalized_gamma_density_and_tails(shape, check_tails):
    """The density within 1e-13 of what the rounding of log x leaves; tails within 1e-12."""
    at = {"loc": 0.3, "scale": 0.5, "shape": shape}
    exact = {name: M(value) for name, value in at.items()}
    model = kl.GeneralizedGamma(**at)
    w = np.array([-9.0, -3.0, -1.0, -0.2, 0.0, 0.3, 1.0, 2.0, 4.0])
    x = np.exp(at["loc"] + at["scale"] * w)
    slope = 1.0 + np.abs(np.expm1(shape * w) / shape if shape else w) * np.maximum(np.abs(w), 1.0)
    for v, got, limit in zip(x.tolist(), model.log_density(x), slope, strict=True):
        expected = mp_generalized_gamma(M(v), **exact)
        assert abs(M(float(got)) - expected) <= 1e-13 * max(abs(expected), M(float(limit)))
    tame = np.abs(shape * w) < 12.0
    tails = [mp_generalized_gamma_tails(M(v), **exact) for v in x[tame].tolist()]
    check_tails(model, x[tame], *zip(*tails, strict=True))


@pytest.mark.parametrize("shape", [0.0, 1e-9, 0.0999, 0.1001, -0.05, -0.7, 2.5])
def test_generalized_gamma_derivatives(shape, derivatives):
    """Scores within 1e-11 and second derivatives within 1e-9 of mpmath's differences."""
    x = np.array([0.2, 0.9, 1.3, 2.0, 6.0])
    found = derivatives(kl.GeneralizedGamma(), x, loc=0.3, scale=0.5, shape=shape)
    # mpmath differentiates at 60 digits: at 0 beside it, where the formula is another
    at = (M("0.3"), M("0.5"), M(shape) if shape else M(10) ** -20)
    with mp.workdps(120):
        _compare(found, lambda v, *t: mp_generalized_gamma(v, *t), x, at)


def _compare(found, log_density, x, at):
    orders = [(1, 0, 0), (0, 1, 0), (0, 0, 1)]
    pairs = [tuple(np.add(orders[i], orders[j]).tolist()) for i in range(3) for j in range(i + 1)]
    wanted = [(n, 1e-11) for n in orders] + [(n, 1e-9) for n in pairs]
    for row, v in enumerate(x.tolist()):
        for (order, tolerance), got in zip(wanted, found[1:], strict=True):
            expected = float(mp.diff(lambda *t, v=v: log_density(M(v), *t), at, order))
            assert got[row] == pytest.approx(expected, rel=tolerance, abs=tolerance), (v, order)


@pytest.mark.parametrize("shape", [0.0, 1e-6, 0.08, -0.05, 0.3, -0.7, 1.0, 4.0])
def test_generalized_gamma_moments(shape):
    """Mean and variance by the formula of gamma functions, the entropy by quadrature."""
    model = kl.GeneralizedGamma(loc=0.3, scale=0.5, shape=shape)
    loc, scale, q = M("0.3"), M("0.5"), M(shape) if shape else M(10) ** -15

    def moment(r):
        k, g = 1 / q**2, r * scale / q
        return mp.exp(r * loc - g * mp.log(k) + mp.loggamma(k + g) - mp.loggamma(k))

    def term(w):
        x = mp.exp(loc + scale * w)
        log_density = mp_generalized_gamma(x, loc, scale, q)
        return -log_density * mp.exp(log_density) * x * scale

    mean = moment(1)
    assert model.mean() == pytest.approx(float(mean), rel=1e-12)
    assert model.variance() == pytest.approx(float(moment(2) - mean**2), rel=1e-11)
    with mp.workdps(50):
        entropy = mp.quad(term, [-150, -40, -10, -3, 0, 3, 10, 40, 150])
    assert model.entropy() == pytest.approx(float(entropy), rel=1e-10)


def test_generalized_gamma_moments_that_are_infinite():
    heavy = kl.GeneralizedGamma(loc=0.0, scale=0.8, shape=-1.0)  # Fréchet of shape 1.25
    assert heavy.mean() == pytest.approx(math.gamma(1.0 - 0.8), rel=1e-12)
    assert heavy.variance() == np.inf
    assert kl.GeneralizedGamma(loc=0.0, scale=1.0, shape=-1.0).mean() == np.inf


@pytest.mark.parametrize("shape", [0.0, 0.05, -0.05, 0.7, -1.5, 3.0])
def test_draws_and_quantiles(shape, check_numbers_drawn):
    model = kl.GeneralizedGamma(loc=0.3, scale=0.5, shape=shape)
    check_numbers_drawn(model)
    u = np.array([1e-12, 0.01, 0.5, 0.99])
    np.testing.assert_allclose(model.cdf(model.quantile(u)), u, rtol=1e-12)


def test_generalized_gamma_contains_its_neighbours():
    """The maximum over the shape is at least that of gamma, Weibull, log-normal and Fréchet."""
    x = kl.Gamma(shape=2.0, rate=0.5).sample(800, seed=3)
    own = kl.fit(kl.GeneralizedGamma(), x)
    assert own.convergence.converged
    for model in (kl.Gamma(), kl.Weibull(), kl.LogNormal(), kl.Frechet()):
        assert own.log_likelihood >= kl.fit(model, x).log_likelihood
    # at shape 1 and at shape = scale it is the other family
    weibull = kl.fit(kl.GeneralizedGamma(shape=1.0), x)
    assert weibull.log_likelihood == pytest.approx(
        kl.fit(kl.Weibull(), x).log_likelihood, rel=1e-13
    )
    gamma = kl.fit(kl.GeneralizedGamma(shape=kl.same_as("scale")), x)
    assert gamma.log_likelihood == pytest.approx(kl.fit(kl.Gamma(), x).log_likelihood, rel=1e-13)
    # SciPy's density at the estimate
    p = own.params
    k, power = 1.0 / p["shape"] ** 2, p["shape"] / p["scale"]
    scale = math.exp(p["loc"]) * abs(p["shape"]) ** (2.0 * p["scale"] / p["shape"])
    theirs = scipy.stats.gengamma(k, power, scale=scale).logpdf(x).sum()
    assert own.log_likelihood == pytest.approx(theirs, rel=1e-12)


# ---- skew normal ---------------------------------------------------------------------------------

SKEWS = [0.0, 1e-8, 0.3, -0.3, 1.0, 1.001, -1.001, 3.0, -40.0, 1e3]


@pytest.mark.parametrize("shape", SKEWS)
def test_skew_normal_density_and_tails(shape, check, check_tails):
    model = kl.SkewNormal(loc=0.0, scale=1.0, shape=shape)
    z = np.array([-30.0, -4.0, -1.0, -0.3, -1e-3, 0.0, 1e-3, 0.2, 0.9, 3.0, 25.0])
    check(model.log_density(z), [mp_skew_normal(M(v), 0, 1, M(shape)) for v in z])
    z = np.array([-9.0, -1.5, -0.3, -1e-3, 0.0, 0.2, 1.1, 8.0])
    z = z[np.abs(shape * z) < 200.0]
    tails = [mp_skew_normal_tails(M(v), 0, 1, M(shape)) for v in z.tolist()]
    check_tails(model, z, *zip(*tails, strict=True))


@pytest.mark.parametrize("shape", [0.0, 0.3, 1.5, -4.0])
def test_skew_normal_derivatives(shape, derivatives):
    x = np.array([-2.0, 0.5, 1.0, 1.7, 6.0])
    found = derivatives(kl.SkewNormal(), x, loc=1.0, scale=2.0, shape=shape)
    _compare(found, mp_skew_normal, x, (M(1), M(2), M(shape)))


@pytest.mark.parametrize("shape", [0.0, 0.7, -5.0])
def test_skew_normal_moments_and_draws(shape, check_numbers_drawn):
    model = kl.SkewNormal(loc=1.0, scale=2.0, shape=shape)
    theirs = scipy.stats.skewnorm(shape, 1.0, 2.0)
    assert model.mean() == pytest.approx(theirs.mean(), rel=1e-13)
    assert model.variance() == pytest.approx(theirs.var(), rel=1e-13)
    check_numbers_drawn(model)
    with mp.workdps(30):

        def term(x):
            log_density = mp_skew_normal(x, M(1), M(2), M(shape))
            return -log_density * mp.exp(log_density)

        expected = mp.quad(term, [-60, -10, -2, 0, 1, 2, 4, 12, 60])
    assert float(kl.entropy(model)) == pytest.approx(float(expected), rel=1e-10)


def test_skew_normal_fit_reaches_the_maximum_of_either_side():
    """Against SciPy's own optimiser from its own start, of the same likelihood."""
    x = kl.SkewNormal(loc=1.0, scale=2.0, shape=-3.0).sample(1000, seed=5)
    fit = kl.fit(kl.SkewNormal(), x)
    shape, loc, scale = scipy.stats.skewnorm.fit(x)
    assert fit.convergence.converged
    assert fit.log_likelihood >= scipy.stats.skewnorm(shape, loc, scale).logpdf(x).sum() - 1e-6
    assert fit.params["shape"] == pytest.approx(shape, rel=1e-2)  # SciPy's simplex stops early


def test_starts(check_starts):
    rng = np.random.default_rng(2)
    samples = (np.array([2.0, 2.0]), rng.lognormal(size=40), np.array([1e-9, 1.0, 1e9]))
    check_starts(kl.GeneralizedGamma(), *samples)
    check_starts(kl.SkewNormal(), *samples, -samples[1], rng.normal(size=9))


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_likelihood_that_rises_towards_a_power_is_named(sign):
    # rows whose density is largest at their end: the limit as shape diverges is a power from the
    # end on, whose estimates are formulas (K. Krishnamoorthy, 2016, Handbook of Statistical
    # Distributions with Applications, 23.6: end and mean logarithm of the rows relative to it)
    x = np.random.default_rng(2).uniform(size=60) ** (sign / 2.0)
    fit = kl.fit(kl.GeneralizedGamma(), x)
    assert not fit.convergence.converged
    assert fit.convergence.reason == (
        f"no maximum: shape diverges to {'' if sign > 0.0 else '−'}infinity and scale tends to 0"
    )
    assert ("kl.Pareto()" in " ".join(fit.convergence.advice)) is (sign < 0.0)
    end = x.max() if sign > 0.0 else x.min()
    index = 1.0 / np.abs(np.log(x / end)).mean()
    limit = -np.mean(np.log(index) + (sign * index - 1.0) * np.log(x) - sign * index * np.log(end))
    assert fit.cross_entropy == pytest.approx(limit, abs=1e-6)
    ranked = kl.compare([kl.GeneralizedGamma(), kl.Gamma()], x, criterion="aic")
    entry = next(e for e in ranked.models if e.model == "GeneralizedGamma")
    assert entry.reason.startswith("limit: a power of x")
