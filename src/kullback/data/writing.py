"""Writing columns as CSV or Parquet, whole files or nothing, through pyarrow."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pcsv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from kullback._core.errors import KullbackError

KINDS = (".csv", ".parquet", ".pq")


def write_csv(columns: Mapping[str, NDArray[Any]], stream: Any) -> None:
    """Write columns as CSV to an open stream; numbers have all their digits.

    Args:
        columns: by name, of equal length.
        stream: where to: a file open for bytes.
    """
    pcsv.write_csv(pa.table(dict(columns)), stream)


def write_columns(columns: Mapping[str, NDArray[Any]], path: str | os.PathLike[str]) -> None:
    """Write columns as a file, whose kind its name tells.

    Args:
        columns: by name, of equal length.
        path: its name; a file that exists is replaced.

    Raises:
        KullbackError: for another kind, or where it cannot be written.
    """
    target = Path(os.path.realpath(path))
    check_kind(path)
    beside = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        with beside.open("xb") as stream:
            if target.suffix.lower() == ".csv":
                write_csv(columns, stream)
            else:
                pq.write_table(pa.table(dict(columns)), stream)
        beside.replace(target)
    except OSError as error:
        raise KullbackError(
            f"{os.fspath(path)} cannot be written: {error.strerror or error}."
        ) from None
    finally:
        beside.unlink(missing_ok=True)


def check_kind(path: str | os.PathLike[str]) -> None:
    """Refuse a file whose name says no kind that is known.

    Raises:
        KullbackError: for such a name.
    """
    if Path(path).suffix.lower() not in KINDS:
        raise KullbackError(
            f"{os.fspath(path)} is of no known kind: its name must end in {', '.join(KINDS)}"
        )
