"""Curves and bars for a terminal, in braille dots and blocks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rich.text import Text

# The bits of a braille character's dots: two columns of four, from the top.
_DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
_BLANK = 0x2800

# Room at the left for the numbers of the vertical axis.
_MARGIN = 10


def curves(
    x: NDArray[np.float64],
    lines: Sequence[tuple[NDArray[np.float64], str]],
    width: int,
    height: int,
    labels: tuple[str, str] | None = None,
) -> Text:
    """Draw curves over one axis, without the points that are not finite.

    Args:
        x: places of the points on the axis.
        lines: heights of the points of each curve, and its style; later curves are drawn over
            earlier ones.
        width: in characters, the numbers of the axis included.
        height: in characters, the numbers of the axis not included.
        labels: text at the two ends of the axis, in place of the numbers.
    """
    across, down = max(10, width - _MARGIN - 2), height
    finite = np.concatenate([y[np.isfinite(y)] for y, _ in lines])
    if finite.size == 0:
        return Text("(nothing to draw)", style="dim")
    low, high = float(finite.min()), float(finite.max())
    span = (high - low) or 1.0
    dots = np.zeros((down, across), dtype=int)
    styles = np.full((down, across), "", dtype=object)
    for y, style in lines:
        keep = np.isfinite(y)
        if not keep.any():
            continue
        columns = (x[keep] - x[0]) / ((x[-1] - x[0]) or 1.0) * (2 * across - 1)
        rows = (high - y[keep]) / span * (4 * down - 1)
        # one point for each dot from left to right, joined to the next where the curve is steep
        every = np.arange(int(np.ceil(columns[0])), int(columns[-1]) + 1)
        traced = [round(place) for place in np.interp(every, columns, rows)]
        for i, (column, now) in enumerate(zip(every, traced, strict=True)):
            before = traced[i - 1] if i else now
            for dot in range(min(now, before + 1), max(now, before - 1) + 1):
                cell = dot // 4, int(column) // 2
                dots[cell] |= _DOTS[column % 2][dot % 4]
                styles[cell] = style
    numbers = {0: f"{high:.4g}", down - 1: f"{low:.4g}"}
    drawn = Text(no_wrap=True)
    for line in range(down):
        drawn.append(f"{numbers.get(line, ''):>{_MARGIN}} ", style="dim")
        for cells, style in zip(dots[line], styles[line], strict=True):
            drawn.append(chr(_BLANK + int(cells)), style=str(style))
        drawn.append("\n")
    left, right = labels or (f"{x[0]:g}", f"{x[-1]:g}")
    return drawn.append(f"{'':{_MARGIN}} {left}{right:>{across - len(left)}}", style="dim")


def stacked(parts: Sequence[tuple[float, str, str]], whole: float, width: int) -> Text:
    """Draw a bar of parts laid end to end.

    Args:
        parts: size, style and label of each; a label without room is left out.
        whole: the size of the whole width.
        width: in characters.
    """
    bar, done, start = Text(no_wrap=True), 0.0, 0
    for size, style, label in parts:
        done += size
        end = round(width * min(done / whole, 1.0)) if whole > 0.0 else 0
        room = end - start
        inside = f" {label}" if len(label) + 2 <= room else ""
        bar.append(f"{inside:{room}}" if room else "", style=f"reverse {style}")
        start = end
    return bar


def rectangles(
    sizes: Sequence[tuple[float, float]],
    labels: Sequence[str],
    style: str,
    whole: float,
    width: int,
) -> Text:
    """Draw rectangles one below the other, from a common left side.

    Args:
        sizes: height of each, in lines, of at least one; and its length from left to right.
        labels: a text in each.
        style: of all.
        whole: the length of the whole width.
        width: in characters.
    """
    drawn = Text(no_wrap=True)
    for (height, length), label in zip(sizes, labels, strict=True):
        across, lines = max(1, round(width * min(length / whole, 1.0))), round(height)
        for line in range(lines):
            text = f" {label}"[:across] if line == 0 else ""
            # the last line is underlined, so that rectangles of one length can be distinguished
            edge = "underline " if line == lines - 1 else ""
            drawn.append(f"{text:{across}}", style=f"reverse {edge}{style}").append("\n")
    drawn.right_crop(1)
    return drawn
