"""The summary of a fit: plain tables, as text for a terminal and as HTML for a notebook."""

from __future__ import annotations

import html
import math
from dataclasses import dataclass
from typing import Any, final

from kullback.results.decomposition import Decomposition


@final
@dataclass(frozen=True)
class Summary:
    """What a reader wants to know of a fit first.

    Attributes:
        title: the model and the sample.
        columns: heads of the table of estimates.
        estimates: its rows, as text.
        facts: name and value of the criteria, as text.
        decomposition: the decomposition.
        converged: whether the fit converged.
        convergence: name and value of what was assessed, as text.
        notes: advice, each a sentence or two.
    """

    title: str
    columns: tuple[str, ...]
    estimates: tuple[tuple[str, ...], ...]
    facts: tuple[tuple[str, str], ...]
    decomposition: Decomposition
    converged: bool
    convergence: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]

    def __str__(self) -> str:
        """Set the summary out for a terminal."""
        facts = "   ".join(f"{name} {value}" for name, value in self.facts)
        width = max(len(name) for name, _ in self.convergence)
        lines = [
            self.title,
            "",
            *_aligned([self.columns, *self.estimates]),
            "",
            facts,
            "",
            *str(self.decomposition).splitlines(),
            "",
            "converged" if self.converged else "NOT CONVERGED",
            *(f"  {name:<{width}}  {value}" for name, value in self.convergence),
            *(f"  ! {note}" for note in self.notes),
        ]
        return "\n".join(lines)

    __repr__ = __str__

    def html(self) -> str:
        """Set the summary out as HTML: tables only, every text escaped."""

        def table(rows: Any, head: tuple[str, ...] | None = None) -> str:
            cells = "".join(
                "<tr>" + "".join(f"<td>{html.escape(str(cell))}</td>" for cell in row) + "</tr>"
                for row in rows
            )
            top = "" if head is None else "".join(f"<th>{html.escape(h)}</th>" for h in head)
            return f"<table><thead><tr>{top}</tr></thead><tbody>{cells}</tbody></table>"

        unit = self.decomposition.unit
        entries = [
            (
                ln.name,
                f"{ln.value:.6f}",
                "" if math.isnan(ln.stderr) else f"{ln.stderr:.6f}",
                ln.note,
            )
            for ln in self.decomposition.lines
        ]
        state = "converged" if self.converged else "NOT CONVERGED"
        notes = "".join(f"<p>{html.escape(note)}</p>" for note in self.notes)
        return (
            f"<div class='kullback-fit'><p><b>{html.escape(self.title)}</b></p>"
            + table(self.estimates, self.columns)
            + table(self.facts)
            + table(entries, ("", unit, "std. error", ""))
            + f"<p><b>{state}</b></p>"
            + table(self.convergence)
            + notes
            + "</div>"
        )


def _aligned(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [
        "  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
