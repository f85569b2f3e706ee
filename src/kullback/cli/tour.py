"""``kullback tour``: why fits minimise the cross-entropy, shown step by step."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from kullback._core.errors import DataError, KullbackError
from kullback._core.files import replaced
from kullback._core.units import nats_per
from kullback.cli import process
from kullback.cli.options import Y


def tour(
    html: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the tour as an interactive web page."),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="A CSV or Parquet file with data of your own."),
    ] = None,
    y: Y = None,
    unit: Annotated[
        str,
        typer.Option(
            metavar="nats|bits|hartleys", help="Unit in the terminal; the page uses nats."
        ),
    ] = "nats",
) -> None:
    """Go from entropy to maximum likelihood in seven steps, with numbers computed as you read.

    Exit codes: 0 done, 2 wrong input.
    """
    with process.errors_as_messages():
        process.keep_compiled_code()
        nats_per(unit)
        if html is not None:
            process.check_folder("--html", html)
        if y is not None and data is None:
            raise KullbackError("--y names a column of a file: add --data FILE.")
        values = name = None
        if data is not None:
            from kullback.data.checks import name_of_column
            from kullback.data.open import open_sample

            sample = open_sample(data, y=y, in_memory=True)
            (chunk,) = list(sample.chunks())
            if chunk.weight is not None:
                raise DataError("the tour requires rows of equal weight.")
            # y is None for a file's only column
            values, name = chunk.fields["y"], y or name_of_column(sample.label)
        if html is None:
            from kullback.cli.console import console
            from kullback.tour.terminal import show

            show(console(), data=values, name=name, unit=unit)
            return
        from kullback.tour.page import render

        text = render(data=values, name=name)
        with replaced(html, os.fspath(html)) as file:
            file.write(text.encode())
        process.write(f"wrote {html}: open it in a browser")
