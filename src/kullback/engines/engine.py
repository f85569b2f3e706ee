"""The abstract engine: ``reduce(statistic, arguments)`` over all blocks of a sample."""

from __future__ import annotations

import abc
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from itertools import pairwise
from typing import Any, ClassVar, NamedTuple, TypeAlias, TypeVar

from kullback._core.arrays import Vector
from kullback._core.blas import one_blas_thread
from kullback._core.errors import DataError
from kullback._core.machine import this_machine
from kullback.data.blocks import Block
from kullback.data.observation import RowKind
from kullback.engines.tree import Node, Tree
from kullback.objective.statistics import Statistic

Partial = TypeVar("Partial")
Partitions: TypeAlias = tuple[int, int]
Report: TypeAlias = Callable[[int, int, Partitions | None], None]

# The reason code of the error about a sample without rows.
NO_ROWS = "no rows"


def no_rows() -> DataError:
    """Return the error about a sample without rows."""
    return DataError("the sample is empty: give at least one row.", reason=NO_ROWS)


class Subtotal(NamedTuple):
    """The result of a node of the tree of blocks.

    Attributes:
        kind: of the rows.
        node: the node of that kind's tree.
        rows: the number of rows.
        value: the result.
    """

    kind: RowKind
    node: Node
    rows: int
    value: Any

    @classmethod
    def of(cls, block: Block, value: Any) -> Subtotal:
        """The result of one block."""
        return cls(block.kind, (0, block.index), block.count, value)


class Engine(abc.ABC):
    """Adds up statistics over a sample: abstract.

    A subclass evaluates the blocks, in ``results``; their merging is common to all, so that every
    engine gives the same bits.

    Attributes:
        reads_all: whether a pass over the rows of some kinds reads all rows.
        passes: number of passes over all rows.
        rows: number of rows evaluated in all passes together.
        partitions: how many partitions of the rows are added up in this pass, and of how many; None
            where the rows are not parted among workers.
        progress: called with (passes, rows, partitions) after every result, for a progress bar.
    """

    reads_all: ClassVar[bool] = False

    def __init__(self) -> None:
        """Start with zero passes."""
        self.passes = 0
        self.rows = 0
        self.partitions: Partitions | None = None
        self.progress: Report | None = None

    @property
    def instructions(self) -> tuple[str, ...]:
        """The sets of instructions of the processors that compute, which decide the last bits."""
        return (this_machine().instructions,)

    @abc.abstractmethod
    def first_block(self, kind: RowKind | None = None) -> Block | None:
        """Return the first block, or the first of a kind of rows, for a point of origin.

        None for a sample without such rows.
        """

    @abc.abstractmethod
    def results(self, statistic: Statistic[Partial], arguments: Vector) -> Iterator[Subtotal]:
        """Evaluate every block that the statistic covers once; yield the results.

        The order does not matter.
        """

    def reduce(self, statistic: Statistic[Partial], arguments: Vector) -> Partial:
        """Add up a statistic over the sample.

        Args:
            statistic: the statistic.
            arguments: its arguments (the constrained coefficients, for a likelihood).

        Returns:
            The merged result, with the same bits for every engine.

        Raises:
            DataError: for a sample without rows.
        """
        trees: dict[RowKind, Tree] = {}
        with one_blas_thread() if statistic.uses_blas else nullcontext():
            for kind, node, rows, value in self.results(statistic, arguments):
                if not statistic.covers(kind):
                    continue
                if kind not in trees:
                    trees[kind] = Tree(statistic)
                trees[kind].add(node, value)
                self.rows += rows
                if self.progress is not None:
                    self.progress(self.passes + 1, self.rows, self.partitions)
        if self.reads_all or not statistic.partial:
            self.passes += 1
        if not trees:
            raise no_rows()
        # in an order of the kinds' own: that of arrival must not decide the order of addition
        kinds = sorted(trees, key=lambda kind: kind.order) if len(trees) > 1 else list(trees)
        for left, right in pairwise(kinds):
            if left.order == right.order:
                raise TypeError(f"two kinds of rows are both shown as {left!r}: rename one")
        total: Partial = trees[kinds[0]].total()
        for kind in kinds[1:]:
            total = statistic.merge(total, trees[kind].total())
        return total
