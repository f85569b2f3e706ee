"""Estimates of the entropy of the distribution of a continuous sample, and of D(it ‖ model)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import final

from kullback._core.arrays import Vector
from kullback._core.errors import DataError
from kullback.information.neighbours.divergence import nearest_neighbour_divergence
from kullback.information.neighbours.entropy import NoDensityError
from kullback.models.model import Model

# A relative entropy further below zero than this many standard errors is not due to chance.
_BELOW = 1.96


@final
@dataclass(frozen=True)
class EntropyEstimate:
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
        values: a subsample of the outcomes, of equal weight; None where rows have weights.
        cross_entropy: of all rows under the model.
        label: name of the outcome in messages.
    """
    if values is None:
        return no_estimate("not available for rows with weights")
    try:
        divergence = nearest_neighbour_divergence(values, model.log_density(values), name=label)
    except NoDensityError as error:
        # the advice is of no use: a decomposition has one estimator
        return no_estimate(error.repeats)
    except DataError as error:
        return no_estimate(str(error))
    if not math.isfinite(divergence.value):
        return no_estimate("; ".join(divergence.assumptions))
    if divergence.value < -_BELOW * divergence.stderr:
        return no_estimate(
            f"{divergence.method}, is above the cross-entropy by more than its error: biased"
        )
    return EntropyEstimate(
        cross_entropy - divergence.value,
        divergence.entropy_stderr,
        divergence.value,
        divergence.stderr,
        divergence.method,
    )


def no_estimate(why: str) -> EntropyEstimate:
    """Return the place of an estimate, with the reason why there is none."""
    return EntropyEstimate(math.nan, math.nan, math.nan, math.nan, why)
