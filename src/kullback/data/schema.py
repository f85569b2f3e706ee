"""The schema of a sample: its columns, numbers or categories, and its outcome."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, final

from kullback._core.domains import Interval
from kullback._core.errors import DataError


@final
@dataclass(frozen=True)
class Column:
    """A column that a model reads.

    Attributes:
        name: its name.
        levels: its categories in the order of their codes; None for numbers.
        may_be_missing: whether the model takes rows in which its value is missing, as networks do:
            NaN. A category that is not among known levels is missing too; where none may be
            missing, it is an error.
        domain: the values that are permitted; None for all numbers.
        as_asked: whether its categories are numbers, which a model asked to read as categories.
    """

    name: str
    levels: tuple[Any, ...] | None = None
    may_be_missing: bool = False
    domain: Interval | None = None
    as_asked: bool = False


@final
@dataclass(frozen=True)
class Outcome:
    """The outcome of the rows.

    Attributes:
        levels: the class labels in the order of their codes; None for numbers.
        dimension: the numbers in one outcome.
    """

    levels: tuple[Any, ...] | None = None
    dimension: int = 1


@final
@dataclass(frozen=True)
class Schema:
    """What a model may know of a sample before it is fitted, and must find again afterwards.

    Attributes:
        columns: by name, the columns that models read, besides the outcome and the weights.
        outcome: the outcome.
    """

    columns: Mapping[str, Column] = field(default_factory=dict)
    outcome: Outcome = field(default_factory=Outcome)

    @classmethod
    def of(
        cls, columns: Iterable[Column], levels: tuple[Any, ...] | None = None, dimension: int = 1
    ) -> Schema:
        """Make a schema of columns, and of the class labels and the dimension of the outcome."""
        return cls({column.name: column for column in columns}, Outcome(levels, dimension))

    @property
    def categories(self) -> dict[str, tuple[Any, ...]]:
        """The levels of the columns that hold categories, by name."""
        return {n: c.levels for n, c in self.columns.items() if c.levels is not None}

    def levels(self, name: str) -> tuple[Any, ...]:
        """The categories of a column, in the order of their codes.

        Raises:
            DataError: the sample does not hold the column as categories.
        """
        column = self.columns.get(name)
        if column is None or column.levels is None:
            raise DataError(f'the sample does not hold column "{name}" as categories')
        return column.levels
