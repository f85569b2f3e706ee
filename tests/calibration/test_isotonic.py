"""Isotonic recalibration against scikit-learn's, with the half rows given to it."""

import numpy as np
from scipy.special import log_softmax
from sklearn.isotonic import IsotonicRegression

from kullback.calibration.isotonic import fit_isotonic


def test_against_scikit_learn():
    rng = np.random.default_rng(0)
    logs = log_softmax(2.0 * rng.normal(size=(400, 3)), axis=1)
    codes = (np.exp(logs / 2).cumsum(axis=1) > rng.random((400, 1))).argmax(axis=1)
    weight = rng.integers(1, 4, 400).astype(float)
    half = 0.5 * (weight @ weight) / weight.sum()
    found = fit_isotonic(logs, codes, weight)
    mapped = np.empty((400, 3))
    for k in range(3):
        q = np.exp(logs[:, k])
        outside = IsotonicRegression(out_of_bounds="clip").fit(
            np.concatenate([[-1.0], q, [2.0]]),
            np.concatenate([[1.0], codes == k, [0.0]]),
            np.concatenate([[half], weight, [half]]),
        )
        mapped[:, k] = outside.predict(q)
    mapped /= mapped.sum(axis=1, keepdims=True)
    # scikit-learn's thresholds and ours are the same means, summed in another order
    np.testing.assert_allclose(found.apply(logs), np.log(mapped), atol=1e-9)


def test_no_probability_of_zero():
    logs = np.array([[0.0, -np.inf], [-0.1, -2.35], [-2.35, -0.1], [-np.inf, 0.0]])
    found = fit_isotonic(logs, np.array([0, 0, 1, 1]))
    # two rows in the end block, none true, with half a row that was: (0 + ½)/(2 + ½)
    np.testing.assert_allclose(np.exp(found.apply(logs))[:, 1], [0.2, 0.2, 0.8, 0.8], rtol=1e-12)
