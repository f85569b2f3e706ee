"""Sums of functions of the counts over every row of a large table of counts, by looking them up.

A logarithm for every count takes some nanoseconds, and so does a fingerprint; to look a count up
takes half of one. Two counts below 256 are one number of sixteen bits and are looked up together,
and two functions are one complex table.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from kullback._core.arrays import Vector

# Gives functions g at counts from 1 on, shape (functions, counts).
Functions: TypeAlias = Callable[[Vector], Vector]

# A table with fewer cells costs less than the tables of pairs, which take a millisecond to fill.
_ENOUGH = 1 << 18
# Cells that are worked on together: with their indices and terms they stay in a core's cache.
_CELLS = 1 << 15
# Counts that are looked up in pairs: two of them make sixteen bits.
_BYTE = 256
# Where more counts than one in so many are too large for a pair, single ones are looked up.
_RARE = 16
# A table of single counts, of four functions, then takes 32 MiB.
_LONGEST = 1 << 20
# Whole numbers up to here are added without rounding.
_EXACT = 2.0**53


def no_functions(count: Vector) -> Vector:
    """Ask for the counts' own sums only."""
    return np.empty((0, count.size))


@final
@dataclass(frozen=True, eq=False)
class CellSums:
    """What the counts of each sample add up to; each array of shape (samples,).

    Attributes:
        sizes: the rows n.
        seen: how many symbols have a count.
        once: how many of them were seen once.
        sums: Σ g(n_i) over the symbols, for each function g.
    """

    sizes: Vector
    seen: Vector
    once: Vector
    sums: tuple[Vector, ...]

    @classmethod
    def of(cls, counts: NDArray[Any], functions: Functions) -> CellSums | None:
        """Sum functions of the counts, and the counts themselves.

        Args:
            counts: integers, shape (samples, symbols).
            functions: the functions, which are 0 at a count of 0.

        Returns:
            The sums, or None where this is not the way to them: of few counts, of very large ones,
            or of negative ones, which are the caller's to name.
        """
        symbols = counts.shape[1]
        if counts.size < _ENOUGH or symbols > _CELLS or counts.dtype.kind not in "iu":
            return None
        # n, the symbols seen and those seen once are added up as the digits of one number
        digits = 2.0 ** math.ceil(math.log2(symbols + 1))
        unit = _EXACT / (2.0 * digits * digits)
        reader = _Reader(counts, int((unit - 1.0) // symbols))

        def terms(count: Vector) -> Vector:
            whole = count + unit + (unit * digits) * (count == 1.0)
            return np.vstack([whole[None, :], functions(count)])

        found = reader.by_pairs(terms) if reader.mostly_small() else reader.by_ones(terms)
        if found is None:
            return None
        whole = found[:, 0]
        once = np.floor(whole / (unit * digits))
        whole = whole - once * (unit * digits)
        seen = np.floor(whole / unit)
        return cls(whole - seen * unit, seen, once, tuple(found[:, 1:].T))


@final
class _Reader:
    """Reads the table of counts once, some samples at a time."""

    def __init__(self, counts: NDArray[Any], most: int) -> None:
        """Keep the counts, and the largest that a count may be."""
        self._counts = counts
        self._most = most

    def mostly_small(self) -> bool:
        """Whether few counts are too large for a pair, as every so many-th sample tells."""
        some = self._counts[:: max(len(self._counts) // 256, 1)]
        return _RARE * int(np.count_nonzero(some >= _BYTE)) <= some.size

    def by_ones(self, terms: Functions) -> Vector | None:
        """Look every count up; None where that is no way."""
        top = int(self._counts.max())
        if top > self._most or top > longest_table(self._counts):
            return None
        return sums_by_kind(self._counts, terms(np.arange(1.0, top + 1.0))[:, None, :])

    def by_pairs(self, terms: Functions) -> Vector | None:
        """Look counts up in pairs, and give those too large for it their terms by themselves."""
        single = terms(np.arange(1.0, _BYTE))
        single = np.hstack([np.zeros((len(single), 1)), single])
        lookup = _Lookup((single[:, :, None] + single[:, None, :]).reshape(len(single), -1))
        samples, symbols = self._counts.shape
        result = np.empty((samples, lookup.width))
        large: list[tuple[NDArray[np.intp], NDArray[Any]]] = []
        unsigned = np.dtype(f"u{self._counts.itemsize}")
        for rows, part in _parts(self._counts):
            top = int(part.view(unsigned).max())  # a negative one is larger than all that may be
            if top > self._most:
                return None
            # an odd last symbol is paired with one that was never seen
            small = np.zeros((len(part), symbols + symbols % 2), dtype=np.uint8)
            np.copyto(small[:, :symbols], part, casting="unsafe")
            if top >= _BYTE:
                sample, symbol = np.divmod(np.flatnonzero(part >= _BYTE), symbols)
                small[sample, symbol] = 0
                large.append((sample + rows.start, part[sample, symbol]))
            lookup.sums(small.view(np.uint16), result[rows])
        if large:
            sample, count = (np.concatenate(arrays) for arrays in zip(*large, strict=True))
            for column, term in enumerate(terms(count.astype(np.float64))):
                result[:, column] += np.bincount(sample, term, samples)
        return result[:, : len(single)]


def longest_table(counts: NDArray[Any]) -> int:
    """How many entries a table may have that such counts are looked up in one by one."""
    return min(_LONGEST, counts.size // 4)


def sums_by_kind(
    counts: NDArray[Any], table: Vector, kinds: NDArray[np.intp] | None = None
) -> Vector:
    """Sum functions of the counts that are others for each kind of sample; (samples, functions).

    Args:
        counts: non-negative integers, shape (samples, symbols).
        table: the functions at each count from 1 to the largest, shape (functions, kinds, counts).
        kinds: the kind of each sample, shape (samples,); None where there is only one.
    """
    functions, _, top = table.shape
    lookup = _Lookup(np.pad(table, ((0, 0), (0, 0), (1, 0))).reshape(functions, -1))
    result = np.empty((len(counts), lookup.width))
    for rows, part in _parts(counts):
        places = part if kinds is None else part + (kinds[rows] * (top + 1))[:, None]
        lookup.sums(places, result[rows])
    return result[:, :functions]


def _parts(counts: NDArray[Any]) -> Iterator[tuple[slice, NDArray[Any]]]:
    """Some samples at a time."""
    samples, symbols = counts.shape
    step = max(_CELLS // symbols, 1)
    for first in range(0, samples, step):
        rows = slice(first, min(first + step, samples))
        yield rows, np.ascontiguousarray(counts[rows])


@final
class _Lookup:
    """Tables of functions, two of them in each complex table.

    Attributes:
        width: how many functions there are, an odd one out filled up.
    """

    def __init__(self, tables: Vector) -> None:
        self.width = len(tables) + len(tables) % 2
        padded = np.zeros((self.width, tables.shape[1]))
        padded[: len(tables)] = tables
        self._tables = [
            first + 1j * second for first, second in zip(padded[::2], padded[1::2], strict=True)
        ]

    def sums(self, indices: NDArray[Any], out: Vector) -> None:
        """Sum the functions over the last axis of their indices; shape (samples, width)."""
        places = indices.astype(np.intp, copy=False)
        pick = np.tile(np.eye(2), (places.shape[1], 1))
        for pair, table in enumerate(self._tables):
            # every index is in the table: `clip` only spares the check
            found = table.take(places, mode="clip").view(np.float64)
            out[:, 2 * pair : 2 * pair + 2] = found @ pick
