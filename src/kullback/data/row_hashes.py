"""Hashes of row numbers: pseudo-random numbers that do not depend on how rows are read."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

# The steps of SplitMix64, an odd number near 2^64 divided by the golden ratio.
_GOLDEN = 0x9E3779B97F4A7C15


def mixed(numbers: NDArray[Any]) -> NDArray[np.uint64]:
    """Return 64 pseudo-random bits for each whole number.

    The mixing function of SplitMix64: G. L. Steele, D. Lea, C. H. Flood (2014).
    """
    z = (numbers.astype(np.uint64) + np.uint64(1)) * np.uint64(_GOLDEN)
    z ^= z >> np.uint64(30)
    z *= np.uint64(0xBF58476D1CE4E5B9)
    z ^= z >> np.uint64(27)
    z *= np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    return z
