"""Sources of a model's parameters: free, fixed, bounded or tied to another parameter.

A source computes a parameter of a row from coefficients (estimated or fixed numbers) and the row's
columns. `kullback.models.network` has the sources that are networks.
"""

from __future__ import annotations

import abc
import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, ClassVar, final

import numpy as np

from kullback._core.arrays import Array, Vector
from kullback._core.domains import Domain, Interval
from kullback._core.equality import same
from kullback._core.errors import ModelError
from kullback.data.schema import Schema
from kullback.models.calls import CheckedCalls
from kullback.models.design_matrix import DesignMatrix
from kullback.models.penalty import Ridge

COMPONENTS = "components["
"""How the names of a mixture's parameters begin, those of its weights apart."""

# Numbers of a fixed vector that are shown one by one.
_SHOWN = 12


@dataclass(frozen=True)
class Coefficient:
    """A coefficient of a model: a number or vector with its domain, estimated or fixed.

    Attributes:
        name: the name in reports: the parameter's, followed by the coefficient's after a dot.
        domain: the values that it may take.
        start: the solver's starting value; None lets the model choose.
        value: its value if it is fixed, None if it is estimated.
        labels: a label for each number of a vector, for reports.
    """

    name: str
    domain: Domain
    start: Vector | None = None
    value: Vector | None = None
    labels: tuple[str, ...] = ()


def numbers_of(coefficient: Coefficient) -> tuple[str, ...]:
    """The name of each number of a coefficient."""
    c = coefficient
    if c.domain.size == 1 and not c.labels:
        return (c.name,)
    return tuple(f"{c.name}[{label}]" for label in c.labels or range(c.domain.size))


class Source(metaclass=CheckedCalls):
    """Base class of the sources of a parameter: abstract.

    A subclass states the ``columns`` that it reads and its ``coefficients``, and computes the
    parameter's ``value`` from both with JAX operations. Sources with equal ``structure`` share one
    compiled kernel, so the structure must not hold numbers that a fit changes.

    Attributes:
        columns: the columns that it reads.
        categories: by name, the columns that it reads as the codes of categories, with their
            levels; None for levels that are those of the rows that it is fitted to.
        penalty: a penalty on its coefficients, of a source that is linear in columns.
        domains: by name, the domain of columns whose values must lie in one.
        by_value: the columns that it reads as numbers or as categories, as their values are.
        takes_all: whether it reads all other columns too, but for outcome, weights and the like.
        takes_missing: whether a value of its columns may be missing, NaN, as networks allow.
        nonlinear: whether it is the user's function, whose value is a predictor of a row.
        named: whether results show its numbers by the names of its coefficients.
    """

    columns: tuple[str, ...] = ()
    categories: Mapping[str, tuple[Any, ...] | None] | None = None
    penalty: Ridge | None = None
    domains: Mapping[str, Interval] = MappingProxyType({})
    by_value: tuple[str, ...] = ()
    takes_all: bool = False
    takes_missing: ClassVar[bool] = False
    nonlinear: ClassVar[bool] = False
    named: ClassVar[bool] = False

    @property
    def structure(self) -> Hashable:
        """What compiled code depends on, as a cache key."""
        return (type(self), self.columns)

    # Subclasses mark the arguments that they do not use with a leading underscore.

    def for_parameter(self, domain: Domain) -> Source:  # noqa: ARG002
        """Return this source as that of a parameter with that domain; by default itself."""
        return self

    def bind(self, schema: Schema) -> Source:  # noqa: ARG002
        """Return this source as one for a sample with this schema; by default itself.

        A source of categories learns their levels here, and then has its coefficients.
        """
        return self

    def predictor(self) -> Source:
        """Return the source of one number a row, where this one is linear; by default itself."""
        return self

    def design(self, row: Mapping[str, Vector]) -> DesignMatrix | None:  # noqa: ARG002
        """Return the design matrix of rows, where this source is linear."""
        return None

    @property
    def design_key(self) -> Hashable:
        """A key of that matrix: for the same rows, sources with equal keys have equal ones."""
        return self

    def offset_of(self, row: Mapping[str, Vector]) -> Vector | None:  # noqa: ARG002
        """Return what is added to a linear predictor of each row; None for nothing."""
        return None

    def starts_at(self, value: float | Vector) -> float | Vector:
        """Return starting values of its coefficients, from one of the parameter."""
        return value

    def coefficients(self, parameter: str, domain: Domain) -> tuple[Coefficient, ...]:  # noqa: ARG002
        """Return the coefficients for a parameter with that domain; by default none."""
        return ()

    def by_coefficient(self, numbers: Any) -> Any:
        """Return one number a coefficient as results show them; by default unchanged."""
        return numbers

    @abc.abstractmethod
    def value(
        self,
        coefficients: Sequence[Array],
        row: Mapping[str, Array],
        parameters: Mapping[str, Array],
    ) -> Array:
        """Compute the parameter: a scalar, or one value a row.

        Args:
            coefficients: one array a coefficient, in the order of ``coefficients``.
            row: the columns of a block of rows, by name.
            parameters: the parameters computed before this one (for ties).
        """

    def fixed_at(self, values: Sequence[Vector]) -> Source:  # noqa: ARG002
        """Return this source with its coefficients fixed at ``values``; by default itself."""
        return self


