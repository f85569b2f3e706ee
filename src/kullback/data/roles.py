"""The roles of a user's columns: outcome, weights and covariates, and how they are read."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Real
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from kullback._core.errors import DataError
from kullback.data.arrays import reads_as_number
from kullback.data.checks import (
    check_choice,
    check_column,
    check_columns,
    column_list,
)
from kullback.data.events import Events
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
        by_value: the covariates that are numbers or categories as their values are; with
            ``columns`` None all that are not known to be numbers. None of them may be missing.
        inferred: whether columns are numbers or categories as their values are, and covariates may
            be missing, as for networks; else covariates must be numbers unless they are named as
            categorical.
        kind: how the outcomes were observed.
        event: beside an outcome of numbers, how it was observed: 1 or True the outcome itself, 0 or
            False that it is at least so large, −1 that it is at most so large; the name of a
            column, or an array for data in memory, or ``Events`` for other codes.
        truncation: the ends of the window in which a row's outcome had to lie for the row to be in
            the sample: two of the name of a column, an array, a number, or None; None for no
            window.
        rounding: the distance of the values that outcomes were rounded to, so that one of them
            says only that the outcome lies within half of it; None for none.
        meanings: of the events' codes, taken from ``event``; None for the usual ones.

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
    by_value: Sequence[str] = ()
    inferred: bool = False
    kind: RowKind = field(default_factory=Exact)
    event: Any = None
    truncation: Any = None
    rounding: Any = None
    meanings: Events | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        """Refuse choices that do not exist."""
        if isinstance(self.event, Events):
            object.__setattr__(self, "meanings", self.event)
            object.__setattr__(self, "event", self.event.of)
        if self.truncation is not None and not (
            isinstance(self.truncation, (tuple, list)) and len(self.truncation) == 2
        ):
            raise DataError(
                'truncation must be the two ends of a window, such as ("entry", None), got '
                f"{self.truncation!r}"
            )
        if self.rounding is not None and not (
            isinstance(self.rounding, Real) and 0.0 < float(self.rounding) < math.inf
        ):
            raise DataError(f"rounding must be a positive number, got {self.rounding!r}")
        if self.as_labels and (self.event is not None or self.truncation or self.rounding):
            raise DataError("event, truncation and rounding are of numbers; y holds labels")
        if self.event is not None and self.pair:
            raise DataError(
                "y holds the two ends of every outcome, which say how it was observed: leave "
                "event out, or give one column as y"
            )
        check_choice(self.missing, ("error", "drop"), "missing")
        check_choice(self.outcome, ("number", "label"), "outcome")
        if isinstance(self.columns, str):
            raise DataError(
                f'columns must be a list of names, such as ["{self.columns}"], got one name'
            )

    @property
    def pair(self) -> bool:
        """Whether the outcome is two columns of numbers, its lower and its upper ends."""
        return not self.as_labels and are_names(self.y) and len(self.y) == 2

    @property
    def ends(self) -> bool:
        """Whether rows may have ends and windows."""
        return self.pair or any(
            role is not None for role in (self.event, self.truncation, self.rounding)
        )

    @property
    def others(self) -> dict[str, Any]:
        """The roles of the columns of events and windows, those that are given."""
        lower, upper = self.truncation or (None, None)
        given = {"event": self.event, "window.lower": lower, "window.upper": upper}
        return {role: value for role, value in given.items() if value is not None}

    def is_by_value(self, name: str) -> bool:
        """Whether its values decide if a covariate holds categories."""
        return self.inferred or self.columns is None or name in self.by_value

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
        used = (*outcome, self.weights, *self.others.values(), *self.columns)
        return tuple(name for name in used if isinstance(name, str))


@final
@dataclass(frozen=True, eq=False)
class RawRows:
    """The used columns, not yet checked.

    Attributes:
        outcome: the outcome, in one column or several.
        weight: the weights, or None.
        covariates: by name.
        others: the columns of events and windows, by role.
    """

    outcome: tuple[NDArray[Any], ...]
    weight: NDArray[Any] | None
    covariates: Mapping[str, NDArray[Any]]
    others: Mapping[str, NDArray[Any]] = field(default_factory=dict)

    def at(self, rows: NDArray[np.int64]) -> RawRows:
        """Some of the rows."""
        return RawRows(
            tuple(values[rows] for values in self.outcome),
            None if self.weight is None else self.weight[rows],
            {name: values[rows] for name, values in self.covariates.items()},
            {role: values[rows] for role, values in self.others.items()},
        )


@final
@dataclass(frozen=True)
class ColumnNames:
    """The used columns of a table, each known to exist.

    Attributes:
        outcome: the columns of the outcome; none if it is an array, or was not observed.
        weight: the column of the weights, or None if the table does not hold any.
        covariates: the columns of the covariates.
        others: the columns of events and windows, by role.
    """

    outcome: tuple[str, ...]
    weight: str | None
    covariates: tuple[str, ...]
    others: Mapping[str, str] = field(default_factory=dict)

    @property
    def used(self) -> tuple[str, ...]:
        """Every column to read, once."""
        weight = () if self.weight is None else (self.weight,)
        others = self.others.values()
        return tuple(dict.fromkeys((*self.outcome, *weight, *others, *self.covariates)))

    @property
    def coded(self) -> frozenset[str]:
        """The columns of which texts can only be categories: covariates that are nothing else."""
        return frozenset(self.covariates) - {*self.outcome, self.weight, *self.others.values()}

    def take(self, column: Callable[[str], NDArray[Any]]) -> RawRows:
        """Take the columns by a function from their names."""
        return RawRows(
            tuple(map(column, self.outcome)),
            None if self.weight is None else column(self.weight),
            {name: column(name) for name in self.covariates},
            {role: column(name) for role, name in self.others.items()},
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
    others = {role: name for role, name in roles.others.items() if isinstance(name, str)}
    for role, name in others.items():
        check_column(name, known, ARGUMENTS[role], description)
    if roles.columns is None:
        taken = {*outcome, weight, *others.values()}
        columns = [name for name in known if name not in taken]
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
    for name in [name for name in roles.by_value if name in {*outcome, weight, *others.values()}]:
        role = "the outcome" if name in outcome else "the weights, the events or the windows"
        raise DataError(
            f'a formula reads column "{name}", which is {role}; a copy under another name could '
            "be read"
        )
    fields = {*roles.kind.fields, *(f"y[{k}]" for k in range(len(outcome)) if len(outcome) > 1)}
    for name in [name for name in columns if name in fields]:
        raise DataError(
            f'a covariate cannot be called "{name}", the name of the outcome; rename the column'
        )
    return ColumnNames(outcome, weight, tuple(columns), others)


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
    if are_names(y) and (roles.pair or set(y) <= set(known)):
        if not (roles.as_labels or roles.pair):
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


# The argument that gives a role, in messages.
ARGUMENTS = {
    "event": "event",
    "window.lower": "truncation[0]",
    "window.upper": "truncation[1]",
}

SHARES_OF_NUMBERS = (
    "several columns of y are shares of classes, which need a model of classes, such as "
    "Categorical; of numbers, y may be two columns, the lower and the upper end of every outcome"
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
