"""The one way from a user's data to a sample: arrays, tables and files alike."""

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
    check_column,
    check_some,
    check_total,
    column_label,
    count_of,
)
from kullback.data.columns import Options, Selection, choose_columns
from kullback.data.labels import Labels, distinct_labels
from kullback.data.paths import as_paths, describe_paths, find_paths
from kullback.data.sample import ArraySample, Sample, plain_row
from kullback.data.stream import FileSample, collect_labels, name_row

# Up to this size a file's columns are read into memory once rather than at every pass: it is little
# on any machine that runs JAX, and saves decoding them again.
IN_MEMORY_BYTES = 256 * 2**20


@runtime_checkable
class Table(Protocol):
    """Columns held in memory, by name."""

    names: list[str]
    description: str

    def column(self, name: str) -> NDArray[Any]:
        """One column, with the type it has."""


def open_sample(
    data: Any,
    *,
    y: Any = None,  # anything, so that something else than a name is refused in words
    weights: Any = None,
    columns: Sequence[str] = (),
    missing: str = "error",
    outcome: str = "number",
    in_memory: bool | None = None,
) -> Sample:
    """Take a user's data as a sample.

    Args:
        data: the values as a one-dimensional array, list or Series; or a table (pandas, polars,
            Arrow, a mapping of names to arrays); or the path of a CSV or Parquet file, a glob
            pattern, or a list of paths; or a sample, which is taken as it is.
        y: the column that holds the outcome; not needed where there is only one.
        weights: how many times each row was seen: the name of a column, or an array beside data
            that are held in memory.
        columns: the columns that hold covariates.
        missing: "error", or "drop" to leave out rows in which a value that is used is missing.
        outcome: "number", or "label" where the outcome holds class labels of any type: it becomes
            the codes 0, 1, ... of the sorted labels, which are in the sample's `levels`.
        in_memory: whether a file is read into memory at once; by default where the columns used
            take at most 256 MiB.

    Returns:
        The sample, checked; where it is streamed, each pass checks what it reads.

    Raises:
        DataError: the data cannot be used, with the column, the rows and the fix.
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
        raise DataError(f'columns must be a list of names, such as ["{columns}"], not one name')
    options = Options(y, weights, tuple(columns), missing == "drop", outcome == "label")
    paths = as_paths(data)
    if paths is not None:
        return _open_files(paths, options, in_memory)
    found = _MappingTable(data) if isinstance(data, Mapping) else _read(data, "y")
    if isinstance(found, np.ndarray) and found.dtype.names:
        found = _MappingTable({name: found[name] for name in found.dtype.names})
        found.description = "a structured array"
    if isinstance(found, np.ndarray):
        return _open_vector(found, options, data)
    return _open_table(found, options)


def _read(data: Any, label: str) -> NDArray[Any] | Table:
    """Take one column, or a table."""
    if isinstance(data, (np.ndarray, list, tuple)) or _is_plain_array(data):
        return data if getattr(data, "dtype", np.dtype(float)).names else vector(data, label)
    from kullback.data import frames

    found = frames.read(data)
    if found is not None:
        return found
    if hasattr(data, "__arrow_c_array__"):
        from kullback.data.arrow import from_arrow

        return from_arrow(data)
    if hasattr(data, "__dataframe__"):
        from kullback.data.arrow import from_interchange

        found = frames.read(from_interchange(data))
    return vector(data, label) if found is None else found


def _is_plain_array(data: Any) -> bool:
    """Whether it is an array of a numerical library (JAX, PyTorch), not a column of a table."""
    return hasattr(data, "__dlpack__") and not hasattr(data, "__arrow_c_array__")


@final
class _MappingTable:
    """Arrays by name."""

    def __init__(self, data: Mapping[Any, Any]) -> None:
        self._data = {str(name): values for name, values in data.items()}
        self.names = list(self._data)
        self.description = f"a {type(data).__name__} of arrays"

    def column(self, name: str) -> NDArray[Any]:
        """One column, with the type it has."""
        label = column_label(name)
        found = _read(self._data[name], label)
        return _column_of(found, label)


def _column_of(found: NDArray[Any] | Table, label: str) -> NDArray[Any]:
    """Insist that what was found is one column."""
    if isinstance(found, np.ndarray):
        return found
    raise DataError(f"{label} is {found.description}; one column was expected")


def _open_vector(values: NDArray[Any], options: Options, data: Any) -> Sample:
    """Take a single array as a sample."""
    kind = _kind(data)
    if options.y is not None and not isinstance(options.y, str):
        raise DataError(
            f"y is a {_kind(options.y)} and the data are a single {kind}: one of them would go "
            "unused. Give the outcome alone, as the data; y names a column of a table."
        )
    roles = [("y", options.y), ("weights", options.weights)]
    for role, name in [*roles, *(("columns", name) for name in options.columns)]:
        if isinstance(name, str):
            raise DataError(
                f'{role}="{name}" names a column, and the data are a single {kind} without names; '
                "give a table, such as a data frame or a dict of arrays"
            )
    return _in_memory(
        _Raw(values, _weight_vector(options), {}),
        _selection("y", options),
        options,
        source=f"a {kind} of {count_of(len(values), 'row')}",
    )


def _kind(data: Any) -> str:
    """What kind of array something is: `list`, `NumPy array`, `pandas Series`."""
    kind = type(data)
    library = kind.__module__.partition(".")[0]
    known = {"numpy": "NumPy array", "jaxlib": "JAX array", "builtins": kind.__name__}
    return known.get(library, f"{library} {kind.__name__}")


def _open_table(table: Table, options: Options) -> Sample:
    """Take columns of a table as a sample."""
    names = choose_columns(options, table.names, table.description)
    weight = _weight_vector(options) if names.weight is None else table.column(names.weight)
    raw = _Raw(table.column(names.y), weight, {name: table.column(name) for name in names.columns})
    return _in_memory(
        raw, _selection(column_label(names.y), options), options, source=table.description
    )


def _open_files(paths: list[str], options: Options, in_memory: bool | None) -> Sample:
    """Take columns of files as a sample, in memory or streamed."""
    from kullback.data.files import open_files

    source = open_files(find_paths(paths), describe_paths(paths))
    if options.weights is not None and not isinstance(options.weights, str):
        raise DataError(
            "weights must be the name of a column where the data are files, not "
            f"{type(options.weights).__name__}"
        )
    names = choose_columns(options, source.names, source.description)
    if options.y is None and source.only_text and reads_as_number(names.y):
        raise DataError(
            f"{source.description} seems to have no header: its first line, {names.y}, is a number "
            "and was read as the name of the column. Add a line with a name, or give "
            f'y="{names.y}" if it is one.'
        )
    source.check_columns(names.used)
    selection = _selection(column_label(names.y), options)
    text = frozenset({names.y} if options.as_labels else ())
    if in_memory is None:
        in_memory = source.size(names.used) <= IN_MEMORY_BYTES
    if not in_memory:
        if options.as_labels:
            labels = collect_labels(source, names, selection.label, written=source.only_text)
            selection = replace(selection, labels=labels)
        return FileSample(source, names, selection)

    parts = list(source.parts(names.used, text))
    columns = {name: _joined([part.columns[name] for part in parts]) for name in names.used}
    raw = _Raw(
        columns[names.y],
        None if names.weight is None else columns[names.weight],
        {name: columns[name] for name in names.columns},
    )
    starts = accumulate((part.count for part in parts), initial=0)
    files = {part.file: start - part.first_row for part, start in zip(parts, starts, strict=False)}
    return _in_memory(
        raw,
        selection,
        options,
        source=source.describe(),
        name_row=partial(name_row, files),
        written=source.only_text,
    )


def open_table(paths: Sequence[str], columns: Sequence[str] | None = None) -> Any:
    """Take columns of files for several uses: in memory where that is small, else as paths.

    Args:
        paths: paths or patterns.
        columns: their names, None for all.

    Returns:
        The names, and a mapping of names to arrays or the paths: either is data for `open_sample`.

    Raises:
        DataError: a column is not there, or no file.
        FileFormatError: a file cannot be read.
    """
    from kullback.data.files import open_files

    source = open_files(find_paths(list(paths)), describe_paths(list(paths)))
    names = tuple(source.names if columns is None else columns)
    for name in names:
        check_column(name, source.names, "column", source.description)
    source.check_columns(names)
    if source.size(names) > IN_MEMORY_BYTES:
        return names, list(paths)
    parts = list(source.parts(names, source.texts))
    return names, {name: _joined([part.columns[name] for part in parts]) for name in names}


def read_table(data: Any) -> Table:
    """Take columns held in memory by name: a table, a mapping, or an array of two dimensions.

    Raises:
        DataError: it is none of them.
    """
    if isinstance(data, Mapping):
        return _MappingTable(data)
    if getattr(data, "ndim", 0) == 2 and not hasattr(data, "columns"):
        matrix = np.asarray(data)
        table = _MappingTable({f"x{k}": column for k, column in enumerate(matrix.T)})
        table.description = f"a {_kind(data)} of {count_of(len(matrix), 'row')}"
        return table
    if isinstance(data, (list, tuple)) and data and isinstance(data[0], (list, tuple, np.ndarray)):
        return read_table(np.asarray(data))
    found = _read(data, "the data")
    if isinstance(found, np.ndarray):
        raise DataError(
            "the covariates are a single column without a name; give a table, or an array of two "
            "dimensions, such as x[:, None]"
        )
    return found


def column_of_table(values: Any, label: str) -> NDArray[Any]:
    """Take one column given beside a table."""
    return _column_of(_read(values, label), label)


@final
@dataclass(frozen=True, eq=False)
class _Raw:
    """The columns that are used, not yet looked at."""

    y: NDArray[Any]
    weight: NDArray[Any] | None
    covariates: Mapping[str, NDArray[Any]]


def _in_memory(
    raw: _Raw,
    selection: Selection,
    options: Options,
    *,
    source: str,
    name_row: Callable[[int], str] = plain_row,
    written: bool = False,
) -> ArraySample:
    """Check columns held in memory, all rows at once, and make them a sample."""
    if options.as_labels:
        distinct = distinct_labels(raw.y, selection.label)
        labels = Labels.of(distinct, selection.label, written=written)
        selection = replace(selection, labels=labels)
    rows = selection.rows(raw.y, raw.weight, raw.covariates, Place("", name_row))
    dropped = rows.read - rows.count
    check_some(selection.label, rows.count, dropped)
    if rows.weight is not None:
        check_total(selection.weight_label, float(rows.weight.sum()))
    return ArraySample(
        rows.fields,
        rows.weight,
        label=selection.label,
        levels=selection.labels.levels if selection.labels else None,
        dropped=dropped,
        rows=rows.kept,
        source=source,
        name_row=name_row,
    )


def _selection(label: str, options: Options) -> Selection:
    """How the columns are to be read, before the class labels are known."""
    named = isinstance(options.weights, str)
    weight_label = f"the weight {column_label(options.weights)}" if named else "the weight array"
    return Selection(label, weight_label, options.drop)


def _weight_vector(options: Options) -> NDArray[Any] | None:
    """The weights where they were given as an array."""
    if options.weights is None:
        return None
    label = "the weight array"
    return _column_of(_read(options.weights, label), label)


def _joined(arrays: list[NDArray[Any]]) -> NDArray[Any]:
    """One column of several parts in one array, which starts where JAX need not copy it."""
    if not arrays:
        return np.empty(0)
    kinds = {array.dtype.kind for array in arrays}
    if kinds == {"f"}:
        return np.concatenate(arrays, out=aligned(sum(map(len, arrays))))
    if len(kinds & {"f", "i", "u"}) > 1:
        # Integers come as floats from the parts in which one is missing; those of the other parts
        # must not be rounded before they are looked at. NumPy joins unlike integers as floats, too.
        arrays = [array if array.dtype.kind == "f" else array.astype(object) for array in arrays]
    return np.concatenate(arrays)
