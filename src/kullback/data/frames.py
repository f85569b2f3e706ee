"""Tables and Series of pandas, polars, Arrow and others, through narwhals (imported only here)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from importlib.util import find_spec
from typing import Any, final

import narwhals as nw
import numpy as np
from narwhals.exceptions import NarwhalsError
from numpy.typing import NDArray

from kullback._core.errors import DataError
from kullback.data.arrays import is_exact
from kullback.data.checks import count_of
from kullback.data.coded import Coded

# Columns of texts of fewer rows are read value by value, without Arrow: in less than a millisecond.
_MANY = 2_000

_TEXTS = (nw.String, nw.Categorical, nw.Enum)


@final
class FrameTable:
    """A table in memory, held by a table library.

    Attributes:
        names: its columns.
        description: its library, type and number of rows.
        categorical: the columns of a categorical type, whatever their levels are.
    """

    def __init__(self, frame: nw.DataFrame[Any], description: str = "") -> None:
        schema = frame.schema  # once: it takes the time of all columns
        self._frame = frame
        # pandas allows names other than text, such as the numbers of a table made from an array.
        self._own_names = {str(name): name for name in frame.columns}
        self.names = [str(name) for name in frame.columns]
        library = frame.implementation.value
        kind = type(nw.to_native(frame)).__name__
        coded = (nw.Categorical, nw.Enum)
        self.categorical = frozenset(str(name) for name, dtype in schema.items() if dtype in coded)
        self.description = description or f"a {library} {kind} of {count_of(len(frame), 'row')}"

    def column(self, name: str) -> NDArray[Any]:
        """One column, with its type in the table."""
        return _values(self._frame.get_column(self._own_names[name]))

    def orders(self, names: Collection[str]) -> dict[str, list[Any]]:
        """The categories of columns of a categorical type that declares an order of them."""
        found = {name: self._frame.get_column(self._own_names[name]) for name in names}
        declares = self._frame.implementation.is_pandas_like()
        return {
            name: _categories(series)
            for name, series in found.items()
            if declares or series.dtype == nw.Enum
        }

    def coded(self, name: str) -> NDArray[Any]:
        """One column of texts or of a categorical type: its codes, where its library has them."""
        series = self._frame.get_column(self._own_names[name])
        native = nw.to_native(series)
        own: Any = getattr(native, "cat", None)
        if hasattr(own, "codes") and hasattr(own, "categories"):
            categories = own.categories.tolist()
            if all(isinstance(category, str | int | float) for category in categories):
                return Coded.of(np.asarray(own.codes), tuple(categories))
        objects = str(getattr(native, "dtype", "")) == "object"  # of which the first are texts
        if series.dtype in _TEXTS and len(series) >= _MANY and not objects:
            from kullback.data.arrow import coded_values

            return coded_values(series.to_arrow())
        return self.column(name)

    def key(self, name: str) -> Any:
        """One column to group by: whole numbers as a NumPy array, others as an Arrow array."""
        series = self._frame.get_column(self._own_names[name])
        plain = series.dtype.is_integer() or series.dtype.is_float()
        return self.column(name) if plain and not series.null_count() else series.to_arrow()

    def part(self, names: Sequence[str], rows: NDArray[np.intp]) -> Any:
        """Return some rows of some columns, as a table of this library."""
        own = [self._own_names[name] for name in names]
        return nw.to_native(nw.maybe_reset_index(self._frame.select(own)[rows]))


def with_columns(table: Any, columns: Mapping[str, Any]) -> Any:
    """Return a table of a library with new columns beside its own."""
    frame = nw.from_native(table, eager_only=True)
    new = nw.from_dict(dict(columns), backend=frame.implementation)
    return nw.to_native(frame.with_columns(*(new.get_column(name) for name in new.columns)))


def new_frame(columns: Mapping[str, Any]) -> Any:
    """Return a table of columns: of pandas where it is installed, else of Arrow."""
    for backend in ("pandas", "pyarrow"):
        if find_spec(backend) is not None:
            return nw.to_native(nw.from_dict(dict(columns), backend=backend))
    raise DataError("a table needs pandas or pyarrow: install one of them")


def frame_like(data: Any, columns: Mapping[str, Any], each: int = 1) -> Any:
    """Return a table of columns in the library of other data, with their index where they have one.

    Args:
        data: a table; for anything else the table is that of ``new_frame``.
        columns: by name.
        each: how many rows there are for each row of the data.
    """
    frame = nw.from_native(data, eager_only=True, pass_through=True)
    if not isinstance(frame, nw.DataFrame):
        return new_frame(columns)
    out = nw.to_native(nw.from_dict(dict(columns), backend=frame.implementation))
    index = nw.maybe_get_index(frame)
    if index is not None:
        out.index = index.repeat(each)
    return out


def series_like(data: Any, values: Any, name: str) -> Any:
    """Return numbers as a Series with the index of a table of pandas; unchanged for other data."""
    frame = nw.from_native(data, eager_only=True, pass_through=True)
    index = nw.maybe_get_index(frame) if isinstance(frame, nw.DataFrame) else None
    if index is None:
        return values
    series = nw.to_native(nw.new_series(name, values, backend=frame.implementation))
    series.index = index
    return series


def pandas_frame(columns: Mapping[str, Any], index: Sequence[str], name: str) -> Any:
    """Return a table of pandas with a named index.

    Raises:
        DataError: pandas is not installed.
    """
    if find_spec("pandas") is None:
        raise DataError("this table is a pandas.DataFrame: install pandas")
    frame = nw.to_native(nw.from_dict({name: list(index), **columns}, backend="pandas"))
    return frame.set_index(name)


def read(data: Any) -> FrameTable | NDArray[Any] | None:
    """A table, or the values of a Series; None for anything else.

    Raises:
        DataError: the table is a lazy query, or the library cannot read it.
    """
    if isinstance(data, FrameTable):
        return data
    try:
        frame = nw.from_native(data, allow_series=True, pass_through=True)
        if isinstance(frame, nw.DataFrame):
            return FrameTable(frame)
        if isinstance(frame, nw.Series):
            return _values(frame)
        if isinstance(frame, nw.LazyFrame):
            raise DataError(
                f"a {frame.implementation.value} {type(data).__name__} holds no rows yet: give "
                "the result of .collect(), or the path of the file so that it is streamed"
            )
        # Any other library's table that has Arrow's stream protocol.
        if hasattr(data, "__arrow_c_stream__"):
            return FrameTable(nw.from_arrow(data, backend="pyarrow"))
    except NarwhalsError as error:
        reason = " ".join(str(error).split())
        raise DataError(f"the {type(data).__name__} cannot be read: {reason}") from error
    return None


def is_held(data: Any) -> bool:
    """Whether the data are a table or a Series in memory, of a library that is known."""
    if isinstance(data, FrameTable):
        return True
    try:
        frame = nw.from_native(data, allow_series=True, pass_through=True)
    except NarwhalsError:  # a table that `read` refuses
        return True
    return isinstance(frame, (nw.DataFrame, nw.Series))


def held(table: Any, description: str) -> FrameTable:
    """An Arrow table in memory, with a description of its own."""
    return FrameTable(nw.from_native(table, eager_only=True), description)


@final
class LazyQuery:
    """A query of polars, DuckDB or another library, whose rows are not computed yet.

    Attributes:
        library: its library.
    """

    def __init__(self, frame: nw.LazyFrame[Any]) -> None:
        self._frame = frame
        self.library = frame.implementation.value

    def columns(self, names: tuple[str, ...]) -> Any:
        """The library's own query for some columns; for all if `names` is empty or not known."""
        known = self._frame.collect_schema().names()
        chosen = names and set(names) <= set(known)
        return nw.to_native(self._frame.select(*names) if chosen else self._frame)


