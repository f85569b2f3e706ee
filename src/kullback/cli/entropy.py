"""``kullback entropy``: the entropy of columns and their mutual information."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Callable, Sequence
from itertools import combinations
from pathlib import Path
from textwrap import fill
from typing import Annotated, Any, NamedTuple

import typer

import kullback
from kullback._core.errors import DataError, KullbackError
from kullback._core.units import nats_per
from kullback.cli import process
from kullback.cli.options import AsJson, Missing, MissingValues, Separator, Tables, Unit, files_of

# Characters in a line of notes.
_WIDTH = 79
# Notes on how an estimate was chosen, and the assumption of all: the table does without them.
_ROUTINE = re.compile(
    r"(the )?rows are independent|chosen by method=auto|.* holds? whole numbers only, which are"
)


class _Row(NamedTuple):
    """A row of the output: one or two columns and their estimate, or why there is none."""

    columns: tuple[str, ...]
    estimate: kullback.Estimate | str


def entropy(
    table: Tables,
    columns: Annotated[
        str | None,
        typer.Option(
            metavar="A,B,...",
            help="Columns to use, by default all. Quote a name that contains a comma.",
        ),
    ] = None,
    joint: Annotated[
        bool,
        typer.Option("--joint", help="Also estimate the mutual information of every pair."),
    ] = False,
    by: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN",
            help="Also estimate the mutual information of each column with this one, and its "
            "share of this one's entropy.",
        ),
    ] = None,
    method: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="Estimator of the entropies: auto, nearest neighbours, plug-in, miller-madow, "
            "grassberger, chao-shen, shrinkage or nsb.",
        ),
    ] = "auto",
    missing: Missing = "error",
    missing_values: MissingValues = None,
    separator: Separator = None,
    unit: Unit = "nats",
    plot: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="With --joint: draw a heat map as a PNG, SVG or PDF file."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Estimate the entropy of each column of a table, with its standard error and method.

    For labels and whole numbers it is the entropy, estimated from their counts; for other numbers
    the differential entropy, from nearest neighbours. Other columns, such as dates, are skipped
    with a note.

    Exit codes: 0 done, 2 wrong input.
    """
    with process.errors_as_messages():
        from kullback.data.checks import check_choice, check_column, column_label
        from kullback.data.open import open_table
        from kullback.data.paths import describe_paths
        from kullback.data.text_among_numbers import refuse_text_among_numbers
        from kullback.information.neighbours.entropy import NoDensityError

        process.keep_compiled_code()
        nats_per(unit)
        check_choice(missing, ("error", "drop"), "missing")
        if joint and by is not None:
            raise KullbackError(
                "--joint reports all pairs, --by the pairs with one column: give one of them."
            )
        if plot is not None:
            if not joint:
                raise KullbackError("--plot draws the mutual information of pairs: add --joint.")
            process.check_folder("--plot", plot, figures=True)
        listed = None if columns is None else next(csv.reader([columns], skipinitialspace=True))
        if listed is not None and len(set(listed)) < len(listed):
            raise KullbackError(f"--columns {columns} names a column twice.")
        if listed is not None and by is not None and by not in listed:
            listed.append(by)
        files = files_of(table, missing_values, separator)
        names, data = open_table(files, listed)
        if by is not None:
            check_column(by, names, "--by", describe_paths(files))
        strict = listed is not None  # a column listed by name must have an estimate
        unreadable: set[str] = set()

        def row(estimator: Callable[..., kullback.Estimate], *of: str) -> _Row:
            try:
                return _Row(of, estimator(*of))
            except NoDensityError as error:  # such a column may still inform about another
                return _Row(of, process.as_options(str(error)))
            except DataError as error:
                if strict or of == (by,):
                    raise
                unreadable.update(of if len(of) == 1 else ())
                return _Row(of, process.as_options(str(error)))

        def own(name: str) -> kullback.Estimate:
            if not isinstance(data, list):  # columns in memory
                refuse_text_among_numbers(data[name], column_label(name), "its entropy")
            return kullback.estimate_entropy(data, name, method=method, missing=missing, unit=unit)

        def shared(x: str, y: str) -> kullback.Estimate:
            return kullback.estimate_mutual_information(x, y, data, missing=missing, unit=unit)

        single = [row(own, name) for name in names]
        usable = [name for name in names if name not in unreadable]
        if by is not None:
            pairs = [(name, by) for name in usable if name != by]
        else:
            pairs = list(combinations(usable, 2)) if joint else []
        both = [row(shared, *pair) for pair in pairs]
        if plot is not None:
            from kullback.report.heat_map import draw_information

            draw_information(plot, usable, _numbers(single), _numbers(both), unit)
        if as_json:
            process.write_json(_document(single, both, by, unit))
        else:
            _print(single, both, by, unit)


