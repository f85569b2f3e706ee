"""log1p(x)/x, expm1(x)/x and their derivatives through zero, against mpmath at 60 digits."""

import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest

from kullback.special.smooth import expm1_over, expm1_scaled, log1mexp, log1p_over, log1p_scaled

_RNG = np.random.default_rng(2)
_SMALL = 10 ** _RNG.uniform(-12, 0, 60) * _RNG.choice([-0.999, 1], 60)
_LARGE = 10 ** _RNG.uniform(0, 2.5, 20)
_EDGES = np.array([0.25, -0.25, 0.2499, 0.5, -0.5, 0.4999])


def _log_slope(x):
    return (x / (1 + x) - mp.log1p(x)) / x**2


def _log_curvature(x):
    return -1 / (x * (1 + x) ** 2) - 2 * _log_slope(x) / x


def _exp_slope(x):
    return (x * mp.exp(x) - mp.expm1(x)) / x**2


def _exp_curvature(x):
    return mp.exp(x) / x - 2 * _exp_slope(x) / x


@pytest.mark.parametrize(
    ("function", "references", "points"),
    [
        (log1p_over, (lambda x: mp.log1p(x) / x, _log_slope, _log_curvature), _LARGE),
        (
            expm1_over,
            (lambda x: mp.expm1(x) / x, _exp_slope, _exp_curvature),
            np.r_[_LARGE, -_LARGE],
        ),
    ],
)
def test_value_and_two_derivatives(worst_error, derivative, function, references, points):
    x = np.r_[_SMALL, _EDGES, points]
    for order, reference in enumerate(references):
        # The second derivative loses a factor of 100 where the series hands over.
        assert worst_error(derivative(function, *[0] * order), reference, x) < 5e-13


def test_taylor_coefficients_at_zero(derivative):
    zero = jnp.array(0.0)
    assert log1p_over(zero) == 1.0
    assert derivative(log1p_over, 0)(zero) == -0.5
    assert np.isclose(derivative(log1p_over, 0, 0)(zero), 2 / 3, rtol=1e-15)
    assert np.isclose(derivative(expm1_over, 0, 0)(zero), 1 / 3, rtol=1e-15)


def test_scaled_forms(worst_error, derivative):
    shape = 10 ** _RNG.uniform(-12, 0.5, 60) * _RNG.choice([-1, 1], 60)
    x = _RNG.uniform(0, 1, 60) * np.minimum(1, 0.9 / np.abs(shape))
    for i, j, logs, exps in (
        (
            0,
            0,
            lambda s, v: v**3 * _log_curvature(s * v),
            lambda s, v: v**3 * _exp_curvature(s * v),
        ),
        (0, 1, lambda s, v: -v / (1 + s * v) ** 2, lambda s, v: v * mp.exp(s * v)),
        (1, 1, lambda s, v: -s / (1 + s * v) ** 2, lambda s, v: s * mp.exp(s * v)),
    ):
        assert worst_error(derivative(log1p_scaled, i, j), logs, shape, x) < 5e-13
        assert worst_error(derivative(expm1_scaled, i, j), exps, shape, x) < 5e-13


def test_log1mexp(worst_error, derivative):
    x = -(10 ** _RNG.uniform(-150, 2.5, 60))
    x = np.r_[x, np.linspace(-1.4, -0.5, 91)]  # both sides of where the two forms meet
    assert worst_error(log1mexp, lambda v: mp.log(-mp.expm1(v)), x) < 1e-15
    second = derivative(log1mexp, 0, 0)
    assert worst_error(second, lambda v: -mp.exp(v) / mp.expm1(v) ** 2, x) < 1e-14
    assert log1mexp(0.0) == -jnp.inf
    assert derivative(log1mexp, 0)(jnp.array(0.0)) == 0.0  # a constant −inf, whose slope is no NaN
    assert np.isfinite(second(jnp.array(-1e5)))
