"""The page of a fit: what was fitted, pictures, estimates, decomposition, convergence."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import fields
from functools import partial
from typing import TYPE_CHECKING, Any

from kullback._core.display import Displayed
from kullback._core.errors import KullbackError
from kullback._core.extras import need
from kullback._core.printable import printable
from kullback._core.version import installed_version
from kullback.data.checks import and_more, name_of_column
from kullback.models.source import Fixed, Free, Known, Param, SameAs, Source
from kullback.pages.page import page, write_page
from kullback.pages.regression_pictures import regression_pictures
from kullback.pictures.fit_figure import fit_figure, rows_of
from kullback.pictures.rows import Rows
from kullback.pictures.svg import inline_svg

if TYPE_CHECKING:  # a fit writes its page
    from kullback.results.fit import Fit

# Kind, title and description of the pictures.
_PICTURES: tuple[tuple[str, str, str], ...] = (
    ("density", "Density", "Density of the fitted distribution over a histogram of the rows"),
    ("cdf", "Distribution function", "Probability up to each value: of the fit and of the rows"),
    ("qq", "Quantiles (Q–Q)", "Quantiles of the rows against those of the fitted distribution"),
    ("pp", "Probabilities (P–P)", "Shares of the rows against the fitted probabilities"),
)
_OF_ROWS = 2  # the last ones need the rows

# What the numbers of the summary mean, by name.
_MEANINGS = {
    "log-likelihood": "sum over the rows of log q, in nats: the larger, the better",
    "AIC": "2k − 2 × log-likelihood, with k estimated numbers: of models of the same rows, the "
    "smallest predicts best",
    "BIC": "k log n − 2 × log-likelihood: likewise, with a higher price for each estimated number",
    "ridge penalty": "added to the cross-entropy in the fit; not part of the numbers here",
    "scaled gradient": "how far from the maximum: 0 exactly at it",
    "least eigenvalue": "positive at a strict maximum; close to 0 where the data hardly determine "
    "some combination of the estimates",
    "on the boundary": "such an estimate has no standard error",
    "solver": "how the maximum was found",
    "passes": "how often the rows were read",
}

# Ends of the names of files that `kl.fit` reads.
_ENDINGS = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".parquet", ".pq")

# Rows of a table: a page with thousands is not read, and `fit.params` has them all.
_SHOWN = 200


def write_fit_page(
    fit: Fit, path: str | os.PathLike[str], unit: str, more: Mapping[str, Any]
) -> None:
    """Write the page; see ``Fit.report``."""
    need("plot", "the page's figures")
    write_page(fit_html(fit, unit, more), path)


def fit_html(fit: Fit, unit: str, more: Mapping[str, Any]) -> str:
    """Return the page as HTML.

    It loads no files and runs no scripts, and its content security policy forbids both; names in
    the data are escaped.

    Args:
        fit: the fit.
        unit: of the cross-entropy and its parts.
        more: results that were made already, by the title of their section; None for those that
            were not.

    Raises:
        KullbackError: for another unit, or a result that has no tables.
    """
    for title, result in more.items():
        if not (result is None or isinstance(result, Displayed)):
            name = title.lower().replace(" ", "_")
            raise KullbackError(f"{name} must be a result of this library, got {result!r}.")
    in_unit = getattr(more.get("Comparison"), "to", None)
    if in_unit is not None:
        more = {**more, "Comparison": in_unit(unit)}
    more = {"From the null model to the saturated one": _deviance(fit, unit), **more}
    summary = fit.summary(unit)
    rows, why = (None, "") if fit.form.columns or _of_labels(fit) else rows_of(fit)
    drawn, about_drawn, not_drawn = _pictures(fit, why, rows)
    return page(
        "fit.html.j2",
        summary=summary,
        name=fit.form.name,
        label=name_of_column(fit.sample_info.label),
        parts=_parts(fit, unit),
        about=_about(fit, rows, dict(summary.convergence)["time"]),
        pictures=drawn,
        not_drawn=not_drawn,
        about_drawn=about_drawn,
        facts_of_fit=[(*fact, _MEANINGS.get(fact[0], "")) for fact in summary.facts],
        details=[
            (*detail, _MEANINGS.get(detail[0], ""))
            for detail in summary.convergence
            if detail[0] not in ("source", "time")  # they are above
        ],
        depends=bool(fit.form.columns),
        overlays=_overlays(more.get("Comparison")),
        more={title: result._display() for title, result in more.items() if result is not None},
        call=_call(fit),
        shown=_SHOWN,
    )


# ---- what was fitted ----------------------------------------------------------------------------


def _of_labels(fit: Fit) -> bool:
    return fit.form.outcome == "label"


def _about(fit: Fit, drawn: Rows | None, time: str) -> list[tuple[str, str]]:
    """Names and values of what was fitted, and to which rows."""
    form, sample = fit.form, fit.sample_info
    formula = (type(form).__doc__ or "").strip().partition("\n\n")[0].replace("``", "")
    kinds = [f"{number:,} {kind}" for kind, number in drawn.kinds.items()] if drawn else []
    exact = sample.inexact or "each outcome was observed exactly"
    rows = f"{sample.rows:,}; " + (and_more(kinds, len(kinds)) if kinds else exact)
    if sample.dropped:
        rows += f"; {sample.dropped:,} more were dropped, as a value was missing"
    weights = "each row counts once"
    if sample.weight != sample.rows:
        weights = f"a row of weight k counts as k rows; total weight {sample.weight:,.12g}"
    if sample.weight_kind == "sampling":
        weights = f"of sampling; total weight {sample.weight:,.12g}"
    return [
        ("model", " ".join(formula.split()) or form.name),
        *((f"parameter {name}", _role(fit, name, source)) for name, source in form.sources.items()),
        ("outcome", name_of_column(sample.label)),
        ("data", sample.source),
        ("rows", rows),
        ("weights", weights),
        ("time", time),
        ("written by", f"Kullback {installed_version() or ''}".strip()),
    ]


def _role(fit: Fit, name: str, source: Source) -> str:
    """How a parameter is determined, and its domain."""
    role = "estimated"
    if isinstance(source, Fixed):
        role = f"fixed at {source!r}"
    elif isinstance(source, SameAs):
        role = f"equal to {source.other}"
    elif isinstance(source, Param):
        for side, bound in (("at least", source.lower), ("at most", source.upper)):
            role += "" if bound is None else f", {side} {bound:g}"
    elif getattr(source, "formula", None) is not None:
        role = f"linear, {source!r}"
    elif source.columns:
        role = f"a function of {', '.join(source.columns)}"
    return f"{role}; {fit.form.parameters[name].phrase(name)}"


def _call(fit: Fit) -> str:
    """The Python that makes the fit; "..." stands for what a fit does not keep."""
    form, sample = fit.form, fit.sample_info
    default: Mapping[str, Source] = {}
    with suppress(KullbackError, TypeError):  # some models have required arguments
        default = type(form)().sources
    arguments = [
        f"{name}={_argument(source)}"
        for name, source in form.sources.items()
        if not (isinstance(source, Free) and isinstance(default.get(name), Free))
    ]
    model = f"{type(form).__name__}({', '.join(arguments)})"
    if type(form).__module__.startswith("kullback."):
        model = f"kl.{model}"
    file = sample.source.rpartition(" (")[0] if sample.source.endswith(")") else sample.source
    known = file.endswith(_ENDINGS) and " and " not in file
    columns = re.findall('column "(.*?)"(?: and |$)', sample.label)
    options = [model, "data"]
    if columns:
        options.append(repr(columns[0] if len(columns) == 1 else tuple(columns)))
    if "censored" in sample.inexact and len(columns) < 2:
        options.append("event=...")
    if "truncated" in sample.inexact:
        options.append("truncation=...")
    if sample.weight != sample.rows:
        options.append("weights=...")
    if sample.weight_kind == "sampling":
        options.append('weight_kind="sampling"')
    if sample.dropped:
        options.append('missing="drop"')
    return "\n".join(
        [
            "import kullback as kl",
            "",
            f"data = {file!r}" if known else f"data = ...  # {printable(sample.source)}",
            f"fit = kl.fit({', '.join(options)})",
            'fit.report("fit.html")',
        ]
    )


def _argument(source: Source) -> str:
    """The Python that makes a source."""
    if isinstance(source, Free | Param):
        given = ((f.name, getattr(source, f.name)) for f in fields(source))
        return f"kl.Param({', '.join(f'{name}={x!r}' for name, x in given if x is not None)})"
    if isinstance(source, SameAs):
        return f"kl.same_as({source.other!r})"
    written = isinstance(source, Fixed | Known) or getattr(source, "formula", None) is not None
    return repr(source) if written else f"{type(source).__name__}(...)"


# ---- pictures -----------------------------------------------------------------------------------


def _pictures(
    fit: Fit, why: str, rows: Rows | None
) -> tuple[list[tuple[str, str]], str, list[str]]:
    """The pictures with their titles, what they show, and a sentence for each that is missing.

    Args:
        fit: the fit.
        why: why it has no rows to draw; empty where it has.
        rows: these.
    """
    form, of = fit.form, f"{fit.form.name}, {name_of_column(fit.sample_info.label)}"
    if form.columns:
        return regression_pictures(fit, of)
    shown, notes = _PICTURES, []
    if _of_labels(fit):
        shown = (("density", "Probabilities", "Fitted probability of each class"),)
    elif why:
        shown = _PICTURES[:-_OF_ROWS]
        notes.append(f"The rows are not drawn, nor Q–Q and P–P: {why}.")
    drawn = []
    for kind, title, text in shown:
        description = f"{text} ({of})."
        try:
            picture = _drawn(partial(fit_figure, [fit], kind), description)
        except KullbackError as error:
            notes.append(f"{title} not drawn: {error}")
        else:
            drawn.append((title, picture))
    about = ""
    if rows is not None and len(drawn) == len(_PICTURES):
        closer = "The closer the rows follow the curve or the line, the better the fit."
        about = f"{closer} {rows.meaning}"
    return drawn, about, notes


def _overlays(comparison: Any) -> dict[str, tuple[str, str]]:
    """The title and the picture of a comparison, if one of its models can be drawn."""
    if comparison is None:
        return {}
    text = "Density of the best model over the rows, and of the next ones in grey."
    with suppress(KullbackError):  # the table says which could not be fitted
        picture = _drawn(partial(comparison.plot, "density"), text)
        return {"Comparison": ("Best model, and the next ones in grey", picture)}
    return {}


def _drawn(draw: Callable[..., Any], description: str) -> str:
    """Draw with ``draw(ax=axes)``, without a title: the page has its own."""

    def untitled(axes: Any) -> None:
        draw(ax=axes)
        axes.set_title("", loc="left")

    return inline_svg(untitled, description)


def _deviance(fit: Fit, unit: str) -> Displayed | None:
    """The deviance of a regression; None where there is none."""
    if fit.form.columns:
        with suppress(KullbackError):  # not converged, penalised, or without its rows
            return fit.deviance(unit)
    return None


# ---- the decomposition --------------------------------------------------------------------------


def _parts(fit: Fit, unit: str) -> dict[str, Any]:
    """The cross-entropy and its parts, each as number and error in text, or why they are unknown.

    Keys: cross, entropy, relative (lines of the decomposition), exact, near_zero, why.
    """
    lines = {line.name: line for line in fit.decomposition(unit).lines}
    entropy, relative = lines.get("entropy"), lines.get("relative entropy")
    why = ""
    if entropy is None:
        why = "Kullback has no estimator for this kind of model"
    elif math.isnan(entropy.value) or relative is None:
        why = entropy.note.removeprefix("no estimate: ")
    return {
        "cross": lines["cross-entropy"],
        "entropy": entropy,
        "relative": relative,
        "exact": entropy is not None and entropy.stderr == 0.0,
        "near_zero": relative is not None and relative.note.endswith("within its error of zero"),
        "why": why,
    }
