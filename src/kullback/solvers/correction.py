"""From the minimum on few rows to that on many, by one evaluation on the many.

Near the minimum on a subsample, the objective on all rows differs from the subsample's by little
more than a slope and a curvature. One evaluation on all rows gives both; the subsample's objective
with these corrections is then minimised at the cost of the subsample alone. Where the subsample of
m rows leaves an error of 1/√m standard deviations of a row, a Newton step on all rows leaves about
1/m, and the corrected minimum m^(−3/2), since only the change of the curvature comes from the
subsample: this saves one pass over all rows. Source: M. I. Jordan, J. D. Lee and Y. Yang (2019),
"Communication-efficient distributed statistical inference"; here the curvature is corrected too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, final

from kullback._core.arrays import Vector
from kullback.solvers.solver import Outcome, Point, Solution, Solver, minimise


@final
@dataclass(frozen=True)
class Corrected:
    """The subsample's objective at a point, corrected to agree with that of all rows at another.

    Attributes:
        at: the point, shape (k,).
        value: the objective.
        gradient: its gradient, shape (k,).
        hessian: its second derivatives, shape (k, k).
    """

    at: Vector
    value: float
    gradient: Vector
    hessian: Vector


def corrected_minimum(
    solver: Solver[Any],
    few: Callable[[Vector], Point],
    many: Callable[[Vector], Point],
    start: Vector,
    max_steps: int,
) -> Solution[Corrected]:
    """Return the minimum of the corrected objective, from one evaluation on all rows.

    Args:
        solver: finds the minimum.
        few: the objective on a subsample.
        many: the objective on all rows.
        start: the minimum on the subsample.
        max_steps: most evaluations on the subsample.

    Returns:
        The minimum; ``start`` as the estimate where the solver does not converge.
    """
    there, here = many(start), few(start)
    value = there.value - here.value
    slope = there.gradient - here.gradient
    curvature = there.hessian - here.hessian

    def corrected(u: Vector) -> Corrected:
        point, step = few(u), u - start
        bend = curvature @ step
        return Corrected(
            u,
            point.value + value + float(slope @ step + 0.5 * step @ bend),
            point.gradient + slope + bend,
            point.hessian + curvature,
        )

    found = minimise(solver, corrected, start, max_steps)
    return found if found.outcome is Outcome.CONVERGED else replace(found, estimate=start)
