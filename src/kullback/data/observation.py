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
from enum import IntEnum
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


class Event(IntEnum):
    """How an outcome X was observed."""

    EXACT = 0
    """X itself."""
    LEFT = 1
    """X ≤ upper: left-censored."""
    RIGHT = 2
    """X ≥ lower: right-censored."""
    INTERVAL = 3
    """lower ≤ X ≤ upper: interval-censored."""


class Window(IntEnum):
    """Where an outcome had to lie for its row to be in the sample at all: its truncation."""

    NONE = 0
    LOWER = 1
    UPPER = 2
    BOTH = 3


_ENDS = {
    Event.EXACT: ("y",),
    Event.LEFT: ("y.upper",),
    Event.RIGHT: ("y.lower",),
    Event.INTERVAL: ("y.lower", "y.upper"),
}
_WINDOW_ENDS = {
    Window.NONE: (),
    Window.LOWER: ("window.lower",),
    Window.UPPER: ("window.upper",),
    Window.BOTH: ("window.lower", "window.upper"),
}
_CENSORED = {
    Event.LEFT: "left-censored",
    Event.RIGHT: "right-censored",
    Event.INTERVAL: "interval-censored",
}
_TRUNCATED = {
    Window.LOWER: "left-truncated",
    Window.UPPER: "right-truncated",
    Window.BOTH: "doubly truncated",
}


@final
@dataclass(frozen=True)
class Observed(RowKind):
    """Ends of the outcome were observed, or it was seen only because it lay in a window.

    The fields are the outcome `y` or its ends `y.lower` and `y.upper`, as far as they are finite,
    and those of the window, `window.lower` and `window.upper`; an outcome lies between its ends or
    on them, and inside its window or on its ends. The ends of the outcome lie in the window.

    Attributes:
        event: how the outcome was observed.
        window: which ends the window has; rows without a window, of which the outcome itself was
            seen, are ``Exact``.
    """

    event: Event
    window: Window = Window.NONE

    @property
    def fields(self) -> tuple[str, ...]:  # type: ignore[override]  # it depends on the ends
        """The names of the fields: the outcome or its ends, then those of the window."""
        return (*_ENDS[self.event], *_WINDOW_ENDS[self.window])

    @property
    def description(self) -> str:  # type: ignore[override]  # it depends on the ends
        """What the rows are: "right-censored and left-truncated"."""
        words = (_CENSORED.get(self.event), _TRUNCATED.get(self.window))
        return " and ".join(word for word in words if word)

    def ends(self, fields: Mapping[str, Floats]) -> tuple[Floats, Floats]:
        """Return the ends of the outcome, ±inf where there is none."""
        if self.event == Event.EXACT:
            return fields["y"], fields["y"]
        unknown = np.full_like(fields[self.fields[0]], np.inf)
        return fields.get("y.lower", -unknown), fields.get("y.upper", unknown)


def kind_of(event: Event, window: Window) -> RowKind:
    """Return the kind of rows with an event and a window.

    >>> kind_of(Event.EXACT, Window.NONE), kind_of(Event.RIGHT, Window.LOWER).description
    (Exact(), 'right-censored and left-truncated')
    """
    if event == Event.EXACT and window == Window.NONE:
        return Exact()
    return Observed(event, window)


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
