"""Pictures of the loss report of a classifier, for its figure and its page."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from kullback._core.display import value_text
from kullback._core.units import nats_per
from kullback.pictures.figure import new_figure
from kullback.pictures.style import CROSS, ENTROPY, FAINT, INK, RELATIVE, look, plain

if TYPE_CHECKING:  # evaluation imports this module when a report is drawn
    from kullback.evaluation.loss_report import LossReport


# The largest number of bars of classes.
_CLASSES = 10
# The bars of the decomposition.
_TERMS = {"explained": CROSS, "calibration": RELATIVE, "refinement": ENTROPY}
# The largest number of reliability curves side by side.
CURVES = 12
_OFFSET = {"textcoords": "offset points"}


def loss_report_figure(report: LossReport) -> Any:
    """Draw the reliability curve, the decomposition, and the losses of classes and of rows.

    Args:
        report: what ``kl.evaluate`` gave.

    Returns:
        A matplotlib figure outside pyplot.
    """
    with look():
        figure = new_figure(10.0, 8.0)
        for axes, (title, draw, _) in zip(
            figure.subplots(2, 2).ravel(), pictures(report)[:4], strict=True
        ):
            draw(axes)
            axes.set_title(title)
        left_out = not_drawn(report)
        if left_out:
            figure.supxlabel("\n".join(left_out), fontsize=9)
    return figure


def pictures(report: LossReport) -> list[tuple[str, Callable[[Any], None], str]]:
    """Title, drawing and description of each picture.

    Args:
        report: what ``kl.evaluate`` gave.
    """
    unit = report.unit
    found = [
        (
            "Reliability of the probabilities",
            lambda axes: reliability(axes, report.curves[0], "all classes", report),
            "Observed frequency against forecast probability, with a band for calibrated ones.",
        ),
        (
            f"Decomposition of the label's entropy (dashed), {unit}",
            lambda axes: _decomposition(axes, report),
            "A bar for each part of the label's entropy, which is a dashed line.",
        ),
        (
            f"Costliest classes, {unit}",
            lambda axes: _classes(axes, report),
            "The classes with the largest mean loss, a bar each.",
        ),
        (
            f"Cost of each row, {unit}",
            lambda axes: _losses(axes, report),
            "Loss of the rows in descending order; few rows often make up most of it.",
        ),
    ]
    if report.history:
        found.append(
            (
                f"Learning curve, {unit}",
                lambda axes: _history(axes, report),
                "Training and held-out loss by epoch, with the label's entropy as a dashed line.",
            )
        )
    return found


def chosen_curves(report: LossReport) -> list[Any]:
    """Return the reliability curves of the classes with most rows; none of two classes.

    Args:
        report: what ``kl.evaluate`` gave.
    """
    if len(report.curves) < 4:  # of all classes, and of two that mirror each other
        return []
    weights = {group.name: group.weight for group in report.by_class}
    return sorted(report.curves[1:], key=lambda curve: -weights.get(curve.name, 0.0))[:CURVES]


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


def reliability(axes: Any, curve: Any, name: str, report: LossReport) -> None:
    """Draw a reliability curve with its band.

    Args:
        axes: to draw on.
        curve: of the loss report.
        name: its label; the legend and the titles of the axes are left out where it is empty.
        report: what ``kl.evaluate`` gave.
    """
    axes.plot([0.0, 1.0], [0.0, 1.0], color=FAINT, linewidth=1.0, linestyle="--")
    axes.fill_between(
        curve.forecast,
        curve.low,
        curve.high,
        color=ENTROPY,
        alpha=0.2,
        linewidth=0.0,
        label=f"{100.0 * report.cross_entropy.level:.4g} % band if calibrated",
    )
    line = {"marker": "o", "markersize": 3.0} if len(curve.forecast) < 3 else {}
    axes.plot(curve.forecast, curve.frequency, color=ENTROPY, label=name, **line)
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    axes.set_xticks([0.0, 0.5, 1.0])
    axes.set_yticks([0.0, 0.5, 1.0])
    if name:
        axes.set(xlabel="forecast probability", ylabel="observed frequency")
        axes.legend(loc="upper left")


def _decomposition(axes: Any, report: LossReport) -> None:
    terms = [(name, float(getattr(report, name)), color) for name, color in _TERMS.items()]
    shown = [(name, value, color) for name, value, color in terms if np.isfinite(value)]
    if not shown:
        _nothing(axes, "no part is finite")
        return
    _bars(axes, [name for name, _, _ in shown], [v for _, v, _ in shown], [c for *_, c in shown])
    axes.axvline(float(report.label_entropy), color=INK, linestyle="--", linewidth=1.0)


def _classes(axes: Any, report: LossReport) -> None:
    groups = [g for g in report.by_class if np.isfinite(float(g.cross_entropy))]
    worst = sorted(groups, key=lambda g: -float(g.cross_entropy))[:_CLASSES]
    if not worst:
        _nothing(axes, "no class has a finite loss")
        return
    losses = [float(g.cross_entropy) for g in worst]
    _bars(axes, [plain(value_text(g.name), 20) for g in worst], losses, [CROSS] * len(worst))


def _bars(axes: Any, names: list[str], values: list[float], colours: list[str]) -> None:
    axes.barh(range(len(values)), values, color=colours, height=0.7)
    for position, value in enumerate(values):
        axes.annotate(f" {value:.3g}", (max(value, 0.0), position), va="center")
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(max(len(names), 3) - 0.4, -0.6)  # few bars stay thin
    axes.margins(x=0.15)
    axes.axvline(0.0, color=FAINT, linewidth=1.0)
    axes.tick_params(axis="y", length=0.0)


def _losses(axes: Any, report: LossReport) -> None:
    losses = np.sort(report.losses[np.isfinite(report.losses)])[::-1]
    if not losses.size:
        _nothing(axes, "no row has a finite loss")
        return
    line = {"marker": "o"} if losses.size == 1 else {}
    axes.plot(np.arange(1, losses.size + 1), losses, color=CROSS, drawstyle="steps-mid", **line)
    mean = float(losses.mean())
    axes.axhline(mean, color=INK, linewidth=1.0, linestyle="--")
    which = "mean" if losses.size == report.losses.size else "mean of the finite"
    axes.annotate(f"{which} {mean:.3g}", (1.0, mean), va="bottom", xytext=(2, 2), **_OFFSET)
    axes.set(xscale="log", xlabel="rows, largest loss first")
    axes.set_xlim(0.9, 1.1 * max(losses.size, 2))
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.set_ylim(bottom=0.0)


def _history(axes: Any, report: LossReport) -> None:
    size = nats_per(report.unit)
    epochs = [epoch.number for epoch in report.history]
    line = {"marker": "o"} if len(epochs) == 1 else {}
    training = [epoch.training / size for epoch in report.history]
    held_out = [epoch.refined / size for epoch in report.history]
    axes.plot(epochs, training, color=RELATIVE, linestyle=":", label="training", **line)
    axes.plot(epochs, held_out, color=CROSS, label="held out from training", **line)
    best = int(np.argmin(held_out))
    axes.plot(epochs[best], held_out[best], "o", color=INK, label=f"lowest: epoch {epochs[best]}")
    axes.axhline(
        float(report.label_entropy),
        color=ENTROPY,
        linewidth=1.0,
        linestyle="--",
        label="baseline (class shares)",
    )
    axes.set_xlabel("epoch")
    axes.legend()


def _nothing(axes: Any, text: str) -> None:
    axes.text(0.5, 0.5, text, ha="center", va="center", color=FAINT, transform=axes.transAxes)
    axes.set_axis_off()
