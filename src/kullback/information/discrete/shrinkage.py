"""Entropy of shares shrunk towards the uniform distribution (James–Stein)."""

from __future__ import annotations

import numpy as np

from kullback._core.arrays import Vector
from kullback.information.discrete.jackknife import CountGroups, LeaveOneOut

# Up to this many groups the double sum over counts and left-out counts is computed directly.
_FEW = 12


def shrinkage(groups: CountGroups, support: float | None = None) -> LeaveOneOut:
    """Entropy of shares shrunk towards 1/K (Hausser & Strimmer 2009).

    q_i = λ/K + (1 − λ) n_i/n with λ = (1 − Σ p̂²) / ((n − 1) Σ (1/K − p̂)²), at most 1. Without a
    known number of symbols, K is the number observed; the jackknife leaves it as it is.
    """
    counts, matrix = groups.counts.astype(np.float64), groups.symbols
    n, observed = groups.summary.rows, groups.summary.symbols
    squares = groups.sum(counts * counts)
    symbols = observed if support is None else np.full(len(n), support)
    unseen = symbols - observed
    lam = _intensity(squares, n, symbols)
    target = 1.0 / symbols
    shares = counts / n[:, None]
    q = (lam * target)[:, None] + (1.0 - lam)[:, None] * shares
    value = groups.sum(_entropy_term(q)) + unseen * _entropy_term(lam * target)

    rest = np.maximum(n - 1.0, 1.0)[:, None]
    # λ when one row of a symbol seen j times is left out, for each j
    left = _intensity(squares[:, None] - 2.0 * counts + 1.0, rest, symbols[:, None])
    left = np.where(matrix > 0.0, left, lam[:, None])  # a count that the sample does not have
    base = left * target[:, None]
    sums = _shrunk_sums(counts / rest, matrix, left, target[:, None])
    own = base + (1.0 - left) * (counts / rest)
    fewer = base + (1.0 - left) * ((counts - 1.0) / rest)
    without = sums + unseen[:, None] * _entropy_term(base)
    without += _entropy_term(fewer) - _entropy_term(own)
    return LeaveOneOut(value, without)


def _intensity(squares: Vector, n: Vector, symbols: Vector) -> Vector:
    """λ from Σ n_i²; 1 where the shares are equal to the target, or there is one row."""
    spread = (n - 1.0) * (squares / (n * n) - 1.0 / symbols)
    excess = 1.0 - squares / (n * n)
    # λ above 1 would shrink beyond the target (they stop there); both are 0 at K = 1
    return np.where(excess < spread, excess / np.where(spread > 0.0, spread, 1.0), 1.0)


def _entropy_term(q: Vector) -> Vector:
    """−q log q, 0 at q = 0."""
    return -q * np.log(np.where(q > 0.0, q, 1.0))


def _shrunk_sums(shares: Vector, matrix: Vector, lam: Vector, target: Vector) -> Vector:
    """Σ −q log q over the symbols at every λ of a sample, q = λ/K + (1 − λ) p; shape as `lam`."""
    if lam.shape[1] <= _FEW:
        q = (lam * target)[:, :, None] + (1.0 - lam)[:, :, None] * shares[:, None, :]
        sums: Vector = np.einsum("sj,skj->sk", matrix, _entropy_term(q))
        return sums
    # λ hardly depends on which row is left out, by a share of 1/n or 2 max p: eight terms of a
    # Taylor series around its middle leave less than 1e-7 of the change.
    middle = 0.5 * (lam.min(axis=1) + lam.max(axis=1))[:, None]
    slope = target - shares
    q = middle * target + (1.0 - middle) * shares
    logs = np.log(q)
    weighted = matrix * slope
    derivatives = [
        -np.einsum("sj,sj,sj->s", matrix, q, logs),
        -np.einsum("sj,sj->s", weighted, logs + 1.0),
    ]
    ratio = slope / q
    for order in range(2, 9):  # −(−1)^k s^k q^(1 − k) / (k (k − 1))
        weighted *= ratio if order == 2 else -ratio
        derivatives.append(-np.sum(weighted, axis=1) / (order * (order - 1)))
    step = lam - middle
    result = np.zeros_like(lam)
    for derivative in reversed(derivatives):
        result = result * step + derivative[:, None]
    return result
