"""Distribution functions from cumulative hazards, and Gompertz's hazard."""

from __future__ import annotations

import math

import jax.numpy as jnp

from kullback._core.arrays import Array
from kullback.special.numerics import reciprocal
from kullback.special.smooth import expm1_over, expm1_scaled


def log_cdf_of_hazard(hazard: Array, log_hazard: Array) -> Array:
    """Compute log(1 − exp(−H)) from a cumulative hazard H and its logarithm.

    For small H it is log H + log((1 − e^−H)/H), which is right even where H underflows.
    """
    small = hazard < 1.0
    near = log_hazard + jnp.log(expm1_over(-jnp.where(small, hazard, 0.0)))
    return jnp.where(small, near, jnp.log1p(-jnp.exp(-jnp.where(small, 1.0, hazard))))


def gompertz_hazard(x: Array, shape: Array, rate: Array) -> Array:
    """Compute rate (e^(shape x) − 1)/shape, also where the exponential overflows.

    There e^600 multiplies the rate, which is small if the outcome is possible at all; the −1 is
    then a relative e^−100.
    """
    large = shape * x > 700.0
    shift = jnp.where(large, 600.0 * reciprocal(jnp.where(large, shape, 1.0)), 0.0)
    return rate * jnp.where(large, math.exp(600.0), 1.0) * expm1_scaled(shape, x - shift)
