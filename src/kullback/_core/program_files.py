"""Compiled programs in files, so that a later process neither traces, lowers nor compiles them.

A file holds machine code. It is read only from a folder that no other user can write to, and only
if its checksum is right; a damaged file, or one of another version, is compiled and written again.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import jax
from jax.experimental import serialize_executable

from kullback._core.cache_folder import cache_folder, made_private

# The files together take at most this much; those that were not used for longest are removed. A
# program takes 0.1 to 0.2 MB, all programs of the 31 families and their functions some 30 MB.
_MOST_BYTES = 256 << 20

# Looking for files to remove takes a while where there are many: once in so many new files.
_BETWEEN = 64

_MARK = b"kullback program 1\n"
_SUFFIX = ".program"


class ProgramFiles:
    """The programs in a folder, by name.

    Attributes:
        written: number of programs that this process has written.
    """

    def __init__(self) -> None:
        """Start without a folder: it is looked up at every use."""
        self.written = 0

    @property
    def folder(self) -> Path | None:
        """The folder of the programs; None where there is none to write to."""
        caches = cache_folder(os.environ, sys.platform)
        folder = None if caches is None else caches / "programs"
        return folder if folder is not None and made_private(folder) else None

    def load(self, folder: Path, name: str, arguments: tuple[Any, ...]) -> Any:
        """Return a program, ready to be called with such arguments; None where there is none."""
        path = folder / f"{name}{_SUFFIX}"
        try:
            content = path.read_bytes()
        except OSError:
            return None
        head = len(_MARK) + hashlib.sha256().digest_size
        body = content[head:]
        if content[:head] != _MARK + hashlib.sha256(body).digest():
            return None
        try:
            program = _loaded(body, arguments)
        except Exception:  # whatever is wrong with it, it can be compiled
            return None
        with contextlib.suppress(OSError):
            os.utime(path)  # it was used now
        return program

    def store(self, folder: Path, name: str, program: Any, arguments: tuple[Any, ...]) -> None:
        """Write a program, or nothing where it or the folder does not allow that."""
        try:
            code, _, results = serialize_executable.serialize(program)
            tree = results.serialize_using_proto()
            body = len(tree).to_bytes(4, "big") + tree + code
            # JAX does not notice that it cannot write a program that came from its own cache: the
            # functions are missing, and only running it shows that
            for result in jax.tree.leaves(_loaded(body, arguments)(*arguments)):
                result.block_until_ready()
        except Exception:  # JAX cannot write every program
            return
        with contextlib.suppress(OSError):  # a full disk costs only a compilation
            number, part = tempfile.mkstemp(dir=folder, suffix=".part")
            try:
                with os.fdopen(number, "wb") as file:
                    file.write(_MARK + hashlib.sha256(body).digest() + body)
                os.replace(part, folder / f"{name}{_SUFFIX}")
            except BaseException:
                os.unlink(part)
                raise
            if self.written % _BETWEEN == 0:
                keep_newest(folder, _MOST_BYTES)
            self.written += 1


def _loaded(body: bytes, arguments: tuple[Any, ...]) -> Any:
    """Make a program of the content of a file."""
    size = int.from_bytes(body[:4], "big")
    results = jax.tree_util.PyTreeDef.deserialize_using_proto(
        jax.tree_util.default_registry, body[4 : 4 + size]
    )
    return serialize_executable.deserialize_and_load(
        body[4 + size :],
        jax.tree.structure((arguments, {})),
        results,
        execution_devices=jax.devices()[:1],
    )


def keep_newest(folder: Path, most: int) -> None:
    """Remove the programs that were not used for longest until all take at most ``most`` bytes."""
    found = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith((_SUFFIX, ".part")):
                with contextlib.suppress(FileNotFoundError):  # another process removed it
                    state = entry.stat()
                    found.append((state.st_mtime_ns, state.st_size, entry.path))
    excess = sum(size for _, size, _ in found) - most
    for _, size, path in sorted(found):
        if excess <= 0:
            return
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        excess -= size