class _Number(Source):
    """A source with a single coefficient, which is the parameter."""

    def value(
        self,
        coefficients: Sequence[Array],
        _row: Mapping[str, Array],
        _parameters: Mapping[str, Array],
    ) -> Array:
        """Return the coefficient."""
        return coefficients[0]

    def fixed_at(self, values: Sequence[Vector]) -> Source:
        """Return the fixed number ``values[0]``."""
        return Fixed(values[0])


@final
@dataclass(frozen=True)
class Free(_Number):
    """A free parameter: one value anywhere in its domain. The source of parameters left out."""

    def coefficients(self, parameter: str, domain: Domain) -> tuple[Coefficient, ...]:
        """Return one coefficient, the parameter itself."""
        return (Coefficient(parameter, domain),)


@final
class Fixed(_Number):
    """A fixed number or vector: known, not estimated."""

    def __init__(self, number: Any) -> None:
        """Convert the number to float64.

        Raises:
            ModelError: for anything but numbers.
        """
        try:
            self.number: Vector = np.array(number, dtype=np.float64)
        except (TypeError, ValueError):
            raise ModelError(
                f"{number!r} is not a number. Give a number to fix a parameter, leave it out to "
                f"estimate it, or use a source such as kl.Param(start=...)."
            ) from None
        self.number.flags.writeable = False

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and same(vars(self), vars(other))

    def __hash__(self) -> int:
        return hash((Fixed, self.number.size))

    def __repr__(self) -> str:
        """Show the number; of a long vector its ends and its length."""
        if self.number.size <= _SHOWN:
            return repr(self.number.tolist())
        first = ", ".join(map(repr, self.number.ravel()[:3].tolist()))
        return f"[{first}, …, {self.number.ravel()[-1].item()!r} ({self.number.size:,} numbers)]"

    def coefficients(self, parameter: str, domain: Domain) -> tuple[Coefficient, ...]:
        """Return one fixed coefficient.

        Raises:
            ModelError: for a number outside the parameter's domain.
        """
        vector = self.number.reshape(-1)
        if vector.size != domain.size or not np.all(domain.contains(vector)):
            number = self.number.tolist()
            raise ModelError(
                f"{parameter}={number!r} lies outside its domain: needs {domain.phrase(parameter)}."
            )
        return (Coefficient(parameter, domain, value=vector),)


@final
@dataclass(frozen=True)
class Param(_Number):
    """A free parameter with a starting value and bounds.

    Args:
        start: the solver's starting value; None lets the model choose.
        lower: a lower bound inside the parameter's domain; the estimate may lie on it.
        upper: an upper bound, likewise.

    Raises:
        ModelError: for bounds out of order or a start outside them.

    Example:
        >>> import kullback as kl
        >>> kl.StudentT(df=kl.Param(start=5.0, lower=2.0))
        StudentT(df=Param(start=5.0, lower=2.0, upper=None), loc=?, scale=?)
    """

    start: float | None = None
    lower: float | None = None
    upper: float | None = None

    def coefficients(self, parameter: str, domain: Domain) -> tuple[Coefficient, ...]:
        """Return one coefficient on the intersection of the bounds and the domain."""
        if not isinstance(domain, Interval):
            if self == Param():
                return Free().coefficients(parameter, domain)
            raise ModelError(
                f"{parameter} is a vector; kl.Param takes starts and bounds of single numbers only."
            )
        lower = domain.lower if self.lower is None else max(float(self.lower), domain.lower)
        upper = domain.upper if self.upper is None else min(float(self.upper), domain.upper)
        if not lower < upper:
            raise ModelError(
                f"{parameter}={self!r} leaves an empty interval: within the parameter's domain the "
                f"bounds are {lower:g} and {upper:g}. Give lower < upper."
            )
        start = None if self.start is None else np.array([self.start], dtype=np.float64)
        inside = Interval(
            lower,
            upper,
            holds_lower=domain.holds_lower or lower > domain.lower,
            holds_upper=domain.holds_upper or upper < domain.upper,
        )
        if start is not None and not bool(inside.contains(start)[0]):
            raise ModelError(
                f"{parameter}={self!r} starts outside its bounds: needs {inside.phrase('start')}."
            )
        return (Coefficient(parameter, inside, start=start),)


