"""The table of a fit's coefficients: estimate, error, z, p and interval, by source."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, final

import numpy as np

from kullback._core.errors import KullbackError
from kullback.models.linear import Linear, link_of, reference_of, scale_of
from kullback.models.source import Source
from kullback.objective.evaluated import CovarianceKind
from kullback.results.by_parameter import groups_of
from kullback.results.covariance import standard_errors_in_unit
from kullback.results.wald import wald_intervals

if TYPE_CHECKING:  # Fit.summary calls what calls this module, which only reads the fit
    from kullback.results.fit import Fit

# Runs of more coefficients, such as those of a category's levels, are cut to the first few.
_LONG, _FIRST = 20, 5


@final
@dataclass(frozen=True)
class Entry:
    """A number of a fit.

    Attributes:
        source: the parameter that it belongs to.
        coefficient: its name there; empty for a parameter that is one number.
        estimate: its estimate, or the exponential of it.
        stderr: the standard error; 0 for a fixed number, NaN where there is none.
        z: estimate/stderr of a coefficient, before any exponential; NaN for other numbers.
        p_value: the probability of a larger |z| if the coefficient is 0; NaN without z.
        lower: the lower end of the interval.
        upper: the upper end.
    """

    source: str
    coefficient: str
    estimate: float
    stderr: float
    z: float
    p_value: float
    lower: float
    upper: float


@final
@dataclass(frozen=True)
class Section:
    """The numbers of one source.

    Attributes:
        heading: the parameter, its link and its formula; empty for a number or a vector.
        entries: its numbers.
        runs: the numbers of coefficients that belong together, such as the levels of a category.
    """

    heading: str
    entries: tuple[Entry, ...]
    runs: tuple[int, ...]

    def shown(self, *, full: bool) -> list[tuple[Entry | None, int]]:
        """Return the entries to print; None stands for a number of entries that are left out."""
        if full:
            return [(entry, 1) for entry in self.entries]
        out: list[tuple[Entry | None, int]] = []
        at = 0
        for run in self.runs:
            few = run if run <= _LONG else _FIRST
            out += [(entry, 1) for entry in self.entries[at : at + few]]
            out += [(None, run - few)] * (run > few)
            at += run
        return out


def sections_of(
    fit: Fit, level: float, kind: CovarianceKind | None, *, exponentiate: bool
) -> list[Section]:
    """Return the numbers of a fit by source.

    Args:
        fit: the fit.
        level: coverage probability of the intervals.
        kind: which covariance; None for the fit's own.
        exponentiate: whether coefficients on the scale of a log or logit link are shown as ratios.

    Raises:
        KullbackError: for ratios of a model without such links.
    """
    errors = standard_errors_in_unit(fit, kind)
    intervals = wald_intervals(fit, level, errors, None)
    estimates = fit._in_own_unit(fit.evaluation.constrained(fit.vector))
    own_errors = fit._in_own_unit(errors)
    labels = {c.name: c.labels for c in fit.vector.coefficients if c.labels}
    out, ratios = [], False
    for name, group in groups_of(fit.form, fit.vector).items():
        source = fit.form.sources[name]
        names = _labels(fit, name, group.at.size, labels)
        ends = np.reshape(intervals[name], (-1, 2))
        tested = source.named
        entries = [
            _entry(name, label, estimates[i], own_errors[i], low, high, tested=tested)
            for label, i, (low, high) in zip(names, group.at, ends, strict=True)
        ]
        heading = _heading(name, source)
        if exponentiate and tested:
            ratio = _ratio(name, source)
            ratios = ratios or bool(ratio)
            heading += f"; {ratio}: exp(estimate)" if ratio else "; not exponentiated"
            entries = [_exponential(e) for e in entries] if ratio else entries
        elif tested:
            heading += "; log odds" * bool(reference_of(source)) + reference_of(source)
        out.append(Section(heading, tuple(entries), _runs(source, len(entries))))
    if exponentiate and not ratios:
        raise KullbackError(
            "exponentiate=True is for coefficients with a log or logit link, whose exponentials "
            f"are ratios: {fit.form!r} has none."
        )
    return out


def frame_columns(sections: Sequence[Section]) -> dict[str, Any]:
    """Return the columns of a table of all numbers."""
    entries = [entry for section in sections for entry in section.entries]
    return {f.name: [getattr(entry, f.name) for entry in entries] for f in fields(Entry)}


def _labels(fit: Fit, name: str, size: int, labels: Any) -> list[str]:
    """The name of each number of a parameter; one empty name for a single number."""
    if name in labels:
        return list(labels[name])
    if size == 1:
        return [""]
    levels = fit.sample_info.levels
    return [str(i) if levels is None else repr(levels[i]) for i in range(size)]


def _entry(
    source: str,
    label: str,
    estimate: float,
    error: float,
    low: float,
    high: float,
    *,
    tested: bool,
) -> Entry:
    z = estimate / error if tested and error > 0.0 else math.nan
    p = math.erfc(abs(z) / math.sqrt(2.0))  # two-sided, from the normal distribution
    return Entry(source, label, float(estimate), float(error), float(z), p, float(low), float(high))


def _heading(name: str, source: Source) -> str:
    if not source.named:
        return ""
    link = link_of(source)
    formula = getattr(source, "formula", None)
    text = f", {formula.text.strip()}" if formula is not None else ""
    if isinstance(source, Linear):
        text += "".join(f", offset {column}" for column in source.offsets)
        text += "".join(f", exposure {column}" for column in source.exposures)
    return f"{name}: {link} link{text}" if link else name


def _ratio(name: str, source: Source) -> str:
    """What the exponentials of coefficients are; empty where they are nothing."""
    link, reference = scale_of(name, source), reference_of(source)
    if reference or link == "logit":
        return f"odds ratios{reference}"
    return f"ratios of {name}" if link == "log" else ""


def _exponential(entry: Entry) -> Entry:
    """The exponential, with its standard error by the delta method."""
    with np.errstate(over="ignore"):
        estimate, lower, upper = np.exp([entry.estimate, entry.lower, entry.upper]).tolist()
    return replace(
        entry, estimate=estimate, stderr=estimate * entry.stderr, lower=lower, upper=upper
    )


def _runs(source: Source, size: int) -> tuple[int, ...]:
    """The numbers of coefficients of each term, and of each class."""
    if not isinstance(source, Linear):
        return (size,)
    one: tuple[int, ...] = (len(source.labels),)
    if source.terms is not None:
        one = tuple(len(part.labels) for part in source.terms.parts)
    return one * (size // len(source.labels))
