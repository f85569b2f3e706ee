"""Figures of matplotlib as SVG inside a page, in the page's own colours and type."""

from __future__ import annotations

import html
import io
import re
from collections.abc import Callable
from typing import Any

from kullback.pictures.figure import new_figure
from kullback.pictures.style import CROSS, ENTROPY, FAINT, INK, MUTED, RELATIVE, RULE, VIOLET, look

# The names of colours in templates/colours.css.
_NAMES = {
    ENTROPY: "entropy",
    RELATIVE: "relative",
    CROSS: "cross",
    INK: "ink",
    FAINT: "faint",
    RULE: "rule",
    MUTED: "muted",
    VIOLET: "violet",
}


def inline_svg(
    draw: Callable[[Any], None], description: str, width: float = 4.3, height: float = 3.1
) -> str:
    """Draw a picture and return it as an element of a page: text is text, colours are the page's.

    Args:
        draw: draws on the axes that it is given.
        description: what the picture shows, for those who do not see it.
        width: in inches; on the page it is as wide as its place.
        height: in inches.
    """
    # without date and random names: equal reports give equal pages
    own = {"svg_hashsalt": description, "svg_fonttype": "none", "font_size": 9.5}
    own["legend_frameon"] = False  # the page's ground may be dark
    buffer = io.StringIO()
    with look(**own):
        figure = new_figure(width, height)
        axes = figure.subplots()
        axes.patch.set_visible(False)
        draw(axes)
        metadata = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        figure.savefig(buffer, format="svg", facecolor="none", metadata=metadata)
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<defs>\s*<style.*?</defs>", "", text, count=1, flags=re.DOTALL)
    text = re.sub(r"<svg[^>]*?(viewBox=\"[^\"]*\")[^>]*>", r"<svg \1>", text, count=1)
    label = html.escape(description)
    text = text.replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1)
    for colour, name in _NAMES.items():
        text = text.replace(colour, f"var(--{name})")
    return text
