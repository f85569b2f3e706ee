"""The labels of a loss report: classes, soft labels, or the votes of several annotators."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from kullback._core.errors import DataError
from kullback.data.arrays import is_missing, shown
from kullback.data.checks import HERE, and_more, count_of, shown_rows
from kullback.data.tables import column_values
from kullback.evaluation.class_columns import (
    by_position,
    classes_by_name,
    is_numbered,
    read_matrix,
)
from kullback.evaluation.numbers import matrix_of_numbers

Floats: TypeAlias = NDArray[np.float64]

# The number of labels that a message lists.
_SHOWN = 5
_PROBABILITIES = "the probabilities"


@final
@dataclass(frozen=True, eq=False)
class RowLabels:
    """The observed labels of the rows.

    Attributes:
        classes: the class labels, in the order of the probabilities' columns.
        share: each row's proportions of the classes, shape (n, K): a single 1 for a single label.
        votes: counts of the annotators' votes, shape (n, K); None without votes.
        soft: whether the labels are probabilities.
        order: the column of the probabilities that each class has; None for their own order.
        notes: how columns were matched where their names leave doubt, a sentence each.
    """

    classes: tuple[Any, ...]
    share: Floats
    votes: Floats | None
    soft: bool
    order: list[int] | None = None
    notes: tuple[str, ...] = ()


def read_labels(
    y: Any, classes: Any, count: int, label: str, names: tuple[Any, ...] | None = None
) -> RowLabels:
    """Read labels, rows of probabilities, or rows of votes.

    Args:
        y: labels, shape (n,); or probabilities or counts of votes, shape (n, K).
        classes: the labels in the order of the probabilities' columns; None if unknown.
        count: K.
        label: the outcome's name, for messages.
        names: of the probabilities' columns; None for an array.

    Raises:
        DataError: labels that cannot be used; the message lists their rows.
    """
    if classes is not None:
        classes = np.asarray(classes).tolist() if hasattr(classes, "dtype") else list(classes)
        if len(classes) != count or len(set(classes)) != count:
            raise DataError(
                f"classes names {len(set(classes))} different labels, and the probabilities have "
                f"{count} columns; each column needs one label"
            )
    order: list[int] | None = None
    notes: list[str] = []
    if classes is not None and names is not None:
        order, note = _order(names, classes, _PROBABILITIES, "classes", in_order=True)
        notes += [note] * bool(note)
    if _is_matrix(y):
        matrix, column_names = read_matrix(y, label)
        table = matrix_of_numbers(matrix, label)
        if table.shape[1] != count:
            raise DataError(
                f"{label} has {table.shape[1]} columns and the probabilities have {count}: both "
                "need the same classes in the same order"
            )
        given = classes
        if classes is None and names is not None and not is_numbered(names):
            classes = list(names)
        if classes is not None and column_names is not None:
            ordered = given is not None
            own_order, note = _order(column_names, classes, label, "the probabilities", ordered)
            table = table if own_order is None else table[:, own_order]
            notes += [note] * bool(note)
        elif column_names is not None and not is_numbered(column_names):
            classes = list(column_names)
        named = tuple(range(count)) if classes is None else tuple(classes)
        labels = _of_matrix(table, named, label)
        return replace(labels, order=order, notes=tuple(notes))
    values = column_values(y, label)
    if len(values) == 0:
        raise DataError(f"{label} is empty; a loss report needs at least one row")
    missing = _missing(values)
    if missing.any():
        raise DataError(
            f"{count_of(int(missing.sum()), 'missing label')} in {label}: "
            f"{shown_rows(missing, HERE)}. Leave such rows out of X and y."
        )
    distinct, codes = _distinct(values)
    if classes is None and names is not None:
        classes = classes_by_name(names, distinct, _PROBABILITIES, label)
    if classes is None:
        classes = _classes_of(distinct, count, label)
        note = "" if names is None else by_position(names, classes, _PROBABILITIES)
        notes += [note] * bool(note)
    known = {name: code for code, name in enumerate(classes)}
    class_codes = np.array([known.get(name, -1) for name in distinct], dtype=np.int64)
    unknown = (class_codes < 0)[codes]
    if unknown.any():
        strange = [shown(d) for d, k in zip(distinct, class_codes.tolist(), strict=True) if k < 0]
        raise DataError(
            f"{label} holds {and_more(strange[:_SHOWN], len(strange))}, but the classes are "
            f"{and_more([shown(c) for c in classes[:_SHOWN]], len(classes))}: "
            f"{shown_rows(unknown, HERE)}"
        )
    share = np.zeros((len(values), count))
    share[np.arange(len(values)), class_codes[codes]] = 1.0
    return RowLabels(tuple(classes), share, None, False, order, tuple(notes))


def _order(
    names: tuple[Any, ...], classes: list[Any], what: str, of: str, in_order: bool
) -> tuple[list[int] | None, str]:
    """The column of each class by the columns' names; None, with a note, for their own order."""
    found = classes_by_name(names, classes, what, of, in_order=in_order)
    if found is None:
        return None, by_position(names, classes, what)
    place = {name: column for column, name in enumerate(found)}
    return [place[name] for name in classes], ""


