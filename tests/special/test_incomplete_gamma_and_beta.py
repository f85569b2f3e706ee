"""Both tails of the gamma, beta and von Mises distributions, against mpmath (50+ digits)."""

from collections.abc import Callable
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest

from kullback.special.beta import log_beta_i, log_beta_i_complement
from kullback.special.incomplete_gamma import log_gamma_p, log_gamma_q
from kullback.special.von_mises import (
    log_scaled_bessel_i0,
    log_von_mises_cdf,
    log_von_mises_density,
    log_von_mises_survival,
)

_RNG = np.random.default_rng(4)

# (a, x, ln P, ln Q): mpmath's quadrature of the gamma density at 60 digits, on the smaller side, in
# 24 panels over 14 standard deviations, the other side from it.
_LARGE_GAMMA = np.array(
    [
        (150, 150, -0.6716631641608732, -0.7151029128126082),
        (150, 110, -8.684927341602693, -0.00016913002201984236),
        (150, 190, -0.0011815331241849625, -6.741533134420295),
        (1000, 1001, -0.6600771655174552, -0.727348334897787),
        (10000, 9000, -56.83548616875225, -2.073299202433928e-25),
        (10000, 11500, -9.105470643361029e-47, -106.01262396822729),
        (1e06, 1.003e06, -0.0013626686575809064, -6.5989915106665515),
        (1e08, 9.998e07, -3.7834216952685233, -0.023007384281740356),
        (1e10, 1.00001e10, -0.1727537790186566, -1.8410216450346824),
        (1e10, 1e10, -0.6931445209482794, -0.6931498401786848),
        (1e10, 9.9965e09, -617.1180551699432, -9.750658736594019e-269),
        (1e10, 1.00035e10, -1.297685816824891e-268, -616.8322223851744),
    ]
)
# (a, b, x, ln I, ln(1 − I)): the same for the beta density. 1 − x is exact in double.
_LARGE_BETA = np.array(
    [
        (150, 150, 0.5, -0.6931471805599453, -0.6931471805599453),
        (150, 300, 0.375, -0.03263013975096539, -3.4387895921728955),
        (200, 1e06, 0.00025, -0.00047647416279018525, -7.649335286857771),
        (1e06, 200, 0.999755859375, -6.42463441338251, -0.0016224412778595404),
        (10000, 10000, 0.515625, -4.924980906499849e-06, -12.221192622690003),
        (1e10, 1e10, 0.5, -0.6931471805599453, -0.6931471805599453),
        (1e10, 1e10, 0.50001, -0.0023416069116393287, -6.058088445909546),
        (1e08, 10000, 0.9998779296875, -217.022410460864, -5.602278408012981e-95),
    ]
)


def _padded(function: Callable[..., jax.Array]) -> Callable[..., np.ndarray]:
    """Repeat the rows up to 128, so that one compilation (seconds) serves every number of rows."""
    compiled = jax.jit(function)

    def padded(*columns: Any) -> np.ndarray:
        rows = np.broadcast_arrays(*(np.asarray(column, float) for column in columns))
        shape, size = rows[0].shape, rows[0].size
        return np.asarray(compiled(*(np.resize(row, 128) for row in rows)))[:size].reshape(shape)

    return padded


_gamma_p, _gamma_q = _padded(log_gamma_p), _padded(log_gamma_q)
_beta_i, _beta_rest = _padded(log_beta_i), _padded(log_beta_i_complement)
_von_mises_cdf, _von_mises_survival = _padded(log_von_mises_cdf), _padded(log_von_mises_survival)


def _log_complement(log_p):
    return mp.log1p(-mp.exp(log_p)) if log_p < -1 else mp.log(-mp.expm1(log_p))


@cache  # both sides are tested, one after the other
def _log_p_and_q(a, x):
    """Power series of P at 200 digits, so that Q is right down to 1e-140."""
    with mp.workdps(200):
        term = total = 1 / a
        n = 0
        while term > total * mp.mpf(10) ** -200:
            n += 1
            term *= x / (a + n)
            total += term
        log_p = a * mp.log(x) - x - mp.loggamma(a) + mp.log(total)
        return log_p, _log_complement(log_p)


@cache
def _log_i_and_complement(a, b, x):
    """x^a y^b / (a B) ₂F₁(a+b, 1; a+1; x), all terms positive, at 200 digits."""
    with mp.workdps(200):
        term = total = mp.mpf(1)
        n = 0
        while term > total * (1 - x) * mp.mpf(10) ** -200:
            term *= x * (a + b + n) / (a + 1 + n)
            total += term
            n += 1
        log_i = a * mp.log(x) + b * mp.log1p(-x) - mp.log(a) - mp.log(mp.beta(a, b)) + mp.log(total)
        return log_i, _log_complement(log_i)


def _gamma_cases():
    a = 10 ** np.r_[_RNG.uniform(-8, 0, 40), _RNG.uniform(0, 2.5, 60)]
    x = np.where(
        np.arange(100) % 2, 10 ** _RNG.uniform(-6, 2.2, 100), a * _RNG.uniform(0.3, 2, 100)
    )
    return a, np.maximum(x, 1e-9)


