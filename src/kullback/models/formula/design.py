"""The columns of a design: what the terms of a formula are in a sample of rows."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from typing import Any, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from kullback._core.arrays import Vector, namespace
from kullback._core.domains import Interval
from kullback._core.errors import ModelError
from kullback.data.schema import Column, Schema
from kullback.models.design_matrix import DesignMatrix, Indicator
from kullback.models.formula.bases import OPTIONS, Basis
from kullback.models.formula.coding import codings
from kullback.models.formula.factors import (
    Category,
    Learned,
    Numeric,
    category_columns,
    category_of,
    learned_in,
    numeric_of,
)
from kullback.models.formula.syntax import Call, Name, Node
from kullback.models.formula.terms import Term

# The Hessian of so many coefficients takes 800 MB.
_MOST = 10_000


Factor: TypeAlias = Numeric | Basis | Category


@final
@dataclass(frozen=True)
class Part:
    """A product of numbers and categories: columns of a design.

    Attributes:
        factors: each factor; of a category, whether all of its levels have coefficients.
    """

    factors: tuple[tuple[Factor, bool], ...]

    @cached_property
    def numbers(self) -> tuple[Numeric | Basis, ...]:
        """The factors that are numbers."""
        return tuple(f for f, _ in self.factors if not isinstance(f, Category))

    @cached_property
    def categories(self) -> tuple[tuple[Category, bool], ...]:
        """The factors that are categories."""
        return tuple((f, full) for f, full in self.factors if isinstance(f, Category))

    @cached_property
    def column(self) -> str | None:
        """The column of the data that it is, as numbers; None for other parts."""
        factors = self.factors
        plain = len(factors) == 1 and isinstance(factors[0][0], Numeric) and factors[0][0].is_column
        return factors[0][0].columns[0] if plain else None

    @property
    def size(self) -> int:
        """The number of columns for each product of numbers."""
        return math.prod(len(f.levels) - (not full) for f, full in self.categories)

    @property
    def products(self) -> range:
        """One place for each product of numbers, of which some have several columns."""
        return range(math.prod(len(f.labels) for f in self.numbers))

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """A label for each column: the first category varies fastest, numbers most slowly."""
        if not self.factors:
            return ("Intercept",)
        each = [
            f.labels_of(full=full) if isinstance(f, Category) else f.labels
            for f, full in self.factors
        ]
        numbers = [k for k, (f, _) in enumerate(self.factors) if not isinstance(f, Category)]
        order = [*numbers, *(k for k in reversed(range(len(each))) if k not in numbers)]
        out = []
        for chosen in product(*(each[k] for k in order)):
            by_factor = dict(zip(order, chosen, strict=True))
            out.append(":".join(by_factor[k] for k in range(len(each))))
        return tuple(out)

    def codes(self, row: Mapping[str, Any]) -> Any:
        """Return the column of each row, from 0, or −1 for none; None without categories."""
        joint, absent, step = None, None, 1
        for category, full in self.categories:
            own = category.codes(row, full=full)
            none = own < 0
            joint = own if joint is None else joint + step * own
            absent = none if absent is None else absent | none
            step *= len(category.levels) - (not full)
        return None if joint is None else namespace(joint).where(absent, -1, joint)

    def indicator(self, row: Mapping[str, Vector]) -> Indicator | None:
        """Return the columns of the categories; None without any."""
        categories = self.categories
        if len(categories) != 1:
            codes = self.codes(row)
            return None if codes is None else Indicator(codes, self.size)
        (category, full) = categories[0]
        # the reference is the first level, so that codes need no change
        return Indicator(category.places_of(row), self.size, first=0 if full else 1)

    def values(self, row: Mapping[str, Any]) -> Iterator[Any]:
        """Yield each product of numbers, 1 for none."""
        for chosen in product(*(f.evaluate(row) for f in self.numbers)):
            yield math.prod(chosen[1:], start=chosen[0]) if chosen else 1.0


@final
@dataclass(frozen=True, eq=False)
class Design:
    """The columns of a formula's terms.

    Attributes:
        text: the formula.
        parts: products of factors, in the order of the coefficients.
        read: the columns of the data that it reads, in the order of the data.
        absent: the labels of columns without a coefficient, which others determine.
    """

    text: str
    parts: tuple[Part, ...]
    read: tuple[Column, ...] = ()
    absent: tuple[str, ...] = ()

    @cached_property
    def key(self) -> Hashable:
        """What the columns depend on: compiled code is kept by it."""
        return (self.text, self.parts, self.absent)

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """A label for each coefficient."""
        return tuple(label for label in self._all_labels if label not in self.absent)

    @cached_property
    def _all_labels(self) -> tuple[str, ...]:
        return tuple(label for part in self.parts for label in part.labels)

    @cached_property
    def _absent(self) -> NDArray[np.intp]:
        """The places of the columns without a coefficient."""
        return np.flatnonzero([label in self.absent for label in self._all_labels])

    def without(self, labels: Iterable[str]) -> Design:
        """Return the design without some columns."""
        return replace(self, absent=(*self.absent, *labels))

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The columns of the data that it reads."""
        factors = (f for part in self.parts for f, _ in part.factors)
        return tuple(dict.fromkeys(name for f in factors for name in f.columns))

    @cached_property
    def categories(self) -> dict[str, tuple[Any, ...]]:
        """The levels of the columns that hold categories, in the order of their codes."""
        return {c.name: c.levels for c in self.read if c.levels is not None}

    @property
    def bases(self) -> dict[str, Basis]:
        """What learns from the rows, by its text: factors, and parts of them."""
        factors = dict.fromkeys(f for part in self.parts for f, _ in part.factors)
        return {str(basis.node): basis for f in factors for basis in _bases_in(f)}

    @property
    def numbers(self) -> tuple[Numeric, ...]:
        """The numbers that are computed, as factors or for what learns from them."""
        factors = dict.fromkeys(f for part in self.parts for f, _ in part.factors)
        numbers = [f for f in factors if isinstance(f, Numeric)]
        return tuple(dict.fromkeys([*numbers, *(b.argument for b in self.bases.values())]))

    @property
    def computed(self) -> tuple[Numeric | Basis, ...]:
        """All numbers that are computed of a row, inner ones first."""
        return (*sorted(self.numbers, key=lambda n: n.stage), *self.bases.values())

    @property
    def ranges(self) -> dict[str, Interval]:
        """The ranges of columns of which there are splines, beyond which these have no value."""
        return {
            basis.argument.node.name: Interval(*basis.range, holds_lower=True, holds_upper=True)
            for basis in self.bases.values()
            if basis.range is not None and isinstance(basis.argument.node, Name)
        }

    def with_bases(self, bases: Mapping[Node, Basis]) -> Design:
        """Return the same columns with what bases have learned."""
        parts = tuple(
            Part(tuple((_with_bases(f, bases), full) for f, full in part.factors))
            for part in self.parts
        )
        return replace(self, parts=parts)

    @property
    def intercept(self) -> bool:
        """Whether the first coefficient is a constant."""
        return bool(self.parts) and not self.parts[0].factors

    def matrix(self, row: Mapping[str, Vector]) -> DesignMatrix:
        """Return the design matrix of rows."""
        numbers = np.empty((self._numbers, len(next(iter(row.values())))))
        indicators: list[Indicator] = []
        place = 0
        for part in self.parts:
            if part.column is not None:
                numbers[place] = row[part.column]
                place += 1
                continue
            coded = part.indicator(row)
            for value in part.values(row):
                if coded is None:
                    numbers[place] = value
                    place += 1
                else:
                    own = None if isinstance(value, float) else value
                    indicators.append(coded if own is None else replace(coded, value=own))
        matrix = DesignMatrix(numbers, tuple(indicators), self._order)
        return matrix.without(self._absent) if self.absent else matrix

    @cached_property
    def _numbers(self) -> int:
        """The number of columns without categories."""
        return sum(len(part.products) for part in self.parts if not part.categories)

    @cached_property
    def _order(self) -> NDArray[np.intp] | None:
        """The places of the columns among the coefficients, numbers first; None if they are so."""
        sizes = [(part.size, bool(part.categories)) for part in self.parts for _ in part.products]
        ends = np.cumsum([size for size, _ in sizes])
        places = [
            (coded, range(end - size, end))
            for end, (size, coded) in zip(ends.tolist(), sizes, strict=True)
        ]
        order = [place for _, own in sorted(places, key=lambda p: p[0]) for place in own]
        return None if order == sorted(order) else np.array(order, dtype=np.intp)

    def predictor(self, beta: Any, row: Mapping[str, Any]) -> Any:
        """Return Σ_j β_j x_ij with JAX or NumPy.

        Args:
            beta: shape (coefficients, predictors).
            row: the columns of the rows.

        Returns:
            Shape (rows, predictors), or (predictors,) for a constant.
        """
        if self._absent.size:  # a coefficient of 0, by one gather: its place is the last
            places = np.full(len(self._all_labels), len(self.labels))
            places[np.delete(np.arange(places.size), self._absent)] = np.arange(len(self.labels))
            xp = namespace(beta)
            beta = xp.concatenate([beta, xp.zeros_like(beta[:1])])[places]
        eta: Any = 0.0
        at = 0
        for part in self.parts:
            codes = part.codes(row)
            for value in part.values(row):
                own = beta[at : at + part.size]
                at += part.size
                if codes is None:
                    eta = eta + own[0] * (value if isinstance(value, float) else value[..., None])
                    continue
                xp = namespace(own)
                padded = xp.concatenate([own, xp.zeros_like(own[:1])])
                found = padded[xp.where(codes < 0, part.size, codes)]
                eta = eta + (found if isinstance(value, float) else found * value[..., None])
        return eta


