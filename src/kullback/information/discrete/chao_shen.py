"""Chao and Shen's estimate of entropy, which allows for symbols that were not observed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kullback._core.arrays import Vector
from kullback.information.discrete.jackknife import CountGroups, LeaveOneOut


def chao_shen(groups: CountGroups, support: float | None = None) -> LeaveOneOut:  # noqa: ARG001
    """Chao & Shen (2003): −Σ p̃ log p̃ / (1 − (1 − p̃)^n), with p̃ = C n_i/n.

    C = 1 − f_1/n is the share of the distribution that the sample covers (Good 1953, Turing), f_1
    the number of symbols seen once. Where all were seen once, C = 1/n is taken instead of 0.
    """
    counts, n, once = groups.counts, groups.summary.rows, groups.summary.singletons
    # Samples with the same n and f_1 have the same terms, and there are few such pairs.
    pairs, kinds = np.unique(np.column_stack([n, once]), axis=0, return_inverse=True)
    columns = int(counts.max()) + 1
    shared = len(pairs) * columns < counts.size
    places = kinds.reshape(-1, 1) * columns + counts if shared else counts
    count = np.arange(columns)[None, :] if shared else counts
    n, once = (pairs if shared else np.column_stack([n, once])).T[:, :, None]

    def at_counts(table: Vector) -> Vector:
        return table.take(places) if shared else table

    value = groups.sum(at_counts(_terms(count, n, once)))
    rest = np.maximum(n - 1.0, 1.0)
    # A row that is left out changes f_1 where its symbol was seen once or twice.
    same = _terms(count, rest, once)
    fewer = _terms(count, rest, np.maximum(once - 1.0, 0.0)) - same
    more = _terms(count, rest, once + 1.0) - same
    without = _terms(count - 1, rest, once) - same
    np.copyto(without, -fewer - same, where=count == 1)
    np.copyto(without, _terms(1, rest, once + 1.0) - more - same, where=count == 2)
    without = at_counts(without)
    for change, at in ((fewer, counts == 1), (more, counts == 2)):
        without += groups.sum(at_counts(change))[:, None] * at
    return LeaveOneOut(value, without)


def _terms(counts: NDArray[np.int64] | int, n: Vector, once: Vector) -> Vector:
    """−p̃ log p̃ / (1 − (1 − p̃)^n) for each count; 0 for a count of 0, and for one above n."""
    coverage = 1.0 - np.where(once < n, once, n - 1.0) / n
    p = coverage * (counts / n)
    possible = (p > 0.0) & (p <= 1.0)  # other samples may hold counts above this one's n
    positive = np.where(possible, p, 1.0)
    with np.errstate(divide="ignore"):  # p̃ = 1: it was surely seen
        observed = -np.expm1(n * np.log1p(-positive))
    return np.where(possible, -positive * np.log(positive) / observed, 0.0)
