"""The loss report of a classifier as one self-contained HTML page."""

from __future__ import annotations

import base64
import io
import os
from typing import TYPE_CHECKING, Any

import numpy as np

from kullback._core.files import replaced
from kullback.information.estimate import Estimate
from kullback.report.loss_report_plots import (
    CURVES,
    loss_report_figure,
    not_drawn,
    reliability_figure,
)

if TYPE_CHECKING:  # evaluation imports this module when a report is written
    from kullback.evaluation.loss_report import LossReport

# Tables are cut at this many rows: longer ones are not read, and are in the way of the rest.
_SHOWN = 30
_WORST = 20


def loss_report_html(report: LossReport) -> str:
    """Return the page as HTML.

    It loads no files and runs no scripts, and its content security policy forbids both; names in
    the data are escaped.

    Args:
        report: what ``kl.evaluate`` gave.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined  # takes 0.1 s to import

    environment = Environment(
        loader=PackageLoader("kullback.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = _number
    environment.filters["range"] = _range
    environment.filters["share"] = _share
    return environment.get_template("loss_report.html.j2").render(
        report=report,
        bits=report.to("bits"),
        nats=report.to("nats"),
        sentence=_sentence(report),
        not_drawn=not_drawn(report),
        figure=_svg(loss_report_figure(report)),
        curves=_svg(reliability_figure(report)),
        more_curves=len(report.curves) - 1 - CURVES,
        classes=report.by_class[:_SHOWN],
        more_classes=len(report.by_class) - _SHOWN,
        worst=report.worst_rows(_WORST),
        shown=_SHOWN,
    )


def write_loss_report(report: LossReport, path: str | os.PathLike[str]) -> None:
    """Write the page; the file is replaced only once it is complete.

    Args:
        report: what ``kl.evaluate`` gave.
        path: the file; an existing one is replaced.

    Raises:
        KullbackError: the file cannot be written.
    """
    text = loss_report_html(report)
    with replaced(path, os.fspath(path)) as file:
        file.write(text.encode())


def _sentence(report: LossReport) -> str:
    """Summarise the report in a sentence or two."""
    bits = report.to("bits")
    baseline, loss = float(bits.label_entropy), float(bits.cross_entropy)
    if np.isinf(loss):
        text = (
            f"The probabilities call {len(report.impossible):,} observed labels impossible, so the "
            "cross-entropy is infinite, whatever the other rows"
        )
        if np.isfinite(float(bits.refinement)):
            name = report.calibration.method.partition(",")[0]
            text += f". After recalibration ({name}) it is {float(bits.refinement):.3f} bits"
        return f"{text}."
    text = (
        f"The baseline (class shares) has a log loss of {baseline:.3f} bits a row, these "
        f"probabilities {loss:.3f} bits"
    )
    if baseline > 0.0:
        text += (
            f": they explain {100.0 * (baseline - loss) / baseline:.1f} % of the label's entropy"
        )
    gain = float(bits.calibration)
    name = report.calibration.method.partition(",")[0]
    if gain > 0.0:
        return f"{text}. Recalibration ({name}) would lower the loss by {gain:.3f} bits."
    if np.isnan(gain):
        return f"{text}. There were too few rows to recalibrate them."
    return f"{text}. Recalibration would not lower the loss."


def _svg(figure: Any) -> str:
    """A figure as SVG in Base64; empty for None."""
    import matplotlib

    if figure is None:
        return ""
    buffer = io.BytesIO()
    # without date and random names: equal reports give equal pages
    with matplotlib.rc_context({"svg.hashsalt": "kullback"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    return base64.b64encode(buffer.getvalue()).decode("ascii")


def _number(value: Any) -> str:
    number = float(value)
    if np.isnan(number):
        return "–"
    return ("+∞" if number > 0.0 else "−∞") if np.isinf(number) else f"{number:.4f}"


def _share(value: float) -> str:
    return "–" if np.isnan(value) else f"{100.0 * value:.1f} %"


def _range(estimate: Estimate) -> str:
    low, high = estimate.interval
    return f"{_number(low)} to {_number(high)}"
