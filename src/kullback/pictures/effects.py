"""Partial effects: the mean along one column with its confidence band, over the rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from kullback._core.arrays import Vector
from kullback.pictures.distribution import has_long_tail
from kullback.pictures.style import CURVES, ENTROPY, FAINT, log_axis, plain, short

# Categories of the most rows, as many as have room.
_LEVELS = 12
# Categories stand below the picture as far as their names have room there, else at its side.
_BELOW, _CHARACTERS = 6, 30
# Classes that are drawn, those of the largest probabilities.
_CLASSES = 4
# Components of a mixture that are drawn beside the mixture.
_COMPONENTS = 3
# Rows of one category lie apart by this share of its room; the golden ratio spreads them evenly.
_ROOM, _GOLDEN = 0.5, 0.6180339887498949
# The outcomes that are shown lie between these shares of the rows; the band is shown whole, as far
# as it is not this many times higher than they are.
_SHOWN, _TIMES = (0.01, 0.99), 3.0
_DASHES = ("-", "--", "-.", ":")


def draw_effect(axes: Any, effect: Any, label: str, levels: Sequence[Any] | None) -> None:
    """Draw the partial effect of a column.

    Args:
        axes: of matplotlib.
        effect: a ``PartialEffect``.
        label: the name of the outcome, or of the probability of a Bernoulli distribution.
        levels: the class labels; None for numbers.
    """
    effect, left_out = _most_frequent(effect)
    names = [short(str(v)) for v in effect.at] if effect.categories else []
    aside = len(names) > _BELOW or sum(map(len, names)) > _CHARACTERS
    draw = _Drawing(axes, effect, aside=aside)
    if levels is None:
        draw.rows(effect.rows)
        whole = "mixture" if effect.components else ""
        draw.curve(effect.value, effect.lower, effect.upper, ENTROPY, "-", whole)
        for i, (name, own) in enumerate(list(effect.components.items())[:_COMPONENTS]):
            draw.curve(own[0], own[1], own[2], CURVES[1 + i], _DASHES[1 + i], name)
        of = f"{effect.what} of {label}"
        draw.limit(effect)
        if whole:
            more = len(effect.components) - _COMPONENTS
            axes.legend(title=f"{more} more components not drawn" if more > 0 else None)
    else:
        of = _draw_classes(draw, effect, levels)
    rarer = f" ({left_out:,} rarer ones not drawn)" if left_out else ""
    across, up = plain(effect.column) + rarer, plain(of)
    if aside:
        axes.set_yticks(range(len(names)), names)
        axes.set_ylim(len(names) - 0.4, -0.6)
        across, up = up, across
    elif names:
        axes.set_xticks(range(len(names)), names)
        axes.set_xlim(-0.6, len(names) - 0.4)
    axes.set_xlabel(across)
    axes.set_ylabel(up)


def _most_frequent(effect: Any) -> tuple[Any, int]:
    """Leave out all but the categories of the most rows; return how many are left out too."""
    if not effect.categories or len(effect.at) <= _LEVELS:
        return effect, 0
    kept = np.sort(np.argsort(-effect.weight, kind="stable")[:_LEVELS])
    place = np.full(len(effect.at), np.nan)
    place[kept] = np.arange(_LEVELS)
    at = place[effect.rows[0].astype(np.intp)]
    rows = np.stack([at, *effect.rows[1:]])[:, ~np.isnan(at)]
    ends = {name: getattr(effect, name)[kept] for name in ("value", "lower", "upper")}
    ends["components"] = {name: own[:, kept] for name, own in effect.components.items()}
    few = replace(effect, at=tuple(effect.at[k] for k in kept), rows=rows, **ends)
    return few, len(effect.at) - _LEVELS


def _draw_classes(draw: _Drawing, effect: Any, levels: Sequence[Any]) -> str:
    """Draw the probabilities of classes, and return what they are."""
    if len(levels) == 2:  # that of the other class is the rest
        draw.rows(effect.rows)
        k = 1
        draw.curve(effect.value[:, k], effect.lower[:, k], effect.upper[:, k], ENTROPY, "-", "")
        draw.within(-0.05, 1.05)
        return f"probability of {levels[1]}"
    draw.rows(np.stack([effect.rows[0], *np.full((2, effect.rows.shape[1]), -0.03)]))
    most = np.sort(np.argsort(-effect.value.mean(axis=0), kind="stable")[:_CLASSES])
    for i, k in enumerate(most):
        ends = effect.lower[:, k], effect.upper[:, k]
        draw.curve(effect.value[:, k], *ends, CURVES[i], _DASHES[i], short(str(levels[k])))
    draw.within(-0.05, 1.05)
    rest = len(levels) - len(most)
    draw.axes.legend(title=f"{rest:,} less probable classes not drawn" if rest else None)
    return "probability"


class _Drawing:
    """Draws along a column, which is the horizontal axis or, for many categories, the vertical."""

    def __init__(self, axes: Any, effect: Any, *, aside: bool) -> None:
        self.axes, self.effect, self.aside = axes, effect, aside
        self.places = np.arange(len(effect.at)) if effect.categories else np.array(effect.at)
        self.drawn = 0

    def _turned(self, place: Any, value: Any) -> tuple[Any, Any]:
        return (value, place) if self.aside else (place, value)

    def rows(self, rows: Vector) -> None:
        """Draw rows: dots; triangles point to where a censored outcome lies, lines between ends."""
        place, lower, upper = rows
        if self.effect.categories:
            order = np.arange(place.size) * _GOLDEN % 1.0 - 0.5
            place = place + _ROOM * order
        options = {"color": FAINT, "alpha": 0.55, "linestyle": "none", "zorder": 1.5}
        seen = lower == upper
        whole = bool(np.all(seen)) and np.unique(lower).size <= 2  # classes: a rug
        of_ends = ("_" if self.aside else "|") if whole else "o"
        size = 5.0 if whole else 2.5
        self._dots(place[seen], lower[seen], of_ends, markersize=size, **options)
        up, down = (">", "<") if self.aside else ("^", "v")
        at_least = ~seen & np.isinf(upper) & np.isfinite(lower)
        at_most = ~seen & np.isinf(lower) & np.isfinite(upper)
        hollow = {"markerfacecolor": "none", "markersize": 3.5, **options}
        self._dots(place[at_least], lower[at_least], up, **hollow)
        self._dots(place[at_most], upper[at_most], down, **hollow)
        between = ~seen & np.isfinite(lower) & np.isfinite(upper)
        if np.any(between):
            lines = self.axes.hlines if self.aside else self.axes.vlines
            lines(place[between], lower[between], upper[between], color=FAINT, alpha=0.55, lw=0.8)

    def _dots(self, place: Vector, value: Vector, marker: str, **options: Any) -> None:
        if place.size:
            self.axes.plot(*self._turned(place, value), marker, **options)

    def curve(
        self, value: Vector, lower: Vector, upper: Vector, color: str, dashes: str, name: str
    ) -> None:
        """Draw a curve with its band, or points with their intervals."""
        options = {"color": color, "label": name or None}
        if self.effect.connected:
            self.axes.fill_between(self.places, lower, upper, color=color, alpha=0.2, linewidth=0.0)
            self.axes.plot(self.places, value, dashes, **options)
            return
        place = self.places + 0.12 * self.drawn  # of several classes side by side
        self.drawn += 1
        error = np.maximum(np.stack([value - lower, upper - value]), 0.0)
        which = {"xerr": error} if self.aside else {"yerr": error}
        self.axes.errorbar(
            *self._turned(place, value),
            fmt="o",
            markersize=5.0,
            capsize=2.5,
            zorder=3.0,
            **which,
            **options,
        )

    def within(self, low: float, high: float) -> None:
        """Set the limits of the outcome's axis."""
        (self.axes.set_xlim if self.aside else self.axes.set_ylim)(low, high)

    def limit(self, effect: Any) -> None:
        """Show most outcomes and the curve with its band, on a logarithmic axis where they ask."""
        _, lower, upper = effect.rows
        seen = np.where(np.isfinite(lower), lower, upper)
        seen = np.sort(seen[np.isfinite(seen)])
        curve = np.concatenate([effect.value, *(own[0] for own in effect.components.values())])
        curve = curve[np.isfinite(curve)]
        if not seen.size or not curve.size:
            return
        low, high = np.quantile(seen, _SHOWN)
        logs = bool(min(seen[0], curve.min()) > 0.0) and has_long_tail(
            float(low), float(np.median(seen)), float(high)
        )
        whole = max(high, curve.max()) - min(low, curve.min())
        ends = np.concatenate([effect.lower, effect.upper])
        ends = ends[np.isfinite(ends)]
        if logs:
            ends = ends[ends > 0.0]
        ends = np.concatenate([ends, curve])
        low = min(low, curve.min(), max(ends.min(), low - _TIMES * whole))
        high = max(high, curve.max(), min(ends.max(), high + _TIMES * whole))
        if logs:
            more = (high / low) ** 0.05
            self.within(low / more, high * more)
            log_axis(self.axes.xaxis if self.aside else self.axes.yaxis)
            return
        more = 0.05 * (high - low) or 1.0
        self.within(low - more, high + more)


def note(effects: Sequence[Any], level: float) -> str:
    """Say what is drawn, in a line below the pictures.

    Args:
        effects: the ``PartialEffect``s.
        level: of their intervals.
    """
    others = "; the other columns at their mean, or most frequent category" * (
        any(effect.held for effect in effects)
    )
    censored = any(np.any(effect.rows[1] != effect.rows[2]) for effect in effects)
    beyond = "; triangles point to where a censored outcome lies" * censored
    return f"{100 * level:g}% intervals{others}{beyond}"
