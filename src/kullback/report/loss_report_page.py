"""The account of a classifier's loss as one HTML page that needs nothing else."""

from __future__ import annotations

import base64
import io
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined

from kullback._core.errors import KullbackError
from kullback.information.estimate import Estimate
from kullback.report.loss_report_plots import CURVES, account_figure, reliability_figure

if TYPE_CHECKING:  # an account draws itself by this file, which only reads what it is given
    from kullback.evaluation.loss_report import Account

# More rows of a table than this are folded away: nobody reads them, everybody scrolls past them.
_SHOWN = 30
_WORST = 20


def account_html(account: Account) -> str:
    """Give the page as HTML.

    It loads nothing and runs nothing, and says so to the browser; names in the data are text.

    Args:
        account: what ``kl.evaluate`` gave.
    """
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
    return environment.get_template("account.html.j2").render(
        account=account,
        bits=account.to("bits"),
        nats=account.to("nats"),
        sentence=_sentence(account),
        picture=_picture(account_figure(account)),
        curves=_picture(reliability_figure(account)),
        more_curves=len(account.curves) - 1 - CURVES,
        classes=account.by_class[:_SHOWN],
        more_classes=len(account.by_class) - _SHOWN,
        worst=account.worst_rows(_WORST),
        shown=_SHOWN,
    )


def write_account(account: Account, path: str | os.PathLike[str]) -> None:
    """Write the page, the whole file or nothing.

    Args:
        account: what ``kl.evaluate`` gave.
        path: the file; one that exists is replaced.

    Raises:
        KullbackError: where the file cannot be written.
    """
    text = account_html(account)
    target = Path(os.path.realpath(path))
    beside = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(target)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise KullbackError(f"{os.fspath(path)} cannot be written: {error.strerror}.") from None


def _sentence(account: Account) -> str:
    """Say in words what the numbers mean."""
    bits = account.to("bits")
    guess, cost = float(bits.label_entropy), float(bits.cross_entropy)
    if np.isinf(cost):
        return (
            f"The probabilities called {len(account.impossible):,} labels impossible that were "
            "seen, so that the cross-entropy is infinite: no later row can make up for it."
        )
    told = (
        f"Guessing with the classes' shares costs {guess:.3f} bits a row. These probabilities cost "
        f"{cost:.3f} bits"
    )
    if guess > 0.0:
        told += f": they explain {100.0 * (guess - cost) / guess:.1f} % of the label's entropy"
    gain = float(bits.calibration)
    name = account.calibration.method.partition(",")[0]
    if gain > 0.0:
        return f"{told}. Recalibration ({name}) would remove {gain:.3f} bits of it for free."
    return f"{told}. Recalibration would remove nothing."


def _picture(figure: Any) -> str:
    """A picture as an SVG inside the page; empty where there is none."""
    import matplotlib

    if figure is None:
        return ""
    buffer = io.BytesIO()
    # no date and no random names: the same account gives the same page
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
