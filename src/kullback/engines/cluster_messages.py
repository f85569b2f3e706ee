"""Messages between the client and the workers of a cluster: what is called, and what it answers."""

from __future__ import annotations

import io
import os
import pickle
import platform
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

from kullback._core.errors import FileFormatError, KullbackError
from kullback._core.machine import Machine, this_machine

# A pickled part of a sample, and the tables that the cluster holds for it.
Message: TypeAlias = tuple[bytes, list[Any]]

_HINT = "client and workers must see the same files under the same paths"


class UnsentError(Exception):
    """Something cannot be pickled, and so not be sent to workers."""


class Answer(NamedTuple):
    """The answer of a worker.

    Attributes:
        machine: what it computes with.
        value: what the function returned.
        error: what the user must hear, or None.
    """

    machine: Machine
    value: Any
    error: KullbackError | None

    def found(self) -> Any:
        """What the function returned.

        Raises:
            KullbackError: what the user must hear.
        """
        if self.error is not None:
            raise self.error
        return self.value


# ---- by the client -------------------------------------------------------------------------------


def dumps(value: Any) -> bytes:
    """Pickle anything, functions that a user defined at a prompt too.

    Raises:
        UnsentError: it cannot be pickled.
    """
    return _pickle(value, None)[0]


def part_message(part: Any, future: type) -> Message:
    """Pickle a part of a sample, and return the futures in it beside it: Dask must know of them.

    Args:
        part: the part.
        future: the class of futures.

    Raises:
        UnsentError: it cannot be pickled.
    """
    return _pickle(part, future)


def _pickle(value: Any, future: type | None) -> Message:
    import cloudpickle

    futures: list[Any] = []

    class Pickler(cloudpickle.Pickler):  # type: ignore[misc]  # has no types
        """Pickles all but futures."""

        def persistent_id(self, value: Any) -> int | None:
            if future is None or not isinstance(value, future):
                return None
            futures.append(value)
            return len(futures) - 1

    stream = io.BytesIO()
    try:
        Pickler(stream).dump(value)
    except (TypeError, AttributeError, pickle.PicklingError) as error:
        raise UnsentError(str(error)) from error
    return stream.getvalue(), futures


# ---- by a worker ---------------------------------------------------------------------------------


def answer(
    function: bytes,
    part: bytes,
    tables: Sequence[Any],
    fixed: Sequence[bytes],
    others: bytes,
    *heads: Answer,
) -> Answer:
    """Call a function with a part of a sample, on a worker.

    Args:
        function: the function, pickled.
        part: the part, likewise.
        tables: those that it holds.
        fixed: the next arguments, likewise: those that other calls have too.
        others: the next ones, likewise.
        heads: the last ones.

    Returns:
        What it returns, or the error about the data that it raises.
    """
    machine = this_machine()
    try:
        own = _WithTables(part, tables).load() if tables else _loaded(part)
        rest: tuple[Any, ...] = pickle.loads(others)  # from the client
        value = _loaded(function)(own, *map(_loaded, fixed), *rest, *heads)
    except KullbackError as error:
        return Answer(machine, None, _on_this_machine(error))
    return Answer(machine, value, None)


@lru_cache(maxsize=64)
def _loaded(message: bytes) -> Any:
    """Unpickle, once: two copies of a model would be compiled twice where a function is in it."""
    return pickle.loads(message)  # from the client


class _WithTables(pickle.Unpickler):
    """Unpickles a part, with tables of the cluster in their places."""

    def __init__(self, message: bytes, tables: Sequence[Any]) -> None:
        super().__init__(io.BytesIO(message))
        self._tables = tables

    def persistent_load(self, position: int) -> Any:
        """Return a table."""
        return self._tables[position]


def _on_this_machine(error: KullbackError) -> KullbackError:
    """Add to the error about a file where it cannot be read."""
    if isinstance(error, FileFormatError) and _HINT not in str(error):
        error.args = (f"{error} (on {platform.node()}, process {os.getpid()}: {_HINT})",)
    return error
