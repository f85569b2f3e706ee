"""Temporary files with rows that can be read only once, such as those of standard input."""

from __future__ import annotations

import contextlib
import os
import platform
import re
import stat
import tempfile
import weakref
import zlib
from typing import final

from kullback._core.errors import KullbackError

# The files that exist, for a process that ends without cleaning up.
_PATHS: set[str] = set()


@final
class TemporaryFile(str):
    """The path of a new temporary file that its owner alone can read.

    The file is removed when nothing refers to this object any more, and at the latest when the
    process ends. Those of processes that were killed are removed when the next one is made.

    Args:
        shown: what messages call the file.
        ending: the end of its name.
        note: what descriptions of the source add.

    Raises:
        KullbackError: it cannot be made.
    """

    shown: str
    note: str

    def __new__(cls, shown: str, ending: str, note: str = "") -> TemporaryFile:
        """Make the file, empty."""
        machine = _machine()
        _remove_left_overs(machine)
        try:
            number, path = tempfile.mkstemp(
                ending, f"kullback-{machine}-{os.getpid()}-"
            )  # of mode 0600
        except OSError as error:
            raise cannot_write(shown, error) from None
        os.close(number)
        made = super().__new__(cls, path)
        made.shown, made.note = shown, note
        _PATHS.add(path)
        weakref.finalize(made, _remove, path, os.getpid())
        return made


def cannot_write(shown: str, error: OSError) -> KullbackError:
    """The error for a temporary file that could not be written."""
    return KullbackError(
        f"{shown} cannot be kept in a temporary file in {tempfile.gettempdir()}: "
        f"{error.strerror or error}. The environment variable TMPDIR names another folder."
    )


def remove_temporary_files() -> None:
    """Remove all of them, before the process ends at once."""
    for path in list(_PATHS):
        _remove(path, os.getpid())


def _remove(path: str, owner: int) -> None:
    if os.getpid() == owner:  # and not a process that was forked from it
        with contextlib.suppress(OSError):
            os.unlink(path)
        _PATHS.discard(path)


def _machine() -> str:
    """A name of what process numbers belong to: the machine, on Linux the container."""
    space = ""
    with contextlib.suppress(OSError):
        space = os.readlink("/proc/self/ns/pid")
    return f"{zlib.crc32(f'{platform.node()} {space}'.encode()):08x}"


def _remove_left_overs(machine: str) -> None:
    """Remove the files of this user whose process, on this machine, exists no more."""
    if os.name != "posix":
        return
    left = re.compile(rf"kullback-{machine}-([1-9]\d*)-[a-z0-9_]{{8}}(\.\w+)*")
    with contextlib.suppress(OSError), os.scandir(tempfile.gettempdir()) as entries:
        for entry in entries:
            match = left.fullmatch(entry.name)
            if match and not _exists(int(match[1])):
                with contextlib.suppress(OSError):
                    found = entry.stat(follow_symlinks=False)
                    if stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid():
                        os.unlink(entry.path)


def _exists(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # another user's
        return True
    return True
