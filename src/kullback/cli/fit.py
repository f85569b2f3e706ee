"""``kullback fit`` and ``kullback families``."""

from __future__ import annotations

import contextlib
import inspect
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer

import kullback
from kullback._core.domains import REAL, Domain
from kullback._core.errors import ModelError, did_you_mean
from kullback._core.units import nats_per
from kullback.cli import process
from kullback.models.family import Family
from kullback.models.model import Model
from kullback.models.registry import own_models
from kullback.models.source import Param
from kullback.results.fit import Fit

Reals: TypeAlias = "float | list[float]"


def fit(
    table: Annotated[
        list[str], typer.Argument(metavar="TABLE", help="CSV or Parquet files, or patterns.")
    ],
    model: Annotated[str, typer.Option(help="What to fit, such as gamma; see kullback families.")],
    y: Annotated[
        str | None,
        typer.Option("--y", metavar="COLUMN", help="The outcome; not needed for a single column."),
    ] = None,
    weights: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="How many rows each row stands for.")
    ] = None,
    param: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=NUMBER",
            help="Pin a parameter: shape=2, or probabilities=0.5,0.3,0.2; NAME=? leaves it free, "
            "which chooses a parametrisation. Repeat for several.",
        ),
    ] = None,
    missing: Annotated[
        str, typer.Option(metavar="error|drop", help="What to do with rows with missing values.")
    ] = "error",
    unit: Annotated[
        str, typer.Option(metavar="nats|bits|hartleys", help="Unit of the cross-entropy.")
    ] = "nats",
    save: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Save the fit as JSON, for kl.load.")
    ] = None,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json",
            help='Print only JSON; what does not exist is null, infinities are "inf" and "-inf".',
        ),
    ] = False,
) -> None:
    """Fit a model to a column of a table by maximum likelihood.

    Exit codes: 0 fitted, 1 not converged (the result is printed all the same), 2 wrong input.
    """
    with process.errors_in_words():
        process.keep_compiled_code()
        chosen = _model(model, param or [])
        nats_per(unit)  # what is wrong is told before the fit, not after it
        if save is not None:
            process.check_folder("--save", save)
        from kullback.report.progress import ProgressBar

        data = table if len(table) > 1 else table[0]
        bar = ProgressBar(unit) if sys.stderr.isatty() else None
        with bar or contextlib.nullcontext():
            fitted = kullback.fit(chosen, data, y, weights=weights, missing=missing, progress=bar)
        if save is not None:
            fitted.save(save)
        if as_json:
            process.write(json.dumps(fit_document(fitted, unit), indent=2, allow_nan=False))
        else:
            _print_summary(fitted, unit)
    raise typer.Exit(0 if fitted.convergence.converged else 1)


def families() -> None:
    """List the models, their parameters and outcomes, and their other parametrisations."""
    with process.errors_in_words():
        head = ("model", "parameters", "outcomes", "also by")
        rows = [(name, *_described(kind)) for name, kind in _models().items()]
        if sys.stdout.isatty():
            from rich.console import Console

            from kullback.report.terminal import table_view

            Console().print(table_view(head, rows))
        else:
            widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
            for row in (head, *rows):
                cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
                process.write("  ".join(cells).rstrip())


# ---- the model ---------------------------------------------------------------------------------


def _models() -> dict[str, type[Model]]:
    """Every model that kullback exports, by name."""
    return {name: kind for name, kind in sorted(own_models().items()) if name in kullback.__all__}


def _model(name: str, params: list[str]) -> Model:
    """Make the model that was named, with its parameters fixed."""
    known = _models()
    by_key = {_key(own): own for own in known}
    if _key(name) not in by_key:
        hint = did_you_mean(name, known)
        raise ModelError(
            f'there is no model "{name}"{hint or "."} The command "kullback families" lists them.'
        )
    given: dict[str, Reals | Param] = {}
    for text in params:
        parameter, equals, value = (part.strip() for part in text.partition("="))
        if not (parameter and equals and value):
            raise ModelError(f'--param needs NAME=NUMBER, such as shape=2, and not "{text}".')
        if parameter in given:
            raise ModelError(f"--param gives {parameter} twice.")
        given[parameter] = Param() if value == "?" else _reals(parameter, value)
    return known[by_key[_key(name)]](**given)


def _key(name: str) -> str:
    return name.strip().lower().replace("-", "").replace("_", "")


def _reals(parameter: str, text: str) -> Reals:
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        raise ModelError(
            f'--param {parameter}={text}: "{text}" is not a number. Give a number to fix it, or '
            f"{parameter}=? to estimate it."
        ) from None
    return numbers if "," in text else numbers[0]


def _described(kind: type[Model]) -> tuple[str, str, str]:
    """Give the parameters, the outcomes and the other parametrisations of a model, in words."""
    others: list[str]
    if issubclass(kind, Family):
        notes = {
            **{name: " (you give it)" for name in kind.required},
            **{name: f" ({value:g} unless given)" for name, value in kind.fixed_by_default.items()},
        }
        parameters: Mapping[str, Domain] = kind.default_parameters
        others = [_phrases(other.parameters, notes) for other in kind.alternatives]
    else:
        notes, parameters = {}, kind().parameters
        # a model that is no family takes one parametrisation by the names in its signature
        named = inspect.signature(kind).parameters
        others = [name for name in named if name not in parameters and name != "levels"]
    support: object = kind.support
    if kind.outcome == "label":
        outcomes = "class labels"
    elif isinstance(support, Domain):
        outcomes = support.phrase("y")
    else:  # it depends on a parameter, and the property's docstring says how
        outcomes = "y = " + (support.__doc__ or "...").strip().rstrip(".")
    return _phrases(parameters, notes), outcomes, "; or ".join(others)


def _phrases(parameters: Mapping[str, Domain], notes: Mapping[str, str]) -> str:
    return ", ".join(
        (name if domain == REAL else domain.phrase(name)) + notes.get(name, "")
        for name, domain in parameters.items()
    )


# ---- output ------------------------------------------------------------------------------------


def _print_summary(fitted: Fit, unit: str) -> None:
    summary = fitted.summary(unit)
    if sys.stdout.isatty():  # rich costs a tenth of the start-up time, and a pipe needs none of it
        from rich.console import Console

        from kullback.report.terminal import least_width, summary_view

        console = Console()
        if console.width >= least_width(summary):
            console.print(summary_view(summary))
            return
    process.write(str(summary))


def fit_document(fitted: Fit, unit: str) -> dict[str, Any]:
    """Collect what ``--json`` prints: valid JSON, with null for what does not exist.

    Args:
        fitted: the fit.
        unit: of the cross-entropy and the decomposition; criteria are in nats, as they always are.
    """
    decomposition, sample = fitted.decomposition(unit), fitted.sample_info
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
        "aic": fitted.aic,
        "bic": fitted.bic,
        "decomposition": [vars(line) for line in decomposition.lines],
        "convergence": vars(fitted.convergence),
    }
    plain: dict[str, Any] = process.plain(document)
    return plain