def sum_tolerance(count: int) -> float:
    """The largest rounding error in float32 of a sum of K probabilities: 2⁻²⁰ + K·2⁻²⁴.

    Half a unit in the last place of each, 2⁻²⁴, and the rounding of the sum by which they were
    divided.
    """
    return 2.0**-20 + count * 2.0**-24


def _is_matrix(y: Any) -> bool:
    """Whether labels are a matrix: an array, a table, or a list of rows."""
    if isinstance(y, Mapping):
        return len(y) > 1
    if isinstance(y, np.ndarray) and y.dtype.names:
        return len(y.dtype.names) > 1
    if len(getattr(y, "shape", ())) == 2:
        return bool(y.shape[1] > 1)
    return isinstance(y, (list, tuple)) and bool(y) and isinstance(y[0], (list, tuple, np.ndarray))


def _of_matrix(table: NDArray[Any], classes: tuple[Any, ...], label: str) -> RowLabels:
    """The labels in rows of probabilities or of votes."""
    if table.dtype.kind not in "fiub" or len(table) == 0:
        raise DataError(f"{label} must be a non-empty matrix of numbers, got {table.dtype}")
    numbers = table.astype(np.float64)
    bad = np.asarray(~(np.isfinite(numbers) & (numbers >= 0.0)).all(axis=1))
    if bad.any():
        raise DataError(
            f"{label} must hold probabilities or counts of votes, finite and at least 0: "
            f"{shown_rows(bad, HERE)}"
        )
    sums: Floats = numbers.sum(axis=1)
    empty = sums == 0.0
    if empty.any():
        raise DataError(f"rows of {label} without a vote: {shown_rows(empty, HERE)}")
    if bool((numbers == np.rint(numbers)).all()):
        votes = numbers if bool((sums > 1.0).any()) else None
        return RowLabels(classes, numbers / sums[:, None], votes, False)
    off = np.abs(sums - 1.0) > sum_tolerance(numbers.shape[1])
    if off.any():
        raise DataError(
            f"rows of {label} are neither whole numbers of votes nor probabilities that sum to 1: "
            f"{shown_rows(off, HERE, sums)}"
        )
    return RowLabels(classes, numbers, None, True)


def _missing(values: NDArray[Any]) -> NDArray[np.bool_]:
    if values.dtype.kind == "f":
        return np.asarray(np.isnan(values))
    if values.dtype.kind == "O":
        return np.fromiter((is_missing(v) for v in values.tolist()), bool, len(values))
    return np.zeros(len(values), dtype=bool)


def _distinct(values: NDArray[Any]) -> tuple[list[Any], NDArray[np.int64]]:
    """The distinct labels, and the code of each row's label."""
    if values.dtype.kind in "biufUST":
        distinct, codes = np.unique(values, return_inverse=True)
        return distinct.tolist(), codes.astype(np.int64)
    index: dict[Any, int] = {}
    codes = np.fromiter(
        (index.setdefault(v, len(index)) for v in values.tolist()), np.int64, len(values)
    )
    return list(index), codes


def _classes_of(distinct: list[Any], count: int, label: str) -> list[Any]:
    """The classes of an array of probabilities: the sorted labels, or the codes 0 … K − 1.

    Fewer labels than columns are codes only if 0 is among them: of classes 1, 2 and 3 the first two
    would be mistaken for codes and read one column too far to the right.
    """
    codes = all(isinstance(d, (int, float)) and d in range(count) for d in distinct)
    if codes and (0 in distinct or len(distinct) == count):
        return [bool(k) for k in range(2)] if _all_bool(distinct, count) else list(range(count))
    if len(distinct) == count:
        try:
            return sorted(distinct)
        except TypeError:
            pass
    listed = and_more([shown(d) for d in distinct[:_SHOWN]], len(distinct))
    raise DataError(
        f"{label} holds {count_of(len(distinct), 'different label')} ({listed}) and the "
        f"probabilities have {count_of(count, 'column')}: say which column is which class with "
        "classes=[...]"
    )


def _all_bool(distinct: list[Any], count: int) -> bool:
    return count == 2 and all(isinstance(d, bool) for d in distinct)
