"""Kinds of observation: how a row's outcome was observed, without its meaning for a model.

A kind names the fields of its rows. The likelihood contribution of a row of that kind is defined
elsewhere, by dispatch on the type, so that a new kind is a new class here and one function there.
Instances are stateless: two instances of one kind are equal and hash alike, so that rows of one
kind from different reads fall into the same blocks.
"""

from __future__ import annotations

from abc import ABC
from dataclasses import dataclass
from typing import ClassVar, final


class RowKind(ABC):
    """How a row's outcome was observed.

    Attributes:
        fields: the names of the arrays that hold the outcome of rows of this kind.
    """

    fields: ClassVar[tuple[str, ...]]


@final
@dataclass(frozen=True)
class Exact(RowKind):
    """The outcome itself was observed: the field `y` holds it."""

    fields: ClassVar[tuple[str, ...]] = ("y",)


@final
@dataclass(frozen=True)
class Soft(RowKind):
    """Shares of the classes were observed: the fields `y[0]`, `y[1]`, ... hold them.

    Attributes:
        classes: the number of classes.
    """

    classes: int

    @property
    def fields(self) -> tuple[str, ...]:  # type: ignore[override]  # it depends on the classes
        """The names of the fields, one for each class."""
        return tuple(f"y[{k}]" for k in range(self.classes))
