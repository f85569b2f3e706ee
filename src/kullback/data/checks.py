"""Refuse data that cannot be used, with messages that name the column, the rows and the fix."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from kullback._core.errors import DataError, did_you_mean
from kullback.data.sample import Floats, plain_row
from kullback.data.schema import Column

# A message lists so many offending rows and so many column names: enough to find the pattern, few
# enough to read.
SHOWN_ROWS = 3
SHOWN_COLUMNS = 20
# The longest text of one value in a message: the rest of it fits beside that on a terminal's line.
SHOWN_TEXT = 40

# OpenBLAS gives a longer dot product to several threads, which wait for each other: on a busy
# machine 131,072 numbers took 7 ms of processor time instead of 0.1.
_RUN = 8_192


@final
@dataclass(frozen=True)
class Place:
    """The origin of a run of rows, for messages.

    Attributes:
        where: text after the column's name, for example ` in losses/b.parquet (row group 3)`.
        name_row: names a row, given its position in the run.
    """

    where: str = ""
    name_row: Callable[[int], str] = plain_row

    def of(self, kept: NDArray[np.int64] | None) -> Place:
        """The origin of some of the rows, given their positions; None for all."""
        if kept is None:
            return self
        return Place(self.where, lambda position: self.name_row(int(kept[position])))


HERE = Place()


def column_label(name: str) -> str:
    """A column's name in a message.

    >>> print(column_label("loss"))
    column "loss"
    """
    return f'column "{name}"'


def name_of_column(label: str) -> str:
    """The column's name, from its label in a message; any other label unchanged.

    >>> print(name_of_column('column "loss"'), name_of_column("y"))
    loss y
    >>> print(name_of_column('column "lower" and column "upper"'))
    lower–upper
    """
    return label.removeprefix('column "').removesuffix('"').replace('" and column "', "–")


def and_more(parts: Sequence[str], total: int) -> str:
    """Join parts with commas, followed by the number of those not shown.

    >>> and_more(["row 1", "row 4"], 2)
    'row 1 and row 4'
    >>> and_more(["row 1", "row 4", "row 7"], 12)
    'row 1, row 4, row 7 and 9 more'
    """
    *head, last = [*parts, f"{total - len(parts):,} more"] if total > len(parts) else parts
    return f"{', '.join(head)} and {last}" if head else last


def count_of(number: int, noun: str) -> str:
    """A count with its noun.

    >>> count_of(1, "missing value"), count_of(1200, "missing value")
    ('1 missing value', '1,200 missing values')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def short(value: object) -> str:
    """A value for a message, cut off if it is long."""
    text = str(value)
    return text if len(text) <= SHOWN_TEXT else text[: SHOWN_TEXT - 4] + "..." + text[-1]


def shown_rows(
    offending: NDArray[np.bool_], place: Place, values: NDArray[Any] | None = None
) -> str:
    """Name the first offending rows, each with its value if `values` are given."""
    positions = np.flatnonzero(offending)
    parts = [
        place.name_row(position) + ("" if values is None else f" ({short(values[position])})")
        for position in positions[:SHOWN_ROWS].tolist()
    ]
    return and_more(parts, len(positions))


def column_list(names: Iterable[str]) -> str:
    """The names of columns, quoted, cut off if there are many."""
    known = [f'"{name}"' for name in names]
    return and_more(known[:SHOWN_COLUMNS], len(known))


# What columns of other names are joined by in formulas.
_OF_FORMULAS = frozenset("+*:/(^")


def check_column(name: object, known: Sequence[str], role: str, of: str) -> str:
    """Return the name of a column if the data have it exactly once.

    Args:
        name: the name of the column.
        known: the columns of the data.
        role: the argument that gave the name, for example `y`.
        of: a description of the data.

    Raises:
        DataError: it is not a name, or not the name of exactly one column.
    """
    if not isinstance(name, str):
        raise DataError(
            f"{role} must be the name of a column of {of}, got {type(name).__name__}; "
            f"the columns are {column_list(known)}"
        )
    if name not in known:
        raise DataError(
            f'there is no column "{name}" in {of}{did_you_mean(name, known)}'
            f"{'' if did_you_mean(name, known) else '.'} "
            + (f'A formula begins with "~": "~ {name}". ' if _OF_FORMULAS & set(name) else "")
            + (f"The columns are {column_list(known)}." if known else "It does not have columns.")
        )
    if sum(other == name for other in known) > 1:
        raise DataError(
            f'{of} has {sum(other == name for other in known)} columns called "{name}"; '
            "give each column its own name"
        )
    return name


