"""Kinds of observation: how a row's outcome was observed, without its meaning for a model.

A kind names the fields of its rows. The likelihood contribution of a row of that kind is defined
elsewhere, by dispatch on the type, so that a new kind is a new class here and one function there.
Instances are stateless: two instances of one kind are equal and hash alike, so that rows of one
kind from different reads fall into the same blocks.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class RowKind(ABC):
    """How a row's outcome was observed: abstract. A subclass is a frozen data class.

    Attributes:
        fields: the names of the arrays that hold the outcome of rows of this kind.
        description: what the rows are, for a summary: ``120 of 400 rows are right-censored``.
    """

    fields: ClassVar[tuple[str, ...]]
    description: ClassVar[str] = "not exact"

    @abstractmethod
    def ends(self, fields: Mapping[str, Floats]) -> tuple[Floats, Floats]:
        """Return the smallest and the largest outcome that each row allows; ±inf for none."""

    def located(self, fields: Mapping[str, Floats]) -> Floats:
        """Return one outcome for each row, between its ends: for starting values and messages."""
        lower, upper = self.ends(fields)
        with np.errstate(invalid="ignore"):  # inf − inf, where an end is infinite
            middle = lower + 0.5 * (upper - lower)
        one_sided = np.where(np.isfinite(lower), lower, np.where(np.isfinite(upper), upper, 0.0))
        return np.where(np.isfinite(lower) & np.isfinite(upper), middle, one_sided)

    @property
    def order(self) -> tuple[str, str]:
        """The kind's place among others: by name and parameters, not by order of arrival."""
        return type(self).__name__, repr(self)


@final
@dataclass(frozen=True)
class Exact(RowKind):
    """The outcome itself was observed: the field `y` holds it."""

    fields: ClassVar[tuple[str, ...]] = ("y",)
    description: ClassVar[str] = "exact"

    def ends(self, fields: Mapping[str, Floats]) -> tuple[Floats, Floats]:
        """Return the outcome twice."""
        return fields["y"], fields["y"]

    def located(self, fields: Mapping[str, Floats]) -> Floats:
        """Return the outcome, without copying it."""
        return fields["y"]


@final
@dataclass(frozen=True)
class Soft(RowKind):
    """Shares of the classes were observed: the fields `y[0]`, `y[1]`, ... hold them.

    Attributes:
        classes: the number of classes.
    """

    classes: int
    description: ClassVar[str] = "shares of classes"

    @property
    def fields(self) -> tuple[str, ...]:  # type: ignore[override]  # it depends on the classes
        """The names of the fields, one for each class."""
        return tuple(f"y[{k}]" for k in range(self.classes))

    def ends(self, fields: Mapping[str, Floats]) -> tuple[Floats, Floats]:
        """Return the first and the last class's code: any class is possible."""
        first = np.zeros_like(fields[self.fields[0]])
        return first, first + (self.classes - 1.0)


@final
@dataclass(frozen=True)
class Unobserved(RowKind):
    """The outcome was not observed: rows to predict."""

    fields: ClassVar[tuple[str, ...]] = ()
    description: ClassVar[str] = "unobserved"

    def ends(self, fields: Mapping[str, Floats]) -> tuple[Floats, Floats]:
        """Return −inf and inf: any outcome is possible."""
        anything = np.full_like(next(iter(fields.values())), np.inf)
        return -anything, anything
