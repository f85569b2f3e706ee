"""Writing figures of matplotlib to files."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

from kullback._core.errors import KullbackError
from kullback._core.files import replaced


def write_figure(figure: Any, path: Path) -> None:
    """Write a figure, in the format that the file's ending names.

    Raises:
        KullbackError: matplotlib lacks the format, or the file cannot be written.
    """
    image = io.BytesIO()
    kind = path.suffix.lower().removeprefix(".")
    try:
        figure.savefig(image, format=kind or "no ending", dpi=150)
    except ValueError as error:
        raise KullbackError(
            f'--plot {path}: the name of a picture must end in .png, .svg or .pdf, got "{kind}".'
        ) from error
    with replaced(path, os.fspath(path)) as file:
        file.write(image.getvalue())
