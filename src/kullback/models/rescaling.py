"""Models of outcomes in another unit, a power of two: every family of scale has one.

Likelihoods of outcomes near 1e-200 or 1e200 need squares and fourth powers beyond the range of
doubles. In the unit 2^k the outcomes are near 1; the log-likelihood of n rows differs by n k log 2,
and a parameter by 2^(k times its dimension). All of it is exact.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from kullback._core.arrays import Vector
from kullback.models.evaluation import SMALLEST
from kullback.models.model import Model
from kullback.models.parameter_vector import ParameterVector
from kullback.models.source import Fixed, Free, Param, SameAs, Source

# Outcomes between 2^-200 and 2^200 need no other unit: their fourth powers are doubles.
_COMFORTABLE = 200


def suitable_power(model: Model, low: float, high: float) -> int:
    """Return the power of two for the unit of outcomes between two numbers; 0 to keep the unit.

    Args:
        model: the model.
        low: the smallest outcome.
        high: the largest one.
    """
    if not model.dimensions or not (math.isfinite(low) and math.isfinite(high)):
        return 0
    power = largest = math.frexp(max(abs(low), abs(high)))[1]
    if low > 0.0:  # the middle of their orders of magnitude, so that the smallest keep their digits
        power = (math.frexp(low)[1] + largest) // 2
    return power if abs(power) > _COMFORTABLE or largest > _COMFORTABLE else 0


def in_unit(model: Model, power: int) -> Model | None:
    """Return the model of outcomes divided by 2^power; None where it has no such form."""
    sources: dict[str, Source] = {}
    for name, source in model.sources.items():
        dimension = model.dimensions.get(name, 0)
        converted = _converted(source, -power * dimension)
        if isinstance(source, SameAs) and dimension == model.dimensions.get(source.other, 0):
            converted = source
        if converted is None:
            return None
        sources[name] = converted
    return model.with_sources(sources)


def _converted(source: Source, power: int) -> Source | None:
    if isinstance(source, Free):
        return source
    if isinstance(source, Fixed):
        number = np.asarray(np.ldexp(source.number, power))
        return Fixed(number) if _exact(number, source.number, power) else None
    if isinstance(source, Param):
        given = {
            name: value
            for name in ("start", "lower", "upper")
            if (value := getattr(source, name)) is not None and math.isfinite(value)
        }
        old = np.array(list(given.values()), dtype=np.float64)
        new = np.ldexp(old, power)
        if _exact(new, old, power):
            return replace(source, **dict(zip(given, new.tolist(), strict=True)))
    return None


def units(model: Model, vector: ParameterVector, power: int) -> NDArray[np.int64]:
    """Return the power of two of each coefficient's unit: exact factors by ``np.ldexp``."""
    dimensions = [
        model.dimensions.get(c.name, 0) for c in vector.coefficients for _ in range(c.domain.size)
    ]
    return np.array(dimensions, dtype=np.int64) * power


def _exact(new: Vector, old: Vector, power: int) -> bool:
    return holds(new) and bool(np.all(np.ldexp(new, -power) == old))


def holds(numbers: Vector) -> bool:
    """Return whether all numbers are doubles with all their digits, or 0."""
    size = np.abs(numbers)
    return bool(np.all(np.isfinite(size) & ((size == 0.0) | (size >= SMALLEST))))
