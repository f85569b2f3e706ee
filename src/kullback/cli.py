"""The command line: it reads arguments, calls the library and prints; there are no numerics here.

Exit codes: 0 fitted; 1 not converged (the result is printed all the same); 2 wrong input; 3 a fault
of Kullback's own, with a traceback to report; 130 interrupted.
"""

from __future__ import annotations

import contextlib
import gc
import inspect
import json
import math
import os
import sys
import traceback
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import jax
import numpy as np
import typer

import kullback
from kullback._core.errors import KullbackError, ModelError, did_you_mean
from kullback._core.supports import REAL, Support
from kullback._core.units import nats_per
from kullback.models.family import Family
from kullback.models.model import Model
from kullback.models.registry import own_models
from kullback.results.fit import Fit

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

Reals: TypeAlias = "float | list[float]"


def main() -> None:
    """Run the command line; the entry point of ``kullback``."""
    # What was imported lives as long as the process. Telling the collector so, and at the end of
    # all the rest, took a fifth off the time of a small fit as a whole process (1.1 s to 0.9 s).
    gc.freeze()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError):  # replaced by something that is no text file
            # a terminal without, say, "⁻" shows "?" instead of failing
            stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    try:
        app(prog_name="kullback")
    finally:
        gc.freeze()


def _print_version(wanted: bool) -> bool:
    if wanted:
        typer.echo(f"kullback {kullback.__version__}")
        raise typer.Exit
    return wanted


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Fit any probabilistic model by maximum likelihood, and account for its loss."""


@app.command()
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
    with _errors_in_words():
        keep_compiled_code()
        chosen = _model(model, param or [])
        nats_per(unit)  # what is wrong is told before the fit, not after it
        if save is not None:
            _check_folder(save)
        from kullback.report.progress import ProgressBar

        data = table if len(table) > 1 else table[0]
        bar = ProgressBar(unit) if sys.stderr.isatty() else None
        with bar or contextlib.nullcontext():
            fitted = kullback.fit(chosen, data, y, weights=weights, missing=missing, progress=bar)
        if save is not None:
            fitted.save(save)
        if as_json:
            _write(json.dumps(fit_document(fitted, unit), indent=2, allow_nan=False))
        else:
            _print_summary(fitted, unit)
    raise typer.Exit(0 if fitted.certificate.converged else 1)


@app.command()
def families() -> None:
    """List the models, their parameters and outcomes, and their other parametrisations."""
    with _errors_in_words():
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
                _write("  ".join(cells).rstrip())


# ---- the model ---------------------------------------------------------------------------------


def _models() -> dict[str, type[Model]]:
    """Every model that kullback exports, by name."""
    return {name: kind for name, kind in sorted(own_models().items()) if name in kullback.__all__}


def _model(name: str, params: list[str]) -> Model:
    """Make the model that was named, with its parameters pinned."""
    known = _models()
    by_key = {_key(own): own for own in known}
    if _key(name) not in by_key:
        hint = did_you_mean(name, known)
        raise ModelError(
            f'there is no model "{name}"{hint or "."} The command "kullback families" lists them.'
        )
    given: dict[str, Reals | None] = {}
    for text in params:
        parameter, equals, value = (part.strip() for part in text.partition("="))
        if not (parameter and equals and value):
            raise ModelError(f'--param needs NAME=NUMBER, such as shape=2, and not "{text}".')
        if parameter in given:
            raise ModelError(f"--param gives {parameter} twice.")
        given[parameter] = None if value == "?" else _reals(parameter, value)
    return known[by_key[_key(name)]](**given)


def _key(name: str) -> str:
    return name.strip().lower().replace("-", "").replace("_", "")


def _reals(parameter: str, text: str) -> Reals:
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        raise ModelError(
            f'--param {parameter}={text}: "{text}" is not a number. Give a number to pin it, or '
            f"{parameter}=? to estimate it."
        ) from None
    return numbers if "," in text else numbers[0]


def _described(kind: type[Model]) -> tuple[str, str, str]:
    """Give the parameters, the outcomes and the other parametrisations of a model, in words."""
    others: list[str]
    if issubclass(kind, Family):
        notes = {
            **{name: " (you give it)" for name in kind.given},
            **{name: f" ({value:g} unless given)" for name, value in kind.defaults.items()},
        }
        canonical: Mapping[str, Support] = kind.canonical
        others = [_phrases(other.parameters, notes) for other in kind.alternatives]
    else:
        notes, canonical = {}, kind().parameters
        # a model that is no family takes one parametrisation by the names in its signature
        named = inspect.signature(kind).parameters
        others = [name for name in named if name not in canonical and name != "levels"]
    support: object = kind.support
    if kind.outcome == "label":
        outcomes = "class labels"
    elif isinstance(support, Support):
        outcomes = support.phrase("y")
    else:  # it depends on a parameter, and the property's docstring says how
        outcomes = "y = " + (support.__doc__ or "...").strip().rstrip(".")
    return _phrases(canonical, notes), outcomes, "; or ".join(others)


def _phrases(parameters: Mapping[str, Support], notes: Mapping[str, str]) -> str:
    return ", ".join(
        (name if support == REAL else support.phrase(name)) + notes.get(name, "")
        for name, support in parameters.items()
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
    _write(str(summary))


def _write(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()  # here, where an error can still be told in words


def fit_document(fitted: Fit, unit: str) -> dict[str, Any]:
    """Collect what ``--json`` prints: valid JSON, with null for what does not exist.

    Args:
        fitted: the fit.
        unit: of the cross-entropy and the ledger; criteria are in nats, as they always are.
    """
    ledger, seen = fitted.ledger(unit), fitted.seen
    document = {
        "model": fitted.form.name,
        "data": {"outcome": seen.label, "source": seen.source, "rows": seen.rows},
        "n": fitted.n,
        "dropped": seen.dropped,
        "levels": seen.levels,
        "params": fitted.params,
        "stderr": fitted.stderr,
        "intervals": fitted.interval(),
        "level": 0.95,
        "unit": unit,
        "cross_entropy": fitted.cross_entropy / nats_per(unit),
        "log_likelihood": fitted.log_likelihood,
        "aic": fitted.aic,
        "bic": fitted.bic,
        "ledger": [vars(line) for line in ledger.lines],
        "certificate": vars(fitted.certificate),
    }
    plain: dict[str, Any] = _plain(document)
    return plain


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else "inf" if value > 0.0 else "-inf"
    return value


# ---- the process -------------------------------------------------------------------------------


@contextlib.contextmanager
def _errors_in_words() -> Iterator[None]:
    """Turn what may go wrong into a message and an exit code."""
    try:
        yield
    except KullbackError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    except OSError as error:  # of the output: the library tells its own as KullbackError
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nothing is left to fail
        if isinstance(error, BrokenPipeError):  # the reader, such as head, has gone
            raise typer.Exit(141) from None  # as shells report that signal
        typer.echo(f"error: the output cannot be written: {error.strerror or error}.", err=True)
        raise typer.Exit(2) from None
    except Exception:
        traceback.print_exc()
        raise typer.Exit(3) from None


def _check_folder(path: Path) -> None:
    if path.is_dir():
        raise KullbackError(f"--save {path}: that is a folder. Give the name of a file in it.")
    if not path.parent.is_dir():
        raise KullbackError(f"--save {path}: there is no folder {path.parent}. Make it first.")


def keep_compiled_code() -> None:
    """Let JAX keep compiled code in the user's cache folder, in this process only.

    A folder that the user's JAX_COMPILATION_CACHE_DIR names is respected; where none can be written
    to, everything works without.
    """
    if not os.environ.get("JAX_COMPILATION_CACHE_DIR"):
        folder = cache_folder(os.environ, sys.platform)
        if folder is None:
            return
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError:
            return
        if not os.access(folder, os.W_OK | os.X_OK):
            return
        _configure("jax_compilation_cache_dir", str(folder))
    # left alone, JAX keeps only what took a second to compile, and these kernels take less
    _configure("jax_persistent_cache_min_compile_time_secs", 0.0)
    _configure("jax_persistent_cache_min_entry_size_bytes", -1)
    # a full disk or a damaged entry costs a compilation and no word
    warnings.filterwarnings("ignore", message=".*persistent compilation cache")


def _configure(name: str, value: str | float) -> None:
    jax.config.update(name, value)  # type: ignore[no-untyped-call]


def cache_folder(environment: Mapping[str, str], platform: str) -> Path | None:
    """Give the platform's folder for what may be computed again; None where there is no home.

    Args:
        environment: the environment variables.
        platform: as ``sys.platform`` names it.
    """
    with contextlib.suppress(RuntimeError):  # no home folder
        if platform == "win32":
            local = environment.get("LOCALAPPDATA")
            return Path(local or Path.home() / "AppData" / "Local") / "kullback" / "cache"
        if platform == "darwin":
            return Path.home() / "Library" / "Caches" / "kullback"
        chosen = Path(environment.get("XDG_CACHE_HOME", ""))  # relative ones are to be ignored
        return (chosen if chosen.is_absolute() else Path.home() / ".cache") / "kullback"
    return None


if __name__ == "__main__":
    main()
