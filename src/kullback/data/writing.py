"""Write columns as CSV or Parquet through pyarrow; a failed write leaves no partial file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pcsv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from kullback._core.errors import KullbackError
from kullback._core.files import replaced

KINDS = (".csv", ".parquet", ".pq")


def write_csv(columns: Mapping[str, NDArray[Any]], stream: Any, *, header: bool = True) -> None:
    """Write columns as CSV to an open stream; numbers keep all their digits.

    Args:
        columns: by name, of equal length.
        stream: a file opened for writing bytes.
        header: whether the first line has the names.
    """
    pcsv.write_csv(_table(columns), stream, pcsv.WriteOptions(include_header=header))


def write_columns(columns: Mapping[str, NDArray[Any]], path: str | os.PathLike[str]) -> None:
    """Write columns to a file of the kind that its ending names.

    Args:
        columns: by name, of equal length.
        path: the file, replaced if it exists.

    Raises:
        KullbackError: another ending, or a file that cannot be written.
    """
    check_kind(path)
    with replaced(path, os.fspath(path)) as stream:
        if Path(path).suffix.lower() == ".csv":
            write_csv(columns, stream)
        else:
            pq.write_table(_table(columns), stream)


def _table(columns: Mapping[str, NDArray[Any]]) -> Any:
    arrays = [_array(np.asarray(values)) for values in columns.values()]
    return pa.Table.from_arrays(arrays, names=list(columns))


def _array(values: NDArray[Any]) -> Any:
    # pa.array imports pandas where it is installed, for a third of a second
    if values.ndim == 1 and values.dtype.kind in "fiu" and values.dtype.isnative:
        buffer = pa.py_buffer(np.ascontiguousarray(values))
        return pa.Array.from_buffers(pa.from_numpy_dtype(values.dtype), len(values), [None, buffer])
    return pa.array(values)


def check_kind(path: str | os.PathLike[str]) -> None:
    """Refuse a file name with another ending than KINDS.

    Raises:
        KullbackError: the name has another ending.
    """
    if Path(path).suffix.lower() not in KINDS:
        raise KullbackError(f"{os.fspath(path)}: the name of a file must end in {', '.join(KINDS)}")