def check_columns(names: Sequence[Any], known: Sequence[str], role: str, of: str) -> list[str]:
    """Return several names of columns, each known to exist exactly once, as ``check_column`` does.

    Raises:
        DataError: a name is not that of exactly one column.
    """
    counts = Counter(known)  # once: a table may have thousands of columns
    return [
        name if isinstance(name, str) and counts[name] == 1 else check_column(name, known, role, of)
        for name in names
    ]


def check_choice(value: object, choices: Sequence[str], role: str) -> None:
    """Refuse a value that is not among the choices."""
    if value not in choices:
        names = " or ".join(f'"{choice}"' for choice in choices)
        raise DataError(f"{role} must be {names}, got {value!r}{did_you_mean(str(value), choices)}")


def check_inside(column: Column, values: Floats, place: Place) -> None:
    """Refuse values of a column outside the domain that a model gives it; missing ones pass."""
    if column.domain is None:
        return
    outside = ~column.domain.contains(values) & ~np.isnan(values)
    if outside.any():
        raise DataError(
            f"{column_label(column.name)} must hold {column.domain.phrase('values')}"
            f"{place.where}; {shown_rows(outside, place, values)} does not"
        )


def check_lengths(lengths: Mapping[str, int]) -> int:
    """Return the common length of the columns, named by their labels."""
    (first, rows), *others = lengths.items()
    for label, length in others:
        if length != rows:
            raise DataError(
                f"{first} has {count_of(rows, 'row')} and {label} has {length:,}; "
                "every row needs a value of each"
            )
    return rows


def check_some(label: str, rows: int, dropped: int) -> None:
    """Refuse data without a row to fit."""
    if rows == 0 and dropped:
        raise DataError(
            f'missing="drop" leaves {label} without rows: {count_of(dropped, "row")} had a missing '
            "value"
        )
    if rows == 0:
        raise DataError(f"{label} is empty; at least one row is required")


def check_total(label: str, total: float) -> None:
    """Refuse weights that are all zero."""
    if total == 0.0:
        raise DataError(f"all values in {label} are zero; at least one row must count")


def find_missing(
    columns: Mapping[str, Floats],
    *,
    drop: bool,
    place: Place = HERE,
    may_be_missing: Collection[str] = (),
) -> NDArray[np.bool_] | None:
    """Find the rows with missing values, and refuse infinite ones.

    Args:
        columns: the values by the label of their column; NaN where a value is missing.
        drop: whether rows with a missing value will be dropped.
        place: where the rows come from.
        may_be_missing: the labels of columns of which no value needs to be there.

    Returns:
        A mask of the rows that lack a value of some column, or None if no row does.

    Raises:
        DataError: a value is infinite, or one is missing and such rows are not to be dropped.
    """
    missing: NDArray[np.bool_] | None = None
    for label, values in columns.items():
        if _all_finite(values):
            continue
        infinite = np.isinf(values)
        if infinite.any():
            may = label in may_be_missing
            fix = (
                "Correct such rows, or make them missing" if may else "Correct or remove such rows"
            )
            raise DataError(
                f"{count_of(int(infinite.sum()), 'infinite value')} in {label}{place.where}: "
                f"{shown_rows(infinite, place, values)}. {fix}."
            )
        absent = np.isnan(values)
        if label in may_be_missing or not absent.any():
            continue
        if not drop:
            raise DataError(
                f"{count_of(int(absent.sum()), 'missing value')} in {label}{place.where}: "
                f"{shown_rows(absent, place)}. "
                'Fill them in, or give missing="drop" to drop such rows.'
            )
        missing = absent if missing is None else missing | absent
    return missing


def check_weight(label: str, weight: Floats, place: Place = HERE) -> None:
    """Refuse negative weights.

    Raises:
        DataError: a weight is below zero.
    """
    if len(weight) and weight.min() < 0.0:
        negative = weight < 0.0
        raise DataError(
            f"{count_of(int(negative.sum()), 'negative value')} in {label}{place.where}: "
            f"{shown_rows(negative, place, weight)}. "
            "A weight is the number of times that a row was observed: it must be zero or more."
        )


def _all_finite(values: Floats) -> bool:
    """Whether every value is a finite number.

    A sum of squares is not finite if a term is not, and takes a tenth of the time of testing each
    value; only if the sum is not finite (finite terms may overflow) is each value tested.
    """
    whole = values.size - values.size % _RUN
    rows, rest = values[:whole].reshape(-1, _RUN), values[whole:]
    with np.errstate(over="ignore", invalid="ignore"):
        square = np.vecdot(rows, rows).sum() + np.dot(rest, rest)
        return bool(np.isfinite(square)) or bool(np.isfinite(values).all())
