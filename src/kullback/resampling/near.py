"""The estimates of many replicates at once, by Newton's method from the estimate of the fit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kullback._core.arrays import Vector
from kullback._core.domains import Interval
from kullback.groups.newton import minimise
from kullback.groups.objectives import GroupObjective, GroupSums
from kullback.models.model import Model
from kullback.models.parameter_vector import ParameterVector
from kullback.objective.predictors import SCALARS

# The scaled gradient at which a search ends. Newton's last correction squares it.
_TOLERANCE = 1e-8

# A scaled Hessian of a smaller determinant, or a last correction longer than this towards a bound:
# the replicate is left to a fit of its own.
_DETERMINANT, _CORRECTION = 1e-7, 1e-6


def solvable(model: Model, vector: ParameterVector) -> bool:
    """Whether replicates can be solved at once: a few constant single numbers, none at an end."""
    if model.outcome != "number" or model.columns or model.penalised or vector.on_bound:
        return False
    if any(c.name in model.order_statistics for c in vector.coefficients if c.value is None):
        return False
    return 0 < vector.n_free <= SCALARS and all(
        isinstance(c.domain, Interval) for c in vector.coefficients
    )


def solve_near(
    model: Model, vector: ParameterVector, sums: GroupSums, start: Vector, count: int
) -> tuple[Vector, NDArray[np.bool_]]:
    """Return all constrained numbers of every replicate, shape (k, count), and which were found.

    Args:
        model: the model.
        vector: its coefficients.
        sums: the cross-entropy of each replicate.
        start: the point of the unconstrained scale to start from, shape (free,).
        count: the number of replicates.
    """
    objective = GroupObjective(vector, sums)
    ended = minimise(objective, np.repeat(start[:, None], count, axis=1), _TOLERANCE)
    found = ended.converged & (ended.determinant > _DETERMINANT)
    for c, step in zip(vector.free, ended.step, strict=True):
        if c.domain.bounded:
            found &= np.abs(step) <= _CORRECTION
    numbers = np.full((len(vector.is_free), count), np.nan)
    done = np.flatnonzero(found)
    numbers[:, done] = objective.constrained(ended.best.at[:, done] + ended.step[:, done])
    if type(model).__dict__.get("_caution") is not None:
        for i in done.tolist():
            caution = model.caution(vector.split(numbers[:, i]))
            found[i] = caution is None or not caution.no_maximum
    numbers[:, ~found] = np.nan
    return numbers, found
