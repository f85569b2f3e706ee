"""Calls on the workers of a cluster, each made until it has a result."""

from __future__ import annotations

import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, Protocol, TypeVar, final, runtime_checkable

from kullback._core.errors import KullbackError
from kullback.engines.cluster_messages import Message

T = TypeVar("T")

# The reasons of errors about the cluster.
LOST, VERSIONS, NO_MODULE, DIED = "scheduler lost", "versions", "no module", "workers died"

# Workers that die one after the other with the same task condemn it, `allowed-failures` + 1 of them
# at a time (4 by default): after so many rounds it is the task that kills them.
_ROUNDS = 3

# Seconds between looks at whether the cluster is still there, while no task ends.
_LOOK = 2.0


@final
@dataclass(frozen=True, eq=False)
class Call:
    """A call on a worker.

    Attributes:
        what: what it does, for the names of tasks and messages.
        part: the part of the sample.
        others: further arguments.
        heads: return futures of the last arguments, anew where they were lost.
    """

    what: str
    part: Message
    others: tuple[Any, ...] = ()
    heads: tuple[Callable[[], Any], ...] = ()


class GoneError(Exception):
    """A task has no result, because workers died or it was cancelled: it may be tried again."""


@runtime_checkable
class Cluster(Protocol):
    """What makes calls."""

    def submit(self, call: Call, function: bytes, fixed: Sequence[Any], key: str) -> Any:
        """Make a call, and return its future."""

    def gather(self, futures: list[Any]) -> list[Any]:
        """Return what calls returned, or the errors for which they have no result."""

    def cancel(self, futures: list[Any]) -> None:
        """Cancel calls."""

    def check_alive(self) -> None:
        """Raise if the scheduler is lost."""

    def check_workers(self, seconds: float) -> bool:
        """Whether there are workers.

        Args:
            seconds: since when there have been none, as far as is known.

        Raises:
            KullbackError: that is longer than the user wants to wait, or the scheduler is lost.
        """


@final
class Run:
    """A function called with several parts of a sample.

    Args:
        cluster: makes the calls.
        function: the function, pickled.
        calls: the parts and the other arguments.
        fixed: returns the arguments that all calls have.
    """

    def __init__(
        self,
        cluster: Cluster,
        function: bytes,
        calls: Sequence[Call],
        fixed: Callable[[], list[Any]],
    ) -> None:
        self._cluster, self._function, self._calls, self._fixed = cluster, function, calls, fixed
        self._name = uuid.uuid4().hex
        self._open: dict[str, tuple[int, Any]] = {}
        self._ready: SimpleQueue[Any] = SimpleQueue()
        self._rounds: Counter[int] = Counter()
        self._errors: dict[int, BaseException] = {}

    def results(self) -> Iterator[tuple[int, Any]]:
        """Yield the position of each call with its result, as they come.

        Raises:
            KullbackError: of several errors that of the first part, whichever came first.
        """
        try:
            for i in range(len(self._calls)):
                self._submit(i)
            while self._open:
                yield from self._ended()
            if self._errors:
                raise self._errors[min(self._errors)]
        finally:
            self._cancel(-1)

    def _submit(self, i: int) -> None:
        call = self._calls[i]
        key = f"kullback-{call.what}-{self._name}-{i}-{self._rounds[i]}"
        future = self._cluster.submit(call, self._function, self._fixed(), key)
        self._open[key] = (i, future)
        future.add_done_callback(self._ready.put)

    def _ended(self) -> Iterator[tuple[int, Any]]:
        """Wait until calls end, and yield their results."""
        done = [self._wait()]
        while not self._ready.empty():
            done.append(self._ready.get())
        done = [future for future in done if future.key in self._open]  # the others were cancelled
        for future, found in zip(done, self._cluster.gather(done), strict=True):
            if future.key not in self._open:  # after an error of a part before
                continue
            i, _ = self._open.pop(future.key)
            try:
                if isinstance(found, BaseException):
                    raise found
            except GoneError as why:
                self._again(i, str(why))
            except Exception as error:  # whatever a task raises
                self._fail(i, error)
            else:
                if not self._errors:
                    yield i, found

    def _again(self, i: int, why: str) -> None:
        self._cluster.check_alive()
        self._rounds[i] += 1
        if self._rounds[i] < _ROUNDS:
            self._submit(i)
            return
        text = (
            f"a task ({self._calls[i].what}, part {i} of {len(self._calls)}) failed {_ROUNDS} "
            f"times: {why} If workers lack memory, give them more, or let each run fewer threads."
        )
        self._fail(i, KullbackError(text, reason=DIED))

    def _fail(self, i: int, error: BaseException) -> None:
        self._errors[i] = error
        self._cancel(i)

    def _cancel(self, after: int) -> None:
        """Cancel the open calls with the parts after one."""
        later = [key for key, (i, _) in self._open.items() if i > after]
        self._cluster.cancel([self._open.pop(key)[1] for key in later])

    def _wait(self) -> Any:
        """Wait for a call to end, as long as there is a cluster."""
        served = time.monotonic()
        while True:
            try:
                return self._ready.get(timeout=_LOOK)
            except Empty:
                now = time.monotonic()
            if self._cluster.check_workers(now - served):
                served = now


def within(seconds: float, function: Callable[[], T]) -> T:
    """Call a function in a thread of its own, and return its result if it comes in time.

    Raises:
        TimeoutError: it does not.
    """
    ended: SimpleQueue[tuple[Any, BaseException | None]] = SimpleQueue()

    def call() -> None:
        try:
            ended.put((function(), None))
        except Exception as error:  # raised again by the caller
            ended.put((None, error))

    Thread(target=call, daemon=True).start()
    try:
        found, error = ended.get(timeout=seconds)
    except Empty:
        raise TimeoutError(f"nothing intelligible came in {seconds:g} seconds") from None
    if error is not None:
        raise error
    result: T = found
    return result
