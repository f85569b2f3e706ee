"""The commands of networks: train one, predict with it, and account for a classifier's loss."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

import kullback
from kullback._core.errors import DataError, KullbackError, ModelError
from kullback._core.units import nats_per
from kullback.cli import process
from kullback.data.opening import open_table
from kullback.results.trained import Epoch, TrainedFit

Unit = Annotated[str, typer.Option(metavar="nats|bits|hartleys", help="Unit of what is printed.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print only JSON.")]


def train(
    table: Annotated[
        list[str], typer.Argument(metavar="TABLE", help="CSV or Parquet files, or patterns.")
    ],
    target: Annotated[str, typer.Option(metavar="LABEL", help="The column of the classes.")],
    weights: Annotated[str | None, typer.Option(metavar="COLUMN", help="Row weights.")] = None,
    hidden: Annotated[str, typer.Option(help="Widths of the hidden layers.")] = "256,256",
    activation: Annotated[str, typer.Option(help="relu, gelu, silu, ...")] = "silu",
    dropout: Annotated[float, typer.Option(help="Share of hidden units dropped.")] = 0.15,
    members: Annotated[int | None, typer.Option(help="How many networks share the rows.")] = None,
    epochs: Annotated[int | None, typer.Option(help="How often every row is used.")] = None,
    batch: Annotated[int | None, typer.Option(help="Rows a step.")] = None,
    learning_rate: Annotated[float, typer.Option(help="The largest one.")] = 3e-3,
    seed: Annotated[int, typer.Option(help="Of everything random.")] = 0,
    missing: Annotated[
        str, typer.Option(metavar="error|drop", help="For rows without label or weight.")
    ] = "error",
    test: Annotated[
        str | None, typer.Option(metavar="TABLE", help="Other rows, for the report.")
    ] = None,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE.html", help="The account of the loss on --test.")
    ] = None,
    save: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Save the model, for kl.load.")
    ] = None,
    unit: Unit = "nats",
    as_json: AsJson = False,
) -> None:
    """Train a neural-network classifier on a table by minimising the cross-entropy.

    Exit codes: 0 trained, 1 stopped early by a loss that is no number or by an interrupt (the best
    weights are kept), 2 wrong input.
    """
    with process.errors_in_words():
        process.keep_compiled_code()
        size = nats_per(unit)
        if (report is None) != (test is None):
            raise KullbackError(
                "--report and --test go together: the account of a loss needs rows that the "
                "network has not seen."
            )
        if report is not None:
            process.check_folder("--report", report)
        network = kullback.MLP(
            hidden=_widths(hidden), activation=activation, dropout=dropout, members=members
        )
        how = kullback.Minibatch(epochs=epochs, batch=batch, learning_rate=learning_rate, seed=seed)
        fitted: TrainedFit = kullback.fit(
            kullback.Categorical(logits=network),
            table if len(table) > 1 else table[0],
            target,
            weights=weights,
            missing=missing,
            solver=how,
            progress=_Line(unit, size) if sys.stderr.isatty() else None,
        )
        if save is not None:
            fitted.save(save)
        if report is not None and test is not None:
            _account(fitted, test, target, unit).report(report)
        if as_json:
            process.write(json.dumps(process.plain(_document(fitted, unit)), indent=2))
        else:
            process.write(fitted.summary(unit))
    raise typer.Exit(0 if fitted.converged else 1)


def predict(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A folder that train saved.")],
    table: Annotated[str, typer.Argument(metavar="TABLE", help="A CSV or Parquet file.")],
) -> None:
    """Print the most probable class of every row, and the probabilities, as CSV."""
    with process.errors_in_words():
        process.keep_compiled_code()
        fitted = _trained(model)
        p = fitted.predict_proba(table)
        classes = [str(name) for name in fitted.classes_]
        process.write(",".join(["class", *(_cell(f"p({name})") for name in classes)]))
        for best, row in zip(np.argmax(p, axis=1), p, strict=True):
            process.write(",".join([_cell(classes[best]), *(repr(float(v)) for v in row)]))


def evaluate(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A folder that train saved.")],
    table: Annotated[str, typer.Argument(metavar="TABLE", help="Rows it was not trained on.")],
    target: Annotated[str, typer.Option(metavar="LABEL", help="The column of the classes.")],
    report: Annotated[
        Path | None, typer.Option(metavar="FILE.html", help="Write the account as a page.")
    ] = None,
    unit: Unit = "nats",
    as_json: AsJson = False,
) -> None:
    """Account for a saved classifier's loss: H(Y), cross-entropy, refinement, calibration."""
    with process.errors_in_words():
        process.keep_compiled_code()
        nats_per(unit)
        if report is not None:
            process.check_folder("--report", report)
        account = _account(_trained(model), table, target, unit)
        if report is not None:
            account.report(report)
        if as_json:
            names = ("cross_entropy", "label_entropy", "explained", "refinement", "calibration")
            document: dict[str, Any] = {"unit": unit, "rows": account.rows}
            for name in names:
                found = getattr(account, name)
                document[name] = {"value": found.value, "interval": list(found.interval)}
            document["impossible"] = list(account.impossible)
            document["worst"] = [int(row) for row in account.worst(10)]
            process.write(json.dumps(process.plain(document), indent=2))
        else:
            process.write(str(account))


# ---- parts -------------------------------------------------------------------------------------


def _widths(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(",") if part.strip())
    except ValueError:
        raise ModelError(
            f'--hidden needs widths, such as 64,64 (or "" for none), and not "{text}".'
        ) from None


def _trained(folder: str) -> TrainedFit:
    found = kullback.load(folder)
    if not isinstance(found, TrainedFit):
        raise DataError(f"{folder} holds a fit without networks; kullback train saves others.")
    return found


def _account(fitted: TrainedFit, table: str, target: str, unit: str) -> Any:
    _, columns = open_table([table])
    if not isinstance(columns, dict):
        raise DataError(f"{table} is too large to be evaluated in memory; give a part of the rows.")
    return kullback.evaluate(fitted, columns, target, unit=unit)


def _document(fitted: TrainedFit, unit: str) -> dict[str, Any]:
    size = nats_per(unit)
    return {
        "unit": unit,
        "cross_entropy": fitted.cross_entropy / size,
        "guess": fitted.guess / size,
        "rows": fitted.rows,
        "held_out_rows": fitted.held_out_rows,
        "classes": list(fitted.classes_),
        "weights": fitted.weights,
        "converged": fitted.converged,
        "reason": fitted.reason,
        "best_epoch": fitted.best,
        "epochs": len(fitted.history),
        "held_out": [epoch.refined / size for epoch in fitted.history],
    }


def _cell(text: str) -> str:
    quote = '"'
    special = any(mark in text for mark in ',"\n\r')
    return f"{quote}{text.replace(quote, quote * 2)}{quote}" if special else text


class _Line:
    """One line on a terminal that says where a training stands."""

    def __init__(self, unit: str, size: float) -> None:
        self._unit, self._size = unit, size

    def __call__(self, epoch: Epoch, epochs: int, guess: float) -> None:
        gained = (guess - epoch.refined) / nats_per("bits")
        sys.stderr.write(
            f"\repoch {epoch.number} of {epochs}: training {epoch.training / self._size:.4f}, "
            f"held out {epoch.refined / self._size:.4f} {self._unit}; "
            f"{gained:.3f} bits of the label explained "
        )
        if epoch.number == epochs:
            sys.stderr.write("\n")
        sys.stderr.flush()