def check_factor(node: Node) -> None:
    """Refuse what could not be computed in any sample.

    Raises:
        ModelError: for it.
    """
    if not category_columns(node):
        _factor(node, Schema())


def _factor(node: Node, schema: Schema) -> Factor:
    if isinstance(node, Call) and node.function in OPTIONS:
        return _basis(node, schema)
    return category_of(node, schema) or _numeric(node, schema)


def _basis(node: Call, schema: Schema) -> Basis:
    if not node.arguments:
        raise ModelError(f"{node} lacks its column.")
    return Basis(node, _numeric(node.arguments[0], schema))


def _numeric(node: Node, schema: Schema) -> Numeric:
    return numeric_of(node, schema, tuple(_basis(part, schema) for part in learned_in(node)))


def _bases_in(factor: Learned | Factor) -> Iterator[Basis]:
    """What learns from the rows in a factor, inner ones first."""
    if isinstance(factor, Basis):
        yield from _bases_in(factor.argument)
        yield factor
    elif isinstance(factor, Numeric):
        for part in factor.within:
            yield from _bases_in(part)


def _with_bases(factor: Any, bases: Mapping[Node, Basis]) -> Any:
    """The factor with what bases have learned."""
    if isinstance(factor, Basis):
        state = bases.get(factor.node, factor).state
        return replace(factor, argument=_with_bases(factor.argument, bases), state=state)
    if isinstance(factor, Numeric) and factor.within:
        return replace(factor, within=tuple(_with_bases(part, bases) for part in factor.within))
    return factor