def test_gamma_at_all_shapes(worst_error):
    a, x = _gamma_cases()
    for function, side in ((_gamma_p, 0), (_gamma_q, 1)):
        error = worst_error(function, lambda *z, s=side: _log_p_and_q(*z)[s], a, x, compiled=True)
        assert error < 1e-12


def test_gamma_with_large_shapes():
    a, x, log_p, log_q = _LARGE_GAMMA.T
    np.testing.assert_allclose(_gamma_p(a, x), log_p, rtol=1e-12)
    np.testing.assert_allclose(_gamma_q(a, x), log_q, rtol=1e-12)


def test_gamma_at_the_ends():
    a, x = np.array([1e-8, 2.0, 1e10]), np.array([0.0, np.inf])
    assert _gamma_p(a[:, None], x).tolist() == [[-np.inf, 0.0]] * 3
    assert _gamma_q(a[:, None], x).tolist() == [[0.0, -np.inf]] * 3
    # Q(2, x) = (1 + x) e^-x, survival far below the smallest double.
    np.testing.assert_allclose(_gamma_q(2.0, 1e6), np.log1p(1e6) - 1e6, rtol=1e-15)


def _difference(reference, which, step):
    """Central difference of a 200-digit reference; its own error is step² = 1e-30."""

    def quotient(*args):
        shift = [step * abs(v) if i == which else 0 for i, v in enumerate(args)]
        up = reference(*(v + s for v, s in zip(args, shift, strict=True)))
        down = reference(*(v - s for v, s in zip(args, shift, strict=True)))
        return (up - down) / (2 * shift[which])

    return quotient


@pytest.mark.parametrize(
    ("function", "side", "which"),
    [
        (log_gamma_p, 0, (0, 0)),
        (log_gamma_p, 0, (1, 0)),
        (log_gamma_q, 1, (0,)),
        (log_gamma_q, 1, (1, 1)),
    ],
)
def test_gamma_derivatives(worst_error, derivative, function, side, which):
    a, x = (column[10::9] for column in _gamma_cases())

    def reference(*z):
        return _log_p_and_q(*z)[side]

    for i in which:
        reference = _difference(reference, i, mp.mpf(10) ** -15)
    # Second derivatives cancel terms of size 1/a: 1e-16/a is 1e-8 at shape 1e-8.
    assert worst_error(derivative(function, *which), reference, a, x) < 1e-7


def _beta_cases():
    a, b = 10 ** _RNG.uniform(-8, 2, (2, 60))
    # Multiples of 2^-40: 1 − x is exact.
    x = np.round(_RNG.uniform(0.02, 0.98, 60) * 2**40) / 2**40
    keep = (a + b) * np.abs(np.log(np.minimum(x, 1 - x))) < 300  # 200 digits hold both sides
    return a[keep], b[keep], x[keep]


def test_beta_at_all_shapes(worst_error):
    cases = _beta_cases()
    for function, side in ((_beta_i, 0), (_beta_rest, 1)):
        error = worst_error(
            lambda a, b, x, f=function: f(a, b, x, 1 - x),
            lambda *z, s=side: _log_i_and_complement(*z)[s],
            *cases,
            compiled=True,
        )
        assert error < 1e-12


def test_beta_with_large_shapes():
    a, b, x, log_i, log_rest = _LARGE_BETA.T
    # b·x − a·y is rounded at the size of n x y = 5e9, 1e-6, against a standard deviation of 7e4,
    # where the result moves by z = 2 per deviation: 4e-11. Below n = 1e9 it is 1e-12.
    tolerance = np.where(a + b > 1e9, 1e-10, 1e-12)
    for function, expected in ((_beta_i, log_i), (_beta_rest, log_rest)):
        error = np.abs(function(a, b, x, 1 - x) / expected - 1)
        assert (error < tolerance).all()


def test_beta_ends_and_first_derivatives(worst_error, derivative):
    assert _beta_i(2.0, 3.0, 0.0, 1.0) == -np.inf
    assert _beta_rest(2.0, 3.0, 0.0, 1.0) == 0.0
    assert _beta_i(2.0, 3.0, 1.0, 0.0) == 0.0
    # 1 − I_x(2, 3) = y³ (1 + 3x), with y so small that 1 − y is 1.
    np.testing.assert_allclose(
        _beta_rest(2.0, 3.0, 1.0, 1e-90), 3 * np.log(1e-90) + np.log(4), rtol=1e-15
    )
    cases = [column[::6] for column in _beta_cases()]
    for i in (0, 2):
        first = derivative(lambda a, b, x: log_beta_i(a, b, x, 1 - x), i)
        reference = _difference(lambda *z: _log_i_and_complement(*z)[0], i, mp.mpf(10) ** -15)
        assert worst_error(first, reference, *cases) < 1e-10


