"""``kullback tour``: why cross-entropy is minimised, run rather than told."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kullback._core.errors import DataError, KullbackError
from kullback._core.units import nats_per
from kullback.cli import process
from kullback.data.checks import name_of_column
from kullback.data.open import open_sample


def tour(
    html: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write one web page, to be dragged and touched."),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="A CSV or Parquet file with examples of yours."),
    ] = None,
    y: Annotated[
        str | None,
        typer.Option("--y", metavar="COLUMN", help="Its column; not needed for a single one."),
    ] = None,
    unit: Annotated[
        str,
        typer.Option(metavar="nats|bits|hartleys", help="Unit in the terminal; the page has nats."),
    ] = "nats",
) -> None:
    """Go from entropy to maximum likelihood in seven steps, each run before your eyes.

    Exit codes: 0 done, 2 wrong input.
    """
    with process.errors_in_words():
        process.keep_compiled_code()
        nats_per(unit)
        if html is not None:
            process.check_folder("--html", html)
        if y is not None and data is None:
            raise KullbackError("--y names a column of --data FILE, which is not given.")
        values = name = None
        if data is not None:
            sample = open_sample(data, y=y, in_memory=True)
            (chunk,) = list(sample.chunks())
            if chunk.weight is not None:
                raise DataError("the tour takes rows of equal weight.")
            # a file's only column is asked for by no name
            values, name = chunk.fields["y"], y or name_of_column(sample.label)
        if html is None:
            from rich.console import Console

            from kullback.tour.terminal import show

            show(Console(), data=values, name=name, unit=unit)
            return
        from kullback.tour.page import render

        html.write_text(render(data=values, name=name), encoding="utf-8")
        process.write(f"wrote {html}: open it in a browser")
