"""Mean and variance of −log q of a fixed model over a sample, or of the difference of two."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import final

import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Array, Vector
from kullback.data.observation import RowKind
from kullback.models.model import Model
from kullback.objective.log_terms import log_term_anywhere
from kullback.objective.statistics import RowSums


@final
@dataclass(frozen=True)
class Moments:
    """The results of ``Losses``.

    Attributes:
        weight: total weight.
        mean: mean of the loss, or of the difference of two; not finite where a row is impossible.
        variance: its variance over the rows.
    """

    weight: float
    mean: float
    variance: float


@final
@dataclass(frozen=True)
class Losses(RowSums):
    """−log q of every row, or the first model's less the second's, in one pass.

    Arguments: a number near the mean, the origin of the sums, so that a small variance keeps its
    digits, and then each model's constrained numbers.

    Attributes:
        models: one model, or two.
    """

    models: tuple[Model, ...]

    @property
    def structure(self) -> Hashable:
        """The models' structures."""
        return (Losses, *(model.structure for model in self.models))

    def rows(
        self, kind: RowKind, arguments: Sequence[Array], row: Mapping[str, Array]
    ) -> Sequence[Array]:
        """1, the loss less the origin, and its square."""
        losses, start = [], 1
        for model in self.models:
            size = len(model.vector.is_free)
            parameters = model.row_parameters(arguments[start : start + size], row)
            losses.append(-log_term_anywhere(kind, model, parameters, row))
            start += size
        value = losses[0] if len(losses) == 1 else losses[0] - losses[1]
        step = value - arguments[0]
        return (jnp.ones(()), step, step * step)

    def arguments(self, origin: float) -> Vector:
        """Return the arguments of a pass."""
        constrained = [model.vector.constrained(np.zeros(0)) for model in self.models]
        return np.concatenate([np.array([origin]), *constrained])

    def unpack(self, sums: Vector, origin: float) -> Moments:
        """Convert the vector of sums to moments."""
        step, square = float(sums[1] / sums[0]), float(sums[2] / sums[0])
        return Moments(float(sums[0]), origin + step, max(square - step * step, 0.0))
