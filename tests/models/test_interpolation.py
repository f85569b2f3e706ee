"""Interpolated functions of one number, against the functions, and moments that use them."""

import numpy as np
import scipy.integrate
import scipy.stats

import kullback as kl
from kullback.models.interpolation import interpolated


def test_smooth_functions_are_interpolated_to_rounding_and_others_not_at_all():
    x = np.random.default_rng(1).uniform(-2.0, 3.0, 600)
    found = interpolated(lambda v: [np.exp(v), np.sin(9.0 * v)], x)
    np.testing.assert_allclose(found, [np.exp(x), np.sin(9.0 * x)], rtol=1e-12, atol=1e-12)
    assert interpolated(lambda v: [np.abs(v)], x) is None  # it has a kink
    assert interpolated(lambda v: [v], x[:9]) is None  # so few are computed one by one


def test_means_of_cut_gamma_regressions_are_those_of_scipy():
    mean = np.exp(np.random.default_rng(2).uniform(-1.0, 2.0, 600))
    rows = {"m": mean, "y": np.full(600, 2.0)}
    model = kl.Truncated(kl.Gamma(mean="m", shape=2.5), lower=0.5, upper=8.0)
    laws = kl.fit(model, rows, "y").at(rows)
    found, variances = laws.mean()[:4], laws.variance()[:4]
    for m, own, variance in zip(mean[:4], found, variances, strict=True):
        gamma = scipy.stats.gamma(2.5, scale=m / 2.5)
        kept = gamma.cdf(8.0) - gamma.cdf(0.5)
        first, second = (
            scipy.integrate.quad(
                lambda t, k, law: t**k * law.pdf(t), 0.5, 8.0, (k, gamma), epsabs=1e-13
            )[0]
            for k in (1, 2)
        )
        np.testing.assert_allclose(own, first / kept, rtol=1e-11)
        np.testing.assert_allclose(variance, second / kept - (first / kept) ** 2, rtol=1e-10)
