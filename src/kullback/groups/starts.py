"""Starting values of every group, at once where a family's are simple, else group by group."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np

from kullback._core.arrays import Vector
from kullback._core.domains import Interval
from kullback._core.errors import KullbackError
from kullback.data.observation import Exact
from kullback.groups.rows import GroupRows, KindRows
from kullback.models.counts.negative_binomial import NegativeBinomial
from kullback.models.linear import Linear
from kullback.models.model import Model
from kullback.models.parameter_vector import ParameterVector
from kullback.models.positive.weibull import Weibull
from kullback.models.source import Fixed, Free, Source
from kullback.models.starting_values import LEAST_SPREAD
from kullback.objective.first_pass import FOR_STARTS, FirstPass
from kullback.objective.sample_summary import Piece, SampleSummary
from kullback.objective.starting_values import points_from, starting_points
from kullback.objective.sufficient_statistics import SufficientMoments
from kullback.special.constants import EULER_GAMMA

Start: TypeAlias = Callable[[KindRows], Mapping[str, Vector]]


def starts_at_once(
    model: Model, vector: ParameterVector, rows: GroupRows, groups: Any
) -> Vector | None:
    """Return starting points of groups, shape (k, groups); None where the model has no such form.

    They are those of the family's ``_starts``, where no parameter has a start or bounds of its own.
    """
    start = _AT_ONCE.get(type(model))
    plain = all(_is_plain(source) for source in model.sources.values())
    if start is None or not plain or getattr(model, "parametrisation", None) is not None:
        return None
    values = start(rows.to_start)
    points = []
    for c in vector.free:
        source, value = model.sources[c.name], values[c.name][groups]
        with np.errstate(all="ignore"):  # a start that is not finite is left to a fit of its own
            if isinstance(source, Linear):
                points.append(source.starts_at(value).reshape(value.size, -1).T)
            else:
                points.append(c.domain.unconstrained(value)[None])
    return np.concatenate(points)


def _is_plain(source: Source) -> bool:
    if isinstance(source, Linear):
        return source.link is None and isinstance(source.domain, Interval)
    return isinstance(source, Free | Fixed)


def starts_of(
    model: Model,
    vector: ParameterVector,
    rows: GroupRows,
    group: int,
    moments: SufficientMoments | None = None,
) -> list[Vector]:
    """Return the starting points of one group; none where they cannot be computed."""
    first = rows.parts[0]
    size = int(first.size[group])
    if moments is None and len(rows.parts) == 1 and first.kind == Exact() and size <= FOR_STARTS:
        # what the general way comes to, in a third of its time
        own = first.rows_of(group)
        w = np.ones(size) if first.w is None else first.w[own]
        try:
            return points_from(model, vector, model.starts(first.y[own], w))
        except KullbackError:  # the group's own fit says what is wrong
            return []
    pieces, kinds = [], {}
    low, high = np.inf, -np.inf
    for part in rows.parts:
        own, size = part.rows_of(group), int(part.size[group])
        if not size:
            continue
        w = np.ones(size) if part.w is None else part.w[own]
        fields = {name: column[own] for name, column in part.fields.items()}
        pieces.append(Piece(part.kind, 0, fields, w))
        kinds[part.kind] = size
        if part.kind == Exact():
            low, high = (float(ends[group]) for ends in part.extremes)
    summary = SampleSummary(
        rows=int(rows.size[group]),
        weight=float(rows.weight[group]),
        kinds=kinds,
        minimum=low,
        maximum=high,
        pieces=tuple(pieces),
        stride=1,
        impossible=0,
        examples=(),
    )
    try:
        return starting_points(model, vector, FirstPass(summary, moments, None, str))
    except KullbackError:  # the group's own fit says what is wrong
        return []


def _weibull(rows: KindRows) -> Mapping[str, Vector]:
    origin, t = rows.coordinate(Weibull())  # log(x/origin)
    with np.errstate(all="ignore"):
        mean, square = rows.mean(t), rows.mean(t * t)
        shape = np.pi / np.sqrt(6.0) / np.maximum(np.sqrt(square - mean * mean), LEAST_SPREAD)
        return {"shape": shape, "scale": origin * np.exp(mean + EULER_GAMMA / shape)}


def _negative_binomial(rows: KindRows) -> Mapping[str, Vector]:
    with np.errstate(all="ignore"):  # likewise
        mean = rows.mean(rows.y)
        mean = np.where(mean > 0.0, mean, 0.5 / (rows.weight + 1.0))
        excess = rows.mean((rows.y - rows.by_row(mean)) ** 2) - mean
        size = np.where(excess > 0.0, mean * mean / excess, 10.0 * (1.0 + mean))
        return {"mean": mean, "size": size}


_AT_ONCE: Mapping[type[Model], Start] = {Weibull: _weibull, NegativeBinomial: _negative_binomial}
