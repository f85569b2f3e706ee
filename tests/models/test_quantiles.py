"""Quantiles found from distribution functions, at shapes from 1e-3 to 1e14, far into the tails."""

import math

import mpmath as mp
import numpy as np
import pytest
import scipy.stats as stats

import kullback as kl

_LEVELS = np.array([1e-300, 1e-16, 1e-5, 0.025, 0.3, 0.5, 0.7, 0.975, 1 - 1e-10, 1 - 2**-53])
_SHAPES = (1e-3, 1.0, 1e4, 1e14)
_LEAST = np.finfo(np.float64).tiny  # the smallest normal double


def _models(shape):
    return {
        "gamma": kl.Gamma(shape=shape, rate=1.0),
        "inverse gamma": kl.InverseGamma(shape=shape, scale=1.0),
        "beta": kl.Beta(alpha=shape, beta=2.0 * shape),
        "skewed beta": kl.Beta(alpha=3.0, beta=shape),
        "student": kl.StudentT(df=shape, loc=0.0, scale=1.0),
        "inverse gaussian": kl.InverseGaussian(mean=1.0, shape=shape),
        "poisson": kl.Poisson(rate=shape),
        "negative binomial": kl.NegativeBinomial(size=shape, probability=0.3),
        "binomial": kl.Binomial(trials=math.ceil(shape), probability=0.3),
    }


def _excess(model, x):
    """The logarithm of the smaller tail at x over its target: 0 at the quantile."""
    low = _LEVELS <= 0.5
    target = np.where(low, np.log(_LEVELS), np.log1p(-np.where(low, 0.5, _LEVELS)))
    return np.where(low, model.log_cdf(x) - target, target - model.log_survival(x))


@pytest.mark.parametrize("name", list(_models(1.0)))
@pytest.mark.parametrize("shape", _SHAPES)
def test_a_quantile_is_the_first_outcome_whose_probability_reaches_the_level(shape, name):
    """By its definition, up to the rounding of the distribution function itself (1e-14)."""
    model = _models(shape)[name]
    x = model.quantile(_LEVELS)
    before = np.nextafter(x, -np.inf)
    before[np.abs(before) < np.finfo(np.float64).tiny] = 0.0  # subnormal numbers are left out
    if model.support.whole:
        before = np.minimum(before, x - 1.0)
    found = np.isfinite(x)
    assert (_excess(model, np.where(found, x, 0.5))[found] >= -1e-14).all()
    assert (_excess(model, np.where(found, before, 0.5))[found] <= 1e-14).all()


@pytest.mark.parametrize("name", list(_models(1.0)))
@pytest.mark.parametrize("shape", [1e-3, 1.0, 1e4])
def test_many_quantiles_are_those_of_their_definition(shape, name):
    """The same of 700 levels at once, which are searched in the cells of a grid."""
    model = _models(shape)[name]
    u = np.concatenate([np.arange(1, 691) / 691, _LEVELS])
    x = model.quantile(u)
    before = np.nextafter(x, -np.inf)
    before[np.abs(before) < _LEAST] = 0.0
    if model.support.whole:
        before = np.minimum(before, x - 1.0)
    low, found = u <= 0.5, np.isfinite(x)
    target = np.where(low, np.log(u), np.log1p(-np.where(low, 0.5, u)))
    for at, sign in ((x, 1.0), (before, -1.0)):
        at = np.where(found, at, 0.5)
        excess = np.where(low, model.log_cdf(at) - target, target - model.log_survival(at))
        assert (sign * excess[found] >= -1e-14 * np.maximum(1.0, np.abs(target[found]))).all()


