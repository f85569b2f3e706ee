"""The abstract engine: ``reduce(statistic, arguments)`` over all blocks of a sample."""

from __future__ import annotations

import abc
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from kullback._core.arrays import Vector
from kullback._core.errors import DataError
from kullback.data.blocks import Block
from kullback.data.observation import RowKind
from kullback.engines.tree import Tree
from kullback.objective.statistics import Statistic

Partial = TypeVar("Partial")
Progress = Callable[[int, int], None]


class Engine(abc.ABC):
    """Adds up statistics over a sample: abstract.

    A subclass evaluates the blocks, in ``results``; their merging is common to all, so that every
    engine gives the same bits.

    Attributes:
        passes: number of passes over the sample.
        rows: number of rows evaluated in all passes together.
        progress: called with (passes, rows) after every block, for a progress bar.
    """

    def __init__(self) -> None:
        """Start with zero passes."""
        self.passes = 0
        self.rows = 0
        self.progress: Progress | None = None

    @abc.abstractmethod
    def first_block(self) -> Block:
        """Return the first block of the sample (for a point of origin)."""

    @abc.abstractmethod
    def results(
        self, statistic: Statistic[Partial], arguments: Vector
    ) -> Iterator[tuple[Block, Partial]]:
        """Evaluate every block once and yield each with its result, in any order."""

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
        order: dict[str, Any] = {}
        for block, partial in self.results(statistic, arguments):
            if block.kind not in trees:
                trees[block.kind] = Tree(statistic)
            trees[block.kind].add(block.index, partial)
            self.rows += block.count
            if self.progress is not None:
                self.progress(self.passes + 1, self.rows)
        self.passes += 1
        if not trees:
            raise DataError("the sample is empty: give at least one row.")
        # kinds by name: the order of arrival must not decide the order of addition
        order = {type(kind).__name__: tree.total() for kind, tree in trees.items()}
        totals = [order[name] for name in sorted(order)]
        value: Partial = totals[0]
        for total in totals[1:]:
            value = statistic.merge(value, total)
        return value
