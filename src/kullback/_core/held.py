"""A vector of numbers of which some are fixed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from kullback._core.arrays import namespace
from kullback._core.domains import Domain


@final
@dataclass(frozen=True)
class Held(Domain):
    """A vector whose first numbers are its unconstrained ones, some of them held.

    Attributes:
        whole: the domain without held numbers; each of its unconstrained numbers is the number at
            the same position.
        held: the value of each unconstrained number; None where it is free.
    """

    whole: Domain
    held: tuple[float | None, ...]

    @property
    def size(self) -> int:
        """Number of numbers, held ones included."""
        return self.whole.size

    @cached_property
    def _free(self) -> NDArray[np.intp]:
        return np.flatnonzero([value is None for value in self.held])

    @property
    def n_free(self) -> int:
        """Number of numbers that are not held."""
        return int(self._free.size)

    @property
    def bounded(self) -> bool:
        """Whether the whole domain has an end."""
        return self.whole.bounded

    def _full(self, u: Any) -> Any:
        xp, places = namespace(u), iter(range(self.n_free))
        parts = [
            u[next(places)][None] if value is None else xp.asarray([value]) for value in self.held
        ]
        return xp.concat(parts)

    def contains(self, value: Any) -> Any:
        """Return whether values lie inside the whole domain."""
        return self.whole.contains(value)

    def constrained(self, u: Any) -> Any:
        """Map the free numbers to all."""
        return self.whole.constrained(self._full(u))

    def unconstrained(self, value: Any) -> Any:
        """Return the free numbers of a value."""
        return self.whole.unconstrained(value)[self._free]

    def jacobian(self, u: Any) -> Any:
        """Return ∂ value / ∂ u: the columns of the free numbers."""
        return self.whole.jacobian(self._full(u))[:, self._free]

    def curvature(self, u: Any, gradient: Any) -> Any:
        """Return the rows and columns of the free numbers."""
        whole = self.whole.curvature(self._full(u), gradient)
        return whole[self._free][:, self._free]

    def phrase(self, name: str) -> str:
        """Return the condition of the whole domain as text."""
        return self.whole.phrase(name)
