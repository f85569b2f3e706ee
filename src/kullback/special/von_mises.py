"""The von Mises distribution's normaliser, log-density and both tails, for any concentration.

With angle δ = x − loc in [−π, π] and concentration κ ≥ 0 the log-density is
−2κ sin²(δ/2) − ln(2π e^−κ I₀(κ)): nothing of the size of κ is ever subtracted.
"""

import math

import jax
import jax.numpy as jnp

from kullback.special.constants import LOG_TWO_PI
from kullback.special.partials import with_partials
from kullback.special.polynomials import horner
from kullback.special.smooth import log1mexp
from kullback.special.tail_quadrature import LOG_CUT, log_tail_integral

# From here on I₀ is its asymptotic series (DLMF 10.40.1): twenty terms leave 2e-17. Below, the
# power series in κ²/4, all of whose terms are positive, needs fifty-five.
_ASYMPTOTIC = 32.0


def _asymptotic_coefficients() -> tuple[float, ...]:
    coefficients = [1.0]
    for k in range(1, 21):
        coefficients.append(coefficients[-1] * (2 * k - 1) ** 2 / (8.0 * k))
    return tuple(coefficients)


_SERIES = _asymptotic_coefficients()


def log_scaled_bessel_i0(concentration: jax.typing.ArrayLike) -> jax.Array:
    """ln(e^−κ I₀(κ)) for κ ≥ 0; derivatives I₁/I₀ − 1 and so on by differentiating it.

    Differentiable at 0, and the derivative near −1/(2κ) keeps its digits for large κ.
    """
    kappa = jnp.asarray(concentration, jnp.result_type(float, concentration))
    return _log_scaled_bessel_i0_large(kappa, log_bessel_i0_small(kappa) - kappa)


def log_bessel_i0_small(kappa: jax.Array) -> jax.Array:
    """Return ln I₀(κ) for κ up to 32, relative precision at 0 (it is κ²/4 there)."""
    safe = jnp.where(kappa < _ASYMPTOTIC, kappa, 1.0)
    u = 0.25 * safe * safe

    # Σ_{k≥1} u^k / k!² by Horner: u (1 + u/4 (1 + u/9 (1 + ...))).
    def inner(i: jax.Array, total: jax.Array) -> jax.Array:
        k = 56.0 - i
        return 1.0 + total * (u / (k * k))

    return jnp.log1p(u * jax.lax.fori_loop(0, 55, inner, jnp.ones_like(u)))


def _log_scaled_bessel_i0_large(kappa: jax.Array, small: jax.Array) -> jax.Array:
    large = kappa >= _ASYMPTOTIC
    safe = jnp.where(large, kappa, _ASYMPTOTIC)
    value = jnp.log(horner(_SERIES, 1.0 / safe)) - 0.5 * (jnp.log(safe) + LOG_TWO_PI)
    return jnp.where(large, value, small)


def log_von_mises_density(
    concentration: jax.typing.ArrayLike, angle: jax.typing.ArrayLike
) -> jax.Array:
    """Log-density at an angle from loc: κ cos δ − ln(2π I₀(κ))."""
    half = jnp.sin(0.5 * jnp.asarray(angle, jnp.result_type(float, angle)))
    normaliser = log_scaled_bessel_i0(concentration) + LOG_TWO_PI
    return -2.0 * jnp.asarray(concentration) * half * half - normaliser


def _log_lower_integral(kappa: jax.Array, angle: jax.Array) -> jax.Array:
    """Return ln ∫ of the density from −π to an angle in [−π, 0], over the density at that angle."""
    # The circle ends at the real π, not at the nearest double: near the end the distance is
    # computed from the sine. (The compiler would fold a two-part π into one double.)
    close = angle < -2.5
    sine = jnp.sin(jnp.where(close, angle, -2.5))
    room = jnp.where(close, -jnp.arcsin(sine), angle + math.pi)

    def log_integrand(h: jax.Array) -> jax.Array:
        # κ (cos(δ − h) − cos δ), as a product.
        return 2.0 * kappa * jnp.sin(angle - 0.5 * h) * jnp.sin(0.5 * h)

    # The h where it is -LOG_CUT, if there is one before −π: cos δ − cos(δ − h) = LOG_CUT/κ, that is
    # sin²((h − δ)/2) = sin²(δ/2) + LOG_CUT/(2κ).
    squared_half = jnp.sin(0.5 * angle) ** 2 + 0.5 * LOG_CUT / jnp.where(kappa > 0, kappa, 1.0)
    cut = (kappa > 0) & (squared_half < 1.0)
    reached = 2.0 * jnp.arcsin(jnp.sqrt(jnp.where(cut, squared_half, 0.5))) + angle
    length = jnp.where(cut, jax.lax.stop_gradient(jnp.minimum(reached, room)), room)
    return log_tail_integral(log_integrand, length, jnp.ones_like(length, bool))


def _folded(angle: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Return whether the angle is on the circle, whether it is above loc, and its mirror below."""
    inside, upper = jnp.abs(angle) <= math.pi, angle > 0
    # Points beyond the ends are replaced by one well inside.
    return inside, upper, jnp.where(inside, jnp.where(upper, -angle, angle), -1.0)


def _cdf(kappa: jax.Array, angle: jax.Array) -> jax.Array:
    inside, upper, folded = _folded(angle)
    value = log_von_mises_density(kappa, folded) + _log_lower_integral(kappa, folded)
    value = jnp.where(upper, log1mexp(jnp.where(upper, value, -1.0)), value)
    return jnp.where(inside, value, jnp.where(upper, 0.0, -jnp.inf))


def _partial_concentration(kappa: jax.Array, angle: jax.Array) -> jax.Array:
    kappa = jnp.broadcast_to(kappa, jnp.broadcast_shapes(kappa.shape, angle.shape))
    result: jax.Array = jax.jvp(lambda k: _cdf(k, angle), (kappa,), (jnp.ones_like(kappa),))[1]
    return result


def _partial_angle(kappa: jax.Array, angle: jax.Array) -> jax.Array:
    """The density over the cdf, in the lower tail without the density, which would cancel."""
    inside, upper, folded = _folded(angle)
    integral = _log_lower_integral(kappa, folded)
    density = log_von_mises_density(kappa, folded)
    tail = jnp.where(upper, density + integral, -1.0)
    ratio = jnp.exp(jnp.where(upper, density - log1mexp(tail), -integral))
    return jnp.where(inside, ratio, 0.0)


@with_partials(_partial_concentration, _partial_angle)
def log_von_mises_cdf(concentration: jax.Array, angle: jax.Array) -> jax.Array:
    """Log-probability of an angle from loc in (−π, angle), for angles in [−π, π], κ from 0 to 1e10.

    0 above π and −inf below −π. By quadrature of the density from the angle to the nearer end, so
    both tails have relative precision; an angle's distance to ±π is rounded as the angle is.
    """
    return _cdf(concentration, angle)


def log_von_mises_survival(
    concentration: jax.typing.ArrayLike, angle: jax.typing.ArrayLike
) -> jax.Array:
    """Log-probability of an angle from loc in (angle, π), by symmetry."""
    return log_von_mises_cdf(concentration, -jnp.asarray(angle))
