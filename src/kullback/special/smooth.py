"""Smooth elementary functions: log1p(x)/x, expm1(x)/x, log(1 − exp(x)), log(1 − p) and similar.

With these the generalised extreme value, generalised Pareto and Gompertz distributions pass through
their limits at shape zero: the value and both derivatives stay accurate there.
"""

import jax
import jax.numpy as jnp

from kullback._core.derivatives import slope
from kullback.special.partials import with_partials
from kullback.special.polynomials import horner


def _log1p_over(x: jax.Array) -> jax.Array:
    # log1p(x)/x = (2 artanh r)/x with r = x/(2+x): an even series in r over 2+x, free of any
    # division by x, so its own derivatives are as accurate as it is. |x| < 1/4 gives r² <= 0.0205
    # and eleven terms leave 1e-20, enough for two derivatives. Outside, the quotient's
    # second derivative loses a factor of about 100 and no more.
    near = jnp.abs(x) < 0.25
    s = jnp.where(near, x, 0.0)
    reciprocal = 1.0 / (2.0 + s)
    r = s * reciprocal
    series = 2.0 * reciprocal * horner(tuple(1.0 / (2 * k + 1) for k in range(11)), r * r)
    far = jnp.where(near, 1.0, x)
    return jnp.where(near, series, jnp.log1p(far) / far)


def _expm1_over(x: jax.Array) -> jax.Array:
    # |x| < 1/2: sixteen terms of Σ xⁿ/(n+1)! leave 4e-20. Outside, the quotient's second
    # derivative loses a factor of about 20 and no more.
    near = jnp.abs(x) < 0.5
    s = jnp.where(near, x, 0.0)
    coefficients = [1.0]
    for n in range(1, 16):
        coefficients.append(coefficients[-1] / (n + 1))
    far = jnp.where(near, 1.0, x)
    return jnp.where(near, horner(tuple(coefficients), s), jnp.expm1(far) / far)


def _log1p_over_slope(x: jax.Array) -> jax.Array:
    result: jax.Array = slope(_log1p_over, x)
    return result


def _expm1_over_slope(x: jax.Array) -> jax.Array:
    result: jax.Array = slope(_expm1_over, x)
    return result


@with_partials(_log1p_over_slope)
def log1p_over(x: jax.Array) -> jax.Array:
    """log(1 + x)/x for x > −1, 1 at x = 0; with accurate first and second derivatives."""
    return _log1p_over(x)


@with_partials(_expm1_over_slope)
def expm1_over(x: jax.Array) -> jax.Array:
    """(exp(x) − 1)/x, 1 at x = 0; with accurate first and second derivatives."""
    return _expm1_over(x)


@with_partials(
    lambda shape, x: x * x * _log1p_over_slope(shape * x),
    lambda shape, x: 1.0 / (1.0 + shape * x),
)
def log1p_scaled(shape: jax.Array, x: jax.Array) -> jax.Array:
    """log(1 + shape·x)/shape for shape·x > −1; x at shape zero.

    The reduced variable of the generalised extreme value and generalised Pareto distributions.
    """
    return x * _log1p_over(shape * x)


@with_partials(
    lambda shape, x: x * x * _expm1_over_slope(shape * x),
    lambda shape, x: jnp.exp(shape * x),
)
def expm1_scaled(shape: jax.Array, x: jax.Array) -> jax.Array:
    """(exp(shape·x) − 1)/shape for either sign of shape; x at shape zero.

    The cumulative hazard of the Gompertz distribution, over its rate.
    """
    return x * _expm1_over(shape * x)


def _log1mexp_slope(x: jax.Array) -> jax.Array:
    # 0 at x = 0, where the value is a constant −inf: an infinite slope would make NaNs
    below = x < 0.0
    s = jnp.where(below, x, -1.0)
    return jnp.where(below, jnp.exp(s) / jnp.expm1(s), 0.0)


@with_partials(_log1mexp_slope)
def log1mexp(x: jax.Array) -> jax.Array:
    """log(1 − exp(x)) for x ≤ 0, −inf at 0: the other side of a log-probability (Mächler 2012)."""
    # Mächler switches at −log 2; here the switch is at −1.1, because XLA's log1p is wrong by 3e-14
    # between −0.414 and −0.35. At −1.1 the first formula still has an error of 4e-16.
    near = x > -1.1
    close, away = jnp.where(near, x, -1.0), jnp.where(near, -2.0, x)
    return jnp.where(near, jnp.log(-jnp.expm1(close)), jnp.log1p(-jnp.exp(away)))


def log_complement(p: jax.Array) -> jax.Array:
    """Compute log(1 − p) for 0 ≤ p ≤ 1/2: XLA's log1p is wrong by 3e-14 beyond a third."""
    large = p > 0.25
    return jnp.where(large, jnp.log(1.0 - p), jnp.log1p(-jnp.where(large, 0.0, p)))


def log_expm1(w: jax.Array) -> jax.Array:
    """Compute log(e^w − 1) for w ≥ 0 without overflow."""
    large = w > 1.0
    far = w + jnp.log1p(-jnp.exp(-jnp.where(large, w, 1.0)))
    return jnp.where(large, far, jnp.log(jnp.expm1(jnp.where(large, 1.0, w))))
