"""The tour as one HTML page that needs nothing else, with sliders for p, q and θ."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from importlib.resources import files
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from kullback._core.arrays import Vector
from kullback.tour.question import Question
from kullback.tour.steps import Tour, take

# Rows that are multiplied one after the other on the page. The product of a thousand is nearly
# always far out of a double's range, and more would only make the page larger.
_ROWS = 1_000

# Bars of the histogram of numbers that have a density.
_BARS = 40

# The quantities that are coloured in every sentence, and their classes.
_QUANTITIES = (
    (re.compile(r"[Hh]\((?:p|p̂), (?:q|qθ)\)"), "cross"),
    (re.compile(r"D\((?:p|p̂)‖(?:q|qθ)\)"), "relative"),
    (re.compile(r"H\((?:p|p̂|Y|Y \| X)\)"), "entropy"),
)


def render(*, data: Vector | None = None, name: str | None = None) -> str:
    """Return the page as HTML, to be written to a file and opened in a browser.

    The page is a single file that loads nothing: its content security policy allows only its own
    style and script, by their digests. The column's name is escaped wherever it appears. Of many
    rows the page holds the first 1,000, a histogram and a few means.

    Args:
        data: a column of numbers for steps four to six, in place of the tour's own.
        name: of the column.

    Raises:
        DataError: where the column cannot be used; the message gives the reason.
    """
    tour = take(data, name)
    folder = files("kullback.tour") / "templates"
    style = (folder / "style.css").read_text(encoding="utf-8")
    script = "\n".join(
        (folder / part).read_text(encoding="utf-8")
        for part in ("drawing.js", "figures.js", "script.js")
    )
    environment = Environment(
        loader=PackageLoader("kullback.tour"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["marked"] = _marked
    environment.filters["code"] = _code
    return environment.get_template("page.html.j2").render(
        tour=tour,
        question=tour.question,
        style=Markup(style),
        script=Markup(script),
        style_digest=_digest(style),
        script_digest=_digest(script),
        numbers=_embedded(_numbers(tour)),
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


def _marked(sentence: str) -> Markup:
    """Escape a sentence, and colour its quantities."""
    text = str(escape(sentence))
    for pattern, kind in _QUANTITIES:
        text = pattern.sub(lambda found, kind=kind: _quantity(found.group(), kind), text)  # type: ignore[misc]
    text = text.replace("Σ ", "Σ\N{NO-BREAK SPACE}")
    return Markup(text.replace("qθ", "q<sub>θ</sub>"))


def _quantity(text: str, kind: str) -> str:
    return f'<b class="{kind}">{text}</b>'


def _code(source: str) -> Markup:
    """Escape Python, and mark its comments."""
    lines = (str(escape(line)) for line in source.splitlines())
    return Markup("\n".join(re.sub(r"(# .*)$", r"<i>\1</i>", line) for line in lines))


# ---- the numbers ---------------------------------------------------------------------------------


def _numbers(tour: Tour) -> dict[str, Any]:
    """Collect the numbers of the figures."""
    simulated, trained = tour.steps[1].picture, tour.steps[6].picture
    return {
        "simulated": {
            "draws": simulated["draws"].tolist(),
            "mean": _short(simulated["mean"]),
            "stderr": _short(simulated["stderr"]),
            "entropy": simulated["entropy"],
        },
        "question": _about(tour.question, tour),
        "trained": {
            "losses": trained["losses"].tolist(),
            "baseline": trained["baseline"],
            "network": trained["network"].tolist(),
            "malignant": [counts.tolist() for counts in trained["malignant"]],
            "benign": [counts.tolist() for counts in trained["benign"]],
        },
    }


def _about(ask: Question, tour: Tour) -> dict[str, Any]:
    y, picture = ask.y, tour.steps[5].picture
    # the mean log-density of these families needs the mean, the variance, and a constant
    t = np.log(y) if ask.family == "LogNormal" else y
    constant = float(np.mean(t)) if ask.family == "LogNormal" else 0.0
    about: dict[str, Any] = {
        "family": ask.family,
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


def _short(values: Vector) -> list[float]:
    """Round to the digits that a figure can show."""
    return [float(f"{value:.6g}") for value in values]
