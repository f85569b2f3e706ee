"""Sources: where a parameter of a model comes from.

A source turns coefficients (single numbers, estimated or fixed) and the columns of a row into the
parameter's value for that row. Formulas, functions and networks are further subclasses.
"""

from __future__ import annotations

import abc
import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np

from kullback._core.arrays import Array, Vector
from kullback._core.domains import Domain, Interval
from kullback._core.errors import ModelError


@dataclass(frozen=True)
class Coefficient:
    """One unknown of a model: a value with its domain.

    Attributes:
        name: what reports call it: the parameter's name, with the coefficient's behind a dot.
        domain: the values that it may take.
        start: where a solver starts; None leaves that to the model.
        value: its value if it is fixed, None if it is estimated.
    """

    name: str
    domain: Domain
    start: Vector | None = None
    value: Vector | None = None


class Source(abc.ABC):
    """Where a parameter comes from: abstract.

    A subclass names the ``columns`` that it reads, gives its ``coefficients``, and computes the
    parameter's ``value`` from both with JAX operations. Two sources with equal ``structure`` share
    one compiled kernel, so the structure holds no number that a fit changes.

    Attributes:
        columns: the columns that it reads.
        categories: the levels of those that come as codes; None where all of them have to be
            numbers, without gaps.
    """

    columns: tuple[str, ...] = ()
    categories: Mapping[str, tuple[Any, ...]] | None = None

    @property
    def structure(self) -> Hashable:
        """What the compiled code depends on."""
        return (type(self), self.columns)

    # Unused arguments are part of the protocol; a subclass may drop them by a leading underscore.

    def coefficients(self, parameter: str, domain: Domain) -> tuple[Coefficient, ...]:  # noqa: ARG002
        """The unknowns of this source, for a parameter with that domain; by default none."""
        return ()

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
            parameters: the parameters that were computed before this one (for ties).
        """

    def fixed_at(self, values: Sequence[Vector]) -> Source:  # noqa: ARG002
        """This source with its coefficients fixed at ``values``; by default the source itself."""
        return self


class _Number(Source):
    """A source that is one coefficient: its value is that of the parameter."""

    def value(
        self,
        coefficients: Sequence[Array],
        _row: Mapping[str, Array],
        _parameters: Mapping[str, Array],
    ) -> Array:
        """The coefficient."""
        return coefficients[0]

    def fixed_at(self, values: Sequence[Vector]) -> Source:
        """The number ``values[0]``."""
        return Fixed(values[0])


@final
@dataclass(frozen=True)
class Free(_Number):
    """Nothing given: one free value, anywhere in the parameter's domain."""

    def coefficients(self, parameter: str, domain: Domain) -> tuple[Coefficient, ...]:
        """One coefficient that is the parameter itself."""
        return (Coefficient(parameter, domain),)


@final
class Fixed(_Number):
    """A number (or a vector of them): known, not estimated."""

    def __init__(self, number: Any) -> None:
        """Hold the number, read as float64."""
        try:
            self.number: Vector = np.array(number, dtype=np.float64)
        except (TypeError, ValueError):
            raise ModelError(
                f"{number!r} is not a number. A parameter is fixed with a number, left free by "
                f"leaving it out, or given a source such as kl.Param(start=...)."
            ) from None
        self.number.flags.writeable = False

    def __repr__(self) -> str:
        """Show the number."""
        return repr(self.number.tolist())

    def coefficients(self, parameter: str, domain: Domain) -> tuple[Coefficient, ...]:
        """One fixed coefficient; the number must lie in the parameter's domain.

        Raises:
            ModelError: where it does not.
        """
        vector = self.number.reshape(-1)
        if vector.size != domain.size or not np.all(domain.contains(vector)):
            given = self.number.tolist()
            raise ModelError(
                f"{parameter}={given!r} lies outside its domain: needs {domain.phrase(parameter)}."
            )
        return (Coefficient(parameter, domain, value=vector),)


@final
@dataclass(frozen=True)
class Param(_Number):
    """A free parameter with a start and bounds of the user's.

    Args:
        start: where the solver starts; None lets the model choose.
        lower: a lower bound inside the parameter's domain; the estimate may sit on it.
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
        """One coefficient on the intersection of the bounds and the domain."""
        if not isinstance(domain, Interval):
            if self == Param():
                return Free().coefficients(parameter, domain)
            raise ModelError(f"{parameter} is a vector, and kl.Param bounds a single number.")
        lower = domain.lower if self.lower is None else max(float(self.lower), domain.lower)
        upper = domain.upper if self.upper is None else min(float(self.upper), domain.upper)
        if not lower < upper:
            raise ModelError(
                f"{parameter}={self!r} leaves nothing to choose: inside the parameter's own "
                f"domain the bounds are {lower:g} and {upper:g}. Give lower < upper."
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
    """A tie: this parameter equals another parameter of the same model."""

    other: str
    columns: ClassVar[tuple[str, ...]] = ()  # type: ignore[misc]  # never any

    @property
    def structure(self) -> Hashable:
        """The name of the other parameter."""
        return (SameAs, self.other)

    def value(
        self,
        _coefficients: Sequence[Array],
        _row: Mapping[str, Array],
        parameters: Mapping[str, Array],
    ) -> Array:
        """The other parameter."""
        return parameters[self.other]


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


def as_source(parameter: str, given: Any) -> Source:
    """Read what a user gave for a parameter: None, a number, or a source."""
    if given is None:
        return Free()
    if isinstance(given, Source):
        return given
    if isinstance(given, str):
        raise ModelError(
            f"{parameter}={given!r} is a text. Give a number to fix it, leave it out to estimate "
            f"it, or use a source such as kl.Param(start=...) or kl.same_as('other')."
        )
    fixed = Fixed(given)
    if not np.all(np.isfinite(fixed.number)) or (
        fixed.number.ndim == 0 and math.isnan(float(fixed.number))
    ):
        raise ModelError(f"{parameter}={given!r} is not a finite number.")
    return fixed
