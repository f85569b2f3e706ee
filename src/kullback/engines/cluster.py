"""The engine over a sample whose parts the workers of a cluster read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, ClassVar, Protocol, TypeVar, final, runtime_checkable

from kullback._core.arrays import Vector
from kullback.data.blocks import Block, blocks
from kullback.data.observation import RowKind
from kullback.data.sample import Count, RowSource
from kullback.engines import cluster_tasks as tasks
from kullback.engines.cluster_calls import Call
from kullback.engines.cluster_messages import Message, UnsentError
from kullback.engines.engine import Engine, Report, Subtotal, no_rows
from kullback.engines.local import first_of
from kullback.engines.streaming import StreamingEngine
from kullback.objective.statistics import Statistic

Partial = TypeVar("Partial")


@runtime_checkable
class Caller(Protocol):
    """What makes calls on the workers of a cluster."""

    @property
    def instructions(self) -> tuple[str, ...]:
        """The sets of instructions of the processors that have computed."""

    def run(self, function: Any, calls: Sequence[Call], *fixed: Any) -> Iterator[tuple[int, Any]]:
        """Call a function, and yield the position of each call with its result."""

    def start(self, function: Any, call: Call) -> Any:
        """Call a function once, and return the future."""

    def held(self, future: Any) -> bool:
        """Whether a future has its result, or will have it."""

    def message(self, part: Any) -> Message:
        """Pickle a part of a sample, and return the futures in it beside it."""


@final
class Plan:
    """The parts of a sample, and where their blocks lie.

    Args:
        cluster: reads them.
        sample: the sample, as the client sees it.
        parts: its parts.

    Attributes:
        counts: the number of rows of each kind in each part, once they are counted.
        places: where the blocks of each part lie, likewise.
    """

    def __init__(self, cluster: Caller, sample: RowSource, parts: Sequence[RowSource]) -> None:
        self.cluster, self.sample = cluster, sample
        self.counts: list[tasks.Kinds] = []
        self.places: list[tasks.Place] = []
        self._messages = [cluster.message(part) for part in parts]
        self._heads: dict[int, Any] = {}

    def count(self, report: Report | None) -> None:
        """Count the rows, once, by a pass over them where their numbers are not known.

        Args:
            report: receives the numbers of rows and parts that are counted.
        """
        if self.places:
            return
        counts = self.sample.known_counts(len(self._messages))
        if counts is None:
            calls = [Call("count", message) for message in self._messages]
            found: dict[int, Count] = {}
            for i, count in self.cluster.run(tasks.count, calls):
                found[i] = count
                if report is not None:
                    rows = sum(count.read for count in found.values())
                    report(0, rows, (len(found), len(calls)))
            counts = [found[i] for i in range(len(calls))]
        self.sample.take_counts(counts)
        self.counts = [count.kinds for count in counts]
        self.places = tasks.places(self.counts)

    def calls(self, what: str, numbers: Sequence[int], *others: Any) -> list[Call]:
        """Return calls with some parts, and the rows that their last blocks lack."""
        return [
            Call(
                what,
                self._messages[i],
                (*others, self.places[i]),
                tuple(partial(self._head, tail) for tail in self.places[i].tails),
            )
            for i in numbers
        ]

    def _head(self, number: int) -> Any:
        """The rows at the head of a part, which stay on the cluster."""
        future = self._heads.get(number)
        if future is None or not self.cluster.held(future):
            call = Call("head", self._messages[number], (self.places[number].head,))
            future = self._heads[number] = self.cluster.start(tasks.head, call)
        return future


@final
class ClusterEngine(Engine):
    """Adds up statistics over a sample whose parts the workers of a cluster read.

    Args:
        plan: the parts of the sample.
    """

    reads_all: ClassVar[bool] = True

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self._plan = plan

    @property
    def instructions(self) -> tuple[str, ...]:
        """The sets of instructions of the processors of the client and the workers so far."""
        return self._plan.cluster.instructions

    def first_block(self, kind: RowKind | None = None) -> Block | None:
        """Return the first block, or the first of a kind of rows, from the worker that reads it."""
        plan = self._plan
        plan.count(self.progress)
        kinds = {own for counts in plan.counts for own, rows in counts.items() if rows}
        if kind is None and len(kinds) > 1:  # the first that is full, in the order of the rows
            return first_of(blocks(plan.sample.chunks()), None)
        kind = next(iter(kinds), None) if kind is None else kind
        if kind is None or kind not in kinds:
            return None
        owner = next(i for i, counts in enumerate(plan.counts) if counts.get(kind))
        function = partial(tasks.first_block, kind=kind)
        ((_, block),) = plan.cluster.run(function, plan.calls("first_block", [owner]))
        found: Block = block
        return found

    def results(self, statistic: Statistic[Partial], arguments: Vector) -> Iterator[Subtotal]:
        """Yield the subtotals of the parts as workers finish them."""
        plan = self._plan
        plan.count(self.progress)
        owners = [
            i
            for i, (counts, place) in enumerate(zip(plan.counts, plan.places, strict=True))
            if any(n > place.head.get(k, 0) and statistic.covers(k) for k, n in counts.items())
        ]
        if not owners:
            raise no_rows()
        calls = plan.calls("add_up", owners)
        try:
            found = plan.cluster.run(tasks.add_up, calls, statistic, arguments)
        except UnsentError:  # it refers to what belongs to this process
            self.partitions = None
            yield from StreamingEngine(plan.sample).results(statistic, arguments)
            return
        for done, (_, subtotals) in enumerate(found, 1):
            self.partitions = (done, len(owners))
            yield from subtotals

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle nothing: workers do without the engine that a statistic may name."""
        return type(None), ()
