"""The coefficients of a model as one vector, and the chain rule to the unconstrained scale.

Kernels differentiate in the *constrained* coefficients ``v`` (shape, rate, ...), which is cheaper
for every row; solvers move on the unconstrained scale ``u``. The chain rule between them is applied
to the sums, not to the rows, at negligible cost. It is written against the array API: it runs in
NumPy without any compilation, and in JAX under ``jit`` and ``vmap``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import accumulate, pairwise
from typing import Any

import numpy as np

from kullback._core.arrays import Vector, namespace
from kullback._core.spanned import Spanned
from kullback.models.source import Coefficient, numbers_of


@dataclass(frozen=True)
class ParameterVector:
    """All coefficients of a model, in order: the free ones are estimated, the others fixed.

    Attributes:
        coefficients: every coefficient.
        on_bound: values of free coefficients that are fixed during this solve, by name (an estimate
            on a bound or at an extreme of the sample).
    """

    coefficients: tuple[Coefficient, ...]
    on_bound: Mapping[str, Vector] = field(default_factory=dict)

    @cached_property
    def free(self) -> tuple[Coefficient, ...]:
        """The coefficients that a solver estimates."""
        return tuple(
            c for c in self.coefficients if c.value is None and c.name not in self.on_bound
        )

    @cached_property
    def is_free(self) -> tuple[bool, ...]:
        """For each constrained number, whether it is free."""
        free = {c.name for c in self.free}
        return tuple(c.name in free for c in self.coefficients for _ in range(c.domain.size))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """A name for each free constrained number."""
        return tuple(name for c in self.free for name in numbers_of(c))

    @cached_property
    def n_free(self) -> int:
        """The number of unconstrained numbers that a solver estimates."""
        return sum(c.domain.n_free for c in self.free)

    @cached_property
    def _in_u(self) -> tuple[slice, ...]:
        """The slice of ``u`` of each free coefficient."""
        return _slices([c.domain.n_free for c in self.free])

    @cached_property
    def slices(self) -> tuple[tuple[Coefficient, slice], ...]:
        """The free coefficients, each with its slice of ``u``."""
        return tuple(zip(self.free, self._in_u, strict=True))

    @cached_property
    def _among_free(self) -> tuple[slice, ...]:
        """The slice of each free coefficient among the free constrained numbers."""
        return _slices([c.domain.size for c in self.free])

    @cached_property
    def places(self) -> tuple[tuple[Coefficient, slice], ...]:
        """Every coefficient, each with its slice of all constrained numbers."""
        slices = _slices([c.domain.size for c in self.coefficients])
        return tuple(zip(self.coefficients, slices, strict=True))

    @cached_property
    def _fixed(self) -> Vector:
        """The constrained numbers of coefficients that are not free; zero elsewhere."""
        out = np.zeros(len(self.is_free))
        for c, where in self.places:
            if c.value is not None or c.name in self.on_bound:
                out[where] = self.on_bound[c.name] if c.value is None else c.value
        return out

    @cached_property
    def _sources(self) -> tuple[tuple[Coefficient, slice | None, slice], ...]:
        """Every coefficient with its slice of ``u``, where it is free, and of the numbers."""
        places = dict(zip((c.name for c in self.free), self._in_u, strict=True))
        return tuple((c, places.get(c.name), where) for c, where in self.places)

    def constrained(self, u: Any) -> Any:
        """Map ``u`` (n_free,) to the values of all coefficients, fixed ones included."""
        xp = namespace(u)
        values = [
            xp.asarray(self._fixed[where]) if at is None else c.domain.constrained(u[at])
            for c, at, where in self._sources
        ]
        return xp.concat(values) if values else u  # a model whose sources are networks alone

    def unconstrained(self, values: Mapping[str, Vector]) -> Vector:
        """Map the free coefficients' values, by name, to ``u``."""
        parts = [c.domain.unconstrained(values[c.name]) for c in self.free]
        return np.concatenate(parts) if parts else np.zeros(0)

    def split(self, constrained: Vector) -> dict[str, Vector]:
        """Cut a vector of all constrained values into coefficients by name."""
        return {c.name: constrained[where] for c, where in self.places}

    def jacobian(self, u: Any) -> Any:
        """∂ (free constrained values) / ∂ u, block diagonal."""
        return _block_diagonal(
            [c.domain.jacobian(u[at]) for c, at in zip(self.free, self._in_u, strict=True)]
        )

    @cached_property
    def bases(self) -> tuple[tuple[str, Vector], ...]:
        """The coefficients whose sums are taken along a basis: it, or its inverse's triangle."""
        domains = [(c.name, c.domain) for c in self.free if isinstance(c.domain, Spanned)]
        return tuple((n, d.basis if d.triangle is None else d.triangle) for n, d in domains)

    def jacobian_of_sums(self, u: Any) -> Any:
        """∂ (free numbers that sums are differentiated in) / ∂ u: along a basis, the identity."""
        if not self.bases:
            return self.jacobian(u)
        pairs = zip(self.free, self._in_u, strict=True)
        spanned = [isinstance(c.domain, Spanned) for c in self.free]
        return _block_diagonal(
            [
                np.eye(c.domain.size) if along else c.domain.jacobian(u[at])
                for along, (c, at) in zip(spanned, pairs, strict=True)
            ]
        )

    def curvature(self, u: Any, gradient: Any) -> Any:
        """Σ_k gradient_k ∂² value_k / ∂u∂u' over the free constrained values, block diagonal."""
        triples = zip(self.free, self._in_u, self._among_free, strict=True)
        return _block_diagonal([c.domain.curvature(u[at], gradient[own]) for c, at, own in triples])


@lru_cache(maxsize=256)
def free_vector(coefficients: tuple[Coefficient, ...]) -> ParameterVector:
    """Return the vector of coefficients without numbers of their own: one for equal coefficients.

    What it derives from them is then computed once, and not for every fit.
    """
    return ParameterVector(coefficients)


def _slices(sizes: Sequence[int]) -> tuple[slice, ...]:
    ends = list(accumulate(sizes, initial=0))
    return tuple(slice(i, j) for i, j in pairwise(ends))


def _block_diagonal(blocks: Sequence[Any]) -> Any:
    if not blocks:
        return np.zeros((0, 0))
    xp = namespace(blocks[0])
    if all(block.size == 1 for block in blocks):  # the usual case, several times faster
        if xp is np:
            diagonal = np.zeros((len(blocks), len(blocks)))
            diagonal.flat[:: len(blocks) + 1] = [block[0, 0] for block in blocks]
            return diagonal
        return xp.diag(xp.concat([block[0] for block in blocks]))
    ends = list(accumulate((block.shape[1] for block in blocks), initial=0))
    rows = [
        xp.concat(
            [xp.zeros((len(b), begin)), b, xp.zeros((len(b), ends[-1] - begin - b.shape[1]))],
            axis=1,
        )
        for b, begin in zip(blocks, ends, strict=False)
    ]
    return xp.concat(rows)
