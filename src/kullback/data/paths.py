"""Finding the files that a path, a glob pattern or a list of them stands for."""

from __future__ import annotations

import glob
import os

from kullback._core.errors import DataError, did_you_mean
from kullback.data.checks import and_more

# The endings of the files that can be read.
FILE_ENDINGS = (".csv", ".parquet", ".pq")

# How many names a message lists of a folder in which nothing was found.
SHOWN_NAMES = 5


def as_paths(data: object) -> list[str] | None:
    """The paths that were given, or None where the data are no paths.

    A list of text is a list of paths only if every text ends as a file's name does: it may also
    hold class labels.
    """
    if isinstance(data, (str, os.PathLike)):
        return [os.fspath(data)]
    if isinstance(data, (list, tuple)) and data:
        if all(isinstance(item, os.PathLike) for item in data):
            return [os.fspath(item) for item in data]
        if all(isinstance(item, str) and item.lower().endswith(FILE_ENDINGS) for item in data):
            return list(data)
    return None


def find_paths(given: list[str]) -> list[str]:
    """The files that paths and patterns stand for: those of one pattern sorted by name.

    Raises:
        DataError: there is no such file.
    """
    return [path for one in given for path in _find(os.path.expanduser(one))]


def describe_paths(given: list[str]) -> str:
    """What was given, for a report: the paths, cut off where there are many."""
    return and_more(given[:SHOWN_NAMES], len(given))


def _find(path: str) -> list[str]:
    if os.path.isdir(path):
        raise DataError(
            f"{path} is a folder; give the files in it as a pattern, such as "
            f'"{os.path.join(path, "*.parquet")}"'
        )
    if os.path.exists(path):
        return [path]
    if "://" in path:
        raise DataError(
            f"{path} is no file on this machine, and others are not read; fetch it first"
        )
    if glob.has_magic(path):
        # Sorted, because the order in which a file system lists its files is arbitrary.
        found = sorted(name for name in glob.glob(path, recursive=True) if os.path.isfile(name))
        if found:
            return found
        raise DataError(f'no file matches "{path}"{_looked_in(path)}')
    raise DataError(f'there is no file "{path}"{_looked_in(path)}')


def _looked_in(path: str) -> str:
    """Say which folder was looked in, and what is there."""
    folder = os.path.dirname(path)
    while glob.has_magic(folder):
        folder = os.path.dirname(folder)
    shown = os.path.abspath(folder or ".")
    if not os.path.isdir(shown):
        return f": there is no folder {shown}"
    names = sorted(os.listdir(shown))
    if not names:
        return f": the folder {shown} is empty"
    suggestion = did_you_mean(os.path.basename(path), names)
    return suggestion or f": in {shown} there are {and_more(names[:SHOWN_NAMES], len(names))}"
