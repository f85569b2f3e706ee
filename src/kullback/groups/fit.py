"""Fit a model to every group of rows, in memory or in files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kullback.engines.choice import engine_for
from kullback.groups.batch import Alone, GroupFit, complete
from kullback.groups.open import open_groups
from kullback.groups.stream import GroupStream
from kullback.groups.streamed import fit_stream
from kullback.models.model import Model
from kullback.objective.learning import bound
from kullback.objective.model_columns import roles_of
from kullback.results.fit_table import FitTable


def fit_groups(
    model: Model,
    data: Any,
    y: Any,
    by: Any,
    *,
    event: Any,
    truncation: Any,
    rounding: float | None,
    weights: Any,
    missing: str,
    at_once: bool,
    alone: Alone,
    progress: Callable[[int], None] | None = None,
) -> FitTable:
    """Fit a model to every group of rows.

    Args:
        model: the model.
        data: the rows, as for ``kl.fit``.
        y: the outcome's column, or those of its two ends.
        by: the key columns, or an array of keys.
        event: how each outcome was observed, as for ``kl.fit``.
        truncation: the window of each row, as for ``kl.fit``.
        rounding: what outcomes were rounded to, as for ``kl.fit``.
        weights: the column of weights, or an array.
        missing: "error" or "drop".
        at_once: whether to solve the groups at once where that is possible.
        alone: fits the rows of one group.
        progress: called with the number of rows whose groups have been fitted.

    Raises:
        DataError: for rows or keys that cannot be used, whatever the group.
    """
    roles = roles_of(
        (model,),
        y,
        weights=weights,
        missing=missing,
        event=event,
        truncation=truncation,
        rounding=rounding,
    )
    opened = open_groups(model, data, roles, by)
    model = bound(model, opened.sample, engine_for)
    fit = GroupFit(model, alone, at_once=at_once)
    if isinstance(opened, GroupStream):
        return fit_stream(fit, opened, progress)
    grouped = opened.grouped
    fits, columns = fit(opened.sample, grouped)
    columns = complete(model, grouped.names, columns)
    return FitTable(model.name, grouped.names, grouped.keys, columns, fits, opened.frame)
