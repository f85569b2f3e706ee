"""Probability plots of rows against fitted distributions: Q–Q, P–P, probability paper."""

from __future__ import annotations

from typing import Any

import numpy as np

from kullback._core.arrays import Vector
from kullback.models.model import Model
from kullback.pictures.distribution import Subject
from kullback.pictures.rows import Rows
from kullback.pictures.style import FAINT, INK, RULE, log_axis, plain

# The largest number of points.
DOTS = 400
# Probabilities that are written on probability paper, as far as they have room: this share of its
# height each. Those that matter most come first.
_TICKS = (0.5, 0.1, 0.9, 0.01, 0.99, 0.25, 0.75, 0.05, 0.95, 0.001, 0.999, 0.0001, 0.9999)
_ROOM = 0.05


def draw_qq(axes: Any, subject: Subject) -> None:
    """Draw the rows' quantiles against the distributions', with a simultaneous 95% band."""
    rows = _need_rows(subject)
    places = rows.few(DOTS)
    at, values = rows.middle[places], rows.values[places]
    main = subject.curves[0].model
    quantiles = np.asarray(main.quantile(at))
    lower, upper = (_quantiles(main, u) for u in rows.band(places))
    band = {"color": RULE, "linewidth": 0.0, "label": rows.points_band}
    axes.fill_between(quantiles, lower, upper, **band)
    ends = [float(quantiles[0]), float(quantiles[-1])]
    axes.plot(ends, ends, color=FAINT, linewidth=1.0)
    for curve, _, marker, options in subject.styled():
        own = quantiles if curve.model is main else np.asarray(curve.model.quantile(at))
        axes.plot(own, values, marker, markersize=3.0, **options)
    inside = np.isfinite(quantiles)
    low, high = float(quantiles[inside].min()), float(quantiles[inside].max())
    if low < high:
        axes.set_xlim(_padded(low, high, logs=subject.logarithmic))
    axes.set_ylim(
        _padded(
            min(low, float(values[0])),
            max(high, float(values[-1])),
            logs=subject.logarithmic,
        )
    )
    if subject.logarithmic:
        log_axis(axes.xaxis)
        log_axis(axes.yaxis)
    axes.set_xlabel("quantile of the distribution")
    axes.set_ylabel(plain(subject.label))


def draw_pp(axes: Any, subject: Subject) -> None:
    """Draw the rows' probabilities against the distributions', with a simultaneous 95% band."""
    rows = _need_rows(subject)
    places = rows.few(DOTS)
    at = rows.upto[places] if subject.discrete else rows.middle[places]
    lower, upper = rows.band_upto(places) if subject.discrete else rows.band(places)
    axes.fill_betweenx(at, lower, upper, color=RULE, linewidth=0.0, label=rows.points_band)
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
        q = _quantiles(main, u)
        out: Vector = np.log(q) if logs else q
        return out

    places = rows.few(DOTS)
    at, values = rows.middle[places], rows.values[places]
    heights = height(at)
    lower, upper = rows.band(places)
    axes.fill_between(
        values, height(lower), height(upper), color=RULE, linewidth=0.0, label=rows.points_band
    )
    axes.plot(values, heights, "o", color=INK, markersize=3.0, label=rows.name)
    room = _ROOM * float(heights[-1] - heights[0])
    ticks: dict[float, float] = {}
    for u, tick in zip(_TICKS, height(np.array(_TICKS)).tolist(), strict=True):
        near = any(abs(tick - other) < room for other in ticks.values())
        if not near and 0.3 * at[0] <= u <= 1.0 - 0.3 * (1.0 - at[-1]):
            ticks[u] = tick
    shown = np.array(list(ticks))
    line = np.unique(np.concatenate([at, shown]))
    for curve, dashes, _, options in subject.styled():
        axes.plot(np.asarray(curve.model.quantile(line)), height(line), dashes, **options)
    axes.set_yticks(list(ticks.values()), [f"{u:g}" for u in ticks])
    axes.set_yticks([], minor=True)
    axes.set_ylim(_padded(float(heights[0]), float(heights[-1]), logs=False))
    axes.set_xlim(_padded(float(values[0]), float(values[-1]), logs=logs))
    if logs:
        log_axis(axes.xaxis)
    axes.set_xlabel(plain(subject.label))
    axes.set_ylabel(f"probability up to it, {main.name} scale")


def _quantiles(model: Model, u: Vector) -> Vector:
    """Quantiles of a distribution; NaN where a probability is."""
    unknown = np.isnan(u)
    out = np.asarray(model.quantile(np.where(unknown, 0.5, u)), dtype=np.float64)
    return np.where(unknown, np.nan, out)


def _padded(low: float, high: float, *, logs: bool) -> tuple[float, float]:
    """A little more than [low, high]."""
    if logs and low > 0.0:
        more = (high / low) ** 0.04
        return (low / more, high * more) if more > 1.0 else (0.9 * low, 1.1 * high)
    more = 0.04 * (high - low) or 1.0
    return low - more, high + more


def _need_rows(subject: Subject) -> Rows:
    assert subject.rows is not None  # the caller checks
    return subject.rows
