"""Whether the terms of one linear source are among those of another, as spaces of functions.

A term is a product of numbers and categories. As formulas code them, the columns of a term and of
those below it hold all functions of its categories, times its numbers: a product a:b holds a, b
and the constant, whichever levels have coefficients. One design is within another where each of
its terms is below one of the other's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from kullback._core.domains import Logits
from kullback.models.formula.factors import Category, Numeric
from kullback.models.linear import Linear, link_of
from kullback.models.source import Source


@final
@dataclass(frozen=True)
class _Space:
    """A product of numbers, times all functions of some categories."""

    numbers: frozenset[str]
    categories: frozenset[tuple[str, frozenset[object]]]

    def within(self, other: _Space) -> bool:
        return self.numbers == other.numbers and self.categories <= other.categories

    def __str__(self) -> str:
        parts = [*sorted(self.numbers), *sorted(name for name, _ in self.categories)]
        return ":".join(parts) or "the constant"


_CONSTANT = _Space(frozenset(), frozenset())


def lacking_terms(small: Source, large: Source) -> list[str]:
    """Return what the first source has and the second has not: terms, or the link.

    Args:
        small: a source, linear or a constant.
        large: a linear source, or a constant.
    """
    if isinstance(small, Linear) and isinstance(large, Linear):
        if link_of(small) != link_of(large):
            return [f"the {link_of(small)} link"]
        for name in ("offsets", "exposures"):
            if getattr(small, name) != getattr(large, name):
                return [f"the same {name}"]
        ours, theirs = small.domain, large.domain
        if isinstance(ours, Logits) and ours.levels != getattr(theirs, "levels", None):
            return ["the same classes"]
        return [str(s) for s in _spaces(small) if not any(s.within(o) for o in _spaces(large))]
    if isinstance(large, Linear):
        if large.offsets or large.exposures:
            return ["a predictor without offsets"]
        return [] if any(_CONSTANT.within(o) for o in _spaces(large)) else [str(_CONSTANT)]
    return [str(space) for space in _spaces(small) if space != _CONSTANT]


def _spaces(source: Source) -> list[_Space]:
    """The spaces of a source's terms."""
    if not isinstance(source, Linear):
        return [_CONSTANT]
    if source.terms is None:
        columns = [_Space(frozenset({name}), frozenset()) for name in source.columns]
        return [*([_CONSTANT] if source.intercept else []), *columns]
    found = []
    for part in source.terms.parts:
        factors = [factor for factor, _ in part.factors]
        numbers = frozenset(str(f.node) for f in factors if isinstance(f, Numeric))
        coded = frozenset(
            (f.column, frozenset(f.levels)) for f in factors if isinstance(f, Category)
        )
        found.append(_Space(numbers, coded))
    return found
