"""The curve of a quantity's profile: for each of its values the most likely parameters.

With h half the deviance and f the quantity, in coordinates z where h is about |z|²/2, the curve
holds the z with ∇h = λ ∇f, and λ is the slope of the profile in the quantity. An interval's end is
where the root of the deviance is that of the chi-squared quantile: Newton's method on both
conditions finds it in some four evaluations. Source: D. J. Venzon and S. H. Moolgavkar (1988),
Applied Statistics 37, 87–94.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias, final

import numpy as np

from kullback._core.arrays import Vector

# A value, its gradient and its Hessian.
Derivatives: TypeAlias = tuple[float, Vector, Vector]

# A place is on the curve, and at the value sought, when it is so near, in standard errors: this
# distance is corrected, with an error of the order of its square.
_NEAR = 3e-5
_MOST_STEPS = 30
# The longest step, in standard errors.
_LONGEST = 4.0


class NoPlaceError(Exception):
    """Newton's method found no place on the curve."""


class Place(NamedTuple):
    """A place on the curve.

    Attributes:
        value: of the quantity.
        root: of the deviance; negative where the quantity is below its estimate.
        z: the coordinates.
    """

    value: float
    root: float
    z: Vector


class _Near(NamedTuple):
    """The nearest place on the curve with the same value, to first order.

    Attributes:
        value: of the quantity.
        root: of the deviance, as in ``Place``.
        rise: the root's derivative in the quantity.
        across: the step to the curve.
        along: by how much z changes on the curve as the quantity does by 1.
        gradient: of the quantity.
        hessian: of the quantity.
        least: whether the deviance is least there, and not only stationary.
    """

    value: float
    root: float
    rise: float
    across: Vector
    along: Vector
    gradient: Vector
    hessian: Vector
    least: bool


@final
@dataclass(frozen=True, eq=False)
class ProfileCurve:
    """The profile of a quantity.

    Attributes:
        loss: half the deviance at z, with gradient and Hessian; not finite where impossible.
        quantity: the quantity at z, likewise.
        size: number of coordinates.
    """

    loss: Callable[[Vector], Derivatives]
    quantity: Callable[[Vector], Derivatives]
    size: int

    def at_root(self, root: float, other: Place | None = None) -> Place:
        """Find the place where the root of the deviance is this.

        Args:
            root: the root, negative below the estimate.
            other: the place on the other side, whose distance from the tangent, which is of second
                order, is about the same here.

        Raises:
            NoPlaceError: it was not found.
        """
        _, gradient, _ = self.quantity(np.zeros(self.size))
        length = float(np.linalg.norm(gradient))
        if not 0.0 < length < math.inf:
            raise NoPlaceError("the quantity does not change with the parameters")
        tangent = gradient / length

        def distance(at: _Near) -> float:
            if at.root * root <= 0.0 or at.rise == 0.0:
                raise NoPlaceError("the deviance falls on the way, or stays the same")
            return (root - at.root) / at.rise

        bend = 0.0 if other is None else other.z - other.root * tangent
        return self._search(root * tangent + bend, distance)

    def at_value(self, value: float, start: Vector) -> Place:
        """Find the place where the quantity has this value.

        Raises:
            NoPlaceError: it was not found.
        """
        return self._search(start, lambda at: value - at.value)

    def _search(self, z: Vector, distance: Callable[[_Near], float]) -> Place:
        """Move until the place is on the curve and its distance, in the quantity, is 0."""
        before = np.zeros(self.size)
        for _ in range(_MOST_STEPS):
            at = self._near(z)
            if at is None:  # impossible there
                z = 0.5 * (before + z)
                continue
            change = distance(at)
            step = at.across + change * at.along
            length = float(np.linalg.norm(step))
            if length <= _NEAR and at.least:
                return Place(at.value + change, at.root + change * at.rise, z + step)
            size = float(at.gradient @ at.gradient)
            step = step - 0.5 * float(step @ at.hessian @ step) / size * at.gradient
            length = float(np.linalg.norm(step))
            if not length < math.inf:
                break
            before, z = z, z + step * min(1.0, _LONGEST / length)
        raise NoPlaceError("Newton's method did not converge")

    def _near(self, z: Vector) -> _Near | None:
        h, g, bend = self.loss(z)
        f, a, curve = self.quantity(z)
        size = float(a @ a)
        if not (math.isfinite(h) and math.isfinite(f) and 0.0 < size < math.inf):
            return None
        inside = bend - float(a @ g) / size * curve  # the Lagrangian's Hessian
        level = np.linalg.qr(a[:, None], mode="complete")[0][:, 1:]  # where f stays the same
        values, vectors = np.linalg.eigh(level.T @ inside @ level)
        if not np.all(values != 0.0):
            return None
        back = level @ vectors
        inverse = (back / np.abs(values)) @ back.T
        across = -inverse @ g
        half = h + 0.5 * float(g @ across)  # half the deviance on the curve
        slope = float(a @ (g + inside @ across)) / size
        root = math.copysign(math.sqrt(2.0 * max(half, 0.0)), slope)
        rise = slope / root if root else 0.0
        normal = a / size
        along = normal - inverse @ (inside @ normal)
        return _Near(f, root, rise, across, along, a, curve, bool(np.all(values > 0.0)))
