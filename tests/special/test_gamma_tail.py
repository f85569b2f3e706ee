"""The log tails of the gamma distribution with their derivatives, against mpmath."""

import jax
import mpmath as mp
import numpy as np
import pytest

from kullback._core.arrays import float64
from kullback.special.gamma_tail import log_gamma_jets

# Both sides of the mean and both ends of the range of each method, far into the tails.
_POINTS = [
    (0.01, 1e-9), (0.01, 0.4), (0.01, 25.0), (0.3, 1e-30), (0.3, 0.2), (0.3, 0.99), (0.3, 1.01),
    (0.3, 40.0), (0.999, 0.999), (1.0, 1e-5), (1.0, 1.0), (1.0, 200.0), (1.999, 1.998),
    (1.999, 2.1), (2.0, 1e-6), (2.0, 1.9), (2.0, 2.0), (2.5, 0.4), (2.5, 2.4), (2.5, 30.0),
    (3.4, 3.3), (3.6, 3.5), (7.0, 0.01), (7.0, 6.9), (40.0, 8.0), (40.0, 39.0), (40.0, 41.0),
    (40.0, 150.0), (676.0, 560.0), (676.0, 858.0), (1e4, 9.6e3), (1e4, 1e4), (1e4, 1.05e4),
]  # fmt: skip


def _expected(a, x, upper):
    """The jet by central differences of fourth order: 1e-80 relative, of 200 digits."""
    with mp.workdps(200):
        a, x = mp.mpf(a), mp.mpf(x)
        ends = (x, mp.inf) if upper else (0, x)
        h = a * mp.mpf(10) ** -20
        f = [mp.log(mp.gammainc(a + k * h, *ends, regularized=True)) for k in range(-2, 3)]
        by_a = (8 * (f[3] - f[1]) - (f[4] - f[0])) / (12 * h)
        by_aa = (16 * (f[3] + f[1]) - (f[4] + f[0]) - 30 * f[2]) / (12 * h * h)
        by_x = mp.exp((a - 1) * mp.log(x) - x - mp.loggamma(a) - f[2]) * (-1 if upper else 1)
        by_xa = by_x * (mp.log(x) - mp.digamma(a) - by_a)
        return [float(v) for v in (f[2], by_a, by_aa, by_x, by_xa)]


@pytest.mark.parametrize("upper", [False, True])
def test_values_and_derivatives_against_mpmath(upper):
    a, x = np.array(_POINTS).T
    with float64():
        jet = jax.jit(log_gamma_jets)(x, a, np.log(x))[upper]
    (by_a, by_v), (by_aa, by_va, _) = jet.slopes, jet.curvatures
    found = np.stack([jet.value, by_a, by_aa, by_v / x, by_va / x]).T
    expected = np.array([_expected(*point, upper) for point in _POINTS])
    # 6e-14: a logarithm of −5e-11, say, is the other tail, whose own logarithm, −24, has an error
    # of ten roundings; ∂xa loses the digits that 1/a has before the point
    allowed = np.full(expected.shape, 6e-14)
    allowed[:, 4] += 4e-15 / a
    wrong = np.abs(found - expected) > allowed * np.abs(expected)
    assert not [(_POINTS[i], j, found[i, j], expected[i, j]) for i, j in np.argwhere(wrong)]
