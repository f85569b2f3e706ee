"""The unknowns of a model as one vector, and the chain rule to the unconstrained scale.

Kernels differentiate in the *natural* coefficients ``v`` (shape, rate, ...), because that is cheaper
for every row; solvers move on the unconstrained scale ``u``. The chain rule between them acts on the
sums, not on the rows, so it costs nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from kullback._core.arrays import Vector
from kullback.models.source import Coefficient


@dataclass(frozen=True)
class Layout:
    """All coefficients of a model, in order: the free ones are estimated, the others fixed.

    Attributes:
        coefficients: every coefficient.
        held: values for free coefficients that are held during this solve, by name (an estimate
            that sits on an edge of the sample).
    """

    coefficients: tuple[Coefficient, ...]
    held: Mapping[str, Vector] = field(default_factory=dict)

    @cached_property
    def free(self) -> tuple[Coefficient, ...]:
        """The coefficients that a solver moves."""
        return tuple(c for c in self.coefficients if c.value is None and c.name not in self.held)

    @cached_property
    def mask(self) -> tuple[bool, ...]:
        """For each natural number, whether it is free."""
        free = {c.name for c in self.free}
        return tuple(c.name in free for c in self.coefficients for _ in range(c.support.size))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """A name for each free natural number."""
        return tuple(
            c.name if c.support.size == 1 else f"{c.name}[{k}]"
            for c in self.free
            for k in range(c.support.size)
        )

    @cached_property
    def freedom(self) -> int:
        """How many numbers a solver moves."""
        return sum(c.support.freedom for c in self.free)

    def _parts(self, u: Vector) -> list[Vector]:
        ends = np.cumsum([c.support.freedom for c in self.free])
        return np.split(u, ends[:-1]) if self.free else []

    def natural(self, u: Vector) -> Vector:
        """Map ``u`` (freedom,) to the values of all coefficients, fixed ones included."""
        parts = dict(zip((c.name for c in self.free), self._parts(u), strict=True))
        values = []
        for c in self.coefficients:
            if c.name in parts:
                values.append(c.support.natural(parts[c.name]))
            else:
                values.append(self.held[c.name] if c.value is None else c.value)
        return np.concatenate(values) if values else np.zeros(0)

    def unconstrained(self, values: Mapping[str, Vector]) -> Vector:
        """Map the free coefficients' values, by name, to ``u``."""
        parts = [c.support.unconstrained(values[c.name]) for c in self.free]
        return np.concatenate(parts) if parts else np.zeros(0)

    def split(self, natural: Vector) -> dict[str, Vector]:
        """Cut a vector of all natural values into coefficients by name."""
        ends = np.cumsum([c.support.size for c in self.coefficients])
        parts = np.split(natural, ends[:-1]) if self.coefficients else []
        return {c.name: part for c, part in zip(self.coefficients, parts, strict=True)}

    def jacobian(self, u: Vector) -> Vector:
        """∂ (free natural values) / ∂ u, block diagonal."""
        return _block_diagonal(
            [c.support.jacobian(part) for c, part in zip(self.free, self._parts(u), strict=True)]
        )

    def curvature(self, u: Vector, gradient: Vector) -> Vector:
        """Σ_k gradient_k ∂² value_k / ∂u∂u' over the free natural values, block diagonal."""
        ends = np.cumsum([c.support.size for c in self.free])
        gradients = np.split(gradient, ends[:-1]) if self.free else []
        return _block_diagonal(
            [
                c.support.curvature(part, g)
                for c, part, g in zip(self.free, self._parts(u), gradients, strict=True)
            ]
        )


def _block_diagonal(blocks: Sequence[Vector]) -> Vector:
    if all(block.shape == (1, 1) for block in blocks):  # the usual case, several times faster
        return np.diag(np.array([block[0, 0] for block in blocks], dtype=np.float64))
    out = np.zeros((sum(b.shape[0] for b in blocks), sum(b.shape[1] for b in blocks)))
    i = j = 0
    for block in blocks:
        rows, columns = block.shape
        out[i : i + rows, j : j + columns] = block
        i, j = i + rows, j + columns
    return out
