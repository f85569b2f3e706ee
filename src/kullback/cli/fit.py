"""``kullback fit`` and ``kullback families``: fit a distribution, and list them."""

from __future__ import annotations

import contextlib
import inspect
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer

import kullback
from kullback._core.errors import ModelError, did_you_mean
from kullback._core.printable import printable
from kullback._core.units import nats_per
from kullback.cli import process
from kullback.cli.fit_by import By, Out, check_groups, write_groups
from kullback.cli.options import (
    AsJson,
    Dask,
    Event,
    Events,
    Missing,
    MissingValues,
    Rounding,
    Separator,
    Tables,
    TruncationLower,
    TruncationUpper,
    Unit,
    WeightKind,
    Weights,
    YOrEnds,
    files_of,
    observed_of,
)

Reals: TypeAlias = "float | list[float]"


def fit(
    table: Tables,
    model: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help='Distribution to fit, such as gamma ("kullback families" lists all), or '
            '"Truncated(Gamma(), lower=1)"; a regression, such as '
            '"Weibull(scale=\'~ age + sex\')"; or best: the first of "kullback compare".',
        ),
    ],
    y: YOrEnds = None,
    event: Event = None,
    events: Events = None,
    truncation_lower: TruncationLower = None,
    truncation_upper: TruncationUpper = None,
    rounding: Rounding = None,
    weights: Weights = None,
    weight_kind: WeightKind = "frequency",
    param: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=NUMBER",
            help="Fix a parameter, as in shape=2 or probabilities=0.5,0.3,0.2; NAME=? estimates "
            'it, which selects a parametrisation; "NAME=~ age" is a formula. Repeat for several '
            "parameters.",
        ),
    ] = None,
    by: By = None,
    dask: Dask = None,
    missing: Missing = "error",
    missing_values: MissingValues = None,
    separator: Separator = None,
    unit: Unit = "nats",
    out: Out = None,
    save: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Save the fit as JSON, to be read by kl.load in Python."),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Draw the fit over its rows, as a PNG, SVG or PDF file."),
    ] = None,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE.html", help="Write the fit as a web page.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Fit a distribution to a column of a table by maximum likelihood.

    In JSON a number that does not exist is null, and infinities are "inf" and "-inf".

    With --by, to every group of rows: a row for each, of many groups the first ones unless they are
    written to a file or as JSON.

    Exit codes: 0 fitted, 1 not converged (the result is still printed), 2 wrong input.
    """
    with process.errors_as_messages():
        process.keep_compiled_code()
        observed = observed_of(y, event, truncation_lower, truncation_upper, events)
        columns = {**observed.columns, "--weights": weights, "--by": by}
        data = files_of(table, missing_values, separator, columns)
        chosen = None if _key(model) == "best" else _model(model, param or [])
        nats_per(unit)  # raises for an unknown unit before the fit, not after it
        alone: dict[str, object] = {
            "--dask": dask,
            "--save": save,
            "--plot": plot,
            "--report": report,
        }
        alone |= {"--model best": chosen is None}
        check_groups(by, out, alone, as_json=as_json)
        if save is not None:
            process.check_folder("--save", save)
        if plot is not None:
            process.check_folder("--plot", plot, figures=True)
        if report is not None:
            process.check_page("--report", report, figures=True)
        from kullback.report.progress import ProgressBar

        comparison = None
        of_rows: dict[str, Any] = {
            "event": observed.event,
            "truncation": observed.truncation,
            "rounding": rounding,
            "weights": weights,
            "weight_kind": weight_kind,
            "missing": missing,
        }
        if dask is not None:
            of_rows["engine"] = kullback.DaskEngine(dask)
        if chosen is None:
            from kullback.cli.compare import compare_all

            of_one = {f"--param {(param or [''])[0]}": param}
            comparison = compare_all(data, observed.y, of_one, **of_rows).to(unit)
            fitted: Any = comparison.best
        else:
            bar = ProgressBar(unit) if sys.stderr.isatty() else None
            with bar or contextlib.nullcontext():
                fitted = kullback.fit(
                    chosen,
                    data,
                    observed.y,
                    by=by or None,
                    progress=bar,
                    **of_rows,
                )
        if by:
            write_groups(fitted, unit, out, as_json=as_json)
            raise typer.Exit(0 if fitted.converged.all() else 1)
        if save is not None:
            fitted.save(save)
        if plot is not None:
            from kullback.pictures.figure import write_figure

            write_figure(fitted.plot(), plot)
        if report is not None:
            fitted.report(report, unit=unit, comparison=comparison)
        if as_json:
            chosen_by = {} if comparison is None else {"chosen": comparison.conclusion}
            process.write_json({**fit_document(fitted, unit), **chosen_by})
        else:
            if comparison is not None:
                process.write(comparison.conclusion + "\n")
            print_summary(fitted, unit)
    raise typer.Exit(0 if fitted.convergence.converged else 1)


def families() -> None:
    """List the distributions with their parameters, outcomes and alternative parametrisations.

    Exit code: 0.
    """
    with process.errors_as_messages():
        head = ("model", "parameters", "outcomes", "alternatives")
        rows = [(name, *_description(kind)) for name, kind in _models().items()]
        process.write_table(head, rows)


# ---- the model ---------------------------------------------------------------------------------


def _models() -> dict[str, type[kullback.Model]]:
    """The models that kullback exports, by name."""
    from kullback.models.registry import own_models

    return {name: kind for name, kind in sorted(own_models().items()) if name in kullback.__all__}


def _model(name: str, params: Sequence[str] = ()) -> kullback.Model:
    """Make a model by name, with the parameters of ``--param``."""
    known = _models()
    if "(" in name:
        from kullback.cli.model_text import model_of_text

        if params:
            raise ModelError(f'--param goes with the name of a model: write "{params[0]}" in it.')
        return model_of_text(name, known, _key)
    by_key = {_key(own): own for own in known}
    if _key(name) not in by_key:
        hint = did_you_mean(name, known)
        raise ModelError(
            f'there is no model "{name}"{hint or "."} The command "kullback families" lists them.'
        )
    parameters: dict[str, Reals | str | kullback.Param] = {}
    for text in params:
        parameter, equals, value = (part.strip() for part in text.partition("="))
        if not (parameter and equals and value):
            raise ModelError(f'--param must be NAME=NUMBER, such as shape=2, got "{text}".')
        if parameter in parameters:
            raise ModelError(f"--param names {parameter} twice.")
        if value.startswith("~"):
            parameters[parameter] = value
            continue
        free = value == "?"
        parameters[parameter] = kullback.Param() if free else _reals(parameter, value)
    return known[by_key[_key(name)]](**parameters)


def _key(name: str) -> str:
    return name.strip().lower().replace("-", "").replace("_", "")


def _reals(parameter: str, text: str) -> Reals:
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        raise ModelError(
            f'--param {parameter}={text}: "{text}" is not a number. Give a number to fix it, or '
            f'{parameter}=? to estimate it; a formula begins with "~".'
        ) from None
    return numbers if "," in text else numbers[0]


def _description(kind: type[kullback.Model]) -> tuple[str, str, str]:
    """The parameters, the outcomes and the alternative parametrisations of a model."""
    from kullback._core.domains import Domain
    from kullback.models.composite import Composite

    others: list[str]
    if issubclass(kind, Composite):
        parts = ", ".join(name for name in inspect.signature(kind).parameters)
        return parts, "those of the models that it is made of", ""
    if issubclass(kind, kullback.Family):
        notes = {
            **{name: " (required)" for name in kind.required},
            **{name: f" ({value:g} by default)" for name, value in kind.fixed_by_default.items()},
        }
        parameters: Mapping[str, Any] = kind.default_parameters
        others = [_phrases(other.parameters, notes) for other in kind.alternatives]
    else:
        notes, parameters = {}, kind().parameters
        # for a model that is not a family: the other names in its signature
        signature = inspect.signature(kind).parameters
        others = [name for name in signature if name not in parameters and name != "levels"]
    support: object = kind.support
    if kind.outcome == "label":
        outcomes = "class labels"
    elif isinstance(support, Domain):
        outcomes = support.phrase("y")
    else:  # it depends on a parameter, as the property's docstring says
        outcomes = "y = " + (support.__doc__ or "...").strip().rstrip(".")
    return _phrases(parameters, notes), outcomes, "; or ".join(others)


def _phrases(parameters: Mapping[str, Any], notes: Mapping[str, str]) -> str:
    from kullback._core.domains import REAL

    return ", ".join(
        (name if domain == REAL else domain.phrase(name)) + notes.get(name, "")
        for name, domain in parameters.items()
    )


# ---- output ------------------------------------------------------------------------------------


def print_summary(fitted: kullback.Fit, unit: str) -> None:
    """Print the summary of a fit: as tables in a terminal that is wide enough, else as text."""
    summary = fitted.summary(unit)
    summary = replace(  # the names of columns and labels
        summary,
        title=printable(summary.title),
        estimates=tuple(tuple(map(printable, row)) for row in summary.estimates),
    )
    if sys.stdout.isatty():  # rich takes a tenth of the start-up time; a pipe does without it
        from kullback.cli.console import console
        from kullback.report.terminal import least_width, summary_view

        if console().width >= least_width(summary):
            process.write_view(summary_view(summary))
            return
    process.write(str(summary))


def fit_document(fitted: kullback.Fit, unit: str) -> dict[str, Any]:
    """The content for ``--json``, with None for numbers that do not exist.

    Args:
        fitted: the fit.
        unit: of the cross-entropy and the decomposition; the criteria are always in nats.
    """
    decomposition, sample = fitted.decomposition(unit), fitted.sample_info
    sampling = sample.weight_kind == "sampling"
    document = {
        "model": fitted.form.name,
        "data": {"outcome": sample.label, "source": sample.source, "rows": sample.rows},
        "n": fitted.n,
        "dropped": sample.dropped,
        "levels": sample.levels,
        "params": fitted.params,
        "stderr": fitted.stderr,
        "intervals": fitted.interval(),
        "level": 0.95,
        "unit": unit,
        "cross_entropy": fitted.cross_entropy / nats_per(unit),
        "log_likelihood": fitted.log_likelihood,
        "weight_kind": sample.weight_kind,
        "aic": None if sampling else fitted.aic,
        "bic": None if sampling else fitted.bic,
        "decomposition": [vars(line) for line in decomposition.lines],
        "convergence": vars(fitted.convergence),
    }
    plain: dict[str, Any] = process.plain(document)
    return plain
