"""What is used of the data: the outcome, the covariates and the weights, as checked numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from kullback._core.errors import DataError
from kullback.data.arrays import to_numbers
from kullback.data.checks import (
    HERE,
    Place,
    check_column,
    check_lengths,
    check_weight,
    column_label,
    column_list,
    find_missing,
)
from kullback.data.labels import Labels
from kullback.data.sample import Floats

# The field of an exact row's outcome, which no covariate can be called.
OUTCOME = "y"


@final
@dataclass(frozen=True, eq=False)
class Options:
    """What the user asked for, beside the data.

    Attributes:
        y: the column of the outcome; None for a single array, or a table of one column.
        weights: the column of the weights, or the weights themselves.
        columns: the columns of the covariates.
        drop: whether rows with a missing value are left out.
        as_labels: whether the outcome holds class labels.
    """

    y: Any
    weights: Any
    columns: tuple[str, ...]
    drop: bool
    as_labels: bool


@final
@dataclass(frozen=True)
class Names:
    """Which columns of a table are used, checked to be there.

    Attributes:
        y: the column of the outcome.
        weight: the column of the weights, if there are weights and they are in the table.
        columns: the columns of the covariates.
    """

    y: str
    weight: str | None
    columns: tuple[str, ...]

    @property
    def used(self) -> tuple[str, ...]:
        """Every column that has to be read, once."""
        weight = () if self.weight is None else (self.weight,)
        return tuple(dict.fromkeys((self.y, *weight, *self.columns)))


@final
@dataclass(frozen=True, eq=False)
class Rows:
    """Rows that passed the checks.

    Attributes:
        fields: the outcome and the covariates.
        weight: the weights, or None where all are one.
        kept: the positions of the rows among those that were read, or None where all were kept.
        read: how many rows were read.
    """

    fields: dict[str, Floats]
    weight: Floats | None
    kept: NDArray[np.int64] | None
    read: int

    @property
    def count(self) -> int:
        """How many rows are left."""
        return len(self.fields[OUTCOME])


@final
@dataclass(frozen=True)
class Selection:
    """How raw columns become an outcome, covariates and weights.

    Attributes:
        label: the name of the outcome in messages.
        weight_label: the name of the weights in messages.
        drop: whether rows with a missing value are left out.
        labels: the classes, where the outcome holds labels.
    """

    label: str
    weight_label: str
    drop: bool
    labels: Labels | None = None

    def rows(
        self,
        y: NDArray[Any],
        weight: NDArray[Any] | None,
        covariates: Mapping[str, NDArray[Any]],
        place: Place = HERE,
    ) -> Rows:
        """Turn raw columns into numbers, and check them.

        Raises:
            DataError: a column holds something that cannot be used.
        """
        lengths = {self.label: len(y)}
        lengths |= {column_label(name): len(values) for name, values in covariates.items()}
        if weight is not None:
            lengths[self.weight_label] = len(weight)
        read = check_lengths(lengths)

        outcome = self.labels.codes(y) if self.labels else to_numbers(y, self.label, place)
        fields = {OUTCOME: outcome}
        checked = {self.label: outcome}
        for name, values in covariates.items():
            label = column_label(name)
            fields[name] = checked[label] = to_numbers(values, label, place)
        number_of_times = None
        if weight is not None:
            number_of_times = to_numbers(weight, self.weight_label, place)
            checked[self.weight_label] = number_of_times
            check_weight(self.weight_label, number_of_times, place)

        missing = find_missing(checked, drop=self.drop, place=place)
        if missing is None:
            return Rows(fields, number_of_times, None, read)
        kept = np.flatnonzero(~missing)
        fields = {name: values[kept] for name, values in fields.items()}
        number_of_times = None if number_of_times is None else number_of_times[kept]
        return Rows(fields, number_of_times, kept, read)


def choose_columns(options: Options, known: list[str], of: str) -> Names:
    """Find the columns that were asked for in a table.

    Args:
        options: what was asked for.
        known: the columns of the table.
        of: the table in words.

    Raises:
        DataError: a column is not there, or it is not said which one holds the outcome.
    """
    if options.y is not None:
        y = check_column(options.y, known, "y", of)
    elif len(known) == 1:
        (y,) = known
    elif not known:
        raise DataError(f"{of} has no columns")
    else:
        raise DataError(
            f"{of} has {len(known)} columns ({column_list(known)}): say which one to fit, "
            f'for example y="{known[0]}"'
        )
    weight = options.weights
    if isinstance(weight, str):
        weight = check_column(weight, known, "weights", of)
    columns = tuple(check_column(name, known, "columns", of) for name in options.columns)
    if OUTCOME in columns:
        raise DataError(
            f'a covariate cannot be called "{OUTCOME}", which stands for the outcome; rename the '
            "column"
        )
    return Names(y, weight if isinstance(weight, str) else None, columns)
