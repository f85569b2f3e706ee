"""Pictures of fitted distributions beside the rows: density, cdf, Q–Q, P–P, probability paper."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from kullback._core.arrays import Vector
from kullback.models.model import Model
from kullback.pictures.rows import DrawnRows
from kullback.pictures.svg import CROSS, ENTROPY, FAINT, INK, MUTED, RELATIVE, RULE

# Curves differ in their dashes as well as in their colour.
_STYLES = ((ENTROPY, "-"), (RELATIVE, "--"), (CROSS, "-."), (INK, ":"))
_MARKERS = "o^sD"

# The density is drawn between these quantiles, and at most so many quartile ranges from the
# quartiles: the quantiles of a heavy tail would leave the rest of the figure to one peak.
_ENDS, _REACH = (0.002, 0.998), 6.0
# A density may be infinite at the end of its support: the axis ends at its largest value between
# these quantiles.
_INSIDE = (0.02, 0.98)
_POINTS = 801
_BARS = (5, 60)
# The largest numbers of counts that are drawn one by one, and of points of a Q–Q plot.
_COUNTS, _DOTS = 200, 400
# Probabilities that are written on probability paper.
_TICKS = (0.0001, 0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 0.9999)
# Characters of a name in a picture: at most some two thirds of its width.
_ROOM = 40
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
    """

    name: str
    model: Model
    muted: bool = False


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
    rows: DrawnRows | None
    label: str

    @property
    def discrete(self) -> bool:
        """Whether outcomes are counts."""
        return self.curves[0].model.discrete

    @property
    def logarithmic(self) -> bool:
        """Whether the outcome's axis is logarithmic: for positive outcomes with a long tail."""
        model = self.curves[0].model
        if self.discrete or model.support.lower < 0.0:
            return False
        rows = self.rows
        if rows is not None and rows.values[0] <= 0.0:
            return False
        where = rows.quantile if rows is not None else model.quantile
        low, middle, high = (float(where(u)) for u in (0.01, 0.5, 0.99))
        if not 0.0 < low < middle < high:
            return False
        skewed = (high - middle) / (middle - low)
        in_logs = math.log(high / middle) / math.log(middle / low)
        return skewed > _SKEWED and in_logs < 0.5 * skewed

    def styled(self) -> list[tuple[Curve, str, str, dict[str, Any]]]:
        """Each curve with its dashes, its marker and its options; the main one lies above all."""
        out = []
        for k, curve in enumerate(self.curves):
            colour, dashes = _STYLES[k % len(_STYLES)]
            options = {
                "color": MUTED if curve.muted else colour,
                "label": plain(curve.name),
                "zorder": 3.0 - 0.01 * k - curve.muted,
            }
            out.append((curve, dashes, _MARKERS[k % len(_MARKERS)], options))
        return out


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
    low, high = _range(subject, [value for value in quantiles if np.isfinite(value)])
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


def _range(subject: Subject, marked: Sequence[float]) -> tuple[float, float]:
    """The outcomes between which densities are drawn: nearly all, and those that are marked."""
    model, rows = subject.curves[0].model, subject.rows
    at = [_ENDS[0], 0.25, 0.75, _ENDS[1]]
    low, first, last, high = map(float, model.quantile(np.array(at)))
    if rows is not None:
        own = [rows.quantile(u) for u in at]
        low, high = min(low, own[0]), max(high, own[3])
        first, last = min(first, own[1]), max(last, own[2])
    if not subject.logarithmic:
        reach = _REACH * (last - first)
        low, high = max(low, first - reach), min(high, last + reach)
    low, high = min([low, *marked]), max([high, *marked])
    return (low, high) if low < high else (low - 1.0, high + 1.0)


