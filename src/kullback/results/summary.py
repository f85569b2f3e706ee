"""The summary of a fit: plain tables, as text for a terminal and as HTML for a notebook."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import TYPE_CHECKING, Any, final

import numpy as np

from kullback._core.display import MEANINGS, Display, Table
from kullback._core.printable import printable
from kullback._core.units import nats_per
from kullback.data.frames import new_frame
from kullback.information.neighbours.entropy import FEW, NORMAL_975
from kullback.objective.evaluated import CovarianceKind
from kullback.results.coefficients import Entry, Section, frame_columns, sections_of
from kullback.results.convergence import counted, details, status
from kullback.results.covariance import cautions_of
from kullback.results.decomposition import Decomposition
from kullback.results.overdispersion import REMEDIES, overdispersion_test, pearson_of
from kullback.results.sample_info import SAMPLING

if TYPE_CHECKING:  # Fit.summary calls this module, which only reads the fit
    from kullback.results.fit import Fit
    from kullback.results.sample_info import SampleInfo

# Characters in a line of advice.
_WIDTH = 100

# Smaller p-values are shown by their order of magnitude.
_SMALLEST_P, _TINY_P = 1e-3, 1e-15

# A test of the dispersion below this p-value is a note.
_OVERDISPERSED = 0.05


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
        coefficients: the columns of ``to_frame``.
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
    coefficients: Mapping[str, Sequence[Any]]

    def to_frame(self) -> Any:
        """Return a table with a row for each number, those that are not printed included.

        Its columns are source, coefficient, estimate, stderr, z, p_value, lower and upper; a
        ``pandas.DataFrame``, or a ``pyarrow.Table`` where pandas is not installed.
        """
        return new_frame(self.coefficients)

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
            "",
            MEANINGS,
        ]
        return printable("\n".join(lines), lines=True)

    __repr__ = __str__

    def html(self) -> str:
        """Format the summary as HTML: tables only, every text escaped."""
        found = Display(
            self.title,
            [
                Table(self.estimates, self.columns, range(1, len(self.columns)), shown=None),
                Table(self.facts, numbers=(1,)),
                self.decomposition.table,
            ],
        )
        convergence = Display(
            f"{status(self.converged)} – {self.reason}",
            [Table(self.convergence)],
            [*self.notes, MEANINGS],
        )
        return found.html() + convergence.html()

    _repr_html_ = html


def wrapped(note: str) -> list[str]:
    """Return advice as lines that begin with an exclamation mark."""
    return wrap(note, _WIDTH, initial_indent="  ! ", subsequent_indent="    ")


def summarise(
    fit: Fit,
    unit: str,
    *,
    exponentiate: bool,
    kind: CovarianceKind | None,
    level: float,
    full: bool,
) -> Summary:
    """Collect the tables of a fit; see ``Fit.summary``."""
    sections = sections_of(fit, level, kind, exponentiate=exponentiate)
    columns: tuple[str, ...] = ("estimate", "std. error", f"{100.0 * level:g}% interval")
    if any(section.heading for section in sections):
        columns = (*columns[:2], "z", "p", columns[2])
    return Summary(
        title=f"{fit.form.name} fitted to {_sample(fit.sample_info)}",
        columns=("", *columns),
        estimates=tuple(_rows(sections, full=full)),
        facts=(
            ("log-likelihood", f"{fit.log_likelihood:,.6f}"),
            *_criteria(fit),
            *_errors(fit, kind),
        ),
        decomposition=fit.decomposition(unit),
        converged=fit.convergence.converged,
        reason=fit.convergence.reason,
        convergence=(
            ("source", fit.sample_info.source),
            *details(fit.convergence, curvature=fit.vector.n_free > 0),
        ),
        notes=(
            *fit.convergence.advice,
            *cautions_of(fit, kind),
            *_dispersion(fit),
            *_few_rows(fit, unit),
        ),
        coefficients=frame_columns(sections),
    )


def _errors(fit: Fit, kind: CovarianceKind | None) -> tuple[tuple[str, str], ...]:
    """How the standard errors were computed, where it is not from the observed information."""
    kind = kind or fit.covariance_kind
    if kind == "observed":
        return ()
    if kind != "clustered" or fit.clusters is None:
        return (("std. errors", kind),)
    c = fit.clusters
    factor = f", {c.correction}" if c.correction != "none" else ""
    return (("std. errors", f"clustered by {c.label} ({c.count:,} clusters{factor})"),)


def _dispersion(fit: Fit) -> tuple[str, ...]:
    """Advice where counts vary more than the model says; none where that is not known."""
    if pearson_of(fit) is None:
        return ()
    test = overdispersion_test(fit)
    ratio = test.statistic / test.df
    if not (ratio > 1.0 and test.p_value < _OVERDISPERSED):
        return ()
    return (
        f"The outcomes vary more than the model says: Pearson χ²/df = {ratio:.3g} "
        f"({_p_of(test.p_value)}), and standard errors are too small. {REMEDIES[fit.form.name]}",
    )


def _few_rows(fit: Fit, unit: str) -> tuple[str, ...]:
    """Advice where the entropy is estimated from so few rows that its error is large."""
    estimate = fit.entropy_estimate
    if estimate is None or math.isnan(estimate.entropy) or fit.n >= FEW:
        return ()
    least = NORMAL_975 * estimate.relative_error / nats_per(unit)
    return (
        f"The entropy is estimated from {fit.n:g} rows, which is few: a relative entropy below "
        f"{least:.2g} {unit} cannot be distinguished from 0. To choose between models, use "
        "kl.compare.",
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


def _rows(sections: Sequence[Section], *, full: bool) -> list[tuple[str, ...]]:
    """The rows of the table, with a heading above the coefficients of a formula or a function."""
    tested = any(section.heading for section in sections)
    rows: list[tuple[str, ...]] = []
    for section in sections:
        if section.heading:
            rows.append((section.heading, *("",) * 5))
        for entry, count in section.shown(full=full):
            if entry is None:
                rows.append((f"  … {count:,} more: summary(full=True)", *("",) * 5))
                continue
            label = entry.source
            if section.heading:
                label = f"  {entry.coefficient}"
            elif entry.coefficient:
                label = f"{entry.source}[{entry.coefficient}]"
            rows.append((label, *_cells(entry)))
    return rows if tested else [(*row[:3], row[5]) for row in rows]


def _cells(entry: Entry) -> tuple[str, ...]:
    """Estimate, standard error, z, p and interval as text."""
    if entry.stderr == 0.0:
        return (f"{entry.estimate:.6g}", "fixed", "", "", "")
    if math.isnan(entry.stderr):
        return (f"{entry.estimate:.6g}", "none", "", "", "")
    d = _digits(entry.estimate, entry.stderr)
    z = "" if math.isnan(entry.z) else f"{entry.z:.2f}"
    p = "" if math.isnan(entry.z) else _p(entry.p_value)
    interval = f"{entry.lower:.{d}g} .. {entry.upper:.{d}g}"
    return (f"{entry.estimate:.{d}g}", f"{entry.stderr:.4g}", z, p, interval)


def _p_of(value: float) -> str:
    """A p-value in a sentence: "p = 0.03" or "p < 1e-15"."""
    shown = _p(value)
    return f"p {shown[0]} {shown[1:]}" if shown[0] in "<>" else f"p = {shown}"


def _p(value: float) -> str:
    if value >= _SMALLEST_P:
        return f"{value:.3f}"
    return f"{value:.0e}" if value >= _TINY_P else f"<{_TINY_P:.0e}"


def _digits(estimate: float, error: float) -> int:
    """Six digits, or as many as show three of the error; no more than a double has."""
    if not (math.isfinite(estimate) and math.isfinite(error) and estimate != 0.0):
        return 6
    return int(np.clip(math.ceil(math.log10(abs(estimate)) - math.log10(error)) + 3, 6, 17))


def _aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    # a heading, a row of one text, does not widen the first column
    table = [row for row in rows if any(row[1:])]
    widths = [max(len(row[i]) for row in table) for i in range(len(rows[0]))]
    return [
        "  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
