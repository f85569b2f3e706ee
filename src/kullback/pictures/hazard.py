"""Pictures of the hazards of fitted distributions, over that of the rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from kullback._core.arrays import Vector
from kullback.pictures.distribution import INSIDE, POINTS, Subject, shown_range
from kullback.pictures.rows import Rows
from kullback.pictures.style import RULE, log_axis, plain


def draw_hazard(axes: Any, subject: Subject) -> None:
    """Draw the hazards over that of the rows, constant between some of their quantiles.

    The hazard is the density of the outcomes given that they are at least so large; of counts it is
    the probability of a count, given that it is at least so large.
    """
    low, high = shown_range(subject, ())
    rows = subject.rows
    x = (np.geomspace if subject.logarithmic else np.linspace)(low, high, POINTS)
    if subject.discrete:
        x = np.arange(np.floor(low), np.ceil(high) + 1.0)
        x = x[:: -(-x.size // POINTS)]
    top = 0.0
    if rows is not None:
        edges = np.append(x, x[-1] + 1.0) - 0.5 if subject.discrete else _risk_edges(rows)
        top = _draw_rates(axes, rows, edges, discrete=subject.discrete)
    for curve, dashes, marker, options in subject.styled():
        hazard = np.asarray(curve.model.hazard(x))
        size = {"marker": marker, "markersize": 4.0, "linewidth": 0.8} if subject.discrete else {}
        axes.plot(x, hazard, dashes, **size, **options)
        inside = x <= float(curve.model.quantile(INSIDE[1]))
        if not curve.muted and np.any(inside & np.isfinite(hazard)):
            top = max(top, float(np.max(hazard[inside & np.isfinite(hazard)])))
    axes.set_xlim(low, high)
    if subject.logarithmic:
        log_axis(axes.xaxis)
    axes.set_ylim(0.0, 1.08 * top or 1.0)
    axes.set_xlabel(plain(subject.label))
    axes.set_ylabel("probability, given at least it" if subject.discrete else "hazard")


def _risk_edges(rows: Rows) -> Vector:
    """Some of the rows' values, with some tens of them in between where there are many."""
    # not to the last one: up to it the hazard of the rows is infinite
    last = rows.values.size - 1.0 - (rows.upto[-1] >= 1.0)
    parts = int(min(max(0.7 * rows.values.size**0.5, 3.0), 16.0))
    places = np.linspace(0.0, max(last, 0.0), parts + 1).round().astype(np.intp)
    return np.unique(rows.values[places])


def _draw_rates(axes: Any, rows: Rows, edges: Vector, *, discrete: bool) -> float:
    """Draw the hazard of the rows between edges, and return the largest."""
    if edges.size < 2:
        return 0.0
    mass = rows.shares(edges)
    beyond = rows.share_beyond(edges)
    with np.errstate(divide="ignore", invalid="ignore"):
        if discrete:
            rates = mass / beyond[:-1]
        else:
            rates = np.log(beyond[:-1] / beyond[1:]) / np.diff(edges)
    rates = np.where(np.isfinite(rates), rates, 0.0)
    axes.stairs(rates, edges, fill=True, color=RULE, label=rows.name)
    return float(rates.max())
