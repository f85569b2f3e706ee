"""Bootstrap replicates of a fit: the estimates of each, and what they say of the uncertainty."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import final

import numpy as np
from numpy.typing import NDArray

from kullback._core.arrays import Vector

# Reasons that the text of a bootstrap names.
_SHOWN = 3


@final
@dataclass(frozen=True, eq=False)
class Bootstrap:
    """The estimates of all replicates.

    Attributes:
        params: the estimates by number, as ``fit.names`` has them and fixed ones besides: arrays of
            shape (n,), NaN where a replicate has no estimate, constant for fixed numbers.
        estimate: the fit's own estimates, by number.
        kind: "poisson" or "parametric".
        seed: of the replicates.
        failures: the replicates that have no estimate, by number, with the reason.
    """

    params: dict[str, Vector]
    estimate: Mapping[str, float]
    kind: str
    seed: int
    failures: Mapping[int, str]

    @property
    def n(self) -> int:
        """The number of replicates, those that failed included."""
        return next(iter(self.params.values())).size

    @property
    def failed(self) -> int:
        """The number of replicates that have no estimate."""
        return len(self.failures)

    @cached_property
    def made(self) -> NDArray[np.bool_]:
        """Which replicates have an estimate, shape (n,)."""
        made = np.ones(self.n, dtype=bool)
        made[list(self.failures)] = False
        return made

    @property
    def stderr(self) -> dict[str, float]:
        """The standard deviation of the estimates, by number; NaN for fewer than two."""
        return {name: _deviation(v[self.made]) for name, v in self.params.items()}

    @property
    def caution(self) -> str | None:
        """What is wrong with the replicates that failed; None where all have an estimate."""
        if not self.failures:
            return None
        reasons = Counter(self.failures.values()).most_common(_SHOWN)
        named = "; ".join(f"{count} because {reason.rstrip('.')}" for reason, count in reasons)
        return (
            f"{self.failed} of {self.n} replicates have no estimate and are left out, which may "
            f"make intervals too short: {named}."
        )

    def __repr__(self) -> str:
        """The number and the kind of the replicates, and how many failed."""
        failed = f", failed={self.failed}" if self.failed else ""
        return f"Bootstrap(n={self.n}, kind={self.kind!r}, seed={self.seed}{failed})"


def _deviation(values: Vector) -> float:
    """Return the standard deviation, without squares that overflow; 0 for equal numbers."""
    if values.size < 2:
        return math.nan
    size = float(np.max(np.abs(values)))
    if size == 0.0 or bool(np.all(values == values[0])):
        return 0.0
    return size * float((values / size).std(ddof=1))
