"""Read columns, and decide whether they hold values to count or numbers for distances."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from kullback._core.arrays import Vector
from kullback._core.errors import DataError
from kullback.data.labels import NOT_LABELS
from kullback.data.open import open_sample
from kullback.data.roles import Roles
from kullback.data.sample import ArraySample, RowSource
from kullback.data.series_names import names_of_two
from kullback.data.streams import read_once

# Nearest neighbours are searched among at most this many rows of a stream, evenly spaced: the
# standard error of an entropy is then about 0.001 nats.
MOST_ROWS = 1 << 20
# A column of whole numbers is taken as labels where each occurs at least 20 times on average, and
# at most 10 differ: with more, values that occur a few times are common, and labels of few rows
# inform little.
_OFTEN, _FEW = 20, 10


@final
@dataclass(frozen=True, eq=False)
class Column:
    """A column, or several numeric ones next to each other."""

    name: str  # in messages
    values: Vector  # numbers or the codes of labels, of shape (n,) or (n, d)
    discrete: bool  # whether it holds labels, or whole numbers only
    labels: bool = False
    notes: tuple[str, ...] = ()  # a sentence each on rows left out and on choices

    @property
    def repeated(self) -> bool:
        """Whether its values are few and repeat often enough to be taken as labels."""
        return np.unique(self.values).size <= min(_FEW, len(self.values) / _OFTEN)


class Pair(NamedTuple):
    """Two columns, or groups of columns, with the same rows, and their names in the table."""

    columns: tuple[Column, Column]
    data: Any
    names: tuple[str, str]


def read_column(data: Any, y: Any, weights: Any, missing: str) -> Column:
    """Read one column of data for `open_sample`, and decide how its entropy is estimated.

    Raises:
        DataError: for data that cannot be used, and weights on values that are not counted.
    """
    note = "whole numbers only, which are counted"
    if isinstance(data, np.ndarray) and data.dtype.kind in "iu":
        return Column("y", np.zeros(0), discrete=True, notes=(f"y holds {note}",))
    sample = _open(data, y, weights, missing)
    if sample.levels is not None:
        notes = left_out(sample.dropped)
        return Column(sample.label, np.zeros(0), discrete=True, labels=True, notes=notes)
    column = _gather(sample, ("y",))
    if _whole(column.values):
        return replace(column, discrete=True, notes=(f"{sample.label} holds {note}", *column.notes))
    if weights is not None:
        raise DataError(
            f"{sample.label} holds numbers that are not whole, and entropy from nearest neighbours "
            "takes rows of equal weight: leave the weights out, or repeat the rows"
        )
    return replace(column, values=column.values[:, 0])


def read_rows(data: Any, y: str | Sequence[str] | None, weights: Any, missing: str) -> Column:
    """Read an array of shape (n,) or (n, d), or columns of a table or files, as rows of numbers.

    Raises:
        DataError: for data that cannot be used, and for weights.
    """
    if weights is not None:
        raise DataError("nearest neighbours take rows of equal weight: leave the weights out")
    is_array = isinstance(data, np.ndarray) and data.ndim == 2
    if is_array:
        data = {f"column {i}": data[:, i] for i in range(data.shape[1])}
        y = tuple(data)
    first, *rest = (y,) if y is None or isinstance(y, str) else tuple(y) or (None,)
    sample = open_sample(data, Roles(first, columns=rest, missing=missing))
    column = _gather(sample, ("y", *rest))
    return replace(column, name="y") if is_array else column


def read_pair(x: Any, y: Any, data: Any, missing: str) -> Pair:
    """Read two columns with the same rows: arrays, or the names of columns of ``data``.

    Rows in which either is missing are left out, where ``missing`` is "drop".

    Raises:
        DataError: for data that cannot be used.
    """
    if data is not None:
        if not (isinstance(x, str) and isinstance(y, str)):
            raise DataError("with data, x and y are the names of two of its columns")
        return _pair_of_table(read_once(data, x, y), (x,), (y,), missing)
    x_name, y_name = names_of_two(x, y)
    first, second = _columns(x_name, x), _columns(y_name, y)
    return _pair_of_table({**first, **second}, tuple(first), tuple(second), missing)


def _columns(name: str, values: Any) -> Mapping[str, Any]:
    if isinstance(values, np.ndarray) and values.ndim == 2:
        return {f"{name}[{i}]": values[:, i] for i in range(values.shape[1])}
    return {name: values}


def _pair_of_table(data: Any, x: tuple[str, ...], y: tuple[str, ...], missing: str) -> Pair:
    if x == y:
        raise DataError(
            f"x and y are both {x[0]!r}: the information of a column with itself is its entropy; "
            "use kl.estimate_entropy"
        )
    (first, kept, rows), (second, others, count) = (_side(data, group, missing) for group in (x, y))
    if rows != count:
        raise DataError(
            f"{first.name} has {rows:,} rows and {second.name} {count:,}: the rows of both have "
            "to belong together, one by one"
        )
    if kept is not None or others is not None:
        kept = np.arange(rows) if kept is None else kept
        others = np.arange(rows) if others is None else others
        both, i, j = np.intersect1d(kept, others, assume_unique=True, return_indices=True)
        if not both.size:
            raise DataError(
                f"{first.name} and {second.name} have 0 rows in which neither value is missing"
            )
        first = replace(first, values=first.values[i], notes=left_out(rows - both.size))
        second = replace(second, values=second.values[j], notes=())
    return Pair((first, second), data, (x[0], y[0]))


def _side(
    data: Any, group: tuple[str, ...], missing: str
) -> tuple[Column, NDArray[np.int64] | None, int]:
    """Return a column or group, the numbers of its rows, and their count with missing ones."""
    if len(group) == 1:
        sample = _open(data, group[0], None, missing)
    else:
        sample = open_sample(data, Roles(group[0], columns=group[1:], missing=missing))
    column = _gather(sample, ("y", *group[1:]))
    if sample.dropped and not isinstance(sample, ArraySample):
        raise DataError(
            f"{sample.label} has missing values, and is too large to be held in memory with "
            "another column: fill them in first"
        )
    rows = sample.rows if isinstance(sample, ArraySample) else None
    values = column.values if len(group) > 1 else column.values[:, 0]
    labels = sample.levels is not None
    whole = len(group) == 1 and _whole(values)
    out = Column(sample.label, values, labels or whole, labels, column.notes)
    return out, rows, len(values) + sample.dropped


def _open(data: Any, y: Any, weights: Any, missing: str) -> RowSource:
    """Open a column as numbers, or else as labels."""
    try:
        sample = open_sample(data, Roles(y, weights, missing=missing))
        _ = next(iter(sample.chunks()), None)  # the values of a stream are checked as it is read
        return sample
    except DataError as error:
        try:
            sample = open_sample(data, Roles(y, weights, missing=missing, outcome="label"))
        except DataError as other:
            # labels with missing ones or wrong weights, or neither labels nor numbers
            raise (error if other.reason == NOT_LABELS else other) from None
        if sample.levels and all(type(level) in (int, float) for level in sample.levels):
            raise error from None  # numbers of which some are wrong, and not labels
        return sample


def _whole(values: NDArray[np.float64]) -> bool:
    """Say whether the values are whole numbers, and small enough for doubles with fractions."""
    return bool(np.all(values == np.floor(values)) and np.all(np.abs(values) < 2.0**52))


def left_out(rows: int) -> tuple[str, ...]:
    """Return a note on the number of rows left out, if any."""
    what = "row with missing values was" if rows == 1 else "rows with missing values were"
    return (f"{rows:,} {what} left out",) if rows else ()


def _gather(sample: RowSource, fields: tuple[str, ...]) -> Column:
    """Join the fields of a sample as columns, with evenly spaced rows of a very long stream."""
    limit = None if sample.in_memory else MOST_ROWS
    kept: list[NDArray[np.float64]] = []
    rows, stride = 0, 1
    for chunk in sample.chunks():
        part = np.stack([chunk.fields[name] for name in fields], axis=1)
        kept.append(part[-rows % stride :: stride])
        rows += chunk.count
        while limit is not None and sum(map(len, kept)) > limit:
            kept = [np.concatenate(kept)[::2]]
            stride *= 2
    if not rows:
        raise DataError(f"{sample.label} has no rows. Give at least one.")
    notes = left_out(sample.dropped)
    if stride > 1:
        notes += (f"of {rows:,} rows every {stride}th was used",)
    values = kept[0] if len(kept) == 1 else np.concatenate(kept)
    return Column(", ".join((sample.label, *fields[1:])), values, discrete=False, notes=notes)
