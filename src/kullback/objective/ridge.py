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
from kullback.models.linear import Linear
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
    """Adds up the moments of columns."""

    columns: tuple[str, ...]

    @property
    def uses_numpy(self) -> bool:
        """True."""
        return True

    def of_block(self, block: Block, arguments: Vector) -> ColumnMoments:  # noqa: ARG002
        """Return the moments of one block."""
        w = block.weight[: block.count]
        x = np.stack([block.fields[name][: block.count] for name in self.columns])
        weight = float(np.sum(w))
        mean = np.sum(x * w, axis=1) / weight if weight else np.zeros(len(x))
        return ColumnMoments(weight, mean, np.sum(w * (x - mean[:, None]) ** 2, axis=1))

    def merge(self, left: ColumnMoments, right: ColumnMoments) -> ColumnMoments:
        """Join the moments of two parts (T. F. Chan, G. H. Golub and R. J. LeVeque 1983)."""
        weight = left.weight + right.weight
        share = right.weight / weight if weight else 0.0
        step = right.mean - left.mean
        squares = left.squares + right.squares + left.weight * share * step**2
        return ColumnMoments(weight, left.mean + share * step, squares)


def column_deviations(model: Model, reduce: Callable[..., Any]) -> dict[str, float]:
    """Return the standard deviation of each column with a penalised coefficient.

    Args:
        model: the model; one without a penalty needs no pass.
        reduce: adds a statistic up over the sample.

    Raises:
        ModelError: for a column with one value in all rows.
    """
    columns = tuple(dict.fromkeys(name for s in _penalised(model).values() for name in s.columns))
    if not columns:
        return {}
    found: ColumnMoments = reduce(SumColumns(columns), np.zeros(0))
    deviations = dict(zip(columns, np.sqrt(found.squares / found.weight).tolist(), strict=True))
    for name, deviation in deviations.items():
        if not deviation > 0.0:
            raise ModelError(
                f'column "{name}" holds one value in all rows, so a ridge penalty cannot '
                "standardise it. Leave it out: the intercept stands for it."
            )
    return deviations


def ridge_weights(
    model: Model, vector: ParameterVector, deviations: dict[str, float]
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
            scale = [deviations.get(name, 0.0) for name in source.labels]
            scale[0] *= not source.intercept
            classes = c.domain.size // len(scale)
            own = source.penalty.strength * np.square(np.tile(scale, classes))
        weights.append(own)
    return np.concatenate(weights) if weights else None


def _penalised(model: Model) -> dict[str, Linear]:
    found = {name: source for name, source in model.sources.items() if source.penalty is not None}
    return {name: source for name, source in found.items() if isinstance(source, Linear)}
