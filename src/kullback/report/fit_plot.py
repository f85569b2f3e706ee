"""Figures of a fit: the fitted density with its quantiles, or the losses of a training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from kullback._core.extras import need
from kullback._core.units import nats_per
from kullback.data.checks import name_of_column
from kullback.report.figure import new_figure

if TYPE_CHECKING:
    from kullback.results.fit import Fit
    from kullback.results.trained import TrainedFit

# The quantiles that are marked where none are asked for.
MARKS = (0.05, 0.5, 0.95)

# The density is drawn between these quantiles, and at most so many quartile ranges from the
# quartiles: the quantiles of a heavy tail would leave the rest of the figure to one peak.
_ENDS, _REACH = (0.002, 0.998), 6.0
# A density may be infinite at the end of its support: the axis ends at its largest value between
# these quantiles.
_INSIDE = (0.02, 0.98)
_POINTS = 801
# The largest numbers of counts and of classes that are drawn one by one.
_COUNTS, _CLASSES = 200, 30

_COLOUR = "tab:blue"


def fit_figure(fit: Fit, marks: Sequence[float] = MARKS) -> Any:
    """Draw the density of a fitted distribution, or the probabilities of its outcomes.

    Args:
        fit: the fit. Its rows are not stored, so they are not drawn.
        marks: probabilities whose quantiles are marked; of no use for class labels.

    Returns:
        A matplotlib figure outside pyplot.
    """
    axes = _axes(6.4, 4.0)
    state = "" if fit.convergence.converged else ", NOT CONVERGED"
    axes.set_title(f"{fit.form.name} fitted to {fit.sample_info.rows:,} rows{state}", loc="left")
    if fit.form.outcome == "label":
        _draw_classes(axes, fit)
    else:
        _draw_density(axes, fit, marks)
        axes.set_ylim(bottom=0.0)
    return axes.figure


def _draw_density(axes: Any, fit: Fit, marks: Sequence[float]) -> None:
    model = fit.model
    quantiles = [float(value) for value in np.atleast_1d(model.quantile(np.array(marks)))]
    low, high = _range(model, [value for value in quantiles if np.isfinite(value)])
    if model.discrete:
        x = np.arange(np.floor(low), np.ceil(high) + 1.0)
    else:
        x = np.linspace(low, high, _POINTS)
    if model.discrete and x.size <= _COUNTS:
        axes.bar(x, model.density(x), color=_COLOUR, alpha=0.5, width=0.8)
    else:
        x = x[:: -(-x.size // (2 * _POINTS))]
        density = np.asarray(model.density(x))
        a, b = model.quantile(np.array(_INSIDE))
        inside = density[(x >= a) & (x <= b)]
        if inside.size:
            axes.set_ylim(top=1.1 * float(inside.max()))
        axes.fill_between(x, density, color=_COLOUR, alpha=0.2, linewidth=0.0)
        axes.plot(x, density, color=_COLOUR)
    styles = ("--", "-", ":", "-.")
    for k, (u, value) in enumerate(zip(marks, quantiles, strict=True)):
        label = f"{u:g} quantile: {value:.4g}"
        if np.isfinite(value):
            axes.axvline(value, color="0.35", linewidth=1.0, linestyle=styles[k % 4], label=label)
        else:
            axes.plot([], [], " ", label=label)
    if marks:
        axes.legend(frameon=False)
    axes.set_xlabel(_plain(name_of_column(fit.sample_info.label)))
    axes.set_ylabel("probability" if model.discrete else "density")


def _range(model: Any, marked: Sequence[float]) -> tuple[float, float]:
    """The outcomes between which a density is drawn: nearly all, and those that are marked."""
    low, first, last, high = map(float, model.quantile(np.array([_ENDS[0], 0.25, 0.75, _ENDS[1]])))
    reach = _REACH * (last - first)
    low, high = max(low, first - reach), min(high, last + reach)
    low, high = min([low, *marked]), max([high, *marked])
    return (low, high) if low < high else (low - 1.0, high + 1.0)


def _draw_classes(axes: Any, fit: Fit) -> None:
    levels = fit.sample_info.levels or ()
    shares = np.asarray(fit.model.density(np.arange(float(len(levels)))))
    order = np.argsort(-shares, kind="stable")[:_CLASSES]
    names = [_plain(str(levels[k])) for k in order]
    axes.figure.set_figheight(1.4 + 0.26 * len(order))
    axes.barh(range(len(order)), shares[order], color=_COLOUR, alpha=0.6)
    axes.set_yticks(range(len(order)), names)
    axes.invert_yaxis()
    rest = len(levels) - len(order)
    axes.set_xlabel(
        "probability" + (f" ({rest:,} less probable classes not drawn)" if rest else "")
    )
    axes.set_ylabel(_plain(name_of_column(fit.sample_info.label)))


def training_figure(fit: TrainedFit, unit: str) -> Any:
    """Draw the losses of every epoch of a training.

    Args:
        fit: the trained fit.
        unit: of the losses.

    Returns:
        A matplotlib figure outside pyplot.
    """
    size = nats_per(unit)
    axes = _axes(6.4, 4.0)
    epochs = [epoch.number for epoch in fit.history]
    for label, colour, losses in (
        ("training (dropout and weights included)", "0.6", [e.training for e in fit.history]),
        ("held out, calibrated", _COLOUR, [e.refined for e in fit.history]),
    ):
        axes.plot(epochs, np.array(losses) / size, color=colour, label=label)
    if np.isfinite(fit.baseline):
        baseline = fit.baseline / size
        axes.axhline(baseline, color="0.35", linewidth=1.0, linestyle="--", label="baseline")
    if fit.best:
        axes.axvline(fit.best, color="0.35", linewidth=1.0, linestyle=":", label="weights used")
    axes.legend(frameon=False)
    axes.set_title(f"Training of {fit.form.name} on {fit.rows:,} rows", loc="left")
    axes.set_xlabel("epoch")
    axes.set_ylabel(f"cross-entropy ({unit})")
    return axes.figure


def _axes(width: float, height: float) -> Any:
    need("plot", "figures")
    axes = new_figure(width, height).subplots()
    for edge in ("top", "right"):
        axes.spines[edge].set_visible(False)
    return axes


def _plain(text: str) -> str:
    """Text that matplotlib does not read as a formula."""
    return text.replace("$", r"\$")
