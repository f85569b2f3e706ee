"""Summaries and lists as rich tables for a terminal: pure functions of their data."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from kullback._core.display import MEANINGS
from kullback.results.convergence import status
from kullback.results.summary import Summary

# Columns of text narrower than this are harder to read than lines that the terminal breaks itself.
_WORDS = 20

# Spaces between columns; in a table one of them is the box's.
_GAP = 2


def least_width(summary: Summary) -> int:
    """Return the width, in characters, below which ``summary_view`` would have to break numbers."""
    estimates = _widths([summary.columns, *summary.estimates])[1:]
    entries = _widths([line.cells for line in summary.decomposition.lines])[1:3]
    return _WORDS + max(sum(estimates) + _GAP * len(estimates), sum(entries) + _GAP * 3 + _WORDS)


def summary_view(summary: Summary) -> RenderableType:
    """Lay out a summary for a terminal; text is wrapped, nothing is cut.

    Args:
        summary: the summary of a fit.
    """
    style = "bold green" if summary.converged else "bold red"
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
            summary.decomposition.head,
            [line.cells for line in summary.decomposition.lines],
            numbers=(1, 2),
        ),
        Text(),
        Text.assemble((status(summary.converged), style), f" – {summary.reason}"),
        *([notes] if summary.notes else []),
        convergence,
        Text(),
        Text(MEANINGS, style="dim"),
    ]
    return Group(*parts)


def table_view(head: Sequence[str], rows: Sequence[Sequence[str]]) -> RenderableType:
    """Lay out rows of text as a table, with names in the first column.

    Args:
        head: titles of the columns.
        rows: one text for each column.
    """
    table = _table(head, rows, numbers=())
    table.columns[0].no_wrap = True  # names stay whole
    return table


def _widths(rows: Sequence[Sequence[str]]) -> list[int]:
    return [max(map(len, column)) for column in zip(*rows, strict=True)]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], numbers: Sequence[int]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, _GAP - 1, 0, 0))
    for i, name in enumerate(head):
        # Text and not str, so that a bracket in a name is not read as markup
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
