"""The cross-entropy of every replicate: rows with weights, or rows of each replicate's own."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from kullback._core.arrays import Vector
from kullback.data.blocks import Block
from kullback.data.observation import Exact
from kullback.data.poisson_weights import PoissonWeights
from kullback.engines.engine import Engine
from kullback.groups.newton import Places
from kullback.groups.objectives import statistics_of
from kullback.models.forms import ExponentialForm
from kullback.objective.statistics import LossDerivatives, Statistic
from kullback.resampling.lanes import loss_sums

# Rows whose weights are made at once: with 1,000 replicates two megabytes.
_RUN = 2_048

# Weights are kept for the next pass up to so many bytes in all; others are made again.
_KEPT = 2**27


@final
@dataclass(frozen=True, eq=False)
class BlockWeights:
    """The Poisson weights of blocks of rows.

    Attributes:
        weights: makes them.
        count: the number of replicates.
        room: the bytes of weights that are kept.
    """

    weights: PoissonWeights
    count: int
    room: int = _KEPT
    _kept: dict[tuple[Any, int, int], NDArray[Any]] = field(default_factory=dict)

    def runs(self, block: Block, replicates: Places) -> Iterator[tuple[slice, NDArray[Any]]]:
        """Yield runs of a block's rows with their weights, shape (rows, replicates)."""
        numbers = block.row_numbers
        for begin in range(0, block.count, _RUN):
            run = slice(begin, min(begin + _RUN, block.count))
            key = (block.kind, block.index, begin)
            kept = self._kept.get(key)
            if kept is None and self._room(run):
                kept = self._kept[key] = self._of(block, numbers, run, np.arange(self.count))
            if kept is None:
                yield run, self._of(block, numbers, run, replicates)
            elif replicates.size == self.count:
                yield run, kept
            else:
                yield run, kept[:, replicates]

    def _of(
        self, block: Block, numbers: NDArray[np.int64], run: slice, replicates: Places
    ) -> NDArray[Any]:
        own = block.weight[run] if block.weighted else None
        return self.weights.of(numbers[run], own, replicates)

    def _room(self, run: slice) -> bool:
        used: int = sum(weights.nbytes for weights in list(self._kept.values()))
        more: int = (run.stop - run.start) * self.count * 8
        return used + more <= self.room

    def __reduce__(self) -> tuple[Any, ...]:
        """Another process makes weights anew, and keeps none."""
        return BlockWeights, (self.weights, self.count, 0)


@final
@dataclass(frozen=True, eq=False)
class LossPass(Statistic[Vector]):
    """Σ w (1, ℓ, ∂ℓ, ∂²ℓ) of some replicates, by a pass over the rows.

    Attributes:
        derivatives: the model, and the numbers to differentiate in.
        weights: of all replicates.
        replicates: those to sum.
        pool: the threads; None for those of the engine.
    """

    derivatives: LossDerivatives
    weights: BlockWeights
    replicates: Places
    pool: ThreadPoolExecutor | None

    def __reduce__(self) -> tuple[Any, ...]:
        """Another process has threads of its own."""
        return LossPass, (self.derivatives, self.weights, self.replicates, None)

    def of_block(self, block: Block, arguments: Vector) -> Vector:
        """Return the sums of a block; the arguments have a column for each replicate."""
        parts = []
        for run, w in self.weights.runs(block, self.replicates):
            fields = {name: values[run, None] for name, values in block.fields.items()}
            sums = loss_sums(
                self.derivatives, block.kind, arguments, fields, w, self.pool, own=False
            )
            parts.append(np.concatenate([w.sum(axis=0, dtype=np.float64)[None, :], sums]))
        return sum(parts[1:], parts[0])

    def merge(self, left: Vector, right: Vector) -> Vector:
        """Add."""
        return left + right


@final
@dataclass(frozen=True, eq=False)
class MomentPass(Statistic[Vector]):
    """Σ w (1, T_k) of every replicate, of the sufficient statistics T.

    Attributes:
        form: the form of the likelihood.
        origin: the point that the statistics are measured from.
        weights: of all replicates.
    """

    form: ExponentialForm
    origin: float
    weights: BlockWeights
    uses_blas: ClassVar[bool] = True

    def of_block(self, block: Block, arguments: Vector) -> Vector:  # noqa: ARG002
        """Return the sums of a block."""
        y = block.fields["y"][: block.count]
        t = np.stack([np.ones(block.count), *statistics_from(self.form, y, self.origin)])
        parts = [
            t[:, run] @ w.astype(np.float64)
            for run, w in self.weights.runs(block, np.arange(self.weights.count))
        ]
        sums: Vector = sum(parts[1:], parts[0])
        return sums

    def merge(self, left: Vector, right: Vector) -> Vector:
        """Add."""
        return left + right


