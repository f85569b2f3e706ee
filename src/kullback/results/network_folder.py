"""The folder of a saved network: what it holds, how it is read, and how it is replaced.

`model.json` names the file of the weights, whose name nobody else uses, and has its digest and one
of itself. The new weights are written first; replacing `model.json` then replaces the model, in one
step; last, the weights that the old `model.json` named are removed. A reader that finds them gone
reads again. A kill leaves the old model or the new one, and at worst a file of weights or a
temporary one too many, which the next save removes.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import stat
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from kullback._core.errors import KullbackError, MissingFileError, ModelError
from kullback._core.files import BLANK, read_file, real_path, replaced, seal_holds, sealed
from kullback.results.json_document import (
    Node,
    WrongError,
    check_version,
    parse_document,
    read_content,
)

FORMAT, VERSION = "kullback network", 3
JSON_FILE = "model.json"

# A table of a million levels and ten thousand epochs, and 260 million weights, stay below these.
_LARGEST_JSON, _LARGEST_WEIGHTS = 64 * 2**20, 2**30

_WEIGHTS = re.compile(r"weights-[0-9a-f]{16}-[0-9a-f]{8}\.safetensors")
# A temporary file that was not written to for so many seconds is nobody's.
_ABANDONED = 3600.0
# What a save that was killed may leave; a folder with nothing else may be saved to.
_LEFT_OVER = re.compile(rf"{_WEIGHTS.pattern}|\.kullback-[0-9a-f]{{16}}\.tmp")


def read_network(folder: str) -> tuple[Node, bytes]:
    """Read a folder that ``write_network`` wrote.

    Returns:
        The document and the content of the file of weights; neither was altered.

    Raises:
        WrongError: for another folder, with the reason.
    """
    while True:
        content, document = _document(folder)
        _check_format(document)
        name = document["weights"]["file"].text()
        if not _WEIGHTS.fullmatch(name):
            raise document["weights"]["file"].wrong("needs the name of a file of weights")
        if not seal_holds(content, document["sha256"].text()):
            raise WrongError(f"{JSON_FILE} was altered: its digest differs.")
        try:
            weights = read_file(os.path.join(folder, name), _LARGEST_WEIGHTS, "saved network")
        except FileNotFoundError:
            if _document(folder)[0] != content:
                continue  # a newer model has taken the place of this one
            raise WrongError(f"{name} is missing.") from None
        except OSError as error:
            raise WrongError(f"{name}: {error.strerror or error}.") from None
        if hashlib.sha256(weights).hexdigest() != document["weights"]["sha256"].text():
            raise WrongError(f"{name} was altered, or belongs to another {JSON_FILE}.")
        return document, weights


def write_network(
    folder: str | os.PathLike[str], document: Mapping[str, Any], weights: bytes
) -> None:
    """Write a model into a new or empty folder, or in the place of one that this library wrote.

    Args:
        folder: its path.
        document: everything but the weights.
        weights: the content of their file.

    Raises:
        ModelError: for a model too large to be read again.
        KullbackError: the folder holds something else, or cannot be written.
    """
    shown = os.fspath(folder)
    digest = hashlib.sha256(weights).hexdigest()
    name = f"weights-{digest[:16]}-{secrets.token_hex(4)}.safetensors"
    own = {"sha256": BLANK, "format": FORMAT, "version": VERSION}
    whole = {**own, "weights": {"file": name, "sha256": digest}, **document}
    content = sealed(json.dumps(whole, allow_nan=False, indent=1).encode())
    if len(content) > _LARGEST_JSON or len(weights) > _LARGEST_WEIGHTS:
        raise ModelError(
            f"the model takes {len(content):,} bytes and its weights {len(weights):,}; a saved "
            f"network may take {_LARGEST_JSON:,} and {_LARGEST_WEIGHTS:,}."
        )
    target, made = real_path(folder, shown), False
    try:
        made = not target.exists()
        if made:
            target.mkdir(exist_ok=True)  # another writer may have made it by now
        _write(target, content, name, weights, shown)
    except OSError as error:
        kind = MissingFileError if isinstance(error, FileNotFoundError) else KullbackError
        raise kind(f"{shown} cannot be written: {error.strerror or error}.") from None
    finally:
        with suppress(OSError, KullbackError):
            if _weights_of(_previous(target, shown))[0] != name:
                (target / name).unlink(missing_ok=True)
            if made:
                target.rmdir()  # where it is empty


def _write(target: Path, content: bytes, name: str, weights: bytes, shown: str) -> None:
    _previous(target, shown)  # raises for what is not a folder, which cannot be locked
    with _alone(target) as alone:
        previous = _previous(target, shown)
        old, digest = _weights_of(previous)
        with replaced(target / name, shown, like=target / old if old else None) as file:
            file.write(weights)
        with replaced(target / JSON_FILE, shown) as file:
            file.write(content)
        _remove_weights(target, old, digest)
        if alone:  # no other writer needs what else is there
            _remove_left_overs(target, name)


def _previous(target: Path, shown: str) -> Node | None:
    """The document in the folder, of any version; None in a folder without one.

    Raises:
        KullbackError: the folder holds something that this library did not write.
    """
    kept = "it is kept. Give another folder."
    if not target.is_dir():
        raise KullbackError(f"{shown} exists and is not a folder: {kept}")
    names = sorted(os.listdir(target))
    if JSON_FILE not in names:
        foreign = [name for name in names if not _LEFT_OVER.fullmatch(name)]
        if foreign:
            raise KullbackError(
                f"{shown} exists and does not hold a saved network, but {foreign[0]!r}: {kept}"
            )
        return None
    try:
        _, document = _document(str(target))
        if document["format"].text() != FORMAT:
            raise document["format"].wrong(f"needs {FORMAT!r}")
    except WrongError as wrong:
        raise KullbackError(
            f"{shown} exists and does not hold a saved network ({wrong}): {kept}"
        ) from None
    return document


def _weights_of(document: Node | None) -> tuple[str, str]:
    """The name and the digest of a document's file of weights; empty where it has none."""
    with suppress(WrongError):
        if document is not None and "weights" in document.entries():
            name, digest = (document["weights"][key].text() for key in ("file", "sha256"))
            return (name, digest) if _WEIGHTS.fullmatch(name) else ("", "")
        if document is not None:  # version 2 and older
            return "weights.safetensors", document["sha256"].text()
    return "", ""


