"""The fingerprint of a sample of symbols: how many were seen once, how many twice, and so on.

NSB's posterior needs of the counts n_i only sums Σ g(n_i) over the symbols, and equal counts give
equal terms: the sums are products of the fingerprint with a table of g.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from kullback._core.arrays import Vector
from kullback.information.discrete.jackknife import CountGroups

# Counts up to this are looked up in a table of their places, which then takes 32 MiB; larger ones
# are sorted.
_LOOKED_UP = 1 << 22
# Distinct counts × nodes of a table in memory at once: 32 MiB.
_TABLE = 1 << 22


@final
@dataclass(frozen=True, eq=False)
class Fingerprint:
    """How many symbols of each sample have each count.

    Attributes:
        values: the distinct positive counts of all samples, ascending, shape (D,).
        matrix: how many symbols of a sample have each, a sparse array of shape (samples, D).
    """

    values: Vector
    matrix: Any

    @classmethod
    def of(cls, counts: NDArray[np.int64]) -> Fingerprint:
        """Compute the fingerprints of counts of shape (samples, symbols)."""
        from scipy.sparse import csr_array

        groups = CountGroups.of(counts)
        filled = groups.counts > 0
        values, codes = _distinct(groups.counts[filled])
        starts = np.concatenate([[0], np.cumsum(np.count_nonzero(filled, axis=1))])
        shape = (len(counts), values.size)
        matrix = csr_array((groups.symbols[filled], codes, starts), shape=shape)
        return cls(values.astype(np.float64), matrix)

    @cached_property
    def sizes(self) -> Vector:
        """The rows n of each sample, shape (samples,)."""
        return np.asarray(self.matrix @ self.values)

    @cached_property
    def observed(self) -> Vector:
        """How many symbols of each sample were observed, shape (samples,)."""
        return np.asarray(self.matrix.sum(axis=1))

    @property
    def samples(self) -> int:
        """How many samples there are."""
        return int(self.matrix.shape[0])

    def rows_of(self, rows: NDArray[np.intp]) -> Fingerprint:
        """Select some of the samples."""
        if rows.size == self.samples and bool(np.all(rows[1:] > rows[:-1])):
            return self  # all of them, in their order
        matrix, values = self.matrix[rows], self.values
        if matrix.nnz < values.size:  # a few of many: without the counts that only others have
            used = np.unique(matrix.indices)
            matrix, values = matrix[:, used], values[used]
        return Fingerprint(values, matrix)

    def sums(
        self, functions: Callable[[Vector], tuple[Vector, ...]], nodes: int
    ) -> tuple[Vector, ...]:
        """Sum functions g(n_i) over the symbols, at many nodes; each of shape (samples, nodes).

        Args:
            functions: returns, for a column of counts (·, 1), arrays (·, nodes), one a function.
            nodes: how many nodes there are.
        """
        step = max(_TABLE // nodes, 1)
        total: Any = 0.0
        for first in range(0, self.values.size, step):
            part = slice(first, first + step)
            total = total + self.matrix[:, part] @ np.hstack(functions(self.values[part, None]))
        return tuple(total[:, first : first + nodes] for first in range(0, total.shape[1], nodes))

    def by_size(self, function: Callable[[Vector], Vector]) -> Vector:
        """Compute a function of the sample's size, once for each distinct size.

        Args:
            function: returns, for a column of sizes (·, 1), an array (·, nodes).
        """
        sizes, inverse = self._distinct_sizes
        table = function(sizes[:, None])
        return table if sizes.size == 1 else table[inverse]

    @cached_property
    def _distinct_sizes(self) -> tuple[Vector, NDArray[np.intp]]:
        sizes, inverse = np.unique(self.sizes, return_inverse=True)
        return sizes, inverse


def _distinct(numbers: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.intp]]:
    """The distinct numbers, ascending, and the place of each number among them."""
    top = int(numbers.max())
    if top > _LOOKED_UP:
        return np.unique(numbers, return_inverse=True)
    place: NDArray[np.intp] = np.zeros(top + 1, dtype=np.intp)
    place[numbers] = 1
    values = np.flatnonzero(place)
    place[values] = np.arange(values.size)
    return values, place[numbers]
