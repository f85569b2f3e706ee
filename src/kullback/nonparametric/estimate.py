"""Which estimate of the distribution of rows their kinds allow."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from kullback.data.sample import RowSource
from kullback.nonparametric.codes import coded
from kullback.nonparametric.distinct_ends import DistinctEnds, distinct_ends
from kullback.nonparametric.product_limit import product_limit, turned
from kullback.nonparametric.steps import Steps
from kullback.nonparametric.turnbull import turnbull


def estimate(sample: RowSource, *, closed: bool = False) -> Steps:
    """Estimate the distribution of a sample's rows.

    Args:
        sample: the rows.
        closed: whether lower ends, also those of right-censored rows and of windows, are among the
            outcomes that rows allow.

    Raises:
        DataError: for a sample without rows, or one that is streamed with too many distinct rows.
    """
    return estimate_of(distinct_ends(sample), closed=closed)


def estimate_of(rows: DistinctEnds, *, closed: bool = False) -> Steps:
    """Estimate the distribution of distinct rows."""
    within = (float(rows.window_lower.min()), float(rows.window_upper.max()))
    rows = _without_common_window(rows)
    low, high = rows.window_lower, rows.window_upper
    exact = rows.lower == rows.upper
    none_below, none_above = np.all(np.isneginf(low)), np.all(np.isposinf(high))
    if np.all(exact) and none_below and none_above:
        found = _shares(rows)
    elif none_above and np.all(exact | np.isposinf(rows.upper)) and np.any(exact):
        found = product_limit(coded(rows, closed=closed))
    elif none_below and np.all(exact | np.isneginf(rows.lower)) and np.any(exact):
        found = turned(product_limit(coded(rows, closed=closed).opposite()))
    else:
        found = turnbull(coded(rows, closed=closed), closed=closed)
    return replace(found, within=within, kinds=rows.kinds)


def _without_common_window(rows: DistinctEnds) -> DistinctEnds:
    """Leave out a window that all rows have: in it they are rows without one."""
    low, high = rows.window_lower, rows.window_upper
    if np.any(low != low[0]) or np.any(high != high[0]):
        return rows
    none = np.full(low.size, np.inf)
    wide = rows.lower < rows.upper
    return replace(
        rows,
        lower=np.where(wide & (rows.lower == low), -none, rows.lower),
        upper=np.where(wide & (rows.upper == high), none, rows.upper),
        window_lower=-none,
        window_upper=none,
    )


def _shares(rows: DistinctEnds) -> Steps:
    """The share of exact rows up to each value."""
    upto, weight = np.cumsum(rows.weights), rows.weight
    cdf = upto / upto[-1]
    after = np.concatenate([np.cumsum(rows.weights[::-1])[::-1][1:], [0.0]])
    survival = after / weight
    return Steps(
        rows.lower,
        rows.lower,
        rows.weights / weight,
        cdf,
        survival,
        np.sqrt(cdf * survival / weight),
        "empirical distribution function",
        weight,
        exact=True,
        at_risk=after + rows.weights,
        events=rows.weights,
    )
