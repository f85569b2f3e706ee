"""Logarithms of the regularised incomplete beta function, over the whole range of both tails.

For each element the side that the method gives to relative precision is computed directly, and the
other is log(1 − exp(·)) of it. With n = a + b and y = 1 − x:

    quadrature          a, b ≥ 100 and |a y − b x| < 0.3 min(a, b)      the smaller side
    power series in x   otherwise, x ≤ 1/2 and b x ≤ 1.5                I_x(a, b)
    power series in y   otherwise, y ≤ 1/2 and a y ≤ 1.5                I_y(b, a)
    continued fraction  otherwise, on the side of the mean a/n that x is on

Each method runs until all elements that need it have converged, and is skipped if none needs it.
(A. DiDonato and A. Morris, 1992, "Significant digit computation of the incomplete beta function
ratios"; DLMF 8.17.)
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp

from kullback.special.beta_tail import log_beta_jets
from kullback.special.gamma import log1p_minus, log_gamma_ratio
from kullback.special.partials import with_partials
from kullback.special.saddle_point import log_binomial_kernel
from kullback.special.shared import by_jets, within_pass
from kullback.special.smooth import log1mexp
from kullback.special.tail_quadrature import log_tail_integral, reach

_Tail: TypeAlias = Callable[..., jax.Array]

# As for the incomplete gamma functions: far below rounding, for accurate derivatives.
_TOLERANCE = 1e-21
# Power series take 70 steps (x <= 1/2) and the continued fraction about 10 √min(a, b) + 150.
_MAX_STEPS = 1000
_LARGE_SHAPE = 100.0


def _power_series(a: jax.Array, b: jax.Array, x: jax.Array, active: jax.Array) -> jax.Array:
    """Sum S = a Σ_{n≥1} (1−b)…(n−b) xⁿ/(n! (a+n)): I_x(a, b) = x^a (1 + S) / (a B(a, b))."""

    def unfinished(state: Any) -> Any:
        n, _, size, _ = state
        return (n < _MAX_STEPS) & jnp.any(active & (size > _TOLERANCE * x))

    def add(state: Any) -> Any:
        n, power, size, total = state
        power = power * x * (n - b) / n
        # at a whole b the powers are zero from n = b on, but not their derivatives
        size = size * x * jnp.maximum(jnp.abs(n - b), 1.0) / n
        return n + 1.0, power, size, total + power / (a + n)

    one = jnp.ones_like(a * b * x)
    start = (jnp.ones((), one.dtype), one, one, jnp.zeros_like(one))
    total: jax.Array = a * jax.lax.while_loop(unfinished, add, start)[3]
    return total


def _continued_fraction(
    a: jax.Array, b: jax.Array, x: jax.Array, y: jax.Array, active: jax.Array
) -> jax.Array:
    """I_x(a, b) = x^a y^b / (a B(a, b)) times it, by the modified Lentz method.

    The contracted fraction of DiDonato and Morris (1992, TOMS 708, BFRAC), which does not cancel
    for very unequal shapes.
    """
    excess = 1.0 + a * y - b * x

    def unfinished(state: Any) -> Any:
        n, _, _, _, _, factor = state
        return (n < _MAX_STEPS) & jnp.any(active & (jnp.abs(factor - 1.0) > 1e-16))

    def step(state: Any) -> Any:
        n, p, c, d, total, _ = state
        n = n + 1.0
        w = n * (b - n) * x
        s = a + 2.0 * n - 1.0
        alpha = (p * (p + b / a) * (a / s) * (a / s)) * (w * x)
        q = 1.0 + n / a
        beta = n + w / s + q / (q + (n + 1.0) / a) * (excess + n * (1.0 + y))
        d = 1.0 / (beta + alpha * d)
        c = beta + alpha / c
        factor = c * d
        return n, q, c, d, total * factor, factor

    one = jnp.ones_like(a * b * x)
    first = excess / (1.0 + 1.0 / a) * one
    start = (jnp.zeros((), one.dtype), one, first, jnp.zeros_like(one), first, 2.0 * one)
    state = jax.lax.while_loop(unfinished, step, start)
    # Twenty more, for the derivatives: they converge at the same rate from a larger start.
    steps = jnp.where(jnp.any(active), 20, 0)
    total: jax.Array = jax.lax.fori_loop(0, steps, lambda _, state: step(state), state)[4]
    return a / total


def _log_tail_near_mean(
    a: jax.Array, b: jax.Array, x: jax.Array, y: jax.Array, upper: jax.Array, active: jax.Array
) -> jax.Array:
    """Return ln ∫ ((x ± d)/x)^(a−1) ((y ∓ d)/y)^(b−1) dd away from x, to either side."""
    sign = jnp.where(upper, 1.0, -1.0)
    per_x, per_y = sign / x, -sign / y
    slope = ((b - 1.0) * x - (a - 1.0) * y) / (x * y) * sign

    def log_integrand(d: jax.Array) -> jax.Array:
        cells = (a - 1.0) * log1p_minus(d * per_x) + (b - 1.0) * log1p_minus(d * per_y)
        return cells - slope * d

    # Towards the nearer end the exponent's curvature only grows; on the other side it falls at most
    # to half over the range used (a, b >= 100).
    curvature = 0.5 * ((a - 1.0) / (x * x) + (b - 1.0) / (y * y))
    length = reach(jnp.maximum(slope, 0.0), curvature)
    end = jnp.where(upper, y, x)
    length = jnp.minimum(length, end * (1.0 - 1e-6))
    return log_tail_integral(log_integrand, jax.lax.stop_gradient(length), active)


def _one_side(
    a: jax.Array, b: jax.Array, x: jax.Array, y: jax.Array
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """The log of I or of 1 − I, whether it is 1 − I, and its log ratio to the density times x y."""
    excess = b * x - a * y
    low = jnp.minimum(a, b)
    near = (low >= _LARGE_SHAPE) & (jnp.abs(excess) < 0.3 * low)
    series_x = ~near & (x <= 0.5) & (b * x <= 1.5)
    series_y = ~near & ~series_x & (y <= 0.5) & (a * y <= 1.5)
    fraction = ~near & ~series_x & ~series_y
    # x < (a+1)/(a+b+2) is where the fraction for I_x converges fast.
    upper = jnp.where(near, excess > 0, series_y | (fraction & (excess > y - x)))

    # Everything but the quadrature is written for the lower tail: exchange the ends for the upper.
    p, q = jnp.where(upper, b, a), jnp.where(upper, a, b)
    u, v = jnp.where(upper, y, x), jnp.where(upper, x, y)

    kernel = log_binomial_kernel(a, b, x, y) + _log_harmonic(a, b)
    series = series_x | series_y
    s_p, s_q, s_u = (jnp.where(series, value, 0.5) for value in (p, q, u))
    by_series = (
        s_p * jnp.log(s_u)
        + log_gamma_ratio(s_q, s_p)
        - log_gamma_ratio(1.0, s_p)
        + jnp.log1p(_power_series(s_p, s_q, s_u, series))
    )
    f_p, f_q = jnp.where(fraction, p, 2.0), jnp.where(fraction, q, 2.0)
    f_u, f_v = jnp.where(fraction, u, 0.25), jnp.where(fraction, v, 0.75)
    by_fraction = jnp.log(_continued_fraction(f_p, f_q, f_u, f_v, fraction)) - jnp.log(f_p)
    n_a, n_b = jnp.where(near, a, 200.0), jnp.where(near, b, 200.0)
    n_x, n_y = jnp.where(near, x, 0.5), jnp.where(near, y, 0.5)
    by_quadrature = _log_tail_near_mean(n_a, n_b, n_x, n_y, upper, near) - jnp.log(n_x * n_y)

    ratio = jnp.where(near, by_quadrature, by_fraction)
    value = jnp.where(series, by_series, kernel + ratio)
    return value, upper, jnp.where(series, by_series - kernel, ratio)


def _log_harmonic(a: jax.Array, b: jax.Array) -> jax.Array:
    """ln(a b/(a+b)), without overflow."""
    # not by minimum and maximum: at a = b their derivatives are means of both sides, whose second
    # derivatives are not the function's
    low, high = jnp.where(a < b, a, b), jnp.where(a < b, b, a)
    return jnp.log(low) - jnp.log1p(low / high)


def log_beta_sides(
    a: jax.Array, b: jax.Array, x: jax.Array, y: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """Return ln I_x(a, b) and ln(1 − I_x(a, b)) of one evaluation.

    Their derivatives are had only within a pass; elsewhere see `log_beta_i` and
    `log_beta_i_complement`.
    """
    inside = (x > 0) & (y > 0)
    safe_x, safe_y = jnp.where(inside, x, 0.5), jnp.where(inside, y, 0.5)
    if within_pass():
        fixed = (jax.lax.stop_gradient(safe_y),)  # its tangent is minus that of x
        lower, upper = by_jets(log_beta_jets, a, b, safe_x, fixed=fixed)
    else:
        lower, upper = _both_values(a, b, safe_x, safe_y)
    return (
        jnp.where(inside, lower, jnp.where(x > 0, 0.0, -jnp.inf)),
        jnp.where(inside, upper, jnp.where(x > 0, -jnp.inf, 0.0)),
    )


def _both_values(
    a: jax.Array, b: jax.Array, x: jax.Array, y: jax.Array
) -> tuple[jax.Array, jax.Array]:
    value, upper, _ = _one_side(a, b, x, y)

    def side(same: jax.Array) -> jax.Array:
        return jnp.where(same, value, log1mexp(jnp.where(same, -1.0, value)))

    return side(~upper), side(upper)


def _partial_shape(
    which: int, upper_tail: bool, a: jax.Array, b: jax.Array, x: jax.Array, y: jax.Array
) -> jax.Array:
    shape = jnp.broadcast_shapes(a.shape, b.shape, x.shape, y.shape)
    primal = jnp.broadcast_to((a, b)[which], shape)

    def along(value: jax.Array) -> jax.Array:
        pair = (value, b) if which == 0 else (a, value)
        return log_beta_sides(*pair, x, y)[upper_tail]

    result: jax.Array = jax.jvp(along, (primal,), (jnp.ones_like(primal),))[1]
    return result


def _partial_x(
    a: jax.Array, b: jax.Array, x: jax.Array, y: jax.Array, upper_tail: bool
) -> jax.Array:
    """The density over I or 1 − I, far in a tail without the kernel, which would cancel."""
    value, is_upper, ratio = _one_side(a, b, x, y)
    same = is_upper == upper_tail
    other = log1mexp(jnp.where(same, -1.0, value)) - jnp.where(same, 0.0, value - ratio)
    return jnp.exp(-jnp.where(same, ratio, other)) / (x * y)


def _zero(*args: jax.Array) -> jax.Array:
    return jnp.zeros((), args[0].dtype)


def _shared(side: int) -> Callable[[_Tail], _Tail]:
    """Let the value and its derivatives share one evaluation of the loops, within a pass."""

    def decorate(function: _Tail) -> _Tail:
        @wraps(function)
        def call(*arguments: jax.typing.ArrayLike) -> jax.Array:
            if not within_pass():
                return function(*arguments)
            a, b, x, y = (jnp.asarray(argument, float) for argument in arguments)
            return log_beta_sides(a, b, x, y)[side]

        return call

    return decorate


@_shared(0)
@with_partials(
    lambda a, b, x, y: _partial_shape(0, False, a, b, x, y),
    lambda a, b, x, y: _partial_shape(1, False, a, b, x, y),
    lambda a, b, x, y: _partial_x(a, b, x, y, upper_tail=False),
    _zero,
)
def log_beta_i(a: jax.Array, b: jax.Array, x: jax.Array, complement: jax.Array) -> jax.Array:
    """Return ln I_x(a, b), the log-cdf at x of a beta distribution with shapes a, b > 0.

    Args:
        a: first shape, 1e-8 to 1e12.
        b: second shape, 1e-8 to 1e12.
        x: in [0, 1].
        complement: 1 − x, to full precision also where x is near 1. Its own tangent is
            ignored: minus that of x is used.

    Relative precision throughout, including where I is within 1e-300 of one. For a large a + b = n
    the rounding of x and its complement limits the result: one unit in their last place moves it by
    about 1e-16 √n of a standard deviation.
    """
    return log_beta_sides(a, b, x, complement)[0]


@_shared(1)
@with_partials(
    lambda a, b, x, y: _partial_shape(0, True, a, b, x, y),
    lambda a, b, x, y: _partial_shape(1, True, a, b, x, y),
    lambda a, b, x, y: -_partial_x(a, b, x, y, upper_tail=True),
    _zero,
)
def log_beta_i_complement(
    a: jax.Array, b: jax.Array, x: jax.Array, complement: jax.Array
) -> jax.Array:
    """ln(1 − I_x(a, b)), the log-survival at x; see `log_beta_i`."""
    return log_beta_sides(a, b, x, complement)[1]
