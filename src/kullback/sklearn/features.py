"""Data frames beside arrays: which columns are categories, and what is refused in words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from kullback.data.arrays import is_missing
from kullback.data.covariates import holds_categories


def is_frame(X: Any) -> bool:
    """Whether it has columns, each with a type of its own."""
    return hasattr(X, "__dataframe__") or (hasattr(X, "columns") and hasattr(X, "dtypes"))


def categorical_types(X: Any) -> list[int]:
    """The places of the columns whose type is a categorical one.

    Raises:
        ValueError: a column holds dates, each of which would be a category of its own.
    """
    if not is_frame(X):
        return []
    # pandas and polars say the type of each column, Arrow the schema
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


def categorical_places(chosen: Any, count: int, names: list[str]) -> list[int]:
    """The places of the columns that a user calls categories.

    Args:
        chosen: names, places, or a truth value for each column; None for no column.
        count: how many columns there are.
        names: their names, where they have any.

    Raises:
        ValueError: for anything else.
    """
    array = np.asarray([] if chosen is None else chosen)
    places: list[int]
    if array.dtype.kind == "b" and array.shape == (count,):
        places = np.flatnonzero(array).tolist()
    elif array.ndim == 1 and (array.dtype.kind in "iu" or array.size == 0):
        places = array.tolist()
    else:
        known = {name: k for k, name in enumerate(names)}
        places = [known.get(name, count) for name in array.ravel().tolist()]
    if any(not 0 <= k < count for k in places):
        told = f"names, such as {names[0]!r}, " if names else ""
        raise ValueError(
            f"categorical_features={chosen!r} must hold {told}places from 0 to {count - 1}, or "
            f"{count} truth values."
        )
    return places


@contextmanager
def words_for_text() -> Iterator[None]:
    """Say what to do with text in an array, where scikit-learn refuses it."""
    try:
        yield
    except ValueError as error:
        if "could not convert string to float" not in str(error):
            raise
        raise ValueError(
            f"{error}. An array must hold numbers; categories may stand in columns of a data frame."
        ) from None


def refuse_other_kind(name: str, values: Any, levels: tuple[Any, ...]) -> None:
    """Refuse numbers where categories were text, and the reverse: each would count as missing.

    Args:
        name: of the column.
        values: the column.
        levels: the categories that it had in the rows of the fit.

    Raises:
        ValueError: for the other kind.
    """
    first = next((value for value in values.tolist() if not is_missing(value)), None)
    if first is None or not levels:
        return
    known = np.empty(1, dtype=object)
    known[0] = levels[0]
    if holds_categories(known) != holds_categories(values):
        raise ValueError(
            f'column "{name}" held categories such as {levels[0]!r} in fit, and holds {first!r} '
            "here; give it with the type that it had."
        )


def refuse_missing(y: Any) -> None:
    """Refuse missing outcomes among objects, some of which scikit-learn cannot look at.

    Args:
        y: the outcomes.

    Raises:
        ValueError: one is missing.
    """
    values = np.asarray(y)
    if values.dtype.kind == "O" and values.ndim == 1:
        missing = [row for row, value in enumerate(values.tolist()) if is_missing(value)]
        if missing:
            raise ValueError(
                f"Input y contains NaN or None: {len(missing):,} values are missing, the first in "
                f"row {missing[0]}. Leave such rows out."
            )
