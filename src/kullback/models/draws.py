"""The random numbers of a seed, in blocks of rows that may be drawn in any order.

Every block of a seed has a stream of its own: NumPy's Philox generator (J. K. Salmon et al., 2011,
"Parallel random numbers: as easy as 1, 2, 3"), which computes its numbers from a key and a counter,
with the seed as the key and the block's place as the highest word of the counter. A block is always
drawn whole, so that a sample is the beginning of every longer one of the same seed, bit for bit.
"""

from __future__ import annotations

import math
import secrets
from typing import Any

import jax
import numpy as np

from kullback._core.arrays import Vector
from kullback._core.domains import Interval
from kullback._core.errors import ModelError
from kullback.models.evaluation import SMALLEST

# The rows of a block: a stream takes 10 µs, as much as 1,000 normal draws.
BLOCK = 4_096


def key_of(seed: Any) -> int:
    """Return the key of a seed's streams; a random one for None.

    Raises:
        ModelError: for what is not a seed.
    """
    if seed is None:
        return secrets.randbits(63)
    if isinstance(seed, int | np.integer) and not isinstance(seed, bool):
        if not 0 <= seed < 2**63:
            raise ModelError(f"seed must lie in [0, 2**63), got {seed}.")
        return int(seed)
    if isinstance(seed, jax.Array) and seed.ndim == 0:
        words: list[int] = np.asarray(jax.random.key_data(seed)).tolist()
        return sum(word << (32 * place) for place, word in enumerate(reversed(words)))
    raise ModelError(f"seed must be an integer, a JAX random key or None, got {seed!r}.")


def stream(key: int, block: int) -> np.random.Generator:
    """Return the random numbers of a block."""
    return np.random.Generator(np.random.Philox(key=key, counter=[0, 0, 0, block]))


def inner_uniforms(generator: np.random.Generator, shape: tuple[int, ...]) -> Vector:
    """Draw numbers in (0, 1) that come as near to 1 as to 0: an end has no finite quantile."""
    cells = np.floor(generator.random(shape) * 2.0**52)
    return (cells + 0.5) * 2.0**-52  # both exact


def rounded_inside(x: Vector, support: Interval) -> Vector:
    """Return draws without those that were rounded to a finite end that the support leaves out.

    They become the nearest double inside (above 0, the smallest that has all its digits). What is
    beyond the largest double stays infinite.
    """
    if support.whole:
        return x
    if support.lower == 0.0:
        x = np.where(x < SMALLEST, 0.0 if support.holds_lower else SMALLEST, x)
    elif math.isfinite(support.lower) and not support.holds_lower:
        x = np.maximum(x, np.nextafter(support.lower, math.inf))
    if math.isfinite(support.upper) and not support.holds_upper:
        x = np.minimum(x, np.nextafter(support.upper, -math.inf))
    return x
