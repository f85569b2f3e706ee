"""The tour as one HTML page that needs nothing else, with figures to drag."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from importlib.resources import files
from typing import Any

import numpy as np
from markupsafe import Markup, escape
from numpy.typing import NDArray

from kullback._core.errors import KullbackError
from kullback.pages.page import environment
from kullback.tour.about_labels import STEPS
from kullback.tour.formulas import Formula, coloured
from kullback.tour.network_choice import ACTIVATIONS, DEPTHS, RATES, NetworkChoice
from kullback.tour.question import Question
from kullback.tour.steps import BOOKS, DATA, OPENING, TITLE, Tour, take

# Rows that are multiplied one after the other on the page. The product of a thousand is nearly
# always far out of a double's range, and more would only make the page larger.
_ROWS = 1_000

# Bars of the histogram of numbers that have a density.
_BARS = 40

_SCRIPTS = (
    "drawing.js",
    "entropy_figures.js",
    "likelihood_figures.js",
    "network.js",
    "script.js",
)


def render(
    *,
    data: Any = None,
    name: str | None = None,
    unit: str = "nats",
    network: NetworkChoice | None = None,
) -> str:
    """Return the page as HTML, to be written to a file and opened in a browser.

    The page is a single file that loads nothing: its content security policy allows only its own
    style and script, by their digests. The column's name is escaped wherever it appears. Of many
    rows the page holds the first 1,000, a histogram and a few means. The text with numbers and the
    code are in nats and in bits, from two runs, and the page shows those of one unit.

    Args:
        data: a column of numbers or labels for steps five to seven, in place of the tour's own.
        name: of the column.
        unit: nats or bits: the unit that is chosen when the page opens.
        network: depth, activation and learning rate that are chosen when the page opens.

    Raises:
        KullbackError: for another unit.
        DataError: where the column cannot be used; the message gives the reason.
    """
    if unit not in ("nats", "bits"):
        raise KullbackError(f"the page is in nats or in bits, got unit={unit!r}.")
    network = network or NetworkChoice()
    tour = take(data, name, "nats", network)
    in_bits = take(data, name, "bits", network)
    folder = files("kullback.tour") / "templates"
    colours = files("kullback.pages") / "templates" / "colours.css"
    style = "".join(part.read_text(encoding="utf-8") for part in (colours, folder / "style.css"))
    script = "\n".join((folder / part).read_text(encoding="utf-8") for part in _SCRIPTS)
    templates = environment("kullback.tour")
    templates.filters["marked"] = _marked
    templates.filters["code"] = _code
    return templates.get_template("page.html.j2").render(
        title=TITLE,
        opening=OPENING,
        books=BOOKS,
        data=DATA,
        steps=list(zip(tour.steps, in_bits.steps, strict=True)),
        unit=unit,
        question=tour.question,
        fitted=tour.steps[6].picture,
        network=network,
        depths=DEPTHS,
        activations=ACTIVATIONS,
        rates=sorted({*RATES, network.learning_rate}),
        style=Markup(style),
        script=Markup(script),
        style_digest=_digest(style),
        script_digest=_digest(script),
        numbers=_embedded(_numbers(tour, network)),
        rows=_ROWS,
    )


def _digest(text: str) -> str:
    """Return a source's digest in the form of a content security policy."""
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _embedded(document: dict[str, Any]) -> Markup:
    """Write JSON that cannot end the element that contains it."""
    text = json.dumps(document, allow_nan=False, separators=(",", ":"))
    for letter in "<>&\u2028\u2029":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return Markup(text)


def _marked(part: str | Formula) -> Markup:
    """Escape a sentence and colour its quantities; write a formula as MathML."""
    if isinstance(part, Formula):
        return Markup(part.mathml)
    text = "".join(
        f'<b class="{kind}">{escape(piece)}</b>' if kind else str(escape(piece))
        for piece, kind in coloured(part)
    )
    # a line should not end inside a short formula
    text = re.sub(r" ?([≤→]) |(Σ) ", "\N{NO-BREAK SPACE}\\1\\2\N{NO-BREAK SPACE}", text)
    text = text.replace("qθ", "q<sub>θ</sub>")
    return Markup(re.sub(r"([pq])_(data|model)", r"\1<sub>\2</sub>", text))


def _code(source: str) -> Markup:
    """Escape Python, and mark its comments."""
    lines = (str(escape(line)) for line in source.splitlines())
    return Markup("\n".join(re.sub(r"(# .*)$", r"<i>\1</i>", line) for line in lines))


# ---- the numbers ---------------------------------------------------------------------------------


# The groups of step eight, in the order of their rows.
_GROUPS = tuple(
    f"{level}, {who}"
    for level in ("1st class", "2nd class", "3rd class", "crew")
    for who in (("man", "woman") if level == "crew" else ("man", "woman", "boy", "girl"))
)


def _numbers(tour: Tour, network: NetworkChoice) -> dict[str, Any]:
    """Collect the numbers of the figures, in nats."""
    simulated, trained = tour.steps[1].picture, tour.steps[7].picture
    return {
        "simulated": {
            "draws": simulated["draws"].tolist(),
            "mean": _short(simulated["mean"]),
            "stderr": _short(simulated["stderr"]),
            "entropy": simulated["entropy"],
        },
        "four": tour.steps[3].picture["p"].tolist(),
        "question": _about(tour.question, tour),
        "network": {
            "chosen": {
                "depth": network.depth,
                "activation": network.activation,
                "rate": network.learning_rate,
            },
            "steps": STEPS,
            "groups": _GROUPS,
            "features": trained["features"].tolist(),
            "rows": trained["rows"].tolist(),
            "weights": {
                depth: [[W.tolist(), b.tolist()] for W, b in layers]
                for depth, layers in trained["weights"].items()
            },
            "baseline": trained["baseline"],
            "entropy": trained["entropy"],
        },
    }


def _about(ask: Question, tour: Tour) -> dict[str, Any]:
    y, picture = ask.y, tour.steps[6].picture
    # the mean log-density of these families needs the mean, the variance, and a constant
    t = np.log(y) if ask.family == "LogNormal" else y
    constant = float(np.mean(t)) if ask.family == "LogNormal" else 0.0
    about: dict[str, Any] = {
        "family": ask.family,
        "levels": ask.levels,
        "scale": ask.fixed[1] if ask.fixed else 1.0,
        "n": len(y),
        "rows": y[:_ROWS].tolist(),
        "few": y[:: ask.stride].tolist(),
        "mean": float(np.mean(t)),
        "variance": float(np.var(t)),
        "constant": constant,
        "estimate": ask.estimate,
        "guess": ask.guess,
        "first": round(ask.low / ask.step),
        "step": ask.step,
        "intervals": ask.intervals,
        "digits": ask.digits,
        "counts": None,
        "histogram": None,
        "entropy": picture["entropy"],
        "stderr": None,
    }
    if ask.counts:
        return about | {"counts": np.bincount(y.astype(int)).tolist()}
    # with an outlier all other numbers would be in one bar: it is counted in the last bar
    low, high = np.quantile(y, [0.005, 0.995])
    if not high > low:
        low, high = low - 1.0 * ask.step * 20, high + 1.0 * ask.step * 20
    heights, edges = np.histogram(np.clip(y, low, high), bins=_BARS, range=(low, high))
    return about | {
        "histogram": {"edges": edges.tolist(), "counts": heights.tolist()},
        "stderr": picture["stderr"],
    }


def _short(values: NDArray[np.float64]) -> list[float]:
    """Round to the digits that a figure can show."""
    return [float(f"{value:.6g}") for value in values]
