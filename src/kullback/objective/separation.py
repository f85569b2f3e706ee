"""Separation: a direction of the coefficients along which the loss falls for ever.

Where columns predict some outcomes perfectly, the likelihood has no maximum: it increases as their
coefficients diverge (Albert & Anderson 1984). The gradient and the Hessian vanish together there,
so that a gradient in units of the Hessian looks converged, while Newton's step still moves the
predictors of some rows by about one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from kullback._core.arrays import Vector
from kullback.data.blocks import Block
from kullback.models.model import Model
from kullback.models.parameter_vector import ParameterVector
from kullback.objective.statistics import Statistic

# At a maximum the last Newton step is rounding. One that still moves the predictor of a row this
# far leads to no maximum: where the loss falls like e^−η it is 1.
_STILL = 1e-3

# A coefficient takes part in that direction if its own part of the change is at least this share.
_SHARE = 0.05

# A step that is smaller than this part of every coefficient is not looked at row by row.
_SMALL = 1e-7


@final
@dataclass(frozen=True)
class PredictorSteps(Statistic[Vector]):
    """The largest change over the rows, by a step d of all constrained numbers, its arguments.

    Of each number's part of a linear predictor, max |x_j d_j|, and then of each source's predictor
    as a whole, max |x' d|; 0 where the source is not linear.

    Attributes:
        model: the model.
    """

    model: Model

    @property
    def uses_numpy(self) -> bool:
        """True."""
        return True

    def of_block(self, block: Block, arguments: Vector) -> Vector:
        """Return the changes of one block."""
        fields = {name: values[: block.count] for name, values in block.fields.items()}
        parts, wholes, place = [], [], 0
        for name, source in self.model.sources.items():
            own = source.coefficients(name, self.model.parameters[name])
            size = sum(c.domain.size for c in own)
            step = arguments[place : place + size]
            place += size
            design = source.design(fields)
            if design is None:
                parts.append(np.zeros(size))
                wholes.append(0.0)
            else:
                parts.append(np.max(np.abs(design), axis=1) * np.abs(step))
                wholes.append(float(np.max(np.abs(step @ design))))
        return np.concatenate([*parts, wholes])

    def merge(self, left: Vector, right: Vector) -> Vector:
        """Return the larger changes."""
        return np.maximum(left, right)


def separated_columns(
    model: Model, vector: ParameterVector, at: Vector, step: Vector, reduce: Callable[..., Any]
) -> tuple[str, ...]:
    """Return the coefficients of a direction along which the loss falls for ever; empty if none.

    Args:
        model: the model, with linear sources.
        vector: its coefficients.
        at: the last point of the search, where the gradient has vanished.
        step: Newton's next step from there.
        reduce: adds a statistic up over the sample.
    """
    if bool(np.all(np.abs(step) <= _SMALL * (1.0 + np.abs(at)))):
        return ()
    steps = {c.name: c.domain.jacobian(at[p]) @ step[p] for c, p in vector.slices if c.labels}
    numbers = [steps.get(c.name, np.zeros(c.domain.size)) for c in vector.coefficients]
    changes = reduce(PredictorSteps(model), np.concatenate(numbers))
    names = [
        f"{c.name}[{k}]" for c in vector.coefficients for k in c.labels or range(c.domain.size)
    ]
    parts, largest = changes[: len(names)], float(np.max(changes[len(names) :]))
    if largest <= _STILL:
        return ()
    return tuple(n for n, part in zip(names, parts, strict=True) if part >= _SHARE * largest)
