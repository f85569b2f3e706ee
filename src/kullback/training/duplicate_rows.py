"""Duplicate rows of a table: copies have to be held out together.

A network that was trained on a row's copies has memorised its label: of 400 rows repeated ten
times, held-out rows cost 0.0003 nats where new rows cost more than the baseline.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from kullback._core.arrays import Vector
from kullback.data.sample import ArraySample

# Equal rows count as copies from this share of rows that repeat an earlier one.
_LEAST_COPIED = 0.05
# Whole or rounded numbers repeat by chance, and then so may rows; not so where some column has a
# unique value in at least this share of the distinct rows.
_LEAST_UNIQUE = 0.9


def originals(sample: ArraySample, rows: Any) -> Any:
    """Find, for each of some rows, the first of these rows that it is a copy of.

    Args:
        sample: the sample.
        rows: indices of the rows to compare, shape (n,).

    Returns:
        Positions in ``rows``, shape (n,): a row's own position where it is not a copy, or where
        equal rows may be chance.
    """
    columns = {name: values[rows] for name, values in sample.fields.items()}
    _, first, group = np.unique(
        _row_hashes(list(columns.values())), return_index=True, return_inverse=True
    )
    own = np.arange(len(rows))
    covariates = [values for name, values in columns.items() if name not in sample.kind.fields]
    if not covariates or first.size > (1.0 - _LEAST_COPIED) * own.size:
        return own
    # for each distinct row, whether its value is unique in the column with the most unique values
    unique = max((_occurs_once(values[first]) for values in covariates), key=np.count_nonzero)
    original = np.where(unique[group], first[group], own)
    many = np.count_nonzero(original != own) >= _LEAST_COPIED * own.size
    return original if many and unique.mean() > _LEAST_UNIQUE else own


def _occurs_once(values: Vector) -> Any:
    """Whether each value occurs only once in a column, and is not missing."""
    _, position, count = np.unique(values, return_inverse=True, return_counts=True)
    return (count[position] == 1) & ~np.isnan(values)


def _row_hashes(columns: list[Vector]) -> Any:
    """A hash of 64 bits for each row: equal for equal rows, and hardly ever for others."""
    rng = np.random.default_rng(0)
    hashes = np.zeros(len(columns[0]), dtype=np.uint64)
    for column in columns:
        bits = np.ascontiguousarray(column + 0.0).view(np.uint64)  # −0 is 0
        factor = rng.integers(0, 1 << 63, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
        hashes = (hashes ^ bits) * factor
        hashes ^= hashes >> np.uint64(32)
    return hashes
