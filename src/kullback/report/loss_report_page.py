"""The loss report of a classifier as one self-contained HTML page."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from kullback._core.display import value_text
from kullback._core.printable import printable
from kullback.pages.page import page, write_page
from kullback.pictures.svg import inline_svg
from kullback.report.loss_report_plots import (
    CURVES,
    chosen_curves,
    not_drawn,
    pictures,
    reliability,
)

if TYPE_CHECKING:  # evaluation imports this module when a report is written
    from kullback.evaluation.loss_report import Curve, Group, LossReport

# Tables are cut at this many rows: longer ones are not read, and are in the way of the rest.
_SHOWN = 30
_WORST = 20
# Columns of features beside the costliest rows, and classes of a confusion matrix.
_COLUMNS = 8
_MATRIX = 12


def loss_report_html(report: LossReport) -> str:
    """Return the page as HTML, with all numbers in the unit of the report.

    It loads no files and runs no scripts, and its content security policy forbids both; names in
    the data are escaped.

    Args:
        report: what ``kl.evaluate`` gave.
    """
    return page(
        "loss_report.html.j2",
        report=report,
        sentence=_sentence(report),
        not_drawn=not_drawn(report),
        pictures=[(name, inline_svg(draw, alt)) for name, draw, alt in pictures(report)],
        curves=[_small(curve, report) for curve in chosen_curves(report)],
        more_curves=len(report.curves) - 1 - CURVES,
        confusion=_confusion(report),
        classes=_costliest(report.by_class),
        slices={name: _costliest(groups) for name, groups in report.slices.items()},
        worst=report.worst_rows(_WORST),
        columns=list(report.features)[:_COLUMNS],
        more_columns=len(report.features) - _COLUMNS,
        shown=_SHOWN,
        largest=100.0 * float(report.shares.max()),
    )


def _costliest(groups: Sequence[Group]) -> list[Group]:
    """The groups, the largest loss first, those without rows last."""
    return sorted(groups, key=lambda group: -np.nan_to_num(float(group.cross_entropy), nan=-1.0))


def _small(curve: Curve, report: LossReport) -> tuple[str, str]:
    """Title and picture of the reliability curve of one class."""
    name = printable(value_text(curve.name))
    description = f"Reliability of class {name}."
    drawn = inline_svg(lambda axes: reliability(axes, curve, "", report), description, 2.1, 1.8)
    return name, drawn


def _confusion(report: LossReport) -> dict[str, Any]:
    """The confusion matrix, or of many classes the pairs that are confused most often."""
    counts = report.confusion()
    names = [printable(value_text(name)) for name in report.classes]
    if len(names) <= _MATRIX:
        totals = np.maximum(counts.sum(axis=1, keepdims=True), 1)
        return {"names": names, "counts": counts.tolist(), "shares": (counts / totals).tolist()}
    wrong = counts - np.diag(np.diag(counts))
    order = np.argsort(-wrong, axis=None, kind="stable")[:_SHOWN]
    places = [divmod(int(place), len(names)) for place in order]
    pairs = [(names[i], names[j], int(wrong[i, j])) for i, j in places if wrong[i, j]]
    return {"pairs": pairs, "more": int((wrong > 0).sum()) - len(pairs)}


def write_loss_report(report: LossReport, path: str | os.PathLike[str]) -> None:
    """Write the page.

    Args:
        report: what ``kl.evaluate`` gave.
        path: the file; an older page is replaced.

    Raises:
        KullbackError: the file cannot be written, or is not a page of this library.
    """
    write_page(loss_report_html(report), path)


def _sentence(report: LossReport) -> str:
    """Summarise the report in a sentence or two."""
    unit = report.unit
    baseline, loss = float(report.label_entropy), float(report.cross_entropy)
    if np.isinf(loss):
        text = (
            f"The probabilities call {len(report.impossible):,} observed labels impossible, so the "
            "cross-entropy is infinite, whatever the other rows"
        )
        if np.isfinite(float(report.refinement)):
            name = report.calibration.method.partition(",")[0]
            text += f". After recalibration ({name}) it is {float(report.refinement):.3f} {unit}"
        return f"{text}."
    text = (
        f"The baseline (class shares) has a log loss of {baseline:.3f} {unit} a row, these "
        f"probabilities {loss:.3f} {unit}"
    )
    if baseline > 0.0:
        text += (
            f": they explain {100.0 * (baseline - loss) / baseline:.1f} % of the label's entropy"
        )
    gain = float(report.calibration)
    name = report.calibration.method.partition(",")[0]
    if gain > 0.0:
        return f"{text}. Recalibration ({name}) would lower the loss by {gain:.3f} {unit}."
    if np.isnan(gain):
        return f"{text}. There were too few rows to recalibrate them."
    return f"{text}. Recalibration would not lower the loss."
