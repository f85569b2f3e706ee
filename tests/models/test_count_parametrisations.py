"""Parametrisations by dispersion, against SciPy and the likelihoods of statsmodels 0.14."""

import numpy as np
import pytest
import scipy.stats

import kullback as kl
from kullback.models.linear import Linear

X = np.tile(np.arange(12.0), 5) / 4
Y = """
1 0 2 1 3 2 0 4 3 7 2 9 0 1 1 3 0 4 6 1 8 5 12 3 2 2 0 1 5 1 3 9 2 11 4 20
0 0 1 2 2 6 1 3 14 6 0 17 1 1 3 0 2 3 8 4 5 2 10 6"""
Y = np.array(Y.split(), dtype=float)

# NegativeBinomialP(y, [1, x], p=power).loglike([0.1, 0.75, 0.4]), and of GeneralizedPoisson
LIKELIHOODS = [
    (kl.NegativeBinomial, 1.0, -135.14569363436496),
    (kl.NegativeBinomial, 1.5, -131.20497666981106),
    (kl.NegativeBinomial, 2.0, -129.95049911078104),
    (kl.GeneralizedPoisson, 1.0, -132.61618728156105),
    (kl.GeneralizedPoisson, 1.5, -131.94096706121044),
    (kl.GeneralizedPoisson, 2.0, -139.61186409884354),
]


@pytest.mark.parametrize(("family", "power", "expected"), LIKELIHOODS)
def test_power_is_that_of_statsmodels(family, power, expected):
    means = np.exp(0.1 + 0.75 * X)
    models = [family(mean=m, dispersion=0.4, power=power) for m in means]
    total = sum(float(model.log_density(y)) for model, y in zip(models, Y, strict=True))
    assert total == pytest.approx(expected, rel=1e-13)


# the maxima of statsmodels' Newton method at tol=1e-14
MAXIMA = [
    (
        kl.NegativeBinomial,
        1.0,
        (0.08824360214680887, 0.7734552529816304, 1.136090852287243, -132.49711120275518),
    ),
    (
        kl.NegativeBinomial,
        2.0,
        (-0.1363268303352769, 0.892696211998963, 0.2782181939565845, -128.85662759162983),
    ),
    (
        kl.GeneralizedPoisson,
        1.5,
        (-0.05952702, 0.84846015, 0.24003620746187043, -130.21605642749557),
    ),
]


@pytest.mark.parametrize(("family", "power", "expected"), MAXIMA)
def test_fit_with_a_power(family, power, expected):
    model = family(mean=Linear(("x",)), dispersion=kl.Param(), power=power)
    fit = kl.fit(model, {"x": X, "y": Y}, "y")
    assert fit.convergence.converged
    assert fit.params["dispersion"] == pytest.approx(expected[2], rel=1e-9)
    assert fit.log_likelihood == pytest.approx(expected[3], rel=1e-13)


@pytest.mark.parametrize("family", [kl.NegativeBinomial, kl.GeneralizedPoisson])
def test_free_power_is_no_worse_than_any_fixed_one(family):
    def fitted(power):
        model = family(mean=Linear(("x",)), dispersion=kl.Param(), power=power)
        return kl.fit(model, {"x": X, "y": Y}, "y")

    free = fitted(kl.Param())
    assert free.convergence.converged
    power = free.params["power"]
    # the profile over the power is a parabola at its maximum, of curvature 1/stderr²
    beside = [fitted(power + step * free.stderr["power"]).log_likelihood for step in (-0.01, 0.01)]
    drop = free.log_likelihood - np.array(beside)
    np.testing.assert_allclose(drop, 0.5e-4, rtol=0.02)  # up to its third derivative


def test_negative_binomial_by_dispersion():
    x = np.arange(8.0)
    for model, size in [
        (kl.NegativeBinomial(mean=3.0, dispersion=0.5), 6.0),
        (kl.NegativeBinomial(mean=3.0, overdispersion=0.5), 2.0),
        (kl.NegativeBinomial(mean=3.0, dispersion=0.5, power=1.5), 3.0**0.5 / 0.5),
    ]:
        expected = scipy.stats.nbinom(size, size / (size + 3.0))
        np.testing.assert_allclose(model.log_density(x), expected.logpmf(x), rtol=1e-12)
        assert model.variance() == pytest.approx(3.0 + 9.0 / size, rel=1e-14)
        assert model.in_default().params["size"] == pytest.approx(size, rel=1e-14)


def test_continuous_families_by_dispersion():
    x = np.array([0.3, 1.0, 4.0])
    gamma = kl.Gamma(mean=2.0, dispersion=0.25)
    expected = scipy.stats.gamma(4.0, scale=0.5)
    np.testing.assert_allclose(gamma.log_density(x), expected.logpdf(x), rtol=1e-13)
    inverse = kl.InverseGaussian(mean=2.0, dispersion=0.25)
    expected = scipy.stats.invgauss(2.0 / 4.0, scale=4.0)
    np.testing.assert_allclose(inverse.log_density(x), expected.logpdf(x), rtol=1e-12)
    assert inverse.variance() == pytest.approx(0.25 * 8.0, rel=1e-14)


@pytest.mark.parametrize("scale", [1.0, 1e250, 1e-250])
def test_fits_by_dispersion_are_those_by_shape(scale):
    rows = scale * scipy.stats.gamma(3.0).rvs(60, random_state=1)
    for family in (kl.Gamma, kl.InverseGaussian):
        one = kl.fit(family(mean=kl.Param(), shape=kl.Param()), rows)
        other = kl.fit(family(mean=kl.Param(), dispersion=kl.Param()), rows)
        assert other.convergence.converged
        assert other.params["mean"] == pytest.approx(one.params["mean"], rel=1e-12)
        assert other.params["dispersion"] == pytest.approx(1.0 / one.params["shape"], rel=1e-12)
        assert other.log_likelihood == pytest.approx(one.log_likelihood, rel=1e-13)
