"""The engine of a Dask cluster, whose workers evaluate the blocks: all that knows Dask is here."""

from __future__ import annotations

import contextlib
import io
import pickle
import uuid
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar, final

from kullback._core.errors import DataError, KullbackError
from kullback._core.extras import need
from kullback._core.machine import this_machine
from kullback.data.sample import Cut, RowSource
from kullback.data.stream import PartSource, TableSource
from kullback.engines import cluster_tasks as tasks
from kullback.engines.choice import engine_for
from kullback.engines.cluster import ClusterEngine, Plan
from kullback.engines.cluster_calls import (
    LOST,
    NO_PACKAGE,
    VERSIONS,
    Call,
    GoneError,
    Run,
    UnsentError,
)
from kullback.engines.cluster_frames import FrameSource
from kullback.engines.engine import Engine

T = TypeVar("T")

# Rows in a task. A task costs the client, the scheduler and the worker 2 ms together, and a pass of
# a cheap model takes a worker 10 ns a row: a million rows are 10 ms, eight million 80 ms. So many
# tasks for each thread, if there are so many rows, keep all of them busy to the end of a pass.
_LEAST_ROWS, _MOST_ROWS, _TASKS_A_THREAD = 1 << 19, 1 << 23, 4

# A larger statistic is sent to the cluster once in a pass rather than with each task.
_LARGE = 1 << 16

# A larger statistic is sent to the cluster once in a pass rather than with each task.
_LARGE = 1 << 16

# Workers that die one after the other with the same task condemn it, `allowed-failures` + 1 of them
# at a time (4 by default): after so many rounds it is the task that kills them.
_ROUNDS = 3

# So many samples are remembered, with the heads of their parts: a pass that learns the knots of a
# formula and those of the fit have one in common.
_PLANS = 8


