"""Logarithms of quotients, the logistic function and its logarithm, against mpmath at 60 digits."""

import jax.numpy as jnp
import mpmath as mp
import numpy as np

from kullback.special.logistic import log_softplus, logistic, softplus
from kullback.special.numerics import log1p_quotient, log_quotient

_RNG = np.random.default_rng(3)


def _log_quotient(x, m):
    return mp.log(x / m)


def test_log_quotient(worst_error, derivative):
    """Relative precision next to m, where the near form hands over, and beyond the doubles."""
    x = np.array([np.nextafter(3.0, 4), 3.0, 0.3 * 1.2499, 1e300, 1e-300, 1.3e300, 0.5])
    m = np.array([3.0, 3.0, 0.3, 1e-300, 1e300, 1e300, 7.0])
    assert worst_error(log_quotient, _log_quotient, x, m) < 1e-15
    m = 10 ** _RNG.uniform(-250, 250, 300)
    gap = _RNG.choice([-1, 1], 300) * 10 ** _RNG.uniform(-15, -0.3, 300)
    # three roundings of a quotient that differs from one by a quarter: 3e-16 / 0.22
    assert worst_error(log_quotient, _log_quotient, m * (1.0 + gap), m) < 2e-15
    far = 10 ** _RNG.uniform(-250, 250, 300)
    assert worst_error(log_quotient, _log_quotient, far, m) < 1e-15
    for i, j, second in (
        (0, 0, lambda x, _: -1 / x**2),
        (1, 1, lambda _, m: 1 / m**2),
    ):
        x, m = 10 ** _RNG.uniform(-100, 100, (2, 50))
        assert worst_error(derivative(log_quotient, i, j), second, x, m) < 1e-15
    assert derivative(log_quotient, 0, 1)(jnp.array(2.0), jnp.array(3.0)) == 0.0
    assert log_quotient(0.0, 2.0) == -jnp.inf


def test_log1p_quotient(worst_error):
    """Also beyond the doubles' quotients."""
    x, s = np.array([0.0, 1e-20, 2.0, 1e300, 1.0]), np.array([1.0, 3.0, 0.3, 1e-300, 1e-299])
    assert worst_error(log1p_quotient, lambda a, b: mp.log1p(a / b), x, s) < 1e-15


def test_logistic_and_softplus(worst_error, derivative):
    """Through zero and far out."""
    z = np.array([-700.0, -40.0, -37.0, -1e-9, 0.0, 3.0, 40.0, 900.0])
    assert worst_error(softplus, lambda v: mp.log1p(mp.exp(v)), z) < 1e-15
    assert worst_error(log_softplus, lambda v: mp.log(mp.log1p(mp.exp(v))), z) < 1e-15
    assert worst_error(logistic, lambda v: 1 / (1 + mp.exp(-v)), z) < 1e-15
    second = derivative(softplus, 0, 0)
    assert worst_error(second, lambda v: 1 / (2 + mp.exp(v) + mp.exp(-v)), z) < 1e-15