def lazy(data: Any) -> LazyQuery | None:
    """A query whose rows are not computed yet; None for anything else."""
    frame = nw.from_native(data, pass_through=True)
    return LazyQuery(frame) if isinstance(frame, nw.LazyFrame) else None


def _values(series: nw.Series[Any]) -> NDArray[Any]:
    """A Series as a NumPy array: of numbers if it holds numbers, else of Python objects."""
    kind = series.dtype
    if kind == nw.Decimal or (kind == nw.Boolean and not series.null_count()):
        return np.asarray(series.cast(nw.Float64 if kind == nw.Decimal else kind).to_numpy())
    # A Series of integers with a null arrives as floats, which must not round the others; NumPy
    # lacks 128-bit integers.
    exact = kind.is_float() or (
        kind.is_integer()
        and kind not in {nw.Int128, nw.UInt128}
        and (not series.null_count() or _is_small(series))
    )
    if exact:
        return np.asarray(series.to_numpy())
    return np.fromiter(series.to_list(), dtype=object, count=len(series))


def _categories(series: nw.Series[Any]) -> list[Any]:
    """The categories in the order of their type; pandas' own, since narwhals sorts them."""
    own = getattr(getattr(nw.to_native(series), "cat", None), "categories", None)
    if own is not None:
        return list(own.tolist())
    assert isinstance(series.dtype, nw.Enum)  # of others only pandas' types declare an order
    return list(series.dtype.categories)


def _is_small(series: nw.Series[Any]) -> bool:
    """Whether a double holds every integer in a Series exactly."""
    if series.null_count() == len(series):
        return True
    return is_exact(int(series.min())) and is_exact(int(series.max()))
