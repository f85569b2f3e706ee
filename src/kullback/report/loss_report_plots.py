"""Figures of the loss report of a classifier, with matplotlib."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from kullback.report.figure import new_figure

if TYPE_CHECKING:  # evaluation imports this module when a report is drawn
    from kullback.evaluation.loss_report import LossReport


# The largest number of bars of classes.
_CLASSES = 10
# The bars of the decomposition.
_TERMS = {"explained": "tab:green", "calibration": "tab:orange", "refinement": "tab:red"}
# The largest number of reliability curves side by side.
CURVES = 12


def loss_report_figure(report: LossReport) -> Any:
    """Draw the reliability curve, the decomposition, and the losses of classes and of rows.

    Args:
        report: what ``kl.evaluate`` gave.

    Returns:
        A matplotlib figure outside pyplot.
    """
    figure = new_figure(10.0, 8.0)
    axes = figure.subplots(2, 2)
    _reliability(axes[0, 0], report)
    _decomposition(axes[0, 1], report)
    _classes(axes[1, 0], report)
    _losses(axes[1, 1], report)
    left_out = not_drawn(report)
    if left_out:
        figure.supxlabel("\n".join(left_out), fontsize=9)
    return figure


def reliability_figure(report: LossReport) -> Any:
    """Draw the reliability curves of the classes with most rows, side by side.

    Args:
        report: what ``kl.evaluate`` gave.

    Returns:
        A matplotlib figure; None for two classes, whose curves are mirror images.
    """
    curves = report.curves[1:]
    if len(curves) < 3:
        return None
    weights = {group.name: group.weight for group in report.by_class}
    chosen = sorted(curves, key=lambda curve: -weights.get(curve.name, 0.0))[:CURVES]
    rows = -(-len(chosen) // 4)
    figure = new_figure(10.0, 2.6 * rows)
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
    figure.supxlabel("forecast probability")
    figure.supylabel("observed frequency")
    return figure


def not_drawn(report: LossReport) -> tuple[str, ...]:
    """What the figures leave out because it is infinite or unknown, a sentence each.

    Args:
        report: what ``kl.evaluate`` gave.
    """
    terms = {name: float(getattr(report, name)) for name in _TERMS}
    infinite = [name for name, value in terms.items() if np.isinf(value)]
    unknown = [name for name, value in terms.items() if np.isnan(value)]
    losses = [float(group.cross_entropy) for group in report.by_class]
    classes, empty = int(np.isinf(losses).sum()), int(np.isnan(losses).sum())
    rows = int(np.isinf(report.losses).sum())
    sentences = (
        (infinite, f"Decomposition: infinite, so not drawn: {', '.join(infinite)}."),
        (unknown, f"Decomposition: not estimated, so not drawn: {', '.join(unknown)}."),
        (classes, f"Classes: {_number(classes, 'class', 'classes')} of infinite loss not drawn."),
        (empty, f"Classes: {_number(empty, 'class', 'classes')} without rows not drawn."),
        (rows, f"Rows: {_number(rows, 'row', 'rows')} of infinite loss not drawn."),
    )
    return tuple(sentence for holds, sentence in sentences if holds)


def _number(count: int, one: str, more: str) -> str:
    return f"{count:,} {one if count == 1 else more}"


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
    ax.set(xlabel="forecast probability", ylabel="observed frequency", title="Reliability (CORP)")
    ax.legend(loc="upper left", frameon=False)


def _decomposition(ax: Any, report: LossReport) -> None:
    terms = [(name, float(getattr(report, name)), color) for name, color in _TERMS.items()]
    shown = [(name, value, color) for name, value, color in terms if np.isfinite(value)]
    for position, (_, value, color) in enumerate(shown):
        ax.barh(position, value, color=color)
        ax.annotate(f" {value:.3g}", (max(value, 0.0), position), va="center")
    ax.axvline(float(report.label_entropy), color="0.4", linestyle="--", linewidth=1.0)
    ax.set_yticks(range(len(shown)), [name for name, _, _ in shown])
    ax.invert_yaxis()
    ax.margins(x=0.15)
    ax.set(xlabel=report.unit, title="Decomposition of the label's entropy (dashed)")


def _classes(ax: Any, report: LossReport) -> None:
    groups = [g for g in report.by_class if np.isfinite(float(g.cross_entropy))]
    worst = sorted(groups, key=lambda g: -float(g.cross_entropy))[:_CLASSES]
    ax.barh([_plain(g.name) for g in worst], [float(g.cross_entropy) for g in worst])
    ax.invert_yaxis()
    ax.set(xlabel=f"cross-entropy, {report.unit}", title="Classes with the largest losses")


def _losses(ax: Any, report: LossReport) -> None:
    losses = np.sort(report.losses[np.isfinite(report.losses)])[::-1]
    ax.plot(np.arange(1, losses.size + 1), losses)
    ax.set(
        xscale="log",
        xlabel="rows, largest loss first",
        ylabel=report.unit,
        title="Loss of each row",
    )


def _plain(name: Any) -> str:
    """A class name that matplotlib shows literally: an unescaped dollar sign starts a formula."""
    text = str(name).replace("$", r"\$")
    return text if len(text) <= 20 else text[:19] + "…"
