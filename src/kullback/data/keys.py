"""Rows grouped by the values of key columns: the sorted keys, and the rows of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from kullback._core.errors import DataError
from kullback.data.checks import and_more, column_label, count_of
from kullback.data.sample import plain_row

# Whole numbers in a range of at most this many times the rows are counted, others sorted.
_COUNTED = 4

# NumPy sorts 16 bits by radix, ten times as fast as 64 bits by comparison.
_RADIX = 1 << 16

# Rows that a message names.
_SHOWN = 3


@final
@dataclass(frozen=True, eq=False)
class GroupedRows:
    """The rows of each group, groups in the order of their keys.

    Attributes:
        names: the key columns.
        keys: the key of each group: its value, or a tuple of values where several columns are keys.
        order: the positions of the rows, sorted by group and in a group by position; None where
            the rows are in that order already.
        offsets: where each group begins in that order, and after the last one the number of rows.
    """

    names: tuple[str, ...]
    keys: tuple[Any, ...]
    order: NDArray[np.intp] | None
    offsets: NDArray[np.intp]

    @property
    def firsts(self) -> NDArray[np.intp]:
        """The position of the first row of each group."""
        firsts = self.offsets[:-1]
        return firsts if self.order is None else self.order[firsts]

    def parted(self, counts: Sequence[int]) -> list[GroupedRows]:
        """Return the same groups of each of several runs of so many rows."""
        if len(counts) == 1:
            return [self]
        order = np.arange(self.offsets[-1]) if self.order is None else self.order
        group = np.repeat(np.arange(len(self.keys)), np.diff(self.offsets))
        parts, begin = [], 0
        for count in counts:
            own = np.flatnonzero((order >= begin) & (order < begin + count))
            sizes = np.bincount(group[own], minlength=len(self.keys))
            offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.intp)
            parts.append(GroupedRows(self.names, self.keys, order[own] - begin, offsets))
            begin += count
        return parts


def group_rows(columns: Mapping[str, Any], rows: NDArray[np.int64] | None = None) -> GroupedRows:
    """Group rows by the values of key columns.

    Args:
        columns: the key columns by name: NumPy arrays or Arrow arrays.
        rows: the positions of the rows to group; None for all.

    Raises:
        DataError: for a missing key, or keys that have no order.
    """
    codes, keys = encoded(columns, rows)
    offsets = np.concatenate([[0], np.cumsum(np.bincount(codes, minlength=len(keys)))])
    in_order = bool(np.all(codes[1:] >= codes[:-1]))
    order = None if in_order else _stable_order(codes, len(keys))
    return GroupedRows(tuple(columns), keys, order, offsets.astype(np.intp))


def encoded(
    columns: Mapping[str, Any],
    rows: NDArray[np.int64] | None = None,
    locate: Callable[[int], str] = plain_row,
) -> tuple[NDArray[np.int64], tuple[Any, ...]]:
    """Return the position of each row's key among the sorted distinct keys, and these.

    Args:
        columns: the key columns by name: NumPy arrays or Arrow arrays.
        rows: the positions of the rows; None for all.
        locate: names a row in a message, given its position.

    Raises:
        DataError: for a missing key, or keys that have no order.
    """
    codes: NDArray[np.int64] | None = None
    labels: list[list[Any]] = []
    for name, column in columns.items():
        own, values = _encoded(column, name, locate)
        if rows is not None:
            own, present = _compact(own[rows])
            values = [values[i] for i in present.tolist()]
        if codes is None:
            codes, labels = own, [values]
            continue
        codes, present = _compact(codes * len(values) + own)
        first, second = (part.tolist() for part in np.divmod(present, len(values)))
        labels = [*([part[i] for i in first] for part in labels), [values[i] for i in second]]
    assert codes is not None  # there is a key column
    return codes, tuple(labels[0] if len(labels) == 1 else zip(*labels, strict=True))


def _stable_order(codes: NDArray[np.int64], groups: int) -> NDArray[np.intp]:
    """Return the positions sorted by code, equal codes in their order."""
    order = np.argsort((codes % _RADIX).astype(np.uint16), kind="stable")
    high = codes // _RADIX if groups > _RADIX else None
    while high is not None and bool(high.any()):
        order = order[np.argsort((high % _RADIX).astype(np.uint16)[order], kind="stable")]
        high = high // _RADIX
    return order


def _encoded(
    column: Any, name: str, locate: Callable[[int], str]
) -> tuple[NDArray[np.int64], list[Any]]:
    """Return the position of each row's value among the sorted distinct values, and these."""
    if not isinstance(column, np.ndarray):
        return _encoded_arrow(column, name, locate)
    if column.dtype.kind in "iub":
        codes, present = _compact(column.astype(np.int64) if column.dtype.kind == "b" else column)
        return codes, [bool(v) for v in present] if column.dtype.kind == "b" else present.tolist()
    _refuse_missing(missing_keys(column), name, locate)
    if column.dtype.kind in "fmMUS":
        values, codes = np.unique(column, return_inverse=True)
        return codes.astype(np.int64), _listed(values)
    listed = column.tolist()
    places: dict[Any, int] = {}
    codes = np.array([places.setdefault(v, len(places)) for v in listed], dtype=np.int64)
    distinct = list(places)
    codes, order = sorted_values(codes, distinct, name)
    return codes, [distinct[i] for i in order]


