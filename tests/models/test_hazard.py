"""Hazards and cumulative hazards, of families, of models made of models, and of counts."""

import mpmath as mp
import numpy as np
import pytest
from scipy import stats

import kullback as kl

X = np.array([0.05, 0.7, 2.0, 9.0])


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (kl.Weibull(shape=1.5, scale=2.0), stats.weibull_min(1.5, scale=2.0)),
        (kl.Gamma(shape=2.5, rate=0.5), stats.gamma(2.5, scale=2.0)),
        (kl.Normal(loc=1.0, scale=2.0), stats.norm(1.0, 2.0)),
        (kl.StudentT(df=3.0, loc=0.0, scale=1.0), stats.t(3.0)),
        (kl.Uniform(lower=0.0, upper=10.0), stats.uniform(0.0, 10.0)),
        (kl.Shifted(kl.Weibull(shape=0.8, scale=2.0), loc=-1.0), stats.weibull_min(0.8, -1.0, 2.0)),
        (
            kl.Truncated(kl.Normal(loc=0.0, scale=4.0), lower=0.0, upper=10.0),
            stats.truncnorm(0.0, 2.5, scale=4.0),
        ),
    ],
    ids=lambda model: getattr(model, "name", ""),
)
def test_continuous_against_scipy(model, expected):
    # 1e-11: SciPy's own tails
    np.testing.assert_allclose(model.hazard(X), expected.pdf(X) / expected.sf(X), rtol=1e-11)
    np.testing.assert_allclose(model.cumulative_hazard(X), -expected.logsf(X), rtol=1e-11)


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (kl.Poisson(rate=3.0), stats.poisson(3.0)),
        (kl.NegativeBinomial(size=2.0, probability=0.3), stats.nbinom(2.0, 0.3)),
        (kl.Zipf(exponent=2.5), stats.zipf(2.5)),
    ],
    ids=lambda model: getattr(model, "name", ""),
)
def test_counts_against_scipy(model, expected):
    """P(X = x)/P(X ≥ x), 0 between whole numbers; and −log P(X > x)."""
    k = np.array([1.0, 2.0, 5.0, 12.0])
    np.testing.assert_allclose(model.hazard(k), expected.pmf(k) / expected.sf(k - 1), rtol=1e-11)
    np.testing.assert_allclose(model.cumulative_hazard(k), -expected.logsf(k), rtol=1e-11)
    assert model.hazard(2.5) == 0.0
    assert model.cumulative_hazard(2.5) == model.cumulative_hazard(2.0)


def test_mixtures_and_counts_with_zeros():
    normals = kl.Mixture(
        [kl.Normal(loc=0.0, scale=1.0), kl.Normal(loc=3.0, scale=0.5)], weights=[0.3, 0.7]
    )
    a, b = stats.norm(), stats.norm(3.0, 0.5)
    survival = 0.3 * a.sf(X) + 0.7 * b.sf(X)
    density = 0.3 * a.pdf(X) + 0.7 * b.pdf(X)
    np.testing.assert_allclose(normals.hazard(X), density / survival, rtol=1e-11)
    np.testing.assert_allclose(normals.cumulative_hazard(X), -np.log(survival), rtol=1e-11)
    k, base = np.array([0.0, 1.0, 4.0]), stats.poisson(2.0)
    mass = 0.75 * base.pmf(k) + 0.25 * (k == 0.0)
    at_least = np.where(k == 0.0, 1.0, 0.75 * base.sf(k - 1))
    inflated = kl.ZeroInflated(kl.Poisson(rate=2.0), zero_probability=0.25)
    np.testing.assert_allclose(inflated.hazard(k), mass / at_least, rtol=1e-12)
    hurdle = kl.Hurdle(kl.Geometric(probability=0.5), zero_probability=0.2)
    np.testing.assert_allclose(hurdle.hazard(k), [0.2, 0.5, 0.5], rtol=1e-13)


def test_far_tails_against_mpmath():
    """Density and survival function are 0 as doubles from 38 standard deviations on."""
    normal = kl.Normal(loc=0.0, scale=1.0)
    x = np.array([-30.0, 10.0, 40.0, 1000.0])
    with mp.workdps(250):
        tails = [mp.erfc(mp.mpf(v) / mp.sqrt(2)) / 2 for v in x.tolist()]
        hazard = [mp.npdf(mp.mpf(v)) / tail for v, tail in zip(x.tolist(), tails, strict=True)]
        cumulative = [-mp.log(tail) for tail in tails]
    # the logarithms' rounding: at 1000 they are −500,000
    np.testing.assert_allclose(normal.hazard(x), np.array(hazard, float), rtol=3e-10)
    np.testing.assert_allclose(normal.hazard(x[:2]), np.array(hazard[:2], float), rtol=1e-13)
    np.testing.assert_allclose(normal.cumulative_hazard(x), np.array(cumulative, float), rtol=1e-13)


def test_ends_of_the_support():
    uniform = kl.Uniform(lower=0.0, upper=2.0)
    np.testing.assert_array_equal(uniform.hazard([-1.0, 2.0, 3.0]), [0.0, np.inf, np.nan])
    np.testing.assert_array_equal(
        uniform.cumulative_hazard([-1.0, 2.0, 3.0]), [0.0, np.inf, np.inf]
    )


def test_of_a_fit_with_censored_rows():
    """The exponential's rate is the hazard: events over time at risk."""
    fit = kl.fit(kl.Exponential(), [1.0, 2.0, 3.0], event=[1, 0, 1])
    assert fit.model.hazard(1.5) == pytest.approx(2.0 / 6.0, rel=1e-14)
    np.testing.assert_allclose(fit.model.cumulative_hazard([3.0, 6.0]), [1.0, 2.0], rtol=1e-14)
