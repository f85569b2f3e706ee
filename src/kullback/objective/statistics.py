"""What one pass over a sample adds up.

A statistic turns a block of rows into a partial result, and merges partial results two by two. An
engine decides where the blocks are and in which order they arrive; the merges follow a fixed tree,
so the outcome has the same bits every time.
"""

from __future__ import annotations

import abc
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Generic, TypeVar, final

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from kullback._core.arrays import Array, Vector
from kullback._core.lazy import Lazy
from kullback.data.blocks import Block
from kullback.data.observation import RowKind
from kullback.models.model import Model
from kullback.objective.basis_functions import basis_sums, has_basis
from kullback.objective.dense import dense_sums
from kullback.objective.kernels import weighted_sums
from kullback.objective.log_terms import log_term

Partial = TypeVar("Partial")

# Up to this many free numbers, second derivatives are built one scalar pair at a time, which keeps
# zero tangents symbolic; beyond it the number of pairs would make compilation slow.
_SCALARS = 6


class Statistic(abc.ABC, Generic[Partial]):
    """What one pass adds up: abstract."""

    @property
    def uses_numpy(self) -> bool:
        """Whether NumPy does it, call by call, to which a second thread in memory adds nothing.

        Each call takes some tens of microseconds, as long as a thread takes to be woken for the
        interpreter's lock. (Four million rows, one thread and two: sums of Student-t basis 20
        and 26 ms, of gamma statistics 15 and 23 ms; a compiled kernel 77 and 44 ms.)
        """
        return False

    @abc.abstractmethod
    def of_block(self, block: Block, arguments: Vector) -> Partial:
        """Give the partial result of one block; it must not depend on other blocks."""

    @abc.abstractmethod
    def merge(self, left: Partial, right: Partial) -> Partial:
        """Join the results of two neighbouring runs of blocks, the earlier one first."""


class RowSums(Statistic[Vector]):
    """Weighted sums over rows of elementwise functions, in one compiled kernel: abstract.

    Two statistics with the same ``structure`` share a kernel.
    """

    @property
    @abc.abstractmethod
    def structure(self) -> Hashable:
        """What the compiled code depends on."""

    @abc.abstractmethod
    def rows(
        self, kind: RowKind, arguments: Sequence[Array], row: Mapping[str, Array]
    ) -> Sequence[Array]:
        """Compute, for each row of a tile, the values to be summed: scalars, or one a row."""

    def of_block(self, block: Block, arguments: Vector) -> Vector:
        """Give Σ w · value for every value that ``rows`` gives, flattened into one vector."""
        return weighted_sums(self, block, arguments)

    def merge(self, left: Vector, right: Vector) -> Vector:
        """Add."""
        return left + right


@final
@dataclass(frozen=True)
class Joint(Statistic[tuple[Any, ...]]):
    """Several statistics in one pass.

    Attributes:
        statistics: the statistics.
        arguments: the arguments of each.
    """

    statistics: tuple[Statistic[Any], ...]
    arguments: tuple[Vector, ...]

    @property
    def uses_numpy(self) -> bool:
        """Whether all of them are."""
        return all(statistic.uses_numpy for statistic in self.statistics)

    def of_block(self, block: Block, arguments: Vector) -> tuple[Any, ...]:  # noqa: ARG002
        """Give the partial result of each."""
        pairs = zip(self.statistics, self.arguments, strict=True)
        return tuple(statistic.of_block(block, own) for statistic, own in pairs)

    def merge(self, left: tuple[Any, ...], right: tuple[Any, ...]) -> tuple[Any, ...]:
        """Merge each with its own kind."""
        triples = zip(self.statistics, left, right, strict=True)
        return tuple(statistic.merge(a, b) for statistic, a, b in triples)


@final
@dataclass(frozen=True)
class ScoreMoments:
    """How the rows differ, which no step of a solver needs.

    Attributes:
        variance: variance of −log q over the rows.
        outer: mean outer product of the rows' scores, shape (d, d).
    """

    variance: float
    outer: Vector


@final
@dataclass(frozen=True)
class LossSums:
    """What ``LossDerivatives`` adds up, per unit of weight, in the free constrained coefficients.

    Attributes:
        weight: total weight.
        loss: cross-entropy: mean of −log q.
        score: its gradient, shape (d,).
        hessian: its second derivatives, shape (d, d).
        score_moments: how the rows differ; it may need another pass, which is made when it is
            asked for.
    """

    weight: float
    loss: float
    score: Vector
    hessian: Vector
    score_moments: Lazy[ScoreMoments]

    @property
    def variance(self) -> float:
        """Variance of −log q over the rows."""
        return self.score_moments().variance

    @property
    def outer(self) -> Vector:
        """Mean outer product of the rows' scores, shape (d, d)."""
        return self.score_moments().outer


