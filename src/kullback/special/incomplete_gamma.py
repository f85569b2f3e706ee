"""Logarithms of the regularised incomplete gamma functions, over the whole range of both tails.

For each element the side that the method gives to relative precision is computed directly, and the
other is log(1 − exp(·)) of it:

    quadrature          a ≥ 100 and |x − a| < 0.3 a         the smaller side
    alternating series  otherwise, a < 1 and x ≤ 2          P, and 1 − P without cancellation
    series              otherwise, x ≤ a + 2√a + 1, a ≥ 1   P, where it is not yet near one
    continued fraction  otherwise                           Q

Each method runs until all elements that need it have converged, and is skipped if none needs it.
(W. Gautschi, 1979, "A computational procedure for incomplete gamma functions"; DLMF 8.11.4, 8.7.1
and 8.9.2.)
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from kullback.special.gamma import log1p_minus, log_gamma, log_gamma_ratio
from kullback.special.gamma_tail import log_gamma_jets
from kullback.special.partials import with_partials
from kullback.special.saddle_point import log_poisson_kernel
from kullback.special.shared import by_jets, within_pass
from kullback.special.smooth import log1mexp
from kullback.special.tail_quadrature import log_tail_integral, reach

_Tail: TypeAlias = Callable[[jax.Array, jax.Array], jax.Array]

# Terms are added until the next is below this share of the sum, far below rounding because the
# derivatives of the terms, computed alongside, converge later by factors of at most ln².
_TOLERANCE = 1e-21
# No element needs more: series and continued fraction take about 10 √a + 150 steps at worst, with
# a < 100 or x at least 0.3 a away from a.
_MAX_STEPS = 1000
_LARGE_SHAPE = 100.0
_SMALLEST = float(np.finfo(np.float64).tiny)


def _ascending_series(a: jax.Array, x: jax.Array, active: jax.Array) -> jax.Array:
    """Σ xⁿ / ((a+1)…(a+n)), so that P = x^a e^−x / Γ(a+1) times it."""

    def unfinished(state: Any) -> Any:
        n, term, total = state
        return (n < _MAX_STEPS) & jnp.any(active & (term > _TOLERANCE * total))

    def add(state: Any) -> Any:
        n, term, total = state
        term = term * x / (a + n)
        return n + 1.0, term, total + term

    one = jnp.ones_like(a * x)
    start = (jnp.ones((), one.dtype), one, one)
    total: jax.Array = jax.lax.while_loop(unfinished, add, start)[2]
    return total


def _alternating_series(a: jax.Array, x: jax.Array, active: jax.Array) -> jax.Array:
    """Sum S = a Σ_{n≥1} (−x)ⁿ / (n! (a+n)), so that P = x^a (1 + S) / Γ(a+1)."""

    def unfinished(state: Any) -> Any:
        n, power, _ = state
        return (n < _MAX_STEPS) & jnp.any(active & (jnp.abs(power) > _TOLERANCE * x))

    def add(state: Any) -> Any:
        n, power, total = state
        power = -power * x / n
        return n + 1.0, power, total + power / (a + n)

    one = jnp.ones_like(a * x)
    start = (jnp.ones((), one.dtype), one, jnp.zeros_like(one))
    total: jax.Array = a * jax.lax.while_loop(unfinished, add, start)[2]
    return total


def _continued_fraction(a: jax.Array, x: jax.Array, active: jax.Array) -> jax.Array:
    """1/(x+1−a − 1(1−a)/(x+3−a − …)), so that Q = x^a e^−x / Γ(a) times it; modified Lentz."""
    # 1(1-a) = 0 at a = 1 ends the fraction: d stays finite and every later factor is one.
    b = x + 1.0 - a

    def unfinished(state: Any) -> Any:
        n, _, _, _, factor = state
        return (n < _MAX_STEPS) & jnp.any(active & (jnp.abs(factor - 1.0) > 1e-16))

    def step(state: Any) -> Any:
        n, c, d, total, _ = state
        numerator = n * (a - n)
        denominator = b + 2.0 * n
        d = 1.0 / (numerator * d + denominator)
        c = denominator + numerator / c
        return n + 1.0, c, d, total * (c * d), c * d

    one = jnp.ones_like(b)
    start = (jnp.ones((), one.dtype), 1e300 * one, 1.0 / b, 1.0 / b, 2.0 * one)
    state = jax.lax.while_loop(unfinished, step, start)
    # Twenty more, for the derivatives: they converge at the same rate from a larger start.
    steps = jnp.where(jnp.any(active), 20, 0)
    total: jax.Array = jax.lax.fori_loop(0, steps, lambda _, state: step(state), state)[3]
    return total


def _log_tail_near_mean(
    a: jax.Array, x: jax.Array, upper: jax.Array, active: jax.Array
) -> jax.Array:
    """Return ln ∫ (1 + h)^(a−1) e^(−x h) dh away from x, to either side; h is relative to x."""
    sign = jnp.where(upper, 1.0, -1.0)
    slope = (x - (a - 1.0)) * sign

    def log_integrand(h: jax.Array) -> jax.Array:
        return (a - 1.0) * log1p_minus(sign * h) - slope * h

    # The upper tail falls off slower than the normal with the curvature at its start, at most half
    # as fast in the exponent over the range used (a >= 100); the lower tail faster, and it ends at
    # h = 1.
    length = reach(jnp.maximum(slope, 0.0), jnp.where(upper, 0.5, 1.0) * (a - 1.0))
    length = jnp.where(upper, length, jnp.minimum(length, 1.0 - 1e-6))
    return log_tail_integral(log_integrand, jax.lax.stop_gradient(length), active)


def _one_side(a: jax.Array, x: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
    """The log of one of P and Q, whether it is Q, and the log of its ratio to x^a e^−x / Γ(a+1)."""
    near = (a >= _LARGE_SHAPE) & (jnp.abs(x - a) < 0.3 * a)
    # The alternating series loses a factor e^x/E₁(x), 60 at x = 2, where the fraction takes 100
    # steps; the ascending one loses P/Q for Q, a factor of up to 50 where the fraction takes over.
    alternating = ~near & (a < 1.0) & (x <= 2.0)
    far = a + jnp.where(a < _LARGE_SHAPE, 2.0 * jnp.sqrt(a) + 1.0, 0.0)
    ascending = ~near & ~alternating & (a >= 1.0) & (x <= far)
    fraction = ~near & ~alternating & ~ascending
    upper = jnp.where(near, x > a, fraction)

    kernel = log_poisson_kernel(a, x)
    n_a, n_x = jnp.where(near, a, 200.0), jnp.where(near, x, 200.0)
    by_quadrature = jnp.log(n_a) + _log_tail_near_mean(n_a, n_x, upper, near)
    s_a, s_x = jnp.where(ascending, a, 2.0), jnp.where(ascending, x, 1.0)
    by_ascending = jnp.log(_ascending_series(s_a, s_x, ascending))
    f_a, f_x = jnp.where(fraction, a, 1.0), jnp.where(fraction, x, 2.0)
    by_fraction = jnp.log(f_a) + jnp.log(_continued_fraction(f_a, f_x, fraction))
    t_a, t_x = jnp.where(alternating, a, 0.5), jnp.where(alternating, x, 0.5)
    by_alternating = (
        t_a * jnp.log(t_x)
        - log_gamma_ratio(1.0, t_a)
        + jnp.log1p(_alternating_series(t_a, t_x, alternating))
    )
    ratio = jnp.where(near, by_quadrature, jnp.where(ascending, by_ascending, by_fraction))
    value = jnp.where(alternating, by_alternating, kernel + ratio)
    return value, upper, jnp.where(alternating, by_alternating - kernel, ratio)


def log_gamma_pq(a: jax.typing.ArrayLike, x: jax.typing.ArrayLike) -> tuple[jax.Array, jax.Array]:
    """Return ln P(a, x) and ln Q(a, x) of one evaluation; their derivatives only within a pass.

    Elsewhere see `log_gamma_p` and `log_gamma_q`.
    """
    a, x = jnp.asarray(a, float), jnp.asarray(x, float)
    inside = (x > 0) & (x < jnp.inf)
    kept = jnp.where(inside, x, 1.0)
    if within_pass():
        p, q = _shared_values(a, kept, jnp.log(kept))
    else:
        p, q = _both_values(a, kept)
    return (
        jnp.where(inside, p, jnp.where(x > 0, 0.0, -jnp.inf)),
        jnp.where(inside, q, jnp.where(x > 0, -jnp.inf, 0.0)),
    )


def _shared_values(a: jax.Array, x: jax.Array, log_x: jax.Array) -> tuple[jax.Array, jax.Array]:
    p, q = by_jets(log_gamma_jets, a, log_x, fixed=(jax.lax.stop_gradient(x),))
    return p, q


def _both_values(a: jax.Array, x: jax.Array) -> tuple[jax.Array, jax.Array]:
    value, upper, _ = _one_side(a, x)

    def side(same: jax.Array) -> jax.Array:
        return jnp.where(same, value, log1mexp(jnp.where(same, -1.0, value)))

    return side(~upper), side(upper)


def _lower(a: jax.Array, x: jax.Array) -> jax.Array:
    return log_gamma_pq(a, x)[0]


def _upper(a: jax.Array, x: jax.Array) -> jax.Array:
    return log_gamma_pq(a, x)[1]


def _partial_x(a: jax.Array, x: jax.Array, upper_tail: bool) -> jax.Array:
    """The density over P or Q, far in a tail without the kernel, which would cancel."""
    value, is_upper, ratio = _one_side(a, x)
    same = is_upper == upper_tail
    other = log1mexp(jnp.where(same, -1.0, value)) - jnp.where(same, 0.0, value - ratio)
    return (a / x) * jnp.exp(-jnp.where(same, ratio, other))


def _partial_a(function: Any, a: jax.Array, x: jax.Array) -> jax.Array:
    a = jnp.broadcast_to(a, jnp.broadcast_shapes(a.shape, x.shape))
    result: jax.Array = jax.jvp(lambda shape: function(shape, x), (a,), (jnp.ones_like(a),))[1]
    return result


def _shared(side: int) -> Callable[[_Tail], _Tail]:
    """Let the value and its derivatives share one evaluation of the loops, within a pass."""

    def decorate(function: _Tail) -> _Tail:
        @wraps(function)
        def call(a: jax.typing.ArrayLike, x: jax.typing.ArrayLike) -> jax.Array:
            if within_pass():
                return log_gamma_pq(a, x)[side]
            return function(jnp.asarray(a), jnp.asarray(x))

        return call

    return decorate


@_shared(0)
@with_partials(
    lambda a, x: _partial_a(_lower, a, x),
    lambda a, x: _partial_x(a, x, upper_tail=False),
)
def log_gamma_p(a: jax.Array, x: jax.Array) -> jax.Array:
    """Return ln P(a, x), the log-cdf at x ≥ 0 of a gamma with shape a > 0 and rate one.

    Relative precision throughout, for a from 1e-8 to 1e12, including where P is within 1e-300 of
    one. For a large a the rounding of x limits the result: one unit in its last place moves it by
    |x − a| 1e-16, so about 1e-16 √a of a standard deviation.
    """
    return _lower(a, x)


@_shared(1)
@with_partials(
    lambda a, x: _partial_a(_upper, a, x),
    lambda a, x: -_partial_x(a, x, upper_tail=True),
)
def log_gamma_q(a: jax.Array, x: jax.Array) -> jax.Array:
    """Return ln Q(a, x) = ln(1 − P(a, x)), the log-survival at x ≥ 0; see `log_gamma_p`."""
    return _upper(a, x)


def log_gamma_tails(a: jax.Array, x: jax.Array, log_x: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Return ln P(a, x) and ln Q(a, x) with their derivatives, from x and its logarithm.

    The logarithm counts where x is below the smallest double: there P = x^a/Γ(a + 1), which for a
    small a is far from 0.
    """
    if within_pass():
        return _shared_tails(a, x, log_x)
    kept = jnp.where(x < _SMALLEST, 1.0, x)
    return _tails(a, x, log_x, log_gamma_p(a, kept), log_gamma_q(a, kept))


def log_gamma_tail_values(
    a: jax.Array, x: jax.Array, log_x: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """Return the same of one evaluation; their derivatives only within a pass."""
    if within_pass():
        return _shared_tails(a, x, log_x)
    return _tails(a, x, log_x, *log_gamma_pq(a, jnp.where(x < _SMALLEST, 1.0, x)))


def _shared_tails(a: jax.Array, x: jax.Array, log_x: jax.Array) -> tuple[jax.Array, jax.Array]:
    inside = x < jnp.inf
    p, q = _shared_values(a, jnp.where(inside, x, 1.0), jnp.where(inside, log_x, 0.0))
    return jnp.where(inside, p, 0.0), jnp.where(inside, q, -jnp.inf)


def _tails(
    a: jax.Array, x: jax.Array, log_x: jax.Array, log_p: jax.Array, log_q: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """Replace ln P and ln Q where x is below the smallest double."""
    gone = x < _SMALLEST
    first = a * log_x - log_gamma(a + 1.0)
    return (
        jnp.where(gone, first, log_p),
        jnp.where(gone, log1mexp(jnp.where(gone, first, -1.0)), log_q),
    )
