"""What is chosen for the network of step eight before it is trained."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import final

from kullback._core.errors import KullbackError, did_you_mean

DEPTHS = (0, 1, 2, 3)
ACTIVATIONS = ("tanh", "relu", "logistic")
RATES = (0.1, 0.3, 1.0, 3.0)  # offered by the page; the terminal takes any positive number


@final
@dataclass(frozen=True)
class NetworkChoice:
    """Depth, activation and learning rate.

    Attributes:
        depth: hidden layers, 0 to 3; with 0 the network is a logistic regression.
        activation: of the hidden layers: tanh, relu or logistic.
        learning_rate: the factor of the gradient in each step.

    Raises:
        KullbackError: for other values.
    """

    depth: int = 1
    activation: str = "tanh"
    learning_rate: float = 1.0

    def __post_init__(self) -> None:
        """Check the choice."""
        if self.depth not in DEPTHS:
            raise KullbackError(f"depth must be 0, 1, 2 or 3 hidden layers, got {self.depth}.")
        if self.activation not in ACTIVATIONS:
            raise KullbackError(
                f"activation must be tanh, relu or logistic, got {self.activation!r}"
                f"{did_you_mean(self.activation, ACTIVATIONS) or '.'}"
            )
        if not (math.isfinite(self.learning_rate) and self.learning_rate > 0.0):
            raise KullbackError(
                f"learning_rate must be a positive number, got {self.learning_rate}."
            )
