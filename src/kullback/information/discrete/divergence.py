"""Relative entropy between two samples of symbols, from their counts."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from kullback._core.arrays import Vector
from kullback.information.discrete.counts import SymbolCounts
from kullback.information.neighbours.entropy import NeighbourEstimate, negative_value

# How many symbols a message names.
_SHOWN = 3


def divergence_of_counts(p: SymbolCounts, q: SymbolCounts) -> NeighbourEstimate:
    """Relative entropy of the observed shares, Σ p log(p/q), less its bias of first order.

    With n rows of p, m rows of q and K symbols the plug-in value is too high by about
    (K − 1)/(2n) + (Σ p/q − 1)/(2m). The variance is the delta method's, Var_p(log p/q)/n +
    Var_q(p/q)/m, and that of second order where p = q, (K − 1)(1/n + 1/m)²/2.

    Args:
        p: counts of p.
        q: counts of q.

    Returns:
        The estimate in nats; +∞, with the symbols named, where p has some that q lacks.
    """
    symbols, counts = aligned(p, q)
    method = "plug-in, less its bias of first order"
    sentence = never_in_q(symbols, counts)
    if sentence is not None:
        return NeighbourEstimate(math.inf, math.nan, method, (sentence,))
    (n, m), (a, b) = counts.sum(axis=1), counts / counts.sum(axis=1, keepdims=True)
    seen = a > 0.0
    ratio = np.divide(a, b, out=np.zeros_like(a), where=b > 0.0)
    log_ratio = np.log(ratio[seen])
    value = float(a[seen] @ log_ratio)
    bias = (np.count_nonzero(seen) - 1) / (2.0 * n) + (float(ratio.sum()) - 1.0) / (2.0 * m)
    of_p = float(a[seen] @ (log_ratio - value) ** 2) / n
    of_q = float(b @ (ratio - 1.0) ** 2) / m
    # near p = q the first order vanishes, and the remainder is chi-squared
    second = 0.5 * (np.count_nonzero(seen) - 1) * (1.0 / n + 1.0 / m) ** 2
    stderr = math.sqrt(of_p + of_q + second)
    corrected = float(value - bias)
    notes = ["rows are independent draws, and every value of p has positive probability under q"]
    notes += negative_value(corrected, stderr, "a relative entropy")
    return NeighbourEstimate(corrected, stderr, method, tuple(notes))


def aligned(p: SymbolCounts, q: SymbolCounts) -> tuple[list[Any], Vector]:
    """Return the symbols of both samples, and their counts in p and in q, shape (2, symbols)."""
    symbols = sorted({*p.symbols.tolist(), *q.symbols.tolist()}, key=lambda s: (str(type(s)), s))
    positions = {symbol: i for i, symbol in enumerate(symbols)}
    counts = np.zeros((2, len(symbols)))
    for row, own in zip(counts, (p, q), strict=True):
        row[[positions[symbol] for symbol in own.symbols.tolist()]] = own.counts
    return symbols, counts


def never_in_q(symbols: list[Any], counts: Vector) -> str | None:
    """Name the symbols that were seen in p and never in q, the most frequent first, if any."""
    unseen = np.flatnonzero((counts[0] > 0.0) & (counts[1] == 0.0))
    if not unseen.size:
        return None
    unseen = unseen[np.argsort(-counts[0][unseen], kind="stable")]
    named = ", ".join(repr(symbols[i]) for i in unseen[:_SHOWN])
    more = "" if unseen.size <= _SHOWN else f" and {unseen.size - _SHOWN} more"
    return f"{named}{more} {'was' if unseen.size == 1 else 'were'} seen in p and never in q"
