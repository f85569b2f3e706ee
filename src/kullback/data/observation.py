"""The kinds of a row, as data: what was seen of an outcome, without what it means for a model.

A kind says which fields its rows carry. What a row of that kind contributes to the likelihood is
told elsewhere, by dispatch on the type, so that a new kind is a new class here and one function
there. Instances carry no state: two instances of one kind are equal and hash alike, so that rows of
one kind that come from different reads fall into the same blocks.
"""

from __future__ import annotations

from abc import ABC
from dataclasses import dataclass
from typing import ClassVar, final


class RowKind(ABC):
    """What was seen of a row's outcome.

    Attributes:
        fields: the names of the arrays that hold the outcome of rows of this kind.
    """

    fields: ClassVar[tuple[str, ...]]


@final
@dataclass(frozen=True)
class Exact(RowKind):
    """The outcome itself was seen: the field `y` holds it."""

    fields: ClassVar[tuple[str, ...]] = ("y",)


@final
@dataclass(frozen=True)
class Soft(RowKind):
    """A distribution over the classes was seen: the fields `y[0]`, `y[1]`, ... hold its shares.

    Attributes:
        classes: how many classes.
    """

    classes: int

    @property
    def fields(self) -> tuple[str, ...]:  # type: ignore[override]  # it depends on the classes
        """The share of each class."""
        return tuple(f"y[{k}]" for k in range(self.classes))
