"""A vector of numbers near a point, in coordinates in which they are nearly uncorrelated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np

from kullback._core.arrays import Vector, namespace
from kullback._core.domains import Domain
from kullback._core.equality import Comparable


@final
@dataclass(frozen=True, eq=False)
class Spanned(Comparable, Domain):
    """A vector of real numbers: ``value = centre + basis u``.

    Sums of rows are taken along the columns of the basis, so that strongly correlated coefficients,
    whose second derivatives in themselves are lost in rounding, keep their digits.

    Attributes:
        centre: the value at u = 0, shape (size,).
        basis: shape (size, size), of full rank.
    """

    centre: Vector
    basis: Vector

    bounded = False

    @property
    def size(self) -> int:
        """The number of numbers."""
        return int(self.centre.size)

    @property
    def n_free(self) -> int:
        """All of them."""
        return self.size

    def contains(self, value: Any) -> Any:
        """Return, elementwise, whether numbers are finite."""
        return np.isfinite(np.asarray(value))

    def constrained(self, u: Any) -> Any:
        """Map ``u`` to the numbers."""
        return namespace(u).asarray(self.centre) + self.basis @ u

    def unconstrained(self, value: Any) -> Any:
        """Map numbers to ``u``."""
        return np.linalg.solve(self.basis, np.asarray(value) - self.centre)

    def jacobian(self, u: Any) -> Any:  # noqa: ARG002
        """Return the basis."""
        return self.basis

    def curvature(self, u: Any, gradient: Any) -> Any:  # noqa: ARG002
        """Return zeros."""
        return namespace(u).zeros((self.size, self.size))

    def phrase(self, name: str) -> str:
        """Return the condition as text."""
        return f"{self.size} finite numbers {name}"
