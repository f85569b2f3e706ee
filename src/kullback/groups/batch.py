"""Fit a model to groups in memory: at once where that is certain to be right, or one by one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, final

import numpy as np

from kullback._core.errors import DataError, KullbackError
from kullback.data.sample import ChunkSample, RowSource
from kullback.groups.fits import GroupFits
from kullback.groups.keys import GroupedRows
from kullback.groups.rows import GroupRows
from kullback.groups.solve import Solved, solvable, solve_groups
from kullback.models.model import Model
from kullback.models.source import SameAs, numbers_of
from kullback.results.by_parameter import flat
from kullback.results.fit import Fit

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
            for name, one in own.items():
                value = flat(one) if isinstance(one, Mapping) else one
                column = table.setdefault(name, np.full((count, *np.shape(value)), np.nan))
                column[group] = value
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


def joined(parts: Sequence[Mapping[str, Any]], order: Sequence[int]) -> dict[str, Any]:
    """Return the columns of several batches, their groups in another order."""
    out: dict[str, Any] = {
        name: np.concatenate([part[name] for part in parts])[order]
        for name in ("n", "log_likelihood", "converged")
    }
    reasons = [reason for part in parts for reason in part["reason"]]
    out["reason"] = tuple(reasons[i] for i in order)
    for table in ("params", "stderr"):
        out[table] = {}
        for name in dict.fromkeys(name for part in parts for name in part[table]):
            shape = next(part[table][name].shape[1:] for part in parts if name in part[table])
            none = (np.full((part["n"].size, *shape), np.nan) for part in parts)
            own = [part[table].get(name, nan) for part, nan in zip(parts, none, strict=True)]
            out[table][name] = np.concatenate(own)[order]
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
    domains = model.parameters
    own = {name: source.coefficients(name, domains[name]) for name, source in model.sources.items()}
    columns["names"] = {
        name: tuple(n for c in coefficients for n in numbers_of(c))
        for name, coefficients in own.items()
    }
    taken = {"n", "log_likelihood", "converged", "reason"}
    taken |= {*params, *(f"{name}_stderr" for name in params)}
    for name in by:
        if name in taken:
            raise DataError(
                f'the key column "{name}" has the name of a column of the results: rename it.'
            )
    return columns
