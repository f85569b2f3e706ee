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
class TrainingState:
    """The state of a training after its last epoch.

    Attributes:
        members: the state of each member, after the last epoch.
        best_weights: the weights of each member, after the best epoch.
        scaling: the calibration of the best epoch.
        history: the losses of each epoch.
        best_epoch: the number of the best epoch; 0 before the first.
        reason: how the training ended; empty while it runs.
        converged: whether it ended as intended.
        cross_entropy: on the held-out rows, of the weights and the calibration that are kept.
        error: its standard error.
        losses: −log q of each held-out row, with the same weights and calibration.
    """

    members: list[State]
    best_weights: list[Any]
    scaling: Scaling | None = None
    history: list[Epoch] = field(default_factory=list)
    best_epoch: int = 0
    reason: str = ""
    converged: bool = True
    cross_entropy: float = math.nan
    error: float = math.nan
    losses: Vector = field(default_factory=lambda: np.zeros(0))

    @property
    def lowest_loss(self) -> float:
        """The held-out cross-entropy of the best epoch."""
        return self.history[self.best_epoch - 1].refined if self.best_epoch else math.inf
