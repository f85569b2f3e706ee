"""Chao and Shen's estimates of many samples at once, whose terms are looked up.

The terms depend on the count and, of the sample, on its rows n and the symbols f_1 that were seen
once. There are few such pairs where samples are of one size.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kullback._core.arrays import Vector
from kullback.information.discrete.batched.cell_sums import (
    CellSums,
    longest_table,
    no_functions,
    sums_by_kind,
)
from kullback.information.discrete.jackknife import coverage_terms_of_pairs


def chao_shen_of_many(counts: NDArray[Any]) -> tuple[Vector, Vector, CellSums] | None:
    """Estimate the entropies of many samples, with the jackknife's variances.

    Args:
        counts: integers, shape (samples, symbols).

    Returns:
        Values, variances and what was seen; None where this is not the way to them (see
        `CellSums.of`), the samples have too many different sizes, or one has no rows.
    """
    found = CellSums.of(counts, no_functions)
    if found is None or not found.sizes.all():
        return None
    pairs, kinds = np.unique(found.sizes + 1j * found.once, return_inverse=True)
    top = int(counts.max())
    if pairs.size * (top + 1) > longest_table(counts):
        return None
    n, once = pairs.real, pairs.imag
    rest = np.where(n > 1.0, n - 1.0, 1.0)
    count = np.arange(1.0, top + 1.0)[None, :]
    value = coverage_terms_of_pairs(count, n, once)
    # One row that is left out changes f_1 where its symbol was seen once or twice.
    same = coverage_terms_of_pairs(count, rest, once)
    fewer = coverage_terms_of_pairs(count, rest, np.where(once > 0.0, once - 1.0, 0.0))
    more = coverage_terms_of_pairs(count, rest, once + 1.0)
    step = np.diff(same, axis=1, prepend=0.0)
    step = np.where(count > 2.0, -step, 0.0)
    table = np.stack(
        [
            value,
            fewer - same,
            more - same,
            count * step,
            count * step * step,
            np.broadcast_to(count == 2.0, same.shape),
        ]
    )
    values, less, gain, steps, squares, twice = sums_by_kind(counts, table, kinds).T
    # The changes of the estimate, from the sum of the terms `same` on.
    less -= fewer[kinds, 0]
    gain += more[kinds, 0] - (more[kinds, 1] if top > 1 else 0.0)
    weights = (found.once, 2.0 * twice)
    mean = (steps + weights[0] * less + weights[1] * gain) / found.sizes
    spread = (squares + weights[0] * less * less + weights[1] * gain * gain) / found.sizes
    spread -= mean * mean
    # rounding makes of equal changes a small negative number
    spread = np.where(spread > 0.0, spread, 0.0)
    variance = np.where(found.sizes > 1.0, (found.sizes - 1.0) * spread, np.nan)
    return values, variance, found
