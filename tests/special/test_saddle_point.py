"""The Poisson and binomial kernels with huge parameters, against mpmath at 60 digits."""

import jax.numpy as jnp
import mpmath as mp
import numpy as np

from kullback.special.saddle_point import log_binomial_kernel, log_poisson_kernel

_RNG = np.random.default_rng(1)


def _poisson(x, m):
    return x * mp.log(m) - m - mp.loggamma(x + 1)


def _binomial(a, b, x):
    coefficient = mp.loggamma(a + b + 1) - mp.loggamma(a + 1) - mp.loggamma(b + 1)
    return coefficient + a * mp.log(x) + b * mp.log1p(-x)


def test_poisson_kernel_near_and_far_from_the_mean(worst_error):
    x = 10 ** _RNG.uniform(-2, 12, 300)
    near = x * (1 + _RNG.normal(size=300) * np.minimum(3 / np.sqrt(x), 0.3))
    far = 10 ** _RNG.uniform(-8, 12, 300)
    # 300 terms of size up to 1e12 that leave about −14: the sum itself would keep 3 digits.
    assert worst_error(log_poisson_kernel, _poisson, x, np.abs(near)) < 1e-12
    assert worst_error(log_poisson_kernel, _poisson, x, far) < 1e-13


def test_poisson_kernel_derivatives(worst_error, derivative):
    x = 10 ** _RNG.uniform(0, 12, 60)
    m = x * (1 + _RNG.normal(size=60) / np.sqrt(x + 10))
    m = np.abs(m)
    slope = derivative(log_poisson_kernel, 0)
    assert worst_error(slope, lambda a, b: mp.log(b) - mp.digamma(a + 1), x, m) < 1e-12
    assert worst_error(derivative(log_poisson_kernel, 1), lambda a, b: a / b - 1, x, m) < 1e-14
    second = derivative(log_poisson_kernel, 0, 0)
    assert worst_error(second, lambda a, _: -mp.psi(1, a + 1), x, m) < 1e-13
    second = derivative(log_poisson_kernel, 1, 1)
    assert worst_error(second, lambda a, b: -a / b**2, x, m) < 1e-14


def test_poisson_kernel_at_zero(derivative):
    zero, rate = jnp.array(0.0), jnp.array(3.0)
    assert log_poisson_kernel(zero, rate) == -3.0
    assert derivative(log_poisson_kernel, 1)(zero, rate) == -1.0
    assert derivative(log_poisson_kernel, 1, 1)(zero, rate) == 0.0


def test_binomial_kernel(worst_error):
    a, b = 10 ** _RNG.uniform(-2, 6, (2, 300))
    mean = a / (a + b)
    # Multiples of 2^-40, so that x and 1 - x are both exact.
    x = np.round(np.where(np.arange(300) < 150, mean, _RNG.uniform(0, 1, 300)) * 2**40) / 2**40
    x = np.clip(x, 2.0**-40, 1 - 2.0**-40)
    # b·x − a·y is rounded once at the size of n x y: n 1e-16 z/√(n x y) of the result at worst.
    assert (
        worst_error(lambda a, b, x: log_binomial_kernel(a, b, x, 1 - x), _binomial, a, b, x) < 1e-12
    )


def test_binomial_kernel_edges():
    assert np.isclose(log_binomial_kernel(0.0, 5.0, 0.3, 0.7), 5 * np.log(0.7), rtol=1e-15)
    assert np.isclose(log_binomial_kernel(5.0, 0.0, 0.3, 0.7), 5 * np.log(0.3), rtol=1e-15)
    assert log_binomial_kernel(0.0, 0.0, 0.3, 0.7) == 0.0
    assert log_binomial_kernel(0.0, 5.0, 0.0, 1.0) == 0.0
    assert log_binomial_kernel(2.0, 5.0, 0.0, 1.0) == -jnp.inf
