"""Arguments and options that several commands share."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, TypeAlias

import typer

from kullback._core.errors import KullbackError
from kullback.cli.standard_input import standard_input

Tables: TypeAlias = Annotated[
    list[str],
    typer.Argument(
        metavar="TABLE",
        help='CSV or Parquet files, patterns such as "*.parquet", or - for standard input.',
    ),
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
Separator: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="CHARACTER",
        help='Separator of the values in CSV files, such as ";" or tab; by default found from the '
        "first lines.",
    ),
]
Unit: TypeAlias = Annotated[
    str, typer.Option(metavar="nats|bits|hartleys", help="Unit of entropies and losses.")
]
AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON only.")]


def files_of(
    tables: Sequence[str],
    missing_values: str | None = None,
    separator: str | None = None,
    columns: Mapping[str, str | list[str] | None] | None = None,
) -> Any:
    """The files of a command line as data, with what the options say about CSV files.

    Args:
        tables: paths or patterns.
        missing_values: the texts that mean a missing value, separated by commas.
        separator: between the values.
        columns: names of columns by option, looked for at once: a name with a mistake is then
            reported before JAX is imported.
    """
    from kullback.data.paths import DataFiles

    texts = [] if missing_values is None else next(csv.reader([missing_values]), [])
    if missing_values is not None and not any(texts):
        raise KullbackError(f'--missing-values must be texts, such as "?", got "{missing_values}".')
    paths = [standard_input() if table == "-" else table for table in tables]
    files = DataFiles(paths, texts, separator)
    if columns is not None:
        from kullback.data.checks import check_column
        from kullback.data.files import open_files

        opened = open_files(files)
        for option, names in columns.items():
            for name in [names] if isinstance(names, str) else names or ():
                check_column(name, opened.names, option, opened.description)
    return files
