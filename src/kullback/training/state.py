"""The state of a training after each epoch: weights, history, calibration, and how it ended."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np

from kullback._core.arrays import Vector
from kullback.calibration.scaling import Scaling
from kullback.results.trained import Epoch
from kullback.solvers.minibatch import State


@final
@dataclass(eq=False)
class Run:
    """Where a training stands.

    Attributes:
        states: of each member, after the last epoch.
        weights: of each member, after the best epoch.
        scaling: the calibration of the best epoch.
        history: what each epoch gave.
        best: the number of the best epoch; 0 before the first.
        reason: how it ended, in words; empty while it goes on.
        converged: whether it ended as it should.
        cross_entropy: on the held-out rows, of the weights and the calibration that are kept.
        error: its standard error.
        terms: of each held-out row, −log q of them.
    """

    states: list[State]
    weights: list[Any]
    scaling: Scaling | None = None
    history: list[Epoch] | None = None
    best: int = 0
    reason: str = ""
    converged: bool = True
    cross_entropy: float = math.nan
    error: float = math.nan
    terms: Vector = field(default_factory=lambda: np.zeros(0))

    @property
    def epochs(self) -> list[Epoch]:
        """What each epoch gave."""
        if self.history is None:
            self.history = []
        return self.history

    @property
    def lowest(self) -> float:
        """The held-out cross-entropy of the best epoch."""
        return self.epochs[self.best - 1].refined if self.best else math.inf
