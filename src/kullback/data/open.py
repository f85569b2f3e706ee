"""Open a user's data as a sample: arrays, tables and files alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import accumulate
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kullback._core.errors import DataError
from kullback.data.checks import Place, check_columns, column_list, count_of
from kullback.data.levels import SchemaLearner
from kullback.data.paths import DataFiles, as_paths
from kullback.data.roles import (
    ARGUMENTS,
    SHARES_OF_NUMBERS,
    ColumnNames,
    RawRows,
    Roles,
    find_columns,
    refuse_no_header,
)
from kullback.data.sample import ArraySample, ChunkSample, OtherColumns, RowSource, plain_row
from kullback.data.sample_head import RowDraw
from kullback.data.schema import Schema
from kullback.data.series_names import label_of
from kullback.data.stream import (
    FileSample,
    PartSource,
    TableSource,
    Workers,
    name_row,
    read_ahead,
)
from kullback.data.streams import read_once
from kullback.data.tables import (
    FileColumns,
    MappingTable,
    Table,
    column_values,
    concatenated,
    is_matrix,
    read,
    read_table,
    type_name,
)

# Up to this size a file's columns are read into memory once rather than at every pass: it is small
# for any machine that runs JAX, and saves decoding them again.
IN_MEMORY_BYTES = 256 * 2**20


def open_sample(
    data: Any,
    roles: Roles | None = None,
    schema: Schema | None = None,
    *,
    in_memory: bool | None = None,
    head: bool = False,
    workers: Workers | None = None,
) -> RowSource:
    """Open a user's data as a sample.

    Args:
        data: the values as a one-dimensional array, list or Series; or a table (pandas, polars,
            Arrow, a mapping of names to arrays) or, beside covariates, a two-dimensional array,
            whose columns are called x0, x1, ...; or a stream (see ``read_once``); or the path of a
            CSV or Parquet file, a glob pattern, or a list of paths; or a sample, which is returned
            unchanged.
        roles: what the columns are; None for a single column of numbers.
        schema: the levels of categories and the classes of other rows, such as those of a fit. A
            class that is not among them is an error.
        in_memory: whether a file is read into memory at once; by default if the used columns take
            at most 256 MiB.
        head: whether rows of a file that is not read into memory are drawn and kept.
        workers: processes that read files, none of which is then read into memory.

    Returns:
        The sample, checked; if it is streamed, each pass checks the rows that it reads.

    Raises:
        DataError: the data cannot be used; the message names the column, the rows and the fix.
        FileFormatError: a file cannot be read.

    >>> roles = Roles(y="loss", weights="n")
    >>> sample = open_sample({"loss": [1.5, 2.5, 4.0], "n": [1, 2, 1]}, roles)
    >>> sample.label, next(sample.chunks()).weight.tolist()
    ('column "loss"', [1.0, 2.0, 1.0])
    """
    roles = roles or Roles()
    if isinstance(data, RowSource):
        return _as_it_is(data, roles) if data.of_user else data
    theirs = None if workers is None else workers.source(data)
    if theirs is not None:
        return _open_source(theirs, roles, schema, False, workers=workers)
    refuse_lazy(data)
    data = read_once(data, *roles.named)
    paths = as_paths(data)
    if paths is not None:
        from kullback.data.files import open_files

        source = open_files(paths)
        return _open_source(source, roles, schema, in_memory, head=head, workers=workers)
    label = label_of(data, "y")
    if isinstance(data, Mapping):
        opened: NDArray[Any] | Table = MappingTable(data)
    elif roles.inferred or (roles.beside_covariates and is_matrix(data)):
        opened = read_table(data)
    else:
        opened = read(data, label)
    if isinstance(opened, np.ndarray):
        return _open_column(opened, roles, data, label)
    return _open_table(opened, roles, schema)


def refuse_lazy(data: Any) -> None:
    """Refuse what is held by a cluster."""
    if type(data).__module__.partition(".")[0] in ("dask", "dask_expr"):
        raise DataError(
            f"a dask {type(data).__name__} is read where its partitions are: give "
            "engine=kl.DaskEngine(client) to a function that takes it, without by=; for others, if "
            "it fits in memory, .compute() it first."
        )


def _as_it_is(sample: RowSource, roles: Roles) -> RowSource:
    """A sample, whose rows say what they are.

    Raises:
        DataError: for roles of columns that it does not have.
    """
    given = {"y": roles.y, "weights": roles.weights, "rounding": roles.rounding}
    given |= {ARGUMENTS[role]: value for role, value in roles.others.items()}
    for name, value in given.items():
        if value is not None:
            raise DataError(f"a sample holds its outcomes, windows and weights: leave out {name}")
    if roles.as_labels and sample.levels is None:
        raise DataError("this sample holds numbers, and the model is one of class labels")
    lacking = [name for name in roles.columns or () if name not in sample.schema.columns]
    if lacking or (roles.columns is None and not sample.schema.columns):
        which = f" {column_list(lacking)}" if lacking else ""
        raise DataError(
            f"this sample does not hold the covariates{which} of the model: give a table, with the "
            "columns of the ends as y"
        )
    return sample


def _open_column(values: NDArray[Any], roles: Roles, data: Any, label: str) -> RowSource:
    """Open a single array as a sample."""
    kind = type_name(data)
    if roles.y is not None and not isinstance(roles.y, str):
        raise DataError(
            f"y is a {type_name(roles.y)} and the data are a single {kind}: only one of them "
            "can be used. Give only the outcome, as the data; y names a column of a table."
        )
    given = [(ARGUMENTS[role], value) for role, value in roles.others.items()]
    named = [("y", roles.y), ("weights", roles.weights), *given]
    for role, name in [*named, *(("columns", name) for name in roles.columns or ())]:
        if isinstance(name, str):
            raise DataError(
                f'{role}="{name}" names a column, and the data are a single {kind}; give a table, '
                "such as a data frame or a dict of arrays"
            )
    learner = SchemaLearner(roles, ColumnNames((), None, ()), None, label=label)
    raw = RawRows((values,), _weight_array(roles, learner), {}, _other_arrays(roles))
    return _array_sample(raw, learner, f"a {kind} of {count_of(len(values), 'row')}")


def _open_table(table: Table, roles: Roles, schema: Schema | None) -> RowSource:
    """Open columns of a table as a sample."""
    names = find_columns(roles, table.names, table.description)
    of_frame: Any = table
    typed: frozenset[str] = getattr(of_frame, "categorical", frozenset())
    typed = frozenset(name for name in typed & {*names.covariates} if roles.is_by_value(name))
    orders = of_frame.orders(typed) if typed and not roles.inferred else {}
    label = label_of(roles.y, "y")
    learner = SchemaLearner(roles, names, schema, typed=typed, label=label, orders=orders)
    coded = names.coded if hasattr(table, "coded") else frozenset()
    raw = names.take(lambda name: of_frame.coded(name) if name in coded else table.column(name))
    outcome = raw.outcome if names.outcome else _outcome_arrays(roles, label)
    weight = raw.weight if names.weight is not None else _weight_array(roles, learner)
    raw = RawRows(outcome, weight, raw.covariates, {**raw.others, **_other_arrays(roles)})
    others = OtherColumns(table.names, table.description, partial(_read_whole, table))
    return _array_sample(raw, learner, table.description, others=others)


def _read_whole(table: Table, name: str) -> Iterator[Any]:
    """Yield a column of a table, in one piece."""
    yield table.column(name)


def _outcome_arrays(roles: Roles, label: str) -> tuple[NDArray[Any], ...]:
    """An outcome that was given as an array: of shares, the column of each class."""
    if not roles.kind.fields:
        return ()
    if not is_matrix(roles.y) or np.shape(roles.y)[1] < 2:
        return (column_values(roles.y, label),)
    if not roles.as_labels:
        raise DataError(SHARES_OF_NUMBERS)
    return tuple(np.asarray(roles.y).T)


def _weight_array(roles: Roles, learner: SchemaLearner) -> NDArray[Any] | None:
    """The weights, if they were given as an array."""
    return None if roles.weights is None else column_values(roles.weights, learner.weight_label)


def _other_arrays(roles: Roles) -> dict[str, NDArray[Any]]:
    """Events and ends of windows that were given as arrays."""
    return {
        role: column_values(value, ARGUMENTS[role])
        for role, value in roles.others.items()
        if not isinstance(value, (str, Real))
    }


def _open_source(
    source: TableSource,
    roles: Roles,
    schema: Schema | None,
    in_memory: bool | None,
    *,
    head: bool = False,
    workers: Workers | None = None,
) -> RowSource:
    """Open columns of files as a sample, in memory or streamed."""
    if roles.weights is not None and not isinstance(roles.weights, str):
        raise DataError(
            "weights must be the name of a column if the data are files, got "
            f"{type(roles.weights).__name__}"
        )
    for role, value in _other_arrays(roles).items():
        raise DataError(
            f"{ARGUMENTS[role]} must be the name of a column if the data are files, got "
            f"{type_name(value)}"
        )
    names = find_columns(roles, source.names, source.description)
    if not names.outcome and roles.kind.fields:
        raise DataError(
            f"y must be the name of a column of {source.description} if the data are files, got "
            f"{type(roles.y).__name__}"
        )
    if source.only_text:
        refuse_no_header(roles, source.names, names.outcome, source.description)
    source.check_columns(names.used)
    declared: dict[str, list[Any]] = getattr(source, "categorical", {})
    typed = frozenset(n for n in declared if n in names.covariates and roles.is_by_value(n))
    orders = {n: declared[n] for n in typed if declared[n] and not roles.inferred}
    written = source.only_text
    learner = SchemaLearner(roles, names, schema, typed=typed, written=written, orders=orders)
    others = OtherColumns(source.names, source.description, partial(_parts_of, source))
    text = _read_as_text(source, roles, names, schema)
    pieces = [] if workers is None else workers.pieces(source)
    if in_memory is None:
        in_memory = workers is None and source.size(names.used) <= IN_MEMORY_BYTES
    if in_memory:
        columns, name = _read_columns(source, names.used, text, names.coded)
        raw = names.take(columns.__getitem__)
        return _array_sample(raw, learner, source.describe(), name, others)

    first = names if head or (roles.drop and learner.undecided.used) else learner.undecided
    draw = RowDraw(len(first.used)) if head else None
    identifiers = not roles.inferred
    if first.used and workers is not None:
        learn = partial(_learned, learner.again(), first, text, identifiers)
        for found in workers.each(learn, pieces):
            learner.merge(found, identifiers=identifiers)
    elif first.used:
        for part in read_ahead(source.parts(first.used, text, first.coded)):
            raw = first.take(part.columns.__getitem__)
            learner.add_kept(raw, part.place, identifiers=identifiers)
            if draw:
                draw.add(part.columns)
    sample = FileSample(source, names, learner.conversion(), text)
    sample.others = others
    if draw:
        sample.draw_head(draw)
    return sample


def _learned(
    learner: SchemaLearner,
    first: ColumnNames,
    text: frozenset[str],
    identifiers: bool,
    source: PartSource,
) -> SchemaLearner:
    """Learn from the rows of a piece of a source."""
    own = learner.again()
    for part in source.parts(first.used, text, first.coded):
        raw = first.take(part.columns.__getitem__)
        own.add_kept(raw, part.place, identifiers=identifiers)
    return own


def _read_as_text(
    source: TableSource, roles: Roles, names: ColumnNames, schema: Schema | None
) -> frozenset[str]:
    """The columns that are read as text, where the files hold only text (CSV)."""
    labels = names.outcome if roles.as_labels and len(names.outcome) == 1 else ()
    known = {} if schema is None else schema.categories
    if roles.inferred:
        texts = {n for n, levels in known.items() if any(isinstance(v, str) for v in levels)}
        return (source.texts | texts) & {*labels, *names.covariates}
    event = {roles.event} if isinstance(roles.event, str) and _written(roles) else set()
    by_value = source.texts & {n for n in names.covariates if roles.is_by_value(n)}
    booleans = {n for n, levels in known.items() if set(levels) <= {False, True}} - source.texts
    return frozenset({*labels, *roles.categorical, *event, *by_value}) - booleans


def _written(roles: Roles) -> bool:
    """Whether the events are texts."""
    return roles.meanings is not None and roles.meanings.written


def _parts_of(source: TableSource, name: str) -> Iterator[NDArray[Any]]:
    """Read a column of files part by part."""
    source.check_columns((name,))
    for part in source.parts((name,), source.texts & {name}):
        yield part.columns[name]


def _read_columns(
    source: TableSource,
    names: tuple[str, ...],
    text: frozenset[str],
    coded: frozenset[str] = frozenset(),
) -> tuple[dict[str, NDArray[Any]], Callable[[int], str]]:
    """Read columns of files into memory; and the naming of a row for messages."""
    parts = list(source.parts(names, text, coded))
    starts = accumulate((part.count for part in parts), initial=0)
    files = {part.file: start - part.first_row for part, start in zip(parts, starts, strict=False)}
    columns = {name: concatenated([part.columns[name] for part in parts]) for name in names}
    return columns, partial(name_row, files)


def _array_sample(
    raw: RawRows,
    learner: SchemaLearner,
    source: str,
    name_row: Callable[[int], str] = plain_row,
    others: OtherColumns | None = None,
) -> RowSource:
    """Check columns in memory, all rows at once, and make a sample of them."""
    place = Place("", name_row)
    learner.add_kept(raw, place)
    conversion = learner.conversion()
    sample = conversion.sample(conversion.convert(raw, place), source, name_row)
    assert isinstance(sample, ArraySample | ChunkSample)  # of columns in memory
    return replace(sample, others=others)


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
    if columns is None and source.only_text:
        refuse_no_header(Roles(columns=None), source.names, (), source.description)
    check_columns(names, source.names, "column", source.description)
    source.check_columns(names)
    if source.size(names) > IN_MEMORY_BYTES:
        return names, files
    read_columns, _ = _read_columns(source, names, source.texts)
    return names, FileColumns(read_columns, source.title)
