"""The fingerprint of samples of symbols: how many symbols were seen once, how many twice.

An estimate of entropy asks of the counts n_i only for sums Σ g(n_i) over the symbols, and equal
counts give equal terms: the sums are products of the fingerprint with a table of g. Ten thousand
samples, or one of a hundred million rows, then cost little more than their distinct counts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from kullback._core.arrays import Vector

# Counts up to this are looked up in a table of their places, which then takes 32 MiB; larger ones
# are sorted.
_LOOKED_UP = 1 << 22
# Cells of counts that are worked on together: they and the lookup stay in a core's cache.
_CELLS = 1 << 16
# Distinct counts × nodes for which a table is held at once: 32 MiB.
_TABLE = 1 << 22
# Up to this many distinct counts the fingerprint is a full matrix, whatever its share of zeros.
_FEW = 64


@final
@dataclass(frozen=True, eq=False)
class Fingerprint:
    """How many symbols of each sample have each count.

    Attributes:
        values: the distinct positive counts of all samples, ascending, shape (D,).
        matrix: how many symbols of a sample have a count, shape (samples, D); or, where there are
            far more distinct counts than symbols, one column a symbol, shape (samples, M).
        codes: None; or, in the second case, where in `values` each symbol's count is found.
        sizes: the rows n of each sample, shape (samples,).
        seen: how many symbols of each were seen, shape (samples,).
    """

    values: Vector
    matrix: Vector
    codes: NDArray[np.intp] | None
    sizes: Vector
    seen: Vector

    @classmethod
    def of(cls, counts: NDArray[Any]) -> Fingerprint:
        """Take the fingerprints of counts of shape (samples, symbols).

        Args:
            counts: non-negative integers, at least one of them positive.
        """
        symbols = counts.shape[1]
        top = int(counts.max())
        if top <= _LOOKED_UP:
            if top <= max(_FEW, symbols):
                return cls._dense(_count_codes(counts, None, top + 1)[:, 1:], np.arange(1, top + 1))
            place: NDArray[np.intp] = np.zeros(top + 1, dtype=np.intp)
            place[counts.ravel()] = 1
            place[0] = 0
            values = np.flatnonzero(place)
            place[values] = np.arange(1, values.size + 1)
            find: Callable[[NDArray[Any]], NDArray[Any]] = place.take
        else:
            values = np.unique(counts)
            values = values[values > 0]
            every = np.concatenate([np.zeros(1, values.dtype), values])
            find = every.searchsorted
        if values.size <= max(_FEW, 2 * symbols):
            return cls._dense(_count_codes(counts, find, values.size + 1)[:, 1:], values)
        codes = np.asarray(find(counts), dtype=np.intp)
        matrix = (codes > 0).astype(np.float64)
        return cls(
            values.astype(np.float64),
            matrix,
            np.where(codes > 0, codes - 1, 0),
            counts.sum(axis=1).astype(np.float64),
            matrix.sum(axis=1),
        )

    @classmethod
    def _dense(cls, matrix: Vector, values: NDArray[Any]) -> Fingerprint:
        used = matrix.any(axis=0)
        if not used.all():
            matrix, values = np.ascontiguousarray(matrix[:, used]), values[used]
        floats = values.astype(np.float64)
        return cls(floats, matrix, None, matrix @ floats, matrix.sum(axis=1))

    @property
    def samples(self) -> int:
        """How many samples there are."""
        return self.sizes.size

    def rows_of(self, rows: NDArray[np.intp]) -> Fingerprint:
        """Take some of the samples."""
        if rows.size == self.samples and bool(np.all(rows[1:] > rows[:-1])):
            return self  # all of them, in their order
        matrix = self.matrix[rows]
        if self.codes is None:
            return self._dense(matrix, self.values)
        return Fingerprint(self.values, matrix, self.codes[rows], self.sizes[rows], self.seen[rows])

    def part(self, rows: slice) -> Fingerprint:
        """Take consecutive samples, with all columns."""
        codes = None if self.codes is None else self.codes[rows]
        return Fingerprint(self.values, self.matrix[rows], codes, self.sizes[rows], self.seen[rows])

    def sum(self, table: Vector) -> Vector:
        """Σ g(n_i) over the symbols of each sample, of g at each of `values`; shape (samples,)."""
        if self.codes is None:
            return np.asarray(self.matrix @ table)
        total: Vector = np.einsum("sm,sm->s", table[self.codes], self.matrix)
        return total

    def count_of(self, value: float) -> Vector:
        """How many symbols of each sample have this count."""
        return self.sum((self.values == value).astype(np.float64))

    def cells(self) -> tuple[Vector, Vector]:
        """Counts and how many symbols have them: shapes (1, D) or (samples, M), and as matrix."""
        if self.codes is None:
            return self.values[None, :], self.matrix
        return self.values[self.codes], self.matrix

    def total(self, function: Callable[[Vector], Vector], nodes: int) -> Vector:
        """Σ g(n_i) for many functions g at once; shape (samples, nodes).

        Args:
            function: gives g at a column of counts, shape (·, 1), as an array (·, nodes).
            nodes: how many functions g there are.
        """
        return self.totals(lambda count: (function(count),), nodes)[0]

    def totals(
        self, function: Callable[[Vector], tuple[Vector, ...]], nodes: int
    ) -> tuple[Vector, ...]:
        """Give the sums of several such tables."""
        step = max(_TABLE // max(nodes, 1), 1)
        sums: list[Vector] = []
        for first in range(0, self.values.size, step):
            part = slice(first, first + step)
            matrix = self._columns if self._columns is None else self._columns[:, part]
            if matrix is None:
                matrix = self.matrix[:, part]
            tables = function(self.values[part, None])
            products = [np.asarray(matrix @ table) for table in tables]
            sums = [a + b for a, b in zip(sums, products, strict=True)] if sums else products
        return tuple(sums)

    @cached_property
    def _columns(self) -> Any:
        """The sparse matrix (samples, D) where the matrix has one column a symbol, else None."""
        if self.codes is None:
            return None
        from scipy.sparse import csr_array

        samples, symbols = self.matrix.shape
        starts = np.arange(samples + 1) * symbols
        shape = (samples, self.values.size)
        return csr_array((self.matrix.ravel(), self.codes.ravel(), starts), shape=shape)

    def by_size(self, function: Callable[[Vector], Vector]) -> Vector:
        """Compute a function of the sample's size, once for each distinct size.

        Args:
            function: gives, for a column of sizes (·, 1), an array (·, nodes).
        """
        sizes, inverse = self._distinct_sizes
        table = function(sizes[:, None])
        return table if sizes.size == 1 else table[inverse]

    @cached_property
    def _distinct_sizes(self) -> tuple[Vector, NDArray[np.intp]]:
        sizes, inverse = np.unique(self.sizes, return_inverse=True)
        return sizes, inverse


def _count_codes(
    counts: NDArray[Any], find: Callable[[NDArray[Any]], NDArray[Any]] | None, codes: int
) -> Vector:
    """How often each code appears in each row; the code of a count is found by `find`."""
    samples, symbols = counts.shape
    result = np.empty((samples, codes))
    step = max(_CELLS // max(symbols, codes, 1), 1)
    offsets = codes * np.arange(step)[:, None]
    for first in range(0, samples, step):
        part = counts[first : first + step]
        found = (part if find is None else find(part)) + offsets[: len(part)]
        table = np.bincount(found.ravel(), minlength=codes * len(part))
        result[first : first + step] = table.reshape(-1, codes)
    return result
