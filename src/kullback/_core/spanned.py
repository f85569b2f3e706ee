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
        triangle: the inverse of the basis, where that is an upper triangle R: the R of a design's
            QR decomposition. For the logits of several classes, that of each.
    """

    centre: Vector
    basis: Vector
    triangle: Vector | None = None

    @classmethod
    def by_triangle(cls, centre: Vector, triangle: Vector) -> Spanned:
        """Return the coordinates R (value − centre), for each predictor where there are several."""
        from scipy.linalg import solve_triangular

        p = len(triangle)
        inverse = solve_triangular(triangle, np.eye(p))
        return cls(centre, np.kron(np.eye(centre.size // p), inverse), triangle)

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
        change = np.asarray(value) - self.centre
        if self.triangle is not None:
            return (change.reshape(-1, len(self.triangle)) @ self.triangle.T).ravel()
        return np.linalg.solve(self.basis, change)

    def jacobian(self, u: Any) -> Any:  # noqa: ARG002
        """Return the basis."""
        return self.basis

    def curvature(self, u: Any, gradient: Any) -> Any:  # noqa: ARG002
        """Return zeros."""
        return namespace(u).zeros((self.size, self.size))

    def phrase(self, name: str) -> str:
        """Return the condition as text."""
        return f"{self.size} finite numbers {name}"
