"""Rows that all allow some outcomes, none of them observed itself: a likelihood without maximum."""

from __future__ import annotations

import math

import numpy as np

from kullback._core.domains import Interval
from kullback.models.parameter_vector import ParameterVector
from kullback.objective.cross_entropy import Evaluation
from kullback.results.diverging import diverging_coefficient
from kullback.solvers.solver import Solution

# A search that moved a coefficient by less than this on the unconstrained scale, a factor of 2 of
# a scale, does not say where it runs to.
_MOVED = math.log(2.0)


def no_maximum_in_common(
    vector: ParameterVector,
    solution: Solution[Evaluation],
    common: tuple[float, float],
    advice: list[str],
) -> str:
    """Name what runs to which limit in a fit without a maximum, and append advice.

    Args:
        vector: the coefficients.
        solution: where the search ended: every row has probability 1 but for rounding.
        common: the ends of the outcomes that all rows allow.
        advice: to which it is added.
    """
    low, high = common
    where = f"from {low:.6g} to {high:.6g}"
    if math.isinf(low) or math.isinf(high):
        where = f"above {low:.6g}" if math.isinf(high) else f"below {high:.6g}"
    limit = _limit(vector, solution)
    reached = f" ({limit})" if limit else ""
    advice.append(
        f"All rows allow the outcomes {where}, and none was observed itself: the likelihood "
        f"increases towards 1 as the distribution moves into that range{reached}. Give rows that "
        "narrow it down, or fix parameters."
    )
    return f"no maximum: {limit or f'every row allows the outcomes {where}'}"


def _limit(vector: ParameterVector, solution: Solution[Evaluation]) -> str:
    """Say which coefficient runs to which limit; empty where the search hardly moved."""
    diverging = diverging_coefficient(vector, solution)
    if diverging is not None:
        return f"{diverging.name} {diverging.limit}"
    moved = solution.best.at - solution.start
    far = [
        (abs(float(moved[place][0])), c, float(moved[place][0]))
        for c, place in vector.slices
        if c.domain.bounded and isinstance(c.domain, Interval)
    ]
    if not far:
        return ""
    distance, c, change = max(far, key=lambda found: found[0])
    if distance < _MOVED:
        return ""
    assert isinstance(c.domain, Interval)
    end = c.domain.upper if change > 0.0 else c.domain.lower
    to = f"tends to {end:g}" if np.isfinite(end) else "diverges to infinity"
    return f"{c.name} {to}"
