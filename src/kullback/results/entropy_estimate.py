"""Estimates of the entropy of the distribution of a continuous sample, and of D(it ‖ model)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from kullback._core.arrays import Vector
from kullback._core.display import Listed
from kullback._core.equality import Comparable
from kullback._core.errors import DataError
from kullback.data.checks import and_more
from kullback.information.neighbours.cells import cells_of
from kullback.information.neighbours.divergence import nearest_neighbour_divergence
from kullback.information.neighbours.entropy import NeighbourEstimate, NoDensityError
from kullback.information.neighbours.rounded import divergence_of_rounded
from kullback.models.model import Model

# Columns that a reason names.
_COLUMNS = 3
# A relative entropy further below zero than this many standard errors is not due to chance.
_BELOW = 1.96


@final
@dataclass(frozen=True, eq=False, repr=False)
class EntropyEstimate(Listed, Comparable):
    """Estimates of the least cross-entropy of any model, and of the fitted model's excess, in nats.

    Attributes:
        entropy: of the distribution that the rows come from; NaN where there is no estimate.
        entropy_error: its standard error.
        relative: D(distribution ‖ model): the cross-entropy less the entropy.
        relative_error: its standard error, paired: what the rows have in common cancels.
        method: how they were estimated, or why there is no estimate.
    """

    entropy: float
    entropy_error: float
    relative: float
    relative_error: float
    method: str

    def _cells(self) -> dict[str, str]:
        if math.isnan(self.entropy):
            return {"entropy": "unknown", "method": self.method}
        return {
            "entropy": f"{self.entropy:.6g} ± {self.entropy_error:.2g} nats",
            "relative": f"{self.relative:.6g} ± {self.relative_error:.2g} nats",
            "method": self.method,
        }

    @property
    def near_zero(self) -> bool:
        """Whether the relative entropy is not significantly above zero."""
        return self.relative < _BELOW * self.relative_error


def estimate_entropies(
    model: Model, values: Vector | None, cross_entropy: float, label: str
) -> EntropyEstimate:
    """Estimate D(distribution of a sample ‖ model), and the entropy of that distribution.

    The relative entropy is estimated from the subsample, and the entropy is the cross-entropy of
    all rows less this, which is less noisy than the entropy of the subsample alone.

    Args:
        model: the fitted model, fixed.
        values: a subsample of the outcomes, of equal weight; None where weights do not count rows.
        cross_entropy: of all rows under the model.
        label: name of the outcome in messages.
    """
    if model.atoms:
        return no_estimate("the outcomes have a probability at 0 and a density elsewhere")
    if values is None:
        return no_estimate("the weights are not whole numbers, or are above a million together")

    def of(rows: Vector) -> NeighbourEstimate:
        return nearest_neighbour_divergence(rows, model.log_density(rows), name=label)

    of_rounding = 0.0
    try:
        cells = cells_of(values, label)
        if cells is None:
            divergence = of(values)
        else:

            def spread(rows: Vector) -> NeighbourEstimate:
                # a cell may reach beyond the support, and its other half does not
                impossible = model.log_density(rows) == -math.inf
                return of(np.where(impossible, 2.0 * cells.values - rows, rows))

            divergence = divergence_of_rounded(cells, spread)
            # rounding to the middle of cells lowers mean −log q by about this
            of_rounding = cells.correction
    except NoDensityError as error:
        # the advice is of no use: a decomposition has one estimator
        return no_estimate(error.repeats)
    except DataError as error:
        return no_estimate(str(error))
    if not math.isfinite(divergence.value):
        return no_estimate("; ".join(divergence.assumptions))
    if divergence.value < -_BELOW * divergence.stderr:
        return no_estimate(
            f"that by {divergence.method}, is above the cross-entropy by more than its error: "
            "no entropy is, so it is biased"
        )
    return EntropyEstimate(
        cross_entropy - divergence.value,
        math.hypot(divergence.entropy_stderr, of_rounding),
        divergence.value,
        divergence.stderr,
        divergence.method,
    )


def depends_on(columns: Sequence[str], *, regression: bool) -> str:
    """Return why rows with covariates have no entropy, and what a regression has instead."""
    shown = and_more(list(columns[:_COLUMNS]), len(columns))
    return f"the distribution depends on {shown}" + " (see fit.deviance)" * regression


def no_estimate(why: str) -> EntropyEstimate:
    """Return the place of an estimate, with the reason why there is none."""
    return EntropyEstimate(math.nan, math.nan, math.nan, math.nan, why)
