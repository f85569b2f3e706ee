"""Figures of regressions: effects of columns, coefficients, and quantile residuals."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING, Any

import numpy as np

from kullback._core.domains import BINARY
from kullback._core.errors import KullbackError
from kullback.data.checks import name_of_column
from kullback.pictures.coefficients import draw_forest, forests
from kullback.pictures.effects import draw_effect, note
from kullback.pictures.figure import new_figure
from kullback.pictures.residuals import draw_residual_qq, draw_worm, residual_subject
from kullback.pictures.style import FAINT

if TYPE_CHECKING:  # a fit draws itself
    from kullback.results.fit import Fit

KINDS = ("effects", "coefficients", "residuals", "qq", "worm")
# Effects in one figure, and beside the residuals.
_MOST, _BESIDE = 12, 5
_LEVEL = 0.95

Panel = tuple[str, Callable[[Any], None]]


def regression_figure(
    fit: Fit, kind: str | None, title: str, *, exponentiate: bool = False, ax: Any = None
) -> Any:
    """Draw a regression.

    Args:
        fit: the fit.
        kind: one of ``KINDS``; None for the largest effects and the Q–Q plot of residuals.
        title: of the figure.
        exponentiate: whether coefficients are drawn in exponentials.
        ax: matplotlib axes to draw a single panel on.

    Returns:
        The matplotlib figure.

    Raises:
        KullbackError: for what the fit cannot show, or axes for several panels.
    """
    if kind == "coefficients":
        found = forests(fit, _LEVEL, exponentiate=exponentiate)
        heights = [0.6 + 0.24 * len(forest.names) for forest in found]
        panels: list[Panel] = [(f.title, _with(draw_forest, f)) for f in found]
        return _figure(panels, f"{title}, {100 * _LEVEL:g}% intervals", ax, heights=heights)
    below, panels = "", []
    if kind in (None, "effects"):
        panels, below = effect_panels(fit, _BESIDE if kind is None else _MOST)
        panels = [("", draw) for _, draw in panels]  # the axes say it
    if kind != "effects":
        # a model of labels has none, and a fit without rows
        with suppress(KullbackError) if kind is None else nullcontext():
            qq, worm = residual_panels(fit)
            panels += [qq] * (kind != "worm") + [worm] * (kind in ("worm", "residuals"))
    return _figure(panels, title, ax, below=below)


def effect_panels(fit: Fit, most: int) -> tuple[list[Panel], str]:
    """Return the effects with the largest range, in the order of the columns, and what they are.

    Args:
        fit: the fit.
        most: how many.
    """
    found = list(fit.partial_effects(level=_LEVEL).values())
    ranges = [float(np.max(np.ptp(effect.value, axis=0))) for effect in found]
    shown = sorted(np.argsort(-np.array(ranges), kind="stable")[:most].tolist())
    label, levels = name_of_column(fit.sample_info.label), fit.sample_info.levels
    if fit.form.support == BINARY:
        label += " = 1"
    panels: list[Panel] = [
        (f"Effect of {found[k].column}", _with(draw_effect, found[k], label, levels)) for k in shown
    ]
    below = note([found[k] for k in shown], _LEVEL)
    if len(shown) < len(found):
        below += f"; {len(shown)} of {len(found)} columns, those with the largest effects"
    return panels, below


def coefficient_panels(fit: Fit) -> list[tuple[str, Callable[[Any], None], float]]:
    """Return the coefficients of each source: title, drawing, and height in inches."""
    return [
        (f"Coefficients of {f.title}", _with(draw_forest, f), 0.9 + 0.2 * len(f.names))
        for f in forests(fit, _LEVEL, exponentiate=False)
    ]


def residual_panels(fit: Fit) -> tuple[Panel, Panel]:
    """Return the Q–Q plot and the worm plot of quantile residuals."""
    subject = residual_subject(fit)
    return (
        ("Residuals", _with(draw_residual_qq, subject)),
        ("Worm plot of residuals", _with(draw_worm, subject)),
    )


def _with(draw: Callable[..., None], *arguments: Any) -> Callable[[Any], None]:
    return lambda axes: draw(axes, *arguments)


def _figure(
    panels: Sequence[Panel],
    title: str,
    ax: Any,
    *,
    below: str = "",
    heights: Sequence[float] | None = None,
) -> Any:
    """Draw panels: beside each other, or below each other where they have heights of their own."""
    if not panels:
        raise KullbackError("this fit has neither columns nor residuals to draw.")
    if ax is not None:
        if len(panels) > 1:
            raise KullbackError(
                f"ax takes one picture, but this figure has {len(panels)}: leave ax out."
            )
        name, draw = panels[0]
        draw(ax)
        ax.set_title(name)
        return ax.figure
    if heights is not None:
        figure = new_figure(6.4, 0.5 + sum(heights))
        places = list(figure.subplots(len(panels), 1, squeeze=False, height_ratios=heights).flat)
    else:
        across = min(len(panels), 2 if len(panels) in (2, 4) else 3)
        down = math.ceil(len(panels) / across)
        figure = new_figure(6.4 if across == 1 else 4.6 * across, 3.8 * down)
        places = list(figure.subplots(down, across, squeeze=False).flat)
    for axes in places[len(panels) :]:
        axes.set_axis_off()
    for axes, (name, draw) in zip(places, panels, strict=False):
        draw(axes)
        axes.set_title(name)
    figure.suptitle(title, x=0.01, ha="left")
    if below:
        figure.supxlabel(below, x=0.01, ha="left", fontsize=9.0, color=FAINT)
    return figure
