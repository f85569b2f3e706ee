"""Where a solver starts: estimates in closed form, the user's starts, and the model's guesses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from kullback._core.arrays import Vector
from kullback._core.errors import ModelError
from kullback._core.supports import Interval
from kullback.models.family import Family
from kullback.models.layout import Layout
from kullback.models.model import Model
from kullback.models.source import Coefficient
from kullback.objective.first_look import FirstLook
from kullback.objective.median import weighted_median


def hold_order_statistics(model: Model, known: FirstLook, reduce: Callable[..., Any]) -> Layout:
    """Hold free parameters whose estimate is an extreme or the median of the sample."""
    layout = model.layout
    free = {c.name for c in layout.free}
    held: dict[str, Vector] = {}
    for name, which in model.order_statistics.items():
        if name not in free:
            continue
        if which == "median":
            held[name] = np.array([weighted_median(known.description, reduce)])
        else:
            d = known.description
            held[name] = np.array([d.minimum if which == "minimum" else d.maximum])
    return replace(layout, held=held) if held else layout


def starting_points(model: Model, layout: Layout, known: FirstLook) -> tuple[list[Vector], bool]:
    """Give the points to start from on the unconstrained scale, and whether they are the estimate.

    What the user starts or pins goes before what the model guesses.
    """
    free = {c.name for c in layout.free}
    guesses: Sequence[Mapping[str, Any]] = ()
    exact = False
    if known.moments is not None and isinstance(model, Family):
        pinned = {
            c.name: float(value[0])
            for c, value in zip(
                layout.coefficients, _known_values(layout), strict=True
            )
            if value is not None and c.support.size == 1
        }
        closed = model.closed_form(known.moments.means.tolist(), known.moments.origin, pinned)
        if closed is not None:
            guesses, exact = (closed,), True
    if not guesses:
        guesses = model.starts(*known.few)
    points: list[Vector] = []
    for guess in guesses:
        values = {c.name: _start_of(c, guess, model) for c in layout.free if c.name in free}
        with np.errstate(divide="ignore", invalid="ignore"):
            u = layout.unconstrained(values)
        if np.all(np.isfinite(u)) and not any(np.array_equal(u, other) for other in points):
            points.append(u)
    if not points:
        raise ModelError(
            f"{model.name} found no starting values for these data. "
            f"Give them: kl.Param(start=...) for {', '.join(sorted(free))}."
        )
    return points, exact


def _known_values(layout: Layout) -> list[Vector | None]:
    return [layout.held.get(c.name) if c.value is None else c.value for c in layout.coefficients]


def _start_of(coefficient: Coefficient, guess: Mapping[str, Any], model: Model) -> Vector:
    if coefficient.start is not None:
        start: Vector = coefficient.start
        return start
    if coefficient.name not in guess:
        raise ModelError(
            f"{model.name} knows no starting value of {coefficient.name}. "
            f"Give one: kl.Param(start=...)."
        )
    value = np.atleast_1d(np.asarray(guess[coefficient.name], dtype=np.float64))
    support = coefficient.support
    if isinstance(support, Interval) and not bool(support.contains(value)[0]):
        # a guess outside the user's bounds: a point well inside them
        return np.asarray(support.natural(np.zeros(1)))
    return value
