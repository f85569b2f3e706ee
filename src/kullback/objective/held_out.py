"""Mean losses of held-out rows under several models, and paired differences, with their errors."""

from __future__ import annotations

from typing import final

import numpy as np
from numpy.typing import NDArray

from kullback._core.arrays import Vector


@final
class HeldOutLosses:
    """Means and second moments of losses under several models.

    The error of a mean is √(Σ w (ℓ − mean)²/(n (n − 1))), n = Σ w. With groups it is that of sums
    over groups, which may vary together: √(G/(G − 1) Σ_g (Σ_{i∈g} w (ℓ − mean))²)/n. Where weights
    come from sampling, every row is such a group.

    Args:
        models: how many.
        groups: how many; 0 for none.
        sampling: whether a row with a weight is one row.
    """

    def __init__(self, models: int, groups: int = 0, *, sampling: bool = False) -> None:
        self._sampling, self._rows = sampling, 0
        self._weight = self._squares = 0.0
        self._squared = np.zeros(models)
        self._origin: Vector | None = None
        self._first = np.zeros(models)
        self._second = np.zeros((models, models))
        self._of_groups = np.zeros((models, groups))
        self._weight_of_groups = np.zeros(groups)
        self._impossible = np.zeros(models, dtype=bool)
        self._unknown = np.zeros(models, dtype=bool)

    def add(self, losses: Vector, weight: Vector, group: NDArray[np.intp] | None = None) -> None:
        """Add rows.

        Args:
            losses: of the rows under each model, shape (models, rows); overwritten.
            weight: of the rows.
            group: of the rows.
        """
        finite = np.isfinite(losses)
        if not finite.all():
            self._unknown |= np.isnan(losses).any(axis=1)
            self._impossible |= np.isinf(losses).any(axis=1)
            losses[~finite] = 0.0
        if self._origin is None:  # near the means, so that the second moments keep their digits
            self._origin = losses.mean(axis=1)
        losses -= self._origin[:, None]
        weighted = losses * weight
        self._weight += float(weight.sum())
        self._first += weighted.sum(axis=1)
        if group is None:
            self._second += weighted @ (weighted if self._sampling else losses).T
            if self._sampling:
                self._rows += weight.size
                self._squares += float(weight @ weight)
                self._squared += weighted @ weight
            return
        count = self._weight_of_groups.size
        self._weight_of_groups += np.bincount(group, weight, count)
        for k, row in enumerate(weighted):
            self._of_groups[k] += np.bincount(group, row, count)

    def results(self) -> tuple[list[float], list[float], list[float], list[float]]:
        """Mean and error of each loss, and of its paired difference to the lowest."""
        n = self._first.size
        if self._origin is None:
            none = [np.nan] * n
            return none, none, none, none
        mean = self._first / self._weight
        loss = mean + self._origin
        loss[self._impossible], loss[self._unknown] = np.inf, np.nan
        best = int(np.nanargmin(loss)) if np.isfinite(loss).any() else 0
        covariance = self._covariance(mean)
        variance = np.diag(covariance)
        between = variance + variance[best] - 2.0 * covariance[best]
        errors = [np.sqrt(np.maximum(v, 0.0)) for v in (variance, between)]
        for error in errors:
            error[~np.isfinite(loss)] = np.nan
        with np.errstate(invalid="ignore"):
            above = loss - loss[best]
        return loss.tolist(), errors[0].tolist(), above.tolist(), errors[1].tolist()

    def _covariance(self, mean: Vector) -> Vector:
        """The covariance of the means, less their origin."""
        if self._sampling and not self._weight_of_groups.size:
            across = np.outer(self._squared, mean)
            about = self._second - across - across.T + self._squares * np.outer(mean, mean)
            n = self._rows
            return np.asarray(about * (n / (n - 1.0) / self._weight**2))
        if not self._weight_of_groups.size:
            rows = self._second / self._weight - np.outer(mean, mean)
            return np.asarray(rows / (self._weight - 1.0))
        scored = self._weight_of_groups > 0.0
        sums = (self._of_groups - mean[:, None] * self._weight_of_groups)[:, scored]
        groups = sums.shape[1]
        return np.asarray(sums @ sums.T * (groups / (groups - 1.0) / self._weight**2))
