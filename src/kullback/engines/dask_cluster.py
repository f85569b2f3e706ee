"""The engine of a Dask cluster, whose workers evaluate the blocks: all that knows Dask is here."""

from __future__ import annotations

import contextlib
import time
import uuid
import warnings
import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar, final

from kullback._core.errors import DataError, KullbackError
from kullback._core.extras import need
from kullback._core.machine import this_machine
from kullback.data.sample import Cut, RowSource
from kullback.data.stream import PartSource, TableSource
from kullback.engines.choice import engine_for
from kullback.engines.cluster import ClusterEngine, Plan
from kullback.engines.cluster_calls import LOST, NO_MODULE, VERSIONS, Call, GoneError, Run, within
from kullback.engines.cluster_frames import FrameSource
from kullback.engines.cluster_messages import Answer, Message, dumps, part_message
from kullback.engines.cluster_workers import other_instructions, other_versions, versions_of
from kullback.engines.engine import Engine

T = TypeVar("T")

# Rows in a task. A task costs the client, the scheduler and the worker 2 ms together, and a pass of
# a cheap model takes a worker 10 ns a row: a million rows are 10 ms, eight million 80 ms. So many
# tasks for each thread, if there are so many rows, keep all of them busy to the end of a pass.
_LEAST_ROWS, _MOST_ROWS, _TASKS_A_THREAD = 1 << 19, 1 << 23, 4

# A larger statistic is sent to the cluster once in a pass rather than with each task.
_LARGE = 1 << 16

