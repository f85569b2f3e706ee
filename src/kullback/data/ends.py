"""The ends of outcomes and of their windows: read from columns, checked, and parted by kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from kullback._core.errors import DataError
from kullback.data.arrays import to_numbers
from kullback.data.checks import HERE, Place, count_of, shown_rows
from kullback.data.events import Events
from kullback.data.observation import Event, RowKind, Window, kind_of
from kullback.data.sample import Chunk, Floats, Integers

LOWER, UPPER = "y.lower", "y.upper"
WINDOW_LOWER, WINDOW_UPPER = "window.lower", "window.upper"

# Every kind that rows with ends and windows may have.
KINDS: tuple[RowKind, ...] = tuple(kind_of(event, window) for event in Event for window in Window)


@final
@dataclass(frozen=True)
class EndColumns:
    """How the ends of a row's outcome and of its window are read.

    Attributes:
        pair: whether the outcome's two columns are its ends, and not the outcome itself.
        label: the name of the outcome in messages.
        event: the name in messages of the column that says how outcomes were observed: 1 the
            outcome, 0 that it is larger, −1 that it is smaller; None where there is none.
        window: the ends of the window that are the same in all rows; None for those that there are
            not, or that columns hold.
        windows: the names in messages of the columns that hold the others, by field.
        rounding: the distance of the values that outcomes were rounded to; None for none.
        meanings: of other codes of the events.
    """

    pair: bool
    label: str
    event: str | None = None
    window: tuple[float | None, float | None] = (None, None)
    windows: Mapping[str, str] | None = None
    rounding: float | None = None
    meanings: Events | None = None

    def read(
        self,
        outcome: Sequence[Floats],
        others: Mapping[str, NDArray[Any]],
        place: Place = HERE,
    ) -> tuple[dict[str, Floats], dict[str, Floats]]:
        """Read the ends of every row.

        Args:
            outcome: the outcome, or its two ends, as numbers.
            others: the columns of the event and of the window, by role.
            place: where the rows come from.

        Returns:
            The ends by field, ±inf where there is none; and the numbers of which none may be
            missing, by their label.
        """
        if self.pair:
            lower, upper = outcome
            neither = np.isnan(lower) & np.isnan(upper)
            required = {self.label: np.where(neither, np.nan, 0.0)}
            lower = np.where(np.isnan(lower), -np.inf, lower)
            upper = np.where(np.isnan(upper), np.inf, upper)
        else:
            (y,) = outcome
            lower, upper, required = y, y, {self.label: y}
        if self.event is not None:
            if self.meanings is not None:
                seen = self.meanings.read(others["event"], self.event, place)
            else:
                seen = to_numbers(others["event"], self.event, place)
                _check_events(seen, self.event, place)
            required[self.event] = seen
            lower = np.where(seen < 0.0, -np.inf, lower)
            upper = np.where(seen == 0.0, np.inf, upper)
        if self.rounding is not None:
            exact, half = lower == upper, 0.5 * self.rounding
            lower = np.where(exact, lower - half, lower)
            upper = np.where(exact, upper + half, upper)
        fields = {LOWER: lower, UPPER: upper}
        sides = ((WINDOW_LOWER, -np.inf), (WINDOW_UPPER, np.inf))
        for (name, infinite), constant in zip(sides, self.window, strict=True):
            label = (self.windows or {}).get(name)
            if label is not None:
                end = to_numbers(others[name], label, place)
                fields[name] = np.where(np.isnan(end), infinite, end)
            elif constant is not None:
                fields[name] = np.full(len(lower), float(constant))
        return fields, required

    def within_windows(self, fields: dict[str, Floats], place: Place = HERE) -> dict[str, Floats]:
        """Check the ends, and cut those of outcomes that were not seen at the ends of the windows.

        A row of the sample lay in its window however it was observed, so that one that is
        right-censored at t with a window that ends at b says t ≤ X ≤ b.

        Raises:
            DataError: ends in the wrong order, an outcome outside its window, or a row that says
                nothing.
        """
        lower, upper = fields[LOWER], fields[UPPER]
        self._refuse(lower > upper, "have a lower end above the upper one", fields, place)
        unknown = np.isneginf(lower) & np.isposinf(upper)
        self._refuse(unknown, "have no end, and say nothing of the outcome", fields, place)
        low, high = fields.get(WINDOW_LOWER), fields.get(WINDOW_UPPER)
        if low is None and high is None:
            return fields
        low = np.full_like(lower, -np.inf) if low is None else low
        high = np.full_like(lower, np.inf) if high is None else high
        wrong = "have a window whose lower end is above its upper one"
        self._refuse(low > high, wrong, fields, place)
        outside = (upper < low) | (lower > high)
        if self.event is not None:  # a time of censoring, too, was seen inside the window
            known = np.where(np.isfinite(lower), lower, upper)
            outside |= (known < low) | (known > high)
        self._refuse(outside, "lie outside their window", fields, place)
        exact = lower == upper
        lower, upper = np.maximum(lower, low), np.minimum(upper, high)
        wrong = "leave nothing between their ends and those of the window"
        self._refuse(~exact & (lower == upper), wrong, fields, place)
        return {**fields, LOWER: lower, UPPER: upper}

    def _refuse(
        self, wrong: NDArray[np.bool_], what: str, fields: Mapping[str, Floats], place: Place
    ) -> None:
        if not wrong.any():
            return
        row = {name: float(values[int(np.argmax(wrong))]) for name, values in fields.items()}
        ends = f"from {row[LOWER]:g} to {row[UPPER]:g}"
        if WINDOW_LOWER in row or WINDOW_UPPER in row:
            window = row.get(WINDOW_LOWER, -np.inf), row.get(WINDOW_UPPER, np.inf)
            ends += f", in a window from {window[0]:g} to {window[1]:g}"
        raise DataError(
            f"{count_of(int(wrong.sum()), 'row')} of {self.label}{place.where} {what}: "
            f"{shown_rows(wrong, place)}; the first goes {ends}. Correct or remove such rows."
        )


def _check_events(seen: Floats, label: str, place: Place) -> None:
    """Refuse a code of an event that has no meaning.

    Raises:
        DataError: with the first rows.
    """
    # np.isin takes five times as long
    wrong = ~((seen == 1.0) | (seen == 0.0) | (seen == -1.0) | np.isnan(seen))
    if wrong.any():
        raise DataError(
            f"{count_of(int(wrong.sum()), 'value')} of {label}{place.where} cannot be read: "
            f"{shown_rows(wrong, place, seen)}. Give 1 or True where the outcome was seen, 0 or "
            "False where it is at least so large (right-censored), −1 where it is at most so large "
            "(left-censored)."
        )


def parted(
    fields: Mapping[str, Floats], weight: Floats | None, first_row: int, rows: Integers | None
) -> list[Chunk]:
    """Part rows with ends by their kind.

    Args:
        fields: the ends as ``within_windows`` returns them, and the covariates.
        weight: the weights, or None.
        first_row: the number of the first row.
        rows: the numbers of all rows; None where they follow each other.
    """
    lower, upper = fields[LOWER], fields[UPPER]
    # a byte a row, so that most of the time is that of the ends' comparisons
    event = np.full(len(lower), Event.INTERVAL, dtype=np.uint8)
    event[lower == -np.inf] = Event.LEFT
    event[upper == np.inf] = Event.RIGHT
    event[lower == upper] = Event.EXACT
    code = event * np.uint8(len(Window))
    if WINDOW_LOWER in fields:
        code += np.isfinite(fields[WINDOW_LOWER]) * np.uint8(Window.LOWER)
    if WINDOW_UPPER in fields:
        code += np.isfinite(fields[WINDOW_UPPER]) * np.uint8(Window.UPPER)
    ends = {LOWER, UPPER, WINDOW_LOWER, WINDOW_UPPER}
    others = {name: values for name, values in fields.items() if name not in ends}
    chunks = []
    for found in np.flatnonzero(np.bincount(code)).tolist():
        at = np.flatnonzero(code == found)
        kind = kind_of(Event(found // len(Window)), Window(found % len(Window)))
        own = {name: fields[LOWER if name == "y" else name][at] for name in kind.fields}
        numbers = at + first_row if rows is None else rows[at]
        chunks.append(
            Chunk(
                kind,
                own | {name: values[at] for name, values in others.items()},
                None if weight is None else weight[at],
                int(numbers[0]),
                numbers,
            )
        )
    return chunks