def missing_keys(column: NDArray[Any]) -> NDArray[np.bool_]:
    """Return for each value whether it is missing."""
    if column.dtype.kind in "fmM":
        missing: NDArray[np.bool_] = (
            np.isnan(column) if column.dtype.kind == "f" else np.isnat(column)
        )
        return missing
    if column.dtype.kind != "O":
        return np.zeros(len(column), dtype=bool)
    return np.array([v is None or v != v for v in column.tolist()], dtype=bool)


def _listed(values: NDArray[Any]) -> list[Any]:
    """Return values as Python's; times as those of its library where that has all their digits."""
    if values.dtype.kind in "mM" and np.datetime_data(values.dtype)[0] in ("ns", "ps", "fs", "as"):
        shorter = values.astype(f"{values.dtype.kind}8[us]")
        if not np.array_equal(shorter, values):
            return list(values)
        values = shorter
    listed: list[Any] = values.tolist()
    return listed


def _encoded_arrow(
    column: Any, name: str, locate: Callable[[int], str]
) -> tuple[NDArray[np.int64], list[Any]]:
    if hasattr(column, "combine_chunks"):
        column = column.combine_chunks()
    if hasattr(column, "dictionary"):  # levels may be unused, or repeated
        column = column.dictionary_decode()
    if column.null_count:
        _refuse_missing(np.asarray(column.is_null()), name, locate)
    encoded = column.dictionary_encode()
    codes = np.asarray(encoded.indices).astype(np.int64)
    values = encoded.dictionary.to_pylist()
    codes, order = sorted_values(codes, values, name)
    return codes, [values[i] for i in order]


def sorted_values(
    codes: NDArray[np.int64], values: Sequence[Any], name: str
) -> tuple[NDArray[np.int64], list[int]]:
    """Return the position of each row's value among the values sorted, and their order.

    Args:
        codes: the position of each row's value.
        values: distinct values.
        name: the key columns.

    Raises:
        DataError: they have no order.
    """
    try:
        order = sorted(range(len(values)), key=values.__getitem__)
    except TypeError as error:
        raise DataError(
            f"the keys in {column_label(name)} have no order ({error}): give numbers alone, or "
            "text alone."
        ) from None
    place = np.empty(len(values), dtype=np.int64)
    place[order] = np.arange(len(values))
    return place[codes], order


def _compact(numbers: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[Any]]:
    """Return each number's position among the sorted distinct numbers, and these."""
    if not numbers.size:
        return numbers.astype(np.int64), numbers
    low = numbers.min()
    if int(numbers.max()) - int(low) >= max(_COUNTED * numbers.size, _RADIX):
        present, codes = np.unique(numbers, return_inverse=True)
        return codes.astype(np.int64), present
    above = numbers.astype(np.int64) - low.astype(np.int64)  # which a short type may not hold
    counts = np.bincount(above)
    found = np.flatnonzero(counts)
    if found.size < counts.size:
        above = (np.cumsum(counts > 0) - 1)[above]
    return above, found.astype(numbers.dtype) + low


def _refuse_missing(missing: NDArray[np.bool_], name: str, locate: Callable[[int], str]) -> None:
    places = np.flatnonzero(missing)
    if places.size:
        shown = and_more([locate(i) for i in places[:_SHOWN].tolist()], places.size)
        raise DataError(
            f"{count_of(places.size, 'missing key')} in {column_label(name)}: {shown}. Every row "
            "needs a key: fill them in, or leave such rows out."
        )
