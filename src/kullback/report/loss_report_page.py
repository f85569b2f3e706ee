"""The loss report of a classifier as one HTML page that needs nothing else."""

from __future__ import annotations

import base64
import io
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kullback._core.errors import KullbackError
from kullback.information.estimate import Estimate
from kullback.report.loss_report_plots import CURVES, loss_report_figure, reliability_figure

if TYPE_CHECKING:  # a loss report draws itself by this file, which only reads what it is given
    from kullback.evaluation.loss_report import LossReport

# More rows of a table than this are folded away: nobody reads them, everybody scrolls past them.
_SHOWN = 30
_WORST = 20


def loss_report_html(report: LossReport) -> str:
    """Give the page as HTML.

    It loads nothing and runs nothing, and says so to the browser; names in the data are text.

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
        picture=_picture(loss_report_figure(report)),
        curves=_picture(reliability_figure(report)),
        more_curves=len(report.curves) - 1 - CURVES,
        classes=report.by_class[:_SHOWN],
        more_classes=len(report.by_class) - _SHOWN,
        worst=report.worst_rows(_WORST),
        shown=_SHOWN,
    )


def write_loss_report(report: LossReport, path: str | os.PathLike[str]) -> None:
    """Write the page, the whole file or nothing.

    Args:
        report: what ``kl.evaluate`` gave.
        path: the file; one that exists is replaced.

    Raises:
        KullbackError: where the file cannot be written.
    """
    text = loss_report_html(report)
    target = Path(os.path.realpath(path))
    beside = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(target)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise KullbackError(f"{os.fspath(path)} cannot be written: {error.strerror}.") from None


def _sentence(report: LossReport) -> str:
    """Say in words what the numbers mean."""
    bits = report.to("bits")
    baseline, cost = float(bits.label_entropy), float(bits.cross_entropy)
    if np.isinf(cost):
        return (
            f"The probabilities called {len(report.impossible):,} labels impossible that were "
            "seen, so that the cross-entropy is infinite: no later row can make up for it."
        )
    told = (
        f"The baseline, the classes' shares, costs {baseline:.3f} bits a row. "
        f"These probabilities cost {cost:.3f} bits"
    )
    if baseline > 0.0:
        told += (
            f": they explain {100.0 * (baseline - cost) / baseline:.1f} % of the label's entropy"
        )
    gain = float(bits.calibration)
    name = report.calibration.method.partition(",")[0]
    if gain > 0.0:
        return f"{told}. Recalibration ({name}) would remove {gain:.3f} bits of it for free."
    return f"{told}. Recalibration would remove nothing."


def _picture(figure: Any) -> str:
    """A picture as an SVG inside the page; empty where there is none."""
    import matplotlib

    if figure is None:
        return ""
    buffer = io.BytesIO()
    # no date and no random names: the same report gives the same page
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
