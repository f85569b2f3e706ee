"""Helpers of the commands for networks: saved models, tables in memory, loss reports."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import kullback
from kullback._core.display import value_text
from kullback._core.errors import DataError, ModelError
from kullback._core.printable import printable
from kullback.cli import process

if TYPE_CHECKING:  # NumPy is imported by the commands, not with them
    from kullback.data.tables import FileColumns


def read_names(option: str, text: str | None) -> tuple[str, ...] | None:
    """The names in a list separated by commas; None for an option that is not given."""
    if text is None:
        return None
    names = tuple(part.strip() for part in text.split(",") if part.strip())
    if not names:
        raise ModelError(f'{option} must be names separated by commas, got "{text}".')
    return names


def load_network(folder: str) -> kullback.TrainedFit:
    """Load a saved network."""
    fit = kullback.load(folder)
    if not isinstance(fit, kullback.TrainedFit):
        raise DataError(
            f'{folder} holds a fit without networks; give a folder that "kullback train" saved.'
        )
    return fit


def read_columns(tables: list[str], remedy: str) -> FileColumns:
    """The columns of files, in memory."""
    from kullback.data.open import open_table
    from kullback.data.paths import describe_paths

    _, columns = open_table(tables)
    if isinstance(columns, list):
        raise DataError(f"{describe_paths(tables)}: too large to be read into memory; {remedy}")
    return columns


def as_labels(classes: Sequence[str], values: Any, label: str) -> list[Any]:
    """Classes written as text, converted to the labels in a column."""
    import numpy as np

    from kullback.data.tables import column_values
    from kullback.evaluation.class_columns import text_of

    known = {text_of(value): value for value in np.unique(column_values(values, label)).tolist()}
    return [known.get(name, name) for name in classes]


def print_loss_report(report: kullback.LossReport) -> None:
    """Print a loss report: as tables in a terminal, else as text."""
    if sys.stdout.isatty():
        from kullback.report.loss_report_view import loss_report_view

        process.write_view(loss_report_view(report))
        return
    process.write(str(report))
    for name, groups in (("class", report.by_class), *report.slices.items()):
        process.write("")
        process.write(
            f"{printable(name):<24}  {'rows':>9}  {report.unit + ' a row':>12}  {'explained':>9}"
        )
        for group in groups:
            loss, gain = float(group.cross_entropy), float(group.explained)
            shown = printable(value_text(group.name))
            process.write(f"{shown:<24}  {group.rows:>9,}  {loss:>12.6f}  {gain:>9.6f}")


def loss_report_document(report: kullback.LossReport) -> dict[str, Any]:
    """The content of a loss report for ``--json``."""

    def estimate(value: Any) -> Any:
        if value is None:
            return None
        return {
            "value": value.value,
            "stderr": value.stderr,
            "interval": list(value.interval),
            "method": value.method,
        }

    def entries(groups: Any) -> list[dict[str, Any]]:
        return [
            {
                "name": group.name,
                "rows": group.rows,
                "weight": group.weight,
                "cross_entropy": estimate(group.cross_entropy),
                "explained": estimate(group.explained),
                "accuracy": group.accuracy,
            }
            for group in groups
        ]

    parts = ("cross_entropy", "label_entropy", "explained", "refinement", "calibration")
    document = {
        "label": report.label,
        "unit": report.unit,
        "rows": report.rows,
        "classes": list(report.classes),
        "accuracy": report.accuracy,
        **{
            name: estimate(getattr(report, name))
            for name in (*parts, "irreducible_loss", "relative_entropy")
        },
        "irreducible_loss_note": report.irreducible_loss_note,
        "recalibrations": {
            way.name: {"cross_entropy": estimate(way.cross_entropy), "gain": estimate(way.gain)}
            for way in report.recalibrations
        },
        "by_class": entries(report.by_class),
        "slices": {name: entries(groups) for name, groups in report.slices.items()},
        "impossible": list(report.impossible),
        "worst": [vars(row) for row in report.worst_rows(10)],
        "notes": list(report.notes),
    }
    plain: dict[str, Any] = process.plain(document)
    return plain
