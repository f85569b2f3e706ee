"""What the commands of networks share: saved models, tables in memory, accounts."""

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
from kullback.evaluation.loss_report import Account
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


def print_account(account: Account) -> None:
    """Print an account: as tables in a terminal, else as text."""
    if sys.stdout.isatty():
        from rich.console import Console

        from kullback.report.loss_report_view import account_view

        Console().print(account_view(account))
        return
    process.write(str(account))
    for name, groups in (("class", account.by_class), *account.slices.items()):
        process.write("")
        process.write(f"{name:<24}  {'rows':>9}  {account.unit + ' a row':>12}  {'explained':>9}")
        for group in groups:
            cost, gain = float(group.cross_entropy), float(group.explained)
            process.write(f"{group.name!s:<24}  {group.rows:>9,}  {cost:>12.6f}  {gain:>9.6f}")


def account_document(account: Account) -> dict[str, Any]:
    """Collect what ``--json`` prints of an account."""

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
        "label": account.label,
        "unit": account.unit,
        "rows": account.rows,
        "classes": list(account.classes),
        "accuracy": account.accuracy,
        **{name: told(getattr(account, name)) for name in (*parts, "floor", "relative_entropy")},
        "no_floor": account.no_floor,
        "recalibrations": {
            way.name: {"cross_entropy": told(way.cross_entropy), "gain": told(way.gain)}
            for way in account.recalibrations
        },
        "by_class": groups(account.by_class),
        "slices": {name: groups(found) for name, found in account.slices.items()},
        "impossible": list(account.impossible),
        "worst": [vars(row) for row in account.worst_rows(10)],
        "notes": list(account.notes),
    }
    plain: dict[str, Any] = process.plain(document)
    return plain
