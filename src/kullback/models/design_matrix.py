"""The design matrix of a block of rows: columns of numbers, and indicators of categories by codes.

Coefficients are its rows, so that a column of the data is contiguous. Numbers are multiplied by
BLAS; an indicator part, 1 in the row of a category and 0 elsewhere, by sums over its codes:

    X' diag(w) Z of two categories = Σ w over the rows with each pair of codes

The bits do not depend on the number of threads: sums over codes run in the order of the rows, and
engines give BLAS one thread. (A block of 65,536 rows of six categories with 322 levels in all and
two columns of numbers, one thread of a busy machine: X'WX takes 2.8 ms with the codes of pairs
kept, 3.6 in a first call, and 5.3 with tabmat.)
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import accumulate, pairwise
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from kullback._core.arrays import Vector

# From so many columns on, half of a symmetric product saves more than the roots of weights cost.
_MANY = 32

# Products of so many multiplications OpenBLAS computes without copying its arguments. (Of 4,096
# rows, one thread: of 21 columns 0.14 ms instead of 0.21, of 31 columns 0.27 instead of 0.36.)
_SMALL = 1_000_000


@final
@dataclass(frozen=True, eq=False)
class Indicator:
    """The columns of a category, one a level, by their codes.

    Attributes:
        codes: of each row its column, from 0, or −1 for none (a level without a coefficient).
            Kept as integers from 0.
        size: the number of columns.
        value: what stands in place of 1, one number a row, for the product of a category and a
            column of numbers; None for 1.
        first: the code of the first column; lower ones have none.
    """

    codes: NDArray[Any]
    size: int
    value: Vector | None = None
    first: int = 0

    def __post_init__(self) -> None:
        """Convert the codes, which may be floats, to integers from 0.

        Raises:
            ValueError: for a code of no column.
        """
        codes = self.codes.astype(np.intp, copy=False)
        lowest, highest = (codes.min(), codes.max()) if codes.size else (0, 0)
        if lowest < min(self.first - 1, 0) or highest >= self.cells:
            raise ValueError(f"codes must lie from -1 to {self.size - 1}")
        if lowest < 0:
            codes = codes + 1
            object.__setattr__(self, "first", 1)
        object.__setattr__(self, "codes", codes)

    @property
    def cells(self) -> int:
        """The number of codes."""
        return self.size + self.first

    def times(self, numbers: Vector) -> Vector:
        """Return numbers of the rows times what stands in place of 1."""
        return numbers if self.value is None else numbers * self.value

    def by_code(self, numbers: Vector) -> Vector:
        """Return Σ number × value over the rows of each code."""
        sums = np.bincount(self.codes, self.times(numbers), self.cells)
        return sums.astype(np.float64, copy=False)

    def sums(self, numbers: Vector) -> Vector:
        """Return Σ number × value over the rows of each column."""
        return self.by_code(numbers)[self.first :]

    def spread(self, columns: Vector) -> Vector:
        """Return of each row the number of its column, 0 for none."""
        return np.concatenate([np.zeros(self.first), columns]).take(self.codes)

    def take(self, rows: slice) -> Indicator:
        """Return the part of some rows."""
        return replace(
            self,
            codes=self.codes[rows],
            value=None if self.value is None else self.value[rows],
        )


@final
@dataclass(frozen=True, eq=False)
class DesignMatrix:
    """The design matrix of a block of rows: p coefficients, n rows.

    Attributes:
        dense: the columns of numbers, shape (k, n).
        indicators: the columns of categories.
        order: of each column, those of numbers first and then those of each category, its place
            among the coefficients, −1 for none; None where that is the order of the coefficients.

    Example:
        >>> category = Indicator(np.array([0, -1, 1]), size=2)
        >>> x = DesignMatrix(np.array([[1.0, 1.0, 1.0]]), (category,))
        >>> x.dot(np.array([10.0, 1.0, 2.0])).tolist()
        [11.0, 10.0, 12.0]
        >>> x.cross(np.array([1.0, 2.0, 3.0])).tolist()
        [[6.0, 1.0, 3.0], [1.0, 1.0, 0.0], [3.0, 0.0, 3.0]]
    """

    dense: Vector
    indicators: tuple[Indicator, ...] = ()
    order: NDArray[np.intp] | None = None
    _ones: dict[int, bool] = field(default_factory=dict, repr=False)

    @property
    def shape(self) -> tuple[int, int]:
        """The numbers of coefficients and of rows."""
        if self.order is not None:
            return int(np.count_nonzero(self.order >= 0)), self.dense.shape[1]
        return len(self.dense) + sum(part.size for part in self.indicators), self.dense.shape[1]

    @property
    def width(self) -> int:
        """How many numbers a row takes."""
        return len(self.dense) + sum(1 + (part.value is not None) for part in self.indicators)

    def dot(self, beta: Vector) -> Vector:
        """Return Σ_j β_j x_ij of each row, shape (n,); of β of shape (q, p), (q, n)."""
        if beta.ndim == 2 and self.indicators:
            return np.stack([self.dot(own) for own in beta])
        if self.order is not None:
            beta = np.append(beta, np.zeros((*beta.shape[:-1], 1)), axis=-1)[..., self.order]
        out: Vector = beta[..., : len(self.dense)] @ self.dense  # zeros where there are none
        for part, place in zip(self.indicators, self._places, strict=True):
            out += part.times(part.spread(beta[place]))
        return out

    def transpose_dot(self, v: Vector) -> Vector:
        """Return Σ_i x_ij v_i of each coefficient, shape (p,); of v of shape (q, n), (q, p)."""
        if v.ndim == 2 and self.indicators:
            return np.stack([self.transpose_dot(own) for own in v])
        if v.ndim == 2:
            return self._in_order((v @ self.dense.T).T).T
        if not self.indicators:
            return self._in_order(self.dense @ v)
        return self._in_order(
            np.concatenate([self.dense @ v, *(part.sums(v) for part in self.indicators)])
        )

    def cross(self, weights: Vector, other: DesignMatrix | None = None) -> Vector:
        """Return X' diag(weights) Z, shape (p, q).

        Args:
            weights: one number a row, shape (n,).
            other: Z; None for X itself.
        """
        own = other is None or other is self
        z = self if other is None else other
        if own and not self.indicators:
            block = _symmetric(self.dense, weights)
        elif not (self.indicators or z.indicators):
            block = _product(self.dense, weights, z.dense)
        else:
            block = self._square(weights) if own else self._cross(weights, z)
        if self.order is not None:
            block = self._in_order(block)
        return block if z.order is None else z._in_order(block.T).T

    def _cross(self, weights: Vector, z: DesignMatrix) -> Vector:
        """The product in the order of the columns."""
        weighted = self.dense * weights
        k, m = len(weighted), len(z.dense)
        left, right = self._places, z._places
        out = np.empty((left[-1].stop if left else k, right[-1].stop if right else m))
        out[:k, :m] = weighted @ z.dense.T
        for j, b in enumerate(z.indicators):
            for i, v in enumerate(weighted):
                out[i, right[j]] = b.sums(v)
        for i, a in enumerate(self.indicators):
            for j, v in enumerate(z.dense):
                out[left[i], j] = a.sums(weights * v)
            w = a.times(weights)
            for j, b in enumerate(z.indicators):
                joint = a.codes * b.cells + b.codes
                sums = np.bincount(joint, b.times(w), a.cells * b.cells)
                out[left[i], right[j]] = sums.reshape(a.cells, -1)[a.first :, b.first :]
        return out

    def _square(self, weights: Vector) -> Vector:
        """X' diag(weights) X in the order of the columns.

        Sums over the levels of one category are those over pairs of levels, added up.
        """
        weighted = self.dense * weights
        k, places = len(weighted), self._places
        out = np.empty((places[-1].stop, places[-1].stop))
        out[:k, :k] = weighted @ self.dense.T
        joint = np.empty(weights.size, dtype=np.intp)  # one for all pairs: new memory is slow
        alone: dict[int, Vector] = {}  # Σ weight × value over the rows of each code
        for i, a in enumerate(self.indicators):
            w = a.times(weights)
            for j, b in enumerate(self.indicators[:i]):
                np.multiply(a.codes, b.cells, out=joint)
                np.add(joint, b.codes, out=joint)
                pairs = np.bincount(joint, b.times(w), a.cells * b.cells)
                sums: Vector = pairs.astype(np.float64, copy=False).reshape(a.cells, b.cells)
                out[places[i], places[j]] = sums[a.first :, b.first :]
                out[places[j], places[i]] = sums[a.first :, b.first :].T
                if b.value is None and i not in alone:
                    alone[i] = sums.sum(axis=1)
                if a.value is None and j not in alone:
                    alone[j] = sums.sum(axis=0)
        for i, a in enumerate(self.indicators):
            single = alone[i] if i in alone else a.by_code(weights)
            squares = single if a.value is None else a.by_code(a.times(weights))
            out[places[i], places[i]] = np.diag(squares[a.first :])
            for j in range(k):
                by_code = single if self._is_constant(j) else a.by_code(weighted[j])
                out[j, places[i]] = out[places[i], j] = by_code[a.first :]
        return out

    def _is_constant(self, j: int) -> bool:
        """Whether a column of numbers is 1 in all rows."""
        if j not in self._ones:
            column = self.dense[j]
            self._ones[j] = bool(column[:1].all() and (column == 1.0).all())
        return self._ones[j]

    @cached_property
    def _places(self) -> list[slice]:
        """The columns of each category."""
        ends = list(accumulate((part.size for part in self.indicators), initial=len(self.dense)))
        return [slice(begin, end) for begin, end in pairwise(ends)]

    def moments(self, weights: Vector, total: float) -> tuple[Vector, Vector]:
        """Return the weighted mean of each column, and Σ w (x − mean)², each of shape (p,).

        Args:
            weights: of the rows.
            total: their sum, which is positive.
        """
        mean = np.sum(self.dense * weights, axis=1) / total
        squares = np.sum(weights * (self.dense - mean[:, None]) ** 2, axis=1)
        means, sums = [mean], [squares]
        for part in self.indicators:
            own = part.sums(weights) / total
            distance = part.times(np.ones(weights.size)) - part.spread(own)
            there = np.bincount(part.codes, weights, part.cells)[part.first :]
            squares = np.bincount(part.codes, weights * distance**2, part.cells)[part.first :]
            means.append(own)
            sums.append(squares + (total - there) * own**2)
        return self._in_order(np.concatenate(means)), self._in_order(np.concatenate(sums))

    def largest(self, rows: NDArray[np.bool_]) -> Vector:
        """Return the largest |x_ij| of each column over the rows marked, shape (p,)."""
        parts = [np.max(np.abs(self.dense), axis=1, where=rows, initial=0.0)]
        for part in self.indicators:
            own = np.zeros(part.cells)
            np.maximum.at(own, part.codes[rows], np.abs(part.times(np.ones(rows.size)))[rows])
            parts.append(own[part.first :])
        return self._in_order(np.concatenate(parts))

    def take(self, rows: slice) -> DesignMatrix:
        """Return the design of some rows."""
        parts = tuple(part.take(rows) for part in self.indicators)
        return DesignMatrix(self.dense[:, rows], parts, self.order)

    def to_dense(self) -> Vector:
        """Return all columns as numbers, shape (p, n)."""
        if not self.indicators:
            return self._in_order(self.dense)
        parts = [self.dense]
        for part in self.indicators:
            levels = np.arange(part.first, part.cells)
            columns = (part.codes == levels[:, None]).astype(np.float64)
            parts.append(columns if part.value is None else columns * part.value)
        return self._in_order(np.concatenate(parts))

    def _in_order(self, numbers: Vector) -> Vector:
        """Put one number, or row, a column into the order of the coefficients."""
        if self.order is None:
            return numbers
        out = np.empty((self.shape[0] + 1, *numbers.shape[1:]))
        out[self.order] = numbers  # the last row takes those without a coefficient
        return out[:-1]

    def without(self, places: NDArray[np.intp]) -> DesignMatrix:
        """Return the design without some coefficients, by their places."""
        columns = len(self.dense) + sum(part.size for part in self.indicators)
        order = np.arange(columns) if self.order is None else self.order
        kept = np.ones(self.shape[0] + 1, dtype=bool)
        kept[places] = False
        kept[-1] = False
        return replace(self, order=np.where(kept, np.cumsum(kept) - 1, -1)[order])

    def along(self, triangle: Vector) -> DesignMatrix:
        """Return X R⁻¹, for a design of numbers alone and a triangle R, shape (p, p).

        Each row is a triangular solve, whose error is that of a small change of the row; a product
        with the inverse would have one that grows with the condition of R.
        """
        from scipy.linalg import solve_triangular

        return DesignMatrix(solve_triangular(triangle, self.to_dense(), trans="T"))


def _symmetric(dense: Vector, weights: Vector) -> Vector:
    """Return X diag(weights) X' of columns of numbers, shape (k, k).

    With weights of one sign it is a product with itself, of which BLAS computes one half. (Of 4,096
    rows of 51 columns, one thread: 0.59 ms instead of 0.74.)
    """
    if len(dense) >= _MANY and weights.size:
        lowest, highest = float(weights.min()), float(weights.max())
        if lowest >= 0.0 or highest <= 0.0:
            half = dense * np.sqrt(np.abs(weights))
            product: Vector = half @ half.T
            return product if highest > 0.0 else -product
    return _product(dense, weights, dense)


def _product(x: Vector, weights: Vector, z: Vector) -> Vector:
    """Return X diag(weights) Z' of columns of numbers, a part of the rows after another."""
    rows = max(_SMALL // max(len(x) * len(z), 1) // 128 * 128, 128)
    if len(x) >= _MANY or len(z) >= _MANY or rows >= weights.size:
        return (x * weights) @ z.T
    out = np.zeros((len(x), len(z)))
    for begin in range(0, weights.size, rows):
        part = slice(begin, begin + rows)
        out += (x[:, part] * weights[part]) @ z[:, part].T
    return out
