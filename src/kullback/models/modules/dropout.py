"""Dropout whose random bytes are drawn by the word: drawn by the byte they cost as much as a layer.

JAX draws a word of 32 bits for every byte that is asked for. Of a layer of 256 units and 256 rows
the bytes take 0.28 ms on a CPU, and their words, asked for as such, 0.09 ms.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Array


def dropped(units: Array, share: float, key: Any) -> Array:
    """Set a share of units to zero at random, and stretch the others so that the mean stays.

    Args:
        units: shape (rows, units).
        share: below 1; taken to the nearest 256th.
        key: a random key of JAX, another one for each layer and step.
    """
    zeros = round(share * 256)
    kept = random_bytes(key, units.shape) >= zeros
    return jnp.where(kept, units * (256 / (256 - zeros)), 0.0)


def random_bytes(key: Any, shape: tuple[int, ...]) -> Array:
    """Bytes, each as likely as another, from a key of JAX."""
    size = int(np.prod(shape))
    words = jax.random.bits(key, (-(-size // 4),), jnp.uint32)
    drawn: Array = jax.lax.bitcast_convert_type(words, jnp.uint8)
    return drawn.reshape(-1)[:size].reshape(shape)
