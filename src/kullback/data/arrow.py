"""The content of Arrow columns: its kind, and its values as NumPy arrays."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from kullback.data.arrays import is_exact
from kullback.data.coded import Coded


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


def columns_of(
    table: Any, names: Collection[str], coded: Collection[str]
) -> dict[str, NDArray[Any]]:
    """Columns of an Arrow table or batch as NumPy arrays; the texts of some as codes."""
    return {
        name: (coded_values if name in coded else values_of)(table.column(name)) for name in names
    }


def coded_values(column: Any) -> NDArray[Any]:
    """An Arrow column as a NumPy array: codes and categories where it holds texts."""
    kind = column.type
    if not is_text(kind.value_type if pa.types.is_dictionary(kind) else kind):
        return values_of(column)
    if not pa.types.is_dictionary(kind):
        column = column.dictionary_encode()
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if array.dictionary.null_count:
        return values_of(column)
    codes = array.indices
    if codes.null_count:  # codes may be of a type without −1
        codes = codes.cast(pa.int64()).fill_null(-1)
    return Coded.of(np.from_dlpack(codes), tuple(array.dictionary.to_pylist()))


def is_text(kind: Any) -> bool:
    """Whether an Arrow type is one of texts."""
    return bool(
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    )


def _stays_exact(column: Any) -> bool:
    """Whether NumPy keeps the integers exactly; it makes them floats if one is null."""
    if not column.null_count or column.null_count == len(column):
        return True
    ends = pc.min_max(column).as_py()
    return is_exact(ends["min"]) and is_exact(ends["max"])
