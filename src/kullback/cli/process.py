"""The process of a command: its output, its exit codes and messages, its compilation cache."""

from __future__ import annotations

import contextlib
import io
import json
import math
import os
import re
import shlex
import sys
import traceback
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import typer

import kullback
from kullback._core.cache_folder import cache_folder, made_private
from kullback._core.errors import KullbackError
from kullback._core.extras import need
from kullback._core.printable import printable

# Arguments of the library that are options of the same name here. Those with an underscore are
# recognised anywhere in a message, the others before "=" and before "must".
_COMPOUND = "weight_kind|learning_rate|weight_decay|label_smoothing|class_weight|held_out"
_SIMPLE = (
    "missing|separator|weights|unit|method|categorical|slices|depth|hidden|activation|dropout|normalization|members|"
    "epochs|batch|patience|calibration|checkpoint|seed|folds|groups|time|criterion|what|at|interval|level"
)
_ARGUMENT = re.compile(
    rf"""\b(?P<name>{_COMPOUND}|{_SIMPLE}|y(?==["']))="""
    r"""(?:"(?P<double>[^"]*)"|'(?P<single>[^']*)'|\((?P<tuple>[^)]*)\))?"""
)
_BARE = re.compile(rf"(?<![-\w])(?P<name>{_COMPOUND}|(?:{_SIMPLE}|y)(?= must))\b")


_PICTURES = (".png", ".svg", ".pdf")
_BETWEEN = '", "'
_MISSING_VALUES = re.compile(r"kl\.DataFiles\(paths, missing_values=\[(.*?)\]\)")
_SEPARATOR = re.compile(r'kl\.DataFiles\(paths, (separator=".*?")\)')
_REGRESSION = re.compile(
    r"kl\.Normal\(loc=kl\.MLP\(\), scale=kl\.MLP\(\)\)(, or NetworkRegressor in scikit-learn)?"
)


def write(text: str) -> None:
    """Print text, its control characters as escapes."""
    _write(printable(text, lines=True))


def write_json(document: Any) -> None:
    """Print a document as JSON, which has escapes of its own for control characters."""
    text = json.dumps(plain(document), indent=2, allow_nan=False)
    _write(text.replace("\x7f", "\\u007f"))  # the only one that json.dumps leaves as it is


def write_view(view: Any) -> None:
    """Print a renderable of rich in a terminal, control characters in its text as escapes."""
    from kullback.cli.console import console

    console().print(view)


