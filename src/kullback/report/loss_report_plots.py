"""Pictures of the loss report of a classifier, with matplotlib."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:  # a loss report draws itself by this file, which only reads what it is given
    from kullback.evaluation.loss_report import LossReport


# Classes beyond this many are not drawn: the pooled curve shows them all.
_CLASSES = 10
# Nor are more reliability curves than this, side by side.
CURVES = 12


def loss_report_figure(report: LossReport) -> Any:
    """Draw reliability, the parts of the label's entropy, the classes and the rows' losses.

    Args:
        report: what ``kl.evaluate`` gave.

    Returns:
        A matplotlib figure; it belongs to no window.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10.0, 8.0), layout="constrained")
    axes = figure.subplots(2, 2)
    _reliability(axes[0, 0], report)
    _parts(axes[0, 1], report)
    _classes(axes[1, 0], report)
    _losses(axes[1, 1], report)
    return figure


def reliability_figure(report: LossReport) -> Any:
    """Draw the reliability curves of the classes with most rows, side by side.

    Args:
        report: what ``kl.evaluate`` gave.

    Returns:
        A matplotlib figure; None for two classes, of which one curve tells the other.
    """
    from matplotlib.figure import Figure

    curves = report.curves[1:]
    if len(curves) < 3:
        return None
    weights = {group.name: group.weight for group in report.by_class}
    chosen = sorted(curves, key=lambda curve: -weights.get(curve.name, 0.0))[:CURVES]
    rows = -(-len(chosen) // 4)
    figure = Figure(figsize=(10.0, 2.6 * rows), layout="constrained")
    axes = figure.subplots(rows, 4, sharex=True, sharey=True, squeeze=False).ravel()
    for ax, curve in zip(axes, chosen, strict=False):
        ax.plot([0.0, 1.0], [0.0, 1.0], color="0.6", linewidth=1.0)
        ax.fill_between(
            curve.forecast, curve.low, curve.high, color="tab:blue", alpha=0.2, linewidth=0.0
        )
        ax.plot(curve.forecast, curve.frequency, color="tab:blue")
        ax.set_title(_plain(curve.name), fontsize=10)
    for ax in axes[len(chosen) :]:
        ax.set_axis_off()
    figure.supxlabel("probability given")
    figure.supylabel("how often it was so")
    return figure


def _reliability(ax: Any, report: LossReport) -> None:
    ax.plot([0.0, 1.0], [0.0, 1.0], color="0.6", linewidth=1.0)
    for curve in report.curves[:1]:
        ax.fill_between(
            curve.forecast,
            curve.low,
            curve.high,
            color="tab:blue",
            alpha=0.2,
            linewidth=0.0,
            label=f"{100.0 * report.cross_entropy.level:.0f} % band if calibrated",
        )
        ax.plot(curve.forecast, curve.frequency, color="tab:blue", label="all classes")
    ax.set(xlabel="probability given", ylabel="how often it was so", title="Reliability (CORP)")
    ax.legend(loc="upper left", frameon=False)


def _parts(ax: Any, report: LossReport) -> None:
    parts = [
        ("explained", float(report.explained), "tab:green"),
        ("calibration", float(report.calibration), "tab:orange"),
        ("refinement", float(report.refinement), "tab:red"),
    ]
    shown = [(name, value, color) for name, value, color in parts if np.isfinite(value)]
    for place, (_, value, color) in enumerate(shown):
        ax.barh(place, value, color=color)
        ax.annotate(f" {value:.3g}", (max(value, 0.0), place), va="center")
    ax.axvline(float(report.label_entropy), color="0.4", linestyle="--", linewidth=1.0)
    ax.set_yticks(range(len(shown)), [name for name, _, _ in shown])
    ax.invert_yaxis()
    ax.margins(x=0.15)
    ax.set(xlabel=report.unit, title="Parts of the label's entropy (dashed)")


def _classes(ax: Any, report: LossReport) -> None:
    groups = [g for g in report.by_class if np.isfinite(float(g.cross_entropy))]
    worst = sorted(groups, key=lambda g: -float(g.cross_entropy))[:_CLASSES]
    ax.barh([_plain(g.name) for g in worst], [float(g.cross_entropy) for g in worst])
    ax.invert_yaxis()
    ax.set(xlabel=f"cross-entropy, {report.unit}", title="Costliest classes")


def _losses(ax: Any, report: LossReport) -> None:
    losses = np.sort(report.losses[np.isfinite(report.losses)])[::-1]
    ax.plot(np.arange(1, losses.size + 1), losses)
    ax.set(
        xscale="log", xlabel="rows, costliest first", ylabel=report.unit, title="Cost of each row"
    )


def _plain(name: Any) -> str:
    """A class name as text that matplotlib takes literally: a dollar sign begins a formula."""
    text = str(name).replace("$", r"\$")
    return text if len(text) <= 20 else text[:19] + "…"
