"""Arrow streams and lazy queries, whose rows can be read only once: made readable again."""

from __future__ import annotations

from typing import Any


def read_once(data: Any, *used: Any) -> Any:
    """Read a stream or a lazy query; return other data unchanged.

    These are polars LazyFrames, DuckDB relations, the readers, data sets and scanners of pyarrow,
    and whatever else gives its rows by Arrow's stream protocol and is not a table in memory.

    Args:
        data: a user's data.
        used: the columns that will be used, as far as they are texts; all are kept if the first is
            not a text, or if one does not exist.

    Returns:
        The rows as a table in memory if they are few; else as a temporary Parquet file, which is
        removed when nothing refers to it any more.

    Raises:
        DataError: the stream cannot be read, or gives no rows.
        KullbackError: the temporary file cannot be written.
    """
    library = type(data).__module__.partition(".")[0]
    streams = hasattr(data, "__arrow_c_stream__") or library in ("polars", "pyarrow")
    if not streams or hasattr(data, "__arrow_c_array__"):  # an array, paths, a mapping, ...
        return data
    from kullback.data import frames

    if frames.is_held(data):
        return data
    names = tuple(dict.fromkeys(name for name in used if isinstance(name, str)))
    if not used or not isinstance(used[0], str):
        names = ()
    from kullback.data.spill import spill

    return spill(data, names)