@final
@dataclass(frozen=True)
class LossDerivatives(RowSums):
    """The loss, its gradient and Hessian, and the outer product of the scores, in one pass.

    Derivatives are taken in the constrained coefficients (see ``models.vector`` for why), each as a
    scalar of its own.

    Attributes:
        model: the model.
        is_free: for each constrained number of its vector, whether to differentiate in it.
    """

    model: Model
    is_free: tuple[bool, ...]

    @property
    def uses_numpy(self) -> bool:
        """Whether the family's basis functions are summed instead of derivatives."""
        return has_basis(self.model) and sum(self.is_free) <= _SCALARS

    @property
    def structure(self) -> Hashable:
        """The model's structure and which numbers are free."""
        return (LossDerivatives, self.model.structure, self.is_free)

    def loss(self, kind: RowKind, arguments: Sequence[Array], row: Mapping[str, Array]) -> Array:
        """−log q of each row, at the constrained numbers ``arguments``."""
        parameters = self.model.row_parameters(arguments, row)
        return -log_term(kind, self.model, parameters, row)

    def rows(
        self, kind: RowKind, arguments: Sequence[Array], row: Mapping[str, Array]
    ) -> Sequence[Array]:
        """1, ℓ, ℓ², ∂ℓ, and the lower triangles of ∂²ℓ and of ∂ℓ ∂ℓ'."""
        free = [i for i, free_here in enumerate(self.is_free) if free_here]

        def loss(*numbers: Array) -> Array:
            filled = list(arguments)
            for i, number in zip(free, numbers, strict=True):
                filled[i] = number
            return self.loss(kind, filled, row)

        at = [arguments[i] for i in free]
        one = jnp.ones(())
        d = len(free)
        first = [_partial_derivative(loss, i) for i in range(d)]
        scores = [slope(*at) for slope in first]
        second = [_partial_derivative(first[i], j)(*at) for i in range(d) for j in range(i + 1)]
        outer = [scores[i] * scores[j] for i in range(d) for j in range(i + 1)]
        value = loss(*at)
        return (one, value, value * value, *scores, *second, *outer)

    def of_block(self, block: Block, arguments: Vector) -> Vector:
        """Give the sums of one block.

        From the family's basis functions where it has some; else by scalars or, for many
        coefficients, by matrices.
        """
        if sum(self.is_free) > _SCALARS:
            return dense_sums(self, block, arguments)
        sums = basis_sums(self, block, arguments)
        return super().of_block(block, arguments) if sums is None else sums

    def unpack(self, sums: Vector) -> LossSums:
        """Read the vector of sums."""
        d = sum(self.is_free)
        means = sums / sums[0]
        weight, loss, square = float(sums[0]), float(means[1]), float(means[2])
        score, rest = means[3 : 3 + d], means[3 + d :]
        if d > _SCALARS:
            hessian, outer = rest.reshape(2, d, d)
        else:
            half = d * (d + 1) // 2
            hessian, outer = _symmetric(rest[:half], d), _symmetric(rest[half:], d)
        score_moments = ScoreMoments(max(square - loss * loss, 0.0), outer)
        return LossSums(weight, loss, score, hessian, Lazy.known(score_moments))


def _partial_derivative(f: Any, i: int) -> Any:
    def derivative(*numbers: Array) -> Array:
        def along(t: Array) -> Array:
            value: Array = f(*numbers[:i], t, *numbers[i + 1 :])
            return value

        slope: Array = jax.jvp(along, (numbers[i],), (jnp.ones(()),))[1]
        return slope

    return derivative


def _symmetric(lower: Vector, d: int) -> Vector:
    matrix: Vector = lower[_places(d)]
    return matrix


@cache
def _places(d: int) -> npt.NDArray[np.intp]:
    """Where in its lower triangle, row by row, the entries of a symmetric matrix are."""
    i, j = np.indices((d, d))
    row, column = np.maximum(i, j), np.minimum(i, j)
    places: npt.NDArray[np.intp] = row * (row + 1) // 2 + column
    return places
