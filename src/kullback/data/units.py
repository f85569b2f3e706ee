"""Units: groups of rows that may depend on one another, known by a key; units are independent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from kullback._core.errors import DataError
from kullback.data.checks import check_column, column_label, count_of
from kullback.data.derived_sample import DerivedSample
from kullback.data.keys import encoded, missing_keys
from kullback.data.sample import Chunk, RowSource
from kullback.data.tables import column_values

# The field of a unit's number: no column can have this name.
UNIT = "\0unit"


@final
@dataclass(frozen=True, eq=False)
class Units:
    """The unit of every row.

    Attributes:
        label: the key, for messages: 'column "subject"', or 'the array clusters'.
        numbers: by the number of the row in the user's data, the number of its unit; −1 where the
            key is missing.
    """

    label: str
    numbers: NDArray[np.int32]

    @classmethod
    def of(cls, sample: RowSource, key: Any, role: str) -> Units:
        """Number the units of a sample.

        Args:
            sample: the rows.
            key: the name of a column, or an array with a value for every row of the data, those
                with missing values included.
            role: the argument, for messages.

        Raises:
            DataError: for a column that does not exist, or values that cannot be keys.
        """
        if not isinstance(key, str):
            label = f"the array {role}"
            return cls(label, _numbered(iter([column_values(key, role)]), role))
        if sample.others is None:
            raise DataError(
                f'{role}="{key}" names a column, but the data of this fit were arrays: give {role} '
                "as an array with a value for every row."
            )
        check_column(key, sample.others.names, role, sample.others.description)
        return cls(column_label(key), _numbered(sample.others.read(key), key))

    def within(self, sample: RowSource) -> UnitSample:
        """Return the rows with the number of their unit as a field."""
        return UnitSample(sample, self)


@final
@dataclass(frozen=True, eq=False)
class UnitSample(DerivedSample):
    """The rows of another sample, with the number of their unit as the field ``UNIT``.

    Attributes:
        units: the unit of every row.
    """

    units: Units

    def chunks(self) -> Iterator[Chunk]:
        """Yield the other sample's rows.

        Raises:
            DataError: there are more or fewer keys than rows, or a key is missing.
        """
        known, kept = self.units.numbers, 0
        for chunk in self.rows.chunks():
            rows = chunk.row_numbers
            kept += chunk.count
            if chunk.count and int(rows.max()) >= known.size:
                raise self._wrong_length(f"at least {count_of(int(rows.max()) + 1, 'row')}")
            numbers = known[rows]
            missing = np.flatnonzero(numbers < 0)
            if missing.size:
                raise DataError(
                    f"{self.units.label} has no value in {self.locate(int(rows[missing[0]]))}: "
                    "every row needs a key. Fill missing ones in, or leave such rows out."
                )
            yield replace(chunk, fields={**chunk.fields, UNIT: numbers.astype(np.float64)})
        whole = kept + self.dropped if self.part_of is None else self.part_of
        if whole != known.size and whole >= 0:
            raise self._wrong_length(count_of(whole, "row"))

    def _wrong_length(self, rows: str) -> DataError:
        return DataError(
            f"{self.units.label} has {count_of(self.units.numbers.size, 'value')} and "
            f"{self.label} has {rows}: every row needs a key."
        )


def _numbered(parts: Iterator[NDArray[Any]], name: str) -> NDArray[np.int32]:
    """The number of each key, counted from zero; −1 where it is missing."""
    known: dict[Any, int] = {}
    found = [np.zeros(0, dtype=np.int32)]
    for part in parts:
        there = np.flatnonzero(~missing_keys(part))
        codes, keys = encoded({name: part[there]})
        numbers = np.array([known.setdefault(key, len(known)) for key in keys], dtype=np.int32)
        own = np.full(len(part), -1, dtype=np.int32)
        own[there] = numbers[codes]
        found.append(own)
    return np.concatenate(found)
