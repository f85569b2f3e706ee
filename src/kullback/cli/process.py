"""What every command needs of its process: output, errors in words, and the compilation cache."""

from __future__ import annotations

import contextlib
import math
import os
import re
import shlex
import sys
import traceback
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np
import typer

from kullback._core.errors import KullbackError


def write(text: str) -> None:
    """Print."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()  # here, where an error can still be told in words


def plain(value: Any) -> Any:
    """Turn arrays into lists, NaN into null and infinities into words, for JSON."""
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else "inf" if value > 0.0 else "-inf"
    return value


@contextlib.contextmanager
def errors_in_words() -> Iterator[None]:
    """Turn what may go wrong into a message and an exit code."""
    try:
        yield
    except KullbackError as error:
        typer.echo(f"error: {as_options(str(error))}", err=True)
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


def as_options(message: str) -> str:
    """Write what a message asks for in Python, such as ``missing="drop"``, as it is written here.

    Example:
        >>> as_options('Fill it in, or give missing="drop".')
        'Fill it in, or give --missing drop.'
    """
    return re.sub(
        r'\b(missing|y|weights)="([^"]*)"', lambda m: f"--{m[1]} {shlex.quote(m[2])}", message
    )


def check_folder(option: str, path: Path) -> None:
    """Refuse a file that cannot be written, before the work and not after it."""
    if path.is_dir():
        raise KullbackError(f"{option} {path}: that is a folder. Give the name of a file in it.")
    if not path.parent.is_dir():
        raise KullbackError(f"{option} {path}: there is no folder {path.parent}. Make it first.")


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
