"""A search that ends where slopes are the rounding of the rows themselves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, final

import numpy as np
from numpy.typing import NDArray

from kullback._core.arrays import Vector
from kullback._core.hessians import scaled_hessian
from kullback.solvers.solver import AnyPoint, Solution, Solver, minimise


@final
@dataclass(frozen=True)
class Rounding:
    """The rounding of a function's values.

    Attributes:
        size: its root mean square.
        along: the coordinates of the function's coefficients, in which its slopes have a mean
            square of 1: there it may have the same sign in all rows. In others it averages out.
        rows: the number of rows.
    """

    size: float
    along: NDArray[np.bool_]
    rows: int


@final
@dataclass(frozen=True)
class _Settled(Generic[AnyPoint]):
    """A point whose gradient counts as zero where it is rounding.

    Attributes:
        point: the point.
        gradient: its gradient, with zeros.
    """

    point: AnyPoint
    gradient: Vector

    @property
    def at(self) -> Vector:
        """The point, shape (k,)."""
        return self.point.at

    @property
    def value(self) -> float:
        """The objective."""
        return self.point.value

    @property
    def hessian(self) -> Vector:
        """Its second derivatives, shape (k, k)."""
        return self.point.hessian


def minimise_to_rounding(
    solver: Solver[Any],
    evaluate: Callable[[Vector], AnyPoint],
    start: Vector,
    max_steps: int,
    rounding: Rounding,
) -> Solution[AnyPoint]:
    """Run a solver until it is done; slopes of at most the rounding of the rows count as zero.

    Args:
        solver: the solver.
        evaluate: returns value, gradient and Hessian at a point.
        start: the starting point.
        max_steps: largest number of points to evaluate.
        rounding: of the rows.
    """

    def settled(u: Vector) -> _Settled[AnyPoint]:
        point = evaluate(u)
        scale = scaled_hessian(point.hessian).scale
        # the curvature along these coordinates is that of a row in the function's value
        largest = rounding.size * float(np.max(scale[rounding.along]))
        least = np.where(rounding.along, rounding.size * scale, largest / rounding.rows**0.5)
        still = np.abs(point.gradient) <= least * scale
        return _Settled(point, np.where(still, 0.0, point.gradient))

    found = minimise(solver, settled, start, max_steps)
    return Solution(found.best.point, found.estimate, found.outcome, found.steps, found.start)
