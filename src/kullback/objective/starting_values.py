"""Starting values: estimates in closed form, the user's, and the model's."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from kullback._core.arrays import Vector
from kullback._core.domains import Domain, Interval
from kullback._core.errors import ModelError
from kullback.models.model import Model
from kullback.models.parameter_vector import ParameterVector
from kullback.models.source import Coefficient
from kullback.objective.cross_entropy import Evaluation
from kullback.objective.first_pass import FirstPass


def starting_points(model: Model, vector: ParameterVector, known: FirstPass) -> list[Vector]:
    """Return starting points on the unconstrained scale, the most promising first.

    The user's starting and fixed values take precedence over the model's.
    """
    candidates: Sequence[Mapping[str, Any]] = ()
    form = model.exponential_form
    if known.moments is not None and form is not None:
        fixed = {
            c.name: float(value[0])
            for c in vector.coefficients
            for value in (vector.on_bound.get(c.name) if c.value is None else c.value,)
            if value is not None and c.domain.size == 1
        }
        closed = form.closed_form(known.moments.means.tolist(), known.moments.origin, fixed)
        if closed is not None:
            candidates = (closed,)
    if not candidates:
        candidates = model.starts(*known.for_starts(model.support))
    return points_from(model, vector, candidates)


def points_from(
    model: Model, vector: ParameterVector, candidates: Sequence[Mapping[str, Any]]
) -> list[Vector]:
    """Return starting points from starting values by parameter, in their order.

    Raises:
        ModelError: where none of them is finite.
    """
    candidates = [
        {
            name: model.sources[name].starts_at(value) if name in model.sources else value
            for name, value in start.items()
        }
        for start in candidates
    ]
    # candidates outside the user's bounds are dropped, unless all are
    candidates = [start for start in candidates if _within(vector, start)] or candidates
    points: list[Vector] = []
    for start in candidates:
        values = {c.name: _start_of(c, start, model) for c in vector.free}
        with np.errstate(divide="ignore", invalid="ignore"):
            u = vector.unconstrained(values)
        if np.isfinite(u).all() and not any(np.array_equal(u, other) for other in points):
            points.append(u)
    if not points:
        raise ModelError(
            f"{model.name} could not compute starting values from these data. "
            f"Give them: kl.Param(start=...) for {', '.join(sorted(c.name for c in vector.free))}."
        )
    return points


# Twenty doublings are a factor of a million: a fixed number that needs more does not suit the data.
_DOUBLINGS = 20


def wider_start(
    vector: ParameterVector, evaluate: Callable[[Vector], Evaluation], u: Vector
) -> tuple[Vector, ...]:
    """Widen the scale of a start until every row is possible; empty where that does not help.

    The model's starting values belong together: if the shape is fixed at a more negative value, the
    starting scale may end the support inside the sample.
    """
    places = [p for c, p in vector.slices if c.name == "scale" and c.domain.size == 1]
    place = places[0] if places else None
    if place is None:
        return ()
    for _ in range(_DOUBLINGS):
        u = u.copy()
        u[place] += math.log(2.0)
        if math.isfinite(evaluate(u).value):
            return (u,)
    return ()


def _within(vector: ParameterVector, start: Mapping[str, Any]) -> bool:
    """Return whether starting values lie inside the bounds of their parameters."""
    return all(_inside(c.domain, start[c.name]) for c in vector.free if c.name in start)


def _inside(domain: Domain, value: Any) -> bool:
    if isinstance(domain, Interval) and isinstance(value, float) and not domain.whole:
        return domain.spans(value, value)
    return bool(np.all(domain.contains(np.atleast_1d(value))))


def _start_of(coefficient: Coefficient, start: Mapping[str, Any], model: Model) -> Vector:
    if coefficient.start is not None:
        given: Vector = coefficient.start
        return given
    if coefficient.name not in start:
        raise ModelError(
            f"{model.name} does not compute a starting value for {coefficient.name}. "
            f"Give one: kl.Param(start=...)."
        )
    value = np.array(start[coefficient.name], dtype=np.float64, ndmin=1)
    domain = coefficient.domain
    if isinstance(domain, Interval) and not _inside(domain, float(value[0])):
        # outside the user's bounds: mirrored at the bound, which keeps the data's order of
        # magnitude, or else a point well inside
        end = domain.lower if value[0] <= domain.lower else domain.upper
        mirrored = 2.0 * end - value
        inside = bool(domain.contains(mirrored)[0]) and mirrored[0] != end
        return mirrored if inside else np.asarray(domain.constrained(np.zeros(1)))
    return value