@pytest.mark.parametrize(
    ("function", "side", "which"),
    [(log_beta_i, 0, (0, 0)), (log_beta_i, 0, (0, 1)), (log_beta_i_complement, 1, (1, 1))],
)
def test_beta_second_derivatives_at_equal_shapes(worst_error, derivative, function, side, which):
    shape, x = np.array([0.25, 2.5, 6.0]), np.array([0.25, 0.375, 0.625])
    second = derivative(lambda a, b, x: function(a, b, x, 1 - x), *which)

    def reference(*z):
        return _log_i_and_complement(*z)[side]

    for i in which:
        reference = _difference(reference, i, mp.mpf(10) ** -15)
    # they cancel terms of size 1/a² to at worst a hundredth
    assert worst_error(second, reference, shape, shape, x) < 1e-11


@pytest.mark.parametrize(("which", "least"), [((0, 0), 2.0), ((0, 1), 1.0), ((1, 1), 1.0)])
def test_beta_second_derivatives_at_whole_shapes(worst_error, derivative, which, least):
    """There the power series ends, and its derivatives by the shape do not."""
    a, b = np.array([3.0, 0.5, 7.0, 2.0, 1.5]), np.array([1.0, 1.0, 2.0, 3.0, 1.0])
    b = np.maximum(b, least)  # ln I = a ln x at b = 1: its curvature in a is 0
    x = np.array([0.4, 0.25, 0.125, 0.3, 0.9])
    second = derivative(lambda a, b, x: log_beta_i(a, b, x, 1 - x), *which)

    def reference(*z):
        return _log_i_and_complement(*z)[0]

    for i in which:
        reference = _difference(reference, i, mp.mpf(10) ** -15)
    assert worst_error(second, reference, a, b, x) < 1e-10


def test_bessel_normaliser(worst_error, derivative):
    kappa = np.r_[10 ** _RNG.uniform(-8, 8, 60), 31.99, 32.01]

    def ratio(k):
        return mp.besseli(1, k) / mp.besseli(0, k)

    value = worst_error(log_scaled_bessel_i0, lambda k: mp.log(mp.besseli(0, k)) - k, kappa)
    slope = worst_error(derivative(log_scaled_bessel_i0, 0), lambda k: ratio(k) - 1, kappa)
    # 1 − A/κ − A² loses 2κ² = 2000 where the series hands over.
    curvature = worst_error(
        derivative(log_scaled_bessel_i0, 0, 0), lambda k: 1 - ratio(k) / k - ratio(k) ** 2, kappa
    )
    assert value < 2e-15
    assert slope < 1e-14
    assert curvature < 1e-12
    assert derivative(log_scaled_bessel_i0, 0, 0)(jnp.array(0.0)) == 0.5


def _von_mises_log_cdf(kappa, angle):
    """mpmath's quadrature of the density on the smaller side, in panels of at most 1/√κ."""
    with mp.workdps(30):
        near = -abs(angle)
        slope = kappa * mp.sin(-near)
        scale = min((near + mp.pi) / 8, 2 / mp.sqrt(kappa + 1), 10 / slope if slope else mp.pi)
        integral = mp.quad(
            lambda h: mp.exp(kappa * (mp.cos(near - h) - mp.cos(near))),
            [scale * i for i in range(9)],
        )
        density = mp.exp(kappa * (mp.cos(near) - 1)) / (2 * mp.pi * mp.besseli(0, kappa))
        tail = density * mp.exp(kappa) * integral
        return mp.log1p(-tail) if angle > 0 else mp.log(tail)


def test_von_mises_cdf(worst_error):
    kappa = 10 ** _RNG.uniform(-4, 8, 24)
    angle = np.where(
        np.arange(24) % 2, _RNG.uniform(-3.1, 0, 24), _RNG.normal(size=24) / np.sqrt(kappa)
    )
    kappa = np.r_[kappa, 1.0, 14.6]
    angle = np.r_[np.clip(angle, -3.14, 3.14), 3.1415926, -3.14159265358979]
    error = worst_error(_von_mises_cdf, _von_mises_log_cdf, kappa, angle, compiled=True)
    assert error < 1e-12
    np.testing.assert_array_equal(_von_mises_survival(kappa, angle), _von_mises_cdf(kappa, -angle))


def test_von_mises_uniform_limit_and_ends(derivative):
    np.testing.assert_allclose(
        _von_mises_cdf(0.0, [-1.0, 0.0, 1.0]),
        np.log(0.5 + np.array([-1, 0, 1]) / (2 * np.pi)),
        rtol=1e-15,
    )
    assert _von_mises_cdf(5.0, 4.0) == 0.0
    assert _von_mises_cdf(5.0, -4.0) == -np.inf
    # ∂F/∂δ is the density, and the derivatives commute (also where the range ends at −π).
    kappa, angle = jnp.array([0.05, 2.0, 300.0]), jnp.array([1.1, -2.0, 0.01])
    log_density = np.asarray(jax.jit(log_von_mises_density)(kappa, angle))
    density = np.exp(log_density - _von_mises_cdf(kappa, angle))
    np.testing.assert_allclose(derivative(log_von_mises_cdf, 1)(kappa, angle), density, rtol=1e-13)
    one, other = (derivative(log_von_mises_cdf, *order)(kappa, angle) for order in ((0, 1), (1, 0)))
    np.testing.assert_allclose(one, other, rtol=1e-11)
