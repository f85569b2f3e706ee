"""The ridge penalty as a term of what a fit minimises: a weight for each coefficient.

It needs the standard deviations of the columns, which one pass adds up: about each block's own
mean, so that they keep their digits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, final

import numpy as np

from kullback._core.arrays import Vector
from kullback._core.errors import ModelError
from kullback.data.blocks import Block
from kullback.models.linear import INTERCEPT, Linear
from kullback.models.model import Model
from kullback.models.parameter_vector import ParameterVector
from kullback.objective.statistics import Statistic


class ColumnMoments(NamedTuple):
    """Moments of columns.

    Attributes:
        weight: the rows' total weight.
        mean: of each column, shape (columns,).
        squares: the weighted sum of squared differences from it, shape (columns,).
    """

    weight: float
    mean: Vector
    squares: Vector


@final
@dataclass(frozen=True)
class SumColumns(Statistic[ColumnMoments]):
    """Adds up the moments of the columns of designs.

    Attributes:
        sources: the linear sources that they belong to.
    """

    sources: tuple[Linear, ...]

    @property
    def uses_numpy(self) -> bool:
        """True."""
        return True

    def of_block(self, block: Block, arguments: Vector) -> ColumnMoments:  # noqa: ARG002
        """Return the moments of one block."""
        w = block.weight[: block.count]
        row = {name: values[: block.count] for name, values in block.fields.items()}
        weight = float(np.sum(w))
        found = [source.design(row).moments(w, weight) for source in self.sources]
        mean, squares = (np.concatenate(parts) for parts in zip(*found, strict=True))
        return ColumnMoments(weight, mean, squares)

    def merge(self, left: ColumnMoments, right: ColumnMoments) -> ColumnMoments:
        """Join the moments of two parts (T. F. Chan, G. H. Golub and R. J. LeVeque 1983)."""
        weight = left.weight + right.weight
        share = right.weight / weight if weight else 0.0
        step = right.mean - left.mean
        squares = left.squares + right.squares + left.weight * share * step**2
        return ColumnMoments(weight, left.mean + share * step, squares)


def column_deviations(model: Model, reduce: Callable[..., Any]) -> dict[str, Vector]:
    """Return, by parameter, the standard deviation of each column with a penalised coefficient.

    That of an intercept, which has no penalty, is 0.

    Args:
        model: the model; one without a penalty needs no pass.
        reduce: adds a statistic up over the sample.

    Raises:
        ModelError: for a column with one value in all rows.
    """
    penalised = _penalised(model)
    if not penalised:
        return {}
    found: ColumnMoments = reduce(SumColumns(tuple(penalised.values())), np.zeros(0))
    deviations = np.sqrt(found.squares / found.weight)
    ends = np.cumsum([len(source.labels) for source in penalised.values()])
    by_parameter = dict(zip(penalised, np.split(deviations, ends[:-1]), strict=True))
    for parameter, source in penalised.items():
        for k, label in enumerate(source.labels):
            if label == INTERCEPT:
                by_parameter[parameter][k] = 0.0
            elif not by_parameter[parameter][k] > 0.0:
                raise ModelError(
                    f'column "{label}" holds one value in all rows, so a ridge penalty cannot '
                    "standardise it. Leave it out: the intercept stands for it."
                )
    return by_parameter


def ridge_weights(
    model: Model, vector: ParameterVector, deviations: dict[str, Vector]
) -> Vector | None:
    """Return the weight λ of each free constrained number v in Σ λ v²/2; None without a penalty.

    Args:
        model: the model.
        vector: its coefficients.
        deviations: the standard deviations of the penalised columns.
    """
    if not deviations:
        return None
    sources = _penalised(model)
    weights = []
    for c in vector.free:
        own, source = np.zeros(c.domain.size), sources.get(c.name)
        if source is not None and source.penalty is not None:
            scale = deviations[c.name]
            own = source.penalty.strength * np.square(np.tile(scale, c.domain.size // scale.size))
        weights.append(own)
    return np.concatenate(weights) if weights else None


def _penalised(model: Model) -> dict[str, Linear]:
    found = {name: source for name, source in model.sources.items() if source.penalty is not None}
    return {name: source for name, source in found.items() if isinstance(source, Linear)}
