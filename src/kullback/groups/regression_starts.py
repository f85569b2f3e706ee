"""Starting values of the regressions of groups: one fit to rows of many, moved to each group."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from kullback._core.arrays import Vector
from kullback._core.errors import KullbackError
from kullback.data.sample import RowSource
from kullback.groups.design import GroupDesign
from kullback.groups.objectives import GroupObjective, free_domains
from kullback.groups.rows import GroupRows, Places
from kullback.models.linear import INTERCEPT, Linear
from kullback.models.model import Model

# Rows that the common fit takes, of groups spread over all.
_ROWS = 20_000


def regression_starts(
    model: Model,
    rows: GroupRows,
    groups: Places,
    design: GroupDesign,
    objective: GroupObjective,
    alone: Callable[[Model, RowSource], Any],
) -> Vector | None:
    """Return starting points of groups, shape (free, groups); None without a common fit.

    All take the coefficients of one fit to the rows of some of the groups. The intercept of the
    first predictor that has one is moved by the distance, on the link's scale, from the mean of
    their outcomes to the group's, forwards or backwards, where that lowers the group's loss.

    Args:
        model: the model.
        rows: the rows of all groups.
        groups: those to start.
        design: their columns.
        objective: their cross-entropies.
        alone: fits the model to rows.
    """
    step = max(int(rows.size[groups].sum() // _ROWS), 1)
    some = np.zeros(rows.count, dtype=bool)
    some[groups[::step]] = True
    try:
        common = alone(model, rows.some(some))
    except KullbackError:  # the fits of the groups say what is wrong
        return None
    numbers = common.model.vector.constrained(np.zeros(0))
    vector = model.vector
    if numbers.size != len(vector.is_free) or not np.isfinite(numbers).all():
        return None
    whole = np.repeat(numbers[:, None], rows.count, axis=1)
    with np.errstate(all="ignore"):
        own = design.standardised(whole)[np.array(vector.is_free)][:, groups]
        start = np.stack(
            [d.unconstrained(v) for d, v in zip(free_domains(vector), own, strict=True)]
        )
        best, value = start, objective(groups, start).value
        for place, shift in _shifts(model, rows, groups, some):
            moved = start.copy()
            moved[place] += shift
            there = objective(groups, moved).value
            lower = there < value
            best, value = np.where(lower, moved, best), np.where(lower, there, value)
            if 2 * np.count_nonzero(lower) > groups.size:
                break  # the direction is right
    return best


def _shifts(model: Model, rows: GroupRows, groups: Places, some: Any) -> list[tuple[int, Vector]]:
    """Return the place of an intercept among the free numbers, and distances to move it by."""
    begin = 0
    for c in model.vector.free:
        source = model.sources.get(c.name)
        if isinstance(source, Linear) and source.labels[0] == INTERCEPT:
            located = rows.to_start
            totals = located.total(located.y)
            mean = (totals / located.size)[groups]
            common = totals[some].sum() / located.size[some].sum()
            distance = source.domain.unconstrained(mean) - source.domain.unconstrained(common)
            return [(begin, distance), (begin, -distance)]
        begin += c.domain.size
    return []