def write_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table: laid out for the terminal, or in a pipe with aligned columns."""
    table = [[printable(cell) for cell in row] for row in (head, *rows)]
    if sys.stdout.isatty():  # rich takes a tenth of the start-up time; a pipe does without it
        from kullback.report.terminal import table_view

        write_view(table_view(table[0], table[1:]))
        return
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        write("  ".join(cells).rstrip())


def write_csv(columns: Mapping[str, Any], *, header: bool = True) -> None:
    """Print columns as CSV, control characters as escapes in a terminal only."""
    from kullback.data.writing import write_csv as write_rows

    if sys.stdout.isatty():
        text = io.BytesIO()
        write_rows(columns, text, header=header)
        write(text.getvalue().decode().rstrip("\n"))
        return
    sys.stdout.flush()
    write_rows(columns, sys.stdout.buffer, header=header)
    sys.stdout.flush()


def _write(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()  # here, where an error still becomes a message


def plain(value: Any) -> Any:
    """Turn arrays into lists, NaN into None and infinities into text, for JSON."""
    if hasattr(value, "tolist"):  # an array or a number of NumPy, which is not imported here
        value = value.tolist()
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else "inf" if value > 0.0 else "-inf"
    return value


@contextlib.contextmanager
def errors_as_messages() -> Iterator[None]:
    """Turn exceptions into a message and an exit code."""
    try:
        yield
    except typer.Exit:
        raise
    except KullbackError as error:
        typer.echo(f"error: {printable(as_options(str(error)), lines=True)}", err=True)
        raise typer.Exit(2) from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    except OSError as error:  # of the output: other ones are KullbackErrors
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # later writes cannot fail
        if isinstance(error, BrokenPipeError):  # the reader, such as head, has ended
            raise typer.Exit(141) from None  # as shells report that signal
        typer.echo(f"error: the output cannot be written: {error.strerror or error}.", err=True)
        raise typer.Exit(2) from None
    except Exception:
        typer.echo(printable(traceback.format_exc(), lines=True), nl=False, err=True)
        raise typer.Exit(3) from None


def as_options(message: str) -> str:
    """Write the Python arguments in a message, such as ``missing="drop"``, as options.

    Example:
        >>> as_options('Fill them in, or give missing="drop".')
        'Fill them in, or give --missing drop.'
        >>> as_options("hidden=(64, 0) or learning_rate=-1.0; batch must be at least 1.")
        '--hidden 64,0 or --learning-rate -1.0; --batch must be at least 1.'
    """

    def option(match: re.Match[str]) -> str:
        return "--" + match["name"].replace("_", "-")

    def with_value(match: re.Match[str]) -> str:
        items = match["tuple"]
        if items is not None:
            return f"{option(match)} {items.rstrip(',').replace(' ', '')}"
        text = match["double"] if match["single"] is None else match["single"]
        return f"{option(match)} {'' if text is None else shlex.quote(text)}"

    message = _MISSING_VALUES.sub(
        lambda match: f"--missing-values {shlex.quote(match[1].replace(_BETWEEN, ',')[1:-1])}",
        message,
    )
    message = _SEPARATOR.sub(lambda match: match[1], message)
    message = _REGRESSION.sub("--regression", message)
    return _BARE.sub(option, _ARGUMENT.sub(with_value, message)).replace("--at :", "--at:")


def check_folder(option: str, path: Path, *, figures: bool = False) -> None:
    """Refuse a file that cannot be written, before the work rather than after it.

    Args:
        option: that names the file.
        path: the file.
        figures: whether it is a picture, drawn by matplotlib.

    Raises:
        KullbackError: it is a folder, its folder does not exist, its name has not the ending of a
            picture, or matplotlib is not installed.
    """
    if figures:
        need("plot", "figures")
    if path.is_dir():
        raise KullbackError(f"{option} {path}: this is a folder. Give the name of a file in it.")
    if not path.parent.is_dir():
        raise KullbackError(f"{option} {path}: there is no folder {path.parent}. Create it first.")
    if figures and path.suffix.lower() not in _PICTURES:
        raise KullbackError(
            f"{option} {path}: the name of a picture must end in .png, .svg or .pdf, got "
            f'"{path.suffix}".'
        )


def check_page(option: str, path: Path, *, figures: bool = False) -> None:
    """Refuse a page that cannot be written, or would replace another file; see ``check_folder``."""
    from kullback.pages.page import check_page

    if figures:
        need("plot", "figures")
    check_folder(option, path)
    check_page(path)


def keep_compiled_code() -> None:
    """Let JAX keep compiled code in the user's cache folder, by what it reads when it is imported.

    The folder that the user's JAX_COMPILATION_CACHE_DIR names takes precedence. If no folder can be
    written to, code is compiled anew.
    """
    if not os.environ.get("JAX_COMPILATION_CACHE_DIR"):
        folder = cache_folder(os.environ, sys.platform)
        if folder is None or not made_private(folder):
            return
        # one for each version: a program that JAX had kept cannot be written to our own files
        kept = folder / f"jax-{kullback.__version__}"
        os.environ["JAX_COMPILATION_CACHE_DIR"] = str(kept)
    # by default JAX keeps only code that took a second to compile, and these kernels take less
    os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
    os.environ["JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES"] = "-1"
    # a full disk or a damaged entry costs only a compilation
    warnings.filterwarnings("ignore", message=".*persistent compilation cache")
