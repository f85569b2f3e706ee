"""Arguments and options that several commands share."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, NamedTuple, TypeAlias

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
YOrEnds: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--y",
        metavar="COLUMN",
        help="Column of the outcome; optional for a single column. Give it twice for the two "
        "columns between which the outcome lies; an empty end is none.",
    ),
]
Event: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="COLUMN",
        help="Column that is 1 where the outcome was seen, 0 where it is at least so large "
        "(right-censored), -1 where it is at most so large (left-censored).",
    ),
]
Events: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        metavar="TEXT=CODE",
        help='What a text in the column of --event means: "<=-1" that "<" is left-censored, "==1" '
        'that "=" was seen. Repeat for every text.',
    ),
]
Rounding: TypeAlias = Annotated[
    float | None,
    typer.Option(
        metavar="NUMBER",
        help="Distance of the values that outcomes were rounded to: each is then an interval.",
    ),
]
TruncationLower: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="COLUMN|NUMBER",
        help="Rows are in the table only because their outcome was at least so large.",
    ),
]
TruncationUpper: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="COLUMN|NUMBER",
        help="Rows are in the table only because their outcome was at most so large.",
    ),
]
Target: TypeAlias = Annotated[
    str, typer.Option(metavar="COLUMN", help="Column of the labels, or of the numbers.")
]
Weights: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="COLUMN", help="Column of weights: how many rows each row stands for."),
]
WeightKind: TypeAlias = Annotated[
    str,
    typer.Option(
        metavar="frequency|sampling",
        help="Whether a row of weight k stands for k equal rows, or is one that was drawn with a "
        "probability in proportion to 1/k: its errors then come from squared weights.",
    ),
]
Dask: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        help="Let the workers of a Dask cluster read the Parquet files, which all of them must see "
        "under the same paths: the address of its scheduler, such as tcp://10.0.0.1:8786.",
    ),
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
        columns: options with names of columns, looked for at once: a name with a mistake is then
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


class Observed(NamedTuple):
    """How the outcomes were observed: the options that say it, as ``kl.fit`` takes them.

    Attributes:
        y: the outcome's column, or the two columns of its ends.
        event: the column of the events, or what its texts mean.
        truncation: the two ends of the window, None for none.
        columns: the options that name columns.
    """

    y: str | tuple[str, str] | None
    event: Any
    truncation: tuple[str | float | None, str | float | None] | None
    columns: dict[str, str | list[str] | None]


def observed_of(
    y: list[str] | None,
    event: str | None,
    lower: str | None,
    upper: str | None,
    events: Sequence[str] | None = None,
) -> Observed:
    """Return what ``--y``, ``--event``, ``--events`` and the ends of ``--truncation`` say."""
    window = end_of(lower), end_of(upper)
    low, high = (end if isinstance(end, str) else None for end in window)
    columns: dict[str, str | list[str] | None] = {"--y": y, "--event": event}
    columns |= {"--truncation-lower": low, "--truncation-upper": high}
    truncation = None if window == (None, None) else window
    return Observed(outcome_of(y), event_of(event, events), truncation, columns)


def outcome_of(y: Sequence[str] | None) -> str | tuple[str, str] | None:
    """The outcome's column, or the two columns of its ends.

    Raises:
        KullbackError: for more than two columns.
    """
    match y:
        case None | []:
            return None
        case [name]:
            return name
        case [lower, upper]:
            return lower, upper
        case _:
            raise KullbackError(f"--y takes one column, or two for the ends, got {len(y)}.")


def event_of(column: str | None, texts: Sequence[str] | None) -> Any:
    """The events: a column, and what its texts mean.

    Raises:
        KullbackError: for a text without its meaning, or without a column.
    """
    if not texts:
        return column
    if column is None:
        raise KullbackError("--events says what texts of a column mean: name it by --event.")
    from kullback.data.events import Events as Meanings

    meanings: dict[str, int] = {}
    for given in texts:
        text, equals, code = given.rpartition("=")
        if not equals or code not in ("1", "0", "-1"):
            raise KullbackError(f'--events must be TEXT=1, TEXT=0 or TEXT=-1, got "{given}".')
        meanings[text] = int(code)
    return Meanings(meanings, column)


def end_of(text: str | None) -> str | float | None:
    """The end of a window: a number, or the name of a column."""
    try:
        return None if text is None else float(text)
    except ValueError:
        return text
