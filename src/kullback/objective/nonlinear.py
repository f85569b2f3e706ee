"""A source that is a function of coefficients and columns, differentiated in its coefficients.

The function and its Jacobian are computed for a run of rows, by forward differentiation, and its
second derivatives in the direction of the loss, Σ v ∂²η/∂θ∂θ', as one matrix.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any, final

import jax
import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Array, Vector
from kullback._core.compilation import COMPILED
from kullback._core.domains import REAL, Reals
from kullback.models.linear import Predicted
from kullback.models.model import Model
from kullback.models.source import Source

# Rows in one call for second derivatives: with forty coefficients their parts stay in a core's
# cache (3 µs a row; with 4,096 rows 20 µs).
_ROWS = 512


@final
@dataclass(frozen=True)
class Nonlinear:
    """The numbers of a row that a source gives, as a function of its free coefficients.

    Attributes:
        parameter: the name of the parameter.
        source: its source.
        sizes: the size of each of its coefficients.
        free: the free numbers among those of its coefficients.
        size: how many numbers a row has.
    """

    parameter: str
    source: Source
    sizes: tuple[int, ...]
    free: tuple[int, ...]
    size: int

    def predictor(self) -> Predicted:
        """Return the source of these numbers themselves."""
        return Predicted(REAL if self.size == 1 else Reals(self.size), fixed=False)

    def evaluate(self, numbers: Vector, fields: Mapping[str, Vector]) -> tuple[Vector, Vector]:
        """Return the numbers, shape (size, rows), and Jacobian, shape (size, coefficients, rows).

        Args:
            numbers: the source's coefficients.
            fields: the columns of the rows.
        """

        def build() -> Callable[[Array, tuple[Array, ...]], tuple[Array, Array]]:
            def kernel(numbers: Array, columns: tuple[Array, ...]) -> tuple[Array, Array]:
                function, at = self._function(numbers, columns)

                def along(direction: Array) -> Array:
                    slope: Array = jax.jvp(function, (at,), (direction,))[1]
                    return slope

                return function(at), jax.vmap(along, out_axes=1)(jnp.eye(at.size))

            return kernel

        values, jacobian = self._call("values", build, numbers, fields)
        return np.asarray(values), np.asarray(jacobian)

    def curvature(self, numbers: Vector, fields: Mapping[str, Vector], weights: Vector) -> Vector:
        """Return Σ weight ∂² number / ∂θ∂θ' over numbers and rows; weights: shape (size, rows)."""

        def build() -> Callable[[Array, tuple[Array, ...], Array], Array]:
            def kernel(numbers: Array, columns: tuple[Array, ...], weights: Array) -> Array:
                function, at = self._function(numbers, columns)
                second: Array = jax.hessian(lambda t: jnp.sum(weights * function(t)))(at)
                return second

            return kernel

        total = np.zeros((len(self.free),) * 2)
        for begin in range(0, weights.shape[1], _ROWS):
            rows = slice(begin, begin + _ROWS)
            part = {name: fields[name][rows] for name in self.source.columns}
            total += np.asarray(self._call("curvature", build, numbers, part, weights[:, rows]))
        return total

    def _function(
        self, numbers: Array, columns: tuple[Array, ...]
    ) -> tuple[Callable[[Array], Array], Array]:
        """Return the function of the free numbers, and these numbers."""
        free = np.array(self.free)
        row = dict(zip(self.source.columns, columns, strict=True))
        slices = [slice(i, j) for i, j in pairwise(accumulate(self.sizes, initial=0))]

        def function(at: Array) -> Array:
            filled = numbers.at[free].set(at)
            own = [filled[s] if s.stop > s.start + 1 else filled[s.start] for s in slices]
            value = self.source.value(own, row, {})
            value = value[None] if self.size == 1 else jnp.moveaxis(value, -1, 0)
            return jnp.broadcast_to(value, (self.size, len(columns[0])))

        return function, numbers[free]

    def _call(
        self,
        what: str,
        build: Callable[[], Callable[..., Any]],
        numbers: Vector,
        fields: Mapping[str, Vector],
        *arguments: Vector,
    ) -> Any:
        columns = tuple(fields[name] for name in self.source.columns)
        source: Hashable = (type(self.source), self.source.structure, self.sizes, self.size)
        key: Hashable = (what, source, self.free, columns[0].size)
        return COMPILED.call(key, build, numbers, columns, *arguments)


def nonlinear_source(model: Model, parameter: str, is_free: Sequence[bool]) -> Nonlinear:
    """Return the function of a source with columns.

    Args:
        model: the model.
        parameter: the source's parameter.
        is_free: for each number of its coefficients, whether to differentiate in it.
    """
    source, domain = model.sources[parameter], model.parameters[parameter]
    sizes = tuple(c.domain.size for c in source.coefficients(parameter, domain))
    free = tuple(i for i, here in enumerate(is_free) if here)
    return Nonlinear(parameter, source, sizes, free, domain.size)
