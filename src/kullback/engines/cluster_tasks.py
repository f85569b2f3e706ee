"""What a worker of a cluster does with a part of a sample: count, send rows, and add up.

A part of a sample is evaluated in the blocks of the whole sample. A block that lies in several
parts is evaluated with the first of them, to which the rows at the head of the others are sent.
"""

from __future__ import annotations

import io
import os
import pickle
import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import chain
from typing import Any, NamedTuple, TypeAlias, final

from kullback._core.arrays import Vector, float64
from kullback._core.blas import one_blas_thread
from kullback._core.errors import FileFormatError, KullbackError
from kullback._core.machine import Machine, this_machine
from kullback.data.blocks import ROWS, Block, blocks, counted
from kullback.data.observation import RowKind
from kullback.data.sample import Chunk, Count, RowSource
from kullback.engines.engine import Subtotal
from kullback.engines.tree import Tree
from kullback.objective.statistics import Statistic

Kinds: TypeAlias = dict[RowKind, int]
Head: TypeAlias = dict[RowKind, list[Chunk]]


@final
@dataclass(frozen=True, eq=False)
class Place:
    """Where the blocks of one part of a sample lie.

    Attributes:
        before: by kind, the number of rows in the parts before.
        head: by kind, the number of its first rows that belong to a block of a part before.
        tails: the parts after it in which its blocks end, and the kinds of these.
    """

    before: Kinds
    head: Kinds
    tails: dict[int, set[RowKind]]


def places(counts: Sequence[Kinds]) -> list[Place]:
    """Return where blocks lie, from the number of rows of each kind in each part.

    >>> from kullback.data import Exact
    >>> [p.head for p in places([{Exact(): 70_000}, {Exact(): 10}, {Exact(): 70_000}])][1:]
    [{Exact(): 10}, {Exact(): 61062}]
    """
    sums: Kinds = {}
    owner: dict[RowKind, int] = {}  # the part in which the last block begins
    found: list[Place] = []
    for number, kinds in enumerate(counts):
        found.append(Place(dict(sums), {}, {}))
        for kind, count in kinds.items():
            if not count:
                continue
            before = sums.get(kind, 0)
            skip = min(-before % ROWS, count)
            if skip:
                found[number].head[kind] = skip
                found[owner[kind]].tails.setdefault(number, set()).add(kind)
            if skip < count:
                owner[kind] = number
            sums[kind] = before + count
    return found


# ---- on a worker ---------------------------------------------------------------------------------


def count(part: RowSource) -> Count:
    """Count the rows of a part."""
    kept, weight = 0, 0.0
    kinds: Kinds = {}
    for chunk in part.chunks():
        kept += chunk.count
        weight += float(chunk.count if chunk.weight is None else chunk.weight.sum())
        kinds[chunk.kind] = kinds.get(chunk.kind, 0) + counted(chunk).count
    return Count(kept + part.dropped, kept, weight, kinds)


def head(part: RowSource, rows: Mapping[RowKind, int]) -> Head:
    """Return so many of the first rows of each kind."""
    left, found = dict(rows), {kind: list[Chunk]() for kind in rows}
    for chunk in part.chunks():
        if left.get(chunk.kind):
            own = counted(chunk)
            taken = _first(own, min(left[chunk.kind], own.count))
            found[chunk.kind].append(taken)
            left[chunk.kind] -= taken.count
            if not any(left.values()):
                break
    return found


def _first(chunk: Chunk, rows: int) -> Chunk:
    """The first rows of a chunk, copied: they outlive it."""
    return replace(
        chunk,
        fields={name: values[:rows].copy() for name, values in chunk.fields.items()},
        weight=None if chunk.weight is None else chunk.weight[:rows].copy(),
        rows=None if chunk.rows is None else chunk.rows[:rows].copy(),
    )


def add_up(
    part: RowSource, statistic: Statistic[Any], arguments: Vector, place: Place, *heads: Answer
) -> list[Subtotal]:
    """Add up a statistic over the blocks that begin in a part.

    Args:
        part: the part.
        statistic: the statistic.
        arguments: its arguments.
        place: where its blocks lie.
        heads: the answers with the heads of the parts in which its blocks end.
    """
    trees: dict[RowKind, Tree] = {}
    rows: Kinds = {}
    with float64(), one_blas_thread():
        for block in _blocks(part, place, heads):
            if statistic.covers(block.kind):
                tree = trees.setdefault(block.kind, Tree(statistic))
                tree.add((0, block.index), statistic.of_block(block, arguments))
                rows[block.kind] = rows.get(block.kind, 0) + block.count
    return [
        Subtotal(kind, node, rows.pop(kind, 0), value)
        for kind, tree in trees.items()
        for node, value in tree.nodes()
    ]


def first_block(part: RowSource, place: Place, *heads: Answer, kind: RowKind) -> Block | None:
    """Return the first block of a kind that begins in a part."""
    return next((b for b in _blocks(part, place, heads) if b.kind == kind), None)


def _blocks(part: RowSource, place: Place, heads: Sequence[Answer]) -> Iterator[Block]:
    ends = (  # what is wrong with a head is raised after what is wrong with the part itself
        chunk
        for head, kinds in zip(heads, place.tails.values(), strict=True)
        for kind in kinds
        for chunk in _value(head)[kind]
    )
    return blocks(chain(part.chunks(), ends), before=place.before)


# ---- as messages ---------------------------------------------------------------------------------


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


@lru_cache(maxsize=64)
def _loaded(message: bytes) -> Any:
    """Unpickle, once: two copies of a model would be compiled twice where a function is in it."""
    return pickle.loads(message)  # from the client


class _WithFrames(pickle.Unpickler):
    """Unpickles a part, with tables of the cluster in their places."""

    def __init__(self, message: bytes, frames: Sequence[Any]) -> None:
        super().__init__(io.BytesIO(message))
        self._frames = frames

    def persistent_load(self, position: int) -> Any:
        """Return a table."""
        return self._frames[position]


def answer(
    function: bytes,
    part: bytes,
    frames: Sequence[Any],
    fixed: Sequence[bytes],
    others: bytes,
    *heads: Answer,
) -> Answer:
    """Call a function with a part of a sample, on a worker.

    Args:
        function: the function, pickled.
        part: the part, likewise.
        frames: the tables that it holds.
        fixed: the next arguments, likewise: those that other calls have too.
        others: the next ones, likewise.
        heads: the last ones.

    Returns:
        What it returns, or the error about the data that it raises.
    """
    machine = this_machine()
    try:
        own = _WithFrames(part, frames).load() if frames else _loaded(part)
        rest: tuple[Any, ...] = pickle.loads(others)  # from the client
        value = _loaded(function)(own, *map(_loaded, fixed), *rest, *heads)
    except KullbackError as error:
        return Answer(machine, None, _on_this_machine(error))
    return Answer(machine, value, None)


def _value(answer: Answer) -> Any:
    if answer.error is not None:
        raise answer.error
    return answer.value


def _on_this_machine(error: KullbackError) -> KullbackError:
    """Add to the error about a file where it cannot be read."""
    if isinstance(error, FileFormatError) and _HINT not in str(error):
        error.args = (f"{error} (on {platform.node()}, process {os.getpid()}: {_HINT})",)
    return error


_HINT = "client and workers must see the same files under the same paths"
