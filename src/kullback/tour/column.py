"""A reader's column for steps five to seven: numbers or labels, checked before the tour begins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from kullback._core.errors import DataError

# The page holds one bar and one number for each count or label, so their number is limited.
MOST_COUNTS = 500

# Longer names would leave no room for the numbers on a narrow screen.
_LONGEST_NAME = 60


@final
@dataclass(frozen=True, eq=False)
class Column:
    """Numbers, or labels by their codes.

    Attributes:
        y: the numbers, or the codes 0, 1, ... of the labels, of which 0 is the most frequent.
        label: name of the column, safe to print.
        levels: the labels in the order of their codes, safe to print; None for numbers.
    """

    y: NDArray[np.float64]
    label: str
    levels: tuple[str, ...] | None


def read_column(data: Any, name: str | None) -> Column:
    """Check a column.

    Args:
        data: numbers, or labels as text.
        name: of the column.

    Raises:
        DataError: where there are no rows, numbers that are not finite or too large for all of the
            tour's families, or one label or very many.
    """
    values = np.asarray(data)
    label = f"“{printable(name)}”" if name else "the column"
    if values.ndim != 1 or values.size == 0:
        raise DataError(
            f"{label} has shape {values.shape}; the tour needs a column of at least one row."
        )
    if values.dtype.kind in "UOT":
        return _labels(values, label)
    y = values.astype(float)
    if not np.all(np.isfinite(y)):
        row = int(np.argmin(np.isfinite(y)))
        raise DataError(
            f"{label} has {float(y[row])!r} in row {row}; the tour needs finite numbers. Leave "
            "such rows out."
        )
    with np.errstate(over="ignore"):
        spread = float(np.std(y))
    # an exponential distribution needs no spread, and logarithms are never too large
    if np.any(y < 0.0) and not np.isfinite(spread):
        raise DataError(
            f"the numbers of {label} are too large for the tour; divide them by "
            f"{np.max(np.abs(y)):g}."
        )
    return Column(y, label, None)


def _labels(values: NDArray[Any], label: str) -> Column:
    names, codes, counts = np.unique(values.astype(str), return_inverse=True, return_counts=True)
    if not 2 <= len(names) <= MOST_COUNTS:
        raise DataError(
            f"{label} has {len(names):,} different labels in {len(values):,} rows; the tour needs "
            f"at least 2 and at most {MOST_COUNTS}."
        )
    order = np.argsort(-counts, kind="stable")
    places = np.empty_like(order)
    places[order] = np.arange(len(order))
    levels = tuple(printable(str(names[place])) for place in order)
    return Column(places[codes].astype(float), label, levels)


def printable(name: str) -> str:
    """Make a name safe to print: no control characters, and shorter than a line.

    Args:
        name: a column's name or a label, as read from a file.
    """
    safe = "".join(letter if letter.isprintable() else "�" for letter in name)
    return safe if len(safe) <= _LONGEST_NAME else safe[: _LONGEST_NAME - 1] + "…"