@final
@dataclass(frozen=True, eq=False)
class TallyPass(Statistic[Vector]):
    """The weight of each distinct outcome in every replicate, shape (outcomes, replicates).

    Attributes:
        values: the distinct outcomes, ascending.
        weights: of all replicates.
    """

    values: Vector
    weights: BlockWeights
    uses_numpy: ClassVar[bool] = True

    def of_block(self, block: Block, arguments: Vector) -> Vector:  # noqa: ARG002
        """Return the weights of a block's rows, added up by outcome."""
        out = np.zeros((self.values.size, self.weights.count))
        codes = np.searchsorted(self.values, block.fields["y"][: block.count])
        for run, w in self.weights.runs(block, np.arange(self.weights.count)):
            order = np.argsort(codes[run], kind="stable")
            present, first = np.unique(codes[run][order], return_index=True)
            out[present] += np.add.reduceat(w[order].astype(np.float64), first, axis=0)
        return out

    def merge(self, left: Vector, right: Vector) -> Vector:
        """Add."""
        return left + right


@final
@dataclass(frozen=True, eq=False)
class EngineSums:
    """The means of replicates by passes of an engine.

    Attributes:
        derivatives: the model, and the numbers to differentiate in.
        engine: passes over the rows.
        weights: of all replicates.
        pool: the threads; None for those of the engine.
    """

    derivatives: LossDerivatives
    engine: Engine
    weights: BlockWeights
    pool: ThreadPoolExecutor | None

    def __call__(self, groups: Places, theta: Vector) -> tuple[Vector, Vector, Vector]:
        """Pass over the rows."""
        statistic = LossPass(self.derivatives, self.weights, groups, self.pool)
        sums = self.engine.reduce(statistic, theta)
        return unpacked(sums[1:], sums[0], sum(self.derivatives.is_free))


@final
@dataclass(frozen=True, eq=False)
class ArraySums:
    """The means of replicates from arrays.

    Attributes:
        derivatives: the model, and the numbers to differentiate in.
        y: exact outcomes, shape (rows, 1), or (rows, replicates) where each has its own.
        w: their weights, shape (rows, replicates); (rows, 1) where each has its own outcomes.
        pool: the threads; None for this one.
        own: whether each replicate has outcomes of its own.
    """

    derivatives: LossDerivatives
    y: Vector
    w: Vector
    pool: ThreadPoolExecutor | None
    own: bool

    def __call__(self, groups: Places, theta: Vector) -> tuple[Vector, Vector, Vector]:
        """Add the rows up."""
        whole = groups.size == max(self.y.shape[1], self.w.shape[1])
        y = self.y if whole or not self.own else self.y[:, groups]
        w = self.w if whole or self.own else self.w[:, groups]
        fields = {"y": y}
        sums = loss_sums(self.derivatives, Exact(), theta, fields, w, self.pool, own=self.own)
        total = np.broadcast_to(w.sum(axis=0), groups.shape)
        return unpacked(sums, total, sum(self.derivatives.is_free))


def unpacked(sums: Vector, weight: Vector, d: int) -> tuple[Vector, Vector, Vector]:
    """Return loss (g,), gradient (d, g) and Hessian (d, d, g) per unit of weight."""
    with np.errstate(all="ignore"):  # a replicate without rows
        means = sums / weight
    hessian = np.empty((d, d, weight.size))
    i, j = np.tril_indices(d)
    hessian[i, j] = hessian[j, i] = means[1 + d :]
    return means[0], means[1 : 1 + d], hessian


def statistics_from(form: ExponentialForm, y: Vector, origin: float) -> list[Vector]:
    """Return the sufficient statistics of all outcomes, flattened, measured from one origin."""
    y = y.reshape(-1)
    if form.elementary:
        return [np.asarray(t, dtype=np.float64) for t in form.statistics(y, np.array([origin]))]
    return statistics_of(form, y, np.full(y.size, origin))
