"""``kullback predict``: the predictions of a saved network for the rows of a table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

import kullback
from kullback.cli import process
from kullback.cli.networks import load_network
from kullback.cli.options import MissingValues, SavedModel, Separator, Tables, files_of


def predict(
    model: SavedModel,
    table: Tables,
    missing_values: MissingValues = None,
    separator: Separator = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write a CSV or Parquet file instead of printing."),
    ] = None,
) -> None:
    """Print the most probable class of every row and all class probabilities, as CSV.

    For a regression: the mean and the parameters of the distribution of every row.

    Exit codes: 0 done, 2 wrong input.
    """
    with process.errors_as_messages():
        from kullback.data.writing import check_kind, write_columns

        process.keep_compiled_code()
        if out is not None:
            process.check_folder("--out", out)
            check_kind(out)
        columns = _columns(load_network(model), files_of(table, missing_values, separator))
        if out is not None:
            write_columns(columns, out)
            return
        process.write_csv(columns)


def _columns(fit: kullback.TrainedFit, data: Any) -> dict[str, Any]:
    """The predictions by column: the class or the mean, then probabilities or parameters."""
    import numpy as np

    if fit.form.outcome != "label":
        columns = {"mean": fit.predict(data)}
        for name, value in fit.predict_params(data).items():
            if value.ndim == 1:
                columns[name] = value
        return columns
    p = fit.predict_proba(data)
    classes = [str(name) for name in fit.classes_]
    best = np.array(classes, dtype=object)[np.argmax(p, axis=1)]
    shares = {f"p({name})": np.ascontiguousarray(p[:, k]) for k, name in enumerate(classes)}
    return {"class": best, **shares}
