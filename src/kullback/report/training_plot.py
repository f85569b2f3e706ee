"""The figure of a training: its losses by epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from kullback._core.extras import need
from kullback._core.units import nats_per
from kullback.pictures.figure import new_figure

if TYPE_CHECKING:
    from kullback.results.trained import TrainedFit

_COLOUR = "tab:blue"


def training_figure(fit: TrainedFit, unit: str) -> Any:
    """Draw the losses of every epoch of a training.

    Args:
        fit: the trained fit.
        unit: of the losses.

    Returns:
        A matplotlib figure outside pyplot.
    """
    size = nats_per(unit)
    axes = _axes(6.4, 4.0)
    epochs = [epoch.number for epoch in fit.history]
    for label, colour, losses in (
        ("training (dropout and weights included)", "0.6", [e.training for e in fit.history]),
        ("held out, calibrated", _COLOUR, [e.refined for e in fit.history]),
    ):
        axes.plot(epochs, np.array(losses) / size, color=colour, label=label)
    if np.isfinite(fit.baseline):
        baseline = fit.baseline / size
        axes.axhline(baseline, color="0.35", linewidth=1.0, linestyle="--", label="baseline")
    if fit.best:
        axes.axvline(fit.best, color="0.35", linewidth=1.0, linestyle=":", label="weights used")
    axes.legend(frameon=False)
    axes.set_title(f"Training of {fit.form.name} on {fit.rows:,} rows", loc="left")
    axes.set_xlabel("epoch")
    axes.set_ylabel(f"cross-entropy ({unit})")
    return axes.figure


def _axes(width: float, height: float) -> Any:
    need("plot", "figures")
    axes = new_figure(width, height).subplots()
    for edge in ("top", "right"):
        axes.spines[edge].set_visible(False)
    return axes
