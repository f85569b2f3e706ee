"""The logistic function and the logarithms around it, to relative precision at both ends."""

from __future__ import annotations

import jax.numpy as jnp

from kullback._core.arrays import Array
from kullback.special.numerics import reciprocal
from kullback.special.partials import with_partials


def _logistic_slope(z: Array) -> Array:
    e = jnp.exp(-jnp.abs(z))
    r = reciprocal(1.0 + e)
    return e * r * r


@with_partials(_logistic_slope)
def logistic(z: Array) -> Array:
    """Compute 1/(1 + e^−z)."""
    e = jnp.exp(-jnp.abs(z))
    r = reciprocal(1.0 + e)
    return jnp.where(z < 0.0, e * r, r)


@with_partials(logistic)
def softplus(z: Array) -> Array:
    """Compute log(1 + e^z) to relative precision, with derivatives that are right at 0."""
    return jnp.maximum(z, 0.0) + jnp.log1p(jnp.exp(-jnp.abs(z)))


def log_softplus(z: Array) -> Array:
    """Compute log(log(1 + e^z)), also where e^z underflows."""
    low = z < -37.0  # here it is z − e^z/2 + ..., which is z to the last digit
    return jnp.where(low, z, jnp.log(softplus(jnp.where(low, 0.0, z))))
