"""Figures of the distribution of rows without a model."""

from __future__ import annotations

from typing import Any

import numpy as np

from kullback._core.validation import check_choice
from kullback.nonparametric.steps import Steps
from kullback.pictures.distribution import LABELS, draw_rows
from kullback.pictures.estimated_rows import EstimatedRows
from kullback.pictures.figure import new_figure
from kullback.pictures.style import look, plain


def empirical_figure(
    steps: Steps, kind: str, name: str, level: float, title: str, ax: Any = None
) -> Any:
    """Draw the distribution or the survival function with its pointwise band.

    Args:
        steps: the estimate.
        kind: "cdf" or "survival".
        name: of the outcome.
        level: of the band.
        title: of the figure.
        ax: matplotlib axes to draw on.

    Raises:
        KullbackError: for another kind, or without matplotlib.
    """
    check_choice("kind", kind, LABELS)
    with look():
        axes = new_figure(6.4, 4.0).subplots() if ax is None else ax
        ends = np.concatenate([steps.lower, steps.upper])
        ends = ends[np.isfinite(ends)]
        low, high = float(ends.min()), float(ends.max())
        low = min(low, 0.0) if low > 0.0 and low < 0.5 * high else low
        room = 0.04 * (high - low) or 1.0
        low, high = (low if low == 0.0 else low - room), high + room
        draw_rows(axes, EstimatedRows(steps, simultaneous=False, level=level), kind, low, high)
        axes.set(xlim=(low, high), ylim=(0.0, 1.0), xlabel=plain(name), ylabel=LABELS[kind])
        axes.set_title(plain(title, 90))
        axes.legend()
    return axes.figure
