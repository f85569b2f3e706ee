"""Coefficients of linear sources with their intervals, a picture for each source."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from kullback._core.errors import KullbackError
from kullback.models.linear import INTERCEPT, reference_of, scale_of
from kullback.pictures.style import ENTROPY, FAINT, RULE, log_axis, short

# The most coefficients of one source; and characters of a name.
_MOST, _CHARACTERS = 40, 32


@final
@dataclass(frozen=True)
class Forest:
    """The coefficients of one source, or of one class of logits.

    Attributes:
        title: of the picture.
        names: of the coefficients, those of the largest |z| in their order.
        values: their estimates, or these in exponentials.
        lower: lower ends of the intervals.
        upper: upper ends.
        nothing: the value of a coefficient without any effect.
        note: which coefficients are left out.
    """

    title: str
    names: Sequence[str]
    values: Sequence[float]
    lower: Sequence[float]
    upper: Sequence[float]
    nothing: float
    note: str


def forests(fit: Any, level: float, *, exponentiate: bool) -> list[Forest]:
    """Return what is drawn of a fit.

    Args:
        fit: the fit.
        level: of the intervals.
        exponentiate: whether to draw exp(coefficient): ratios of what a coefficient adds to the
            logarithm of, such as rates and odds.

    Raises:
        KullbackError: for a fit without coefficients of columns.
    """
    params, errors, intervals = fit.params, fit.stderr, fit.interval(level)
    out: list[Forest] = []
    for parameter, value in params.items():
        for path, own in _tables(value):
            names = [name for name in own if name != INTERCEPT]
            if not names:
                continue
            stderr = np.array([_at(errors[parameter], path)[name] for name in names])
            ends = np.array([_at(intervals[parameter], path)[name] for name in names])
            values = np.array([own[name] for name in names])
            # those without an error, NaN, come last where not all are drawn
            with np.errstate(divide="ignore", invalid="ignore"):
                z = np.nan_to_num(np.abs(values / stderr), nan=0.0)
            shown = np.sort(np.argsort(-z, kind="stable")[:_MOST])
            left = len(names) - shown.size
            note = f" ({left:,} with smaller |z| not drawn)" if left else ""
            ratio = exponentiate and scale_of(parameter, fit.form.sources[parameter]) in (
                "log",
                "logit",
            )
            if ratio:
                with np.errstate(over="ignore"):
                    values, ends = np.exp(values), np.exp(ends)
            out.append(
                Forest(
                    ": ".join([parameter, *map(str, path)])
                    + reference_of(fit.form.sources[parameter]),
                    [names[k] for k in shown],
                    values[shown].tolist(),
                    ends[shown, 0].tolist(),
                    ends[shown, 1].tolist(),
                    1.0 if ratio else 0.0,
                    note,
                )
            )
    if not out:
        raise KullbackError(
            f"kind='coefficients' draws coefficients of columns, but {fit.form.name} has none."
        )
    if exponentiate and all(forest.nothing == 0.0 for forest in out):
        raise KullbackError(
            f"exponentials are ratios of parameters with a log or logit link, and {fit.form.name} "
            "has none here: leave exponentiate out."
        )
    return out


def draw_forest(axes: Any, forest: Forest) -> None:
    """Draw coefficients from top to bottom, each with its interval."""
    places = np.arange(len(forest.names))
    values, lower, upper = (np.array(v) for v in (forest.values, forest.lower, forest.upper))
    known = np.isfinite(lower) & np.isfinite(upper)
    axes.axvline(forest.nothing, color=FAINT, linewidth=1.0)
    for place in places[::2]:  # so that the eye finds the name of a point
        axes.axhspan(place - 0.5, place + 0.5, color=RULE, alpha=0.35, linewidth=0.0, zorder=0.5)
    error = np.where(known, np.stack([values - lower, upper - values]), 0.0)
    axes.errorbar(
        values, places, xerr=error, fmt="o", color=ENTROPY, markersize=4.5, capsize=2.0, zorder=3.0
    )
    axes.set_yticks(places, [short(name, _CHARACTERS) for name in forest.names])
    axes.set_ylim(len(places) - 0.5, -0.5)
    ratio = forest.nothing == 1.0
    if ratio and np.all(values > 0.0) and math.isfinite(float(np.max(upper[known], initial=1.0))):
        log_axis(axes.xaxis)
    missing = "; without an interval where it is unknown" if not np.all(known) else ""
    axes.set_xlabel(("exp(coefficient)" if ratio else "coefficient") + missing + forest.note)


def _tables(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """The mappings from names of coefficients to numbers inside a parameter's estimates."""
    if not isinstance(value, Mapping):
        return
    if all(not isinstance(own, Mapping) for own in value.values()):
        yield path, value
        return
    for key, own in value.items():
        yield from _tables(own, (*path, key))


def _at(value: Any, path: Sequence[Any]) -> Any:
    for key in path:
        value = value[key]
    return value
