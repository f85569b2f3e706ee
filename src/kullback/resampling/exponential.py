"""The cross-entropy of replicates for log-densities with one exponential, in NumPy."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from kullback._core.arrays import Vector
from kullback.data.blocks import Block
from kullback.engines.engine import Engine
from kullback.groups.newton import Places
from kullback.objective.one_exponential import ExponentialLoss, sums_across
from kullback.objective.statistics import Statistic
from kullback.resampling.sums import BlockWeights, unpacked

# Rows in one NumPy call: with a thousand replicates the numbers stay in a core's second cache. How
# rows are added must not depend on the number of replicates.
_ROWS = 32


@final
@dataclass(frozen=True, eq=False)
class DrawnSums:
    """The means of replicates that have rows of their own.

    Attributes:
        loss: the loss from means over the rows.
        y: the outcomes, shape (rows, replicates).
        origin: of their coordinates.
        pool: the threads.
    """

    loss: ExponentialLoss
    y: Vector
    origin: float
    pool: ThreadPoolExecutor

    @cached_property
    def _coordinate(self) -> Vector:
        return _coordinate(self.loss, self.y, self.origin)

    @cached_property
    def _mean(self) -> Vector:
        mean: Vector = self._coordinate.mean(axis=0)
        return mean

    def __call__(self, groups: Places, theta: Vector) -> tuple[Vector, Vector, Vector]:
        """Add the rows up."""
        whole = groups.size == self.y.shape[1]
        t = self._coordinate if whole else self._coordinate[:, groups]
        rates = self.loss.rates(theta, np.full(groups.size, self.origin))
        means = _tiled(t, None, rates, self.pool) / t.shape[0]
        return _joined(self.loss, theta, self.origin, rates, self._mean[groups], means)


@final
@dataclass(frozen=True, eq=False)
class WeightedSums:
    """The means of replicates that have the same rows with weights of their own, by an engine.

    Attributes:
        loss: the loss from means over the rows.
        engine: passes over the rows.
        weights: of all replicates.
        origin: of the rows' coordinates.
        pool: the threads.
    """

    loss: ExponentialLoss
    engine: Engine
    weights: BlockWeights
    origin: float
    pool: ThreadPoolExecutor

    @cached_property
    def _totals(self) -> Vector:
        """Σ w and Σ w t of every replicate."""
        every = np.arange(self.weights.count)
        sums: Vector = self.engine.reduce(_Pass(self, every), np.zeros((0, every.size)))
        return sums

    def __call__(self, groups: Places, theta: Vector) -> tuple[Vector, Vector, Vector]:
        """Pass over the rows."""
        rates = self.loss.rates(theta, np.full(groups.size, self.origin))
        sums = self.engine.reduce(_Pass(self, groups), rates)
        with np.errstate(all="ignore"):  # a replicate without rows
            weight, mean = self._totals[:, groups]
            means = sums / weight, mean / weight
        return _joined(self.loss, theta, self.origin, rates, means[1], means[0])


@final
@dataclass(frozen=True, eq=False)
class _Pass(Statistic[Vector]):
    """Σ w (z, z t, z t²) of some replicates at their rates; without rates, Σ w (1, t)."""

    sums: WeightedSums
    replicates: Places
    uses_numpy: ClassVar[bool] = True

    def of_block(self, block: Block, arguments: Vector) -> Vector:
        """Return the sums of a block."""
        own = self.sums
        t = _coordinate(own.loss, block.fields["y"][: block.count], own.origin)[:, None]
        parts = []
        for run, w in own.weights.runs(block, self.replicates):
            if arguments.size:
                parts.append(_tiled(t[run], w, arguments, own.pool))
            else:
                parts.append(np.stack([w.sum(axis=0, dtype=np.float64), (w * t[run]).sum(axis=0)]))
        return sum(parts[1:], parts[0])

    def merge(self, left: Vector, right: Vector) -> Vector:
        """Add."""
        return left + right


def _coordinate(loss: ExponentialLoss, y: Vector, origin: float) -> Vector:
    flat = y.reshape(-1)
    return loss.form.coordinate(flat, np.full(flat.size, origin)).reshape(y.shape)


def _tiled(t: Vector, w: NDArray[Any] | None, rates: Vector, pool: ThreadPoolExecutor) -> Vector:
    """Return ``sums_across``, added up in the order of its tiles whatever the threads."""

    def tile(begin: int) -> Vector:
        rows = slice(begin, begin + _ROWS)
        with np.errstate(all="ignore"):  # overflow ends the search of a replicate
            return sums_across(t[rows], None if w is None else w[rows], rates)

    parts = [*pool.map(tile, range(0, t.shape[0], _ROWS))]
    return sum(parts[1:], parts[0])


def _joined(
    loss: ExponentialLoss, theta: Vector, origin: float, rates: Vector, mean: Vector, means: Vector
) -> tuple[Vector, Vector, Vector]:
    origins, every = np.full(mean.size, origin), np.concatenate([mean[None, :], means])
    found = loss.derived(theta, origins, rates, every)
    return unpacked(found, np.ones(mean.size), sum(loss.derivatives.is_free))
