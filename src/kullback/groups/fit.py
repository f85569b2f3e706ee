"""Fit a model to every group of rows: at once where that is certain to be right, or one by one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from kullback._core.errors import DataError, KullbackError
from kullback.data.sample import Sample
from kullback.groups.fits import GroupFits
from kullback.groups.open import open_groups
from kullback.groups.rows import GroupRows
from kullback.groups.solve import Solved, solvable, solve_groups
from kullback.models.model import Model
from kullback.models.source import SameAs
from kullback.results.fit import Fit
from kullback.results.fit_table import FitTable

# What the convergence of a group that was solved at once says: no other is.
_CONVERGED = "the gradient vanishes at a strict minimum of the cross-entropy"


def fit_groups(
    model: Model,
    data: Any,
    y: Any,
    by: Any,
    *,
    weights: Any,
    missing: str,
    at_once: bool,
    alone: Callable[[Model, Sample], Fit],
) -> FitTable:
    """Fit a model to every group of rows.

    Args:
        model: the model.
        data: the rows, as for ``kl.fit``.
        y: the outcome's column.
        by: the key columns, or an array of keys.
        weights: the column of weights, or an array.
        missing: "error" or "drop".
        at_once: whether to solve the groups at once where that is possible.
        alone: fits the rows of one group.

    Raises:
        DataError: for rows or keys that cannot be used, whatever the group.
    """
    opened = open_groups(model, data, y, by, weights, missing)
    sample = opened.sample
    model = model.bind(sample.schema)
    rows = GroupRows(sample, opened.grouped)
    solved = solve_groups(model, rows) if at_once and solvable(model) else None
    others = np.arange(rows.size.size) if solved is None else np.flatnonzero(~solved.found)
    fits = {group: _alone(model, rows, group, alone) for group in others.tolist()}
    made = GroupFits(model, rows, solved, fits)
    columns = _columns(model, rows, solved, fits)
    _refuse_equal_names(opened.grouped.names, columns["params"])
    grouped = opened.grouped
    return FitTable(model.name, grouped.names, grouped.keys, columns, made, opened.frame)


def _alone(
    model: Model, rows: GroupRows, group: int, alone: Callable[[Model, Sample], Fit]
) -> Fit | str:
    """Return the fit of one group, or what is wrong with its rows."""
    if rows.size[group] == 0:
        return "all its weights are zero; at least one row must count"
    try:
        return alone(model, rows.of(group))
    except KullbackError as error:
        return str(error)


def _columns(
    model: Model, rows: GroupRows, solved: Solved | None, fits: Mapping[int, Fit | str]
) -> dict[str, Any]:
    """Return the columns of the table, one number a group."""
    count = rows.size.size
    params: dict[str, Any] = {}
    stderr: dict[str, Any] = {}
    log_likelihood = np.full(count, np.nan)
    converged = np.zeros(count, dtype=bool)
    reason = [_CONVERGED] * count
    if solved is not None:
        places = {c.name: i for i, c in enumerate(solved.vector.coefficients)}
        for name, source in model.sources.items():
            at = places[source.other if isinstance(source, SameAs) else name]
            params[name], stderr[name] = solved.constrained[at], solved.errors[at]
        found = solved.found
        log_likelihood[found] = 0.0 - solved.points.value[found] * rows.weight[found]
        converged[found] = True
    for group, fit in fits.items():
        if isinstance(fit, str):
            reason[group] = fit
            continue
        for table, own in ((params, fit.params), (stderr, fit.stderr)):
            for name, value in own.items():
                column = table.setdefault(name, np.full((count, *np.shape(value)), np.nan))
                column[group] = value
        log_likelihood[group] = fit.log_likelihood
        converged[group], reason[group] = fit.convergence.converged, fit.convergence.reason
    if not params:  # no group could be fitted
        params = {name: np.full(count, np.nan) for name in model.parameters}
        stderr = {name: np.full(count, np.nan) for name in model.parameters}
    return {
        "n": rows.weight,
        "params": params,
        "stderr": stderr,
        "log_likelihood": log_likelihood,
        "converged": converged,
        "reason": tuple(reason),
    }


def _refuse_equal_names(by: tuple[str, ...], params: Mapping[str, Any]) -> None:
    taken = {"n", "log_likelihood", "converged", "reason"}
    taken |= {*params, *(f"{name}_stderr" for name in params)}
    for name in by:
        if name in taken:
            raise DataError(
                f'the key column "{name}" has the name of a column of the results: rename it.'
            )
