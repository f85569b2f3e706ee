"""Sums over the rows of groups for log-densities with one exponential, and their derivatives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from kullback._core.arrays import Vector
from kullback.groups.rows import KindRows, Places
from kullback.objective.one_exponential import ExponentialLoss, sums_along
from kullback.objective.statistics import LossDerivatives

# Numbers in one NumPy call: three arrays of them stay in a core's second cache.
_CELLS = 16_384


@final
@dataclass(frozen=True)
class ExponentialKernel:
    """Σ w (z, z t, z t²) over the rows of every lane."""

    def load(self, fields: Sequence[Vector], w: Vector) -> tuple[Any, Any]:
        """Return coordinates and weights as they are."""
        return fields[0], w

    def sums(self, numbers: Vector, fields: Any, w: Any) -> Vector:
        """Return the sums at the rates of each lane."""
        step = max(_CELLS // w.shape[1], 1)
        parts = [slice(i, i + step) for i in range(0, w.shape[0], step)]
        with np.errstate(all="ignore"):  # overflow ends the search of a group
            found = [sums_along(fields[part], w[part], numbers[:, part]) for part in parts]
        return np.concatenate(found, axis=1)


@final
class GroupExponential:
    """Loss, scores and Hessian of groups from such sums.

    Args:
        loss: the loss from means over the rows.
        rows: the exact rows of all groups.
    """

    def __init__(self, loss: ExponentialLoss, rows: KindRows) -> None:
        self._loss, self.kernel = loss, ExponentialKernel()
        self._origin, coordinate = rows.coordinate(loss.form)
        self.fields = (coordinate,)
        self._mean = rows.mean(coordinate)

    @classmethod
    def of(cls, derivatives: LossDerivatives, rows: KindRows) -> GroupExponential | None:
        """Return that of a model; None where its log-density has no such form."""
        loss = ExponentialLoss.of(derivatives)
        return None if loss is None else cls(loss, rows)

    def at(
        self, groups: Places, theta: Vector
    ) -> tuple[Vector, Callable[[Vector, Vector], Vector]]:
        """Return the rates of groups, and the function from sums and weights to derivatives.

        Args:
            groups: the groups.
            theta: their constrained numbers, shape (k, groups).
        """
        origin = self._origin[groups]
        rates = self._loss.rates(theta, origin)

        def derived(sums: Vector, weight: Vector) -> Vector:
            means = np.concatenate([self._mean[groups][None, :], sums / weight])
            found: Vector = self._loss.derived(theta, origin, rates, means) * weight
            return found

        return rates, derived
