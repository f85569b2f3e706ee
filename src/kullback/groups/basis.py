"""Sums of a family's basis functions over the rows of groups, and the derivatives that follow.

See ``objective.basis_functions``: loss, scores and Hessian are linear in the sums of the basis
functions and of their products, which NumPy computes in a third of the compiled program's time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, final

import jax
import numpy as np

from kullback._core.arrays import Array, Vector, float64
from kullback._core.compilation import COMPILED
from kullback._core.memory import Scratch
from kullback.groups.rows import KindRows, Places
from kullback.models.forms import BasisFunctions
from kullback.objective.basis_functions import coefficients
from kullback.objective.statistics import LossDerivatives

# Groups in one call of the compiled program of coefficients.
_WIDTH = 1_024

_SCRATCH = Scratch()


@final
@dataclass(frozen=True)
class BasisKernel:
    """Σ w f_i and Σ w f_i f_j over the rows of every lane; NaN where they are inaccurate.

    Attributes:
        family: the family.
        products: the sums: (i,) or (i, j) for each.
    """

    family: BasisFunctions
    products: tuple[tuple[int, ...], ...]

    def load(self, fields: Sequence[Vector], w: Vector) -> tuple[Any, Any]:
        """Return outcomes and weights as they are."""
        return fields[0], w

    def sums(self, numbers: Vector, fields: Any, w: Any) -> Vector:
        """Return the sums at the family's default parameters of each lane."""
        y, m = fields, len(self.family.basis)
        rows = _SCRATCH.rows(m + 2, y.size).reshape(m + 2, *y.shape)
        names = self.family.default_parameters
        parameters = {name: own[:, None] for name, own in zip(names, numbers, strict=True)}
        with np.errstate(all="ignore"):  # overflow ends the search of a group
            accurate = self.family.write_basis(y, rows[: m + 1], parameters)
            sums = []
            for i, *other in self.products:
                weighted = np.multiply(rows[other[0]], w, out=rows[m]) if other else w
                sums.append(np.vecdot(rows[i], weighted))
        return np.where(np.ravel(accurate), np.stack(sums), np.nan)


@final
@dataclass(frozen=True)
class GroupBasis:
    """Loss, scores and Hessian of groups from such sums.

    Attributes:
        derivatives: the model, and the numbers to differentiate in.
        family: its basis functions.
        fields: the outcomes of the rows.
    """

    derivatives: LossDerivatives
    family: BasisFunctions
    fields: tuple[Vector, ...]

    @classmethod
    def of(cls, derivatives: LossDerivatives, rows: KindRows) -> GroupBasis | None:
        """Return that of a model; None where its family has no basis functions."""
        family = derivatives.model.basis_functions
        return None if family is None else cls(derivatives, family, (rows.y,))

    @cached_property
    def _places(self) -> list[tuple[int, int]]:
        """Of each coefficient, the derivative that it is in, and the place of its monomial."""
        any_numbers = np.ones((len(self.derivatives.is_free), 1))
        _, positions = self._parts(self._found(any_numbers))
        m = len(self.family.basis)
        return [divmod(int(place), (m + 1) * (m + 2) // 2) for place in positions[:, 0]]

    @cached_property
    def _columns(self) -> list[int]:
        """The places of the monomials that have coefficients, but for the constant."""
        return sorted({column for _, column in self._places if column})

    @property
    def kernel(self) -> BasisKernel:
        """The sums of these monomials."""
        unknowns = range(len(self.family.basis))
        order = [(), *((i,) for i in unknowns), *((j, i) for j in unknowns for i in range(j + 1))]
        return BasisKernel(self.family, tuple(order[column] for column in self._columns))

    def at(
        self,
        groups: Places,  # noqa: ARG002  # the protocol's
        theta: Vector,
    ) -> tuple[Vector, Callable[[Vector, Vector], Vector]]:
        """Return the default parameters of groups, and the function from their sums to derivatives.

        Args:
            groups: the groups.
            theta: their constrained numbers, shape (k, groups).
        """
        found = self._found(theta)
        values, _ = self._parts(found)
        rows = {column: i for i, column in enumerate(self._columns)}
        d = sum(self.derivatives.is_free)

        def derived(sums: Vector, weight: Vector) -> Vector:
            out = np.zeros((1 + d + d * (d + 1) // 2, weight.size))
            for (row, column), value in zip(self._places, values, strict=True):
                out[row] -= value * (sums[rows[column]] if column else weight)
            return out

        return found[: len(self.family.default_parameters)], derived

    def _parts(self, found: Vector) -> Any:
        """Return the coefficients, and their positions among all."""
        return found[len(self.family.default_parameters) :].reshape(2, -1, found.shape[1])

    def _found(self, theta: Vector) -> Vector:
        """Return what ``coefficients`` returns, for every group."""
        key = ("basis of groups", self.derivatives.structure, theta.shape[0])
        parts = []
        for begin in range(0, theta.shape[1], _WIDTH):
            part = theta[:, begin : begin + _WIDTH]
            padded = np.repeat(part[:, :1], _WIDTH, axis=1)
            padded[:, : part.shape[1]] = part
            with float64():
                found = COMPILED.call(key, self._program, padded)
            parts.append(np.asarray(found)[:, : part.shape[1]])
        return np.concatenate(parts, axis=1)

    def _program(self) -> Callable[[Array], Array]:
        alone = coefficients(self.derivatives.model, self.family, self.derivatives.is_free)
        return jax.vmap(alone, in_axes=-1, out_axes=-1)