def _remove_weights(target: Path, name: str, digest: str) -> None:
    """Remove a file of weights, if the digest of its content begins so: this library wrote it."""
    path = target / name
    with suppress(OSError):
        if name and stat.S_ISREG(os.lstat(path).st_mode):
            with open(path, "rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
            if digest and found.startswith(digest):
                path.unlink()


def _remove_left_overs(target: Path, name: str) -> None:
    """Remove what saves that were killed left behind: known by their names and content.

    Args:
        target: the folder.
        name: the file of weights that the model uses.
    """
    with suppress(OSError):
        for other in os.listdir(target):
            path = target / other
            if other != name and _WEIGHTS.fullmatch(other):
                begin = other.split("-")[1]  # of the digest of the content
                _remove_weights(target, other, begin)
            elif _LEFT_OVER.fullmatch(other) and not _WEIGHTS.fullmatch(other):
                state = os.lstat(path)
                # a file that another process writes beside the model is younger
                if stat.S_ISREG(state.st_mode) and time.time() - state.st_mtime > _ABANDONED:
                    path.unlink()


@contextmanager
def _alone(target: Path) -> Iterator[bool]:
    """Wait for other writers of the folder; a lock ends with its process.

    Yields:
        Whether no other writer is at work; False where the system has no locks.
    """
    try:
        import fcntl
    except ImportError:  # Windows: two writers at once may leave a file of weights too many
        yield False
        return
    descriptor, locked = os.open(target, os.O_RDONLY), False
    try:
        with suppress(OSError):  # some network file systems lack locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            locked = True
        yield locked
    finally:
        os.close(descriptor)


def _document(folder: str) -> tuple[bytes, Node]:
    """The content of the JSON file, and its document."""
    try:
        content = read_content(os.path.join(folder, JSON_FILE), _LARGEST_JSON, "saved network")
        return content, parse_document(content)
    except WrongError as wrong:
        raise type(wrong)(f"{JSON_FILE}: {wrong}") from None


def _check_format(document: Node) -> None:
    if document["format"].text() != FORMAT:
        raise document["format"].wrong(f"needs {FORMAT!r}")
    check_version(document, VERSION, "Train the network again and save it.")
