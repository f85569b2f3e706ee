"""Summaries and lists for a terminal, as rich tables: pure functions of their data."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from kullback.results.decomposition import Line
from kullback.results.summary import Summary

# Text columns narrower than this are harder to read than lines broken by the terminal.
_WORDS = 20

# Spaces between columns; in a table one of them is the box's own.
_GAP = 2


def least_width(summary: Summary) -> int:
    """The width in characters below which ``summary_view`` would break numbers."""
    estimates = _widths([summary.columns, *summary.estimates])[1:]
    entries = _widths([_ledger_row(line) for line in summary.decomposition.lines])[1:3]
    return _WORDS + max(sum(estimates) + _GAP * len(estimates), sum(entries) + _GAP * 3 + _WORDS)


def summary_view(summary: Summary) -> RenderableType:
    """Format a summary for a terminal; text is wrapped, not cut.

    Args:
        summary: the summary of a fit.
    """
    state, style = (
        ("converged", "bold green") if summary.converged else ("NOT CONVERGED", "bold red")
    )
    facts = _grid(numbers=(1,))
    for name, value in summary.facts:
        facts.add_row(Text(name), Text(value))
    convergence = _grid()
    for name, value in summary.convergence:
        convergence.add_row(Text(f"  {name}", style="dim"), Text(value))
    notes = _grid()
    for note in summary.notes:
        notes.add_row(Text("  !", style="bold yellow"), Text(note))
    parts: list[RenderableType] = [
        Text(summary.title, style="bold"),
        Text(),
        _table(summary.columns, summary.estimates, numbers=range(1, len(summary.columns))),
        Text(),
        facts,
        Text(),
        _table(
            ("", summary.decomposition.unit, "std. error", ""),
            [_ledger_row(line) for line in summary.decomposition.lines],
            numbers=(1, 2),
        ),
        Text(),
        Text.assemble((state, style)),
        convergence,
    ]
    return Group(*parts, *([notes] if summary.notes else []))


def table_view(head: Sequence[str], rows: Sequence[Sequence[str]]) -> RenderableType:
    """Format rows of text as a table whose first column holds names.

    Args:
        head: names of the columns.
        rows: of one text per column.
    """
    table = _table(head, rows, numbers=())
    table.columns[0].no_wrap = True  # names stay whole
    return table


def _ledger_row(line: Line) -> tuple[str, str, str, str]:
    error = "exact" if line.stderr == 0.0 else f"{line.stderr:.6f}"
    return line.name, f"{line.value:.6f}", "" if math.isnan(line.stderr) else error, line.note


def _widths(rows: Sequence[Sequence[str]]) -> list[int]:
    return [max(map(len, column)) for column in zip(*rows, strict=True)]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], numbers: Sequence[int]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, _GAP - 1, 0, 0))
    for i, name in enumerate(head):
        # Text and not str, so that brackets in a name are not read as markup
        title, number = Text(name), i in numbers
        table.add_column(
            title, justify="right" if number else "left", no_wrap=number, overflow="fold"
        )
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    return table


def _grid(numbers: Sequence[int] = ()) -> Table:
    grid = Table.grid(padding=(0, _GAP, 0, 0))
    for i in range(2):
        number = i in numbers
        grid.add_column(justify="right" if number else "left", overflow="fold")
    return grid