def _draw_counts(axes: Any, subject: Subject, x: Vector) -> None:
    rows = subject.rows
    axes.set_ylabel("probability")
    if x.size > _COUNTS:
        x = x[:: -(-x.size // _POINTS)]
        for curve, dashes, _, options in subject.styled():
            axes.plot(x, curve.model.density(x), dashes, **options)
        return
    if rows is not None:
        inside = (rows.values >= x[0]) & (rows.values <= x[-1])
        shares = rows.weights[inside] / rows.weight
        axes.bar(rows.values[inside], shares, color=RULE, width=0.8, label="rows")
    if rows is None and len(subject.curves) == 1:
        axes.bar(x, subject.curves[0].model.density(x), color=ENTROPY, width=0.8)
        return
    for curve, dashes, marker, options in subject.styled():
        size = {"marker": marker, "markersize": 4.0, "linewidth": 0.8}
        axes.plot(x, curve.model.density(x), dashes, **size, **options)


def _draw_curves(axes: Any, subject: Subject, low: float, high: float) -> None:
    logarithmic = subject.logarithmic
    top = 0.0
    if subject.rows is not None:
        top = _histogram(axes, subject.rows, low, high, logarithmic=logarithmic)
    if logarithmic:
        x = np.geomspace(max(low, 1e-300), high, _POINTS)
        axes.set_xscale("log")
    else:
        x = np.linspace(low, high, _POINTS)
    for curve, dashes, _, options in subject.styled():
        density = np.asarray(curve.model.density(x)) * (x if logarithmic else 1.0)
        a, b = curve.model.quantile(np.array(_INSIDE))
        inside = density[(x >= a) & (x <= b)]
        if inside.size and not curve.muted:
            top = max(top, float(inside.max()))
        axes.plot(x, density, dashes, **options)
        if subject.rows is None and len(subject.curves) == 1:
            axes.fill_between(x, density, color=options["color"], alpha=0.2, linewidth=0.0)
    if 0.0 < top < math.inf:
        axes.set_ylim(top=1.08 * top)
    axes.set_ylabel("density of the logarithm" if logarithmic else "density")


def _histogram(axes: Any, rows: DrawnRows, low: float, high: float, *, logarithmic: bool) -> float:
    """Draw shares of the rows over their bins, and return the highest."""
    values = np.log(rows.values) if logarithmic else rows.values
    low, high = (math.log(low), math.log(high)) if logarithmic else (low, high)
    first, last = (rows.quantile(u) for u in (0.25, 0.75))
    spread = math.log(last / first) if logarithmic else last - first
    width = 2.0 * spread / rows.weight ** (1.0 / 3.0)  # Freedman & Diaconis 1981
    least, most = _BARS
    width = min(max(width, (high - low) / most), (high - low) / least)
    start = low
    step = float(np.min(np.diff(values))) if values.size > 1 and not logarithmic else 0.0
    if step > 0.1 * width:  # rounded outcomes: every bar over as many possible ones
        width = step * math.ceil(width / step)
        start = float(values[0]) + step * (math.floor((low - float(values[0])) / step) - 0.5)
    edges = start + width * np.arange(math.ceil((high - start) / width) + 1)
    shares, _ = np.histogram(values, edges, weights=rows.weights)
    heights = shares / (rows.weight * width)
    axes.stairs(
        heights, np.exp(edges) if logarithmic else edges, fill=True, color=RULE, label="rows"
    )
    return float(heights.max(initial=0.0))


# ---- distribution function ---------------------------------------------------------------------


def draw_cdf(axes: Any, subject: Subject) -> None:
    """Draw the distribution functions over that of the rows with its simultaneous 95% band."""
    low, high = _range(subject, ())
    rows = subject.rows
    if subject.logarithmic:
        axes.set_xscale("log")
        x = np.geomspace(max(low, 1e-300), high, _POINTS)
    else:
        x = np.linspace(low, high, _POINTS)
    if subject.discrete:
        x = np.arange(np.floor(low), np.ceil(high) + 1.0)
        x = x[:: -(-x.size // (2 * _POINTS))]
    if rows is not None:
        places = rows.few(2 * _POINTS)
        at = rows.values[places]
        lower, upper = rows.band(places)
        axes.fill_between(
            at, lower, upper, step="post", color=RULE, linewidth=0.0, label="rows, 95% band"
        )
        axes.step(at, rows.upto[places], where="post", color=FAINT, linewidth=1.0)
    for curve, dashes, _, options in subject.styled():
        steps = {"drawstyle": "steps-post"} if subject.discrete else {}
        axes.plot(x, curve.model.cdf(x), dashes, **steps, **options)
    axes.set_xlim(low, high)
    axes.set_ylim(0.0, 1.0)
    axes.set_xlabel(plain(subject.label))
    axes.set_ylabel("probability up to it")


# ---- quantiles against quantiles ---------------------------------------------------------------


def draw_qq(axes: Any, subject: Subject) -> None:
    """Draw the rows' quantiles against the distributions', with a simultaneous 95% band."""
    rows = _need_rows(subject)
    places = rows.few(_DOTS)
    at, values = rows.middle[places], rows.values[places]
    if subject.logarithmic:
        axes.set_xscale("log")
        axes.set_yscale("log")
    main = subject.curves[0].model
    quantiles = np.asarray(main.quantile(at))
    lower, upper = (np.asarray(main.quantile(u)) for u in rows.band(places))
    axes.fill_between(quantiles, lower, upper, color=RULE, linewidth=0.0, label="95% band")
    ends = [float(quantiles[0]), float(quantiles[-1])]
    axes.plot(ends, ends, color=FAINT, linewidth=1.0)
    for curve, _, marker, options in subject.styled():
        own = quantiles if curve.model is main else np.asarray(curve.model.quantile(at))
        axes.plot(own, values, marker, markersize=3.0, **options)
    inside = np.isfinite(quantiles)
    low, high = float(quantiles[inside].min()), float(quantiles[inside].max())
    if low < high:
        axes.set_xlim(_padded(low, high, logarithmic=subject.logarithmic))
    axes.set_ylim(
        _padded(
            min(low, float(values[0])),
            max(high, float(values[-1])),
            logarithmic=subject.logarithmic,
        )
    )
    axes.set_xlabel("quantile of the distribution")
    axes.set_ylabel(plain(subject.label))


def draw_pp(axes: Any, subject: Subject) -> None:
    """Draw the rows' probabilities against the distributions', with a simultaneous 95% band."""
    rows = _need_rows(subject)
    places = rows.few(_DOTS)
    at = rows.upto[places] if subject.discrete else rows.middle[places]
    lower, upper = rows.band(places)
    axes.fill_betweenx(at, lower, upper, color=RULE, linewidth=0.0, label="95% band")
    axes.plot([0.0, 1.0], [0.0, 1.0], color=FAINT, linewidth=1.0)
    for curve, _, marker, options in subject.styled():
        probability = np.asarray(curve.model.cdf(rows.values[places]))
        axes.plot(probability, at, marker, markersize=3.0, **options)
    axes.set_xlim(0.0, 1.0)
    axes.set_ylim(0.0, 1.0)
    axes.set_xlabel("probability by the distribution")
    axes.set_ylabel("share of the rows")


def draw_paper(axes: Any, subject: Subject) -> None:
    """Draw the rows on the scale of probabilities on which the main distribution is a line.

    Positive outcomes have a logarithmic axis: Weibull, log-normal and Pareto papers are lines
    there whatever their parameters.
    """
    rows = _need_rows(subject)
    main = subject.curves[0].model
    logs = main.support.lower >= 0.0 and bool(rows.values[0] > 0.0)

    def height(u: Vector) -> Vector:
        q = np.asarray(main.quantile(u), dtype=np.float64)
        out: Vector = np.log(q) if logs else q
        return out

    places = rows.few(_DOTS)
    at, values = rows.middle[places], rows.values[places]
    if logs:
        axes.set_xscale("log")
    heights = height(at)
    lower, upper = rows.band(places)
    axes.fill_between(
        values, height(lower), height(upper), color=RULE, linewidth=0.0, label="95% band"
    )
    axes.plot(values, heights, "o", color=FAINT, markersize=3.0, label="rows")
    shown = np.array([u for u in _TICKS if 0.3 * at[0] <= u <= 1.0 - 0.3 * (1.0 - at[-1])])
    line = np.unique(np.concatenate([at, shown]))
    for curve, dashes, _, options in subject.styled():
        axes.plot(np.asarray(curve.model.quantile(line)), height(line), dashes, **options)
    axes.set_yticks(height(shown), [f"{u:g}" for u in shown])
    axes.set_yticks([], minor=True)
    axes.set_ylim(_padded(float(heights[0]), float(heights[-1]), logarithmic=False))
    axes.set_xlim(_padded(float(values[0]), float(values[-1]), logarithmic=logs))
    axes.set_xlabel(plain(subject.label))
    axes.set_ylabel(f"probability up to it, {main.name} scale")


def _padded(low: float, high: float, *, logarithmic: bool) -> tuple[float, float]:
    """A little more than [low, high]."""
    if logarithmic and low > 0.0:
        more = (high / low) ** 0.04
        return (low / more, high * more) if more > 1.0 else (0.9 * low, 1.1 * high)
    more = 0.04 * (high - low) or 1.0
    return low - more, high + more


def _need_rows(subject: Subject) -> DrawnRows:
    assert subject.rows is not None  # the caller checks
    return subject.rows


def plain(text: str) -> str:
    """Return text that has room in a picture and that matplotlib does not read as a formula."""
    short = text if len(text) <= _ROOM else f"{text[: _ROOM - 1]}…"
    return short.replace("$", r"\$")
