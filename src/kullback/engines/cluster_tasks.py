"""What a worker of a cluster does with a part of a sample: count, send rows, and add up.

A part of a sample is evaluated in the blocks of the whole sample. A block that lies in several
parts is evaluated with the first of them, to which the rows at the head of the others are sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, TypeAlias, final

from kullback._core.arrays import Vector, float64
from kullback._core.blas import one_blas_thread
from kullback.data.blocks import ROWS, Block, blocks, counted
from kullback.data.observation import RowKind
from kullback.data.sample import Chunk, Count, RowSource
from kullback.engines.cluster_messages import Answer
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
        for chunk in head.found()[kind]
    )
    return blocks(chain(part.chunks(), ends), before=place.before)
