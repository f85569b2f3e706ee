"""A file of columns: what all kinds of files share."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pyarrow as pa

from kullback._core.errors import FileFormatError, MissingFileError
from kullback.data.arrow import content_of
from kullback.data.paths import shown_path
from kullback.data.stream import Part
from kullback.data.temporary import TemporaryFile


class File(ABC):
    """A file of columns.

    Attributes:
        path: its path.
        shown: what messages call it.
        note: what a description of it adds; empty for most.
        names: its columns, in their order.
        groups: its number of row groups; zero for a kind of file without row groups.
        separator: the character between values; a comma for a kind of file without separators.
    """

    groups: int = 0
    separator: str = ","

    def __init__(
        self, path: str, missing_values: tuple[str, ...] = (), separator: str | None = None
    ) -> None:
        self.path = path
        self.shown = shown_path(path)
        self.note = path.note if isinstance(path, TemporaryFile) else ""
        self._missing_values = missing_values
        self._separator = separator
        self._state = _state(path)
        if self._state[0] == 0:
            raise FileFormatError(f"{self.shown} is empty (0 bytes)")
        self._types = self._find_types()
        self.names = [name for name, _ in self._types]
        self._type_of = dict(self._types)

    @abstractmethod
    def _find_types(self) -> list[tuple[str, Any]]:
        """The file's columns and their Arrow types."""

    @abstractmethod
    def size(self, names: tuple[str, ...]) -> int:
        """The approximate size of columns in memory, in bytes."""

    @property
    def group_rows(self) -> list[int] | None:
        """The number of rows of each row group; None for a kind of file without row groups."""
        return None

    def only(self, groups: Sequence[int]) -> File:
        """The file with some of its row groups, for another process."""
        raise NotImplementedError

    @abstractmethod
    def parts(
        self, names: tuple[str, ...], text: frozenset[str], coded: frozenset[str]
    ) -> Generator[Part, None, None]:
        """Read columns once; see ``PartSource``."""

    def content(self, name: str) -> str:
        """The declared content of a column: numbers, text, dates or times, ..."""
        return content_of(self._type_of[name])

    def check_unchanged(self) -> None:
        """Refuse a file that has changed since it was opened: its rows would be of two versions."""
        if _state(self.path) != self._state:
            raise FileFormatError(
                f"{self.shown} has changed since it was opened; start again when it is complete"
            )


class ConversionError(FileFormatError):
    """A value of a CSV file is not of the type of its column."""


@contextmanager
def readable(where: str, kind: str) -> Iterator[None]:
    """Turn the errors of pyarrow for a damaged file into one that names the file."""
    try:
        yield
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        reason = [*str(error).strip().splitlines(), type(error).__name__][0]
        reason = reason.split(". ")[0].rstrip(".")
        if "UTF8" in reason or isinstance(error, UnicodeDecodeError):
            raise FileFormatError(
                f"{where} cannot be read as {kind}: it is not in UTF-8 ({reason}). "
                "Save it in UTF-8."
            ) from error
        if "conversion error" in reason:
            raise ConversionError(f"{where} cannot be read as {kind}: {reason}") from error
        raise FileFormatError(
            f"{where} cannot be read as {kind}: {reason}. The file is damaged, truncated or of "
            "another kind; write it again or leave it out."
        ) from error


def _state(path: str) -> tuple[int, int]:
    """A file's size and the time of its last change."""
    try:
        state = os.stat(path)
    except OSError as error:
        gone = isinstance(error, FileNotFoundError)
        kind = MissingFileError if gone else FileFormatError
        raise kind(f"{path} cannot be read: {error.strerror}") from error
    return state.st_size, state.st_mtime_ns
