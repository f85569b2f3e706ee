"""Entropy estimates from fingerprints, each with its value when any one row is left out.

All rows of a symbol seen j times leave the same value behind them, so the n values of the jackknife
are one for each distinct count, and they come from the sums that the estimate itself needs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias, final

import numpy as np

from kullback._core.arrays import Vector
from kullback.information.discrete.batched.plug_in import (
    grassberger_logarithm,
    miller_madow_step,
    plug_in_step,
)
from kullback.information.discrete.fingerprint import Fingerprint

# Samples × distinct counts that are worked on together: each such array then takes 256 KiB, and the
# dozen of them that a formula needs stay near a core.
_CELLS = 1 << 15
# Up to this many distinct counts the double sum over counts and left-out counts is done as it is.
_FEW = 12


@final
@dataclass(frozen=True, eq=False)
class LeftOut:
    """Estimates, and how they change when one row is left out.

    Attributes:
        value: the estimate of each sample, in nats, shape (samples,).
        without: the estimate without one row of a symbol that has the count of `prints.cells()`, up
            to a constant of the sample; shape (samples or 1, columns). Only its spread is used.
        scale: the factor of `without`, shape (samples,): it keeps the spread apart from n.
    """

    value: Vector
    without: Vector
    scale: Vector

    def variance(self, prints: Fingerprint) -> Vector:
        """The jackknife's variance, (n − 1)/n Σ (T_(i) − mean T)²; NaN for a sample of one row."""
        counts, matrix = prints.cells()
        n = prints.sizes
        if self.without.shape[0] == 1:  # two matrix products; centred, so that squares are small
            table = self.without[0]
            table = table - np.median(table)
            rows = counts[0]
            mean = (matrix @ (rows * table)) / n
            spread = (matrix @ (rows * table * table)) / n - mean * mean
        else:
            weights = matrix * counts
            mean = np.einsum("sj,sj->s", weights, self.without) / n
            centred = self.without - mean[:, None]
            spread = np.einsum("sj,sj->s", weights, centred * centred) / n
        # rounding makes of equal changes a small negative number
        spread = np.where(spread > 0.0, spread, 0.0)
        return np.where(n > 1.0, (n - 1.0) * self.scale * self.scale * spread, np.nan)


Method: TypeAlias = Callable[[Fingerprint, float | None], LeftOut]


def plug_in(prints: Fingerprint, support: float | None = None) -> LeftOut:  # noqa: ARG001
    """The entropy of the observed shares: log n − Σ n_i log n_i / n."""
    count = prints.values
    return _additive(prints, np.log(count), plug_in_step(count))


def miller_madow(prints: Fingerprint, support: float | None = None) -> LeftOut:
    """The plug-in estimate plus (k − 1)/(2n), with k symbols seen (Miller 1955)."""
    step = miller_madow_step(prints.values)
    plain = plug_in(prints, support)
    correction = (prints.seen - 1.0) / (2.0 * prints.sizes)
    return LeftOut(plain.value + correction, _on_cells(prints, step), plain.scale)


def grassberger(prints: Fingerprint, support: float | None = None) -> LeftOut:  # noqa: ARG001
    """Grassberger (2003): log n − Σ n_i G(n_i) / n."""
    count = prints.values
    g = grassberger_logarithm(count)
    # j G(j) − (j − 1) G(j − 1): G grows at even j only, by 2/(j − 1)
    return _additive(prints, g, g + np.where(count % 2.0 == 0.0, 2.0, 0.0))


def _additive(prints: Fingerprint, logarithm: Vector, step: Vector) -> LeftOut:
    """The form log n − Σ n_i L(n_i) / n; `step` is j L(j) − (j − 1) L(j − 1).

    Without a row of a symbol seen j times it is log(n − 1) − (Σ n_i L(n_i) − step(j)) / (n − 1).
    """
    n = prints.sizes
    value = np.log(n) - prints.sum(prints.values * logarithm) / n
    scale = 1.0 / np.where(n > 1.0, n - 1.0, np.nan)
    return LeftOut(value, _on_cells(prints, step), scale)


def _on_cells(prints: Fingerprint, table: Vector) -> Vector:
    """A function of the count, on the columns of `prints.cells()`."""
    return table[None, :] if prints.codes is None else table[prints.codes]


# ---- Chao & Shen ------------------------------------------------------------------------------


def chao_shen(prints: Fingerprint, support: float | None = None) -> LeftOut:  # noqa: ARG001
    """Chao & Shen (2003): −Σ p̃ log p̃ / (1 − (1 − p̃)^n), with p̃ = C n_i/n.

    C = 1 − f_1/n is the share of the distribution that the sample covers (Good 1953, Turing), f_1
    the number of symbols seen once. Where all were seen once, C = 1/n is taken instead of 0.
    """
    return _in_parts(prints, _chao_shen)


def _chao_shen(prints: Fingerprint) -> LeftOut:
    counts, matrix = prints.cells()
    n, once = prints.sizes, prints.count_of(1.0)
    value = np.einsum("sj,sj->s", matrix, _coverage_terms(counts, n, once))
    rest = np.where(n > 1.0, n - 1.0, 1.0)
    without = np.empty(matrix.shape)
    # The row that is left out changes f_1 where its symbol was seen once or twice.
    for change, here in ((0.0, counts > 2.0), (-1.0, counts == 1.0), (1.0, counts == 2.0)):
        if not here.any():
            continue
        left = np.where(once + change >= 0.0, once + change, 0.0)
        terms = _coverage_terms(counts, rest, left)
        column = here[0] if len(here) == 1 else slice(None)
        fewer = _coverage_terms(counts[:, column] - 1.0, rest, left)
        total = np.einsum("sj,sj->s", matrix, terms)
        replaced = total[:, None] - terms[:, column] + fewer
        if len(here) == 1:
            without[:, column] = replaced
        else:
            np.copyto(without, replaced, where=here)
    return LeftOut(value, without, np.ones(prints.samples))


