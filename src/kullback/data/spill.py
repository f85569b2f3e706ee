"""Keep the rows of a stream: in memory if they are few, else in a temporary Parquet file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from kullback._core.errors import DataError
from kullback.data import frames
from kullback.data.arrays import with_article
from kullback.data.checks import count_of
from kullback.data.paths import DataFiles
from kullback.data.temporary import TemporaryFile, cannot_write

# Up to this size rows stay in memory, as the columns of files do.
MEMORY_BYTES = 256 * 2**20

# So much is written as one row group: streams may come in batches of a few thousand rows.
GROUP_BYTES = 16 * 2**20

# Measured on five million normal numbers: a quarter of the time of the default, which first looks
# for repeated values, and three quarters of the size of uncompressed ones.
_WRITING = {"compression": "lz4", "use_dictionary": False}

_NOTE = "read once, kept in a temporary file"


def spill(data: Any, used: tuple[str, ...]) -> Any:
    """Read a stream or a lazy query once.

    Args:
        data: a lazy query, a data set or a scanner of pyarrow, or anything with Arrow's stream
            protocol; other data are returned unchanged.
        used: the columns to keep; all of them if it is empty or names one that does not exist.

    Raises:
        DataError: the stream cannot be read, or gives no rows.
        KullbackError: the temporary file cannot be written.
    """
    kind = type(data).__name__
    lazy = frames.lazy(data)
    if lazy is not None:
        kind = f"{lazy.library} {kind}" if lazy.library == "polars" else kind
        with _readable(kind):
            data = lazy.columns(used)
        if lazy.library == "polars":  # which writes the file itself, in bounded memory
            return _written_by_polars(data, kind)
    if type(data).__module__ == "pyarrow._dataset":
        with _readable(kind):
            if hasattr(data, "scanner"):  # a data set
                known = used and set(used) <= set(data.schema.names)
                data = data.scanner(columns=list(used) if known else None)
            return _read(data.to_reader(), used, kind, again=True)
    if not hasattr(data, "__arrow_c_stream__"):
        return data
    with _readable(kind):
        reader = pa.RecordBatchReader.from_stream(data)
    return _read(reader, used, kind, again=lazy is not None)


def _read(reader: Any, used: tuple[str, ...], kind: str, *, again: bool) -> Any:
    """Read batches into memory, and write them to a file once they are many."""
    names = reader.schema.names
    chosen = [name for name in names if name in used] if set(used) <= set(names) else []
    schema = pa.schema([reader.schema.field(name) for name in chosen]) if chosen else reader.schema
    batches = (batch.select(chosen) if chosen else batch for batch in _batches(reader, kind))
    held: list[Any] = []
    size = 0
    for batch in batches:
        held.append(batch)
        size += batch.nbytes
        if size > MEMORY_BYTES:
            return _written(held, batches, schema, kind)
    table = pa.Table.from_batches(held, schema)
    if not table.num_rows and not again:
        raise DataError(
            f"the {kind} gives no rows. If it was read before, make it anew: it can be read once."
        )
    return _in_memory(table, kind)


def _written(held: list[Any], rest: Iterator[Any], schema: Any, kind: str) -> DataFiles:
    """Write batches to a temporary file, those that are held first."""
    path = _temporary(kind, len(schema))
    with _writable(path), pq.ParquetWriter(path, schema, **_WRITING) as file:
        while held:
            file.write_table(pa.Table.from_batches(held, schema))
            held.clear()
            size = 0
            for batch in rest:
                held.append(batch)
                size += batch.nbytes
                if size > GROUP_BYTES:
                    break
    return DataFiles([path])


def _written_by_polars(query: Any, kind: str) -> Any:
    """Let polars write the result of a query to a temporary file, and read it if it is small."""
    with _readable(kind):
        path = _temporary(kind, len(query.collect_schema()))
        query.sink_parquet(path, compression="lz4")
    metadata = pq.read_metadata(path)
    groups = range(metadata.num_row_groups)
    if sum(metadata.row_group(group).total_byte_size for group in groups) > MEMORY_BYTES:
        return DataFiles([path])
    return _in_memory(pq.read_table(path), kind)


def _in_memory(table: Any, kind: str) -> Any:
    with _readable(kind):
        return frames.held(table, f"{with_article(kind)} of {count_of(table.num_rows, 'row')}")


def _temporary(kind: str, columns: int) -> TemporaryFile:
    shown = f"{with_article(kind)} of {count_of(columns, 'column')}"
    return TemporaryFile(shown, ".parquet", _NOTE)


def _batches(reader: Any, kind: str) -> Iterator[Any]:
    while True:
        with _readable(kind):
            batch = next(reader, None)
        if batch is None:
            return
        yield batch


@contextmanager
def _readable(kind: str) -> Iterator[None]:
    """Turn the error of a library whose query or stream fails into one that names it."""
    try:
        yield
    except DataError:
        raise
    except Exception as error:  # of any type: it comes from any library
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"the {kind} cannot be read: {reason}") from error


@contextmanager
def _writable(path: TemporaryFile) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise cannot_write(path.shown, error) from None
