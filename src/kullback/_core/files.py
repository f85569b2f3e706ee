"""Files: read up to a size, replaced whole or not at all, and sealed with a digest."""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from kullback._core.errors import KullbackError, MissingFileError

# A sealed file holds the SHA-256 of its own content with this text in the digest's place.
BLANK = "0" * 64


def read_file(path: str | os.PathLike[str], most: int, what: str) -> bytes:
    """Read a regular file.

    Args:
        path: the file.
        most: bytes; a larger file is not read, as it could fill the memory.
        what: the kind of file, for the message about its size.

    Raises:
        OSError: it cannot be read, is not a regular file (a pipe may be endless), or is too large.
    """
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise OSError(errno.EINVAL, "it is not a regular file")
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        content = file.read(size + 1) if size <= most else b""  # read() makes room for all it may
    if max(size, len(content)) > most:
        raise OSError(errno.EFBIG, f"it is larger than any {what} ({most:,} bytes)")
    return content


@contextmanager
def replaced(
    path: str | os.PathLike[str], name: str, like: str | os.PathLike[str] | None = None
) -> Iterator[BinaryIO]:
    """Open a new file that takes an old one's place once it is complete, and keeps its mode.

    The new file is on the disk before the old one goes, so that every reader finds one of the two
    whole, also after a kill or a power cut.

    Args:
        path: the file.
        name: its name for messages.
        like: the file whose mode is kept; None for ``path``.

    Raises:
        MissingFileError: its folder does not exist.
        KullbackError: it cannot be written, or is not a regular file.
    """
    part = None
    try:
        target = real_path(path, name)
        mode = _mode(target)
        mode = mode if like is None else _mode(Path(like))
        part = target.with_name(f".kullback-{secrets.token_hex(8)}.tmp")
        with open(part, "xb") as file:
            if mode is not None:
                os.chmod(part, mode)
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, target)
        sync_folder(target.parent)
    except OSError as error:
        kind = MissingFileError if isinstance(error, FileNotFoundError) else KullbackError
        raise kind(f"{name} cannot be written: {error.strerror or error}.") from None
    finally:
        if part is not None:
            with suppress(OSError):  # it has taken its place, or the disk is read-only
                os.unlink(part)


def real_path(path: str | os.PathLike[str], name: str) -> Path:
    """Return a path without symbolic links.

    Raises:
        KullbackError: the path holds a zero byte.
    """
    try:
        return Path(os.path.realpath(path))
    except ValueError as error:
        raise KullbackError(f"{name!r} is not a path: {error}.") from None


def _mode(path: Path) -> int | None:
    """The permissions of a regular file; None where there is none."""
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "it is not a regular file")
    return stat.S_IMODE(mode)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder outlast a power cut, on systems where a folder can be synced."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def sealed(content: bytes) -> bytes:
    """Return content that has ``BLANK`` once, with its SHA-256 in that place."""
    return content.replace(BLANK.encode(), hashlib.sha256(content).hexdigest().encode(), 1)


def seal_holds(content: bytes, digest: str) -> bool:
    """Whether every byte of the content is as ``sealed`` returned it.

    Args:
        content: the whole file.
        digest: the one that it holds.
    """
    blank = content.replace(digest.encode(errors="replace"), BLANK.encode(), 1)
    return hashlib.sha256(blank).hexdigest() == digest
