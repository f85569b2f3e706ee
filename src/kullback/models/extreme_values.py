"""The reduced variable, tails and starting values that the extreme value distributions share."""

from __future__ import annotations

import math

import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Array, Vector
from kullback.models.caution import Caution
from kullback.models.starting_values import start_scale
from kullback.special.constants import EULER_GAMMA, LOG_TWO
from kullback.special.numerics import log, reciprocal
from kullback.special.smooth import (
    expm1_over,
    log1p_scaled,
    log_complement,
)


def reduced(shape: Array, z: Array) -> tuple[Array, Array]:
    """Compute y = log(1 + shape·z)/shape (z at shape zero), and whether 1 + shape·z > 0.

    Where it is not, the row is impossible and y is that of z = 0, so that derivatives stay finite.
    """
    possible = 1.0 + shape * z > 0.0
    z = jnp.where(possible, z, 0.0)
    # Through zero the smooth form; away from it the quotient, whose derivatives hold for any z.
    near = jnp.abs(shape * z) < 0.25
    smooth = log1p_scaled(shape, jnp.where(near, z, 0.0))
    divisor = jnp.where(near, 1.0, shape)
    quotient = log(1.0 + divisor * jnp.where(near, 0.0, z)) * reciprocal(divisor)
    return jnp.where(near, smooth, quotient), possible


def log_cdf_of_maximum(y: Array) -> Array:
    """Log F(y) = −e^−y of the standard Gumbel distribution."""
    return -jnp.exp(-y)


def log_survival_of_maximum(y: Array) -> Array:
    """log(1 − exp(−e^−y)): −y − e^−y/2 + ... in the upper tail, where e^−y may underflow."""
    # from y = −7 down it is −exp(−1096) at most, zero as a double
    upper, lower = y > 0.0, (y > -7.0) & (y <= 0.0)
    hazard = jnp.exp(-jnp.where(upper, y, 0.0))
    above = jnp.log(expm1_over(-hazard)) - y
    below = log_complement(jnp.exp(-jnp.exp(-jnp.where(lower, y, 0.0))))
    return jnp.where(upper, above, jnp.where(lower, below, 0.0))


# A start must give every row a finite density, with a margin for rows outside the subsample: the
# smallest row's reduced variable is kept above −log of this.
_LARGEST_HAZARD = 50.0

# Beyond ±0.5 the L-moments of the generalised extreme value and Pareto distributions say little,
# and below −1 their likelihoods are unbounded; a start stays away from both.
STEEPEST = 0.45


def possible_start(
    loc: float, scale: float, shape: float, low: float, high: float
) -> dict[str, float]:
    """Widen the scale until the density is well above zero between ``low`` and ``high``."""
    y = -math.log(_LARGEST_HAZARD)
    below = math.expm1(shape * y) / shape if shape else y
    scale = max(scale, (loc - low) / -below)
    if shape < 0.0:
        scale = max(scale, 1.1 * -shape * (high - loc))  # a tenth beyond the largest row
    return {"loc": loc, "scale": scale, "shape": shape}


def maxima_start(
    values: Vector, weights: Vector, moments: tuple[float, float, float], shape: float
) -> dict[str, float]:
    """Match the first two L-moments at a given shape (Hosking, 1990, table 2)."""
    first, second, _ = moments
    gain = math.gamma(1.0 - shape)
    if abs(shape) < 1e-3:  # for a start the limit is close enough
        unit, shift = LOG_TWO, EULER_GAMMA
    else:
        unit, shift = gain * math.expm1(shape * LOG_TWO) / shape, (gain - 1.0) / shape
    weighted = values[weights > 0.0]
    scale = start_scale(first, second / unit)
    low, high = float(np.min(weighted)), float(np.max(weighted))
    return possible_start(first - scale * shift, scale, shape, low, high)


def shape_caution(shape: float) -> Caution | None:
    """Return the caution for a shape below −1 (unbounded likelihood) or −1/2, or None."""
    # a search towards −1 may stop just above it, where the upper end meets the largest row
    if shape < -1.0 or -1.0 < shape < -1.0 + 1e-6:
        return Caution(
            "The shape fell below −1, where the likelihood is unbounded: it grows without limit as "
            "the upper end of the support approaches the largest observation. Bound the shape "
            "where estimates are regular, shape=kl.Param(lower=-0.5), or take another family.",
            no_maximum=True,
        )
    if shape < -0.5:
        return Caution(
            f"With shape {shape:.3g} < −1/2 the problem is irregular: the estimate is not "
            f"asymptotically normal (R. L. Smith, 1985), and standard errors from the curvature "
            f"are not valid."
        )
    return None


def end_of_support(loc: Array, scale: Array, shape: Array) -> Array:
    """Return the x where 1 + shape·z is zero."""
    return loc - scale / jnp.where(shape == 0.0, 1.0, shape)
