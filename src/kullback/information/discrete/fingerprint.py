"""The fingerprint of samples of symbols: how many symbols were seen once, how many twice.

An estimate of entropy asks of the counts n_i only for sums Σ g(n_i) over the symbols, and equal
counts give equal terms: the sums are products of the fingerprint with a table of g. Ten thousand
samples, or one of a hundred million rows, then cost little more than their distinct counts.
"""

from __future__ import annotations

import itertools
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
# From so many samples on it is worth a look at as many of them to see how large their counts are.
_MANY = 64
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
        shared: how many of the first columns have the same count in every sample, where there are
            codes: of many samples, the symbols with small counts are counted, and the few others
            have a column each.
    """

    values: Vector
    matrix: Vector
    codes: NDArray[np.intp] | None
    sizes: Vector
    seen: Vector
    shared: int = 0

    @classmethod
    def of(cls, counts: NDArray[Any]) -> Fingerprint:
        """Take the fingerprints of counts of shape (samples, symbols).

        Args:
            counts: non-negative integers, at least one of them positive.
        """
        symbols = counts.shape[1]
        top = int(counts.max())
        if small := _small_counts(counts, top):
            return cls._packed(counts, small, top)
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
    def _packed(cls, counts: NDArray[Any], small: int, top: int) -> Fingerprint:
        """Count the symbols with counts up to `small`, and give the others a column each."""
        samples, symbols = counts.shape
        table = np.empty((samples, small + 2))
        step = max(_CELLS // symbols, 1)
        offsets = (small + 2) * np.arange(step)[:, None]
        sample, large = [np.empty(0, np.intp)], [np.empty(0, counts.dtype)]
        for first in range(0, samples, step):
            part = counts[first : first + step]
            codes = np.minimum(part, small + 1)
            codes += offsets[: len(part)]
            found = np.bincount(codes.ravel(), minlength=(small + 2) * len(part))
            table[first : first + step] = found.reshape(-1, small + 2)
            if top > small:
                where = np.flatnonzero(part > small)
                sample.append(where // symbols + first)
                large.append(part.ravel()[where])
        rows, numbers = np.concatenate(sample), np.concatenate(large)
        each = table[:, small + 1].astype(np.intp)
        column = small + np.arange(rows.size) - np.repeat(np.cumsum(each) - each, each)
        columns = small + int(each.max())
        matrix = np.zeros((samples, columns))
        matrix[:, :small] = table[:, 1 : small + 1]
        matrix[rows, column] = 1.0
        distinct, places = _places(numbers)
        places += small
        codes = np.zeros((samples, columns), dtype=np.intp)
        codes[:, :small] = np.arange(small)
        codes[rows, column] = places
        values = np.concatenate([np.arange(1.0, small + 1.0), distinct])
        sizes = matrix[:, :small] @ values[:small]
        sizes += np.bincount(rows, numbers, samples)
        return cls(values, matrix, codes, sizes, matrix.sum(axis=1), small)

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
        codes, values = self.codes[rows], self.values
        if codes.size < values.size:  # a few of many: without the counts that only others have
            used = np.union1d(np.arange(self.shared + 1), codes)
            codes, values = np.searchsorted(used, codes), values[used]
        return Fingerprint(values, matrix, codes, self.sizes[rows], self.seen[rows], self.shared)

    def part(self, rows: slice) -> Fingerprint:
        """Take consecutive samples, with all columns."""
        codes = None if self.codes is None else self.codes[rows]
        return Fingerprint(
            self.values, self.matrix[rows], codes, self.sizes[rows], self.seen[rows], self.shared
        )

    def sum(self, table: Vector) -> Vector:
        """Σ g(n_i) over the symbols of each sample, of g at each of `values`; shape (samples,)."""
        if self.codes is None:
            return np.asarray(self.matrix @ table)
        own = slice(self.shared, None)
        total: Vector = np.einsum("sm,sm->s", table[self.codes[:, own]], self.matrix[:, own])
        return total + self.matrix[:, : self.shared] @ table[: self.shared]

    def count_of(self, value: float) -> Vector:
        """How many symbols of each sample have this count."""
        if 1.0 <= value <= self.shared:
            return np.asarray(self.matrix[:, int(value) - 1])
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
        sums: Vector | None = None
        edges = [self.shared, *range(self.shared + step, self.values.size, step), self.values.size]
        if self.shared:
            edges.insert(0, 0)
        for first, stop in itertools.pairwise(edges):
            part = slice(first, stop)
            if self._columns is None or stop <= self.shared:
                matrix = self.matrix[:, part]
            else:
                matrix = self._columns[:, part.start - self.shared : part.stop - self.shared]
            products = np.asarray(matrix @ np.hstack(function(self.values[part, None])))
            sums = products if sums is None else sums + products
        if sums is None:
            raise AssertionError("samples without rows")
        return tuple(sums[:, first : first + nodes] for first in range(0, sums.shape[1], nodes))

    @cached_property
    def _columns(self) -> Any:
        """The sparse matrix (samples, D) of the columns that are a symbol's own, or None."""
        if self.codes is None:
            return None
        from scipy.sparse import csr_array

        own = self.matrix[:, self.shared :] > 0.0
        starts = np.concatenate([[0], np.cumsum(np.count_nonzero(own, axis=1))])
        codes = self.codes[:, self.shared :][own] - self.shared
        shape = (self.samples, self.values.size - self.shared)
        return csr_array((self.matrix[:, self.shared :][own], codes, starts), shape=shape)

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


def _small_counts(counts: NDArray[Any], top: int) -> int:
    """Up to which count the symbols of many samples are best counted; 0 for not at all."""
    samples, symbols = counts.shape
    if samples < _MANY:
        return 0
    some = counts[:: samples // _MANY]
    columns = {}
    for small in (8, 16, 32, 64):
        if small >= top:
            columns[top] = top
            break
        large = int(np.count_nonzero(some > small, axis=1).max())
        columns[small] = small + large
    best = min(columns, key=lambda small: columns[small])
    # counting them is not worth it where most symbols keep a column of their own
    return best if 2 * columns[best] <= symbols else 0


def _places(numbers: NDArray[Any]) -> tuple[Vector, NDArray[np.intp]]:
    """The distinct numbers, ascending, and where among them each is found."""
    if numbers.size == 0 or int(numbers.max()) > _LOOKED_UP:
        values, places = np.unique(numbers, return_inverse=True)
        return values.astype(np.float64), places
    place: NDArray[np.intp] = np.zeros(int(numbers.max()) + 1, dtype=np.intp)
    place[numbers] = 1
    values = np.flatnonzero(place)
    place[values] = np.arange(values.size)
    return values.astype(np.float64), place[numbers]
