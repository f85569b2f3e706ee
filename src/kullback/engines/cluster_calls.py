"""Calls on the workers of a cluster, each made until it has a result."""

from __future__ import annotations

import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any, Protocol, final, runtime_checkable

from kullback._core.errors import KullbackError
from kullback.engines.cluster_tasks import Answer

# The reasons of errors about the cluster.
LOST, VERSIONS, NO_PACKAGE, DIED = "scheduler lost", "versions", "no package", "workers died"

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
        part: the part of the sample, pickled, and the tables in it.
        others: further arguments.
        tails: return futures of the last arguments, anew where they were lost.
    """

    what: str
    part: tuple[bytes, list[Any]]
    others: tuple[Any, ...] = ()
    tails: tuple[Callable[[], Any], ...] = ()


class GoneError(Exception):
    """A task has no result, because workers died or it was cancelled: it may be tried again."""


class UnsentError(Exception):
    """Something cannot be pickled, and so not be sent to workers."""


@runtime_checkable
class Cluster(Protocol):
    """What makes calls.

    Attributes:
        address: of the scheduler.
        patience: so many seconds are waited for a worker.
    """

    patience: float

    @property
    def address(self) -> str:
        """The scheduler's address."""

    def submit(self, call: Call, function: bytes, fixed: Sequence[Any], key: str) -> Any:
        """Make a call, and return its future."""

    def gather(self, futures: list[Any]) -> list[Any]:
        """Return the results of calls: answers, or the errors for which there are none."""

    def cancel(self, futures: list[Any]) -> None:
        """Cancel calls."""

    def value(self, answer: Answer) -> Any:
        """Return what a worker found, or raise what it says."""

    def check_alive(self) -> None:
        """Raise if the scheduler is lost."""

    def workers(self) -> int:
        """The number of workers."""


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
        self._open: dict[Any, tuple[int, Any]] = {}
        self._ready: SimpleQueue[Any] = SimpleQueue()
        self._deaths: Counter[int] = Counter()
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
        key = f"kullback-{call.what}-{self._name}-{i}-{self._deaths[i]}"
        future = self._cluster.submit(call, self._function, self._fixed(), key)
        self._open[key] = (i, future)
        future.add_done_callback(self._ready.put)

    def _ended(self) -> Iterator[tuple[int, Any]]:
        """Wait until calls end, and yield their results."""
        done = [self._wait()]
        while not self._ready.empty():
            done.append(self._ready.get())
        done = [future for future in done if future.key in self._open]
        for future, found in zip(done, self._cluster.gather(done), strict=True):
            if future.key not in self._open:  # after an error of a part before
                continue
            i, _ = self._open.pop(future.key)
            try:
                if isinstance(found, BaseException):
                    raise found
                value = self._cluster.value(found)
            except GoneError as why:
                self._again(i, str(why))
            except Exception as error:  # whatever a task raises
                self._fail(i, error)
            else:
                if not self._errors:
                    yield i, value

    def _again(self, i: int, why: str) -> None:
        self._cluster.check_alive()
        self._deaths[i] += 1
        if self._deaths[i] < _ROUNDS:
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
        alone_since = None
        while True:
            try:
                return self._ready.get(timeout=_LOOK)
            except Empty:
                self._cluster.check_alive()
            if self._cluster.workers():
                alone_since = None
            else:
                alone_since = alone_since or time.monotonic()
                self._check_patience(time.monotonic() - alone_since)

    def _check_patience(self, seconds: float) -> None:
        if seconds > self._cluster.patience:
            raise KullbackError(
                f"all workers of the scheduler at {self._cluster.address} are lost, and none came "
                f"in {self._cluster.patience:g} seconds: start new ones and fit again.",
                reason=LOST,
            )
