"""A heat map of the mutual information between columns, with their entropies on the diagonal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from kullback.pictures.figure import new_figure, write_figure
from kullback.pictures.style import look, plain


def draw_information(
    path: Path,
    names: Sequence[str],
    entropies: Mapping[tuple[str, ...], float],
    shared: Mapping[tuple[str, ...], float],
    unit: str,
) -> None:
    """Draw and write the figure, in the format of the file's ending.

    Args:
        path: the file.
        names: the columns.
        entropies: of each column.
        shared: mutual information by pair; missing pairs stay blank.
        unit: of all numbers.

    Raises:
        KullbackError: the file cannot be written.
    """
    size = len(names)
    cells = np.full((size, size), np.nan)
    for i, one in enumerate(names):
        for j, other in enumerate(names):
            value = shared.get((one, other), shared.get((other, one)))
            if i != j and value is not None:
                cells[i, j] = value
    side = 2.2 + 0.75 * size
    with look():
        figure = new_figure(side + 1.0, side)
        axes = figure.subplots()
        image = axes.imshow(cells, cmap="viridis", vmin=min(0.0, np.nanmin(cells, initial=0.0)))
        bright = 0.6 * np.nanmax(cells, initial=0.0)
        for i, one in enumerate(names):
            for j in range(size):
                value = entropies.get((one,), np.nan) if i == j else cells[i, j]
                if np.isnan(value):
                    continue
                colour = "black" if i == j or value > bright else "white"
                weight = "bold" if i == j else "normal"
                axes.text(
                    j, i, f"{value:.3g}", ha="center", va="center", color=colour, weight=weight
                )
        shown = [plain(name, 20) for name in names]
        axes.set_xticks(range(size), shown, rotation=45, ha="right")
        axes.set_yticks(range(size), shown)
        axes.set_title(f"Mutual information, and entropy on the diagonal ({unit})")
        for edge in axes.spines.values():
            edge.set_visible(False)
        figure.colorbar(image, shrink=0.8, label=unit)
        write_figure(figure, path)
