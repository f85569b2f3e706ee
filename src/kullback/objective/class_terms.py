"""The terms of rows whose predictors are the log odds of classes, and their sums, in closed form.

With η_0 = 0 and the probabilities p_a = e^η_a / Σ_b e^η_b, an outcome of class y has

    ℓ = log Σ_b e^η_b − η_y,  ∂ℓ/∂η_a = p_a − 1[y = a],  ∂²ℓ/∂η_a∂η_b = 1[a = b] p_a − p_a p_b

so that in coefficients of one design X, with Z_a = diag(p_a) X, the second derivatives are those
of two classes −Z_a' Z_b. As p_a (1 − p_a) = Σ_b≠a p_a p_b, those of one class are Σ_b≠a Z_a' Z_b, a
sum without cancellation: long products of Z alone, which BLAS computes best.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from kullback._core.arrays import Vector
from kullback._core.memory import Scratch
from kullback.objective.row_terms import RowTerms

# Numbers of Z in one product: 1.5 MB, which stay in a core's cache; and the fewest rows.
_NUMBERS, _FEWEST = 200_000, 64

_SCRATCH = Scratch()


def class_scores(y: Vector, values: Sequence[Vector]) -> Vector:
    """Return ∂ℓ of rows alone, shape (K − 1, rows).

    Args:
        y: the codes of the classes, from 0 to K − 1.
        values: the log odds of the classes 1 to K − 1.
    """
    shares, _ = _probabilities(values)
    return _less_outcome(shares, y)


def class_terms(y: Vector, values: Sequence[Vector]) -> RowTerms:
    """Return ℓ, ∂ℓ and ∂²ℓ of rows, with the probabilities of their classes."""
    shares, log_sum = _probabilities(values)
    loss = log_sum
    for code, eta in enumerate(values, start=1):
        loss = loss - np.where(y == code, eta, 0.0)
    own = shares[1:]
    second = np.empty((len(own) * (len(own) + 1) // 2, y.size))
    for a in range(len(own)):
        begin = a * (a + 1) // 2
        np.multiply(own[:a], -own[a], out=second[begin : begin + a])
        np.multiply(own[a], 1.0 - own[a], out=second[begin + a])
    return RowTerms(loss, _less_outcome(shares, y), second, shares)


def _less_outcome(shares: Vector, y: Vector) -> Vector:
    """Return p_a − 1[y = a]; of the outcome's class −Σ_b≠a p_b, which does not cancel."""
    is_class = [y == code for code in range(len(shares))]
    others = np.zeros(y.size)
    for share, own in zip(shares, is_class, strict=True):
        others += np.where(own, 0.0, share)
    return np.stack(
        [np.where(own, -others, share) for share, own in zip(shares[1:], is_class[1:], strict=True)]
    )


def _probabilities(values: Sequence[Vector]) -> tuple[Vector, Vector]:
    """Return the probabilities of all classes, shape (K, rows), and log Σ e^η."""
    shares = np.empty((1 + len(values), values[0].size))
    shares[0] = 0.0
    for eta, own in zip(values, shares[1:], strict=True):
        own[:] = eta
    largest = shares.max(axis=0)
    with np.errstate(invalid="ignore"):  # where log odds have overflowed
        shares -= largest
        np.exp(shares, out=shares)
        total = shares.sum(axis=0)
        shares /= total
        return shares, np.log(total) + largest


def class_hessian(dense: Vector, shares: Vector, weight: Vector) -> Vector:
    """Return Σ w ∂²ℓ in the coefficients, shape ((K − 1) p, (K − 1) p).

    Args:
        dense: the design, columns of numbers, shape (p, n).
        shares: the probabilities of the classes, shape (K, n).
        weight: of the rows.
    """
    (k, n), p = shares.shape, len(dense)
    roots = shares * np.sqrt(weight)
    length = max(_NUMBERS // (k * p) // _FEWEST, 1) * _FEWEST
    pairs = np.zeros((k * p, k * p))
    for begin in range(0, n, length):
        part = slice(begin, min(begin + length, n))
        z = _SCRATCH.rows(k * p, part.stop - begin)
        np.multiply(dense[:, part], roots[:, None, part], out=z.reshape(k, p, -1))
        for upper, lower in _halves(0, k):
            above, below = (slice(own.start * p, own.stop * p) for own in (upper, lower))
            pairs[above, below] += z[above] @ z[below].T
    pairs += pairs.T
    hessian = -pairs[p:, p:]
    for a, own in enumerate(pairs.reshape(k, p, k, p).sum(axis=2)[1:]):
        place = slice(a * p, (a + 1) * p)
        hessian[place, place] = 0.5 * (own + own.T)  # up to rounding it is symmetric
    return hessian


def _halves(begin: int, end: int) -> Iterator[tuple[slice, slice]]:
    """Yield runs of classes that pair each of them with each one before, in as few as it takes."""
    if end - begin > 1:
        middle = (begin + end) // 2
        yield slice(middle, end), slice(begin, middle)
        yield from _halves(begin, middle)
        yield from _halves(middle, end)
