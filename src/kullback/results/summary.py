"""The summary of a fit: plain tables, as text for a terminal and as HTML for a notebook."""

from __future__ import annotations

import html
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import numpy as np

from kullback.results.ledger import Ledger

if TYPE_CHECKING:  # Fit builds a Summary, so this one direction is for the type checker only
    from kullback.results.fit import Fit


@final
@dataclass(frozen=True)
class Summary:
    """What a reader wants to know of a fit first.

    Attributes:
        title: the model and the sample.
        columns: heads of the table of estimates.
        estimates: its rows, as text.
        facts: name and value of the criteria, as text.
        ledger: the ledger.
        converged: whether the fit converged.
        certificate: name and value of what was certified, as text.
        notes: advice, each a sentence or two.
    """

    title: str
    columns: tuple[str, ...]
    estimates: tuple[tuple[str, ...], ...]
    facts: tuple[tuple[str, str], ...]
    ledger: Ledger
    converged: bool
    certificate: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]

    @classmethod
    def of(cls, fit: Fit, unit: str) -> Summary:
        """Collect the tables of a fit."""
        certificate = fit.certificate
        seen = fit.seen
        rows = f"{seen.rows:,} row{'' if seen.rows == 1 else 's'}"
        weight = "" if seen.weight == seen.rows else f", total weight {seen.weight:,.12g}"
        dropped = f", {seen.dropped:,} dropped as missing" if seen.dropped else ""
        agreed = f"{certificate.agreed} of {certificate.starts}"
        checked = [
            ("status", certificate.reason),
            ("gradient", f"{certificate.gradient_norm:.1e} standard deviations of a row"),
            ("smallest curvature", f"{certificate.smallest_eigenvalue:.3g} (scaled Hessian)"),
            *(("on a bound", bound) for bound in certificate.bounds),
            ("solver", f"{certificate.solver}, {certificate.steps} steps; {agreed} starts agreed"),
            ("work", f"{certificate.passes} passes over the rows"),
            (
                "time",
                f"{certificate.compile_seconds:.2f} s compiling, {certificate.run_seconds:.2f} s running",
            ),
        ]
        if not fit.layout.freedom:
            checked = [c for c in checked if c[0] not in ("gradient", "smallest curvature")]
        return cls(
            title=f"{fit.form.name} fitted to {seen.label}: {rows}{weight}{dropped}",
            columns=("", "estimate", "std. error", "95% interval"),
            estimates=tuple(_estimates(fit)),
            facts=(
                ("log-likelihood", f"{fit.log_likelihood:,.6f}"),
                ("AIC", f"{fit.aic:,.4f}"),
                ("BIC", f"{fit.bic:,.4f}"),
            ),
            ledger=fit.ledger(unit),
            converged=certificate.converged,
            certificate=tuple(checked),
            notes=certificate.advice,
        )

    def __str__(self) -> str:
        """Set the summary out for a terminal."""
        facts = "   ".join(f"{name} {value}" for name, value in self.facts)
        width = max(len(name) for name, _ in self.certificate)
        lines = [
            self.title,
            "",
            *_aligned([self.columns, *self.estimates]),
            "",
            facts,
            "",
            *str(self.ledger).splitlines(),
            "",
            "certificate: converged" if self.converged else "certificate: NOT CONVERGED",
            *(f"  {name:<{width}}  {value}" for name, value in self.certificate),
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

        unit = self.ledger.unit
        entries = [
            (ln.name, f"{ln.value:.6f}", "" if math.isnan(ln.stderr) else f"{ln.stderr:.6f}", ln.note)
            for ln in self.ledger.lines
        ]
        state = "converged" if self.converged else "NOT CONVERGED"
        notes = "".join(f"<p>{html.escape(note)}</p>" for note in self.notes)
        return (
            f"<div class='kullback-fit'><p><b>{html.escape(self.title)}</b></p>"
            + table(self.estimates, self.columns)
            + table(self.facts)
            + table(entries, ("", unit, "std. error", ""))
            + f"<p><b>certificate: {state}</b></p>"
            + table(self.certificate)
            + notes
            + "</div>"
        )


def _estimates(fit: Fit) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    params, errors, intervals = fit.params, fit.stderr, fit.interval()
    for name, value in params.items():
        values, stderr = np.atleast_1d(value), np.atleast_1d(errors[name])
        ends = intervals[name].reshape(-1, 2)
        for i, (estimate, error, (low, high)) in enumerate(zip(values, stderr, ends, strict=True)):
            label = name
            if values.size > 1:
                levels = fit.seen.levels
                label = f"{name}[{levels[i]!r}]" if levels is not None else f"{name}[{i}]"
            if error == 0.0:
                rows.append((label, f"{estimate:.6g}", "fixed", ""))
            elif math.isnan(error):
                rows.append((label, f"{estimate:.6g}", "none", ""))
            else:
                rows.append((label, f"{estimate:.6g}", f"{error:.4g}", f"{low:.6g} .. {high:.6g}"))
    return rows


def _aligned(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [
        "  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
