"""Narrow distributions and estimates near the last digit of a double, against mpmath and theory."""

import math

import mpmath as mp
import numpy as np
import pytest

import kullback as kl


@pytest.mark.parametrize("kind", [kl.Gamma, kl.InverseGamma])
@pytest.mark.parametrize("deviation", [1e-4, 1e-7])
def test_narrow_gamma_and_inverse_gamma(kind, deviation):
    """The shape solves ln a − ψ(a) = ln mean(y) − mean(ln y), y = x or 1/x: mpmath at 50 digits."""
    x = 1.0 + deviation * np.random.default_rng(1).standard_normal(200)
    fit = kl.fit(kind(), x)
    with mp.workdps(50):
        y = [mp.mpf(v) if kind is kl.Gamma else 1 / mp.mpf(v) for v in x.tolist()]
        excess = mp.log(mp.fsum(y) / len(y)) - mp.fsum([mp.log(v) for v in y]) / len(y)
        shape = mp.findroot(lambda a: mp.log(a) - mp.psi(0, a) - excess, 1 / (2 * excess))
    # the excess, 5e-15 at the narrowest, is a difference of numbers of 1e-8 with errors of 1e-24
    assert fit.params["shape"] == pytest.approx(float(shape), rel=1e-8)
    if deviation == 1e-7:  # the Hessian's least eigenvalue, 1/(4 shape), is lost in rounding
        assert fit.convergence.reason.endswith("is lost in rounding")
        assert "the estimates hold" in " ".join(fit.convergence.advice)
    else:
        error = shape * math.sqrt(2.0 / x.size)  # for a large shape
        assert fit.stderr["shape"] == pytest.approx(float(error), rel=1e-6)


def test_an_extreme_value_distribution_of_few_heavy_tailed_rows():
    x = np.array([1.0, 2.0, 4.0])
    fit = kl.fit(kl.GeneralizedExtremeValue(), x)
    assert not fit.convergence.converged
    assert fit.convergence.reason == (
        "no maximum: the likelihood is unbounded as shape diverges to infinity"
    )
    # along lower end = 1 − δ, shape = −log δ, scale = shape the likelihood grows like 1/δ
    values = []
    for delta in (1e-6, 1e-9, 1e-12):
        shape = -math.log(delta)
        model = kl.GeneralizedExtremeValue(loc=2.0 - delta, scale=shape, shape=shape)
        values.append(float(np.sum(model.log_density(x))))
    assert fit.log_likelihood < values[0] < values[1] < values[2]
    # three more digits of δ are a factor of 1000, less that of |log δ|³
    expected = math.log(1e3) - 3.0 * math.log(12.0 / 9.0)
    assert values[2] - values[1] == pytest.approx(expected, abs=0.2)


def test_an_estimate_nearer_to_one_than_doubles():
    with mp.workdps(50):  # mean = p/(−(1 − p) ln(1 − p)), with 1 − p = e^−v
        v = mp.findroot(lambda v: mp.log(mp.expm1(v) / v) - mp.log(10**15), 38)
        gap = float(mp.exp(-v))
    with pytest.raises(kl.ModelError, match=rf"probability is 1 − {gap:.2g}, nearer to 1"):
        kl.fit(kl.LogSeries(), [10**15])


def test_a_negative_binomial_far_wider_than_its_size():
    fit = kl.fit(kl.NegativeBinomial(), [0, 10**15])
    mean = 0.5e15
    with mp.workdps(50):  # the score of the size, at the mean of the rows

        def score(r):
            return (mp.psi(0, 10**15 + r) - mp.psi(0, r)) / 2 + mp.log(r / (r + mp.mpf(mean)))

        size = float(mp.findroot(score, mp.mpf("0.025")))
    assert fit.convergence.converged
    assert fit.params["mean"] == pytest.approx(mean, rel=1e-12)
    assert fit.params["size"] == pytest.approx(size, rel=1e-8)
    # mean and size are orthogonal: Var(mean) = (m + m²/r)/n
    assert fit.stderr["mean"] == pytest.approx(math.sqrt(mean**2 / size / 2.0), rel=1e-8)
