"""Single numbers of a model by name, as ``fit.names`` has them, and holding them fixed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from kullback._core.arrays import Vector
from kullback._core.domains import Interval, Reals
from kullback._core.errors import ModelError, did_you_mean
from kullback._core.held import Held
from kullback._core.spanned import Spanned
from kullback.models.model import Model
from kullback.models.parameter_vector import ParameterVector
from kullback.models.source import Coefficient, Fixed, Free, Param, numbers_of


def places_of(vector: ParameterVector) -> dict[str, tuple[Coefficient, int]]:
    """Each number that is not fixed: its coefficient, and its position in it, by name."""
    return {
        name: (c, i)
        for c in vector.coefficients
        if c.value is None
        for i, name in enumerate(numbers_of(c))
    }


def numbers_in_unit(
    model: Model, vector: ParameterVector, given: Mapping[str, float], power: int
) -> dict[str, float]:
    """Check a user's numbers by name, and convert them to the unit 2^power.

    Raises:
        ModelError: for a name that the model lacks, or a number outside its domain.
    """
    known = places_of(vector)
    out: dict[str, float] = {}
    for name, value in given.items():
        if name not in known:
            hint = did_you_mean(name, known)
            free = ", ".join(known) or "none"
            raise ModelError(
                f"{model.name} has no free number {name!r}{hint or '.'} It has {free}."
            )
        c, _ = known[name]
        own = float(value)
        number = float(np.ldexp(own, -power * model.dimensions.get(c.name, 0)))
        if isinstance(c.domain, Interval):
            inside = bool(c.domain.contains(np.array([number]))[0])
        elif isinstance(c.domain, Reals | Spanned):
            inside = bool(np.isfinite(number))
        else:
            raise ModelError(
                f"{name} is one of the {c.domain.size} numbers of {c.name}, which determine each "
                f"other: it cannot be held fixed alone. Fix all of them in the model."
            )
        if not inside:
            raise ModelError(
                f"{name} = {own!r} lies outside its domain: needs {c.domain.phrase(name)}."
            )
        out[name] = number
    return out


def with_fixed_sources(model: Model, numbers: Mapping[str, float]) -> Model:
    """Return the model with fixed numbers in place of free parameters."""
    plain = (Free, Param)
    fixed = {n: Fixed(v) for n, v in numbers.items() if isinstance(model.sources.get(n), plain)}
    return model.with_sources({**model.sources, **fixed}) if fixed else model


def held(vector: ParameterVector, numbers: Mapping[str, float]) -> ParameterVector:
    """Return the coefficients with some numbers held fixed."""
    if not numbers:
        return vector
    return replace(vector, coefficients=tuple(_held(c, numbers) for c in vector.coefficients))


def _held(c: Coefficient, numbers: Mapping[str, float]) -> Coefficient:
    own = tuple(numbers.get(name) for name in numbers_of(c))
    if c.value is not None or all(number is None for number in own):
        return c
    if None in own:
        return replace(c, domain=Held(c.domain, own))
    return replace(c, value=np.array(own, dtype=np.float64))


def changed_values(
    vector: ParameterVector, values: Mapping[str, Vector], numbers: Mapping[str, float]
) -> dict[str, Vector]:
    """Return the values of coefficients, by name, with single numbers put in."""
    out = {name: value.copy() for name, value in values.items()}
    places = places_of(vector)
    for name, number in numbers.items():
        c, i = places[name]
        out[c.name][i] = number
    return out
