"""Learn a sample's schema from its columns: the classes, and which columns hold what categories."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from numbers import Real
from typing import Any, final

from kullback._core.errors import DataError
from kullback.data.categories import (
    are_booleans,
    dates_as_objects,
    holds_categories,
    refuse_identifier,
)
from kullback.data.checks import Place, and_more, column_label
from kullback.data.columns import ColumnConversion
from kullback.data.ends import WINDOW_LOWER, WINDOW_UPPER, EndColumns
from kullback.data.labels import Labels, distinct_labels
from kullback.data.observation import Soft
from kullback.data.roles import ARGUMENTS, ColumnNames, RawRows, Roles
from kullback.data.schema import Column, Schema
from kullback.data.series_names import name_of
from kullback.data.text_among_numbers import refuse_text_among_numbers


@final
class SchemaLearner:
    """Collects classes and levels from the columns, all rows at once or part by part.

    Args:
        roles: the roles of the columns.
        names: their names.
        known: columns and outcome that are known from other rows.
        typed: the columns of a categorical type.
        written: whether the source holds only text (CSV), so that the type of a label is inferred.
        label: the name of an outcome that is an array, in messages.
        orders: by column of a categorical type that has an order of its own, its categories.
    """

    def __init__(
        self,
        roles: Roles,
        names: ColumnNames,
        known: Schema | None,
        *,
        typed: frozenset[str] = frozenset(),
        written: bool = False,
        label: str = "y",
        orders: Mapping[str, Sequence[Any]] | None = None,
    ) -> None:
        self._again = partial(
            SchemaLearner,
            roles,
            names,
            known,
            typed=typed,
            written=written,
            label=label,
            orders=orders,
        )
        self._roles, self._names, self._known = roles, names, known or Schema()
        self._typed, self._written = frozenset(roles.categorical) | typed, written
        self._as_labels = roles.as_labels and bool(roles.kind.fields)
        several = roles.as_labels and len(names.outcome) > 1
        self._labels_of = tuple(map(column_label, names.outcome))
        if roles.kind.fields and not names.outcome:
            self._labels_of = (label,)
        self._label = label if several or not self._labels_of else and_more(self._labels_of, 0)
        self._shares: tuple[Any, ...] | None = names.outcome if several else None
        self._classes: set[Hashable] = set()
        self._levels: dict[str, set[Hashable]] = {}
        self._of_own_type = set(typed)
        self._orders = orders or {}

    def again(self) -> SchemaLearner:
        """Return the same learner of other rows."""
        return self._again()

    @property
    def weight_label(self) -> str:
        """The name of the weights in messages."""
        weights = self._roles.weights
        name = weights if isinstance(weights, str) else name_of(weights)
        return "the weight array" if name is None else f"the weight {column_label(name)}"

    @property
    def undecided(self) -> ColumnNames:
        """The columns whose values decide what the schema is."""
        labels = self._as_labels and self._known.outcome.levels is None and self._shares is None
        unknown = [n for n in self._names.covariates if n not in self._known.columns]
        return ColumnNames(
            self._names.outcome if labels else (),
            None,
            tuple(n for n in unknown if self._roles.is_by_value(n) or n in self._typed),
        )

    def add(self, raw: RawRows, *, identifiers: bool = True) -> None:
        """Learn from rows.

        Args:
            raw: the rows, with at least the columns that decide.
            identifiers: whether a column may have a different value in every row.

        Raises:
            DataError: a value cannot be a label, or numbers are mixed with texts.
        """
        if self._as_labels and len(raw.outcome) > 1:
            self._name_shares(len(raw.outcome))
        elif self._as_labels and self._known.outcome.levels is None and raw.outcome:
            self._classes |= distinct_labels(raw.outcome[0], self._label)
            if not identifiers:
                refuse_identifier(self._label, len(self._classes), "a class")
        for name, values in raw.covariates.items():
            label, typed = column_label(name), name in self._typed
            if name in self._known.columns or not (typed or self._roles.is_by_value(name)):
                continue
            of_own = holds_categories(values) or (not self._roles.inferred and are_booleans(values))
            if of_own:
                self._of_own_type.add(name)
            if typed or name in self._levels or of_own:
                if not typed:
                    refuse_text_among_numbers(values, label)
                values = dates_as_objects(values) if typed else values
                levels = self._levels.setdefault(name, set())
                levels |= distinct_labels(values, label)
                if not identifiers:
                    refuse_identifier(label, len(levels), "a category")

    def add_kept(self, raw: RawRows, place: Place, *, identifiers: bool = True) -> None:
        """Learn from rows of which some may be dropped: a level of dropped rows alone is none.

        Args:
            raw: the rows, with all columns.
            place: where they come from.
            identifiers: whether a column may have a different value in every row.

        Raises:
            DataError: a value cannot be used.
        """
        if self._roles.drop and not self._roles.inferred:
            own = self.again()
            own.add(raw, identifiers=identifiers)
            kept = own.conversion().convert(raw, place).kept
            raw = raw if kept is None else raw.at(kept)
        self.add(raw, identifiers=identifiers)

    def merge(self, later: SchemaLearner, *, identifiers: bool = True) -> None:
        """Take over what a learner of later rows found.

        Args:
            later: the other learner.
            identifiers: whether a column may have a different value in every row.

        Raises:
            DataError: there are as many classes or categories as an identifier has.
        """
        self._classes |= later._classes
        self._of_own_type |= later._of_own_type
        for name, levels in later._levels.items():
            self._levels.setdefault(name, set()).update(levels)
        if not identifiers:
            refuse_identifier(self._label, len(self._classes), "a class")
            for name, levels in self._levels.items():
                refuse_identifier(column_label(name), len(levels), "a category")

    def conversion(self) -> ColumnConversion:
        """The conversion of the columns to rows of this schema.

        Raises:
            DataError: the labels of one column cannot be sorted.
        """
        roles, known = self._roles, self._known
        classes = None
        if self._as_labels and self._shares is None:
            if known.outcome.levels is not None:
                classes = Labels.known(known.outcome.levels, written=self._written)
            else:
                learned = Labels.of(self._classes, self._label, written=self._written)
                classes = learned.among(roles.classes)
        columns: list[Column] = []
        categories: dict[str, Labels] = {}
        for name in self._names.covariates:
            column = known.columns.get(name) or Column(name, may_be_missing=roles.inferred)
            if column.levels is not None:
                categories[name] = Labels.known(column.levels, written=self._written)
            elif name in self._levels:
                learned = Labels.of(self._levels[name], column_label(name), written=self._written)
                order = self._orders.get(name, learned.levels)
                learned = learned.among([v for v in order if v in set(learned.levels)])
                # a file of text shows by its levels whether they are numbers
                numbers = self._written and all(isinstance(v, int | float) for v in learned.levels)
                own = name in self._of_own_type and not numbers
                asked = not (own or self._roles.inferred)
                categories[name] = learned
                column = replace(column, levels=learned.levels, as_asked=asked)
            columns.append(column)
        return ColumnConversion(
            kind=roles.kind if self._shares is None else Soft(len(self._shares)),
            labels_of=self._labels_of,
            label=self._label,
            weight_label=self.weight_label,
            drop=roles.drop,
            schema=Schema.of(columns, classes.levels if classes else self._shares),
            classes=classes,
            categories=categories,
            dated=frozenset(
                name
                for name in self._names.covariates
                if roles.inferred or (roles.is_by_value(name) and name not in roles.categorical)
            ),
            ends=self._ends() if roles.ends else None,
        )

    def _ends(self) -> EndColumns:
        """How the ends of outcomes and windows are read."""
        given = self._roles.others
        columns = {
            role: column_label(value) if isinstance(value, str) else ARGUMENTS[role]
            for role, value in given.items()
            if not isinstance(value, Real)
        }
        lower, upper = (
            float(given[role]) if role in given and role not in columns else None
            for role in (WINDOW_LOWER, WINDOW_UPPER)
        )
        return EndColumns(
            pair=self._roles.pair,
            label=self._label,
            event=columns.pop("event", None),
            window=(lower, upper),
            windows=columns,
            rounding=self._roles.rounding,
            meanings=self._roles.meanings,
        )

    def _name_shares(self, count: int) -> None:
        """Name the classes whose shares an array of several columns holds."""
        if self._shares is None:
            names = self._known.outcome.levels or self._roles.classes
            self._shares = tuple(range(count) if names is None else names)
        if len(self._shares) != count:
            raise DataError(f"y has {count} columns for {len(self._shares)} named classes")
