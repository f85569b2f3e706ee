"""The fixed tree in which block results are merged: by index, in any order of arrival.

Block 2i merges with block 2i + 1, their result with the neighbouring pair's, and so on; a result
without a neighbour moves up a level unchanged. Rounding depends on this tree alone, so the bits are
the same for any number of threads or workers, any order, and any retries.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias, final

from kullback.objective.statistics import Statistic

# A level and a position in it: node (l, i) holds blocks 2^l i to 2^l (i + 1), so (0, i) is block i.
Node: TypeAlias = tuple[int, int]


@final
class Tree:
    """Merges partial results as they arrive, and stores at most a few for each level."""

    def __init__(self, statistic: Statistic[Any]) -> None:
        """Start empty."""
        self._statistic = statistic
        self._waiting: dict[Node, Any] = {}

    def nodes(self) -> Iterator[tuple[Node, Any]]:
        """Yield the results so far, merged as far as their neighbours are known."""
        yield from sorted(self._waiting.items(), key=lambda item: item[0])

    def add(self, node: Node, value: Any) -> None:
        """Add the result of a node; each block once."""
        while (node[0], node[1] ^ 1) in self._waiting:
            sibling = self._waiting.pop((node[0], node[1] ^ 1))
            first, second = (sibling, value) if node[1] % 2 else (value, sibling)
            value = self._statistic.merge(first, second)
            node = (node[0] + 1, node[1] // 2)
        self._waiting[node] = value

    def total(self) -> Any:
        """Merge the results without a neighbour, from the lowest level up, and return the total."""
        waiting = self._waiting
        while len(waiting) > 1:
            node = min(waiting)
            value = waiting.pop(node)
            while (node[0], node[1] ^ 1) not in waiting:
                node = (node[0] + 1, node[1] // 2)
            sibling = waiting.pop((node[0], node[1] ^ 1))
            first, second = (sibling, value) if node[1] % 2 else (value, sibling)
            waiting[(node[0] + 1, node[1] // 2)] = self._statistic.merge(first, second)
        (value,) = waiting.values()
        return value
