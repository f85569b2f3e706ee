"""Fit a model to groups in memory: at once where that is certain to be right, or one by one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, final

import numpy as np

from kullback._core.arrays import Vector
from kullback._core.errors import DataError, KullbackError
from kullback.data.keys import GroupedRows
from kullback.data.sample import ChunkSample, RowSource
from kullback.groups.fits import GroupFits
from kullback.groups.rows import GroupRows
from kullback.groups.solve import Solved, solvable, solve_groups
from kullback.models.linear import Linear
from kullback.models.model import Model
from kullback.models.source import SameAs, Source
from kullback.results.fit import Fit
from kullback.results.fit_table import numbers_by_name

Alone: TypeAlias = Callable[[Model, RowSource], Fit]

# What the convergence of a group that was solved at once says: no other is.
_CONVERGED = "the gradient vanishes at a strict minimum of the cross-entropy"


@final
@dataclass(frozen=True)
class GroupFit:
    """Fits a model to groups in memory.

    Attributes:
        model: the model.
        alone: fits the rows of one group.
        at_once: whether to solve the groups at once where that is possible.
    """

    model: Model
    alone: Alone
    at_once: bool

    def __call__(
        self, sample: ChunkSample, grouped: GroupedRows
    ) -> tuple[GroupFits, dict[str, Any]]:
        """Return the fits, and their columns."""
        model, rows = self.model, GroupRows(sample, grouped)
        solved = solve_groups(model, rows) if self.at_once and solvable(model) else None
        others = np.arange(rows.size.size) if solved is None else np.flatnonzero(~solved.found)
        fits = {group: _alone(model, rows, group, self.alone) for group in others.tolist()}
        made = GroupFits(model, rows, solved, fits, self.alone)
        return made, _columns(model, rows, solved, fits)


def _alone(
    model: Model, rows: GroupRows, group: int, alone: Callable[[Model, RowSource], Fit]
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
        places = {c.name: where for c, where in solved.vector.places}
        for name, source in model.sources.items():
            at = places[source.other if isinstance(source, SameAs) else name]
            params[name] = _by_coefficient(source, solved.constrained[at])
            stderr[name] = _by_coefficient(source, solved.errors[at])
        found = solved.found
        log_likelihood[found] = 0.0 - solved.points.value[found] * rows.weight[found]
        converged[found] = True
    for group, fit in fits.items():
        if isinstance(fit, str):
            reason[group] = fit
            continue
        _put(params, fit.params, group, count)
        _put(stderr, fit.stderr, group, count)
        log_likelihood[group] = fit.log_likelihood
        converged[group], reason[group] = fit.convergence.converged, fit.convergence.reason
    return {
        "n": rows.weight,
        "params": params,
        "stderr": stderr,
        "log_likelihood": log_likelihood,
        "converged": converged,
        "reason": tuple(reason),
    }


def _by_coefficient(source: Source, numbers: Vector) -> Any:
    """Return the numbers of a source, shape (size, groups), as its results show them."""
    if isinstance(source, Linear):
        return dict(zip(source.labels, numbers, strict=True))
    return numbers[0]


def _put(table: dict[str, Any], own: Mapping[str, Any], group: int, count: int) -> None:
    """Write the numbers of one group into the columns of a table."""
    for name, value in own.items():
        if isinstance(value, Mapping):
            _put(table.setdefault(name, {}), value, group, count)
            continue
        column = table.setdefault(name, np.full((count, *np.shape(value)), np.nan))
        column[group] = value


def joined(parts: Sequence[Mapping[str, Any]], order: Sequence[int]) -> dict[str, Any]:
    """Return the columns of several batches, their groups in another order."""
    out: dict[str, Any] = {
        name: np.concatenate([part[name] for part in parts])[order]
        for name in ("n", "log_likelihood", "converged")
    }
    reasons = [reason for part in parts for reason in part["reason"]]
    out["reason"] = tuple(reasons[i] for i in order)
    sizes = [part["n"].size for part in parts]
    for table in ("params", "stderr"):
        out[table] = _joined([part[table] for part in parts], sizes, order)
    return out


def _joined(tables: Sequence[Mapping[str, Any]], sizes: Sequence[int], order: Any) -> Any:
    """Join the columns of tables, each of so many groups; NaN where one lacks a column."""
    out: dict[str, Any] = {}
    for name in dict.fromkeys(name for table in tables for name in table):
        own = [table.get(name) for table in tables]
        first = next(value for value in own if value is not None)
        if isinstance(first, Mapping):
            out[name] = _joined([{} if v is None else v for v in own], sizes, order)
            continue
        filled = [
            np.full((size, *first.shape[1:]), np.nan) if value is None else value
            for value, size in zip(own, sizes, strict=True)
        ]
        out[name] = np.concatenate(filled)[order]
    return out


def complete(model: Model, by: tuple[str, ...], columns: dict[str, Any]) -> dict[str, Any]:
    """Return the columns of a table, NaN where no group could be fitted.

    Raises:
        DataError: a key column has the name of one of them.
    """
    if not columns["params"]:
        none = np.full(columns["n"].size, np.nan)
        columns["params"] = dict.fromkeys(model.parameters, none)
        columns["stderr"] = dict.fromkeys(model.parameters, none)
    params = columns["params"]
    taken = {"n", "log_likelihood", "converged", "reason"}
    taken |= {f"{name}{end}" for name, _ in numbers_by_name(params) for end in ("", "_stderr")}
    for name in by:
        if name in taken:
            raise DataError(
                f'the key column "{name}" has the name of a column of the results: rename it.'
            )
    return columns
