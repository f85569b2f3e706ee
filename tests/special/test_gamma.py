"""The gamma function's logarithm and its differences, against mpmath at 60 digits."""

import mpmath as mp
import numpy as np

from kullback.special.gamma import (
    digamma,
    digamma_difference,
    log_beta,
    log_gamma,
    log_gamma_ratio,
    log_gamma_second_difference,
    trigamma,
    trigamma_difference,
)

_RNG = np.random.default_rng(0)
_A = 10 ** _RNG.uniform(-8, 12, 200)
_B = 10 ** _RNG.uniform(-8, 12, 200)


def test_log_gamma_is_relative_also_at_its_zeros(worst_error):
    steps = 10.0 ** -np.arange(1, 15)
    x = np.r_[1 + steps, 1 - steps, 2 + steps, 2 - steps, 10 ** _RNG.uniform(-300, 300, 100), 9.999]
    # 5e-14 rather than a few 1e-16: XLA's log1p is wrong by 3e-14 between -0.414 and -0.35.
    assert worst_error(log_gamma, mp.loggamma, x) < 2e-13


def test_digamma_and_trigamma(worst_error):
    x = 10 ** _RNG.uniform(-8, 12, 200)
    # ψ has a zero at 1.4616, where only its absolute error is small.
    away = x[np.abs(x - 1.4616) > 0.1]
    assert worst_error(digamma, mp.digamma, away) < 1e-14
    assert worst_error(trigamma, lambda v: mp.psi(1, v), x) < 1e-14


def test_differences_do_not_cancel(worst_error):
    def ratio(a, b):
        return mp.loggamma(a + b) - mp.loggamma(a)

    # ln Γ(a+b) − ln Γ(a) has zeros off b = 0 (a near 1, say), so 1e-12 rather than 1e-15.
    assert worst_error(log_gamma_ratio, ratio, _A, _B) < 1e-12
    digammas = worst_error(
        digamma_difference, lambda a, b: mp.digamma(a + b) - mp.digamma(a), _A, _B
    )
    trigammas = worst_error(
        trigamma_difference, lambda a, b: mp.psi(1, a + b) - mp.psi(1, a), _A, _B
    )
    assert max(digammas, trigammas) < 1e-14


def test_ratio_derivatives(worst_error, derivative):
    for i, j, reference in (
        (0, 0, lambda a, b: mp.psi(1, a + b) - mp.psi(1, a)),
        (0, 1, lambda a, b: mp.psi(1, a + b)),
        (1, 0, lambda a, b: mp.psi(1, a + b)),
        (1, 1, lambda a, b: mp.psi(1, a + b)),
    ):
        second = derivative(log_gamma_ratio, i, j)
        assert worst_error(second, reference, _A[:50], _B[:50]) < 1e-14


def test_log_beta(worst_error, derivative):
    # Unequal arguments cancel ln(a) terms by up to a factor of a few hundred: 1e-12.
    assert worst_error(log_beta, lambda a, b: mp.log(mp.beta(a, b)), _A, _B) < 1e-12
    first = derivative(log_beta, 0)
    assert worst_error(first, lambda a, b: mp.digamma(a) - mp.digamma(a + b), _A, _B) < 1e-14


def test_second_difference(worst_error):
    def exact(z, h):
        return mp.loggamma(z + 2 * h) - 2 * mp.loggamma(z + h) + mp.loggamma(z)

    z, h = [0.3, 0.3, 4.0, 1e8], [1e-5, 2.0, 3.9, 1e-3]
    # 1e-13: where h > z three logarithms of the size of the result are subtracted
    assert worst_error(log_gamma_second_difference, exact, z, h) < 1e-13
