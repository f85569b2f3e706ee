"""``kullback entropy``: entropy of columns, and what they tell of each other."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Sequence
from itertools import combinations
from pathlib import Path
from typing import Annotated, Any

import typer

from kullback._core.errors import DataError, KullbackError
from kullback._core.units import nats_per
from kullback.cli import process
from kullback.data.checks import check_choice, check_column
from kullback.data.open import open_table
from kullback.information.estimate import Estimate
from kullback.information.estimators import estimate_entropy, estimate_mutual_information
from kullback.information.neighbours.entropy import NoDensityError

Row = tuple[tuple[str, ...], "Estimate | str"]


def entropy(
    table: Annotated[
        list[str], typer.Argument(metavar="TABLE", help="CSV or Parquet files, or patterns.")
    ],
    columns: Annotated[
        str | None,
        typer.Option(
            metavar="A,B,...", help="Which columns; by default all. Quote names that have a comma."
        ),
    ] = None,
    joint: Annotated[
        bool, typer.Option("--joint", help="Also the mutual information of every two columns.")
    ] = False,
    by: Annotated[
        str | None,
        typer.Option(metavar="LABEL", help="What each column tells of this one, and as a share."),
    ] = None,
    method: Annotated[
        str,
        typer.Option(metavar="NAME", help="Estimator of entropy; see kl.estimate_entropy."),
    ] = "auto",
    missing: Annotated[
        str, typer.Option(metavar="error|drop", help="What to do with rows with missing values.")
    ] = "error",
    unit: Annotated[
        str, typer.Option(metavar="nats|bits|hartleys", help="Unit of every number.")
    ] = "nats",
    plot: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="With --joint: a heat map, as PNG, SVG or PDF."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print only JSON.")] = False,
) -> None:
    """Estimate the entropy of each column of a table, with its error and how it was got.

    Labels and whole numbers are counted; other numbers have a differential entropy, from nearest
    neighbours. A column that has none of these is told, and left out.

    Exit codes: 0 done, 2 wrong input.
    """
    with process.errors_in_words():
        process.keep_compiled_code()
        nats_per(unit)
        check_choice(missing, ("error", "drop"), "missing")
        if joint and by is not None:
            raise KullbackError("--joint is for every pair of columns, --by for one column's.")
        if plot is not None:
            if not joint:
                raise KullbackError("--plot draws the mutual information of pairs: add --joint.")
            process.check_folder("--plot", plot)
        wanted = None if columns is None else next(csv.reader([columns], skipinitialspace=True))
        if wanted is not None and len(set(wanted)) < len(wanted):
            raise KullbackError(f"--columns {columns} names a column twice.")
        if wanted is not None and by is not None and by not in wanted:
            wanted.append(by)
        names, data = open_table(table, wanted)
        if by is not None:
            check_column(by, names, "--by", "the table")
        strict = wanted is not None  # what was asked for by name has to work
        unreadable: set[str] = set()

        def tried(estimate: Callable[..., Estimate], *of: str) -> Estimate | str:
            try:
                return estimate(*of)
            except NoDensityError as error:  # they may tell something of each other all the same
                return process.as_options(str(error))
            except DataError as error:
                if strict or of == (by,):
                    raise
                unreadable.update(of if len(of) == 1 else ())
                return process.as_options(str(error))

        def own(name: str) -> Estimate:
            return estimate_entropy(data, name, method=method, missing=missing, unit=unit)

        def shared(x: str, y: str) -> Estimate:
            return estimate_mutual_information(x, y, data, missing=missing, unit=unit)

        single: list[Row] = [((name,), tried(own, name)) for name in names]
        usable = [name for name in names if name not in unreadable]
        if by is not None:
            pairs = [(name, by) for name in usable if name != by]
        else:
            pairs = list(combinations(usable, 2)) if joint else []
        both: list[Row] = [(pair, tried(shared, *pair)) for pair in pairs]
        if plot is not None:
            from kullback.report.heat_map import draw_information

            draw_information(plot, usable, _numbers(single), _numbers(both), unit)
        if as_json:
            process.write(json.dumps(_document(single, both, by, unit), indent=2, allow_nan=False))
        else:
            _print(single, both, by, unit)


def _numbers(rows: Sequence[Row]) -> dict[tuple[str, ...], float]:
    return {names: float(found) for names, found in rows if isinstance(found, Estimate)}


def _document(single: list[Row], both: list[Row], by: str | None, unit: str) -> dict[str, Any]:
    """Collect what ``--json`` prints."""

    def entry(keys: tuple[str, ...], row: Row) -> dict[str, Any]:
        names, found = row
        head = dict(zip(keys, names, strict=True))
        if isinstance(found, str):
            return {**head, "value": None, "error": found}
        return {**head, **vars(found)}

    document: dict[str, Any] = {
        "unit": unit,
        "entropy": [entry(("column",), row) for row in single],
    }
    if both or by is not None:
        document["mutual_information"] = [entry(("x", "y"), row) for row in both]
    plain: dict[str, Any] = process.plain(document)
    return plain


def _print(single: list[Row], both: list[Row], by: str | None, unit: str) -> None:
    """Print tables, and below them what is to be known of each number."""
    head = ("column", f"entropy ({unit})", "std. error", "95% interval", "method")
    _table(head, [(names[0], *_cells(found)) for names, found in single])
    if both:
        process.write("")
        base = _numbers(single).get((by,), 0.0) if by is not None else 0.0
        share = ("share",) if base > 0.0 else ()
        head = ("columns", f"shared ({unit})", *share, "std. error", "95% interval", "method")
        rows = []
        part: tuple[str, ...]
        for names, found in both:
            value, *rest = _cells(found)
            part = ()
            if share:
                part = (f"{float(found) / base:.1%}" if isinstance(found, Estimate) else "",)
            rows.append((f"{names[0]} – {names[1]}", value, *part, *rest))
        _table(head, rows)
        if share:
            process.write(f'share: of the entropy of "{by}"')
    notes = [
        (" – ".join(names), note)
        for names, found in [*single, *both]
        for note in ((found,) if isinstance(found, str) else found.assumptions)
    ]
    by_note: dict[str, list[str]] = {}
    for name, note in notes:
        by_note.setdefault(note, []).append(name)
    process.write("")
    for note, owners in by_note.items():
        everyone = len(owners) == len(single) + len(both)
        process.write(f"{'all' if everyone else ', '.join(owners)}: {note}")


def _cells(found: Estimate | str) -> tuple[str, ...]:
    if isinstance(found, str):
        return ("", "", "", "no estimate, see below")
    low, high = found.interval
    return (
        f"{found.value:.6g}",
        f"{found.stderr:.2g}",
        f"{low:.6g} .. {high:.6g}",
        found.method,
    )


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    if sys.stdout.isatty():
        from rich.console import Console

        from kullback.report.terminal import table_view

        Console().print(table_view(head, rows))
        return
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    for row in (head, *rows):
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        process.write("  ".join(cells).rstrip())
