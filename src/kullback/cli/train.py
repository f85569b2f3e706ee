"""``kullback train``: train a neural-network classifier or regression on a table."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

import kullback
from kullback._core.errors import DataError, KullbackError, ModelError
from kullback._core.units import nats_per
from kullback.cli import process
from kullback.cli.interrupts import second_one_ends
from kullback.cli.networks import (
    loss_report_document,
    print_loss_report,
    read_columns,
    read_names,
)
from kullback.cli.options import (
    AsJson,
    Missing,
    MissingValues,
    Separator,
    Tables,
    Target,
    Unit,
    Weights,
    files_of,
)
from kullback.cli.regression import evaluate_regression, print_regression

# The share of the rows that --report sets aside for the loss report if --test is not given.
_TEST_SHARE = 0.2


def train(
    table: Tables,
    target: Target,
    regression: Annotated[
        bool,
        typer.Option(
            "--regression",
            help="Predict a number: its mean and standard deviation, each a network.",
        ),
    ] = False,
    weights: Weights = None,
    inputs: Annotated[
        str | None,
        typer.Option(metavar="A,B,...", help="Covariates; by default all other columns."),
    ] = None,
    categorical: Annotated[
        str | None,
        typer.Option(metavar="A,B,...", help="Columns of numbers to use as categories."),
    ] = None,
    hidden: Annotated[
        str, typer.Option(metavar="N,N,...", help="Widths of the hidden layers.")
    ] = "256,256",
    activation: Annotated[
        str, typer.Option(metavar="NAME", help="Activation function: relu, gelu, silu, tanh, ...")
    ] = "silu",
    dropout: Annotated[
        float, typer.Option(metavar="SHARE", help="Share of the hidden units that are dropped.")
    ] = 0.15,
    normalization: Annotated[
        str | None,
        typer.Option(metavar="layer", help="Normalise the hidden layers; by default not."),
    ] = None,
    skip: Annotated[
        bool, typer.Option("--skip", help="Add the input of each hidden layer to its output.")
    ] = False,
    members: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Networks to train and average; by default chosen by the number of rows.",
        ),
    ] = None,
    epochs: Annotated[
        int | None,
        typer.Option(metavar="N", help="Passes over the rows; by default chosen by their number."),
    ] = None,
    batch: Annotated[
        int | None,
        typer.Option(metavar="N", help="Rows in each step; by default chosen by their number."),
    ] = None,
    learning_rate: Annotated[
        float, typer.Option(metavar="NUMBER", help="Peak learning rate.")
    ] = 3e-3,
    weight_decay: Annotated[
        float, typer.Option(metavar="NUMBER", help="AdamW's weight decay of the weight matrices.")
    ] = 0.02,
    patience: Annotated[
        int, typer.Option(metavar="N", help="Stop after so many epochs without improvement.")
    ] = 25,
    calibration: Annotated[
        str,
        typer.Option(
            metavar="none|temperature|vector", help="Recalibration of the logits after training."
        ),
    ] = "temperature",
    label_smoothing: Annotated[
        float,
        typer.Option(metavar="SHARE", help="Share of each label spread evenly over the classes."),
    ] = 0.0,
    class_weight: Annotated[
        str | None,
        typer.Option(metavar="balanced", help="Give all classes the same total weight."),
    ] = None,
    held_out: Annotated[
        str,
        typer.Option(
            metavar="SHARE|TABLE",
            help="Rows that choose the best epoch: a share, or another table.",
        ),
    ] = "0.1",
    checkpoint: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Save the state after each epoch, and resume from it."),
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", help="Seed of all random numbers.")] = 0,
    missing: Missing = "error",
    missing_values: MissingValues = None,
    separator: Separator = None,
    test: Annotated[
        str | None,
        typer.Option(
            metavar="SHARE|TABLE",
            help="Rows for the loss report, not used in training: a share, or another table. "
            f"With --report {_TEST_SHARE:g} by default.",
        ),
    ] = None,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE.html", help="Write the loss report as a web page.")
    ] = None,
    save: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Save the network, for kullback predict or kl.load."),
    ] = None,
    unit: Unit = "nats",
    as_json: AsJson = False,
) -> None:
    """Train a neural-network classifier on a table by minimising the cross-entropy.

    With --regression: a normal distribution whose mean and standard deviation are networks.

    --missing concerns the labels and weights; covariates may be missing.

    Exit codes: 0 trained, 1 stopped by a NaN loss or an interrupt (the best weights are kept),
    2 wrong input.
    """
    with process.errors_as_messages():
        process.keep_compiled_code()
        nats_per(unit)
        if report is not None:
            if regression:
                raise KullbackError("--report describes a classifier; use --test for a regression.")
            process.check_folder("--report", report, figures=True)
        columns = {"--target": target, "--weights": weights}
        data: Any = files_of(table, missing_values, separator, columns.items())
        network = kullback.MLP(
            hidden=_widths(hidden),
            activation=activation,
            dropout=dropout,
            normalization=_choice("--normalization", normalization, "layer"),
            skip=skip,
            members=members,
            inputs=read_names("--inputs", inputs),
            categorical=read_names("--categorical", categorical) or (),
        )
        files = partial(files_of, missing_values=missing_values, separator=separator)
        share = _share_or_table("--held-out", held_out)
        solver = kullback.Minibatch(
            epochs=epochs,
            batch=batch,
            learning_rate=learning_rate,
            weight_decay=weight_decay,
            patience=patience,
            calibration=_choice(
                "--calibration",
                None if calibration == "none" else calibration,
                "temperature",
                "vector",
            ),
            label_smoothing=label_smoothing,
            class_weight=_choice("--class-weight", class_weight, "balanced"),
            held_out=files([share]) if isinstance(share, str) else share,
            seed=seed,
            checkpoint=checkpoint,
        )
        test_rows: Any = _share_or_table("--test", test or (str(_TEST_SHARE) if report else ""))
        source = None
        if test_rows and isinstance(test_rows, str):
            test_rows = files([test_rows])
        elif isinstance(test_rows, float):
            data, test_rows, source = _split(data, target, test_rows, seed)
        from kullback.report.training_bar import TrainingBar

        bar = TrainingBar(unit)
        shown = bar if sys.stderr.isatty() else contextlib.nullcontext()
        with second_one_ends(bar.stopping), shown:
            fitted: kullback.TrainedFit = kullback.fit(
                kullback.Normal(loc=network, scale=network)
                if regression
                else kullback.Categorical(logits=network),
                data,
                target,
                weights=weights,
                missing=missing,
                solver=solver,
                progress=bar,
            )
        if source is not None:
            fitted = replace(fitted, source=source)
        if save is not None:
            fitted.save(save)
        loss_report, found = None, None
        if isinstance(test_rows, list):
            test_rows = read_columns(test_rows, "give --test fewer rows.")
        if test_rows and regression:
            found = evaluate_regression(fitted, test_rows, target, weights, unit)
        elif test_rows:
            loss_report = kullback.evaluate(fitted, test_rows, target, weights=weights, unit=unit)
            if report is not None:
                loss_report.report(report)
        if as_json:
            document = training_document(fitted, unit)
            if loss_report is not None:
                document["test"] = loss_report_document(loss_report)
            if found is not None:
                document["test"] = found
            process.write_json(document)
        else:
            process.write(fitted.summary(unit))
            if loss_report is not None:
                process.write(f"\nOn {loss_report.rows:,} test rows:\n")
                print_loss_report(loss_report)
            if found is not None:
                process.write("\nOn test rows:\n")
                print_regression(found)
    raise typer.Exit(0 if fitted.converged else 1)


# ---- parts -------------------------------------------------------------------------------------


def _widths(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(",") if part.strip())
    except ValueError:
        raise ModelError(
            f'--hidden must be widths, such as 64,64 (or "" for none), got "{text}".'
        ) from None


def _choice(option: str, value: str | None, *choices: str) -> Any:
    if value is not None and value not in choices:
        raise ModelError(f'{option} must be {" or ".join(choices)}, got "{value}".')
    return value


def _share_or_table(option: str, text: str) -> float | str:
    """A share of the rows, or a file with others; empty for neither."""
    try:
        share = float(text)
    except ValueError:
        return text
    if not 0.0 < share < 1.0:
        raise KullbackError(f"{option} must be a share between 0 and 1 or a table, got {text}.")
    return share


def _split(
    table: list[str], target: str, share: float, seed: int
) -> tuple[Mapping[str, Any], Mapping[str, Any], str]:
    """Draw test rows; return the other rows, the test rows, and a description of the others."""
    import numpy as np

    from kullback.data.checks import check_column

    columns = read_columns(table, "give the test rows as another table, --test TABLE.")
    check_column(target, list(columns), "--target", columns.description)
    rows = len(columns[target])
    count = round(share * rows)
    if not 0 < count < rows:
        raise DataError(
            f"a share of {share:g} of {rows:,} rows leaves no rows to train or to test."
        )
    order = np.random.default_rng([seed, 5]).permutation(rows)
    # in their original order, so that messages name rows in ascending order
    train_rows, test_rows = np.sort(order[count:]), np.sort(order[:count])
    source = f"{columns.description} without {count:,} test rows"
    return columns.at(train_rows), columns.at(test_rows), source


def training_document(fitted: kullback.TrainedFit, unit: str) -> dict[str, Any]:
    """The content of a trained fit for ``--json``."""
    size = nats_per(unit)
    return {
        "unit": unit,
        "cross_entropy": fitted.cross_entropy / size,
        "stderr": fitted.error / size,
        "baseline": fitted.baseline / size,
        "rows": fitted.rows,
        "held_out_rows": fitted.held_out_rows,
        "classes": fitted.model.levels,
        "weights": fitted.weights,
        "converged": fitted.converged,
        "reason": fitted.reason,
        "best_epoch": fitted.best,
        "epochs": len(fitted.history),
        "training": [epoch.training / size for epoch in fitted.history],
        "held_out": [epoch.refined / size for epoch in fitted.history],
    }
