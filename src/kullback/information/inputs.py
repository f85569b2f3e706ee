"""What a user's columns hold: numbers to measure distances between, or values to count."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from kullback._core.arrays import Vector
from kullback._core.errors import DataError
from kullback.data.open import open_sample
from kullback.data.sample import ArraySample, Sample
from kullback.data.series_names import names_of_two

# Nearest neighbours are looked for among at most this many rows of a stream, spread evenly: the
# standard error of an entropy is then about 0.001 nats.
MOST_ROWS = 1 << 20

# A column of whole numbers counts as labels where each was seen this often on average.
_OFTEN = 20


@final
@dataclass(frozen=True, eq=False)
class Observed:
    """A column, or several numeric ones side by side.

    Attributes:
        name: what messages call it.
        values: numbers or the codes of labels, of shape (n,) or (n, d).
        discrete: whether it holds labels, or whole numbers only.
        labels: whether it holds labels.
        notes: what was left out or decided, a sentence each.
    """

    name: str
    values: Vector
    discrete: bool
    labels: bool = False
    notes: tuple[str, ...] = ()

    @property
    def repeated(self) -> bool:
        """Whether its values were seen often enough to be taken as labels."""
        return np.unique(self.values).size * _OFTEN <= len(self.values)


@final
@dataclass(frozen=True, eq=False)
class Pair:
    """Two columns, or groups of columns, with the same rows.

    Attributes:
        columns: both.
        data: the table that they are columns of.
        names: their names in it.
    """

    columns: tuple[Observed, Observed]
    data: Any
    names: tuple[str, str]


def column_names(y: str | Sequence[str] | None) -> tuple[str, ...]:
    """Give the names asked for: none, one or several."""
    if y is None:
        return ()
    return (y,) if isinstance(y, str) else tuple(y)


def observe(data: Any, y: Any, weights: Any, missing: str) -> Observed:
    """Look at one column and decide how its entropy is estimated.

    Args:
        data: as `open_sample` takes them.
        y: the column.
        weights: how many rows each row stands for.
        missing: "error" or "drop".

    Raises:
        DataError: for data that cannot be used, and weights on values that are not counted.
    """
    note = "whole numbers only, which are counted"
    if isinstance(data, np.ndarray) and data.dtype.kind in "iu":
        return Observed("y", np.zeros(0), discrete=True, notes=(f"y holds {note}",))
    sample = _open(data, y, (), weights, missing)
    if sample.levels is not None:
        gone = (left_out(sample.dropped),) if sample.dropped else ()
        return Observed(sample.label, np.zeros(0), discrete=True, labels=True, notes=gone)
    found = _gather(sample, ("y",))
    if _whole(found.values):
        notes = (f"{sample.label} holds {note}", *found.notes)
        return Observed(sample.label, found.values, discrete=True, notes=notes)
    if weights is not None:
        raise DataError(
            f"{sample.label} holds numbers that are not whole, and entropy from nearest neighbours "
            "takes rows of equal weight: leave the weights out, or repeat the rows"
        )
    return Observed(sample.label, found.values[:, 0], discrete=False, notes=found.notes)


def observe_rows(data: Any, names: Sequence[str], weights: Any, missing: str) -> Observed:
    """Take one or several columns as rows of numbers.

    Args:
        data: an array of shape (n,) or (n, d); or a table or files, with the names of columns.
        names: the columns; none for an array, or a table's only column.
        weights: refused.
        missing: "error" or "drop".

    Raises:
        DataError: for data that cannot be used.
    """
    if weights is not None:
        raise DataError("nearest neighbours take rows of equal weight: leave the weights out")
    if isinstance(data, np.ndarray) and data.ndim == 2:
        names = tuple(f"column {i}" for i in range(data.shape[1]))
        data = {name: data[:, i] for i, name in enumerate(names)}
        sample = open_sample(data, y=names[0], columns=names[1:], missing=missing)
        return replace(_gather(sample, ("y", *names[1:])), name="y")
    y, rest = (names[0], tuple(names[1:])) if names else (None, ())
    sample = open_sample(data, y=y, columns=rest, missing=missing)
    return _gather(sample, ("y", *rest))


def beside(x: Any, y: Any, data: Any, missing: str) -> Pair:
    """Take two columns with the same rows.

    Args:
        x: values, or the name of a column of ``data``.
        y: the same.
        data: a table or files; None where x and y are arrays.
        missing: "error", or "drop" to leave out rows in which either is missing.

    Raises:
        DataError: for data that cannot be used.
    """
    if data is not None:
        if not (isinstance(x, str) and isinstance(y, str)):
            raise DataError("with data, x and y are the names of two of its columns")
        return _of_table(data, (x,), (y,), missing)
    x_name, y_name = names_of_two(x, y)
    first, second = _columns(x_name, x), _columns(y_name, y)
    return _of_table({**first, **second}, tuple(first), tuple(second), missing)


def _columns(name: str, values: Any) -> Mapping[str, Any]:
    if isinstance(values, np.ndarray) and values.ndim == 2:
        return {f"{name}[{i}]": values[:, i] for i in range(values.shape[1])}
    return {name: values}


def _of_table(data: Any, x: tuple[str, ...], y: tuple[str, ...], missing: str) -> Pair:
    if x == y:
        raise DataError(
            f"x and y are both {x[0]!r}: the information of a column with itself is its entropy; "
            "use kl.estimate_entropy"
        )
    (first, own, rows), (second, other, others) = (_side(data, group, missing) for group in (x, y))
    if rows != others:
        raise DataError(
            f"{first.name} has {rows:,} rows and {second.name} {others:,}: the rows of both have "
            "to belong together, one by one"
        )
    if own is not None or other is not None:
        own = np.arange(rows) if own is None else own
        other = np.arange(rows) if other is None else other
        both, here, there = np.intersect1d(own, other, assume_unique=True, return_indices=True)
        if not both.size:
            raise DataError(
                f"{first.name} and {second.name} have 0 rows in which neither value is missing"
            )
        notes = (left_out(rows - both.size),)
        first = replace(first, values=first.values[here], notes=notes)
        second = replace(second, values=second.values[there], notes=())
    return Pair((first, second), data, (x[0], y[0]))


def _side(
    data: Any, group: tuple[str, ...], missing: str
) -> tuple[Observed, NDArray[np.int64] | None, int]:
    """One of two columns, or groups, the numbers of the rows left in, and how many there were."""
    if len(group) == 1:
        sample = _open(data, group[0], (), None, missing)
    else:
        sample = open_sample(data, y=group[0], columns=group[1:], missing=missing)
    found = _gather(sample, ("y", *group[1:]))
    if sample.dropped and not isinstance(sample, ArraySample):
        raise DataError(
            f"{sample.label} has missing values, and is too large to be held in memory beside "
            "another column: fill them in first"
        )
    rows = sample.rows if isinstance(sample, ArraySample) else None
    values = found.values if len(group) > 1 else found.values[:, 0]
    labels = sample.levels is not None
    whole = len(group) == 1 and _whole(values)
    seen = Observed(sample.label, values, labels or whole, labels, found.notes)
    return seen, rows, len(values) + sample.dropped


def _open(data: Any, y: Any, columns: Sequence[str], weights: Any, missing: str) -> Sample:
    """Open a column as numbers, or else as labels."""
    try:
        sample = open_sample(data, y=y, weights=weights, columns=columns, missing=missing)
        _ = next(iter(sample.chunks()), None)  # a stream is read before it is known to be numbers
        return sample
    except DataError as error:
        # what are no numbers may be labels
        try:
            sample = open_sample(
                data, y=y, weights=weights, columns=columns, missing=missing, outcome="label"
            )
        except DataError as other:
            # labels of which some are missing, or neither labels nor numbers
            told = any(word in str(other) for word in ("missing", "weight"))
            raise (other if told else error) from None
        if sample.levels and all(type(level) in (int, float) for level in sample.levels):
            raise error from None  # numbers of which some are wrong, and no labels
        return sample


def _whole(values: NDArray[np.float64]) -> bool:
    """Whether the values are whole numbers, and not too large for a double to be anything else."""
    return bool(np.all(values == np.floor(values)) and np.all(np.abs(values) < 2.0**52))


def left_out(rows: int) -> str:
    """Say how many rows were left out."""
    one = rows == 1
    return (
        f"{rows:,} row{'' if one else 's'} with missing values {'was' if one else 'were'} left out"
    )


def _gather(sample: Sample, fields: tuple[str, ...]) -> Observed:
    """Put the fields of a sample side by side, thinned where there are very many rows."""
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
    notes = []
    if sample.dropped:
        notes.append(left_out(sample.dropped))
    if stride > 1:
        notes.append(f"of {rows:,} rows every {stride}th was used")
    values = kept[0] if len(kept) == 1 else np.concatenate(kept)
    name = sample.label if len(fields) == 1 else ", ".join((sample.label, *fields[1:]))
    return Observed(name, values, discrete=False, notes=tuple(notes))