# Seconds that an address is given to answer: Dask's own thirty are long where nothing listens.
_CONNECT = 5.0

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
        if self._client is not client and client is not None:  # what this opened, it closes
            loop = self._client.loop
            weakref.finalize(self, loop.add_callback, self._client.close).atexit = False
        self._patience = patience
        self._rows = rows_per_task
        self._plans: dict[RowSource, Plan] = {}
        self._instructions = {this_machine().instructions}

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
        self._wait()
        futures: list[Any] = self._client.compute(frame.to_delayed())
        calls = [Call("rows", self.message(future)) for future in futures]
        rows = dict(self.run(len, calls))
        types = {str(name): str(kind) for name, kind in frame.dtypes.items()}
        own = {name: frame[name].cat for name, kind in frame.dtypes.items() if kind == "category"}
        orders = {str(n): list(cat.categories) if cat.known else [] for n, cat in own.items()}
        counts = [rows[i] for i in range(len(futures))]
        return FrameSource(futures, counts, types, categorical=orders)

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
        calls = [Call("levels", self.message(source)) for source in sources]
        found = dict(self.run(function, calls))
        return [found[i] for i in range(len(calls))]

    def _cut(self) -> Cut:
        threads = sum(self._wait().values())
        if self._rows is not None:
            return Cut(self._rows, self._rows, 1)
        return Cut(_LEAST_ROWS, _MOST_ROWS, threads * _TASKS_A_THREAD)

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
            UnsentError: the function or an argument cannot be pickled.
            KullbackError: what a worker says about the data: of several, that of the first part;
                or the cluster was lost.
        """
        shared = self._shared([dumps(value) for value in fixed])
        return Run(self, dumps(function), calls, shared).results()

    def start(self, function: Any, call: Call) -> Any:
        """Call a function once, and return the future."""
        return self.submit(call, dumps(function), (), f"kullback-{call.what}-{uuid.uuid4().hex}")

    def submit(self, call: Call, function: bytes, fixed: Sequence[Any], key: str) -> Any:
        """Send one call to the cluster."""
        message, tables = call.part
        heads = [head() for head in call.heads]
        arguments = (function, message, tables, list(fixed), dumps(call.others), *heads)
        with self._connected():
            return self._client.submit(_ANSWER, *arguments, key=key, pure=False)

    def held(self, future: Any) -> bool:
        """Whether a future has its result, or will have it."""
        return future.status in ("pending", "finished")

    def message(self, part: Any) -> Message:
        """Pickle a part of a sample, and return the futures in it beside it."""
        return part_message(part, _distributed().Future)

    def gather(self, futures: list[Any]) -> list[Any]:
        """Return what calls returned, or the errors for which they have no result."""
        found: dict[str, Any] = {}
        served = time.monotonic()
        while not found and futures:
            try:
                # those whose workers die with the result are computed again, as long as it takes
                found = self._client.sync(
                    self._client.gather,
                    {future.key: future for future in futures},
                    errors="skip",
                    callback_timeout=max(self._patience / 4.0, 1.0),
                )
            except OSError:  # TimeoutError among them
                now = time.monotonic()
                served = now if self.check_workers(now - served) else served
            except Exception as error:  # an answer of another version cannot be read
                raise self._versions_error() or error from None
        return [self._value(future, found[future.key]) for future in futures]

    def cancel(self, futures: list[Any]) -> None:
        """Cancel tasks that nobody waits for."""
        if futures and self._client.status == "running":
            with contextlib.suppress(OSError):
                self._client.cancel(futures)

    def _shared(self, fixed: list[bytes]) -> Callable[[], list[Any]]:
        """Return the arguments that all calls have, or futures of them if they are large."""
        futures: dict[int, Any] = {}

        def shared() -> list[Any]:
            for i, message in enumerate(fixed):
                if len(message) > _LARGE and (i not in futures or not self.held(futures[i])):
                    with self._connected():
                        futures[i] = self._client.submit(bytes, message, pure=False)
            return [futures.get(i, message) for i, message in enumerate(fixed)]

        return shared

    # ---- the cluster -----------------------------------------------------------------------------

    @property
    def instructions(self) -> tuple[str, ...]:
        """The sets of instructions of the client's processor and of those that computed."""
        return tuple(sorted(self._instructions))

    def check_alive(self) -> None:
        """Raise an error that says what to do, if the scheduler is lost."""
        if self._client.status != "running":
            raise self._lost()

    def check_workers(self, seconds: float) -> bool:
        """Whether there are workers.

        Args:
            seconds: since when there have been none, as far as is known.

        Raises:
            KullbackError: that is longer than the user wants to wait, or the scheduler is lost.
        """
        if self._workers():
            return True
        if seconds >= self._patience:
            raise KullbackError(
                f"all workers of the scheduler at {self._address} are lost, and none came in "
                f"{self._patience:g} seconds: start new ones and fit again.",
                reason=LOST,
            )
        return False

    def _wait(self) -> dict[str, int]:
        """Wait for a first worker; return the number of threads of each."""
        if not (workers := self._workers()):
            with contextlib.suppress(TimeoutError):
                self._client.wait_for_workers(1, timeout=self._patience)
            workers = self._workers()
        if not workers:
            raise KullbackError(
                f"no worker has joined the scheduler at {self._address} in {self._patience:g} "
                f"seconds: start some, as in `dask worker {self._address}`."
            )
        return workers

    def _workers(self) -> dict[str, int]:
        """The number of threads of each worker, as the scheduler says."""
        with self._connected():
            found: dict[str, int] = self._client.nthreads()
        return found

    @contextlib.contextmanager
    def _connected(self) -> Iterator[None]:
        """Raise the error about a lost scheduler where it does not answer."""
        self.check_alive()
        try:
            yield
        except (RuntimeError, OSError) as error:  # the client was closed, or the connection
            raise self._lost() from error

    def _lost(self) -> KullbackError:
        return KullbackError(
            f"the connection to the scheduler at {self._address} is lost. Nothing was changed: "
            "start the scheduler and its workers again, make a new client, and fit again.",
            reason=LOST,
        )

    @property
    def _address(self) -> str:
        scheduler = self._client.scheduler
        return "(closed)" if scheduler is None else str(scheduler.address)

    # ---- what workers answer ---------------------------------------------------------------------

    def _value(self, future: Any, answer: Answer | None) -> Any:
        """Return what a worker found, or the error for which there is none."""
        if answer is None:
            return self._error(future)
        own = this_machine()
        if answer.machine.versions != own.versions:
            return self._versions_error() or KullbackError(
                f"a worker that is gone had {dict(answer.machine.versions)}. {_SAME}",
                reason=VERSIONS,
            )
        if answer.machine.instructions not in self._instructions:
            self._instructions.add(answer.machine.instructions)
            asked = self._client.run(this_machine, on_error="ignore")
            found = {worker: machine.instructions for worker, machine in asked.items()}
            warnings.warn(other_instructions(found, own.instructions), stacklevel=2)
        return answer.value if answer.error is None else answer.error

    def _error(self, future: Any) -> Exception:
        """Return the error for which a call has no result."""
        dask = _distributed()
        try:
            future.result()
        except (dask.client.FutureCancelledError, dask.KilledWorker) as error:
            return GoneError(str(error))
        except Exception as error:  # whatever a task raises
            if found := self._versions_error():
                return found
            if not isinstance(error, ImportError):
                return error
            return KullbackError(
                f"a worker cannot import what the model or the data need: {error}. Install it for "
                "all workers, or give them a file of your own by client.upload_file.",
                reason=NO_MODULE,
            )
        return GoneError("its result came late.")

    def _versions_error(self) -> KullbackError | None:
        """Ask all workers for their versions; return the error about those that differ."""
        names = tuple(name for name, _ in this_machine().versions)
        found = self._client.run(versions_of, names, on_error="return")
        differ = other_versions(found, versions_of(names))
        return KullbackError(f"{differ}. {_SAME}", reason=VERSIONS) if differ else None


_SAME = (
    "Client and workers must add up by the same code: install the same versions for all of them, "
    "and start them again."
)

# What workers call. Dask sends a function that cannot be imported by name as its code: so the
# scheduler needs no Kullback, and a worker without it fails in the task, where the error is seen.
_ANSWER: Callable[..., Any] = lambda *arguments: __import__(  # noqa: E731
    "kullback.engines.cluster_messages", fromlist=["answer"]
).answer(*arguments)


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

        def connect() -> Any:
            return Client(given, set_as_default=False, timeout=_CONNECT)

        try:
            # Dask waits for ever for the greeting of another kind of server
            client = within(2.0 * _CONNECT, connect) if isinstance(given, str) else connect()
        except Exception as error:  # of another server's answer MemoryError, say
            raise KullbackError(
                f"no Dask scheduler answers at {given!r}: {error}. Give the address that "
                '`dask scheduler` shows, such as "tcp://10.0.0.1:8786".',
                reason=LOST,
            ) from None
    if client.asynchronous:
        raise KullbackError("an asynchronous Dask client cannot be used: make one without it.")
    return client
