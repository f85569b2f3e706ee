"""Names of Series (pandas, polars, xarray), by which messages and reports call them."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral
from typing import Any

import numpy as np

from kullback.data.checks import column_label


def name_of(column: Any) -> str | None:
    """The name of a Series; None for a nameless one, an array or a table.

    >>> name_of([1.0, 2.0]) is None
    True
    """
    if isinstance(column, (np.ndarray, list, tuple, Mapping)):
        return None
    name = getattr(column, "name", None)  # a table with a column "name" gives that column here
    # pandas names the columns of a table made from an array by numbers, and may use tuples
    return str(name) if isinstance(name, (str, Integral, tuple)) and name != "" else None


def names_of_two(x: Any, y: Any) -> tuple[str, str]:
    """The names of two Series; "x" and "y" for nameless ones, and for both if they are equal."""
    names = name_of(x) or "x", name_of(y) or "y"
    return names if names[0] != names[1] else ("x", "y")


def label_of(column: Any, default: str) -> str:
    """A column's label in messages: by its name, or the default for one without a name."""
    name = name_of(column)
    return default if name is None else column_label(name)
