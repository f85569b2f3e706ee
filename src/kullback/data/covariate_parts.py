"""Covariates in parts, for files too large to be read at once; otherwise in one part."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from kullback._core.errors import DataError
from kullback.data.checks import check_columns, count_of
from kullback.data.covariates import Covariates, open_covariates
from kullback.data.open import open_table
from kullback.data.paths import as_paths
from kullback.data.stream import read_ahead
from kullback.data.streams import read_once


def covariate_parts(
    data: Any, names: Sequence[str], *, levels: Mapping[str, tuple[Any, ...]], every: bool = False
) -> Iterator[Covariates]:
    """Read the covariates of a fitted model.

    Args:
        data: as for ``open_covariates``.
        names: the columns.
        levels: the levels of the categorical ones.
        every: whether these were all covariates of the fit, so that an array has no others: its
            columns are known by their position alone.

    Yields:
        Consecutive rows: all rows at once if they fit in memory.

    Raises:
        DataError: a column does not exist, or holds infinite values.
        FileFormatError: a file cannot be read.
    """
    data = read_once(data, *names)
    paths = as_paths(data)
    if paths is not None:
        _, data = open_table(paths, _present(paths, names))
    shape = np.shape(data) if isinstance(data, (np.ndarray, list, tuple)) else ()
    if shape in ((0,), (0, 0)):  # an array of no rows
        data = np.zeros((0, len(names)))
    elif every and len(shape) == 2 and shape[1] != len(names):
        raise DataError(
            f"the model was fitted to {count_of(len(names), 'covariate')}, and the array has "
            f"{count_of(shape[1], 'column')}; give the same columns in the same order"
        )
    if paths is None or isinstance(data, Mapping):
        yield open_covariates(data, names, levels=levels)
        return
    from kullback.data.files import open_files

    files = open_files(paths)
    rows = 0
    for part in read_ahead(files.parts(tuple(names), files.texts & frozenset(names))):
        try:
            yield open_covariates(part.columns, names, levels=levels)
        except DataError as error:
            raise DataError(f"{part.where.strip()}, rows counted from {rows}: {error}") from None
        rows += part.count
    if not rows:
        yield open_covariates({name: [] for name in names}, names, levels=levels)


def _present(paths: list[str], names: Sequence[str]) -> list[str]:
    """The names, each known to be a column of the files."""
    from kullback.data.files import open_files

    files = open_files(paths)
    return check_columns(names, files.names, "columns", files.description)
