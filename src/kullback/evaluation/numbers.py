"""Numbers of any type (integers, decimals, Python objects) as arrays of float64."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kullback._core.arrays import Vector
from kullback._core.errors import DataError
from kullback.data.arrays import to_numbers
from kullback.data.checks import HERE, shown_rows


def column_of_numbers(values: NDArray[Any], label: str) -> Vector:
    """One column as numbers, NaN where a value is missing.

    Raises:
        DataError: a value is not a number; the message lists its row.
    """
    if values.dtype.kind in "OUST":
        items = values.tolist()
        text = np.fromiter((isinstance(item, (str, bytes)) for item in items), bool, len(items))
        if text.any():
            raise DataError(f"{label} must be numbers, got text: {shown_rows(text, HERE, values)}")
    return to_numbers(values, label)


def matrix_of_numbers(values: Any, label: str) -> NDArray[Any]:
    """An array in its own type; in float64 if it held numbers as Python objects.

    Raises:
        DataError: rows of different lengths, or an object that is not a number.
    """
    try:
        array = np.asarray(values)
    except ValueError:
        raise DataError(f"the rows of {label} have different lengths") from None
    if array.dtype.kind not in "OUST" or array.ndim not in (1, 2):
        return array
    if array.ndim == 1:
        return column_of_numbers(array, label)
    columns = [
        column_of_numbers(column, f"column {k} of {label}") for k, column in enumerate(array.T)
    ]
    return np.column_stack(columns) if columns else np.empty(array.shape)