@final
class DaskEngine:
    """Adds up statistics on a Dask cluster, with the same bits as the other engines.

    An engine for ``kl.fit``, ``kl.compare`` and the functions that score rows. The data are Parquet
    files that the client and all workers see under the same paths, or a ``dask.dataframe``. The
    workers read them at every pass, in bounded memory; only sums and the rows of blocks that two
    workers share travel. Rows that the client holds in memory are added up by the client.

    Args:
        client: a ``distributed.Client``, the address of a scheduler such as "tcp://10.0.0.1:8786",
            or a cluster; by default the client that was made last.
        rows_per_task: how many rows a worker adds up in one task; by default about a quarter of its
            share, between half a million and eight million. It changes no bit of the result.
        patience: so many seconds are waited for a first worker, or for another one when all are
            lost.

    Raises:
        KullbackError: Dask is not installed, or there is no scheduler.

    Example:
        >>> import kullback as kl
        >>> from distributed import LocalCluster
        >>> loss = [0.2, 1.1, 0.7, 2.9, 0.4]
        >>> with LocalCluster(n_workers=1, processes=False, dashboard_address=":0") as cluster:
        ...     fit = kl.fit(kl.Gamma(), loss, engine=kl.DaskEngine(cluster))
        >>> fit == kl.fit(kl.Gamma(), loss)  # so it is for "losses/*.parquet" on many machines
        True
    """

    def __init__(
        self, client: Any = None, rows_per_task: int | None = None, patience: float = 60.0
    ) -> None:
        if rows_per_task is not None and rows_per_task < 1:
            raise DataError(f"rows_per_task must be at least 1, got {rows_per_task}.")
        self._client = _client_of(client)
        self.patience = patience
        self._rows = rows_per_task
        self._plans: dict[RowSource, Plan] = {}
        self.instructions: set[str] = set()

    def __call__(self, sample: RowSource) -> Engine:
        """Return an engine for a sample; the client's own where it holds the rows."""
        if sample in self._plans:
            return ClusterEngine(self._plans[sample])
        parts = None if sample.in_memory else sample.split(self._cut())
        if parts is None:
            return engine_for(sample)
        plan = Plan(self, sample, parts)
        self._plans = dict([*self._plans.items()][1 - _PLANS :]) | {sample: plan}
        return ClusterEngine(plan)

    # ---- data that workers read ----------------------------------------------------------------

    def source(self, data: Any) -> TableSource | None:
        """Return a ``dask.dataframe`` as a source of columns; None for other data."""
        if type(data).__module__.partition(".")[0] not in ("dask", "dask_expr"):
            return None
        frame = data.to_frame() if hasattr(data, "to_frame") else data
        if not hasattr(frame, "to_delayed") or not hasattr(frame, "columns"):
            raise DataError(
                f"a dask {type(data).__name__} cannot be fitted: give a dask.dataframe, or the "
                "Parquet files."
            )
        futures: list[Any] = self._client.compute(frame.to_delayed())
        calls = [Call("rows", _pickled(future)) for future in futures]
        rows = dict(self.run(len, calls))
        types = {str(name): str(kind) for name, kind in frame.dtypes.items()}
        return FrameSource(futures, [rows[i] for i in range(len(futures))], types)

    def pieces(self, source: PartSource) -> list[PartSource]:
        """Part a source among the workers.

        Raises:
            DataError: it cannot be parted.
        """
        pieces = source.split(self._cut())
        if pieces is None:
            raise DataError(
                f"{source.describe()}: workers share out the row groups of Parquet files, which "
                "these have not. Write them as Parquet, or give dask.dataframe.read_csv(...) as "
                "the data."
            )
        return [piece.source for piece in pieces]

    def each(self, function: Callable[[Any], T], sources: Sequence[PartSource]) -> list[T]:
        """Call a function with each source on the workers; return the results in their order."""
        calls = [Call("levels", _pickled(source)) for source in sources]
        found = dict(self.run(function, calls))
        return [found[i] for i in range(len(calls))]

    def _cut(self) -> Cut:
        if self._rows is not None:
            return Cut(self._rows, self._rows, 1)
        self._wait()
        threads = sum(self._client.nthreads().values())
        return Cut(_LEAST_ROWS, _MOST_ROWS, max(threads, 1) * _TASKS_A_THREAD)

    # ---- calls on workers ------------------------------------------------------------------------

    def run(self, function: Any, calls: Sequence[Call], *fixed: Any) -> Iterator[tuple[int, Any]]:
        """Call a function on the workers, and yield the position of each call with its result.

        The scheduler repeats a call whose worker dies, and so does this where all futures were
        cancelled (``client.restart``); the result of each call is yielded once.

        Args:
            function: the function.
            calls: the parts that it is called with, with their own arguments.
            fixed: the first arguments after the part, the same for all calls.

        Raises:
            KullbackError: what a worker says about the data: of several, that of the first part;
                or the cluster was lost.
        """
        self._wait()
        shared = self._shared([_dumps(value) for value in fixed])
        return Run(self, _dumps(function), calls, shared).results()

    def start(self, function: Any, call: Call) -> Any:
        """Call a function once, and return the future."""
        return self.submit(call, _dumps(function), (), f"kullback-{call.what}-{uuid.uuid4().hex}")

    def submit(self, call: Call, function: bytes, fixed: Sequence[Any], key: str) -> Any:
        """Send one call to the cluster."""
        message, frames = call.part
        heads = [tail() for tail in call.tails]
        others = _dumps(call.others)
        try:
            return self._client.submit(
                _ANSWER,
                function,
                message,
                frames,
                list(fixed),
                others,
                *heads,
                key=key,
                pure=False,
            )
        except (RuntimeError, OSError) as error:  # the client was closed
            self.check_alive()
            raise KullbackError(f"the cluster takes no task: {error}", reason=LOST) from error

    def pickled(self, part: Any) -> tuple[bytes, list[Any]]:
        """Pickle a part of a sample, and return the futures in it beside it."""
        return _pickled(part)

    def gather(self, futures: list[Any]) -> list[Any]:
        """Return the results of calls: answers, or the errors for which there are none."""
        if all(future.status == "finished" for future in futures):
            with contextlib.suppress(Exception):  # one of them was lost since: each for itself
                found: list[Any] = self._client.gather(futures)
                return found
        return [_result(future) for future in futures]

    def _shared(self, fixed: list[bytes]) -> Callable[[], list[Any]]:
        """Return the arguments that all calls have, or futures of them if they are large."""
        held: dict[int, Any] = {}

        def shared() -> list[Any]:
            for i, message in enumerate(fixed):
                if len(message) > _LARGE and (i not in held or held[i].cancelled()):
                    held[i] = self._client.submit(bytes, message, pure=False)
            return [held.get(i, message) for i, message in enumerate(fixed)]

        return shared

    def _wait(self) -> None:
        """Wait for a first worker."""
        self.check_alive()
        try:
            self._client.wait_for_workers(1, timeout=self.patience)
        except TimeoutError:
            raise KullbackError(
                f"no worker has joined the scheduler at {self.address} in {self.patience:g} "
                f"seconds: start some, as in `dask worker {self.address}`."
            ) from None

    @property
    def address(self) -> str:
        """The scheduler's address."""
        scheduler = self._client.scheduler
        return "(closed)" if scheduler is None else str(scheduler.address)

    def check_alive(self) -> None:
        """Raise if the scheduler is lost.

        Raises:
            KullbackError: what to do.
        """
        if self._client.status != "running":
            raise KullbackError(
                f"the connection to the scheduler at {self.address} is lost. Nothing was changed: "
                "start the scheduler and its workers again, make a new client, and fit again.",
                reason=LOST,
            )

    def workers(self) -> int:
        """The number of workers, as the scheduler says."""
        return len(self._client.nthreads())

    def cancel(self, futures: list[Any]) -> None:
        """Cancel tasks that nobody waits for."""
        if futures and self._client.status == "running":
            self._client.cancel(futures)

    def value(self, answer: tasks.Answer) -> Any:
        """Return what a worker found.

        Raises:
            KullbackError: what it says about the data, or it has other versions.
        """
        own = this_machine()
        if answer.machine.versions != own.versions:
            pairs = zip(answer.machine.versions, own.versions, strict=True)
            differ = [f"{n} {a} (client: {b})" for (n, a), (_, b) in pairs if a != b]
            raise KullbackError(
                f"a worker has {', '.join(differ)}. Sums of different versions must not be added "
                "up: install the same ones for the client and all workers, and start them again.",
                reason=VERSIONS,
            )
        self.instructions.add(answer.machine.instructions)
        if answer.error is not None:
            raise answer.error
        return answer.value


