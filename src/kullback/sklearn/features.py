"""Features in data frames and arrays: which columns are categories, and checks of their values."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from kullback.data.arrays import is_missing, reads_as_number


def is_frame(X: Any) -> bool:
    """Whether X is a data frame: a table whose columns have types."""
    return hasattr(X, "__dataframe__") or (hasattr(X, "columns") and hasattr(X, "dtypes"))


def categorical_types(X: Any) -> list[int]:
    """The indices of the columns of a categorical type.

    Raises:
        ValueError: a column of dates, each of which would become a category.
    """
    if not is_frame(X):
        return []
    # pandas and polars list the type of each column, Arrow has a schema
    types: Any = X.dtypes if hasattr(X, "dtypes") else getattr(X.schema, "types", ())
    kinds = [str(kind).lower() for kind in types]
    for k, kind in enumerate(kinds):
        if kind.startswith(("date", "time", "period", "duration")):
            raise ValueError(
                f"column {k} of X holds values of type {kind}; give numbers, such as days since a "
                "date, or categories."
            )
    # "category" in pandas; "Categorical" and "Enum(...)" in polars; "dictionary<...>" in Arrow
    return [k for k, kind in enumerate(kinds) if kind.startswith(("categor", "enum", "dictionary"))]


def categorical_indices(chosen: Any, count: int, names: list[str]) -> list[int]:
    """The indices of the columns that the user chose as categories.

    Args:
        chosen: names, indices, or a mask; None for no column.
        count: the number of columns.
        names: their names, if they have any.

    Raises:
        ValueError: for anything else.
    """
    array = np.asarray([] if chosen is None else chosen)
    indices: list[int]
    if array.dtype.kind == "b" and array.shape == (count,):
        indices = np.flatnonzero(array).tolist()
    elif array.ndim == 1 and (array.dtype.kind in "iu" or array.size == 0):
        indices = array.tolist()
    else:
        known = {name: k for k, name in enumerate(names)}
        indices = [known.get(name, count) for name in array.ravel().tolist()]
    if any(not 0 <= k < count for k in indices):
        by_name = f"names, such as {names[0]!r}, " if names else ""
        raise ValueError(
            f"categorical_features={chosen!r} must hold {by_name}indices from 0 to {count - 1}, "
            f"or {count} truth values."
        )
    return indices


@contextmanager
def explain_text_columns(X: Any) -> Iterator[None]:
    """Add advice to scikit-learn's error about an array that holds text.

    Args:
        X: the array.
    """
    try:
        yield
    except ValueError as error:
        kind = getattr(X, "dtype", np.dtype(object)).kind
        values = np.asarray(X, dtype=object).ravel() if kind in "OUS" else ()
        if not any(isinstance(v, (str, bytes)) and not reads_as_number(v) for v in values):
            raise
        raise ValueError(
            f"{error}. An array must hold numbers; give categories as columns of a data frame."
        ) from None


def check_no_missing(y: Any) -> None:
    """Check that no outcome is missing among objects, some of which scikit-learn cannot compare.

    Args:
        y: the outcomes.

    Raises:
        ValueError: a value is missing.
    """
    values = np.asarray(y)
    if values.dtype.kind == "O" and values.ndim == 1:
        missing = [row for row, value in enumerate(values.tolist()) if is_missing(value)]
        if missing:
            raise ValueError(
                f"Input y contains NaN or None: {len(missing):,} values are missing, the first in "
                f"row {missing[0]}. Leave such rows out."
            )
