"""Find the files that a path, a glob pattern or a list of them names."""

from __future__ import annotations

import glob
import os
from collections.abc import Sequence
from typing import Any, final

from kullback._core.errors import DataError, MissingFileError, did_you_mean
from kullback.data.checks import and_more
from kullback.data.separators import check_separator
from kullback.data.temporary import TemporaryFile


@final
class DataFiles(list[str]):
    """CSV or Parquet files as data, with the texts that mean a missing value, and the separator.

    In CSV files empty values, ``NA``, ``N/A``, ``n/a``, ``NaN``, ``nan``, ``NULL``, ``null`` and
    ``#N/A`` are missing without being named here; Parquet files mark missing values by themselves.

    Args:
        paths: a path, a pattern, or a list of them.
        missing_values: further texts that mean a missing value in CSV files, such as "?".
        separator: the character between the values of CSV files, such as ";" or "tab"; by default
            found from the first lines: a comma, a semicolon, a tab or a vertical bar.

    Raises:
        DataError: ``missing_values`` is not a list of texts, ``separator`` not a separator.

    Example:
        >>> import kullback as kl
        >>> files = kl.DataFiles("patients.csv", missing_values=["?"])
        >>> files, files.missing_values
        (['patients.csv'], ('?',))
    """

    def __init__(
        self,
        paths: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
        missing_values: Any = (),  # Any, so that all but texts is refused with a message
        separator: Any = None,
    ) -> None:
        several = [paths] if isinstance(paths, (str, os.PathLike)) else paths
        super().__init__(os.fspath(path) for path in several)
        texts = [missing_values] if isinstance(missing_values, str) else missing_values
        if not isinstance(texts, (list, tuple)) or not all(isinstance(t, str) for t in texts):
            raise DataError(f'missing_values must be texts, such as ["?"], got {missing_values!r}')
        self.missing_values = tuple(texts)
        self.separator = check_separator(separator)


# The endings of the files that can be read.
FILE_ENDINGS = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".parquet", ".pq")

# A message lists so many names of a folder in which no file matched.
SHOWN_NAMES = 5


def as_paths(data: object) -> list[str] | None:
    """The data as a list of paths, or None if the data are not paths.

    A list of text may also hold class labels: it is a list of paths only if every item has the
    ending of a data file.
    """
    if isinstance(data, DataFiles):
        return data
    if isinstance(data, (str, os.PathLike)):
        return [os.fspath(data)]
    if isinstance(data, (list, tuple)) and data:
        if all(isinstance(item, os.PathLike) for item in data):
            return [os.fspath(item) for item in data]
        if all(isinstance(item, str) and item.lower().endswith(FILE_ENDINGS) for item in data):
            return list(data)
    return None


def find_paths(paths: list[str]) -> list[str]:
    """The files that paths and patterns name: those of one pattern sorted by name.

    Raises:
        MissingFileError: a path or pattern names no file.
        DataError: a path is that of a folder or of the standard input, or a web address.
    """
    return [file for path in paths for file in _find(os.path.expanduser(path))]


def describe_paths(paths: list[str]) -> str:
    """The user's paths for a message, cut off if there are many."""
    return and_more([shown_path(path) for path in paths[:SHOWN_NAMES]], len(paths))


def shown_path(path: str) -> str:
    """A path for a message: of a temporary file, what its rows are."""
    return path.shown if isinstance(path, TemporaryFile) else path


def _find(path: str) -> list[str]:
    if os.path.isdir(path):
        raise DataError(
            f"{path} is a folder; give the files in it by a pattern, such as "
            f'"{os.path.join(path, "*.parquet")}"'
        )
    if os.path.exists(path):
        return [path]
    if path == "-":
        raise DataError(
            'the standard input ("-") cannot be read again, as a fit needs; write it to a file'
        )
    if "://" in path:
        raise DataError(f"{path} is not a file on this machine; download it first")
    if glob.has_magic(path):
        # Sorted, because the order in which a file system lists its files is arbitrary.
        files = sorted(name for name in glob.glob(path, recursive=True) if os.path.isfile(name))
        if files:
            return files
        raise MissingFileError(f'no file matches "{path}"{_folder_contents(path)}')
    raise MissingFileError(f'there is no file "{path}"{_folder_contents(path)}')


def _folder_contents(path: str) -> str:
    """The end of a message: the searched folder and the files in it, or the nearest name."""
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
