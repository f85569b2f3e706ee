"""A change of variable that makes densities smooth: logarithms of the distances to the ends.

On the line x = centre + scale·sinh(v); on a half line |x − end| = unit·e^v; between two ends v is
the log odds. Power tails and powers at the ends are then exponentials in v, and x close to the
centre keeps its digits.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import final

import numpy as np

from kullback._core.arrays import Vector

# Largest and smallest distances of the points. Beyond them a tail is a power to a hundred digits,
# and x³ is still a double.
_LARGEST, _SMALLEST = 1e100, 1e-300
# A distance from an end other than zero is known to that end's rounding, 1e-16 of it. Nearer than
# this share the density is not evaluated: the rounding is then 1e-8 of the distance, and −log q
# changes by 1e-8 over so short a distance, so both leave 1e-12 even of a density like d^−1/2.
NEAREST = 1e-8


@final
@dataclass(frozen=True)
class Coordinate:
    """The map between v and x."""

    lower: float  # left end of the support; −inf for none
    upper: float  # right end; inf for none
    centre: float  # the point with v = 0 (between two ends: with v = ``shift``)
    scale: float  # the spread about it
    blunt: bool = True  # whether points may approach ends other than zero to their last digits

    @property
    def _ends(self) -> tuple[bool, bool]:
        return math.isfinite(self.lower), math.isfinite(self.upper)

    @property
    def unit(self) -> float:
        """The unit of v: the spread on the line, else the distance from the end or of both ends."""
        below, above = self._ends
        if not (below or above):
            return self.scale
        return (self.upper if above else self.centre) - (self.lower if below else self.centre)

    @property
    def shift(self) -> float:
        """V of the centre."""
        if all(self._ends):
            return math.log(self.centre - self.lower) - math.log(self.upper - self.centre)
        return 0.0

    @property
    def grain(self) -> float:
        """The width of one spread in v, at most 1."""
        if not any(self._ends):
            return 1.0
        near = self.unit
        if all(self._ends):
            near = (self.centre - self.lower) * (self.upper - self.centre) / self.unit
        return min(1.0, self.scale / near)

    @property
    def limits(self) -> tuple[float, float]:
        """The range of v in which x has all its digits."""
        if any(self._ends):
            return -self._farthest(self.lower), self._farthest(self.upper)
        far = math.asinh(_LARGEST / self.scale)
        return -far, far

    def _farthest(self, end: float) -> float:
        """The largest |v| towards an end."""
        if math.isinf(end):
            return math.log(_LARGEST) - math.log(self.unit)
        share = 4.0 * np.finfo(np.float64).eps if self.blunt else NEAREST
        nearest = share * abs(end) if end else _SMALLEST
        return -math.log(min(nearest, self.unit) / self.unit)

    @property
    def _end(self) -> tuple[float, float]:
        """The end of a half line, and the direction from it."""
        return (self.lower, 1.0) if math.isfinite(self.lower) else (self.upper, -1.0)

    def x(self, v: Vector) -> Vector:
        """Map v to x."""
        if not any(self._ends):
            return self.centre + self.scale * np.sinh(v)
        if all(self._ends):
            share = self.unit / (1.0 + np.exp(np.abs(v)))
            return np.where(v < 0.0, self.lower + share, self.upper - share)
        # from the end where that is near, else from the centre: x keeps its digits
        end, sign = self._end
        v = sign * v
        near = end + sign * (self.unit * np.exp(np.minimum(v, 0.0)))
        return np.where(v < -1.0, near, self.centre + sign * (self.unit * np.expm1(v)))

    def log_slope(self, v: Vector) -> Vector:
        """Log dx/dv."""
        size = np.abs(v)
        if not any(self._ends):  # log cosh v
            out = size + np.log1p(np.exp(-2.0 * size)) - math.log(2.0)
        elif all(self._ends):
            out = -size - 2.0 * np.log1p(np.exp(-size))
        else:
            out = self._end[1] * v
        slope: Vector = out + math.log(self.unit)
        return slope

    def v(self, x: float) -> float:
        """Map x, inside the support, to v."""
        if not any(self._ends):
            return math.asinh((x - self.centre) / self.scale)
        if all(self._ends):
            return math.log(x - self.lower) - math.log(self.upper - x)
        end, sign = self._end
        return sign * math.log(sign * (x - end) / self.unit)
