"""Time against rows: flat while the call costs more than the rows, then linear."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any

import in_memory
from measure import timed
from streaming import parquet

import kullback as kl

MODELS = {"Weibull": (kl.Weibull, "weibull"), "Student t": (kl.StudentT, "student_t")}

# Up to this size rows are arrays, and from this size on files, which are streamed above 33 million
# rows (256 MiB).
ARRAYS = FILES = 10_000_000

Curve = list[tuple[int, float]]


def curves(most: int) -> dict[str, Curve]:
    """Median seconds of a warm fit with standard errors, by number of rows up to `most`."""
    found: dict[str, Curve] = {}
    for title, (model, name) in MODELS.items():
        sizes = [10**k for k in range(2, 9) if 10**k <= most]
        for rows in sizes:
            if rows <= ARRAYS:
                x = getattr(in_memory, name)(rows)
                found.setdefault(f"{title}, array", []).append((rows, _median(model(), x)))
            if rows >= FILES:
                path = str(parquet(name, rows))
                found.setdefault(f"{title}, Parquet file", []).append(
                    (rows, _median(model(), path))
                )
    return found


def _median(model: Any, data: Any) -> float:
    """Median of several fits, fewer where they are slow, after a first one that may compile."""

    def fit() -> object:
        return kl.fit(model, data, y="y" if isinstance(data, str) else None).stderr

    fit()
    once = timed(fit)[0]
    repeats = 31 if once < 0.05 else 7 if once < 1.0 else 3
    return statistics.median([once, *(timed(fit)[0] for _ in range(repeats - 1))])


def draw(found: dict[str, Curve], path: Path) -> None:
    """Draw the curves as SVG, with the same bytes for the same numbers."""
    import matplotlib

    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    style = {"svg.hashsalt": "kullback", "svg.fonttype": "none", "font.family": "sans-serif"}
    colours = dict(zip(MODELS, ("#1b6ca8", "#c8553d"), strict=True))
    with plt.rc_context(style):
        figure, axes = plt.subplots(figsize=(7.0, 4.4), layout="constrained")
        for label, curve in found.items():
            rows, seconds = zip(*curve, strict=True)
            file = label.endswith("file")
            axes.plot(
                rows,
                seconds,
                color=colours[label.split(",")[0]],
                linestyle="--" if file else "-",
                marker="s" if file else "o",
                markersize=5,
                label=label,
            )
        axes.set(xscale="log", yscale="log", xlabel="rows", ylabel="seconds, warm")
        axes.set_title("One fit with standard errors", loc="left")
        axes.grid(True, which="major", alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False)
        figure.savefig(path, metadata={"Date": None})
        plt.close(figure)
