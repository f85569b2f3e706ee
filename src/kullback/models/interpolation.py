"""Functions of one number that cost much, at many numbers: Chebyshev interpolation.

Of a function that is analytic in a neighbourhood of the interval, the coefficients fall off
geometrically. If they do not fall to the rounding of doubles, the function is not interpolated.
Source: L. N. Trefethen (2013), Approximation Theory and Approximation Practice, chapters 3 and 8.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from kullback._core.arrays import Vector

# Degrees that are tried, and how many points make the second of them worth its cost.
_DEGREES, _FEWEST = (40, 120), 500

# The last eighth of the coefficients is below this part of the largest one.
_NOTHING = 1e-13


def interpolated(
    f: Callable[[Vector], Sequence[Vector] | None], x: Vector
) -> Sequence[Vector] | None:
    """Return several functions at many numbers, from their values at some.

    Args:
        f: returns each function at numbers; None where they have no values.
        x: the numbers.

    Returns:
        None for few numbers, and where a function is not smooth enough over their range.
    """
    if x.size < _FEWEST:
        return None
    low, high = float(x.min()), float(x.max())
    if not (np.isfinite(low) and low < high):
        return None
    t: Vector = (2.0 * x - (low + high)) / (high - low)
    for degree in _DEGREES:
        nodes: Vector = np.cos(np.pi * (np.arange(degree + 1) + 0.5) / (degree + 1))
        values = f(0.5 * (low + high) + 0.5 * (high - low) * nodes)
        if values is None or not np.isfinite(values).all():
            return None
        chebyshev = np.polynomial.chebyshev.chebvander(nodes, degree)
        each = [_coefficients(np.asarray(chebyshev, dtype=np.float64), value) for value in values]
        if all(map(_negligible, each)):
            return [np.asarray(np.polynomial.chebyshev.chebval(t, c)) for c in each]
    return None


def _coefficients(chebyshev: Vector, values: Vector) -> Vector:
    """The coefficients of values at the zeros of the next polynomial, by their orthogonality."""
    c: Vector = 2.0 / values.size * (values @ chebyshev)
    c[0] *= 0.5
    return c


def _negligible(c: Vector) -> bool:
    """Whether the last coefficients are rounding."""
    return bool(np.max(np.abs(c[-(c.size // 8) :])) <= _NOTHING * np.max(np.abs(c)))
