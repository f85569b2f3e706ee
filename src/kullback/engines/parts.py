"""The engine over several parts of a sample, which remember what they added up.

K folds are fitted to K unions of K parts, which overlap: the first pass over a part, and every pass
at a point that the fits have in common, is made once.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from typing import Any, TypeVar, final

from kullback._core.arrays import Vector
from kullback._core.errors import DataError
from kullback.data.blocks import Block
from kullback.data.observation import RowKind
from kullback.engines.engine import NO_ROWS, Engine, Subtotal, no_rows
from kullback.objective.statistics import Joint, Statistic

Partial = TypeVar("Partial")


@final
class Part:
    """A part of a sample.

    Args:
        engine: adds statistics up over its rows.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._found: dict[Hashable, Any] = {}

    def reduce(self, statistic: Statistic[Partial], arguments: Vector) -> Partial | None:
        """Add up a statistic, once; None where it covers none of the rows."""
        key: Hashable = (statistic, arguments.tobytes())
        if isinstance(statistic, Joint):
            key = (statistic.statistics, *(own.tobytes() for own in statistic.arguments))
        if key not in self._found:
            try:
                self._found[key] = self.engine.reduce(statistic, arguments)
            except DataError as error:
                if error.reason != NO_ROWS:
                    raise
                self._found[key] = None
        found: Partial | None = self._found[key]
        return found


@final
class PartsEngine(Engine):
    """Adds up statistics over several parts, one after the other.

    Args:
        parts: the parts.
        first: the part whose first block is an origin for all unions.
    """

    def __init__(self, parts: Sequence[Part], first: Part) -> None:
        super().__init__()
        self._parts, self._first = tuple(parts), first

    def first_block(self, kind: RowKind | None = None) -> Block | None:
        """Return the first block of the first part that has one."""
        blocks = (part.engine.first_block(kind) for part in (self._first, *self._parts))
        return next((block for block in blocks if block is not None), None)

    def results(self, statistic: Statistic[Partial], arguments: Vector) -> Iterator[Subtotal]:
        """Evaluate the blocks of all parts, anew."""
        for part in self._parts:
            yield from part.engine.results(statistic, arguments)

    def reduce(self, statistic: Statistic[Partial], arguments: Vector) -> Partial:
        """Add up a statistic over the parts; what a part has added up is not added up again."""
        found = [part.reduce(statistic, arguments) for part in self._parts]
        known = [value for value in found if value is not None]
        if not known:
            raise no_rows()
        self.passes += not statistic.partial
        total = known[0]
        for value in known[1:]:
            total = statistic.merge(total, value)
        return total
