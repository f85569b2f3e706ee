"""Full-rank coding of categories: which levels of a category in a term have coefficients.

A category spans the constant and its contrasts. Each term gets what the terms before it with the
same numbers do not span: contrasts with the first level where the rest is there already, else all
levels. Source: patsy's documentation, "Redundancy and categorical factors" (N. J. Smith 2011).
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from itertools import combinations
from typing import TypeAlias

from kullback._core.errors import ModelError

Coding: TypeAlias = dict[Hashable, bool]
"""The categories of a part of a term, each with whether all of its levels have coefficients."""

# A term of k categories is compared in 2^k parts.
_MOST = 10


def codings(
    terms: Sequence[tuple[Sequence[Hashable], Sequence[Hashable]]],
) -> list[list[Coding]]:
    """Return how the categories of each term are coded, as one or several parts.

    Args:
        terms: the numbers and the categories in each term.

    Example:
        >>> codings([((), ()), ((), ("a",)), ((), ("a", "b"))])  # 1 + a + a:b
        [[{}], [{'a': False}], [{'a': True, 'b': False}]]
        >>> codings([((), ()), ((), ("a", "b"))])  # 1 + a:b
        [[{}], [{'b': False}, {'a': False, 'b': True}]]
    """
    spanned: dict[frozenset[Hashable], set[frozenset[Hashable]]] = {}
    out = []
    for numbers, categories in terms:
        if len(categories) > _MOST:
            raise ModelError(
                f"a term may have {_MOST} categories at most, got {':'.join(map(str, categories))}."
            )
        before = spanned.setdefault(frozenset(numbers), set())
        parts: list[Coding] = []
        for size in range(len(categories) + 1):
            for chosen in combinations(categories, size):
                if frozenset(chosen) not in before:
                    before.add(frozenset(chosen))
                    parts.append(dict.fromkeys(chosen, False))
        while _merged(parts):
            pass
        out.append([{c: part[c] for c in categories if c in part} for part in parts])
    return out


def _merged(parts: list[Coding]) -> bool:
    """Join a part with one that has one contrast more: together they have all of its levels."""
    for i, short in enumerate(parts):
        for j in range(i + 1, len(parts)):
            long = parts[j]
            more = [c for c in long if c not in short]
            if (
                len(more) == 1
                and not long[more[0]]
                and all(long.get(c) == v for c, v in short.items())
            ):
                parts[j] = {**long, more[0]: True}
                del parts[i]
                return True
    return False
