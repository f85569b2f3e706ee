"""``kullback tour``: why fits minimise the cross-entropy, shown step by step."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from kullback._core.errors import DataError, KullbackError
from kullback._core.units import nats_per
from kullback.cli import process
from kullback.cli.options import Separator, Y, files_of


def tour(
    file: Annotated[
        str | None,
        typer.Argument(
            metavar="[DATA]", help="A CSV or Parquet file with data of your own: numbers or labels."
        ),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the tour as an interactive web page."),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="The same as DATA."),
    ] = None,
    y: Y = None,
    separator: Separator = None,
    unit: Annotated[
        str,
        typer.Option(metavar="nats|bits|hartleys", help="Unit; on the page you can change it."),
    ] = "nats",
    depth: Annotated[
        int, typer.Option(metavar="0|1|2|3", help="Hidden layers of the network in step 8.")
    ] = 1,
    activation: Annotated[
        str, typer.Option(metavar="tanh|relu|logistic", help="Their activation function.")
    ] = "tanh",
    learning_rate: Annotated[
        float, typer.Option(metavar="NUMBER", help="Learning rate of the network.")
    ] = 1.0,
    no_pause: Annotated[
        bool, typer.Option("--no-pause", help="Do not wait for the Enter key after each step.")
    ] = False,
) -> None:
    """Go from entropy to the training of a network in eight steps, computed as you read.

    Exit codes: 0 done, 2 wrong input.
    """
    with process.errors_as_messages():
        from kullback.tour.network_choice import NetworkChoice

        nats_per(unit)
        network = NetworkChoice(depth, activation, learning_rate)
        if html is not None:
            process.check_page("--html", html)
        if file is not None and data is not None:
            raise KullbackError(f"--data {data}: the file {file} is given already. Give one file.")
        source = file if file is not None else data
        for option, given in (("--y names a column", y), ("--separator is that", separator)):
            if source is None and given is not None:
                raise KullbackError(f"{option} of a file: add --data FILE.")
        values, name = None, None
        if source is not None:
            values, name = _column(files_of([source], separator=separator), y)
        if html is None:
            from kullback.cli.console import console
            from kullback.tour.terminal import show

            pause = not no_pause and sys.stdin.isatty() and sys.stdout.isatty()
            show(
                console(),
                data=values,
                name=name,
                unit=unit,
                network=network,
                pause=pause,
                prepare=process.keep_compiled_code,
            )
            return
        process.keep_compiled_code()
        from kullback.pages.page import write_page
        from kullback.tour.page import render

        text = render(data=values, name=name, unit=unit, network=network)
        write_page(text, html)
        process.write(f"wrote {html}: open it in a browser")


def _column(source: Any, y: str | None) -> tuple[Any, str | None]:
    """Read a column of numbers, or of labels where most of its values are not numbers."""
    from kullback.data.arrays import reads_as_number
    from kullback.data.checks import name_of_column
    from kullback.data.open import open_sample
    from kullback.data.roles import Roles

    labels = None
    try:
        sample = open_sample(source, Roles(y), in_memory=True)
        (chunk,) = list(sample.chunks())
    except DataError:
        sample = open_sample(source, Roles(y, outcome="label"), in_memory=True)
        (chunk,) = list(sample.chunks())
        labels = [str(level) for level in sample.levels or ()]
        numeric = [reads_as_number(label) for label in labels]
        # text among numbers is a mistake in the file, and not a label
        if sum(numeric) * 2 > len(numeric):
            raise
    if chunk.weight is not None:
        raise DataError("the tour requires rows of equal weight.")
    # y is None for a file's only column
    name = y or name_of_column(sample.label)
    values = chunk.fields["y"]
    if labels is None:
        return values, name
    return [labels[int(code)] for code in values.tolist()], name
