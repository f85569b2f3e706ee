"""Tables and Series of pandas, polars, Arrow and others, through narwhals (imported only here)."""

from __future__ import annotations

from typing import Any, final

import narwhals as nw
import numpy as np
from narwhals.exceptions import NarwhalsError
from numpy.typing import NDArray

from kullback._core.errors import DataError
from kullback.data.arrays import is_exact
from kullback.data.checks import count_of


@final
class FrameTable:
    """A table held in memory by a table library.

    Attributes:
        names: its columns.
        description: the table in words.
        categorical: the columns whose type is a categorical one, whatever its levels are.
    """

    def __init__(self, frame: nw.DataFrame[Any]) -> None:
        self._columns = frame.columns
        self._frame = frame
        # pandas allows names that are no text, such as the numbers of a table made of an array.
        self.names = [str(name) for name in self._columns]
        library = frame.implementation.value
        kind = type(nw.to_native(frame)).__name__
        coded = (nw.Categorical, nw.Enum)
        self.categorical = frozenset(
            str(name) for name in self._columns if frame.schema[name] in coded
        )
        self.description = f"a {library} {kind} of {count_of(len(frame), 'row')}"

    def column(self, name: str) -> NDArray[Any]:
        """One column, with the type it has in the table."""
        return _values(self._frame.get_column(self._columns[self.names.index(name)]))


def read(data: Any) -> FrameTable | NDArray[Any] | None:
    """Take a table, or a Series' values; None for anything else.

    Raises:
        DataError: it is a query that has not been run, or the library refuses the table.
    """
    try:
        known = nw.from_native(data, allow_series=True, pass_through=True)
        if isinstance(known, nw.DataFrame):
            return FrameTable(known)
        if isinstance(known, nw.Series):
            return _values(known)
        if isinstance(known, nw.LazyFrame):
            raise DataError(
                f"a {known.implementation.value} {type(data).__name__} holds no rows yet: give "
                "what .collect() returns, or the path of the file so that it is streamed"
            )
        # Any other library's table that speaks Arrow's stream protocol.
        if hasattr(data, "__arrow_c_stream__"):
            return FrameTable(nw.from_arrow(data, backend="pyarrow"))
    except NarwhalsError as error:
        reason = " ".join(str(error).split())
        raise DataError(f"the {type(data).__name__} cannot be read: {reason}") from error
    return None


def _values(series: nw.Series[Any]) -> NDArray[Any]:
    """A Series as a NumPy array: of numbers where it holds numbers, else of Python objects."""
    kind = series.dtype
    if kind == nw.Decimal or (kind == nw.Boolean and not series.null_count()):
        return np.asarray(series.cast(nw.Float64 if kind == nw.Decimal else kind).to_numpy())
    # A Series of integers of which one is null comes as floats, which must not round the others;
    # NumPy has no 128-bit integers.
    exact = kind.is_float() or (
        kind.is_integer()
        and kind not in {nw.Int128, nw.UInt128}
        and (not series.null_count() or _is_small(series))
    )
    if exact:
        return np.asarray(series.to_numpy())
    return np.fromiter(series.to_list(), dtype=object, count=len(series))


def _is_small(series: nw.Series[Any]) -> bool:
    """Whether every integer in a Series is one that a double holds exactly."""
    if series.null_count() == len(series):
        return True
    return is_exact(int(series.min())) and is_exact(int(series.max()))