@final
@dataclass(frozen=True)
class SameAs(Source):
    """A tie: this parameter equals another one of the same model, also in the fitted model."""

    other: str
    columns: ClassVar[tuple[str, ...]] = ()  # type: ignore[misc]  # always empty

    @property
    def structure(self) -> Hashable:
        """Return the name of the other parameter, as a cache key."""
        return (SameAs, self.other)

    @property
    def of_mixture(self) -> bool:
        """Whether the other parameter is one of a mixture that the model is a component of."""
        return self.other.startswith(COMPONENTS)

    def value(
        self,
        _coefficients: Sequence[Array],
        _row: Mapping[str, Array],
        parameters: Mapping[str, Array],
    ) -> Array:
        """Return the other parameter."""
        return parameters[self.other]


@final
@dataclass(frozen=True)
class Known(Source):
    """A parameter whose value is known for each row: a column, ``trials="n"``.

    Attributes:
        column: the column's name.
        domain: the values that the parameter may have, as the column's must.
    """

    column: str
    domain: Interval | None = None

    def __post_init__(self) -> None:
        """Check that there is a name."""
        if not self.column:
            raise ModelError('"" is neither the name of a column nor a formula such as "~ age".')

    def __repr__(self) -> str:
        """The column's name."""
        return repr(self.column)

    @property
    def columns(self) -> tuple[str, ...]:  # type: ignore[override]  # the one
        """The column."""
        return (self.column,)

    @property
    def domains(self) -> Mapping[str, Interval]:  # type: ignore[override]  # of the one
        """The domain of the column's values."""
        return {} if self.domain is None else {self.column: self.domain}

    def for_parameter(self, domain: Domain) -> Known:
        """Take the parameter's domain.

        Raises:
            ModelError: for a parameter of several numbers.
        """
        if not isinstance(domain, Interval):
            raise ModelError(f"column {self.column!r} holds one number a row, not {domain.size}.")
        return replace(self, domain=domain)

    def value(
        self,
        _coefficients: Sequence[Array],
        row: Mapping[str, Array],
        _parameters: Mapping[str, Array],
    ) -> Array:
        """Return the column."""
        return row[self.column]


def same_as(other: str) -> SameAs:
    """Tie a parameter to another parameter of the same model.

    Args:
        other: the name of the parameter that it equals.

    Returns:
        The source.

    Example:
        >>> import kullback as kl
        >>> kl.Gamma(shape=kl.same_as("rate"))  # a gamma distribution with mean one
        Gamma(shape=SameAs(other='rate'), rate=?)
    """
    return SameAs(other)


def as_source(parameter: str, argument: Any) -> Source:
    """Convert a user's argument for a parameter to a source.

    None is a free parameter, a number a fixed one, a text that begins with "~" a formula and any
    other text the name of a column of known values.

    Raises:
        ModelError: for numbers that are not finite, wrong formulas, and other objects.
    """
    if argument is None:
        return Free()
    if isinstance(argument, Source):
        return argument
    if isinstance(argument, str):
        from kullback.models.formula.source import Formula

        outcome, tilde, terms = argument.partition("~")
        if tilde and outcome.strip():
            raise ModelError(
                f'{parameter}={argument!r}: a formula has no left side here. Write "~{terms}", and '
                f'give the outcome by y="{outcome.strip()}".'
            )
        return Formula(argument) if tilde else Known(argument)
    fixed = Fixed(argument)
    if not np.all(np.isfinite(fixed.number)) or (
        fixed.number.ndim == 0 and math.isnan(float(fixed.number))
    ):
        raise ModelError(f"{parameter} must be finite, got {argument!r}.")
    return fixed
