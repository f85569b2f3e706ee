"""The errors that Kullback raises for wrong input, and suggestions for unknown names."""

from __future__ import annotations

import difflib
import errno as _errno
from collections.abc import Iterable
from typing import Any

# The smallest similarity, as difflib measures it, at which a name is suggested: at difflib's own
# 0.6 "los" suggests "loss" and "wieght" suggests "weight", while "age" does not suggest "rate".
SIMILARITY = 0.6


class KullbackError(ValueError):
    """An input is wrong; the message quotes it, says where it stands and what would be right.

    The command line turns it into exit code 2 and prints the message without a traceback.

    Attributes:
        reason: a code for the cause, where code that catches the error depends on it.
    """

    def __init__(self, *message: object, reason: str = "") -> None:
        """Take the message."""
        super().__init__(*message)
        self.reason = reason


class DataError(KullbackError):
    """The rows, the weights or the requested columns are wrong."""


class ModelError(KullbackError):
    """The model is not valid, or does not fit the data."""


class FileFormatError(KullbackError):
    """A file cannot be read: it is cut off, damaged, empty, or of another format."""


class MissingFileError(FileFormatError, FileNotFoundError):
    """A file, or the folder that it belongs in, does not exist: also a ``FileNotFoundError``."""

    errno = _errno.ENOENT

    def __new__(cls, *args: Any, **_: Any) -> MissingFileError:
        """Make one of the class with memory of its own: unpickling calls it by this name."""
        return FileNotFoundError.__new__(cls, *args)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return the end of a message that suggests the known name nearest to a mistyped one.

    Args:
        name: the mistyped name.
        known: the valid names.

    Returns:
        A clause to append to a message, or an empty string where no valid name is near.

    >>> did_you_mean("los", ["loss", "age"])
    '; did you mean "loss"?'
    >>> did_you_mean("Loss", ["loss", "age"])
    '; did you mean "loss"?'
    >>> did_you_mean("region", ["loss", "age"])
    ''
    """
    near = nearest(name, known)
    return f'; did you mean "{near}"?' if near else ""


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name nearest to a mistyped one, ignoring case; None where none is near."""
    by_lower_case = {known_name.lower(): known_name for known_name in known}
    near = difflib.get_close_matches(name.lower(), by_lower_case, n=1, cutoff=SIMILARITY)
    return by_lower_case[near[0]] if near else None
