"""What the commands of networks share: saved models, tables in memory, loss reports."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import numpy as np
import typer

import kullback
from kullback._core.errors import DataError, ModelError
from kullback.cli import process
from kullback.data.open import column_of_table, open_table
from kullback.evaluation.loss_report import LossReport
from kullback.results.trained import TrainedFit

Unit = Annotated[str, typer.Option(metavar="nats|bits|hartleys", help="Unit of what is printed.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print only JSON.")]


def names(option: str, text: str | None) -> tuple[str, ...] | None:
    """Read a list of names with commas between."""
    if text is None:
        return None
    found = tuple(part.strip() for part in text.split(",") if part.strip())
    if not found:
        raise ModelError(f'{option} needs names with commas between, and not "{text}".')
    return found


def trained(folder: str) -> TrainedFit:
    """Load a network that was saved."""
    found = kullback.load(folder)
    if not isinstance(found, TrainedFit):
        raise DataError(f"{folder} holds a fit without networks; kullback train saves others.")
    return found


def columns_of(tables: Sequence[str], why: str) -> dict[str, Any]:
    """The columns of files, in memory."""
    _, columns = open_table(list(tables))
    if not isinstance(columns, Mapping):
        raise DataError(f"{', '.join(tables)}: too large to be read into memory; {why}")
    return dict(columns)


def as_labels(given: Sequence[str], values: Any, label: str) -> list[Any]:
    """Classes that were written as text, as the labels in a column are."""
    known = {str(value): value for value in np.unique(column_of_table(values, label)).tolist()}
    return [known.get(name, name) for name in given]


def print_loss_report(report: LossReport) -> None:
    """Print a loss report: as tables in a terminal, else as text."""
    if sys.stdout.isatty():
        from rich.console import Console

        from kullback.report.loss_report_view import loss_report_view

        Console().print(loss_report_view(report))
        return
    process.write(str(report))
    for name, groups in (("class", report.by_class), *report.slices.items()):
        process.write("")
        process.write(f"{name:<24}  {'rows':>9}  {report.unit + ' a row':>12}  {'explained':>9}")
        for group in groups:
            cost, gain = float(group.cross_entropy), float(group.explained)
            process.write(f"{group.name!s:<24}  {group.rows:>9,}  {cost:>12.6f}  {gain:>9.6f}")


def loss_report_document(report: LossReport) -> dict[str, Any]:
    """Collect what ``--json`` prints of a loss report."""

    def told(found: Any) -> Any:
        if found is None:
            return None
        return {
            "value": found.value,
            "stderr": found.stderr,
            "interval": list(found.interval),
            "method": found.method,
        }

    def groups(found: Any) -> list[dict[str, Any]]:
        return [
            {
                "name": group.name,
                "rows": group.rows,
                "weight": group.weight,
                "cross_entropy": told(group.cross_entropy),
                "explained": told(group.explained),
                "accuracy": group.accuracy,
            }
            for group in found
        ]

    parts = ("cross_entropy", "label_entropy", "explained", "refinement", "calibration")
    document = {
        "label": report.label,
        "unit": report.unit,
        "rows": report.rows,
        "classes": list(report.classes),
        "accuracy": report.accuracy,
        **{
            name: told(getattr(report, name))
            for name in (*parts, "irreducible_loss", "relative_entropy")
        },
        "irreducible_loss_note": report.irreducible_loss_note,
        "recalibrations": {
            way.name: {"cross_entropy": told(way.cross_entropy), "gain": told(way.gain)}
            for way in report.recalibrations
        },
        "by_class": groups(report.by_class),
        "slices": {name: groups(found) for name, found in report.slices.items()},
        "impossible": list(report.impossible),
        "worst": [vars(row) for row in report.worst_rows(10)],
        "notes": list(report.notes),
    }
    plain: dict[str, Any] = process.plain(document)
    return plain
