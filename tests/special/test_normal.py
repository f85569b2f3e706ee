"""ln Φ, its inverse, Mills' ratio and the inverse Gaussian, against mpmath."""

import jax.numpy as jnp
import mpmath as mp
import numpy as np

from kullback.special.inverse_gaussian import (
    log_inverse_gaussian_cdf,
    log_inverse_gaussian_survival,
)
from kullback.special.normal import log_ndtr, mills_ratio, mills_slope, ndtri_exp

_RNG = np.random.default_rng(3)


def _mills(z):
    # exp(-z²/2) cancels: the 60 digits are of the quotient.
    return mp.sqrt(mp.pi / 2) * mp.exp(z * z / 2) * mp.erfc(z / mp.sqrt(2))


def _log_ndtr(x):
    return mp.log1p(-mp.erfc(x / mp.sqrt(2)) / 2) if x > 0 else mp.log(mp.erfc(-x / mp.sqrt(2)) / 2)


def test_log_ndtr_in_both_tails(worst_error, derivative):
    x = np.r_[_RNG.uniform(-45, 37, 100), -(10 ** _RNG.uniform(-3, 3, 40)), 26.6, -37.67, 0.0]
    # Above zero ln Φ is minus the upper tail, whose exponent x²/2 <= 690 is rounded: 1e-13.
    assert worst_error(log_ndtr, _log_ndtr, x) < 2e-13

    def slope(x):
        return 1 / _mills(-x)

    assert worst_error(derivative(log_ndtr, 0), slope, x) < 2e-13
    second = derivative(log_ndtr, 0, 0)
    with mp.workdps(80):
        assert worst_error(second, lambda x: -slope(x) * (x + slope(x)), x) < 5e-13
    far = jnp.array([-1e8, -1e150, 1e8])
    assert np.asarray(second(far)).tolist() == [-1.0, -1.0, 0.0]


def test_mills_ratio_and_its_slope(worst_error, derivative):
    z = np.r_[_RNG.uniform(-3, 45, 60), 26.6, 37.67, 11.99, 12.01]
    assert worst_error(mills_ratio, _mills, z) < 2e-15
    # 1 − z M(z) loses z² below 12, (1 + z²) M(z) − z loses z⁴ = 2e4.
    assert worst_error(mills_slope, lambda v: 1 - v * _mills(v), z) < 1e-12
    curvature = derivative(mills_ratio, 0, 0)
    assert worst_error(curvature, lambda v: (1 + v * v) * _mills(v) - v, z) < 2e-11


def test_ndtri_exp_inverts(worst_error):
    x = np.r_[_RNG.uniform(-37, 37, 60), -(10 ** _RNG.uniform(0, 3, 30)), 1e-3, -1e-3]
    log_p = np.array([float(_log_ndtr(mp.mpf(v))) for v in x])

    def inverse(target):
        start = float(np.interp(float(target), np.sort(log_p), np.sort(x)))
        root = mp.mpf(start)
        for _ in range(4):  # Newton in 60 digits from the answer rounded to double
            root -= (_log_ndtr(root) - target) * _mills(-root)
        return root

    # Near zero only the absolute error is small: 1e-16 / |x| with |x| >= 1e-3.
    assert worst_error(ndtri_exp, inverse, log_p) < 1e-12
    edges = ndtri_exp(jnp.array([0.0, -jnp.inf, 1.0]))
    assert edges[0] == jnp.inf
    assert edges[1] == -jnp.inf
    assert jnp.isnan(edges[2])


def test_inverse_gaussian_in_both_tails(worst_error, derivative):
    mean = 10 ** _RNG.uniform(-2, 2, 80)
    shape = mean * 10 ** _RNG.uniform(-5, 2, 80)
    ratio = 10 ** _RNG.uniform(-1.5, 1.5, 80)
    mild = shape / mean * (ratio + 1 / ratio) < 1000  # so that 700 digits hold the reference
    columns = mean[mild], shape[mild], (mean * ratio)[mild]

    def both(m, s, x):
        a, b = (mp.sqrt(s / x) * (x / m + sign) for sign in (-1, 1))

        def upper(z):
            return mp.erfc(z / mp.sqrt(2)) / 2

        extra = mp.exp(2 * s / m) * upper(b)
        return mp.log(upper(-a) + extra), mp.log(upper(a) - extra)

    with mp.workdps(700):
        assert worst_error(log_inverse_gaussian_cdf, lambda *z: both(*z)[0], *columns) < 1e-12
        assert worst_error(log_inverse_gaussian_survival, lambda *z: both(*z)[1], *columns) < 1e-12
    second = derivative(log_inverse_gaussian_survival, 0, 1)
    assert np.isfinite(np.asarray(second(*map(jnp.asarray, columns)))).all()
