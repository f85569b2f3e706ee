"""The inverse Gaussian's log-cdf and log-survival without cancellation.

With α = √(λ/x)(x/μ − 1), β = √(λ/x)(x/μ + 1) and Mills' ratio M, the textbook Φ(α) + e^{2λ/μ} Φ(−β)
is φ(α) [M(−α) + M(β)], because e^{2λ/μ} φ(β) = φ(α); and the survival is φ(α) [M(α) − M(β)].
Nothing overflows; where the survival's difference is small it is a quadrature of −M'
(G. Giner and G. Smyth, 2016, "statmod: probability calculations for the inverse Gaussian
distribution", give the same rearrangement).
"""

import jax
import jax.numpy as jnp
import numpy as np

from kullback.special.constants import HALF_LOG_TWO_PI
from kullback.special.normal import mills_ratio, mills_slope
from kullback.special.shared import Jet, by_jets, choose, within_pass
from kullback.special.smooth import log1mexp
from kullback.special.tail_quadrature import add_up

# Over an interval of length 1 the integrand −M' is entire and varies by less than a factor 4: ten
# Gauss–Legendre nodes are exact to 1e-16 (tested).
_NODES, _WEIGHTS = (array.astype(float) for array in np.polynomial.legendre.leggauss(10))


def _mills_drop(z: jax.Array, step: jax.Array) -> jax.Array:
    """M(z) − M(z + step) for step ≥ 0, to relative precision."""
    short = step < 1.0
    h = jnp.where(short, step, 0.0)
    half = 0.5 * h

    def term(node: jax.Array, weight: jax.Array) -> list[jax.Array]:
        return [weight * mills_slope(z + half * (1.0 + node))]

    total = add_up(term, 1, z * h, _NODES, _WEIGHTS)[0]
    return jnp.where(short, half * total, mills_ratio(z) - mills_ratio(z + step))


def _arguments(
    mean: jax.Array, shape: jax.Array, x: jax.Array
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Return α, β − α = 2√(λ/x), and ln φ(α)."""
    root = jnp.sqrt(shape / x)
    alpha = root * ((x - mean) / mean)
    return alpha, 2.0 * root, -0.5 * alpha * alpha - HALF_LOG_TWO_PI


def _log_cdf_by_sum(mean: jax.Array, shape: jax.Array, x: jax.Array) -> jax.Array:
    alpha, gap, log_density = _arguments(mean, shape, x)
    # For α > 0, M(−α) = 1/φ(α) − M(α) would overflow; there the survival is the smaller side.
    lower = alpha < 0
    a = jnp.where(lower, -alpha, 1.0)
    return log_density + jnp.log(mills_ratio(a) + mills_ratio(jnp.where(lower, alpha, 0.0) + gap))


def _log_survival_by_difference(mean: jax.Array, shape: jax.Array, x: jax.Array) -> jax.Array:
    alpha, gap, log_density = _arguments(mean, shape, x)
    # Below −1 the cdf is the smaller side.
    a = jnp.where(alpha > -1.0, alpha, 0.0)
    return log_density + jnp.log(_mills_drop(a, gap))


def _use_cdf(mean: jax.Array, shape: jax.Array, x: jax.Array) -> jax.Array:
    """Return whether the cdf is computed directly and the survival from it, or the reverse."""
    # At α <= -1 the cdf is φ(α)[M(-α) + M(β)] <= 0.32; above, the survival is at most 0.84.
    return _arguments(mean, shape, x)[0] <= -1.0


def _cdf(mean: jax.Array, shape: jax.Array, x: jax.Array) -> jax.Array:
    by_survival = log1mexp(_log_survival_by_difference(mean, shape, x))
    return jnp.where(_use_cdf(mean, shape, x), _log_cdf_by_sum(mean, shape, x), by_survival)


def _survival(mean: jax.Array, shape: jax.Array, x: jax.Array) -> jax.Array:
    by_cdf = log1mexp(_log_cdf_by_sum(mean, shape, x))
    difference = _log_survival_by_difference(mean, shape, x)
    return jnp.where(_use_cdf(mean, shape, x), by_cdf, difference)


def log_inverse_gaussian_jets(mean: jax.Array, shape: jax.Array, x: jax.Array) -> tuple[Jet, Jet]:
    """Return the jets of the log-cdf and the log-survival in mean, shape and x."""
    alpha, gap, log_density = _arguments(mean, shape, x)
    beta = alpha + gap
    lower = alpha <= -1.0  # as `_use_cdf`
    mills, drop = mills_ratio(beta), mills_slope(beta)
    tail = mills_ratio(jnp.where(lower, -alpha, 1.0)) + mills
    total = jnp.where(lower, tail, _mills_drop(jnp.where(lower, 0.0, alpha), gap))
    # φ(α) over the side that is computed, with the sign of that side's derivatives; the cdf's are
    # −2λ/μ² φ(α) M(β), (2 M(β)/μ − 1/√(λ x)) φ(α) and √(λ/x³) φ(α)
    r = jnp.where(lower, 1.0, -1.0) / total
    root = jnp.sqrt(shape * x)
    by_mean = -2.0 * shape / (mean * mean)
    a, b, q = by_mean * mills, 2.0 * mills / mean - 1.0 / root, root / (x * x)
    s, t, u = a * r, b * r, q * r
    # of log r: −α times the derivative of α, less that of the side's logarithm
    alpha_mean, half = -root / (mean * mean), 0.5 / shape
    of_mean, of_shape = -alpha * alpha_mean - s, -alpha * alpha * half - t
    beta_shape = beta * half
    side = Jet(
        log_density + jnp.log(total),
        (s, t, u),
        (
            -2.0 * s / mean - by_mean * drop * alpha_mean * r + s * of_mean,
            s / shape - by_mean * drop * beta_shape * r + s * of_shape,
            (half / root - 2.0 * drop * beta_shape / mean) * r + t * of_shape,
            u * of_mean,
            u * (half + of_shape),
            u * (-(1.5 + 0.5 * alpha * beta) / x - u),
        ),
    )
    other = side.complement()
    return choose(lower, side, other), choose(lower, other, side)


def log_inverse_gaussian_sides(
    mean: jax.Array, shape: jax.Array, x: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """Return the log-cdf and the log-survival, within a pass of one evaluation."""
    if within_pass():
        cdf, survival = by_jets(log_inverse_gaussian_jets, mean, shape, x)
        return cdf, survival
    return _cdf(mean, shape, x), _survival(mean, shape, x)


def log_inverse_gaussian_cdf(
    mean: jax.typing.ArrayLike, shape: jax.typing.ArrayLike, x: jax.typing.ArrayLike
) -> jax.Array:
    """Return ln P(X ≤ x) for X inverse Gaussian with the given mean and shape λ, x > 0."""
    dtype = jnp.result_type(float, mean, shape, x)
    return _cdf(jnp.asarray(mean, dtype), jnp.asarray(shape, dtype), jnp.asarray(x, dtype))


def log_inverse_gaussian_survival(
    mean: jax.typing.ArrayLike, shape: jax.typing.ArrayLike, x: jax.typing.ArrayLike
) -> jax.Array:
    """Return ln P(X > x) for X inverse Gaussian with the given mean and shape λ, x > 0."""
    dtype = jnp.result_type(float, mean, shape, x)
    return _survival(jnp.asarray(mean, dtype), jnp.asarray(shape, dtype), jnp.asarray(x, dtype))