def test_quantiles_at_large_shapes():
    """Cornish and Fisher's expansion at 1e14: the next term is below 1e-7 of a unit in x."""
    shape, levels = 1e14, np.array([1e-5, 0.025, 0.5, 0.7, 0.975])
    z = stats.norm.ppf(levels)
    gamma = shape + math.sqrt(shape) * z + (z * z - 1.0) / 3.0
    # one unit in the last place of the argument is 1.6e-9 standard deviations
    found = kl.Gamma(shape=shape, rate=1.0).quantile(levels)
    np.testing.assert_allclose(found, gamma, rtol=1e-15)
    np.testing.assert_allclose(kl.Gamma(shape=shape, rate=1.0).cdf(found), levels, rtol=1e-7)
    found = kl.InverseGamma(shape=shape, scale=1.0).quantile(levels)
    np.testing.assert_allclose(found, _inverse(shape, z), rtol=1e-15)
    beta = 0.5 + z / (2.0 * math.sqrt(2.0 * shape + 1.0))
    found = kl.Beta(alpha=shape, beta=shape).quantile(levels)
    np.testing.assert_allclose(found, beta, rtol=1e-15)
    gaussian = 1.0 + 1e-7 * z + 0.5e-14 * (z * z - 1.0)
    found = kl.InverseGaussian(mean=1.0, shape=shape).quantile(levels)
    np.testing.assert_allclose(found, gaussian, rtol=1e-15)
    found = kl.StudentT(df=shape, loc=0.0, scale=1.0).quantile(levels)
    np.testing.assert_allclose(found, z, rtol=1e-13, atol=1e-16)
    counts = shape + math.sqrt(shape) * z + (z * z - 1.0) / 6.0
    np.testing.assert_allclose(kl.Poisson(rate=shape).quantile(levels), counts, rtol=0, atol=1.0)


def _inverse(shape, z):
    """1/Y for the gamma quantile Y of the other tail."""
    return 1.0 / (shape - math.sqrt(shape) * z + (z * z - 1.0) / 3.0)


def test_quantiles_at_small_shapes():
    """mpmath: far below 1, P(a, x) = x^a / Γ(a + 1) (1 − a x + …), so x = (u Γ(a + 1))^(1/a)."""
    model = kl.Gamma(shape=1e-3, rate=1.0)
    levels = np.array([0.5, 0.6, 0.9])
    with mp.workdps(40):
        x = [(mp.mpf(u) * mp.gamma(mp.mpf(1e-3) + 1)) ** (1 / mp.mpf(1e-3)) for u in levels]
    # an error of 1e-16 in the logarithm of P is one of 1e-13 in that of x
    np.testing.assert_allclose(model.quantile(levels), np.array(x, float), rtol=1e-12)
    # of those below the range of doubles, the smallest one: P is 0.49 there
    assert model.quantile([1e-300, 1e-5, 0.4]).tolist() == [_LEAST] * 3
    assert model.cdf(_LEAST) > 0.4


@pytest.mark.parametrize("shape", [0.5, 3.0, 200.0])
def test_quantiles_against_scipy(shape):
    levels = np.array([1e-10, 0.01, 0.3, 0.5, 0.8, 1 - 1e-6])
    pairs = [
        (kl.Gamma(shape=shape, rate=1.0), stats.gamma(shape)),
        (kl.InverseGamma(shape=shape, scale=1.0), stats.invgamma(shape)),
        (kl.Beta(alpha=shape + 2.5, beta=2.0), stats.beta(shape + 2.5, 2.0)),
        (kl.StudentT(df=shape, loc=0.0, scale=1.0), stats.t(shape)),
    ]
    for model, other in pairs:  # SciPy's own error is below 1e-10 for these
        np.testing.assert_allclose(
            model.quantile(levels), other.ppf(levels), rtol=1e-10, atol=1e-15, err_msg=repr(model)
        )
    counts = [
        (kl.Poisson(rate=shape), stats.poisson(shape)),
        (kl.NegativeBinomial(size=shape, probability=0.3), stats.nbinom(shape, 0.3)),
        (kl.Binomial(trials=200, probability=0.3), stats.binom(200, 0.3)),
    ]
    for model, other in counts:
        assert model.quantile(levels).tolist() == other.ppf(levels).tolist()
