"""Figures of matplotlib as SVG inside a page, in the page's own colours and type."""

from __future__ import annotations

import html
import io
import re
from collections.abc import Callable
from typing import Any

from kullback.pictures.figure import new_figure

# The colours of all pictures, with their names in templates/colours.css: Okabe and Ito's blue,
# vermilion and green, distinguished with red-green colour blindness. No picture needs them: bars
# have names, and lines different dashes.
ENTROPY, RELATIVE, CROSS = "#0069a8", "#bd4b00", "#00755a"
INK, FAINT, RULE, MUTED = "#1d1c1a", "#6a665e", "#ddd8cd", "#b2b2b2"
_NAMES = {
    ENTROPY: "entropy",
    RELATIVE: "relative",
    CROSS: "cross",
    INK: "ink",
    FAINT: "faint",
    RULE: "rule",
    MUTED: "muted",
}
LOOK: Any = {
    "axes.edgecolor": RULE,
    "axes.labelcolor": FAINT,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "legend.labelcolor": FAINT,
    "text.color": INK,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
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
    import matplotlib

    # without date and random names: equal reports give equal pages
    own: Any = {"svg.hashsalt": description, "svg.fonttype": "none", "font.size": 9.5}
    buffer = io.StringIO()
    with matplotlib.rc_context({**LOOK, **own}):
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
