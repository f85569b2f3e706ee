"""The look of all pictures: their colours, their type, and what is written on their axes."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from typing import Any

from kullback._core.extras import need
from kullback._core.printable import printable

# Blue, vermilion, green and violet, as in templates/colours.css. To readers without red or green
# cones they and the rows' ink differ by 30 units of CIELAB or more (tests/pictures/test_style.py).
# Curves also differ by their dashes and markers, and bars have names.
ENTROPY, RELATIVE, CROSS, VIOLET = "#0069a8", "#bd4b00", "#00755a", "#7a22e8"
# Rows and text, lines that guide the eye, areas behind them, and curves that are not the matter.
INK, FAINT, RULE, MUTED = "#1d1c1a", "#6a665e", "#ddd8cd", "#b2b2b2"
CURVES = (ENTROPY, RELATIVE, CROSS, VIOLET)

# Also what a style that the user chose would change to the worse: on the dark page of a notebook a
# picture keeps its white paper, on which its colours differ.
LOOK: Any = {
    "axes.axisbelow": True,
    "axes.edgecolor": FAINT,
    "axes.facecolor": "white",
    "axes.grid": False,
    "axes.labelcolor": FAINT,
    "axes.labelsize": 10.0,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 11.0,
    "axes.unicode_minus": True,
    "figure.facecolor": "white",
    "figure.titlesize": 12.0,
    "font.size": 10.0,
    "legend.fontsize": 9.0,
    "legend.edgecolor": "none",
    "legend.facecolor": "white",
    "legend.framealpha": 0.85,
    "legend.labelcolor": INK,
    "lines.linewidth": 1.5,
    "text.color": INK,
    "text.usetex": False,
    "xtick.color": FAINT,
    "xtick.labelcolor": INK,
    "xtick.labelsize": 9.0,
    "ytick.color": FAINT,
    "ytick.labelcolor": INK,
    "ytick.labelsize": 9.0,
}

# The characters of a name that are shown.
_NAME = 40
# Numbers with exponents from −4 to 4 are written out.
_OUT = range(-4, 5)


@contextlib.contextmanager
def look(**more: Any) -> Iterator[None]:
    """Draw in this look.

    Args:
        more: further settings of matplotlib, with _ for the dots in their names.

    Raises:
        KullbackError: matplotlib is not installed.
    """
    need("plot", "figures")
    import matplotlib

    own: Any = {name.replace("_", ".", 1): value for name, value in more.items()}
    with matplotlib.rc_context({**LOOK, **own}):
        yield


def plain(name: str, most: int = _NAME) -> str:
    """Return a name that matplotlib shows as it is, not as a formula, and cut where it is long."""
    text = printable(name)
    text = text if len(text) <= most else text[: most - 1] + "…"
    return text.replace("$", r"\$")


def short(name: str, most: int = 24) -> str:
    """Return a name for a tick: of a long one the beginning and the end, in which names differ."""
    text = printable(name)
    if len(text) > most:
        end = most // 2
        text = f"{text[: most - end - 1]}…{text[-end:]}"
    return text.replace("$", r"\$")


def log_axis(axis: Any) -> None:
    """Make an axis logarithmic, with ticks of its own: call it once the limits are known."""
    from matplotlib import ticker

    which = axis.axis_name
    axis.axes.set(**{f"{which}scale": "log"})
    low, high = sorted(axis.get_view_interval())
    ratio = high / low
    steps = (1.0,) if ratio > 300.0 else (1.0, 2.0, 5.0)
    few = ratio < 10.0
    axis.set_major_locator(ticker.MaxNLocator(6) if few else ticker.LogLocator(subs=steps))
    axis.set_major_formatter(ticker.FuncFormatter(lambda value, _: _number(value)))
    axis.set_minor_formatter(ticker.NullFormatter())
    if few:
        axis.set_minor_locator(ticker.NullLocator())


def _number(value: float) -> str:
    """Format a tick of a logarithmic axis."""
    exponent = math.floor(math.log10(value) + 1e-9) if value > 0.0 else 0
    if exponent in _OUT:
        return f"{value:.6g}"
    digits = value / 10.0**exponent
    first = "" if abs(digits - 1.0) < 1e-6 else rf"{digits:.6g}\cdot"
    return f"${first}10^{{{exponent}}}$"
