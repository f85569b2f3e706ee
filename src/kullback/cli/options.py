"""Arguments and options that several commands share."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, TypeAlias

import typer

from kullback._core.errors import KullbackError

Tables: TypeAlias = Annotated[
    list[str],
    typer.Argument(metavar="TABLE", help='CSV or Parquet files, or patterns such as "*.parquet".'),
]
SavedModel: TypeAlias = Annotated[
    str, typer.Argument(metavar="MODEL", help='Folder written by "kullback train --save".')
]
Y: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--y", metavar="COLUMN", help="Column of the outcome; optional for a single column."
    ),
]
Target: TypeAlias = Annotated[
    str, typer.Option(metavar="COLUMN", help="Column of the labels, or of the numbers.")
]
Weights: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="COLUMN", help="Column of weights: how many rows each row stands for."),
]
Missing: TypeAlias = Annotated[
    str,
    typer.Option(metavar="error|drop", help="Refuse rows with missing values, or drop them."),
]
MissingValues: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="TEXT,TEXT,...",
        help='Texts that mean a missing value in CSV files, such as "?", beside NA and empty ones.',
    ),
]
Unit: TypeAlias = Annotated[
    str, typer.Option(metavar="nats|bits|hartleys", help="Unit of entropies and losses.")
]
AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON only.")]


def files_of(
    tables: Sequence[str],
    missing_values: str | None,
    columns: Mapping[str, str | None] | None = None,
) -> Any:
    """The files of a command line as data, with the texts that mean a missing value in them.

    Args:
        tables: paths or patterns.
        missing_values: the texts, separated by commas.
        columns: names of columns by option, looked for at once: a name with a mistake is then
            reported before JAX is imported.
    """
    from kullback.data.paths import DataFiles

    texts = [] if missing_values is None else next(csv.reader([missing_values]), [])
    if missing_values is not None and not any(texts):
        raise KullbackError(f'--missing-values must be texts, such as "?", got "{missing_values}".')
    files = DataFiles(tables, texts)
    if columns is not None:
        from kullback.data.checks import check_column
        from kullback.data.files import open_files

        opened = open_files(files)
        for option, name in columns.items():
            if name is not None:
                check_column(name, opened.names, option, opened.description)
    return files
