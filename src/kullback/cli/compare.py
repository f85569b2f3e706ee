"""``kullback compare``: fit several distributions to a column, and rank them."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import kullback
from kullback._core.errors import KullbackError
from kullback.cli import process
from kullback.cli.fit import _model
from kullback.cli.model_text import split_models
from kullback.cli.options import (
    AsJson,
    Event,
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

if TYPE_CHECKING:
    from kullback.results.comparison import Comparison


def compare(
    table: Tables,
    y: YOrEnds = None,
    models: Annotated[
        str | None,
        typer.Option(
            metavar="NAME,NAME,...",
            help='Distributions to compare, such as gamma,lognormal; by default "all" whose '
            'support holds the rows; "continuous" takes whole numbers as measurements.',
        ),
    ] = None,
    shifted: Annotated[
        bool,
        typer.Option(
            "--shifted",
            help="Add Weibull, gamma, log-normal ... distributions that begin at an estimated "
            'number to "all" or "continuous".',
        ),
    ] = False,
    model: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=MODEL",
            help="A model under a name of yours, such as "
            "\"by age=Weibull(scale='~ age')\". Repeat for several models.",
        ),
    ] = None,
    event: Event = None,
    truncation_lower: TruncationLower = None,
    truncation_upper: TruncationUpper = None,
    rounding: Rounding = None,
    weights: Weights = None,
    weight_kind: WeightKind = "frequency",
    folds: Annotated[
        int, typer.Option(metavar="K", help="Parts of the rows, each scored by fits to the others.")
    ] = 5,
    groups: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="Keep rows of an equal value here in one part."),
    ] = None,
    time: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="Score each part by fits to rows of earlier times."),
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", help="Seed of the draw of the parts.")] = 0,
    criterion: Annotated[
        str,
        typer.Option(
            metavar="held-out|aic|bic", help="Rank by the loss of held-out rows, or by a criterion."
        ),
    ] = "held-out",
    missing: Missing = "error",
    missing_values: MissingValues = None,
    separator: Separator = None,
    unit: Unit = "nats",
    plot: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Draw the best model over the rows, and the next ones, as a PNG, SVG or PDF file.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Fit several distributions to a column of a table, and rank them by the loss on held-out rows.

    In JSON a number that does not exist is null, and infinities are "inf" and "-inf".

    Exit codes: 0 done, 1 no model converged (the table is still printed), 2 wrong input.
    """
    with process.errors_as_messages():
        process.keep_compiled_code()
        observed = observed_of(y, event, truncation_lower, truncation_upper)
        columns = {**observed.columns, "--weights": weights, "--groups": groups, "--time": time}
        data = files_of(table, missing_values, separator, columns)
        chosen = _models(models, model or [])
        if plot is not None:
            process.check_folder("--plot", plot, figures=True)
        found = _compare(
            chosen,
            data,
            observed.y,
            shifted=shifted,
            event=event,
            truncation=observed.truncation,
            rounding=rounding,
            weights=weights,
            weight_kind=weight_kind,
            missing=missing,
            folds=folds,
            groups=groups,
            time=time,
            seed=seed,
            criterion=criterion.replace("-", "_"),
        ).to(unit)
        converged = any(fit.convergence.converged for fit in found.fits.values())
        if plot is not None and converged:
            from kullback.pictures.figure import write_figure

            write_figure(found.plot(), plot)
        process.write_json(comparison_document(found)) if as_json else _print(found)
    raise typer.Exit(0 if converged else 1)


def compare_all(data: Any, y: Any, of_one: Mapping[str, object], **options: Any) -> Comparison:
    """Compare all families, for ``kullback fit --model best``.

    Args:
        data: the rows.
        y: the outcome's column, or those of its ends.
        of_one: options that a comparison does not take; None or empty where they were not given.
        options: of the rows, as for ``kl.compare``.

    Raises:
        KullbackError: no model could be fitted, or such options were given.
    """
    given = next((option for option, value in of_one.items() if value), None)
    if given is not None:
        raise KullbackError(
            f"{given} is of one distribution, and --model best compares all: leave it out, or "
            "name the model."
        )
    found = _compare("all", data, y, **options)
    _ = found.best  # raises without one
    return found


def _compare(*arguments: Any, **options: Any) -> Comparison:
    """Compare models, with a progress bar in a terminal."""
    from kullback.report.fits_bar import FitsBar

    bar = FitsBar() if sys.stderr.isatty() else None
    with bar or contextlib.nullcontext():
        return kullback.compare(*arguments, **options, progress=bar)


def comparison_document(found: Comparison) -> dict[str, Any]:
    """The content for ``--json``."""
    fits = found.fits
    best = next((name for name, fit in fits.items() if fit.convergence.converged), None)
    return {
        "data": None if best is None else fits[best].sample_info.source,
        "rows": None if best is None else fits[best].sample_info.rows,
        "outcomes": found.outcomes or None,
        "criterion": found.criterion,
        "folds": found.folds,
        "unit": found.unit,
        "best": best,
        "models": [
            entry.cells() | {"params": None if entry.fit is None else entry.fit.params}
            for entry in found.models
        ],
    }


def _models(text: str | None, named: Sequence[str]) -> Any:
    """The models of ``--models``, or those of ``--model`` by name."""
    if named:
        if text is not None:
            raise KullbackError(
                "--models lists models and --model adds them by name: give one of them."
            )
        return _by_name(named)
    text = "all" if text is None else text
    names = list(dict.fromkeys(name.strip() for name in split_models(text) if name.strip()))
    every = {"all", "continuous"} & set(names)
    if not names or (every and len(names) > 1):
        raise KullbackError(
            '--models must be "all", "continuous", or names, such as gamma,lognormal, got '
            f'"{text}".'
        )
    return names[0] if every else [_model(name) for name in names]


def _by_name(named: Sequence[str]) -> dict[str, kullback.Model]:
    """The models of ``--model NAME=MODEL``; one without a name is called as it is written."""
    out: dict[str, kullback.Model] = {}
    for text in named:
        name, equals, model = text.partition("=")
        if not equals or "(" in name:  # an equals sign of the model's own
            name, model = text, text
        name = name.strip()
        if not name or not model.strip():
            raise KullbackError(
                f"--model must be NAME=MODEL, such as \"age=Weibull(scale='~ age')\", got {text!r}."
            )
        if name in out:
            raise KullbackError(f'--model gives two models the name "{name}".')
        out[name] = _model(model)
    return out


def _print(found: Comparison) -> None:
    """Print the table: laid out in a terminal, else as text."""
    if not sys.stdout.isatty():  # rich takes a tenth of the start-up time; a pipe does without it
        process.write(str(found))
        return
    shown = found._display()  # what a notebook shows too
    process.write(shown.title + "\n")
    for table in shown.tables:
        process.write_table(table.head, table.rows)
    process.write("\n" + "\n".join(shown.notes))
