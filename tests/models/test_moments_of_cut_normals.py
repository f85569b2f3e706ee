"""Mean and variance of normal distributions that are cut at one end, against mpmath."""

import mpmath as mp
import numpy as np
import pytest

import kullback as kl

CUTS = [-40.0, -8.0, -0.5, 0.0, 0.3, 2.0, 11.0, 12.5, 20.0, 100.0, 1e4]


def reference(z):
    """Mean and variance of the standard normal distribution above z, less z, by its hazard h."""
    with mp.workdps(60):
        h = mp.npdf(z) / (mp.erfc(z / mp.sqrt(2)) / 2)
        return float(h - z), float(1 - h * (h - z))


@pytest.mark.parametrize("side", ["lower", "upper"])
def test_moments_of_rows_of_cut_normal_regressions(side):
    sign = 1.0 if side == "lower" else -1.0
    rows = {"m": -sign * 3.0 * np.array(CUTS)}
    model = kl.Truncated(kl.Normal(loc="m", scale=3.0), **{side: 0.0})
    fit = kl.fit(model, {**rows, "y": sign * np.ones(len(CUTS))}, "y")
    expected = np.array([reference(mp.mpf(z)) for z in CUTS])
    laws = fit.at(rows)
    # at z = 11, M(z) has e^(z²/2) to 60 ε, −M' = 1 − z M is the hundredth part of its terms, and a
    # variance the hundredth part of terms with that
    np.testing.assert_allclose(sign * laws.mean(), 3.0 * expected[:, 0], rtol=1e-12)
    np.testing.assert_allclose(laws.variance(), 9.0 * expected[:, 1], rtol=1e-10)
