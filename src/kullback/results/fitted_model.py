"""What every fitted model has in common, whether Newton's method or minibatches fitted it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from kullback.models.model import Model
from kullback.results.convergence import Convergence
from kullback.results.decomposition import Decomposition


@runtime_checkable
class FittedModel(Protocol):
    """A fit: ``kl.Fit`` and ``kl.TrainedFit``, and all that ``kl.load`` returns."""

    @property
    def form(self) -> Model:
        """The model as it was given, with its free sources."""

    @property
    def model(self) -> Model:
        """The same model with every number at its estimate."""

    @property
    def cross_entropy(self) -> float:
        """The loss in nats: of the sample, or of held-out rows for networks."""

    @property
    def convergence(self) -> Convergence:
        """Whether, how and why the fit converged."""

    def decomposition(self, unit: str = "nats") -> Decomposition:
        """Split the loss: cross-entropy = entropy + relative entropy, as far as each is known."""

    def summary(self, unit: str = "nats") -> Any:
        """The main results; ``str`` of them is a text."""

    def save(self, path: str | Path) -> None:
        """Write the fit for ``kl.load``: data, no code."""
