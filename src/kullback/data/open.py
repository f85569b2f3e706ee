"""Open a user's data as a sample: arrays, tables and files alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import accumulate
from typing import Any, Protocol, final, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from kullback._core.errors import DataError
from kullback._core.memory import aligned
from kullback.data.arrays import reads_as_number, vector
from kullback.data.checks import (
    Place,
    check_choice,
    check_columns,
    check_some,
    check_total,
    column_label,
    count_of,
)
from kullback.data.columns import ColumnConversion, SampleOptions, find_columns
from kullback.data.labels import Labels, distinct_labels
from kullback.data.paths import DataFiles, as_paths
from kullback.data.sample import ArraySample, Sample, plain_row
from kullback.data.series_names import label_of, name_of
from kullback.data.stream import FileSample, collect_labels, name_row
from kullback.data.streams import read_once

# Up to this size a file's columns are read into memory once rather than at every pass: it is small
# for any machine that runs JAX, and saves decoding them again.
IN_MEMORY_BYTES = 256 * 2**20


@runtime_checkable
class Table(Protocol):
    """Columns held in memory, by name."""

    names: list[str]
    description: str

    def column(self, name: str) -> NDArray[Any]:
        """One column, with its own type."""


def open_sample(
    data: Any,
    *,
    y: Any = None,  # Any, so that all but a name is refused with a message
    weights: Any = None,
    columns: Sequence[str] = (),
    missing: str = "error",
    outcome: str = "number",
    levels: Sequence[Any] | None = None,
    in_memory: bool | None = None,
) -> Sample:
    """Open a user's data as a sample.

    Args:
        data: the values as a one-dimensional array, list or Series; or a table (pandas, polars,
            Arrow, a mapping of names to arrays), or a stream (see ``read_once``); or the path of a
            CSV or Parquet file, a glob pattern, or a list of paths; or a sample, which is returned
            unchanged.
        y: the column that holds the outcome; optional for a single column.
        weights: the number of times that each row was observed: the name of a column, or an array
            for data in memory.
        columns: the columns that hold covariates.
        missing: "error", or "drop" to drop rows in which a used value is missing.
        outcome: "number", or "label" if the outcome holds class labels of any type: it becomes the
            codes 0, 1, ... of the sorted labels, which are in the sample's `levels`.
        levels: the classes in the order of their codes, which need not all occur; None, or a label
            that is none of them, takes the labels that occur.
        in_memory: whether a file is read into memory at once; by default if the used columns take
            at most 256 MiB.

    Returns:
        The sample, checked; if it is streamed, each pass checks the rows that it reads.

    Raises:
        DataError: the data cannot be used; the message names the column, the rows and the fix.
        FileFormatError: a file cannot be read.

    >>> sample = open_sample({"loss": [1.5, 2.5, 4.0], "n": [1, 2, 1]}, y="loss", weights="n")
    >>> sample.label, next(sample.chunks()).weight.tolist()
    ('column "loss"', [1.0, 2.0, 1.0])
    """
    if isinstance(data, Sample):
        return data
    check_choice(missing, ("error", "drop"), "missing")
    check_choice(outcome, ("number", "label"), "outcome")
    if isinstance(columns, str):
        raise DataError(f'columns must be a list of names, such as ["{columns}"], got one name')
    options = SampleOptions(
        y,
        weights,
        tuple(columns),
        missing == "drop",
        outcome == "label",
        None if levels is None else tuple(levels),
    )
    data = read_once(data, y, weights, *columns)
    paths = as_paths(data)
    if paths is not None:
        return _open_files(paths, options, in_memory)
    label = label_of(data, "y")
    opened = _MappingTable(data) if isinstance(data, Mapping) else _read(data, label)
    if isinstance(opened, np.ndarray) and opened.dtype.names:
        opened = _MappingTable({name: opened[name] for name in opened.dtype.names})
        opened.description = "a structured array"
    if isinstance(opened, np.ndarray):
        return _open_column(opened, options, data, label)
    return _open_table(opened, options)


def _read(data: Any, label: str) -> NDArray[Any] | Table:
    """Read one column, or a table."""
    if isinstance(data, (np.ndarray, list, tuple)) or _is_plain_array(data):
        return data if getattr(data, "dtype", np.dtype(float)).names else vector(data, label)
    from kullback.data import frames

    table = frames.read(data)
    if table is not None:
        return table
    if hasattr(data, "__arrow_c_array__"):
        from kullback.data.arrow import from_arrow

        return from_arrow(data)
    if hasattr(data, "__dataframe__"):
        from kullback.data.arrow import from_interchange

        table = frames.read(from_interchange(data))
    return vector(data, label) if table is None else table


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
class _MappingTable:
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
    values = _read(column, label)
    if isinstance(values, np.ndarray):
        return values
    raise DataError(f"{label} must be one column, got {values.description}")


def _open_column(values: NDArray[Any], options: SampleOptions, data: Any, label: str) -> Sample:
    """Open a single array as a sample."""
    kind = _type_name(data)
    if options.y is not None and not isinstance(options.y, str):
        raise DataError(
            f"y is a {_type_name(options.y)} and the data are a single {kind}: only one of them "
            "can be used. Give only the outcome, as the data; y names a column of a table."
        )
    roles = [("y", options.y), ("weights", options.weights)]
    for role, name in [*roles, *(("columns", name) for name in options.columns)]:
        if isinstance(name, str):
            raise DataError(
                f'{role}="{name}" names a column, and the data are a single {kind}; give a table, '
                "such as a data frame or a dict of arrays"
            )
    return _array_sample(
        _RawColumns(values, _weight_array(options), {}),
        _conversion(label, options),
        options,
        source=f"a {kind} of {count_of(len(values), 'row')}",
    )


def _type_name(data: Any) -> str:
    """The library and type of an array: `list`, `NumPy array`, `pandas Series`."""
    kind = type(data)
    library = kind.__module__.partition(".")[0]
    known = {"numpy": "NumPy array", "jaxlib": "JAX array", "builtins": kind.__name__}
    return known.get(library, f"{library} {kind.__name__}")


def _open_table(table: Table, options: SampleOptions) -> Sample:
    """Open columns of a table as a sample."""
    names = find_columns(options, table.names, table.description)
    weight = _weight_array(options) if names.weight is None else table.column(names.weight)
    covariates = {name: table.column(name) for name in names.columns}
    raw = _RawColumns(table.column(names.y), weight, covariates)
    conversion = _conversion(column_label(names.y), options)
    return _array_sample(raw, conversion, options, source=table.description)


def _open_files(paths: list[str], options: SampleOptions, in_memory: bool | None) -> Sample:
    """Open columns of files as a sample, in memory or streamed."""
    from kullback.data.files import open_files

    source = open_files(paths)
    if options.weights is not None and not isinstance(options.weights, str):
        raise DataError(
            "weights must be the name of a column if the data are files, got "
            f"{type(options.weights).__name__}"
        )
    names = find_columns(options, source.names, source.description)
    if options.y is None and source.only_text and reads_as_number(names.y):
        raise DataError(
            f"{source.description} seems to lack a header: its first line, {names.y}, is a number "
            "and was read as the name of the column. Add a line with a name, or give "
            f'y="{names.y}" if that is the name.'
        )
    source.check_columns(names.used)
    conversion = _conversion(column_label(names.y), options)
    text = frozenset({names.y} if options.as_labels else ())
    if in_memory is None:
        in_memory = source.size(names.used) <= IN_MEMORY_BYTES
    if not in_memory:
        if options.as_labels:
            labels = collect_labels(source, names, conversion.label, written=source.only_text)
            conversion = replace(conversion, labels=labels.among(options.levels))
        return FileSample(source, names, conversion)

    parts = list(source.parts(names.used, text))
    columns = {name: _concatenated([part.columns[name] for part in parts]) for name in names.used}
    raw = _RawColumns(
        columns[names.y],
        None if names.weight is None else columns[names.weight],
        {name: columns[name] for name in names.columns},
    )
    starts = accumulate((part.count for part in parts), initial=0)
    files = {part.file: start - part.first_row for part, start in zip(parts, starts, strict=False)}
    return _array_sample(
        raw,
        conversion,
        options,
        source=source.describe(),
        name_row=partial(name_row, files),
        written=source.only_text,
    )


def open_table(
    paths: Sequence[str], columns: Sequence[str] | None = None
) -> tuple[tuple[str, ...], FileColumns | list[str]]:
    """Open columns of files for several uses: in memory if they are small, else as paths.

    Args:
        paths: paths or patterns.
        columns: their names; None for all.

    Returns:
        The names, and the columns by name or the paths: both are data for `open_sample`.

    Raises:
        DataError: a column or a file does not exist.
        FileFormatError: a file cannot be read.
    """
    from kullback.data.files import open_files

    files = list(paths) if not isinstance(paths, DataFiles) else paths
    source = open_files(files)
    names = tuple(source.names if columns is None else columns)
    if columns is None and source.only_text and all(map(reads_as_number, names)):
        raise DataError(
            f"{source.description} seems to lack a header: its first line, {','.join(names)}, "
            "holds only numbers and was read as the names of the columns. Add a line with names."
        )
    check_columns(names, source.names, "column", source.description)
    source.check_columns(names)
    if source.size(names) > IN_MEMORY_BYTES:
        return names, files
    parts = list(source.parts(names, source.texts))
    read = {name: _concatenated([part.columns[name] for part in parts]) for name in names}
    return names, FileColumns(read, source.title)


def read_table(data: Any) -> Table:
    """Open a table in memory: a data frame, a mapping, or a two-dimensional array.

    Raises:
        DataError: the data are not a table.
    """
    if isinstance(data, Mapping):
        return _MappingTable(data)
    if getattr(data, "ndim", 0) == 2 and not hasattr(data, "columns"):
        matrix = np.asarray(data)
        columns = _MappingTable({f"x{k}": column for k, column in enumerate(matrix.T)})
        columns.description = f"a {_type_name(data)} of {count_of(len(matrix), 'row')}"
        return columns
    if isinstance(data, (list, tuple)) and data and isinstance(data[0], (list, tuple, np.ndarray)):
        return read_table(np.asarray(data))
    table = _read(data, "the data")
    if isinstance(table, np.ndarray):
        raise DataError(
            "the covariates must be a table or a two-dimensional array, such as x[:, None]; got a "
            "single column"
        )
    return table


@final
@dataclass(frozen=True, eq=False)
class _RawColumns:
    """The used columns, not yet checked."""

    y: NDArray[Any]
    weight: NDArray[Any] | None
    covariates: Mapping[str, NDArray[Any]]


def _array_sample(
    raw: _RawColumns,
    conversion: ColumnConversion,
    options: SampleOptions,
    *,
    source: str,
    name_row: Callable[[int], str] = plain_row,
    written: bool = False,
) -> ArraySample:
    """Check columns in memory, all rows at once, and make a sample of them."""
    if options.as_labels:
        distinct = distinct_labels(raw.y, conversion.label)
        labels = Labels.of(distinct, conversion.label, written=written)
        conversion = replace(conversion, labels=labels.among(options.levels))
    rows = conversion.convert(raw.y, raw.weight, raw.covariates, Place("", name_row))
    dropped = rows.read - rows.count
    check_some(conversion.label, rows.count, dropped)
    if rows.weight is not None:
        check_total(conversion.weight_label, float(rows.weight.sum()))
    return ArraySample(
        rows.fields,
        rows.weight,
        label=conversion.label,
        levels=conversion.labels.levels if conversion.labels else None,
        dropped=dropped,
        rows=rows.kept,
        source=source,
        name_row=name_row,
    )


def _conversion(label: str, options: SampleOptions) -> ColumnConversion:
    """The conversion of the columns, before the class labels are known."""
    return ColumnConversion(label, _weight_label(options.weights), options.drop)


def _weight_label(weights: Any) -> str:
    """The label of the weights in messages."""
    name = weights if isinstance(weights, str) else name_of(weights)
    return "the weight array" if name is None else f"the weight {column_label(name)}"


def _weight_array(options: SampleOptions) -> NDArray[Any] | None:
    """The weights, if they were given as an array."""
    if options.weights is None:
        return None
    return column_values(options.weights, _weight_label(options.weights))


def _concatenated(arrays: list[NDArray[Any]]) -> NDArray[Any]:
    """The parts of one column in one array, aligned so that JAX need not copy it."""
    if not arrays:
        return np.empty(0)
    kinds = {array.dtype.kind for array in arrays}
    if kinds == {"f"}:
        return np.concatenate(arrays, out=aligned(sum(map(len, arrays))))
    if len(kinds & {"f", "i", "u"}) > 1:
        # Integers arrive as floats from the parts in which one is missing; those of the other parts
        # must not be rounded before they are checked. NumPy also joins unlike integers as floats.
        arrays = [array if array.dtype.kind == "f" else array.astype(object) for array in arrays]
    return np.concatenate(arrays)
