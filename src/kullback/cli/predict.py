"""``kullback predict``: the predictions of a saved fit or network for the rows of a table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import kullback
from kullback._core.errors import DataError, KullbackError
from kullback.cli import process
from kullback.cli.options import MissingValues, Separator, Tables, files_of

if TYPE_CHECKING:
    from kullback.results.fitted_model import FittedModel


def predict(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            help='File written by "kullback fit --save", or folder by "kullback train --save".',
        ),
    ],
    table: Tables,
    what: Annotated[
        str | None,
        typer.Option(
            metavar="mean|quantile|survival|...",
            help="What of a fit: mean, variance, parameters; quantile or survival, of the numbers "
            "of --at; of labels class or probability. By default the mean and the parameters, or "
            "the class and the probabilities.",
        ),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(
            metavar="NUMBER,NUMBER,...",
            help="Probabilities of the quantiles, or outcomes beyond which rows survive.",
        ),
    ] = None,
    interval: Annotated[
        str | None,
        typer.Option(
            metavar="confidence|prediction",
            help="Add the ends of an interval: for the quantity itself, or for a new outcome.",
        ),
    ] = None,
    level: Annotated[
        float, typer.Option(metavar="PROBABILITY", help="Probability that an interval holds.")
    ] = 0.95,
    missing_values: MissingValues = None,
    separator: Separator = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "--output",
            metavar="FILE",
            help="Write a CSV or Parquet file instead of printing.",
        ),
    ] = None,
) -> None:
    """Print predictions for every row of a table, as CSV.

    For labels the most probable class and all probabilities, for numbers the mean and the
    parameters of the distribution. Rows in which a value is missing are empty.

    Exit codes: 0 done, 2 wrong input.
    """
    with process.errors_as_messages():
        from kullback.data.writing import check_kind, write_columns

        process.keep_compiled_code()
        if out is not None:
            process.check_folder("--out", out)
            check_kind(out)
        fit = kullback.load(model)
        data = files_of(table, missing_values, separator)
        if isinstance(fit, kullback.Fit):
            columns = _predictions(fit, data, what, _numbers(fit, at), interval, level)
        else:
            given = {"--what": what, "--at": at, "--interval": interval}
            columns = _of_network(fit, data, [name for name, value in given.items() if value])
        if out is not None:
            write_columns(columns, out)
            return
        process.write_csv(columns)


def _numbers(fit: kullback.Fit, text: str | None) -> list[Any] | None:
    """The numbers of ``--at``, or the classes that it names."""
    if text is None:
        return None
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if fit.form.levels is not None:
        levels = {str(level): level for level in fit.form.levels}
        return [levels.get(part, part) for part in parts]
    try:
        return [float(part) for part in parts]
    except ValueError:
        raise KullbackError(f'--at must be numbers separated by commas, got "{text}".') from None


def _predictions(
    fit: kullback.Fit,
    data: Any,
    what: str | None,
    at: list[Any] | None,
    interval: str | None,
    level: float,
) -> dict[str, Any]:
    """The predictions of a fit by column."""
    import numpy as np

    if what is None and interval is None and at is None:
        labels = fit.form.outcome == "label"
        kinds = ("class", "probability") if labels else ("mean", "parameters")
        parts = [_predictions(fit, data, kind, None, None, level) for kind in kinds]
        return parts[0] | parts[1]
    what = what or ("mean" if fit.form.outcome == "number" else "probability")
    found = fit.predict(data, what, at=at, interval=interval, level=level)
    if what == "parameters":
        return _by_number(found, fit.form.levels)
    names = [what]
    if what == "probability" and fit.form.levels is not None:
        names = [f"p({name})" for name in (fit.form.levels if at is None else at)]
    elif at is not None:
        names = [f"{what}({repr(value).removesuffix('.0')})" for value in at]  # with all digits
    if interval is None:
        values = np.asarray(found).reshape(-1, len(names))
        return {name: np.ascontiguousarray(values[:, k]) for k, name in enumerate(names)}
    ends = {
        end: np.asarray(found[end]).reshape(-1, len(names))
        for end in ("estimate", "lower", "upper")
    }
    out = {}
    for k, name in enumerate(names):
        prefix = "" if len(names) == 1 else f"{name} "
        for end, values in ends.items():
            own = name if end == "estimate" else prefix + end
            out[own] = np.ascontiguousarray(values[:, k])
    return out


def _by_number(parameters: dict[str, Any], levels: Any) -> dict[str, Any]:
    """Parameters by column; a vector has one for each number."""
    import numpy as np

    out = {}
    for name, value in parameters.items():
        if value.ndim == 1:
            out[name] = value
            continue
        for k, level in enumerate(levels or range(value.shape[1])):
            out[f"{name}[{level}]"] = np.ascontiguousarray(value[:, k])
    return out


def _of_network(fit: FittedModel, data: Any, given: list[str]) -> dict[str, Any]:
    """The class or the mean of a network, then its probabilities or parameters."""
    import numpy as np

    if not isinstance(fit, kullback.TrainedFit):
        raise DataError(f"{type(fit).__name__} has no predictions: give a fit of one model.")
    if given:
        raise KullbackError(
            f'{given[0]} is of fits that "kullback fit --save" wrote, and this is a network: '
            "leave it out."
        )
    if fit.form.outcome != "label":
        return {"mean": fit.predict(data), **_by_number(fit.predict_params(data), None)}
    p = fit.predict_proba(data)
    classes = [str(name) for name in fit.classes_]
    best = np.array(classes, dtype=object)[np.argmax(p, axis=1)]
    shares = {f"p({name})": np.ascontiguousarray(p[:, k]) for k, name in enumerate(classes)}
    return {"class": best, **shares}
