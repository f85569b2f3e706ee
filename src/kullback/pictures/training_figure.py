"""The figure of a training: its losses by epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from kullback._core.units import nats_per
from kullback.pictures.figure import new_figure
from kullback.pictures.style import CROSS, FAINT, INK, RELATIVE, look

if TYPE_CHECKING:  # a trained fit draws itself
    from kullback.results.trained import TrainedFit


def training_figure(fit: TrainedFit, unit: str, ax: Any = None) -> Any:
    """Draw the losses of every epoch of a training.

    Args:
        fit: the trained fit.
        unit: of the losses.
        ax: matplotlib axes to draw on.

    Returns:
        A matplotlib figure outside pyplot; that of ``ax`` where it is given.

    Raises:
        KullbackError: for another unit, or without matplotlib.
    """
    size = nats_per(unit)
    with look():
        axes = new_figure(6.4, 4.0).subplots() if ax is None else ax
        history = [(e.number, e.training / size, e.refined / size) for e in fit.history]
        epochs, training, held_out = np.array(history).reshape(-1, 3).T
        dot = "o" if epochs.size == 1 else None  # one point makes no line
        loss = "training (dropout and weights included)"
        axes.plot(epochs, training, ":", marker=dot, color=RELATIVE, label=loss)
        axes.plot(epochs, held_out, "-", marker=dot, color=CROSS, label="held out, calibrated")
        if np.isfinite(fit.baseline):
            axes.axhline(
                fit.baseline / size,
                color=FAINT,
                linewidth=1.0,
                linestyle="--",
                label="baseline (class shares)",
            )
        if fit.best:
            used = epochs == fit.best
            label = f"weights used: epoch {fit.best}"
            axes.plot(epochs[used], held_out[used], "o", color=INK, label=label)
        axes.legend()
        axes.set_title(f"Training of {fit.form.name} on {fit.rows:,} rows")
        axes.set_xlabel("epoch")
        axes.set_ylabel(f"cross-entropy, {unit}")
        axes.xaxis.get_major_locator().set_params(integer=True)
    return axes.figure
