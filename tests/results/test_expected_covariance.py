"""The expected covariance of regressions: the rows' expected information given their columns.

Expected values are the textbook information matrices of generalized linear models (P. McCullagh and
J. A. Nelder 1989, Generalized Linear Models), X'WX, at the estimates.
"""

import numpy as np
import pytest
from scipy import special

import kullback as kl

RNG = np.random.default_rng(0)
N = 120
X = RNG.normal(size=N)
DESIGN = np.column_stack([np.ones(N), X])
W = RNG.integers(1, 4, N).astype(float)
MEANS = np.exp(0.8 + 0.5 * X)
COUNTS = RNG.poisson(MEANS).astype(float)
SIZES = RNG.gamma(3.0, MEANS / 3.0)


def information(weights):
    return (DESIGN * weights[:, None]).T @ DESIGN


@pytest.mark.parametrize("engine", [kl.LocalEngine, kl.StreamingEngine])
def test_weighted_counts(engine):
    """Of a Poisson regression it is Σ w μ x x': the observed one, as the link is canonical."""
    data = {"x": X, "y": COUNTS, "w": W}
    fit = kl.fit(kl.Poisson(rate="~ x"), data, "y", weights="w", engine=engine)
    means = np.exp(DESIGN @ np.array(list(fit.params["rate"].values())))
    expected = np.linalg.inv(information(W * means))
    np.testing.assert_allclose(fit.covariance("expected"), expected, rtol=1e-12)


def test_positive_numbers_with_a_shape():
    """Of a gamma mean with a log link it is shape Σ x x', and n (ψ'(shape) − 1/shape) beside it."""
    fit = kl.fit(kl.Gamma(mean="~ x"), {"x": X, "y": SIZES}, "y")
    shape = fit.params["shape"]
    expected = np.zeros((3, 3))
    expected[:2, :2] = np.linalg.inv(shape * information(np.ones(N)))
    expected[2, 2] = 1.0 / (N * (special.polygamma(1, shape) - 1.0 / shape))
    found = fit.covariance("expected")
    # 1e-9 of the errors: quadrature over the quantiles of each row, which are found by a search
    size = np.sqrt(np.outer(np.diag(expected), np.diag(expected)))
    np.testing.assert_allclose(found / size, expected / size, atol=1e-9)
    # the observed one has other numbers
    assert np.max(np.abs(fit.covariance() / size - expected / size)) > 1e-4


def test_location_and_scale_both_regressed():
    """Σ x x'/σ² of the location, 2 Σ x x' of the logarithm of the scale, and 0 between them."""
    data = {"x": X, "y": DESIGN @ [0.3, 1.0] + np.exp(0.2 * X) * RNG.normal(size=N)}
    fit = kl.fit(kl.Normal(loc="~ x", scale="~ x"), data, "y")
    scale = np.exp(DESIGN @ np.array(list(fit.params["scale"].values())))
    expected = np.zeros((4, 4))
    expected[:2, :2] = np.linalg.inv(information(scale**-2.0))
    expected[2:, 2:] = np.linalg.inv(information(np.full(N, 2.0)))
    size = np.sqrt(np.outer(np.diag(expected), np.diag(expected)))
    np.testing.assert_allclose(fit.covariance("expected") / size, expected / size, atol=1e-10)


def test_classes_and_counts_of_trials():
    y = np.array(["a", "b", "c"])[np.argmax(RNG.gumbel(size=(N, 3)) + np.outer(X, [0, 1, -1]), 1)]
    fit = kl.fit(kl.Categorical(logits="~ x"), {"x": X, "y": y}, "y")
    np.testing.assert_allclose(fit.covariance("expected"), fit.covariance(), rtol=1e-7)
    trials = RNG.integers(2, 9, N).astype(float)
    some = RNG.binomial(trials.astype(int), special.expit(X)).astype(float)
    data = {"x": X, "n": trials, "y": some}
    fit = kl.fit(kl.Binomial(trials="n", probability="~ x"), data, "y")
    p = special.expit(DESIGN @ np.array(list(fit.params["probability"].values())))
    expected = np.linalg.inv(information(trials * p * (1.0 - p)))
    np.testing.assert_allclose(fit.covariance("expected"), expected, rtol=1e-10)


def test_rows_that_it_does_not_hold_for():
    data = {"x": X, "y": SIZES, "e": (SIZES < 3.0).astype(float)}
    censored = kl.fit(kl.Exponential(rate="~ x"), data, "y", event="e")
    with pytest.raises(kl.KullbackError, match="that of exact rows, but"):
        censored.covariance("expected")
    fit = kl.fit(kl.Exponential(rate="~ x"), data, "y", keep_data=False)
    with pytest.raises(kl.KullbackError, match="the expected information given the columns needs"):
        fit.covariance("expected")
