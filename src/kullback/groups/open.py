"""Open a user's data with key columns: the rows, the keys, and the table of the results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np

from kullback._core.errors import DataError
from kullback.data.checks import check_columns, count_of
from kullback.data.frames import FrameTable, new_frame, with_columns
from kullback.data.keys import GroupedRows, group_rows, sorted_values
from kullback.data.open import IN_MEMORY_BYTES, open_sample, refuse_lazy
from kullback.data.paths import as_paths
from kullback.data.roles import Roles
from kullback.data.sample import ChunkSample
from kullback.data.series_names import name_of
from kullback.data.stream import FileSample
from kullback.data.streams import read_once
from kullback.data.tables import Table, column_values, read_table
from kullback.groups.rows import joined_by_kind, row_numbers
from kullback.groups.stream import GroupStream, KeyNumbers, NumberedRows
from kullback.models.model import Model
from kullback.objective.model_columns import schema_of


@final
@dataclass(frozen=True, eq=False)
class Opened:
    """The rows of all groups.

    Attributes:
        sample: the rows, one chunk for each kind.
        grouped: the groups, of the rows chunk after chunk.
        frame: returns a table of the key columns, one row a group, and of columns beside them.
    """

    sample: ChunkSample
    grouped: GroupedRows
    frame: KeyFrame


@final
@dataclass(frozen=True, eq=False)
class KeyFrame:
    """The key columns, one row a group.

    Attributes:
        keys: a table of the library that the rows came from, or arrays by name.
    """

    keys: Any

    def __call__(self, columns: Mapping[str, Any]) -> Any:
        """Return a table of the keys and of columns beside them."""
        if isinstance(self.keys, dict):
            return new_frame({**self.keys, **columns})
        return with_columns(self.keys, columns)


def open_groups(model: Model, data: Any, roles: Roles, by: Any) -> Opened | GroupStream:
    """Open rows and group them; files whose columns are large are returned as a stream.

    Args:
        model: the model of every group.
        data: the rows, as for ``kl.fit``.
        roles: what the columns are; an outcome of None is the only column that has no other role.
        by: the key columns' names, or an array of keys where the outcomes are an array.

    Raises:
        DataError: for columns or keys that cannot be used.
    """
    refuse_lazy(data)
    names = (by,) if isinstance(by, str) else by
    named = isinstance(names, list | tuple) and bool(names)
    named = named and all(isinstance(name, str) for name in names)
    used = roles.named  # none where all columns are kept
    data = read_once(data, *used, *names) if named and used else read_once(data)
    table: Table | None = None
    if named and _is_table(data):
        names = tuple(dict.fromkeys(names))
        paths = as_paths(data)
        if paths is not None:
            return _open_files(model, paths, roles, names)
        table = read_table(data)
        check_columns(names, table.names, "by", table.description)
        roles = _with_outcome(roles, table.names, names)
        columns = {name: _key(table, name) for name in names}
    elif isinstance(by, str):
        raise DataError(
            f'by="{by}" names a column, but the data are not a table: give a table, or by= an '
            "array with a key for each row."
        )
    else:
        columns = {name_of(by) or "group": column_values(by, "by")}
    opened = open_sample(data, roles, schema_of((model,)), in_memory=True)
    sample = joined_by_kind(opened)
    plain = len(sample.parts) == 1 and sample.parts[0].rows is None
    numbers = np.arange(sample.parts[0].count) if plain else row_numbers(sample.parts)
    read = len(next(iter(columns.values())))
    if read != numbers.size + sample.dropped:
        raise DataError(
            f"by has {count_of(read, 'key')} and {sample.label} "
            f"{count_of(numbers.size + sample.dropped, 'row')}: every row needs a key."
        )
    grouped = group_rows(columns, None if plain else numbers)
    firsts = numbers[grouped.firsts]
    if isinstance(table, FrameTable):
        return Opened(sample, grouped, KeyFrame(table.part(list(columns), firsts)))
    keys = {name: np.asarray(column)[firsts] for name, column in columns.items()}
    return Opened(sample, grouped, KeyFrame(keys))


def _open_files(
    model: Model, paths: list[str], roles: Roles, by: tuple[str, ...]
) -> Opened | GroupStream:
    """Open files: in memory where their columns are small there, else as a stream."""
    from kullback.data.files import open_files

    source = open_files(paths)
    check_columns(by, source.names, "by", source.description)
    source.check_columns(by)
    roles = _with_outcome(roles, source.names, by)
    sample = open_sample(paths, roles, schema_of((model,)), in_memory=False)
    assert isinstance(sample, FileSample)  # not in memory
    used = tuple(dict.fromkeys([*by, *roles.named]))
    text, size = source.texts & set(by), source.size(used)
    stream = GroupStream(sample, by, text, source.only_text, size)
    if stream.size > IN_MEMORY_BYTES:
        return stream
    keys = KeyNumbers(by)
    rows = NumberedRows.joined([*stream.pieces(keys)])
    group, order = sorted_values(rows.group, keys.keys, ", ".join(by))
    known = [keys.keys[i] for i in order]
    held, grouped = stream.batch(replace(rows, group=group), known)
    return Opened(held, grouped, KeyFrame(keys.columns(known)))


def _is_table(data: Any) -> bool:
    """Whether the data have columns with names."""
    if isinstance(data, Mapping | FrameTable) or as_paths(data) is not None:
        return True
    named = getattr(getattr(data, "dtype", None), "names", None)
    columns = hasattr(data, "columns") or hasattr(data, "__arrow_c_stream__")
    return columns or named is not None


def _key(table: Table, name: str) -> Any:
    return table.key(name) if isinstance(table, FrameTable) else table.column(name)


def _with_outcome(roles: Roles, known: Sequence[str], by: tuple[str, ...]) -> Roles:
    """Return the roles with the one column that has no other as the outcome, if none is given."""
    if roles.y is not None:
        return roles
    given = (*by, roles.weights, *roles.others.values(), *(roles.columns or ()))
    taken = {name for name in given if isinstance(name, str)}
    others = [name for name in known if name not in taken]
    return replace(roles, y=others[0]) if len(others) == 1 else roles
