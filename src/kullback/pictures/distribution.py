"""Pictures of fitted distributions over the rows: density, distribution function, quantiles."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, final

import numpy as np

from kullback._core.arrays import Vector
from kullback.models.model import Model
from kullback.pictures.rows import Rows
from kullback.pictures.style import CURVES, ENTROPY, FAINT, INK, MUTED, RULE, log_axis, plain

# Curves differ in their dashes as well as in their colour.
_DASHES = ("-", "--", "-.", ":")
_MARKERS = "o^sD"

# The density is drawn between these quantiles, and at most so many quartile ranges from the
# quartiles: the quantiles of a heavy tail would leave the rest of the figure to one peak.
_ENDS, _REACH = (0.002, 0.998), 6.0
# A density may be infinite at the end of its support: the axis ends at its largest value between
# the first quantiles, or at so many times that between the quartiles where that is less.
INSIDE, _QUARTILES, _STEEP = (0.02, 0.98), (0.25, 0.75), 3.0
POINTS = 801
_BARS = (5, 60)
# The largest number of counts that are drawn one by one.
_COUNTS = 200
# About so many points of a curve have a confidence band.
_SHADED = 200
# Below this probability outcomes on a logarithmic axis may underflow to 0.
_POSITIVE = 0.01
# Above this ratio of the distances of two quantiles from the median, a logarithmic axis is looked
# at: 6 for an exponential distribution, 10 for a log-normal of scale 1.
_SKEWED = 7.0


@final
@dataclass(frozen=True, eq=False)
class Curve:
    """A fitted distribution to draw.

    Attributes:
        name: in the legend.
        model: the distribution.
        muted: whether it is a runner-up, drawn grey.
        band: makes the band of one of its curves, to be shaded: ``Fit.band``.
    """

    name: str
    model: Model
    muted: bool = False
    band: Callable[[str, Vector], Any] | None = None


@final
@dataclass(frozen=True, eq=False)
class Subject:
    """What is drawn: distributions of one outcome, the rows, and the outcome's name.

    Attributes:
        curves: the distributions, the main one first.
        rows: the rows; None where they are not known.
        label: of the outcome.
    """

    curves: Sequence[Curve]
    rows: Rows | None
    label: str

    @property
    def discrete(self) -> bool:
        """Whether outcomes are counts."""
        return self.curves[0].model.discrete

    @cached_property
    def logarithmic(self) -> bool:
        """Whether the outcome's axis is logarithmic: for positive outcomes with a long tail."""
        model = self.curves[0].model
        if self.discrete or model.support.lower < 0.0:
            return False
        rows = self.rows
        if rows is not None and rows.values[0] <= 0.0:
            return False
        where = rows.quantile if rows is not None else model.quantile
        return has_long_tail(*(float(where(u)) for u in (_POSITIVE, 0.5, 1.0 - _POSITIVE)))

    def styled(self) -> list[tuple[Curve, str, str, dict[str, Any]]]:
        """Each curve with its dashes, its marker and its options; the main one lies above all."""
        out = []
        for k, curve in enumerate(self.curves):
            which = k % len(CURVES)
            options = {
                "color": MUTED if curve.muted else CURVES[which],
                "label": plain(curve.name),
                "zorder": 3.0 - 0.01 * k - curve.muted,
            }
            # from the fifth on, a colour has other dashes and markers than before
            other = (k + k // len(CURVES)) % len(CURVES)
            out.append((curve, _DASHES[other], _MARKERS[other], options))
        return out


def has_long_tail(low: float, middle: float, high: float) -> bool:
    """Whether positive outcomes are better seen on a logarithmic axis.

    Args:
        low: their 1% quantile.
        middle: their median.
        high: their 99% quantile.
    """
    if not 0.0 < low < middle < high:
        return False
    skewed = (high - middle) / (middle - low)
    in_logs = math.log(high / middle) / math.log(middle / low)
    return skewed > _SKEWED and in_logs < 0.5 * skewed


# ---- density -----------------------------------------------------------------------------------


def draw_density(axes: Any, subject: Subject, marks: Sequence[float] = ()) -> None:
    """Draw the densities over a histogram of the rows; for counts, probabilities over shares.

    Args:
        axes: of matplotlib.
        subject: the distributions and the rows.
        marks: probabilities whose quantiles of the main distribution are marked.
    """
    model = subject.curves[0].model
    quantiles = [float(value) for value in np.atleast_1d(model.quantile(np.array(marks)))]
    low, high = shown_range(subject, [value for value in quantiles if np.isfinite(value)])
    if subject.discrete:
        _draw_counts(axes, subject, np.arange(np.floor(low), np.ceil(high) + 1.0))
    else:
        _draw_curves(axes, subject, low, high)
    for k, (u, value) in enumerate(zip(marks, quantiles, strict=True)):
        label = f"{u:g} quantile: {value:.4g}"
        if np.isfinite(value):
            dashes = ("--", "-", ":", "-.")[k % 4]
            axes.axvline(value, color=FAINT, linewidth=1.0, linestyle=dashes, label=label)
        else:
            axes.plot([], [], " ", label=label)
    axes.set_ylim(bottom=0.0)
    axes.set_xlabel(plain(subject.label))


def shown_range(subject: Subject, marked: Sequence[float]) -> tuple[float, float]:
    """The outcomes between which densities are drawn: nearly all, and those that are marked."""
    model, rows = subject.curves[0].model, subject.rows
    logs = subject.logarithmic
    at = [_ENDS[0], 0.25, 0.75, _ENDS[1]]
    low, first, last, high = map(float, model.quantile(np.array(at)))
    if rows is not None:
        own = [rows.quantile(u) for u in at]
        low, high = min(low, own[0]), max(high, own[3])
        first, last = min(first, own[1]), max(last, own[2])
    if logs:  # these are positive, as a quantile of a short tail near zero may not be
        least = model.quantile(_POSITIVE) if rows is None else rows.values[0]
        low = low if low > 0.0 else float(least)
    else:
        reach = _REACH * (last - first)
        low, high = max(low, first - reach), min(high, last + reach)
    low = min([low, *(value for value in marked if value > 0.0 or not logs)])
    high = max([high, *marked])
    return (low, high) if low < high else (low - 1.0, high + 1.0)


def _draw_counts(axes: Any, subject: Subject, x: Vector) -> None:
    rows = subject.rows
    axes.set_ylabel("probability")
    if x.size > _COUNTS:
        top = 0.0 if rows is None else _histogram(axes, rows, float(x[0]), float(x[-1]), step=1.0)
        _draw_lines(axes, subject, x[:: -(-x.size // POINTS)], top)
        return
    if rows is not None:
        shares = rows.shares(np.append(x, x[-1] + 1.0) - 0.5)
        axes.bar(x[shares > 0.0], shares[shares > 0.0], color=RULE, width=0.8, label=rows.name)
    if rows is None and len(subject.curves) == 1:
        axes.bar(x, subject.curves[0].model.density(x), color=ENTROPY, width=0.8)
        return
    for curve, dashes, marker, options in subject.styled():
        size = {"marker": marker, "markersize": 4.0, "linewidth": 0.8}
        axes.plot(x, curve.model.density(x), dashes, **size, **options)
        _shade(axes, curve, "density", x, options)


def _draw_curves(axes: Any, subject: Subject, low: float, high: float) -> None:
    logs = subject.logarithmic
    top = 0.0 if subject.rows is None else _histogram(axes, subject.rows, low, high, logs=logs)
    _draw_lines(axes, subject, (np.geomspace if logs else np.linspace)(low, high, POINTS), top)
    if logs:
        axes.set_xlim(low, high)
        log_axis(axes.xaxis)
    axes.set_ylabel("density of the logarithm" if logs else "density")


def _draw_lines(axes: Any, subject: Subject, x: Vector, top: float) -> None:
    """Draw densities as lines, and end their axis above the bars and all but infinite densities."""
    for curve, dashes, _, options in subject.styled():
        density = np.asarray(curve.model.density(x)) * (x if subject.logarithmic else 1.0)
        axes.plot(x, density, dashes, **options)
        if subject.rows is None and len(subject.curves) == 1:
            axes.fill_between(x, density, color=options["color"], alpha=0.2, linewidth=0.0)
        if not curve.muted:
            top = max(top, _peak(curve.model, x, density))
        times = x if subject.logarithmic else 1.0
        top = max(top, _shade(axes, curve, "density", x, options, times))
    if 0.0 < top < math.inf:
        axes.set_ylim(top=1.08 * top)


def _peak(model: Model, x: Vector, density: Vector) -> float:
    """The largest density to show: not that of a peak at an end, which may be infinite there."""
    within = []
    for a, b in (INSIDE, _QUARTILES):
        low, high = model.quantile(np.array([a, b]))
        within.append(float(density[(x >= low) & (x <= high)].max(initial=0.0)))
    peak, usual = within
    at_an_end = int(np.argmax(density)) in (0, x.size - 1)
    return _STEEP * usual if at_an_end and 0.0 < _STEEP * usual < peak else peak


def _histogram(
    axes: Any, rows: Rows, low: float, high: float, *, logs: bool = False, step: float = 0.0
) -> float:
    """Draw shares of the rows over their bins, and return the highest.

    Args:
        axes: of matplotlib.
        rows: the rows.
        low: the first outcome.
        high: the last one.
        logs: whether bins are equally wide in logarithms.
        step: the distance of possible outcomes; 0 to recognise it.
    """
    edges = rows.bins
    if edges is None:
        edges = _edges(rows, low, high, logs=logs, step=step)
    edges = np.unique(edges)  # of one value they may round to another
    if edges.size < 2:
        return 0.0
    widths = np.diff(np.log(edges) if logs else edges)
    heights = rows.shares(edges) / widths
    axes.stairs(heights, edges, fill=True, color=RULE, label=rows.name)
    return float(heights.max(initial=0.0))


def _edges(rows: Rows, low: float, high: float, *, logs: bool, step: float) -> Vector:
    """The edges of the bars, as many as suit the number of rows."""
    values = np.log(rows.values) if logs else rows.values
    low, high = (math.log(low), math.log(high)) if logs else (low, high)
    first, last = (rows.quantile(u) for u in (0.25, 0.75))
    spread = math.log(last / first) if logs else last - first
    width = 2.0 * spread / rows.weight ** (1.0 / 3.0)  # Freedman & Diaconis 1981
    least, most = _BARS
    width = min(max(width, (high - low) / most), (high - low) / least)
    start = low
    points = values.size > 1 and not logs and not rows.guesses()[0].size
    found = float(np.min(np.diff(values))) if points else 0.0
    if step or found > 0.1 * width:  # rounded outcomes: every bar over as many possible ones
        step = step or found
        width = step * math.ceil(width / step)
        start = float(values[0]) + step * (math.floor((low - float(values[0])) / step) - 0.5)
    edges = start + width * np.arange(math.ceil((high - start) / width) + 1)
    out: Vector = np.exp(edges) if logs else edges
    return out


# ---- distribution function ---------------------------------------------------------------------


LABELS = {"cdf": "probability up to it", "survival": "probability beyond it"}


def draw_cdf(axes: Any, subject: Subject) -> None:
    """Draw the distribution functions over that of the rows with its 95% band."""
    _draw_shares(axes, subject, "cdf")


def draw_survival(axes: Any, subject: Subject) -> None:
    """Draw the survival functions over that of the rows with its 95% band."""
    _draw_shares(axes, subject, "survival")


def _draw_shares(axes: Any, subject: Subject, what: str) -> None:
    low, high = shown_range(subject, ())
    rows = subject.rows
    x = (np.geomspace if subject.logarithmic else np.linspace)(low, high, POINTS)
    if subject.discrete:
        x = np.arange(np.floor(low), np.ceil(high) + 1.0)
        x = x[:: -(-x.size // (2 * POINTS))]
    if rows is not None:
        draw_rows(axes, rows, what, low, high)
    for curve, dashes, _, options in subject.styled():
        steps = {"drawstyle": "steps-post"} if subject.discrete else {}
        axes.plot(x, getattr(curve.model, what)(x), dashes, **steps, **options)
        _shade(axes, curve, what, x, options, step="post" if subject.discrete else None)
    axes.set_xlim(low, high)
    if subject.logarithmic:
        log_axis(axes.xaxis)
    axes.set_ylim(0.0, 1.0)
    axes.set_xlabel(plain(subject.label))
    axes.set_ylabel(LABELS[what])


def draw_rows(axes: Any, rows: Rows, what: str, low: float, high: float) -> None:
    """Draw the distribution or the survival function of rows with its band."""
    at, *values = rows.curve(low, high, 2 * POINTS)
    x, guessed = rows.guesses()
    if what == "survival":
        values, guessed = [1.0 - v for v in values], 1.0 - guessed
    shares, *band = values
    axes.fill_between(at, *band, color=RULE, linewidth=0.0, label=rows.band_name)
    axes.plot(at, shares, color=INK, linewidth=0.8)
    if x.size:
        axes.plot(x, guessed, ":", color=INK, linewidth=0.8)


def draw_quantile(axes: Any, subject: Subject) -> None:
    """Draw the quantile functions over that of the rows with its 95% band."""
    low, high = shown_range(subject, ())
    rows = subject.rows
    if rows is not None:  # the distribution function's lines, with their axes exchanged
        at, shares, lower, upper = rows.curve(low, high, 2 * POINTS)
        axes.fill_betweenx(at, lower, upper, color=RULE, linewidth=0.0, label=rows.band_name)
        axes.plot(shares, at, color=INK, linewidth=0.8)
        if rows.guesses()[0].size:
            axes.plot(*rows.guesses()[::-1], ":", color=INK, linewidth=0.8)
    u = np.linspace(0.0, 1.0, POINTS + 2)[1:-1]
    for curve, dashes, _, options in subject.styled():
        steps = {"drawstyle": "steps-pre"} if subject.discrete else {}
        axes.plot(u, curve.model.quantile(u), dashes, **steps, **options)
        _shade(axes, curve, "quantile", u, options)
    axes.set_xlim(0.0, 1.0)
    axes.set_ylim(low, high)
    if subject.logarithmic:
        log_axis(axes.yaxis)
    axes.set_xlabel("probability up to it")
    axes.set_ylabel(plain(subject.label))


def _shade(
    axes: Any, curve: Curve, what: str, x: Vector, options: Any, times: Any = 1.0, step: Any = None
) -> float:
    """Shade the confidence band of a curve, and return its largest value to show."""
    if curve.band is None or curve.muted:
        return 0.0
    few = max(1, x.size // _SHADED)
    band = curve.band(what, x[::few])
    times = times[::few] if np.ndim(times) else times
    lower, upper = band.lower * times, band.upper * times
    known = "" if np.any(np.isfinite(upper)) else " is unknown"
    label = f"{100.0 * band.level:g}% band of each point{known}"
    look = {"color": options["color"], "alpha": 0.25, "linewidth": 0.0, "label": label}
    axes.fill_between(x[::few], lower, upper, step=step, zorder=options["zorder"] - 0.005, **look)
    return _peak(curve.model, x[::few], np.nan_to_num(upper, posinf=0.0))
