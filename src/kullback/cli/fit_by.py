"""``kullback fit --by``: a distribution fitted to every group of rows."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer

import kullback
from kullback._core.display import more
from kullback._core.errors import KullbackError
from kullback._core.units import nats_per
from kullback.cli import process

By: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        metavar="COLUMN",
        help="Column whose values split the rows into groups, each fitted by itself. Repeat for "
        "several columns.",
    ),
]
Out: TypeAlias = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="With --by: write all groups to a CSV or Parquet file."),
]


def check_groups(
    by: list[str] | None, out: Path | None, alone: Mapping[str, object], *, as_json: bool
) -> None:
    """Refuse options that do not go together, before the fit rather than after it.

    Args:
        by: the columns of the groups.
        out: the file to write them to.
        alone: options of a single fit; None or False where they were not given.
        as_json: whether all is printed as JSON.

    Raises:
        KullbackError: there are such, or the file cannot be written.
    """
    given = [option for option, value in alone.items() if value]
    if by and given:
        raise KullbackError(
            f"{given[0]} is for one fit: with --by, write the groups by --out FILE."
        )
    if out is None:
        return
    if not by:
        raise KullbackError("--out writes a row for each group: give --by COLUMN too.")
    if as_json:
        raise KullbackError("--json prints all groups and --out writes them: give one of them.")
    from kullback.data.writing import check_kind

    process.check_folder("--out", out)
    check_kind(out)


def write_groups(
    table: kullback.FitTable, unit: str, out: Path | None, *, as_json: bool = False
) -> None:
    """Print the fits of all groups, or write them to a file."""
    if as_json:
        process.write_json(groups_document(table, unit))
        return
    shown = table.display(unit)
    if out is None and sys.stdout.isatty():  # which wraps the reasons
        (groups,) = shown.tables
        process.write(shown.title)
        process.write_table(groups.head, [row for row in groups.rows if row])
        process.write("\n".join([*more(groups.rows), *shown.notes]))
        return
    if out is None:
        process.write(str(shown))
        return
    import numpy as np

    from kullback.data.writing import write_columns

    keys = table.keys if len(table.by) > 1 else [(key,) for key in table.keys]
    columns = {
        name: np.array(column, dtype=object)
        for name, column in zip(table.by, zip(*keys, strict=True), strict=True)
    }
    write_columns({**columns, **table.columns}, out)
    process.write("\n".join([f"{shown.title}: {out}", *shown.notes]))


def groups_document(table: kullback.FitTable, unit: str) -> dict[str, Any]:
    """The content for ``--json``: facts of all groups, and an object for each."""
    keys = [key if len(table.by) > 1 else (key,) for key in table.keys]
    per_nat = 1.0 / nats_per(unit)
    groups = [
        {
            "key": [key if isinstance(key, int | float | str) else str(key) for key in own],
            "n": table.n[i],
            "params": _of_group(table.params, i),
            "stderr": _of_group(table.stderr, i),
            "cross_entropy": -table.log_likelihood[i] / table.n[i] * per_nat,
            "log_likelihood": table.log_likelihood[i],
            "converged": table.converged[i],
            "reason": table.reason[i],
        }
        for i, own in enumerate(keys)
    ]
    return {"model": table.model_name, "by": table.by, "unit": unit, "groups": groups}


def _of_group(columns: Mapping[str, Any], i: int) -> dict[str, Any]:
    return {
        name: _of_group(values, i) if isinstance(values, Mapping) else values[i]
        for name, values in columns.items()
    }
