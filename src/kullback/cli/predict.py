"""``kullback predict``: what a saved network says of rows."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from kullback.cli import process
from kullback.cli.networks import trained
from kullback.data.writing import check_kind, write_columns, write_csv
from kullback.results.trained import TrainedFit


def predict(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A folder that train saved.")],
    table: Annotated[
        list[str], typer.Argument(metavar="TABLE", help="CSV or Parquet files, or patterns.")
    ],
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write a CSV or Parquet file instead of printing."),
    ] = None,
) -> None:
    """Print the most probable class of every row, and the probabilities, as CSV.

    Of a regression the mean and the parameters.
    """
    with process.errors_in_words():
        process.keep_compiled_code()
        if out is not None:
            process.check_folder("--out", out)
            check_kind(out)
        columns = _columns(trained(model), table if len(table) > 1 else table[0])
        if out is not None:
            write_columns(columns, out)
            return
        sys.stdout.flush()
        write_csv(columns, sys.stdout.buffer)
        sys.stdout.flush()


def _columns(fitted: TrainedFit, data: Any) -> dict[str, Any]:
    """A column for the answer, and one for each of its numbers."""
    if fitted.form.outcome != "label":
        found = {"mean": fitted.predict(data)}
        for name, value in fitted.predict_params(data).items():
            if value.ndim == 1:
                found[name] = value
        return found
    p = fitted.predict_proba(data)
    classes = [str(name) for name in fitted.classes_]
    best = np.array(classes, dtype=object)[np.argmax(p, axis=1)]
    shares = {f"p({name})": np.ascontiguousarray(p[:, k]) for k, name in enumerate(classes)}
    return {"class": best, **shares}
