"""Moments, samples and other parametrisations of positive outcomes, against SciPy and mpmath."""

import math

import mpmath as mp
import numpy as np
import pytest
import scipy.stats

from kullback.models.positive.exponential import Exponential
from kullback.models.positive.gamma import Gamma
from kullback.models.positive.gompertz import Gompertz
from kullback.models.positive.half_normal import HalfNormal
from kullback.models.positive.inverse_gamma import InverseGamma
from kullback.models.positive.inverse_gaussian import InverseGaussian
from kullback.models.positive.log_normal import LogNormal
from kullback.models.positive.rayleigh import Rayleigh
from kullback.models.positive.weibull import Weibull


@pytest.fixture(autouse=True)
def _digits():
    with mp.workdps(60):
        yield


PARAMETERS = {
    Exponential: [{"rate": r} for r in (0.5, 3.0)],
    Gamma: [{"shape": a, "rate": r} for a, r in [(2.5, 0.7), (0.4, 3.0)]],
    InverseGamma: [{"shape": a, "scale": s} for a, s in [(2.5, 0.7), (7.0, 3.0)]],
    Weibull: [{"shape": k, "scale": s} for k, s in [(2.5, 0.7), (0.6, 3.0)]],
    LogNormal: [{"loc": m, "scale": s} for m, s in [(0.3, 0.7), (-2.0, 0.4)]],
    InverseGaussian: [{"mean": m, "shape": s} for m, s in [(2.5, 0.7), (0.4, 3.0)]],
    Rayleigh: [{"scale": s} for s in (0.7, 3.0)],
    HalfNormal: [{"scale": s} for s in (0.7, 3.0)],
    Gompertz: [{"shape": a, "rate": r} for a, r in [(0.7, 0.2), (0.03, 1.5)]],
}
FAMILIES = list(PARAMETERS)
SCIPY = {
    Exponential: lambda rate: scipy.stats.expon(scale=1 / rate),
    Gamma: lambda shape, rate: scipy.stats.gamma(shape, scale=1 / rate),
    InverseGamma: lambda shape, scale: scipy.stats.invgamma(shape, scale=scale),
    Weibull: lambda shape, scale: scipy.stats.weibull_min(shape, scale=scale),
    LogNormal: lambda loc, scale: scipy.stats.lognorm(scale, scale=np.exp(loc)),
    InverseGaussian: lambda mean, shape: scipy.stats.invgauss(mean / shape, scale=shape),
    Rayleigh: lambda scale: scipy.stats.rayleigh(scale=scale),
    HalfNormal: lambda scale: scipy.stats.halfnorm(scale=scale),
    Gompertz: lambda shape, rate: scipy.stats.gompertz(rate / shape, scale=1 / shape),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_moments_and_samples(family):
    """Moments are SciPy's (its quadrature's 1e-8 where it integrates); samples have them."""
    for parameters in PARAMETERS[family]:
        model, other = family(**parameters), SCIPY[family](**parameters)
        assert model.mean() == pytest.approx(other.mean(), rel=1e-8)
        assert model.variance() == pytest.approx(other.var(), rel=1e-7)
        assert model.entropy() == pytest.approx(float(other.entropy()), rel=1e-7, abs=1e-7)
        x = model.sample(40_000, seed=3)
        assert x.mean() == pytest.approx(model.mean(), abs=5 * math.sqrt(model.variance()) / 200)
        # five standard errors of a share of 1/4
        quarter = np.mean(x < other.ppf(0.25))
        assert quarter == pytest.approx(0.25, abs=5 * math.sqrt(0.1875) / 200)


def test_moments_that_are_infinite():
    assert InverseGamma(shape=1.0, scale=2.0).mean() == math.inf
    assert InverseGamma(shape=2.0, scale=2.0).variance() == math.inf
    assert InverseGamma(shape=1.5, scale=2.0).mean() == 4.0


def test_moments_at_extreme_parameters():
    """Against mpmath at 60 digits: where large terms cancel in the textbooks' formulas."""
    for shape in (0.02, 0.5, 16.0, 1e4, 1e8):
        k = mp.mpf(shape)
        variance = mp.gamma(1 + 2 / k) - mp.gamma(1 + 1 / k) ** 2
        assert Weibull(shape=shape, scale=1.0).variance() == pytest.approx(
            float(variance), rel=1e-12
        )
    for shape in (1e-6, 0.3, 50.0, 1e8):
        a = mp.mpf(shape)
        common = a + mp.loggamma(a)
        gamma = common + (1 - a) * mp.digamma(a)
        assert Gamma(shape=shape, rate=1.0).entropy() == pytest.approx(float(gamma), rel=1e-12)
        inverse = common - (1 + a) * mp.digamma(a)
        assert InverseGamma(shape=shape, scale=1.0).entropy() == pytest.approx(
            float(inverse), rel=1e-12
        )
    for shape in (1e-7, 1e-2, 3.0, 1e8):
        z = 2 * mp.mpf(shape)
        entropy = mp.log(2 * mp.pi * mp.e / mp.mpf(shape)) / 2 - 1.5 * mp.exp(z) * mp.e1(z)
        assert InverseGaussian(mean=1.0, shape=shape).entropy() == pytest.approx(
            float(entropy), rel=1e-12
        )
    for rate in (1e-8, 1e-2, 3.0, 1e8):
        mean = mp.exp(mp.mpf(rate)) * mp.e1(mp.mpf(rate))
        assert Gompertz(shape=1.0, rate=rate).mean() == pytest.approx(float(mean), rel=1e-12)


@pytest.mark.parametrize(
    ("family", "alternative", "default"),
    [
        (Exponential, {"scale": 4.0}, {"rate": 0.25}),
        (Gamma, {"shape": 3.0, "scale": 4.0}, {"shape": 3.0, "rate": 0.25}),
        (Gamma, {"mean": 12.0, "shape": 3.0}, {"shape": 3.0, "rate": 0.25}),
        (LogNormal, {"median": 3.0, "scale": 0.5}, {"loc": math.log(3.0), "scale": 0.5}),
        (LogNormal, {"mean": 3.0, "scale": 0.5}, {"loc": math.log(3.0) - 0.125, "scale": 0.5}),
    ],
)
def test_alternative_parameters(family, alternative, default):
    """Other names, the same density; and back again."""
    other, model = family(**alternative), family(**default)
    x = np.array([0.1, 1.0, 5.0, 40.0])
    np.testing.assert_allclose(other.log_density(x), model.log_density(x), rtol=1e-13)
    assert other.mean() == pytest.approx(model.mean(), rel=1e-14)
    assert dict(other.from_default(default)) == pytest.approx(alternative, rel=1e-14)
