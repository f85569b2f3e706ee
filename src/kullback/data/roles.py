"""The roles of a user's columns: outcome, weights and covariates, and how they are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, final

from numpy.typing import NDArray

from kullback._core.errors import DataError
from kullback.data.arrays import reads_as_number
from kullback.data.checks import (
    check_choice,
    check_column,
    check_columns,
    column_list,
)
from kullback.data.observation import Exact, RowKind

# The field of an exact row's outcome; a covariate cannot have this name.
OUTCOME = "y"


@final
@dataclass(frozen=True, eq=False)
class Roles:
    """What the columns of the data are, and how they are read.

    Attributes:
        y: the outcome: the name of its column, not needed where there is only one; or, beside
            covariates, an array of one value a row. For labels also several columns, or an array
            of several columns, with the shares of the classes: probabilities, or counts of votes.
            For another kind of rows, the column of each of its fields.
        weights: the number of times that each row was observed: the name of a column, or an array
            for data in memory.
        columns: the columns of the covariates; None for all others.
        categorical: the covariates that are read as categories whatever their values are.
        missing: "error", or "drop" to drop rows in which a value is missing that must not be.
        outcome: "number", or "label" if the outcome holds class labels of any type: it becomes the
            codes 0, 1, ... of the sorted labels.
        classes: the classes in the order of their codes, which need not all occur; None, or a label
            that is none of them, takes the labels that occur. For shares in an array, their names.
        inferred: whether columns are numbers or categories as their values are, and covariates may
            be missing, as for networks; else covariates must be numbers unless they are named as
            categorical.
        kind: how the outcomes were observed.

    Raises:
        DataError: for an unknown choice.
    """

    y: Any = None  # Any, so that all but a name is refused with a message
    weights: Any = None
    columns: Sequence[str] | None = ()
    categorical: Sequence[str] = ()
    missing: str = "error"
    outcome: str = "number"
    classes: Sequence[Any] | None = None
    inferred: bool = False
    kind: RowKind = field(default_factory=Exact)

    def __post_init__(self) -> None:
        """Refuse choices that do not exist."""
        check_choice(self.missing, ("error", "drop"), "missing")
        check_choice(self.outcome, ("number", "label"), "outcome")
        if isinstance(self.columns, str):
            raise DataError(
                f'columns must be a list of names, such as ["{self.columns}"], got one name'
            )

    @property
    def drop(self) -> bool:
        """Whether rows with a missing value are dropped."""
        return self.missing == "drop"

    @property
    def as_labels(self) -> bool:
        """Whether the outcome holds class labels."""
        return self.outcome == "label"

    @property
    def beside_covariates(self) -> bool:
        """Whether there are covariates, so that the outcome may be an array of its own."""
        return self.columns is None or len(self.columns) > 0

    @property
    def named(self) -> tuple[str, ...]:
        """The columns to read, where all of them are named; else none."""
        if self.columns is None or (self.y is None and self.kind.fields):
            return ()
        outcome = self.y.values() if isinstance(self.y, Mapping) else [self.y]
        outcome = self.y if are_names(self.y) else outcome
        used = (*outcome, self.weights, *self.columns)
        return tuple(name for name in used if isinstance(name, str))


@final
@dataclass(frozen=True, eq=False)
class RawRows:
    """The used columns, not yet checked.

    Attributes:
        outcome: the outcome, in one column or several.
        weight: the weights, or None.
        covariates: by name.
    """

    outcome: tuple[NDArray[Any], ...]
    weight: NDArray[Any] | None
    covariates: Mapping[str, NDArray[Any]]


@final
@dataclass(frozen=True)
class ColumnNames:
    """The used columns of a table, each known to exist.

    Attributes:
        outcome: the columns of the outcome; none if it is an array, or was not observed.
        weight: the column of the weights, or None if the table does not hold any.
        covariates: the columns of the covariates.
    """

    outcome: tuple[str, ...]
    weight: str | None
    covariates: tuple[str, ...]

    @property
    def used(self) -> tuple[str, ...]:
        """Every column to read, once."""
        weight = () if self.weight is None else (self.weight,)
        return tuple(dict.fromkeys((*self.outcome, *weight, *self.covariates)))

    def take(self, column: Callable[[str], NDArray[Any]]) -> RawRows:
        """Take the columns by a function from their names."""
        return RawRows(
            tuple(map(column, self.outcome)),
            None if self.weight is None else column(self.weight),
            {name: column(name) for name in self.covariates},
        )


def find_columns(roles: Roles, known: list[str], description: str) -> ColumnNames:
    """Find the columns of the outcome, the weights and the covariates in a table.

    Args:
        roles: the roles of the columns.
        known: the columns of the table.
        description: of the table, for messages.

    Raises:
        DataError: a column does not exist, or several could hold the outcome.
    """
    outcome = _find_outcome(roles, known, description)
    weight = roles.weights if isinstance(roles.weights, str) else None
    if weight is not None:
        check_column(weight, known, "weights", description)
    if roles.columns is None:
        others = {*outcome, weight}
        columns = [name for name in known if name not in others]
    else:
        columns = check_columns(roles.columns, known, "columns", description)
    if roles.beside_covariates and not columns:
        raise DataError(
            f"{description} must have a column besides the outcome for a model with covariates"
        )
    for name in [name for name in roles.categorical if name not in columns]:
        raise DataError(
            f'there is no covariate "{name}" to read as categories; '
            f"the covariates are {column_list(columns)}"
        )
    fields = {*roles.kind.fields, *(f"y[{k}]" for k in range(len(outcome)) if len(outcome) > 1)}
    for name in [name for name in columns if name in fields]:
        raise DataError(
            f'a covariate cannot be called "{name}", the name of the outcome; rename the column'
        )
    return ColumnNames(outcome, weight, tuple(columns))


def _find_outcome(roles: Roles, known: list[str], description: str) -> tuple[str, ...]:
    """The columns of the outcome; none if it is an array, or was not observed."""
    y, fields = roles.y, roles.kind.fields
    if isinstance(y, Mapping) and set(y) == set(fields):
        return tuple(check_column(y[f], known, f'y["{f}"]', description) for f in fields)
    if not fields:
        return ()
    if fields != (OUTCOME,):
        raise DataError(
            f"rows of kind {type(roles.kind).__name__} need y as the columns of their fields, "
            f"{column_list(fields)}, got {y!r}"
        )
    if are_names(y) and set(y) <= set(known):
        if not roles.as_labels:
            raise DataError(SHARES_OF_NUMBERS)
        return tuple(check_columns(y, known, "y", description))
    if y is None and len(known) == 1:
        return (known[0],)
    if y is None and not known:
        raise DataError(f"{description} is empty; at least one column is required")
    if y is None:
        raise DataError(
            f"{description} has {len(known)} columns ({column_list(known)}): say which one to fit, "
            f'for example y="{known[0]}"' + " or an array" * roles.beside_covariates
        )
    if roles.beside_covariates and hasattr(y, "__len__") and not isinstance(y, (str, Mapping)):
        return ()  # an array
    return (check_column(y, known, "y", description),)


SHARES_OF_NUMBERS = (
    "several columns of y are shares of classes, which need a model of classes, such as Categorical"
)


def are_names(y: Any) -> bool:
    """Whether an outcome is a list of several texts, such as the names of columns."""
    return isinstance(y, (list, tuple)) and len(y) > 1 and all(isinstance(v, str) for v in y)


def refuse_no_header(roles: Roles, names: list[str], outcome: tuple[str, ...], of: str) -> None:
    """Refuse a file of text whose first line, read as the names of its columns, holds numbers.

    Raises:
        DataError: there seems to be no header.
    """
    chosen = roles.y is None and outcome and all(map(reads_as_number, outcome))
    if chosen or (roles.columns is None and all(map(reads_as_number, names))):
        fix = f', or give y="{outcome[0]}" if that is the name' if chosen else ""
        raise DataError(
            f"{of} seems to lack a header: its first line, {','.join(outcome if chosen else names)}"
            f", holds only numbers and was read as the names of the columns. Add a line with names"
            f"{fix}."
        )
