"""Covariates that hold categories: which do, the codes of their levels, and what is refused."""

from __future__ import annotations

from datetime import date, time, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kullback._core.errors import DataError
from kullback.data.arrays import is_missing, shown
from kullback.data.coded import Coded
from kullback.data.labels import Labels
from kullback.data.sample import Floats

# A column with more levels than this identifies rows rather than categories.
_MOST_LEVELS = 2**20

# Values are looked at in so many at a time until one is not missing.
_LOOK = 256


def holds_categories(values: NDArray[Any]) -> bool:
    """Whether a column holds values other than numbers."""
    if isinstance(values, Coded):
        return bool(values.size) and int(values.max()) >= 0
    if values.dtype.kind in "UST":
        return True
    if values.dtype.kind != "O":
        return False
    return any(
        not isinstance(value, (bool, int, float, np.number)) and not hasattr(value, "as_tuple")
        for value in values.tolist()
        if not is_missing(value)
    )


def are_booleans(values: NDArray[Any]) -> bool:
    """Whether a column holds True and False only."""
    if values.dtype.kind != "O":
        return values.dtype.kind == "b"
    present = [value for value in values.tolist() if not is_missing(value)]
    return bool(present) and all(isinstance(value, (bool, np.bool_)) for value in present)


def dates_as_objects(values: NDArray[Any]) -> NDArray[Any]:
    """Return dates as objects of Python, which can be categories; other values unchanged."""
    return values.astype("datetime64[us]").astype(object) if values.dtype.kind == "M" else values


def category_codes(
    values: NDArray[Any],
    label: str,
    known: Labels,
    *,
    unknown_is_missing: bool,
) -> Floats:
    """The codes of categories, NaN where a value is missing, UNKNOWN for another category.

    Args:
        values: the column.
        label: its name in messages.
        known: the categories.
        unknown_is_missing: whether another category counts as missing.

    Raises:
        DataError: the values are numbers and the categories text, or the reverse.
    """
    first = _first(values)
    of_one_type = known.written or first is None or not known.levels
    if not of_one_type and isinstance(first, str) != isinstance(known.levels[0], str):
        raise DataError(
            f"{label} held categories such as {shown(known.levels[0])} in the rows of the fit, "
            f"and holds {shown(first)} here; give it the same type"
        )
    codes = known.all_codes(values, label)
    return np.where(codes < 0.0, np.nan, codes) if unknown_is_missing else codes


def refuse_dates(values: NDArray[Any], label: str) -> None:
    """Refuse dates and times, which would make a category of each day.

    Raises:
        DataError: the column holds dates or times.
    """
    if values.dtype.kind not in "mMO":
        return
    first = _first(values)
    if values.dtype.kind in "mM" or isinstance(first, (date, time, timedelta)):
        raise DataError(
            f"{label} holds dates or times, such as {first!s}; give numbers, such as days since a "
            "date, or text for categories, or name the covariates without it (inputs)"
        )


def refuse_identifier(label: str, count: int, what: str) -> None:
    """Refuse a column with a different value in nearly every row.

    Raises:
        DataError: there are too many different values.
    """
    if count > _MOST_LEVELS:
        raise DataError(
            f"{label} holds more than {_MOST_LEVELS:,} different values, which "
            f"suggests an identifier rather than {what}; leave it out"
        )


def _first(values: NDArray[Any]) -> Any:
    """The first value that is not missing, or None."""
    if isinstance(values, Coded):
        present = np.asarray(values) >= 0
        return values.categories[int(values[present.argmax()])] if present.any() else None
    few = (values[start : start + _LOOK].tolist() for start in range(0, len(values), _LOOK))
    return next((value for part in few for value in part if not is_missing(value)), None)
