"""Factors of terms: numbers computed from columns, and categories.

Arithmetic is computed by walking the tree of a formula; nothing else is evaluated.
"""

from __future__ import annotations

import abc
import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, final

import numpy as np

from kullback._core.arrays import namespace
from kullback._core.errors import DataError, ModelError
from kullback.data.schema import Column, Schema
from kullback.models.formula.syntax import Call, Listing, Name, Node, Number, Operation, Text
from kullback.models.formula.terms import names_in

_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "**": operator.pow,
}

# Functions of all rows: of one number a row, which arithmetic takes, and of several.
_LEARNED = ("center", "scale")
_OF_SEVERAL = ("poly", "bs", "cs")

# Functions of one number.
_ELEMENTARY = ("log", "exp", "sqrt")


class Learned(abc.ABC):
    """A number a row that depends on all rows: abstract, see ``bases.Basis``."""

    node: Call

    @property
    @abc.abstractmethod
    def stage(self) -> int:
        """How many passes over the rows it needs before the one in which it learns."""

    @abc.abstractmethod
    def evaluate(self, row: Mapping[str, Any]) -> tuple[Any, ...]:
        """Return the numbers of rows, after it has learned."""


@final
@dataclass(frozen=True)
class Numeric:
    """A number a row, computed from columns.

    Attributes:
        node: the expression.
        columns: the columns that it reads.
        numbers: of a column that the sample holds as categories, the number of each.
        within: the parts of the expression that depend on all rows, such as center(x).
    """

    node: Node
    columns: tuple[str, ...]
    numbers: tuple[tuple[str, tuple[float, ...]], ...] = ()
    within: tuple[Learned, ...] = ()

    @property
    def stage(self) -> int:
        """How many passes over the rows it needs before it can be computed."""
        return max((part.stage + 1 for part in self.within), default=0)

    @property
    def labels(self) -> tuple[str, ...]:
        """The expression."""
        return (str(self.node),)

    @property
    def is_column(self) -> bool:
        """Whether the numbers are those of a column as they are."""
        return isinstance(self.node, Name) and not self.numbers

    def evaluate(self, row: Mapping[str, Any]) -> tuple[Any, ...]:
        """Return the numbers of the rows."""
        known = {part.node: part.evaluate(row)[0] for part in self.within}
        if self.numbers:
            row = {**row, **{name: _looked_up(v, row[name]) for name, v in self.numbers}}
        return (_value(self.node, row, known),)


