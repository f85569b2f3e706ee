"""The content of Arrow columns: its kind, and its values as NumPy arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from kullback.data.arrays import is_exact


def from_arrow(data: Any) -> NDArray[Any]:
    """A column of a library that has Arrow's array protocol as a NumPy array."""
    return values_of(pa.array(data))


def from_interchange(data: Any) -> Any:
    """A table of another library as an Arrow table, by the data frame interchange protocol."""
    from pyarrow.interchange import from_dataframe

    return from_dataframe(data)


def content_of(kind: Any) -> str:
    """The content of a column of an Arrow type: numbers, text, dates or times, ..."""
    if pa.types.is_dictionary(kind):
        return content_of(kind.value_type)
    if pa.types.is_null(kind):
        return "nothing"
    if pa.types.is_temporal(kind):
        return "dates or times"
    if pa.types.is_nested(kind):
        return "nested values"
    numeric = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, pa.types.is_boolean)
    return "numbers" if any(is_kind(kind) for is_kind in numeric) else "text"


def values_of(column: Any) -> NDArray[Any]:
    """An Arrow column as a NumPy array: without a copy where it holds only numbers."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return values_of(column.cast(kind.value_type))
    if pa.types.is_null(kind):
        return np.full(len(column), np.nan)
    if pa.types.is_decimal(kind):
        return values_of(column.cast(pa.float64()))
    if pa.types.is_nested(kind) or (pa.types.is_integer(kind) and not _stays_exact(column)):
        return np.fromiter(column.to_pylist(), dtype=object, count=len(column))
    chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    plain = pa.types.is_integer(kind) or pa.types.is_floating(kind)
    if plain and chunks and not column.null_count:
        # not to_numpy, which imports pandas where it is installed, for a sixth of a second
        parts = [np.from_dlpack(chunk) for chunk in chunks]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)
    if isinstance(column, pa.ChunkedArray):
        return np.asarray(column.to_numpy())
    return np.asarray(column.to_numpy(zero_copy_only=False))


def _stays_exact(column: Any) -> bool:
    """Whether NumPy keeps the integers exactly; it makes them floats if one is null."""
    if not column.null_count or column.null_count == len(column):
        return True
    ends = pc.min_max(column).as_py()
    return is_exact(ends["min"]) and is_exact(ends["max"])
