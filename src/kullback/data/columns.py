"""The used columns of the data: outcome, covariates and weights, found and checked as numbers."""

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
    check_columns,
    check_lengths,
    check_weight,
    column_label,
    column_list,
    find_missing,
)
from kullback.data.labels import Labels
from kullback.data.sample import Floats

# The field of an exact row's outcome; a covariate cannot have this name.
OUTCOME = "y"


@final
@dataclass(frozen=True, eq=False)
class SampleOptions:
    """The arguments of ``open_sample`` besides the data.

    Attributes:
        y: the column of the outcome; None for a single array, or a table of one column.
        weights: the column of the weights, or the weights themselves.
        columns: the columns of the covariates.
        drop: whether rows with a missing value are dropped.
        as_labels: whether the outcome holds class labels.
        levels: the classes in the order of their codes; None takes them from the rows.
    """

    y: Any
    weights: Any
    columns: tuple[str, ...]
    drop: bool
    as_labels: bool
    levels: tuple[Any, ...] | None = None


@final
@dataclass(frozen=True)
class ColumnNames:
    """The used columns of a table, each known to exist.

    Attributes:
        y: the column of the outcome.
        weight: the column of the weights, or None if the table does not hold any.
        columns: the columns of the covariates.
    """

    y: str
    weight: str | None
    columns: tuple[str, ...]

    @property
    def used(self) -> tuple[str, ...]:
        """Every column to read, once."""
        weight = () if self.weight is None else (self.weight,)
        return tuple(dict.fromkeys((self.y, *weight, *self.columns)))


@final
@dataclass(frozen=True, eq=False)
class CheckedRows:
    """Rows that passed the checks.

    Attributes:
        fields: the outcome and the covariates.
        weight: the weights, or None if all are one.
        kept: the positions of these rows among those read, or None if all were kept.
        read: the number of rows read.
    """

    fields: dict[str, Floats]
    weight: Floats | None
    kept: NDArray[np.int64] | None
    read: int

    @property
    def count(self) -> int:
        """The number of rows kept."""
        return len(self.fields[OUTCOME])


@final
@dataclass(frozen=True)
class ColumnConversion:
    """The conversion of raw columns into an outcome, covariates and weights.

    Attributes:
        label: the name of the outcome in messages.
        weight_label: the name of the weights in messages.
        drop: whether rows with a missing value are dropped.
        labels: the classes, if the outcome holds labels.
    """

    label: str
    weight_label: str
    drop: bool
    labels: Labels | None = None

    @property
    def levels(self) -> tuple[Any, ...] | None:
        """The classes in the order of their codes."""
        return self.labels.levels if self.labels else None

    def convert(
        self,
        y: NDArray[Any],
        weight: NDArray[Any] | None,
        covariates: Mapping[str, NDArray[Any]],
        place: Place = HERE,
    ) -> CheckedRows:
        """Convert raw columns to numbers, and check them.

        Raises:
            DataError: a column holds a value that cannot be used.
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
        weights = None
        if weight is not None:
            weights = to_numbers(weight, self.weight_label, place)
            checked[self.weight_label] = weights
            check_weight(self.weight_label, weights, place)

        missing = find_missing(checked, drop=self.drop, place=place)
        if missing is None:
            return CheckedRows(fields, weights, None, read)
        kept = np.flatnonzero(~missing)
        fields = {name: values[kept] for name, values in fields.items()}
        weights = None if weights is None else weights[kept]
        return CheckedRows(fields, weights, kept, read)


def find_columns(options: SampleOptions, known: list[str], description: str) -> ColumnNames:
    """Find the columns of the outcome, the weights and the covariates in a table.

    Args:
        options: the names of the columns.
        known: the columns of the table.
        description: of the table, for messages.

    Raises:
        DataError: a column does not exist, or several could hold the outcome.
    """
    if options.y is not None:
        y = check_column(options.y, known, "y", description)
    elif len(known) == 1:
        (y,) = known
    elif not known:
        raise DataError(f"{description} is empty; at least one column is required")
    else:
        raise DataError(
            f"{description} has {len(known)} columns ({column_list(known)}): say which one to fit, "
            f'for example y="{known[0]}"'
        )
    weight = options.weights
    if isinstance(weight, str):
        weight = check_column(weight, known, "weights", description)
    columns = tuple(check_columns(options.columns, known, "columns", description))
    if OUTCOME in columns:
        raise DataError(
            f'a covariate cannot be called "{OUTCOME}", the name of the outcome; rename the column'
        )
    return ColumnNames(y, weight if isinstance(weight, str) else None, columns)
