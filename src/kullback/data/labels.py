"""Labels of classes and categories: the distinct ones, sorted, and their codes 0, 1, ..."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any, NoReturn, final

import numpy as np
from numpy.typing import NDArray

from kullback._core.errors import DataError
from kullback.data.arrays import is_missing, shown
from kullback.data.checks import HERE, SHOWN_ROWS, Place, and_more
from kullback.data.coded import Coded
from kullback.data.sample import Floats

# Whole numbers in so small a range are counted and looked up in tables, others sorted: 3 and 30 ns
# a value.
_MOST_COUNTED = 1 << 16

_SHORT = (np.uint8, np.uint16, np.uint32)

# The code of a label that is not known.
UNKNOWN = -1.0

# The reason of an error about values that cannot be class labels.
NOT_LABELS = "not labels"


@final
@dataclass(frozen=True)
class Labels:
    """Labels of classes or categories, and their codes.

    Attributes:
        levels: the distinct labels, sorted, or all classes; a label's code is its position here.
        index: the code of each label as it stands in the data.
        written: whether labels in the data are text because the source holds only text (CSV), so
            that one that reads as a number may be that number.
    """

    levels: tuple[Any, ...]
    index: dict[Hashable, int]
    written: bool = False

    @classmethod
    def of(cls, distinct: Iterable[Hashable], label: str, *, written: bool = False) -> Labels:
        """Sort distinct labels.

        Args:
            distinct: the labels.
            label: the name of the outcome in messages.
            written: whether all labels are text because the source holds only text (CSV); if all
                of them are numbers in their usual form, they become those numbers.

        Raises:
            DataError: the labels cannot be sorted.
        """
        values = {value: _number(value) if written else value for value in distinct}
        if written and None in values.values():
            values = {text: text for text in values}
        try:
            ordered = sorted(values, key=values.__getitem__)  # type: ignore[arg-type]
        except TypeError:
            types = and_more(sorted({type(value).__name__ for value in values}), 0)
            raise DataError(
                f"{label} mixes labels of type {types}; make all of them the same type",
                reason=NOT_LABELS,
            ) from None
        return cls(
            _plain_levels([values[value] for value in ordered]),
            {value: code for code, value in enumerate(ordered)},
            written,
        )

    @classmethod
    def known(cls, levels: Sequence[Any], *, written: bool = False) -> Labels:
        """Labels that are known from other rows, in the order of their codes."""
        return cls(tuple(levels), {level: code for code, level in enumerate(levels)}, written)

    def among(self, levels: Sequence[Any] | None) -> Labels:
        """The same labels coded by their places among levels; unchanged if one is not a level."""
        if levels is None or not set(self.levels) <= set(levels):
            return self
        code = {level: place for place, level in enumerate(levels)}
        index = {value: code[self.levels[own]] for value, own in self.index.items()}
        return Labels(tuple(levels), index, self.written)

    def codes(self, values: NDArray[Any], label: str) -> Floats:
        """The codes of labels as float64, NaN for missing and for other labels.

        Raises:
            DataError: a value cannot be a label.
        """
        known = np.array(list(self.index))
        if _are_whole(values) and _are_whole(known) and _span(known) < _MOST_COUNTED:
            low = int(known.min())
            code = np.full(_span(known) + 2, np.nan)  # the last one, where −1 points, is of others
            code[known.astype(np.int64) - low] = [*self.index.values()]
            at = values.astype(np.int64) - low
            other = (at < 0) | (at >= len(code))
            return code.take(np.where(other, -1, at) if other.any() else at)
        if values.dtype.kind in "biuf" and known.dtype.kind in "biuf" and len(known):
            order = np.argsort(known, kind="stable")
            at = np.minimum(np.searchsorted(known[order], values), len(known) - 1)
            code = np.array([*self.index.values()], dtype=np.float64)[order]
            return np.where(known[order][at] == values, code[at], np.nan)
        if values.dtype.kind in "mMcO":
            distinct_labels(values, label)  # raises for values that cannot be labels
        index: Mapping[Hashable, float] = self.index
        if self.written:
            numbers = {value: self.index.get(_number(value)) for value in set(values.tolist())}
            index = {**{v: code for v, code in numbers.items() if code is not None}, **self.index}
        found = map(index.get, values.tolist(), repeat(np.nan))
        return np.fromiter(found, dtype=np.float64, count=values.size)

    def all_codes(self, values: NDArray[Any], label: str) -> Floats:
        """The codes of labels as float64, NaN for missing ones and ``UNKNOWN`` for others.

        Raises:
            DataError: a value cannot be a label.
        """
        if isinstance(values, Coded):
            own = self.all_codes(np.array([*values.categories, None], dtype=object), label)
            return own.take(np.asarray(values))
        codes = self.codes(values, label)
        absent = np.flatnonzero(np.isnan(codes))
        codes[[row for row in absent.tolist() if not is_missing(values[row])]] = UNKNOWN
        return codes

    def refuse_unknown(
        self, values: NDArray[Any], codes: Floats, label: str, role: str, place: Place = HERE
    ) -> NoReturn:
        """Refuse labels of which some are not known.

        Args:
            values: the column.
            codes: its ``all_codes``.
            label: its name in messages.
            role: what the labels are: classes, or categories.
            place: where the rows come from.

        Raises:
            DataError: always; the message names one, and the rows.
        """
        values = values.values if isinstance(values, Coded) else values
        others = np.flatnonzero(codes < 0.0).tolist()
        value = values[others[0]]
        rows = [place.name_row(row) for row in others if values[row] == value]
        raise DataError(
            f"{label} holds {shown(value)}, which is not one of the {role}: "
            f"{and_more([shown(level) for level in self.levels[:5]], len(self.levels))}. "
            f"It is in {and_more(rows[:SHOWN_ROWS], len(rows))}. "
            f"Leave out such rows, or fit the model to rows of all {role}."
        )


def distinct_labels(values: NDArray[Any], label: str) -> set[Hashable]:
    """The distinct labels in a column, without missing ones.

    Raises:
        DataError: a value in the column cannot be a label.
    """
    if isinstance(values, Coded):
        return set(values.counts)
    if values.dtype.kind in "mMc":
        raise DataError(
            f"{label} holds values of type {values.dtype}, which cannot be class labels; convert "
            "them to text first",
            reason=NOT_LABELS,
        )
    if _are_whole(values) and _span(values) < _MOST_COUNTED:
        low = int(values.min())
        distinct = (np.flatnonzero(np.bincount(values.astype(np.int64) - low)) + low).tolist()
        return set(distinct)
    distinct = np.unique(values).tolist() if values.dtype.kind in "biufUST" else values.tolist()
    try:
        return {value for value in set(distinct) if not is_missing(value)}
    except TypeError:
        row = next(row for row, value in enumerate(distinct) if not isinstance(value, Hashable))
        raise DataError(
            f"{label} holds values of type {type(distinct[row]).__name__}, which cannot be class "
            f"labels; row {row} is {shown(distinct[row])}",
            reason=NOT_LABELS,
        ) from None


def _are_whole(values: NDArray[Any]) -> bool:
    """Whether an array is of some whole numbers, of a type that can be negative or is short."""
    return values.size > 0 and (values.dtype.kind == "i" or values.dtype in _SHORT)


def _span(values: NDArray[Any]) -> int:
    """The difference of the largest and the smallest of some whole numbers."""
    return int(values.max()) - int(values.min())


def _plain_levels(levels: list[Any]) -> tuple[Any, ...]:
    """The levels, as integers if all of them are whole numbers.

    Whole numbers arrive as floats from a column in which a value is missing, perhaps only from some
    parts of a file.
    """
    whole = all(
        type(level) is int or (isinstance(level, float) and level.is_integer()) for level in levels
    )
    return tuple(int(level) if whole else level for level in levels)


def _number(text: Hashable) -> int | float | None:
    """The number of which a text is the usual form, or None."""
    for kind in (int, float):
        try:
            number = kind(str(text))
        except ValueError:
            continue
        if str(number) == text and math.isfinite(number):
            return number
    return None
