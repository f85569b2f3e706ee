"""Counting: how often each distinct value, or combination of values, occurs in a sample.

Values may be numbers, text, booleans or anything that sorts, in memory or streamed from files, with
weights. Memory grows with the number of distinct values, not with the number of rows.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from kullback._core.arrays import Vector
from kullback._core.errors import DataError
from kullback.data.blocks import blocks
from kullback.data.open import open_sample
from kullback.data.roles import Roles
from kullback.data.sample import ArraySample, RowSource

Ints: TypeAlias = NDArray[np.int64]
# Rows (int64), or sums of weights that are not whole (float64).
Totals: TypeAlias = NDArray[Any]

# More distinct values than this are refused: their table takes 256 MiB, and twice that while two
# are merged. A column with so many is a continuous variable.
MOST_DISTINCT = 1 << 24
# Whole numbers in a range no longer than this are counted in an array of 8 MiB, others by sorting.
_COUNTED = 1 << 20
# Rows counted together: their copies and codes take some megabytes.
_ROWS = 1 << 20


@final
@dataclass(frozen=True, eq=False)
class SymbolCounts:
    """The distinct values of a sample and how often each occurs.

    Attributes:
        symbols: the values, sorted.
        counts: the rows of each (int64), or their weight (float64) where weights are not whole.
        rows: how many rows were counted, whatever their weights.
        label: the name of the column in messages and reports.
        dropped: how many rows with missing values were dropped.
    """

    symbols: NDArray[Any]
    counts: Totals
    rows: int
    label: str
    dropped: int = 0


@final
@dataclass(frozen=True, eq=False)
class Contingency:
    """How often each combination of values of several columns occurs.

    Attributes:
        symbols: the distinct values of each column, sorted.
        cells: the combinations that occur, as positions in `symbols`, shape (cells, columns).
        counts: the rows of each (int64), or their weight (float64) where weights are not whole.
        labels: the names of the columns.
        dropped: how many rows with missing values were dropped.
    """

    symbols: tuple[NDArray[Any], ...]
    cells: Ints
    counts: Totals
    labels: tuple[str, ...]
    dropped: int = 0


def count_values(
    data: Any,
    *,
    y: Any = None,
    weights: Any = None,
    missing: str = "error",
    outcome: str | None = None,
    most: int = MOST_DISTINCT,
) -> SymbolCounts:
    """Count the distinct values of a column.

    Args:
        data: an array, list or Series; a table; a path; or a sample (see `kullback.data.open`).
        y: the column, for data with several.
        weights: how many times each row was seen: a column's name, or an array beside an array.
        missing: "error", or "drop" to drop rows with missing values.
        outcome: "number" or "label"; by default numbers where all values are, else labels.
        most: the largest number of distinct values.

    Raises:
        DataError: the data cannot be used, or have more distinct values than that.

    >>> found = count_values(["b", "a", "b"])
    >>> found.symbols.tolist(), found.counts.tolist()
    (['a', 'b'], [1, 2])
    """
    if _is_integers(data) and y is None and weights is None:
        tally = _Tally(most, "y")
        for first in range(0, len(data), _ROWS):
            tally.add(data[first : first + _ROWS], None)
        if len(data):
            values, counts = tally.finish()
            return SymbolCounts(values, counts, len(data), "y")
    kinds = ("number", "label") if outcome is None else (outcome,)
    sample, tally, rows = _count_column(data, y, weights, missing, most, kinds=kinds)
    values, counts = tally.finish()
    return SymbolCounts(_names(values, sample), counts, rows, sample.label, sample.dropped)


def joint_counts(
    data: Any,
    columns: Sequence[str] | None = None,
    *,
    weights: Any = None,
    missing: str = "error",
    most: int = MOST_DISTINCT,
) -> Contingency:
    """Count the combinations of values of several columns.

    Args:
        data: a table or a path, with ``columns``; or a mapping or a sequence of arrays of the same
            length, one for each column.
        columns: the names of two columns or more.
        weights: how many times each row was seen: a column's name, or an array beside arrays.
        missing: "error", or "drop" to drop rows with a missing value in any of the columns (for
            data in memory).
        most: the largest number of distinct values, and of combinations.

    Raises:
        DataError: the data cannot be used, or have more distinct combinations than that.

    >>> table = joint_counts([["a", "a", "b"], [1, 2, 2]])
    >>> table.cells.tolist(), table.counts.tolist()
    ([[0, 0], [0, 1], [1, 1]], [1, 1, 1])
    """
    if isinstance(data, RowSource):
        raise DataError("a sample holds one outcome; give the table, with the names of its columns")
    if columns is None:
        data = data if isinstance(data, Mapping) else {f"{i}": part for i, part in enumerate(data)}
        columns = tuple(str(name) for name in data)
    if isinstance(columns, str) or len(columns) < 2:
        raise DataError(f"a joint table needs a list of two columns or more, got {columns!r}")
    if len(set(columns)) < len(columns):
        raise DataError(f"a joint table needs different columns, got {', '.join(columns)}")
    # counted without weights, so that a value of weight zero has a code
    found = [_count_column(data, name, weights, missing, most, weighted=False) for name in columns]
    samples = [sample for sample, _, _ in found]
    symbols = [tally.finish()[0] for _, tally, _ in found]
    lengths = [len(values) for values in symbols]
    if math.prod(lengths) >= 2**62:
        size = " × ".join(f"{length:,}" for length in lengths)
        raise DataError(f"{size} combinations are too many for 64-bit codes; give fewer columns")
    tally = _Tally(most, "combinations of " + ", ".join(columns))
    coders = [_Coder(values) for values in symbols]
    rows = 0
    for parts, weight in _side_by_side(samples):
        codes: Ints = np.zeros(len(parts[0]), dtype=np.int64)
        for part, coder, length in zip(parts, coders, lengths, strict=True):
            codes = codes * length + coder(part)
        tally.add(codes, weight)
        rows += len(codes)
    numbers, counts = tally.finish()
    cells = np.stack(np.unravel_index(numbers, lengths), axis=1)
    names = [_names(values, sample) for sample, values in zip(samples, symbols, strict=True)]
    used, cells = _used(names, cells)
    lost = [s.count + s.dropped - rows for s in samples if isinstance(s, ArraySample) and s.dropped]
    return Contingency(used, cells, counts, tuple(columns), max(lost, default=0))


class _TooManyError(DataError):
    """More distinct values than a table may hold."""


class _Tally:
    """Distinct numbers and their totals, accumulated part by part."""

    def __init__(self, most: int, label: str) -> None:
        self._most = most
        self._label = label
        self._parts: list[tuple[NDArray[Any], Totals]] = []
        self._pending = 0
        self._merged = 0

    def add(self, values: NDArray[Any], weights: Vector | None) -> None:
        """Count some rows."""
        part = _count(values, weights)
        self._parts.append(part)
        self._pending += part[0].size
        # Merging once the parts are as large as the table costs each entry a few merges at most.
        if self._pending > max(2 * self._merged, _COUNTED):
            self._merge()

    def finish(self) -> tuple[NDArray[Any], Totals]:
        """Return the distinct values, ascending, and their totals, as integers where whole."""
        self._merge()
        ((values, totals),) = self._parts
        positive = totals > 0
        if not positive.all():
            values, totals = values[positive], totals[positive]
        if totals.dtype.kind == "f" and bool(np.all(totals == np.floor(totals))):
            totals = totals.astype(np.int64)
        return values, totals

    def _merge(self) -> None:
        if len(self._parts) > 1:
            every = np.concatenate([values for values, _ in self._parts])
            totals = np.concatenate([counts for _, counts in self._parts])
            order = np.argsort(every, kind="stable")  # fast on the sorted runs
            every, totals = every[order], totals[order]
            first = np.flatnonzero(np.concatenate([[True], every[1:] != every[:-1]]))
            self._parts = [(every[first], np.add.reduceat(totals, first))]
        self._merged = self._pending = self._parts[0][0].size
        if self._merged > self._most:
            raise _TooManyError(
                f"{self._label} has more than {self._most:,} distinct values, too many for a table "
                "of counts. For a continuous variable use nearest neighbours, or round the values."
            )


def _count(values: NDArray[Any], weights: Vector | None) -> tuple[NDArray[Any], Totals]:
    """Count the rows, or sum the weights, of each distinct value of some rows."""
    low, high = values.min(), values.max()
    if int(high) - int(low) < _COUNTED and (
        values.dtype.kind in "iu" or bool(np.all(values == np.floor(values)))
    ):
        if values.dtype.kind == "i":  # short integers would overflow
            values = values.astype(np.int64, copy=False)
        codes = (values - low).astype(np.intp, copy=False)
        rows = np.bincount(codes)
        observed = np.flatnonzero(rows)
        distinct = observed.astype(values.dtype) + values.dtype.type(low)
        if weights is None:
            return distinct, rows[observed].astype(np.int64, copy=False)
        return distinct, np.bincount(codes, weights)[observed]
    if weights is None:
        distinct, totals = np.unique(values, return_counts=True)
        return distinct, totals.astype(np.int64, copy=False)
    distinct, codes = np.unique(values, return_inverse=True)
    return distinct, np.bincount(codes, weights)


def _is_integers(data: Any) -> bool:
    return isinstance(data, np.ndarray) and data.ndim == 1 and data.dtype.kind in "iu"


def _count_column(
    data: Any,
    y: Any,
    weights: Any,
    missing: str,
    most: int,
    *,
    kinds: Sequence[str] = ("number", "label"),
    weighted: bool = True,
) -> tuple[RowSource, _Tally, int]:
    """Open a column as the first kind that fits; count its values (or codes) and its rows."""
    for kind in kinds:
        try:
            sample = open_sample(data, Roles(y, weights, missing=missing, outcome=kind))
            tally, rows = _Tally(most, sample.label), 0
            for chunk in sample.chunks():
                weight = chunk.weight if weighted else None
                for first in range(0, chunk.count, _ROWS):
                    part = slice(first, min(first + _ROWS, chunk.count))
                    tally.add(chunk.fields["y"][part], None if weight is None else weight[part])
                rows += chunk.count
            return sample, tally, rows
        except _TooManyError:
            raise
        except DataError:
            if kind == kinds[-1]:
                raise
    raise AssertionError("unreachable: the last kind returns or raises")


def _names(values: NDArray[Any], sample: RowSource) -> NDArray[Any]:
    """Return the labels of codes, or the numbers themselves, as integers where whole."""
    if sample.levels is not None:
        names: NDArray[Any] = np.empty(values.size, dtype=object)
        names[:] = [sample.levels[code] for code in values.astype(np.intp).tolist()]
        return names
    whole = values.dtype.kind == "f" and bool(np.all(values == np.floor(values)))
    return values.astype(np.int64) if whole and bool(np.all(np.abs(values) < 2**53)) else values


def _side_by_side(samples: Sequence[RowSource]) -> Iterator[tuple[list[Vector], Vector | None]]:
    """Iterate over the same rows of all columns, and their weights, part by part."""
    if not any(sample.dropped for sample in samples):
        every = [blocks(sample.chunks()) for sample in samples]
        for parts in zip_longest(*every):
            counts = {0 if part is None else part.count for part in parts}
            if len(counts) > 1:
                labels = " and ".join(sample.label for sample in samples)
                raise DataError(
                    f"{labels} have different numbers of rows; give a value of each for every row"
                )
            (count,) = counts
            weight = parts[0].weight[:count] if parts[0].weighted else None
            yield [part.fields["y"][:count] for part in parts], weight
        return
    if not all(sample.in_memory for sample in samples):
        raise DataError(
            'missing="drop" does not work for the joint table of streamed columns, whose remaining '
            "rows do not match. Fill in the missing values, or read the columns into memory."
        )
    chunks = [next(iter(sample.chunks())) for sample in samples]
    rows = [np.arange(part.count) if part.rows is None else part.rows for part in chunks]
    kept = rows[0]
    for other in rows[1:]:
        kept = np.intersect1d(kept, other, assume_unique=True)
    if not kept.size:
        raise DataError("every row has a missing value in one of the columns")
    at = [np.searchsorted(own, kept) for own in rows]
    weight = None if chunks[0].weight is None else chunks[0].weight[at[0]]
    yield [part.fields["y"][place] for part, place in zip(chunks, at, strict=True)], weight


class _Coder:
    """Positions of values in the sorted array of the distinct ones."""

    def __init__(self, values: NDArray[Any]) -> None:
        self._values = values
        low, high = float(values[0]), float(values[-1])
        self._low = low
        self._places: NDArray[np.int64] | None = None
        if high - low < _COUNTED and bool(np.all(values == np.floor(values))):
            self._places = np.zeros(int(high - low) + 1, dtype=np.int64)
            self._places[(values - low).astype(np.intp)] = np.arange(len(values))

    def __call__(self, values: Vector) -> Ints:
        if self._places is not None:
            return self._places[(values - self._low).astype(np.intp)]
        return np.searchsorted(self._values, values).astype(np.int64, copy=False)


def _used(symbols: Sequence[NDArray[Any]], cells: Ints) -> tuple[tuple[NDArray[Any], ...], Ints]:
    """Remove values without a cell: all of their rows were dropped, or have weight zero."""
    names, codes = [], []
    for column, values in enumerate(symbols):
        used, places = np.unique(cells[:, column], return_inverse=True)
        names.append(values[used])
        codes.append(places)
    return tuple(names), np.stack(codes, axis=1).astype(np.int64, copy=False)