def _coverage_terms(counts: Vector, n: Vector, once: Vector) -> Vector:
    """−p̃ log p̃ / (1 − (1 − p̃)^n); 0 for a count of 0. Shape (samples, columns of counts)."""
    if len(counts) == 1 and n.size > 1:
        # Samples with the same n and f_1 have the same terms, and there are few such pairs.
        pairs, inverse = np.unique(n + 1j * once, return_inverse=True)
        if 2 * pairs.size < n.size:
            return coverage_terms_of_pairs(counts, pairs.real, pairs.imag)[inverse]
    return coverage_terms_of_pairs(counts, n, once)


def coverage_terms_of_pairs(counts: Vector, n: Vector, once: Vector) -> Vector:
    """The terms for counts (1 or pairs, columns) with each pair of n and f_1; (pairs, columns)."""
    coverage = 1.0 - np.where(once < n, once, n - 1.0) / n
    if len(counts) > 1:
        return _coverage_formula(counts, n, coverage)
    # (1 − p̃)^n < e^(−C n_i): a count beyond 37/C was seen, to the last bit, and what is left is
    # −p̃ log p̃ = −(C/n) (n_i log(C/n) + n_i log n_i), a sum of products without a logarithm each
    often = counts[0] > 37.0 / float(coverage.min())
    result = np.empty((n.size, counts.shape[1]))
    result[:, ~often] = _coverage_formula(counts[:, ~often], n, coverage)
    factor, large = (coverage / n)[:, None], counts[:, often]
    result[:, often] = -factor * np.log(factor) * large - factor * (large * np.log(large))
    return result


def _coverage_formula(counts: Vector, n: Vector, coverage: Vector) -> Vector:
    p = coverage[:, None] * (counts / n[:, None])
    possible = (p > 0.0) & (p <= 1.0)  # other samples may hold counts above this one's n
    positive = np.where(possible, p, 1.0)
    with np.errstate(divide="ignore"):  # p̃ = 1: it was surely seen
        seen = -np.expm1(n[:, None] * np.log1p(-positive))
    return np.where(possible, -positive * np.log(positive) / seen, 0.0)


# ---- James–Stein shrinkage --------------------------------------------------------------------


def shrinkage(prints: Fingerprint, support: float | None = None) -> LeftOut:
    """Entropy of shares shrunk towards 1/K (Hausser & Strimmer 2009).

    q_i = λ/K + (1 − λ) n_i/n with λ = (1 − Σ p̂²) / ((n − 1) Σ (1/K − p̂)²), at most 1. Without a
    known number of symbols, K is the number seen; the jackknife leaves it as it is.
    """
    return _in_parts(prints, lambda part: _shrinkage(part, support))


def _shrinkage(prints: Fingerprint, support: float | None) -> LeftOut:
    counts, matrix = prints.cells()
    n = prints.sizes
    squares = np.einsum("sj,sj->s", matrix, np.broadcast_to(counts * counts, matrix.shape))
    symbols = prints.seen if support is None else np.full(prints.samples, support)
    unseen = symbols - prints.seen
    lam = _intensity(squares, n, symbols)
    target = 1.0 / symbols
    shares = counts / n[:, None]
    q = (lam * target)[:, None] + (1.0 - lam)[:, None] * shares
    value = np.einsum("sj,sj->s", matrix, _entropy_term(q)) + unseen * _entropy_term(lam * target)

    rest = np.where(n > 1.0, n - 1.0, 1.0)[:, None]
    # λ when one row of a symbol seen j times is left out, for each j
    left = _intensity(squares[:, None] - 2.0 * counts + 1.0, rest, symbols[:, None])
    left = np.where(matrix > 0.0, left, lam[:, None])  # a count that the sample does not have
    base = left * target[:, None]
    sums = _shrunk_sums(counts / rest, matrix, left, target[:, None])
    own = base + (1.0 - left) * (counts / rest)
    fewer = base + (1.0 - left) * ((counts - 1.0) / rest)
    without = sums + unseen[:, None] * _entropy_term(base)
    without += _entropy_term(fewer) - _entropy_term(own)
    return LeftOut(value, without, np.ones(prints.samples))


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


def _in_parts(prints: Fingerprint, function: Callable[[Fingerprint], LeftOut]) -> LeftOut:
    """Apply a function to some samples at a time."""
    columns = prints.matrix.shape[1]
    step = max(_CELLS // columns, 1)
    if prints.samples <= step:
        return function(prints)
    value, without = np.empty(prints.samples), np.empty((prints.samples, columns))
    scale = np.empty(prints.samples)
    for first in range(0, prints.samples, step):
        part = slice(first, first + step)
        found = function(prints.part(part))
        value[part], without[part], scale[part] = found.value, found.without, found.scale
    return LeftOut(value, without, scale)


METHODS: Mapping[str, Method] = {
    "plug-in": plug_in,
    "miller-madow": miller_madow,
    "grassberger": grassberger,
    "chao-shen": chao_shen,
    "shrinkage": shrinkage,
}
