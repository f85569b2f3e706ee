"""Poisson weights of bootstrap replicates, hashed from the seed, the row and the replicate.

A replicate observes each row a Poisson number of times, of mean one: J. A. Hanley and
B. MacGibbon (2006), "Creating non-parametric bootstrap samples using Poisson frequencies". A row
of weight w stands for w equal rows, whose numbers add up to a Poisson number of mean w.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from kullback._core.errors import DataError
from kullback.data.row_hashes import mixed
from kullback.data.sample import Floats, Integers

# Up to so many thresholds each is compared with all numbers, which is faster than a search.
_COMPARED = 24

# A table of thresholds grows with the root of the weight: up to this weight it has 2^20 entries.
_MOST_WEIGHT = 2.0**31


@final
class PoissonWeights:
    """The weights of all replicates.

    Args:
        seed: of the hash.
    """

    def __init__(self, seed: int) -> None:
        self._seed = mixed(np.array([seed % 2**64], dtype=np.uint64))

    def of(self, rows: Integers, weight: Floats | None, replicates: Integers) -> NDArray[Any]:
        """Return the weights of some rows in some replicates, shape (rows, replicates).

        Args:
            rows: the rows' numbers in the data.
            weight: their weights; None where all are one.
            replicates: the replicates' numbers.

        Raises:
            DataError: for a weight beyond 2^31.
        """
        own = mixed(mixed(rows) ^ self._seed)
        pairs, place = np.unique(replicates // 2, return_inverse=True)
        # 64 bits are the numbers of two replicates, the lower half that of the even one
        bits = mixed(own[:, None] ^ mixed(pairs)[None, :])
        halves = bits.astype("<u8", copy=False).view("<u4")
        at = 2 * place + replicates % 2
        if at.size != halves.shape[1] or not np.array_equal(at, np.arange(at.size)):
            halves = halves[:, at]
        if weight is None or bool(np.all(weight == 1.0)):
            return _counts(halves, 1.0)
        out = np.empty(halves.shape)
        for value in np.unique(weight).tolist():
            where = np.flatnonzero(weight == value)
            out[where] = _counts(halves[where], value)
        return out


def _counts(uniform: NDArray[np.uint32], mean: float) -> NDArray[Any]:
    """Return Poisson numbers from whole numbers that are uniform below 2^32."""
    if mean == 0.0:
        return np.zeros(uniform.shape, dtype=np.uint8)
    least, thresholds = _thresholds(mean)
    if thresholds.size > _COMPARED:
        counts: NDArray[Any] = least + np.searchsorted(thresholds, uniform, side="right")
        return counts
    few = np.full(uniform.shape, least, dtype=np.uint8)
    for threshold in thresholds:
        few += uniform >= threshold
    return few


@lru_cache(maxsize=1024)
def _thresholds(mean: float) -> tuple[int, NDArray[np.uint32]]:
    """Return the least number, and 2^32 P(X ≤ k) of it and of those after it."""
    if mean > _MOST_WEIGHT:
        raise DataError(
            f"a row has weight {mean!r}, more than 2^31, and weights count how often a row was "
            "observed: measure them in a larger unit for a bootstrap."
        )
    spread = 9.0 * mean**0.5 + 30.0  # beyond these the probability is below 2^-53
    least = max(int(mean - spread), 0)
    k = np.arange(least, int(mean + spread) + 1)
    logs = np.concatenate([[0.0], np.cumsum(np.log(mean / k[1:]))])  # log p(k)/p(least)
    cumulative = np.cumsum(np.exp(logs - logs.max()))
    scaled = np.rint(cumulative / cumulative[-1] * 2.0**32)
    first = int(np.searchsorted(scaled, 0.0, side="right"))
    kept = scaled[first : int(np.searchsorted(scaled, 2.0**32))]
    return least + first, kept.astype(np.uint32)
