"""Figures of matplotlib that a notebook shows once, whether or not pyplot was imported."""

from __future__ import annotations

import io
from functools import partial
from typing import Any


def new_figure(width: float, height: float) -> Any:
    """Return an empty matplotlib figure outside pyplot.

    As the last value of a notebook's cell it is drawn once: pyplot does not know it, and so does
    not draw it a second time. It needs no pyplot and no display.

    Args:
        width: in inches.
        height: in inches.
    """
    from matplotlib.figure import Figure

    figure: Any = Figure(figsize=(width, height), layout="constrained")
    # IPython draws figures by itself only once pyplot was imported
    figure._repr_png_ = partial(_png, figure)
    return figure


def _png(figure: Any) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=100)
    return buffer.getvalue()
