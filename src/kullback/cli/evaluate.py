"""``kullback evaluate``: the decomposition of a classifier's loss."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

import kullback
from kullback._core.errors import KullbackError
from kullback._core.units import nats_per
from kullback.cli import process
from kullback.cli.networks import (
    as_labels,
    load_network,
    loss_report_document,
    print_loss_report,
    read_columns,
    read_names,
)
from kullback.cli.options import AsJson, MissingValues, Separator, Target, Unit, Weights, files_of
from kullback.cli.regression import evaluate_regression, print_regression


def evaluate(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL|TABLE",
            help='Folder written by "kullback train --save"; with --probabilities a table.',
        ),
    ],
    table: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="TABLE", help="CSV or Parquet files of rows that the model was not trained on."
        ),
    ] = None,
    *,
    target: Target,
    probabilities: Annotated[
        str | None,
        typer.Option(
            metavar="A,B,...", help="Columns with the class probabilities of any classifier."
        ),
    ] = None,
    classes: Annotated[
        str | None,
        typer.Option(
            metavar="X,Y,...",
            help="Classes of --probabilities, in their order; by default the columns' names.",
        ),
    ] = None,
    slices: Annotated[
        str | None,
        typer.Option(metavar="A,B,...", help="Report also each value of these columns."),
    ] = None,
    weights: Weights = None,
    missing_values: MissingValues = None,
    separator: Separator = None,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE.html", help="Write the loss report as a web page.")
    ] = None,
    unit: Unit = "nats",
    as_json: AsJson = False,
) -> None:
    """Decompose the loss of a classifier: label entropy, cross-entropy, refinement, calibration.

    A saved network: kullback evaluate MODEL TABLE --target COLUMN

    Probabilities in a table: kullback evaluate TABLE --target COLUMN --probabilities A,B

    For a regression: the cross-entropy, the root mean squared error and R².

    Exit codes: 0 done, 2 wrong input.
    """
    with process.errors_as_messages():
        import numpy as np

        from kullback.data.arrays import to_numbers
        from kullback.data.checks import check_column, column_label

        process.keep_compiled_code()
        nats_per(unit)
        if report is not None:
            process.check_page("--report", report, figures=True)
        shares = read_names("--probabilities", probabilities)
        tables = list(table or []) if shares is None else [model, *(table or [])]
        if not tables:
            raise KullbackError(
                "kullback evaluate needs MODEL and TABLE, or a TABLE and --probabilities A,B."
            )
        columns = read_columns(files_of(tables, missing_values, separator), "give fewer rows.")
        options: dict[str, Any] = {
            "weights": weights,
            "slices": read_names("--slices", slices) or (),
            "unit": unit,
        }
        if shares is None:
            if classes is not None:
                raise KullbackError(
                    "--classes requires --probabilities; MODEL has its own classes."
                )
            network = load_network(model)
            if network.form.outcome != "label":
                if report is not None or slices is not None:
                    raise KullbackError(
                        "--report and --slices are for classifiers; MODEL is a regression."
                    )
                found = evaluate_regression(network, columns, target, weights, unit)
                process.write_json(found) if as_json else print_regression(found)
                return
            loss_report = kullback.evaluate(network, columns, target, **options)
        else:
            check_column(target, list(columns), "--target", columns.description)
            for name in shares:
                check_column(name, list(columns), "--probabilities", columns.description)
            q = np.stack([to_numbers(columns[n], column_label(n)) for n in shares], axis=1)
            class_names = read_names("--classes", classes) or tuple(map(_class_of, shares))
            rest = {name: values for name, values in columns.items() if name not in shares}
            labels = as_labels(class_names, columns[target], column_label(target))
            loss_report = kullback.evaluate(q, rest, target, classes=labels, **options)
        if report is not None:
            loss_report.report(report)
        if as_json:
            process.write_json(loss_report_document(loss_report))
        else:
            print_loss_report(loss_report)


def _class_of(column: str) -> str:
    """The class of a column of probabilities: its name, or x for ``p(x)`` of kullback predict."""
    return column[2:-1] if column.startswith("p(") and column.endswith(")") else column