def design_of(text: str, terms: Sequence[Term], schema: Schema) -> Design:
    """Return the columns of terms in a sample.

    Raises:
        ModelError: for terms that cannot be computed, or too many coefficients.
        DataError: for a category with one level, or categories in arithmetic.
    """
    nodes = dict.fromkeys(node for term in terms for node in term)
    factors = {node: _factor(node, schema) for node in nodes}
    categories = {node for node, f in factors.items() if isinstance(f, Category)}
    split = [
        ([n for n in t if n not in categories], [n for n in t if n in categories]) for t in terms
    ]
    parts = []
    for term, coded in zip(terms, codings(split), strict=True):
        for coding in coded:
            chosen = [n for n in term if n not in categories or n in coding]
            parts.append(Part(tuple((factors[n], coding.get(n, False)) for n in chosen)))
            if parts[-1].size > _MOST:
                raise ModelError(
                    f"{':'.join(map(str, term))} has {parts[-1].size:,} columns; formulas have at "
                    f"most {_MOST:,} coefficients."
                )
    named = {name for f in factors.values() for name in f.columns}
    read = tuple(column for name, column in schema.columns.items() if name in named)
    design = Design(text, tuple(parts), read)
    if not 0 < len(design.labels) <= _MOST:
        raise ModelError(
            f"the formula {text!r} has {len(design.labels):,} coefficients; it needs at least 1 "
            f"and at most {_MOST:,}."
        )
    return design
