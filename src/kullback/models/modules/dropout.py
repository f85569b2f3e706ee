"""Dropout with random bytes drawn four at a time: drawn singly they cost as much as a layer.

JAX draws 32 random bits for every byte. For 256 units and 256 rows single bytes take 0.28 ms on a
CPU, and words of four bytes 0.09 ms.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Array


def dropped(units: Array, share: float, key: Any) -> Array:
    """Set a share of units to zero at random, and scale the others so that the mean stays.

    Args:
        units: shape (rows, units).
        share: below 1; rounded to a multiple of 1/256.
        key: a JAX random key, a different one for each layer and step.
    """
    zeros = round(share * 256)
    kept = random_bytes(key, units.shape) >= zeros
    return jnp.where(kept, units * (256 / (256 - zeros)), 0.0)


def random_bytes(key: Any, shape: tuple[int, ...]) -> Array:
    """Return uniform random bytes for a JAX random key."""
    size = int(np.prod(shape))
    words = jax.random.bits(key, (-(-size // 4),), jnp.uint32)
    drawn: Array = jax.lax.bitcast_convert_type(words, jnp.uint8)
    return drawn.reshape(-1)[:size].reshape(shape)
