"""Tables in memory: a user's arrays, lists, data frames and mappings, as columns by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, final, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from kullback._core.errors import DataError
from kullback._core.memory import aligned
from kullback.data.arrays import vector
from kullback.data.checks import column_label, count_of
from kullback.data.coded import Coded


@runtime_checkable
class Table(Protocol):
    """Columns held in memory, by name."""

    names: list[str]
    description: str

    def column(self, name: str) -> NDArray[Any]:
        """One column, with its own type."""


def read(data: Any, label: str) -> NDArray[Any] | Table:
    """Read one column, or a table."""
    if isinstance(data, np.ndarray) and data.dtype.names:
        table = MappingTable({name: data[name] for name in data.dtype.names})
        table.description = "a structured array"
        return table
    if isinstance(data, (np.ndarray, list, tuple)) or _is_plain_array(data):
        return vector(data, label)
    from kullback.data import frames

    frame = frames.read(data)
    if frame is not None:
        return frame
    if hasattr(data, "__arrow_c_array__"):
        from kullback.data.arrow import from_arrow

        return from_arrow(data)
    if hasattr(data, "__dataframe__"):
        from kullback.data.arrow import from_interchange

        frame = frames.read(from_interchange(data))
    return vector(data, label) if frame is None else frame


def _is_plain_array(data: Any) -> bool:
    """Whether the data are an array of a numerical library (JAX, PyTorch), not a column."""
    return hasattr(data, "__dlpack__") and not hasattr(data, "__arrow_c_array__")


@final
class FileColumns(dict[str, NDArray[Any]]):
    """Columns that were read from files, by name.

    Args:
        columns: the columns.
        description: the files, for messages.
    """

    def __init__(self, columns: Mapping[str, NDArray[Any]], description: str) -> None:
        super().__init__(columns)
        self.description = description

    def at(self, rows: NDArray[np.int64]) -> FileColumns:
        """Some of the rows."""
        return FileColumns({name: v[rows] for name, v in self.items()}, self.description)


@final
class MappingTable:
    """Arrays by name."""

    def __init__(self, data: Mapping[Any, Any]) -> None:
        self._data = {str(name): values for name, values in data.items()}
        self.names = list(self._data)
        self.description = f"a {type(data).__name__} of arrays"
        if isinstance(data, FileColumns):
            self.description = data.description

    def column(self, name: str) -> NDArray[Any]:
        """One column, with its own type."""
        return column_values(self._data[name], column_label(name))


def column_values(column: Any, label: str) -> NDArray[Any]:
    """The values of one column.

    Raises:
        DataError: it is a table, or cannot be read.
    """
    values = read(column, label)
    if isinstance(values, np.ndarray):
        return values
    raise DataError(f"{label} must be one column, got {values.description}")


def type_name(data: Any) -> str:
    """The library and type of an array: `list`, `NumPy array`, `pandas Series`."""
    kind = type(data)
    library = kind.__module__.partition(".")[0]
    known = {"numpy": "NumPy array", "jaxlib": "JAX array", "builtins": kind.__name__}
    return known.get(library, f"{library} {kind.__name__}")


def is_matrix(data: Any) -> bool:
    """Whether the data have two dimensions: an array, nested lists, or a table."""
    if isinstance(data, (list, tuple)):
        return bool(data) and isinstance(data[0], (list, tuple, np.ndarray))
    return len(getattr(data, "shape", ())) == 2


def read_table(data: Any) -> Table:
    """Open a table in memory: a data frame, a mapping, or a two-dimensional array.

    Raises:
        DataError: the data are not a table.
    """
    if isinstance(data, Mapping):
        return MappingTable(data)
    if is_matrix(data) and not hasattr(data, "columns"):
        matrix = np.asarray(data)
        columns = MappingTable({f"x{k}": column for k, column in enumerate(matrix.T)})
        columns.description = f"a {type_name(data)} of {count_of(len(matrix), 'row')}"
        return columns
    table = read(data, "the data")
    if isinstance(table, np.ndarray):
        raise DataError(
            "the covariates must be a table or a two-dimensional array, such as x[:, None]; got a "
            "single column"
        )
    return table


def concatenated(arrays: list[NDArray[Any]]) -> NDArray[Any]:
    """The parts of one column in one array, aligned so that JAX need not copy it."""
    if not arrays:
        return np.empty(0)
    coded = [array for array in arrays if isinstance(array, Coded)]
    if len(coded) == len(arrays):
        return Coded.joined(coded)
    arrays = [array.values if isinstance(array, Coded) else array for array in arrays]
    kinds = {array.dtype.kind for array in arrays}
    if kinds == {"f"}:
        return np.concatenate(arrays, out=aligned(sum(map(len, arrays))))
    if len(kinds & {"f", "i", "u"}) > 1:
        # Integers arrive as floats from the parts in which one is missing; those of the other parts
        # must not be rounded before they are checked. NumPy also joins unlike integers as floats.
        arrays = [array if array.dtype.kind == "f" else array.astype(object) for array in arrays]
    return np.concatenate(arrays)