@final
@dataclass(frozen=True)
class Category:
    """A category of each row.

    Attributes:
        node: how the formula writes it.
        column: its column.
        levels: its levels, the reference first.
        places: of each code in the sample, the place of its level.
    """

    node: Node
    column: str
    levels: tuple[Any, ...]
    places: tuple[int, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The one column."""
        return (self.column,)

    def labels_of(self, *, full: bool) -> tuple[str, ...]:
        """The labels of all levels, or of the contrasts with the first."""
        if full:
            return tuple(f"{self.column}[{level}]" for level in self.levels)
        return tuple(f"{self.column}[T.{level}]" for level in self.levels[1:])

    def places_of(self, row: Mapping[str, Any]) -> Any:
        """Return the place of each row's level."""
        codes = row[self.column]
        xp = namespace(codes)
        codes = codes.astype(np.intp if xp is np else xp.int32)
        return codes if self._in_order else xp.asarray(self.places)[codes]

    def codes(self, row: Mapping[str, Any], *, full: bool) -> Any:
        """Return the place of each row's level among those with coefficients; −1 for none."""
        places = self.places_of(row)
        return places if full else places - 1

    @cached_property
    def _in_order(self) -> bool:
        """Whether codes are places."""
        return self.places == tuple(range(len(self.places)))


def category_columns(node: Node) -> tuple[str, ...]:
    """The column that a factor reads as categories whatever its values are: that of C(column)."""
    if not (isinstance(node, Call) and node.function == "C"):
        return ()
    column = node.arguments[0] if len(node.arguments) == 1 else None
    unknown = [name for name, _ in node.options if name not in ("levels", "reference")]
    if not isinstance(column, Name) or unknown or len(node.options) > 1:
        raise ModelError(
            f'{node}: write C(column), C(column, reference="b") or C(column, levels=["b", "a"]), '
            "the first level of which is the reference; contrasts are with the reference."
        )
    return (column.name,)


def learned_in(node: Node) -> Iterator[Call]:
    """The outermost parts of arithmetic that depend on all rows."""
    if isinstance(node, Operation):
        for side in (node.left, node.right):
            if side is not None:
                yield from learned_in(side)
    elif isinstance(node, Call) and node.function in _LEARNED:
        yield node
    elif isinstance(node, Call):
        for argument in node.arguments:
            yield from learned_in(argument)


def numeric_of(node: Node, schema: Schema, within: tuple[Learned, ...] = ()) -> Numeric:
    """Return a number computed from columns of a sample.

    Args:
        node: the expression.
        schema: the columns of the sample.
        within: what ``learned_in`` yields, as factors.

    Raises:
        ModelError: for what cannot be computed.
        DataError: for categories in arithmetic.
    """
    _check(node)
    columns = tuple(dict.fromkeys(names_in(node)))
    known = [schema.columns[name] for name in columns if name in schema.columns]
    numbers = tuple(_numbers(c) for c in known if c.levels is not None)
    return Numeric(node, columns, numbers, within)


def category_of(node: Node, schema: Schema) -> Category | None:
    """Return the category that a node of a formula is in a sample, or None.

    Raises:
        DataError: for levels that do not suit the rows.
    """
    named = category_columns(node)
    if named:
        levels = schema.levels(named[0])
        assert isinstance(node, Call)
        return _category(node, named[0], levels, _ordered(node, levels))
    if isinstance(node, Name):
        column = schema.columns.get(node.name)
        if column is not None and column.levels is not None and not column.as_asked:
            return _category(node, node.name, column.levels, column.levels)
    return None


def _category(node: Node, column: str, coded: tuple[Any, ...], levels: tuple[Any, ...]) -> Category:
    if len(levels) < 2:
        only = f"holds the one level {levels[0]!r}" if levels else "holds no level"
        raise DataError(f'column "{column}" {only}: leave {node} out of the formula.')
    return Category(node, column, levels, tuple(levels.index(level) for level in coded))


def _ordered(node: Call, levels: tuple[Any, ...]) -> tuple[Any, ...]:
    """The levels of C(column) that occur, in the order that it names."""
    for name, value in node.options:
        asked = value.values if isinstance(value, Listing) and name == "levels" else (value,)
        given = tuple(_constant(node, v, levels) for v in asked)
        if name == "reference":
            given = (*given, *(level for level in levels if level not in given))
        lacking = [level for level in levels if level not in given]
        if lacking or len(set(given)) < len(given):
            what = f"lack {lacking[0]!r}, which occurs" if lacking else "repeat a level"
            raise DataError(f"the levels of {node} {what}.")
        unseen = [level for level in given if level not in levels]
        if unseen and name == "reference":
            raise DataError(
                f'the reference of {node} does not occur in column "{node.arguments[0]}": it has '
                f"{', '.join(map(repr, levels[:5]))}."
            )
        return tuple(levels[levels.index(level)] for level in given if level in levels)
    return levels


def _constant(node: Call, value: Node, levels: tuple[Any, ...]) -> Any:
    """A level as an option of C names it."""
    if isinstance(value, Text):
        return value.value
    if isinstance(value, Name) and value.name in ("True", "False"):
        return value.name == "True"
    if isinstance(value, Operation) and value.left is None and isinstance(value.right, Number):
        return -value.right.value if value.operator == "-" else value.right.value
    if isinstance(value, Number):
        return value.value
    raise ModelError(f"{node}: {value} is not a level. Texts are in quotes, such as {levels[0]!r}.")


def _numbers(column: Column) -> tuple[str, tuple[float, ...]]:
    """The number of each category of a column that arithmetic reads."""
    assert column.levels is not None
    try:
        if any(isinstance(level, str) for level in column.levels):
            raise ValueError
        return column.name, tuple(float(level) for level in column.levels)
    except (TypeError, ValueError):
        raise DataError(
            f'column "{column.name}" holds categories such as {column.levels[0]!r}, of which a '
            "formula takes no logarithm or other function."
        ) from None


def _check(node: Node) -> None:
    """Refuse what is not arithmetic.

    Raises:
        ModelError: with the part that is not.
    """
    if isinstance(node, Name | Number):
        return
    if isinstance(node, Operation):
        if node.operator not in _OPERATORS:
            raise ModelError(f"{node}: {node.operator!r} is not an operator of arithmetic.")
        for side in (node.left, node.right):
            if side is not None:
                _check(side)
        return
    if isinstance(node, Call) and node.function in ("I", *_ELEMENTARY):
        if len(node.arguments) != 1 or node.options:
            raise ModelError(f"{node}: {node.function}() takes one argument.")
        _check(node.arguments[0])
        return
    if isinstance(node, Call) and node.function in _LEARNED:
        return  # its argument and options are checked where it is made
    if isinstance(node, Call) and node.function in _OF_SEVERAL:
        raise ModelError(
            f"{node} cannot stand within arithmetic, as it has several columns: a product with z "
            f"is written {node}:z, and arithmetic goes inside, as in bs(log(x), df=4)."
        )
    raise ModelError(f"{node} cannot be computed in a formula: make a column of it.")


def _value(node: Node, row: Mapping[str, Any], known: Mapping[Call, Any]) -> Any:
    """The number of rows, of which some parts are known."""
    if isinstance(node, Name):
        return row[node.name]
    if isinstance(node, Number):
        return node.value
    if isinstance(node, Operation):
        right = _value(node.right, row, known)
        if node.left is None:
            return -right if node.operator == "-" else right
        return _OPERATORS[node.operator](_value(node.left, row, known), right)
    assert isinstance(node, Call)
    if node in known:
        return known[node]
    value = _value(node.arguments[0], row, known)
    if node.function == "I":
        return value
    xp = namespace(next(iter(row.values())))
    return getattr(xp, node.function)(value)


def _looked_up(numbers: tuple[float, ...], codes: Any) -> Any:
    xp = namespace(codes)
    return xp.asarray(numbers)[codes.astype(xp.int32)]
