"""The acceleration of bootstrap intervals: the skewness of the rows' influence on an estimate.

With the rows' scores s_i and the covariance C of the estimates, row i moves number j by about
l_ij = Σ_k C_jk s_ik, and a_j = Σ w l³ / (6 (Σ w l²)^{3/2}). Source: B. Efron (1987), "Better
bootstrap confidence intervals", equation 6.6.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from kullback._core.arrays import Array, Vector
from kullback.data.observation import RowKind
from kullback.engines.engine import Engine
from kullback.objective.statistics import LossDerivatives, RowSums


@final
@dataclass(frozen=True)
class Influence(RowSums):
    """Σ w l² and Σ w l³ of each free number; arguments: all numbers, then C row by row.

    Attributes:
        derivatives: the model, and its free numbers.
    """

    derivatives: LossDerivatives

    @property
    def structure(self) -> Hashable:
        """That of the derivatives."""
        return (Influence, self.derivatives.structure)

    def rows(
        self, kind: RowKind, arguments: Sequence[Array], row: Mapping[str, Array]
    ) -> Sequence[Array]:
        """Squares and cubes of the influence on each number."""
        k, d = len(self.derivatives.is_free), sum(self.derivatives.is_free)
        scores = self.derivatives.rows(kind, arguments[:k], row)[3 : 3 + d]
        covariance = arguments[k:]
        moves = [
            sum(
                (covariance[j * d + m] * scores[m] for m in range(1, d)),
                covariance[j * d] * scores[0],
            )
            for j in range(d)
        ]
        return [move**power for power in (2, 3) for move in moves]


def accelerations(
    derivatives: LossDerivatives, engine: Engine, numbers: Vector, covariance: Vector
) -> Vector:
    """Return the acceleration of each free number: 0 where the rows' influence is unknown.

    Args:
        derivatives: the model, and its free numbers.
        engine: passes over the rows.
        numbers: all constrained numbers at the estimate.
        covariance: of the free ones, shape (d, d).
    """
    d = len(covariance)
    if derivatives.by_predictors or not np.all(np.isfinite(covariance)):
        return np.zeros(d)
    # in units of the standard errors, so that neither squares nor cubes overflow
    errors = np.sqrt(np.diag(covariance))
    arguments = np.concatenate([numbers, (covariance / errors[:, None]).ravel()])
    squares, cubes = engine.reduce(Influence(derivatives), arguments).reshape(2, d)
    return -cubes / (6.0 * squares**1.5)  # the scores there are those of −log q
