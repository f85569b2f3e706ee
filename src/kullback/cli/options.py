"""Arguments and options that several commands share."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import typer

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
Unit: TypeAlias = Annotated[
    str, typer.Option(metavar="nats|bits|hartleys", help="Unit of entropies and losses.")
]
AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON only.")]
