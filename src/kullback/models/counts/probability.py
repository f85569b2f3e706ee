"""The domain of a probability, and the caution for logits: shared by Bernoulli and binomial."""

from __future__ import annotations

from kullback._core.arrays import Array
from kullback._core.domains import (
    Interval,
)
from kullback.models.caution import Caution
from kullback.special.logistic import logistic

# A fixed probability may be 0 or 1; an estimate lies inside.
PROBABILITY = Interval(lower=0.0, upper=1.0, holds_lower=True, holds_upper=True)


def complement(probability: Array, logit: Array | None) -> Array:
    """1 − probability, from the logit where there is one."""
    return 1.0 - probability if logit is None else logistic(-logit)


# Beyond ± this logit the probability rounds to 1 or its complement is below rounding: a sample with
# both outcomes never has its estimate there.
_LARGEST_LOGIT = 36.5


def logit_caution(logit: float | None) -> Caution | None:
    """Return the caution that the logit diverges when all outcomes are equal, or None."""
    if logit is None or not abs(logit) >= _LARGEST_LOGIT:
        return None
    kind, end, share = ("successes", "infinity", 1) if logit > 0.0 else ("failures", "−infinity", 0)
    return Caution(
        f"All outcomes are {kind}: the likelihood still rises as the logit goes to {end}. "
        f"Estimate the probability instead, which can be {share}, or fix the logit.",
        no_maximum=True,
        reason=f"logit runs to {end}",
    )
