"""Entropy and relative entropy of the distribution behind a continuous sample, estimated."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import final

from kullback._core.arrays import Vector
from kullback._core.errors import DataError
from kullback.information.neighbours.divergence import nearest_neighbour_divergence
from kullback.models.model import Model

# A relative entropy further below zero than this many standard errors is no matter of chance.
_BELOW = 1.96


@final
@dataclass(frozen=True)
class EntropyEstimate:
    """An estimate of what no model can go below, and of what the fitted one wastes, in nats.

    Attributes:
        entropy: of the law that the rows come from; NaN where there is no estimate.
        entropy_error: its standard error.
        relative: D(law ‖ model): the cross-entropy less the entropy.
        relative_error: its standard error, paired: what the rows have in common cancels.
        method: how they were got, or why there is no estimate.
    """

    entropy: float
    entropy_error: float
    relative: float
    relative_error: float
    method: str

    @property
    def beside_zero(self) -> bool:
        """Whether the relative entropy is zero as far as its error tells."""
        return self.relative < _BELOW * self.relative_error


def estimate_entropies(
    model: Model, values: Vector | None, cross_entropy: float, label: str
) -> EntropyEstimate:
    """Estimate the relative entropy of the law of a sample to a model, and the entropy under it.

    The relative entropy comes from the rows kept, the entropy from taking it off the cross-entropy
    of all rows, which is less noisy than the entropy of the rows kept alone.

    Args:
        model: the fitted model, fixed.
        values: the outcomes of rows of equal weight, None where rows have weights.
        cross_entropy: of all rows under the model.
        label: what messages call the outcome.
    """
    if values is None:
        return _none("rows with weights have none")
    try:
        found = nearest_neighbour_divergence(values, model.log_density(values), name=label)
    except DataError as error:
        # what is wrong, without the advice that follows: a decomposition has no other estimator to
        # offer
        return _none(str(error).partition(": the data have")[0])
    if not math.isfinite(found.value):
        return _none("; ".join(found.assumptions))
    if found.value < -_BELOW * found.stderr:
        return _none(f"{found.method}, is above the cross-entropy by more than its error: biased")
    return EntropyEstimate(
        cross_entropy - found.value,
        found.entropy_stderr,
        found.value,
        found.stderr,
        found.method,
    )


def _none(why: str) -> EntropyEstimate:
    return EntropyEstimate(math.nan, math.nan, math.nan, math.nan, why)
