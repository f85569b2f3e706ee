"""The summary of a fit: plain tables, as text for a terminal and as HTML for a notebook."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import TYPE_CHECKING, final

import numpy as np

from kullback._core.display import Display, Table
from kullback._core.printable import printable
from kullback.results.by_parameter import flat
from kullback.results.convergence import counted, details, status
from kullback.results.decomposition import Decomposition
from kullback.results.sample_info import SAMPLING

if TYPE_CHECKING:  # Fit.summary calls this module, which only reads the fit
    from kullback.results.fit import Fit
    from kullback.results.sample_info import SampleInfo

# Characters in a line of advice.
_WIDTH = 100


@final
@dataclass(frozen=True)
class Summary:
    """The main results of a fit, as text.

    Attributes:
        title: the model and the sample.
        columns: heads of the table of estimates.
        estimates: its rows.
        facts: name and value of the criteria.
        decomposition: the decomposition.
        converged: whether the fit converged.
        reason: why, or why not.
        convergence: name and value of the rows' source and the convergence's details.
        notes: advice, each a sentence or two.
    """

    title: str
    columns: tuple[str, ...]
    estimates: tuple[tuple[str, ...], ...]
    facts: tuple[tuple[str, str], ...]
    decomposition: Decomposition
    converged: bool
    reason: str
    convergence: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]

    def __str__(self) -> str:
        """Format the summary for a terminal."""
        width = max(len(name) for name, _ in self.convergence)
        lines = [
            self.title,
            "",
            *_aligned([self.columns, *self.estimates]),
            "",
            "   ".join(f"{name} {value}" for name, value in self.facts),
            "",
            *str(self.decomposition).splitlines(),
            "",
            f"{status(self.converged)} – {self.reason}",
            *(line for note in self.notes for line in wrapped(note)),
            *(f"  {name:<{width}}  {value}" for name, value in self.convergence),
        ]
        return printable("\n".join(lines), lines=True)

    __repr__ = __str__

    def html(self) -> str:
        """Format the summary as HTML: tables only, every text escaped."""
        found = Display(
            self.title,
            [
                Table(self.estimates, self.columns, range(1, len(self.columns))),
                Table(self.facts, numbers=(1,)),
                self.decomposition.table,
            ],
        )
        convergence = Display(
            f"{status(self.converged)} – {self.reason}", [Table(self.convergence)], self.notes
        )
        return found.html() + convergence.html()

    _repr_html_ = html


def wrapped(note: str) -> list[str]:
    """Return advice as lines that begin with an exclamation mark."""
    return wrap(note, _WIDTH, initial_indent="  ! ", subsequent_indent="    ")


def summarise(fit: Fit, unit: str) -> Summary:
    """Collect the tables of a fit.

    Args:
        fit: the fit.
        unit: of the decomposition.
    """
    return Summary(
        title=f"{fit.form.name} fitted to {_sample(fit.sample_info)}",
        columns=("", "estimate", "std. error", "95% interval"),
        estimates=tuple(_estimates(fit)),
        facts=(("log-likelihood", f"{fit.log_likelihood:,.6f}"), *_criteria(fit)),
        decomposition=fit.decomposition(unit),
        converged=fit.convergence.converged,
        reason=fit.convergence.reason,
        convergence=(
            ("source", fit.sample_info.source),
            *details(fit.convergence, curvature=fit.vector.n_free > 0),
        ),
        notes=fit.convergence.advice,
    )


def _criteria(fit: Fit) -> tuple[tuple[str, str], ...]:
    if fit.form.penalised:
        return (("ridge penalty", f"{fit.penalty:,.6f} a row"),)
    if fit.sample_info.weight_kind == SAMPLING:
        return (("sampling weights", "errors from H⁻¹ (Σ w² s s') H⁻¹; no AIC or BIC"),)
    return (("AIC", f"{fit.aic:,.4f}"), ("BIC", f"{fit.bic:,.4f}"))


def _sample(sample: SampleInfo) -> str:
    weight = "" if sample.weight == sample.rows else f", total weight {sample.weight:,.12g}"
    dropped = f", {sample.dropped:,} dropped as missing" if sample.dropped else ""
    inexact = f" ({sample.inexact})" if sample.inexact else ""
    return f"{sample.label}: {counted(sample.rows, 'row')}{weight}{dropped}{inexact}"


def _estimates(fit: Fit) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    params, errors, intervals = fit.params, fit.stderr, fit.interval()
    labels = {c.name: c.labels for c in fit.vector.coefficients if c.labels}
    for name, value in params.items():
        values, stderr = flat(value), flat(errors[name])
        ends = flat(intervals[name]).reshape(-1, 2)
        for i, (estimate, error, (low, high)) in enumerate(zip(values, stderr, ends, strict=True)):
            label = name
            levels = fit.sample_info.levels
            if name in labels:
                label = f"{name}[{labels[name][i]}]"
            elif values.size > 1:
                label = f"{name}[{levels[i]!r}]" if levels is not None else f"{name}[{i}]"
            if error == 0.0:
                rows.append((label, f"{estimate:.6g}", "fixed", ""))
            elif math.isnan(error):
                rows.append((label, f"{estimate:.6g}", "none", ""))
            else:
                d = _digits(float(estimate), float(error))
                interval = f"{low:.{d}g} .. {high:.{d}g}"
                rows.append((label, f"{estimate:.{d}g}", f"{error:.4g}", interval))
    return rows


def _digits(estimate: float, error: float) -> int:
    """Six digits, or as many as show three of the error; no more than a double has."""
    if not (math.isfinite(estimate) and math.isfinite(error) and estimate != 0.0):
        return 6
    return int(np.clip(math.ceil(math.log10(abs(estimate)) - math.log10(error)) + 3, 6, 17))


def _aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [
        "  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
