"""The loss report of a classifier for a terminal, as rich tables."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from kullback._core.display import value_text
from kullback.information.estimate import Estimate

if TYPE_CHECKING:  # the type only: this module needs nothing else of evaluation
    from kullback.evaluation.loss_report import Group as GroupReport
    from kullback.evaluation.loss_report import LossReport

# Rows of a table in a terminal; the page has more, and the loss report all.
_SHOWN = 12
_WORST = 5


def loss_report_view(report: LossReport) -> RenderableType:
    """Format a loss report for a terminal.

    Args:
        report: what ``kl.evaluate`` gave.
    """
    head = (
        f"{report.label}: {report.rows:,} rows, {len(report.classes)} classes, accuracy "
        f"{100 * report.accuracy:.2f}%"
    )
    level = f"{100 * report.cross_entropy.level:.4g}% interval"
    decomposition = _table(("", report.unit, "std. error", level, ""), numbers=(1, 2, 3))
    for name, estimate, note in report.lines:
        decomposition.add_row(*map(Text, (name, *_numbers(estimate), note)))
    parts: list[RenderableType] = [Text(head, style="bold"), Text(report.source, style="dim")]
    parts += [decomposition]
    if report.irreducible_loss_note:
        text = f"irreducible loss not estimated: {report.irreducible_loss_note}"
        parts.append(Text(text, style="dim"))
    parts += [Text(), _groups("class", report.by_class, report.unit)]
    for column, groups in report.slices.items():
        parts += [Text(), _groups(column, groups, report.unit)]
    worst = _table(
        ("row", "label", "probability", "prediction", "probability", report.unit),
        numbers=(0, 2, 4, 5),
    )
    for row in report.worst_rows(_WORST):
        q, best = f"{row.probability:.3g}", f"{row.confidence:.3g}"
        cells = (
            str(row.row),
            value_text(row.label),
            q,
            value_text(row.predicted),
            best,
            _number(row.loss),
        )
        worst.add_row(*map(Text, cells))
    parts += [
        Text(),
        Text("rows with the largest losses: candidates for wrong labels", style="dim"),
        worst,
    ]
    parts += [Text.assemble(("! ", "bold yellow"), note) for note in report.notes]
    return Group(*parts)


def _groups(name: str, groups: Sequence[GroupReport], unit: str) -> Group:
    table = _table((name, "rows", f"cross-entropy, {unit}", "explained", "accuracy"), (1, 2, 3, 4))
    by_loss = sorted(groups, key=lambda group: -_order(float(group.cross_entropy)))
    for group in by_loss[:_SHOWN]:
        cells = (value_text(group.name), f"{group.rows:,}", _number(float(group.cross_entropy)))
        accuracy = "" if math.isnan(group.accuracy) else f"{100.0 * group.accuracy:.1f}%"
        table.add_row(*map(Text, (*cells, _number(float(group.explained)), accuracy)))
    if len(groups) <= _SHOWN:
        return Group(table)
    return Group(table, Text(f"and {len(groups) - _SHOWN:,} with smaller losses", style="dim"))


def _order(value: float) -> float:
    """Sort key: the largest loss first, groups without rows last."""
    return -math.inf if math.isnan(value) else value


def _numbers(estimate: Estimate) -> tuple[str, str, str]:
    low, high = (_number(float(end)) for end in estimate.interval)
    between = f"{low} to {high}" if low and high else ""
    return _number(float(estimate.value)), _number(float(estimate.stderr)), between


def _number(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.4f}"


def _table(columns: Sequence[str], numbers: Sequence[int]) -> Any:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for index, name in enumerate(columns):
        right = index in numbers
        table.add_column(
            Text(name), justify="right" if right else "left", no_wrap=right, overflow="fold"
        )
    return table