def _numbers(rows: Sequence[_Row]) -> dict[tuple[str, ...], float]:
    return {columns: float(estimate) for columns, estimate in rows if not isinstance(estimate, str)}


def _document(single: list[_Row], both: list[_Row], by: str | None, unit: str) -> dict[str, Any]:
    """The content for ``--json``."""

    def entry(keys: tuple[str, ...], row: _Row) -> dict[str, Any]:
        head = dict(zip(keys, row.columns, strict=True))
        if isinstance(row.estimate, str):
            return {**head, "value": None, "error": row.estimate}
        return {**head, **vars(row.estimate)}

    document: dict[str, Any] = {
        "unit": unit,
        "entropy": [entry(("column",), row) for row in single],
    }
    if both or by is not None:
        document["mutual_information"] = [entry(("x", "y"), row) for row in both]
    return document


def _print(single: list[_Row], both: list[_Row], by: str | None, unit: str) -> None:
    """Print tables of the estimates, and below them their notes."""
    head = ("column", f"entropy ({unit})", "std. error", "95% interval", "method")
    process.write_table(head, [(columns[0], *_cells(estimate)) for columns, estimate in single])
    if both:
        process.write("")
        base = _numbers(single).get((by,), 0.0) if by is not None else 0.0
        share = ("share",) if base > 0.0 else ()
        head = ("columns", f"shared ({unit})", *share, "std. error", "95% interval", "method")
        rows = []
        part: tuple[str, ...]
        for columns, estimate in both:
            value, *rest = _cells(estimate)
            part = ()
            if share:
                part = ("" if isinstance(estimate, str) else f"{float(estimate) / base:.1%}",)
            rows.append((f"{columns[0]} – {columns[1]}", value, *part, *rest))
        process.write_table(head, rows)
        if share:
            process.write(f'share: of the entropy of "{by}"')
    notes = [
        (" – ".join(columns), note)
        for columns, estimate in [*single, *both]
        for note in ((estimate,) if isinstance(estimate, str) else estimate.assumptions)
        if isinstance(estimate, str) or not _ROUTINE.match(note) or "too little to trust" in note
    ]
    by_note: dict[str, list[str]] = {}
    for name, note in notes:
        by_note.setdefault(note, []).append(name)
    for note, owners in by_note.items():
        everyone = len(owners) == len(single) + len(both)
        process.write("")
        text = f"{'all' if everyone else ', '.join(owners)}: {note}"
        process.write(fill(text, _WIDTH, subsequent_indent="  ", break_on_hyphens=False))
    process.write("")
    process.write("Rows are taken as independent draws; --json has every choice and assumption.")


def _cells(estimate: kullback.Estimate | str) -> tuple[str, ...]:
    if isinstance(estimate, str):
        return ("", "", "", "no estimate, see below")
    low, high = estimate.interval
    known = math.isfinite(float(estimate.stderr))
    return (
        f"{estimate.value:.6g}",
        f"{estimate.stderr:.2g}" if known else "unknown",
        f"{low:.6g} .. {high:.6g}" if known else "",
        estimate.method.partition(",")[0],
    )
