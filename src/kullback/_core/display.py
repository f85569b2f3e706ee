"""How results show themselves: a short text at a prompt, small tables in a notebook."""

from __future__ import annotations

import abc
import html
from collections.abc import Sequence
from dataclasses import dataclass, field
from textwrap import wrap
from typing import Generic, TypeVar, final

from kullback._core.printable import printable

Entry = TypeVar("Entry", bound="Displayed")

# The last line of a summary: a file of the repository, which is a page of the site.
MEANINGS = "what each number means: docs/concepts/numbers.md"

# Characters of a line, and of a note that has little space beside its row.
_WIDTH, _NARROW = 112, 48

# Rows of a table in a notebook, and of a list at a prompt: what fits a screen beside the rest.
_SHOWN = 20


@final
@dataclass(frozen=True)
class Table:
    """A table of texts: names in the first column, numbers or notes in the others.

    Attributes:
        rows: one text for each column.
        head: titles of the columns; none for a list of names and values.
        numbers: the columns that are set flush right.
        shown: the number of rows that a notebook shows; None for all.
    """

    rows: Sequence[Sequence[str]]
    head: Sequence[str] = ()
    numbers: Sequence[int] = ()
    shown: int | None = _SHOWN

    def html(self) -> str:
        """Format the table as HTML in the notebook's own colours; every text is escaped."""
        # a notebook sets all cells flush right and its first row on a grey ground
        align = ["right" if i in self.numbers else "left" for i in range(self._width)]
        top = "".join(
            f"<th style='text-align:{side}'>{_escaped(cell)}</th>"
            for cell, side in zip(self.head, align, strict=False)
        )
        body = "".join(
            "<tr>"
            + "".join(
                f"<td style='text-align:{side}'>{_escaped(cell)}</td>"
                for cell, side in zip(row, align, strict=True)
            )
            + "</tr>"
            for row in self.rows[: self.shown]
        )
        below = "".join(f"<p>{line}</p>" for line in more(self.rows)) if self.shown else ""
        head = f"<thead><tr>{top}</tr></thead>" if top else ""
        return f"<table>{head}<tbody>{body}</tbody></table>{below}"

    def __str__(self) -> str:
        """Format the table for a prompt."""
        rows = [[printable(cell) for cell in row] for row in (self.head, *self.rows) if row]
        widths = [max(len(row[i]) for row in rows) for i in range(self._width)]
        before = sum(widths[:-1]) + 2 * len(widths[:-1])
        if before and self._width - 1 not in self.numbers:
            rows = [line for row in rows for line in _wrapped(row, max(_WIDTH - before, _NARROW))]
        return "\n".join(
            "  ".join(
                cell.rjust(width) if i in self.numbers else cell.ljust(width)
                for i, (cell, width) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
            for row in rows
        )

    @property
    def _width(self) -> int:
        return len(self.head or next(iter(self.rows), ()))


@final
@dataclass(frozen=True)
class Display:
    """What a result shows: a title, tables, and notes.

    Attributes:
        title: a line, which is also what a prompt shows of most results.
        tables: for a notebook.
        notes: a sentence each.
    """

    title: str
    tables: Sequence[Table] = field(default=())
    notes: Sequence[str] = field(default=())

    def __str__(self) -> str:
        """Format everything for a prompt, of long tables the first rows."""
        parts = [printable(self.title)]
        for table in self.tables:
            parts += [str(Table(table.rows[:_SHOWN], table.head, table.numbers))]
            parts += more(table.rows)
        return "\n".join([*parts, *map(printable, self.notes)])

    def html(self) -> str:
        """Format everything as HTML; every text is escaped."""
        notes = "".join(f"<p>{_escaped(note)}</p>" for note in self.notes)
        tables = "".join(table.html() for table in self.tables)
        return f"<div class='kullback'><p><b>{_escaped(self.title)}</b></p>{tables}{notes}</div>"


class Displayed(abc.ABC):
    """A result with a short text at a prompt and tables in a notebook: abstract.

    A dataclass of this kind is declared with ``repr=False``.
    """

    @abc.abstractmethod
    def _display(self) -> Display:
        """Return what is shown."""

    def __repr__(self) -> str:
        return printable(self._display().title, lines=True)

    def _repr_html_(self) -> str:
        return self._display().html()


class Listed(Displayed):
    """A result that also occurs in lists, where it is a row of a table: abstract."""

    @abc.abstractmethod
    def _cells(self) -> dict[str, str]:
        """Return the row by title of its column; the first cell is its name."""

    def _display(self) -> Display:
        cells = self._cells()
        values = ", ".join(f"{name}={value}" for name, value in cells.items())
        return Display(f"{type(self).__name__}({values})", [_table([cells])])


@final
class Entries(tuple[Entry, ...], Generic[Entry]):
    """A tuple of results that is shown as one table."""

    __slots__ = ()

    def __repr__(self) -> str:
        """Format the first results as a table, and count the others."""
        if not self:
            return "()"
        return "\n".join([str(_table([entry._cells() for entry in self[:_SHOWN]])), *more(self)])  # type: ignore[attr-defined]

    def _repr_html_(self) -> str:
        if not self:
            return "<p>none</p>"
        return _table([entry._cells() for entry in self]).html()  # type: ignore[attr-defined]


def _wrapped(row: Sequence[str], width: int) -> list[list[str]]:
    """A row as lines: its last cell, a note, goes on below itself where it is long."""
    first, *others = wrap(row[-1], width) or [""]
    return [[*row[:-1], first], *([*[""] * (len(row) - 1), other] for other in others)]


def more(rows: Sequence[object]) -> list[str]:
    """The line below a table that does not show all rows."""
    hidden = len(rows) - _SHOWN
    return [f"and {hidden:,} more"] if hidden > 0 else []


def _table(rows: Sequence[dict[str, str]]) -> Table:
    return Table([tuple(row.values()) for row in rows], tuple(rows[0]), range(1, len(rows[0])))


def value_text(value: object) -> str:
    """Return a value of the data as text: whole numbers that were read as floats without ".0".

    >>> value_text(3.0), value_text(0.1 + 0.2), value_text("3.0")
    ('3', '0.3', '3.0')
    """
    return f"{value:.15g}" if isinstance(value, float) else str(value)


def _escaped(text: str) -> str:
    return html.escape(printable(text))
