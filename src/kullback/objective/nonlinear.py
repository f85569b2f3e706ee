"""A source that is a function of coefficients and columns, differentiated in its coefficients.

The function and its Jacobian are computed for a run of rows, by forward differentiation, and its
second derivatives in the direction of the loss, Σ v ∂²η/∂θ∂θ', as one matrix. The user's own
functions of scalars run in NumPy, without compilation, where they have a translation.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any, final

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from kullback._core.arrays import Array, Vector, float64
from kullback._core.compilation import COMPILED
from kullback._core.derivatives import first_and_second
from kullback._core.domains import REAL, Reals
from kullback._core.numpy_program import NUMPY_PROGRAMS, NumpyProgram
from kullback._core.operations import UntranslatableError
from kullback.models.function import Function
from kullback.models.linear import Predicted
from kullback.models.model import Model
from kullback.models.source import Source

# Rows in one call for second derivatives: with forty coefficients their parts stay in a core's
# cache (3 µs a row; with 4,096 rows 20 µs).
_ROWS = 512

# Points at which second derivatives are looked at.
_POINTS = 3

# For so many coefficients at most, their second derivatives are formulas of their own.
_MOST = 16


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
        basis: where given, derivatives are taken along its columns instead of in the coefficients.
    """

    parameter: str
    source: Source
    sizes: tuple[int, ...]
    free: tuple[int, ...]
    size: int
    basis: Vector | None = None

    def predictor(self) -> Predicted:
        """Return the source of these numbers themselves."""
        return Predicted(REAL if self.size == 1 else Reals(self.size), fixed=False)

    def evaluate(self, numbers: Vector, fields: Mapping[str, Vector]) -> tuple[Vector, Vector]:
        """Return the numbers, shape (size, rows), and Jacobian, shape (size, coefficients, rows).

        Args:
            numbers: the source's coefficients.
            fields: the columns of the rows.
        """
        values, jacobian = self._evaluate(numbers, fields)
        if self.basis is not None:
            jacobian = np.stack([self.basis.T @ own for own in jacobian])
        return values, jacobian

    def _evaluate(self, numbers: Vector, fields: Mapping[str, Vector]) -> tuple[Vector, Vector]:
        program = self._program("values")
        if program is not None:
            found = self._run(program, numbers, fields)
            return found[:1], found[None, 1:]

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
        second = self._curvature(numbers, fields, weights)
        return second if self.basis is None else self.basis.T @ second @ self.basis

    def evaluate_wide(self, numbers: Any, fields: Mapping[str, Vector]) -> tuple[Any, Any] | None:
        """The values and the Jacobian of a number a row at ``numpy.longdouble`` coefficients.

        None where the function must be compiled: JAX has no numbers wider than doubles.
        """
        program = self._program("values")
        if program is None:
            return None
        columns = [fields[name].astype(np.longdouble) for name in self.source.columns]
        with np.errstate(all="ignore"):
            found = [
                np.broadcast_to(v, columns[0].shape) for v in program.of_rows(*columns, *numbers)
            ]
        wide = found[0].dtype == np.longdouble
        return (found[0], np.stack(found[1:])) if wide else None

    def second(self, numbers: Vector, fields: Mapping[str, Vector]) -> Vector | None:
        """The lower triangle of each row's second derivatives; None where it must be compiled."""
        program = self._program("second")
        return None if program is None else self._run(program, numbers, fields)

    def vanish(self, numbers: Vector, fields: Mapping[str, Vector]) -> NDArray[np.bool_]:
        """For each pair of free numbers, whether the second derivative is 0 everywhere.

        From the formula; of one that is compiled, from some points around these numbers.
        """
        d, program = len(self.free), self._program("second")
        out = np.ones((d, d), dtype=bool)
        if program is not None:
            i, j = np.tril_indices(d)
            out[i, j] = out[j, i] = program.vanish
            return out
        draws = np.random.default_rng(0)
        weights = draws.standard_normal((self.size, len(fields[self.source.columns[0]])))
        for _ in range(_POINTS):
            near = numbers + draws.standard_normal(numbers.size) * (np.abs(numbers) + 0.1)
            out &= self._curvature(near, fields, weights) == 0.0
        return out

    def _curvature(self, numbers: Vector, fields: Mapping[str, Vector], weights: Vector) -> Vector:
        lower = self.second(numbers, fields)
        if lower is not None:
            i, j = np.tril_indices(len(self.free))
            out = np.zeros((len(self.free),) * 2)
            out[i, j] = out[j, i] = lower @ weights[0]
            return out

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

    def _program(self, what: str) -> NumpyProgram | None:
        """The values and slopes, or the second derivatives, in NumPy; None if to be compiled."""
        source = self.source
        if not isinstance(source, Function) or self.size > 1 or len(self.free) > _MOST:
            return None
        count = len(source.columns)

        def formula(*inputs: Array) -> Sequence[Array]:
            row = dict(zip(source.columns, inputs[:count], strict=True))

            def function(*free: Array) -> Array:
                numbers = list(inputs[count:])
                for i, number in zip(self.free, free, strict=True):
                    numbers[i] = number
                try:
                    return source.of_scalars(numbers, row)
                except Exception as error:  # a coefficient that is an array, in a function of JAX
                    raise UntranslatableError(str(error)) from error

            at = [inputs[count + i] for i in self.free]
            value, first, second, _ = first_and_second(function, at)
            return [value, *first] if what == "values" else second

        key = (Nonlinear, what, source.structure, self.free)
        return NUMPY_PROGRAMS.get(key, formula, sum(self.sizes), count)

    def _run(self, program: NumpyProgram, numbers: Vector, fields: Mapping[str, Vector]) -> Vector:
        columns = [fields[name] for name in self.source.columns]
        with np.errstate(all="ignore"):
            found = program.of_rows(*columns, *numbers)
        out = np.empty((len(found), columns[0].size))
        for own, value in zip(out, found, strict=True):
            own[:] = value
        return out

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
        with float64():
            return COMPILED.call(key, build, numbers, columns, *arguments)


def nonlinear_source(
    model: Model, parameter: str, is_free: Sequence[bool], basis: Vector | None = None
) -> Nonlinear:
    """Return the function of a source with columns.

    Args:
        model: the model.
        parameter: the source's parameter.
        is_free: for each number of its coefficients, whether to differentiate in it.
        basis: vectors along which to differentiate instead, as columns.
    """
    source, domain = model.sources[parameter], model.parameters[parameter]
    sizes = tuple(c.domain.size for c in source.coefficients(parameter, domain))
    free = tuple(i for i, here in enumerate(is_free) if here)
    return Nonlinear(parameter, source, sizes, free, domain.size, basis)
