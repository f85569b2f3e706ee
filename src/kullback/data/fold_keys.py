"""The column or array whose values decide the fold of a row, opened beside the sample."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np

from kullback._core.errors import DataError
from kullback.data.checks import column_label, count_of
from kullback.data.labels import Labels, distinct_labels
from kullback.data.open import open_sample
from kullback.data.roles import Roles
from kullback.data.sample import ArraySample, ChunkSample, RowSource
from kullback.data.schema import Column, Schema
from kullback.data.stream import Workers
from kullback.data.tables import column_values

# The field of a key that is an array: no column can have this name.
_ARRAY = "\0key"


@final
@dataclass(frozen=True, eq=False)
class FoldKey:
    """What decides the fold of a row.

    Attributes:
        role: "groups" or "time".
        given: the name of a column, or an array.
        alone: whether no model reads its field.
    """

    role: str
    given: Any
    alone: bool = True

    @property
    def field(self) -> str:
        """Its field in the sample."""
        return self.given if isinstance(self.given, str) else _ARRAY

    @property
    def label(self) -> str:
        """Its name in messages."""
        of = f" in {column_label(self.given)}" if isinstance(self.given, str) else ""
        return f"the {self.role}{of}"


def open_with_key(
    data: Any,
    roles: Roles,
    schema: Schema,
    key: FoldKey | None,
    workers: Workers | None = None,
) -> tuple[RowSource, FoldKey | None]:
    """Open a sample with the key of its folds as a field.

    Args:
        data: as for ``open_sample``.
        roles: of the models' columns.
        schema: what the models know of them.
        key: the key; None for none.
        workers: processes that read files.

    Returns:
        The sample, and the key.

    Raises:
        DataError: for data or a key that cannot be used.
    """
    if key is None:
        return open_sample(data, roles, schema, workers=workers), None
    columns = roles.columns or ()
    if not isinstance(key.given, str):
        return _beside(open_sample(data, roles, schema, workers=workers), key), key
    if key.given in columns:
        key = replace(key, alone=False)
    else:
        coded = (*roles.categorical, key.given)
        roles = replace(roles, columns=(*columns, key.given), categorical=coded)
    return open_sample(data, roles, schema, workers=workers), key


def _beside(sample: RowSource, key: FoldKey) -> RowSource:
    """Add an array of keys to a sample in memory."""
    if not isinstance(sample, (ArraySample, ChunkSample)):
        raise DataError(
            f"{key.role} must be the name of a column where files are read in parts, got "
            f"{type(key.given).__name__}."
        )
    values = column_values(key.given, key.role)
    if values.dtype.kind == "M":
        values = values.astype(np.int64)
    read = sum(chunk.count for chunk in sample.chunks()) + sample.dropped
    if len(values) != read:
        raise DataError(
            f"{key.role} has {count_of(len(values), 'value')} and {sample.label} "
            f"{count_of(read, 'row')}: every row needs one."
        )
    labels = Labels.of(distinct_labels(values, key.role), key.role)
    codes = labels.codes(values, key.role)
    kept = np.sort(np.concatenate([chunk.row_numbers for chunk in sample.chunks()]))
    missing = kept[np.isnan(codes[kept])]
    if missing.size:
        raise DataError(
            f"{key.role} has {count_of(missing.size, 'missing value')}, the first in "
            f"{sample.locate(int(missing[0]))}: every row needs one."
        )
    columns = [*sample.schema.columns.values(), Column(_ARRAY, labels.levels)]
    known = Schema.of(columns, sample.schema.outcome.levels, sample.schema.outcome.dimension)
    if isinstance(sample, ArraySample):
        own = codes if sample.rows is None else codes[sample.rows]
        return replace(sample, fields={**sample.fields, _ARRAY: own}, schema=known)
    parts = tuple(
        replace(part, fields={**part.fields, _ARRAY: codes[part.row_numbers]})
        for part in sample.parts
    )
    return replace(sample, parts=parts, schema=known)
