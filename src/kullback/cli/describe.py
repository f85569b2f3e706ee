"""``kullback describe``: a saved fit: its summary, and its distribution in numbers and pictures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import kullback
from kullback._core.errors import KullbackError
from kullback._core.units import nats_per
from kullback.cli import process
from kullback.cli.distribution import QUANTILES, FittedDistribution
from kullback.cli.fit import fit_document, print_summary
from kullback.cli.options import AsJson, Missing, Separator, Unit, Y, files_of

if TYPE_CHECKING:
    from kullback.results.fitted_model import FittedModel


def describe(
    model: Annotated[
        str,
        typer.Argument(
            metavar="FIT",
            help='File of "kullback fit --save", or folder of "kullback train --save".',
        ),
    ],
    quantile: Annotated[
        list[str] | None,
        typer.Option(metavar="U,U,...", help="Print the quantiles of these probabilities."),
    ] = None,
    cdf: Annotated[
        list[str] | None,
        typer.Option(metavar="X,X,...", help="Print P(Y <= x) and P(Y > x) of these numbers."),
    ] = None,
    sample: Annotated[
        int | None, typer.Option(metavar="N", help="Print N independent draws, as CSV.")
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(metavar="N", help="With --sample: draw the same numbers every time."),
    ] = None,
    density: Annotated[
        str | None,
        typer.Option(
            metavar="TABLE",
            help="Print the density and the log-density (in nats) of every row, as CSV.",
        ),
    ] = None,
    y: Y = None,
    missing: Missing = "error",
    separator: Separator = None,
    plot: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Draw the density with quantiles, or the losses of a training, as a PNG, SVG or "
            "PDF file.",
        ),
    ] = None,
    unit: Unit = "nats",
    as_json: AsJson = False,
) -> None:
    """Describe a saved fit: what was fitted, the summary, moments and quantiles.

    With --quantile, --cdf, --sample or --density only these are printed; with --json everything.
    For a network, whose distribution depends on the row, the summary and the layers are printed.

    Exit codes: 0 done, 1 the saved fit did not converge (the result is still printed), 2 wrong
    input.
    """
    with process.errors_as_messages():
        process.keep_compiled_code()
        nats_per(unit)
        levels, points = _numbers("--quantile", quantile), _numbers("--cdf", cdf)
        outside = [u for u in levels if not 0.0 <= u <= 1.0]
        if outside:
            raise KullbackError(f"--quantile must lie between 0 and 1, got {outside[0]:g}.")
        if sample is not None and sample < 0:
            raise KullbackError(f"--sample must be at least 0, got {sample}.")
        if sample is None and seed is not None:
            raise KullbackError("--seed is the seed of --sample: add --sample N.")
        for option, given in (("--y names a column", y), ("--separator is that", separator)):
            if density is None and given is not None:
                raise KullbackError(f"{option} of --density: add --density TABLE.")
        tables = sum((bool(levels or points), sample is not None, density is not None))
        if tables > 1 and not as_json:
            raise KullbackError(
                "--quantile and --cdf, --sample, and --density print tables of different kinds: "
                "give one of them, or --json for all in one document."
            )
        if plot is not None:
            process.check_folder("--plot", plot, figures=True)
        fitted: Any = kullback.load(model)
        if tables and fitted.model.columns:
            raise KullbackError(_depends_on_the_row(fitted, model))
        if isinstance(fitted, kullback.TrainedFit):
            _describe_network(fitted, unit, plot, as_json)
        elif fitted.model.columns:
            if plot is not None:
                raise KullbackError(_depends_on_the_row(fitted, model))
            process.write_json(fit_document(fitted, unit)) if as_json else print_summary(
                fitted, unit
            )
        else:
            about = FittedDistribution(fitted, unit)
            if plot is not None:
                from kullback.pictures.figure import write_figure
                from kullback.pictures.fit_figure import fit_figure

                write_figure(fit_figure([fitted], "density", marks=levels or QUANTILES), plot)
            rows = None if density is None else files_of([density], separator=separator)
            scored = [] if rows is None else about.scored(rows, y, missing)
            drawn = None if sample is None else about.draws(sample, seed)
            if as_json:
                process.write_json(about.document(levels, points, drawn, scored))
            elif drawn is not None:
                process.write_csv(drawn)
            elif density is not None:
                for k, part in enumerate(scored):
                    process.write_csv(part, header=k == 0)
            elif tables:
                about.print_values(levels, points)
            else:
                print_summary(fitted, unit)
                about.print_moments()
    raise typer.Exit(0 if fitted.convergence.converged else 1)


def _numbers(option: str, texts: Sequence[str] | None) -> list[float]:
    """The numbers of an option, which may be repeated and hold lists."""
    numbers = []
    for text in (part for given in texts or () for part in given.split(",")):
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if math.isnan(number):
            raise KullbackError(
                f'{option} must be numbers separated by commas, got "{text.strip()}".'
            )
        numbers.append(number)
    return numbers


# ---- networks ----------------------------------------------------------------------------------


def _depends_on_the_row(fitted: FittedModel, path: str) -> str:
    network = isinstance(fitted, kullback.TrainedFit)
    source, rows = ("a linear source", "")
    if network:
        source = "a network"
        rows = (
            f" Give rows: kullback predict {path} TABLE prints the distribution of each, "
            f"kullback evaluate {path} TABLE the loss."
        )
    plot = "" if network else ", --plot"
    return (
        f"--quantile, --cdf, --sample{plot} and --density do not apply to {fitted.form.name} with "
        f"{source}, whose distribution depends on the row.{rows}"
    )


def _describe_network(
    fitted: kullback.TrainedFit, unit: str, plot: Path | None, as_json: bool
) -> None:
    """Print a trained network, and draw its training."""
    if plot is not None:
        from kullback.pictures.figure import write_figure

        write_figure(fitted.plot(unit), plot)
    networks = _networks(fitted)
    if as_json:
        from kullback.cli.train import training_document

        process.write_json({**training_document(fitted, unit), "networks": networks})
        return
    process.write(fitted.summary(unit))
    classes = fitted.model.levels
    if classes is not None:
        process.write(f"  classes  {', '.join(map(str, classes))}")
    for network in networks:
        process.write("")
        rows = [(key.replace("_", " "), _joined(value)) for key, value in network.items()]
        process.write_table(("network", ""), rows)


def _joined(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_joined, value)) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _networks(fitted: kullback.TrainedFit) -> list[dict[str, Any]]:
    """The covariates, layers and calibration of each network."""
    from kullback.models.network import MLP, Trained

    out = []
    for name, source in fitted.model.sources.items():
        if not isinstance(source, Trained):
            continue
        form, encoder = source.form, source.encoder
        covariates = [
            f"{column} ({size} categories)" if size else column
            for column, size in zip(encoder.names, encoder.sizes, strict=True)
        ]
        network: dict[str, Any] = {"gives": name, "covariates": covariates}
        if isinstance(form, MLP):
            network |= {
                "inputs": encoder.width,
                "hidden_layers": list(form.widths),
                "outputs": source.shift.size,
                "activation": str(form.activation),
                "dropout": form.dropout,
                "normalization": form.normalization or "none",
            }
        network |= {"networks": len(source.modules), "calibration": source.scale.tolist()}
        out.append(network)
    return out
