"""``kullback train``: a neural-network classifier from a table."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

import kullback
from kullback._core.errors import DataError, KullbackError, ModelError
from kullback._core.units import nats_per
from kullback.cli import process
from kullback.cli.interrupts import second_one_ends
from kullback.cli.networks import (
    AsJson,
    Unit,
    columns_of,
    loss_report_document,
    names,
    print_loss_report,
)
from kullback.data.checks import check_column
from kullback.results.trained import TrainedFit

# Of the rows this share is set aside for the report, where no other rows are given.
_SET_ASIDE = 0.2


def train(
    table: Annotated[
        list[str], typer.Argument(metavar="TABLE", help="CSV or Parquet files, or patterns.")
    ],
    target: Annotated[str, typer.Option(metavar="LABEL", help="The column of the classes.")],
    weights: Annotated[str | None, typer.Option(metavar="COLUMN", help="Row weights.")] = None,
    inputs: Annotated[
        str | None, typer.Option(metavar="A,B", help="The covariates; all other columns.")
    ] = None,
    categorical: Annotated[
        str | None, typer.Option(metavar="A,B", help="Columns of numbers that are categories.")
    ] = None,
    hidden: Annotated[str, typer.Option(help="Widths of the hidden layers.")] = "256,256",
    activation: Annotated[str, typer.Option(help="relu, gelu, silu, ...")] = "silu",
    dropout: Annotated[float, typer.Option(help="Share of hidden units dropped.")] = 0.15,
    normalization: Annotated[str | None, typer.Option(metavar="layer")] = None,
    skip: Annotated[bool, typer.Option("--skip", help="Layers add their input.")] = False,
    members: Annotated[int | None, typer.Option(help="How many networks share the rows.")] = None,
    epochs: Annotated[int | None, typer.Option(help="How often every row is used.")] = None,
    batch: Annotated[int | None, typer.Option(help="Rows a step.")] = None,
    learning_rate: Annotated[float, typer.Option(help="The largest one.")] = 3e-3,
    weight_decay: Annotated[float, typer.Option(help="AdamW's, of matrices.")] = 0.02,
    patience: Annotated[int, typer.Option(help="Epochs without improvement.")] = 25,
    calibration: Annotated[
        str, typer.Option(metavar="none|temperature|vector", help="After training.")
    ] = "temperature",
    label_smoothing: Annotated[float, typer.Option(help="Share spread over classes.")] = 0.0,
    class_weight: Annotated[str | None, typer.Option(metavar="balanced")] = None,
    held_out: Annotated[
        str, typer.Option(metavar="SHARE|TABLE", help="Rows for early stopping.")
    ] = "0.1",
    checkpoint: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Resume from it, and write to it.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of everything random.")] = 0,
    missing: Annotated[
        str, typer.Option(metavar="error|drop", help="For rows without label or weight.")
    ] = "error",
    test: Annotated[
        str | None,
        typer.Option(
            metavar="SHARE|TABLE", help="Rows for the decomposition of the loss, kept apart."
        ),
    ] = None,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE.html", help="Write that report as a page.")
    ] = None,
    save: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Save the model, for kl.load.")
    ] = None,
    unit: Unit = "nats",
    as_json: AsJson = False,
) -> None:
    """Train a neural-network classifier on a table by minimising the cross-entropy.

    With --report a fifth of the rows is set aside for it, unless --test says otherwise.

    Exit codes: 0 trained, 1 stopped early by a loss that is no number or by an interrupt (the best
    weights are kept), 2 wrong input.
    """
    with process.errors_in_words():
        process.keep_compiled_code()
        nats_per(unit)
        if report is not None:
            process.check_folder("--report", report)
        network = kullback.MLP(
            hidden=_widths(hidden),
            activation=activation,
            dropout=dropout,
            normalization=_choice("--normalization", normalization, "layer"),
            skip=skip,
            members=members,
            inputs=names("--inputs", inputs),
            categorical=names("--categorical", categorical) or (),
        )
        how = kullback.Minibatch(
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
            held_out=_share_or_table("--held-out", held_out),
            seed=seed,
            checkpoint=checkpoint,
        )
        data: Any = table if len(table) > 1 else table[0]
        apart: Any = _share_or_table("--test", test or (str(_SET_ASIDE) if report else ""))
        source = None
        if isinstance(apart, float):
            data, apart, source = _set_aside(table, target, apart, seed)
        from kullback.report.training_bar import TrainingBar

        bar = TrainingBar(unit)
        drawn = bar if sys.stderr.isatty() else contextlib.nullcontext()
        with second_one_ends(bar.stopping), drawn:
            fitted: TrainedFit = kullback.fit(
                kullback.Categorical(logits=network),
                data,
                target,
                weights=weights,
                missing=missing,
                solver=how,
                progress=bar,
            )
        if source is not None:
            fitted = replace(fitted, source=source)
        if save is not None:
            fitted.save(save)
        found = None
        if apart:
            columns = columns_of([apart], "give --test a part") if isinstance(apart, str) else apart
            found = kullback.evaluate(fitted, columns, target, weights=weights, unit=unit)
            if report is not None:
                found.report(report)
        if as_json:
            document = _document(fitted, unit)
            if found is not None:
                document["test"] = loss_report_document(found)
            process.write(json.dumps(process.plain(document), indent=2))
        else:
            process.write(fitted.summary(unit))
            if found is not None:
                process.write(f"\nOn {found.rows:,} rows that were kept apart:\n")
                print_loss_report(found)
    raise typer.Exit(0 if fitted.converged else 1)


# ---- parts -------------------------------------------------------------------------------------


def _widths(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(",") if part.strip())
    except ValueError:
        raise ModelError(
            f'--hidden needs widths, such as 64,64 (or "" for none), and not "{text}".'
        ) from None


def _choice(option: str, given: str | None, *choices: str) -> Any:
    if given is not None and given not in choices:
        raise ModelError(f'{option} must be {" or ".join(choices)}, and not "{given}".')
    return given


def _share_or_table(option: str, text: str) -> float | str:
    """A share of the rows, or a file with others; empty where there is neither."""
    try:
        share = float(text)
    except ValueError:
        return text
    if not 0.0 < share < 1.0:
        raise KullbackError(f"{option} {text}: a share of the rows lies between 0 and 1.")
    return share


def _set_aside(
    table: Sequence[str], target: str, share: float, seed: int
) -> tuple[dict[str, Any], dict[str, Any], str]:
    """Draw rows for the loss report; give the others, these, and where both come from."""
    columns = columns_of(table, "give --test TABLE, other rows for the loss report")
    check_column(target, list(columns), "--target", ", ".join(table))
    rows = len(columns[target])
    count = round(share * rows)
    if not 0 < count < rows:
        raise DataError(f"of {rows:,} rows a share of {share:g} cannot be set aside.")
    order = np.random.default_rng([seed, 5]).permutation(rows)
    # in their own order, so that messages about them name rows that ascend
    kept, apart = np.sort(order[count:]), np.sort(order[:count])
    source = f"{', '.join(table)} without {count:,} rows that were kept apart"
    return (
        {name: values[kept] for name, values in columns.items()},
        {name: values[apart] for name, values in columns.items()},
        source,
    )


def _document(fitted: TrainedFit, unit: str) -> dict[str, Any]:
    size = nats_per(unit)
    return {
        "unit": unit,
        "cross_entropy": fitted.cross_entropy / size,
        "stderr": fitted.error / size,
        "baseline": fitted.baseline / size,
        "rows": fitted.rows,
        "held_out_rows": fitted.held_out_rows,
        "classes": list(fitted.classes_),
        "weights": fitted.weights,
        "converged": fitted.converged,
        "reason": fitted.reason,
        "best_epoch": fitted.best,
        "epochs": len(fitted.history),
        "training": [epoch.training / size for epoch in fitted.history],
        "held_out": [epoch.refined / size for epoch in fitted.history],
    }
