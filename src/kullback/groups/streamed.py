"""Fit the groups of files, a batch of whole groups after the other, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from kullback.data.keys import sorted_values
from kullback.data.sample import RowSource
from kullback.groups.batch import GroupFit, complete, joined
from kullback.groups.open import KeyFrame
from kullback.groups.stream import GroupStream, KeyNumbers, ScatteredError, SomeGroups
from kullback.results.fit import Fit
from kullback.results.fit_table import FitTable

_SCATTERED = (
    "The rows of a group are not together in the files: all rows were written to temporary files "
    "by group. Files sorted by {} are read once."
)


@final
@dataclass(frozen=True, eq=False)
class StreamedFits:
    """The fits of the groups of files: the rows of a group are read again.

    Attributes:
        fit: fits groups.
        stream: the rows.
        keys: the keys of all groups, sorted.
        columns: the key columns, one row a group.
    """

    fit: GroupFit
    stream: GroupStream
    keys: tuple[Any, ...]
    columns: Mapping[str, NDArray[Any]]

    def __call__(self, group: int) -> Fit:
        """Return the fit of a group.

        Raises:
            DataError: where it cannot be fitted.
        """
        rows = self.stream.of({name: column[group] for name, column in self.columns.items()})
        fits, _ = self.fit(*self.stream.batch(rows, (self.keys[group],)))
        return fits(0)

    def pooled(self, groups: NDArray[np.bool_]) -> Fit:
        """Return one fit to the rows of some groups."""
        sample: RowSource = self.stream.sample
        if not bool(np.all(groups)):
            kept = frozenset(key for key, yes in zip(self.keys, groups, strict=True) if yes)
            sample = SomeGroups(self.stream, kept)
        return self.fit.alone(self.fit.model, sample)


def fit_stream(
    fit: GroupFit, stream: GroupStream, progress: Callable[[int], None] | None
) -> FitTable:
    """Fit the groups of files.

    Args:
        fit: fits groups.
        stream: the rows.
        progress: called with the number of rows whose groups have been fitted.

    Raises:
        DataError: for rows or keys that cannot be used, whatever the group.
    """
    notes: tuple[str, ...] = ()
    known = KeyNumbers(stream.names)
    try:
        parts, keys = _in_batches(fit, stream, known, progress, in_order=True)
    except ScatteredError:
        notes = (_SCATTERED.format(" and ".join(stream.names)),)
        known = KeyNumbers(stream.names)
        parts, keys = _in_batches(fit, stream, known, progress, in_order=False)
    order = sorted_values(np.empty(0, dtype=np.int64), keys, ", ".join(stream.names))[1]
    keys = [keys[i] for i in order]
    columns = complete(fit.model, stream.names, joined(parts, order))
    own = known.columns(keys)
    fits = StreamedFits(fit, stream, tuple(keys), own)
    return FitTable(fit.model.name, stream.names, tuple(keys), columns, fits, KeyFrame(own), notes)


def _in_batches(
    fit: GroupFit,
    stream: GroupStream,
    known: KeyNumbers,
    progress: Callable[[int], None] | None,
    *,
    in_order: bool,
) -> tuple[list[dict[str, Any]], list[Any]]:
    """Return the columns of every batch, and the keys of their groups."""
    parts: list[dict[str, Any]] = []
    keys: list[Any] = []
    rows = 0
    for batch in (stream.contiguous if in_order else stream.gathered)(known):
        sample, grouped = stream.batch(batch, known.keys)
        parts.append(fit(sample, grouped)[1])
        complete(fit.model, stream.names, dict(parts[-1]))  # names are refused at once
        keys += grouped.keys
        rows += batch.group.size
        if progress is not None:
            progress(rows)
    return parts, keys
