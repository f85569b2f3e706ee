"""Polynomials of degree at most two in a few unknowns, with coefficients that JAX may trace."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from kullback._core.arrays import Array

Monomial: TypeAlias = tuple[int, ...]
"""The multiplied unknowns in ascending order: () is the constant, (0, 0) a square."""

Accurate: TypeAlias = bool | np.bool_ | NDArray[np.bool_]
"""Whether basis functions keep their digits at some parameters, or at those of each group."""


@final
@dataclass(frozen=True, eq=False)
class BasisForm:
    """A polynomial, with addition and multiplication by polynomials and scalars.

    Attributes:
        coefficients: by monomial; missing ones are zero.
    """

    coefficients: Mapping[Monomial, Any]

    def slope(self, i: int) -> BasisForm:
        """Return the derivative in the unknown ``i``."""
        terms: dict[Monomial, Any] = {}
        for monomial, c in self.coefficients.items():
            if times := monomial.count(i):
                rest = list(monomial)
                rest.remove(i)
                terms[tuple(rest)] = c if times == 1 else 2.0 * c
        return BasisForm(terms)

    def dense(self, unknowns: int) -> list[Any]:
        """Return the coefficients of 1, each unknown and each product of two; None where missing.

        Products in the order of a lower triangle: (0, 0), (1, 0), (1, 1), (2, 0) and so on.
        """
        products = [(j, i) for i in range(unknowns) for j in range(i + 1)]
        order: list[Monomial] = [(), *((i,) for i in range(unknowns)), *products]
        return [self.coefficients.get(monomial) for monomial in order]

    def __add__(self, other: BasisForm | Array | float) -> BasisForm:
        """Add."""
        terms = dict(self.coefficients)
        for monomial, c in _read(other).coefficients.items():
            terms[monomial] = terms[monomial] + c if monomial in terms else c
        return BasisForm(terms)

    def __mul__(self, other: BasisForm | Array | float) -> BasisForm:
        """Multiply.

        Raises:
            ValueError: where the product has a degree above two.
        """
        total = BasisForm({})
        for a, x in self.coefficients.items():
            for b, y in _read(other).coefficients.items():
                if len(a) + len(b) > 2:
                    raise ValueError(f"a product of degree {len(a) + len(b)} is not quadratic")
                total = total + BasisForm({tuple(sorted(a + b)): x * y})
        return total

    def __neg__(self) -> BasisForm:
        """Negate."""
        return BasisForm({monomial: -c for monomial, c in self.coefficients.items()})

    def __sub__(self, other: BasisForm | Array | float) -> BasisForm:
        """Subtract."""
        return self + -_read(other)

    def __rsub__(self, other: Array | float) -> BasisForm:
        """Subtract from a scalar."""
        return -self + other

    __radd__ = __add__
    __rmul__ = __mul__


def _read(other: BasisForm | Array | float) -> BasisForm:
    return other if isinstance(other, BasisForm) else BasisForm({(): other})
