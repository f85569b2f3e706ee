"""Penalties on the coefficients of a source."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import final

from kullback._core.errors import ModelError


@final
@dataclass(frozen=True)
class Ridge:
    """A ridge penalty, strength/2 Σ β², added to the cross-entropy of a row.

    The coefficients β are those of standardised columns, x/sd with the weighted standard deviation
    of the sample, so that units do not matter; intercepts are free. Logits are penalised as
    differences from the first class. Source: A. E. Hoerl and R. W. Kennard (1970), "Ridge
    regression".

    Attributes:
        strength: per unit of weight; 1/(n C) for the C of scikit-learn and n rows.

    Raises:
        ModelError: for a strength that is not positive.
    """

    strength: float

    def __post_init__(self) -> None:
        """Check the strength."""
        if not (math.isfinite(self.strength) and self.strength > 0.0):
            raise ModelError(
                f"strength must be a positive number, got {self.strength!r}: leave the penalty out "
                "for a fit without one."
            )
