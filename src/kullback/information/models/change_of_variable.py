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
        match self._ends:
            case (False, False):
                far = math.asinh(_LARGEST / self.scale)
                return -far, far
            case _:
                return -self._farthest(self.lower), self._farthest(self.upper)

    def _farthest(self, end: float) -> float:
        """The largest |v| towards an end."""
        if math.isinf(end):
            return math.log(_LARGEST) - math.log(self.unit)
        share = 4.0 * np.finfo(np.float64).eps if self.blunt else NEAREST
        nearest = share * abs(end) if end else _SMALLEST
        return -math.log(min(nearest, self.unit) / self.unit)

    def x(self, v: Vector) -> Vector:
        """Map v to x."""
        match self._ends:
            case (False, False):
                return self.centre + self.scale * np.sinh(v)
            case (True, False):
                # from the end where that is near, else from the centre: x keeps its digits
                return np.where(
                    v < -1.0,
                    self.lower + self.unit * np.exp(np.minimum(v, 0.0)),
                    self.centre + self.unit * np.expm1(v),
                )
            case (False, True):
                return np.where(
                    v > 1.0,
                    self.upper - self.unit * np.exp(-np.maximum(v, 0.0)),
                    self.centre - self.unit * np.expm1(-v),
                )
            case _:
                share = self.unit / (1.0 + np.exp(np.abs(v)))
                return np.where(v < 0.0, self.lower + share, self.upper - share)

    def log_slope(self, v: Vector) -> Vector:
        """Log dx/dv."""
        size = np.abs(v)
        match self._ends:
            case (False, False):  # log cosh v
                out = size + np.log1p(np.exp(-2.0 * size)) - math.log(2.0)
            case (True, False):
                out = v
            case (False, True):
                out = -v
            case _:
                out = -size - 2.0 * np.log1p(np.exp(-size))
        slope: Vector = out + math.log(self.unit)
        return slope

    def v(self, x: float) -> float:
        """Map x, inside the support, to v."""
        match self._ends:
            case (False, False):
                return math.asinh((x - self.centre) / self.scale)
            case (True, False):
                return math.log((x - self.lower) / self.unit)
            case (False, True):
                return -math.log((self.upper - x) / self.unit)
            case _:
                return math.log(x - self.lower) - math.log(self.upper - x)