def _pickled(part: Any) -> tuple[bytes, list[Any]]:
    """Pickle a part of a sample, and return the futures in it beside it."""
    import cloudpickle

    future_of = _distributed().Future
    futures: list[Any] = []

    class Pickler(cloudpickle.Pickler):  # type: ignore[misc]  # has no types
        """Pickles all but futures, which the scheduler must know of."""

        def persistent_id(self, value: Any) -> int | None:
            if not isinstance(value, future_of):
                return None
            futures.append(value)
            return len(futures) - 1

    stream = io.BytesIO()
    Pickler(stream).dump(part)
    return stream.getvalue(), futures


# What workers call. Dask sends a function that cannot be imported by name as its code: so the
# scheduler needs no Kullback, and a worker without it fails in the task, where the error is seen.
_ANSWER: Callable[..., Any] = lambda *arguments: __import__(  # noqa: E731
    "kullback.engines.cluster_tasks", fromlist=["answer"]
).answer(*arguments)


def _result(future: Any) -> Any:
    """The result of a call, or the error for which there is none."""
    dask = _distributed()
    try:
        return future.result()
    except dask.client.FutureCancelledError:
        return GoneError("it was cancelled.")
    except dask.KilledWorker as error:
        return GoneError(str(error))
    except ModuleNotFoundError as error:
        return KullbackError(
            f"a worker cannot import {error.name}: install Kullback, with the same versions of its "
            "libraries, for all workers, and start them again.",
            reason=NO_PACKAGE,
        )
    except Exception as error:  # whatever a task raises
        return error


def _dumps(value: Any) -> bytes:
    """Pickle anything, functions that a user defined at a prompt too."""
    import cloudpickle

    try:
        message: bytes = cloudpickle.dumps(value)
    except (TypeError, AttributeError, pickle.PicklingError) as error:
        raise UnsentError(str(error)) from error
    return message


def _distributed() -> Any:
    """Return Dask's library for clusters, which is imported when it is used."""
    need("dask", "clusters")
    import distributed

    return distributed


def _client_of(given: Any) -> Any:
    """Return a client, of a client, a cluster or an address.

    Raises:
        KullbackError: there is no scheduler.
    """
    Client = _distributed().Client  # noqa: N806  # a class
    if isinstance(given, Client):
        client = given
    elif given is None:
        try:
            client = Client.current()
        except ValueError:
            raise KullbackError(
                "there is no Dask client: give one, or a scheduler's address, or make a cluster: "
                "kl.DaskEngine(distributed.LocalCluster())."
            ) from None
    else:
        try:
            client = Client(given, set_as_default=False)
        except (OSError, ValueError, TypeError) as error:
            raise KullbackError(
                f"no Dask scheduler answers at {given!r}: {error}. Give the address that "
                '`dask scheduler` shows, such as "tcp://10.0.0.1:8786".',
                reason=LOST,
            ) from None
    if client.asynchronous:
        raise KullbackError("an asynchronous Dask client cannot be used: make one without it.")
    return client
