"""``kullback evaluate``: what a classifier's loss is made of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

import kullback
from kullback._core.errors import KullbackError
from kullback._core.units import nats_per
from kullback.cli import process
from kullback.cli.networks import (
    AsJson,
    Unit,
    as_labels,
    columns_of,
    loss_report_document,
    names,
    print_loss_report,
    trained,
)
from kullback.data.arrays import to_numbers
from kullback.data.checks import check_column, column_label


def evaluate(
    model: Annotated[str, typer.Argument(metavar="[MODEL]", help="A folder that train saved.")],
    table: Annotated[
        list[str] | None,
        typer.Argument(metavar="TABLE", help="Rows it was not trained on."),
    ] = None,
    *,
    target: Annotated[str, typer.Option(metavar="LABEL", help="The column of the classes.")],
    probabilities: Annotated[
        str | None,
        typer.Option(
            metavar="A,B",
            help="In place of MODEL: the columns that hold any classifier's probabilities.",
        ),
    ] = None,
    classes: Annotated[
        str | None,
        typer.Option(metavar="X,Y", help="Their classes, in order; else the columns' names."),
    ] = None,
    slices: Annotated[
        str | None, typer.Option(metavar="A,B", help="Report each value of these columns.")
    ] = None,
    weights: Annotated[str | None, typer.Option(metavar="COLUMN", help="Row weights.")] = None,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE.html", help="Write the loss report as a page.")
    ] = None,
    unit: Unit = "nats",
    as_json: AsJson = False,
) -> None:
    """Decompose a classifier's loss: H(Y), cross-entropy, refinement, calibration.

    Of a saved model: kullback evaluate MODEL TABLE --target LABEL. Of probabilities that stand in
    a table: kullback evaluate TABLE --target LABEL --probabilities A,B
    """
    with process.errors_in_words():
        process.keep_compiled_code()
        nats_per(unit)
        if report is not None:
            process.check_folder("--report", report)
        given = names("--probabilities", probabilities)
        tables = list(table or []) if given is None else [model, *(table or [])]
        if not tables:
            raise KullbackError(
                "kullback evaluate needs MODEL and TABLE, or a TABLE and --probabilities A,B."
            )
        columns = columns_of(tables, "give a part of the rows.")
        options: dict[str, Any] = {
            "weights": weights,
            "slices": names("--slices", slices) or (),
            "unit": unit,
        }
        if given is None:
            if classes is not None:
                raise KullbackError("--classes goes with --probabilities; MODEL knows its own.")
            found = kullback.evaluate(trained(model), columns, target, **options)
        else:
            told = ", ".join(tables)
            check_column(target, list(columns), "--target", told)
            for name in given:
                check_column(name, list(columns), "--probabilities", told)
            q = np.stack([to_numbers(columns[n], column_label(n)) for n in given], axis=1)
            called = names("--classes", classes) or tuple(map(_class_of, given))
            rest = {name: values for name, values in columns.items() if name not in given}
            labels = as_labels(called, columns[target], column_label(target))
            found = kullback.evaluate(q, rest, target, classes=labels, **options)
        if report is not None:
            found.report(report)
        if as_json:
            process.write(json.dumps(loss_report_document(found), indent=2))
        else:
            print_loss_report(found)


def _class_of(column: str) -> str:
    """The class whose probabilities a column holds, also as ``kullback predict`` calls it."""
    return column[2:-1] if column.startswith("p(") and column.endswith(")") else column
