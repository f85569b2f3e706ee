"""Figures of matplotlib: shown once in a notebook, with or without pyplot, and written to files."""

from __future__ import annotations

import io
import os
from functools import partial
from pathlib import Path
from typing import Any

from kullback._core.files import replaced


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


def write_figure(figure: Any, path: Path) -> None:
    """Write a figure, in the format that the file's ending names: .png, .svg or .pdf.

    Raises:
        KullbackError: the file cannot be written.
    """
    image = io.BytesIO()
    figure.savefig(image, format=path.suffix.lower().removeprefix("."), dpi=150)
    with replaced(path, os.fspath(path)) as file:
        file.write(image.getvalue())
