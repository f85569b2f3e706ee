"""Statistics: sums that one pass over a sample adds up.

A statistic maps a block of rows to a partial result, and merges partial results in pairs. Blocks
may be anywhere and arrive in any order: the engine merges along a fixed tree, so the result has the
same bits every time.
"""

from __future__ import annotations

import abc
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from typing import Any, Generic, TypeVar, final

import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from kullback._core.arrays import Array, Numbers, Vector
from kullback._core.derivatives import first_and_second
from kullback._core.lazy import Lazy
from kullback.data.blocks import Block
from kullback.data.observation import Exact, RowKind, Soft
from kullback.models.model import Model
from kullback.objective.basis_functions import basis_sums
from kullback.objective.kernels import weighted_sums
from kullback.objective.log_terms import log_term
from kullback.objective.mixture_rows import mixture_loss
from kullback.objective.predictor_sums import predictor_sums
from kullback.objective.predictors import SCALARS, Predictors, predictors_of
from kullback.special.shared import shared_derivatives

Partial = TypeVar("Partial")

# A mixture's derivatives are those of its components, in few numbers each: with up to so many
# numbers in all it is differentiated in scalars.
MOST_OF_MIXTURES = 16


class Statistic(abc.ABC, Generic[Partial]):
    """Sums over a sample, added up block by block: abstract."""

    @property
    def uses_numpy(self) -> bool:
        """Whether NumPy computes it, so that in memory a second thread does not help.

        Each call takes some tens of microseconds, as long as waking a thread for the interpreter's
        lock. (Four million rows, one thread and two: sums of Student-t basis 20
        and 26 ms, of gamma statistics 15 and 23 ms; a compiled kernel 77 and 44 ms.)
        """
        return False

    @property
    def uses_blas(self) -> bool:
        """Whether it calls BLAS, which an engine then limits to one thread."""
        return False

    @property
    def partial(self) -> bool:
        """Whether it sums the rows of some kinds alone."""
        return False

    def covers(self, kind: RowKind) -> bool:  # noqa: ARG002
        """Whether it sums rows of a kind; an engine skips the blocks of others."""
        return True

    @abc.abstractmethod
    def of_block(self, block: Block, arguments: Vector) -> Partial:
        """Return the partial result of one block; it must not depend on other blocks."""

    @abc.abstractmethod
    def merge(self, left: Partial, right: Partial) -> Partial:
        """Join the results of two neighbouring runs of blocks, the earlier one first."""


class RowSums(Statistic[Vector]):
    """Weighted sums over rows of elementwise functions, in one compiled kernel: abstract.

    Two statistics with the same ``structure`` share a kernel.

    Attributes:
        light: whether only loops are compiled, for censored and truncated rows that are not many.
    """

    light: bool = False

    @property
    @abc.abstractmethod
    def structure(self) -> Hashable:
        """The key of the compiled code."""

    @abc.abstractmethod
    def rows(
        self, kind: RowKind, arguments: Sequence[Array], row: Mapping[str, Array]
    ) -> Sequence[Array]:
        """Return, for the rows of a tile, the values to be summed: scalars, or one for each row."""

    def of_block(self, block: Block, arguments: Vector) -> Vector:
        """Return Σ w · value for every value of ``rows``, flattened into one vector."""
        return weighted_sums(self, block, arguments)

    def merge(self, left: Vector, right: Vector) -> Vector:
        """Add."""
        return left + right


@dataclass(frozen=True)
class FittedSums(RowSums):
    """Sums over rows of functions of a model whose numbers are all known: abstract.

    Attributes:
        model: the model, with its estimates.
    """

    model: Model

    @property
    def structure(self) -> Hashable:
        """What is summed, and the model's structure."""
        return (type(self), self.model.structure)

    @property
    def arguments(self) -> Vector:
        """The model's numbers."""
        numbers: Vector = self.model.vector.constrained(np.zeros(0))
        return numbers


@final
@dataclass(frozen=True)
class OfKinds(Statistic[Partial]):
    """A statistic of the rows of some kinds alone.

    Attributes:
        statistic: the statistic.
        kinds: the kinds.
    """

    statistic: Statistic[Partial]
    kinds: frozenset[RowKind]

    @property
    def partial(self) -> bool:
        """True."""
        return True

    @property
    def uses_numpy(self) -> bool:
        """Whether NumPy computes it."""
        return self.statistic.uses_numpy

    @property
    def uses_blas(self) -> bool:
        """Whether it calls BLAS."""
        return self.statistic.uses_blas

    def covers(self, kind: RowKind) -> bool:
        """Whether the kind is among them."""
        return kind in self.kinds

    def of_block(self, block: Block, arguments: Vector) -> Partial:
        """Return the statistic's partial result."""
        return self.statistic.of_block(block, arguments)

    def merge(self, left: Partial, right: Partial) -> Partial:
        """Merge the statistic's results."""
        return self.statistic.merge(left, right)


@final
@dataclass(frozen=True)
class Joint(Statistic[tuple[Any, ...]]):
    """Several statistics in one pass; the result of one that does not cover any row is None.

    Attributes:
        statistics: the statistics.
        arguments: the arguments of each.
    """

    statistics: tuple[Statistic[Any], ...]
    arguments: tuple[Vector, ...]

    @property
    def uses_numpy(self) -> bool:
        """Whether NumPy computes all of them."""
        return all(statistic.uses_numpy for statistic in self.statistics)

    def of_block(self, block: Block, arguments: Vector) -> tuple[Any, ...]:  # noqa: ARG002
        """Return the partial result of each."""
        pairs = zip(self.statistics, self.arguments, strict=True)
        return tuple(
            statistic.of_block(block, own) if statistic.covers(block.kind) else None
            for statistic, own in pairs
        )

    def merge(self, left: tuple[Any, ...], right: tuple[Any, ...]) -> tuple[Any, ...]:
        """Merge each statistic's results."""
        triples = zip(self.statistics, left, right, strict=True)
        return tuple(
            b if a is None else a if b is None else statistic.merge(a, b)
            for statistic, a, b in triples
        )


@final
@dataclass(frozen=True)
class ScoreMoments:
    """Second moments over the rows, which solvers do not need.

    Attributes:
        variance: variance of −log q over the rows.
        outer: mean outer product of the rows' scores, shape (d, d).
    """

    variance: float
    outer: Vector


@final
@dataclass(frozen=True)
class LossSums:
    """The results of ``LossDerivatives``, per unit of weight, in the free constrained coefficients.

    Attributes:
        weight: total weight.
        loss: cross-entropy: mean of −log q.
        score: its gradient, shape (d,).
        hessian: its second derivatives, shape (d, d).
        score_moments: second moments over the rows; lazy, as they may need another pass.
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

    @staticmethod
    def joined(parts: Sequence[LossSums]) -> LossSums:
        """Return the sums over the rows of all parts, which are merged in their order."""
        if len(parts) == 1:
            return parts[0]
        weight = sum(part.weight for part in parts)
        shares = [part.weight / weight for part in parts]

        def mean(name: str) -> Any:
            return sum(share * getattr(p, name) for share, p in zip(shares, parts, strict=True))

        loss = float(mean("loss"))

        def score_moments() -> ScoreMoments:
            # the law of total variance: within the parts, and of their means about the whole's
            between = sum(
                share * (p.loss - loss) ** 2 for share, p in zip(shares, parts, strict=True)
            )
            return ScoreMoments(float(mean("variance") + between), mean("outer"))

        return LossSums(weight, loss, mean("score"), mean("hessian"), Lazy(score_moments))


@final
@dataclass(frozen=True)
class LossDerivatives(RowSums):
    """The loss, its gradient and Hessian, and the outer product of the scores, in one pass.

    Derivatives are taken in the constrained coefficients (``models.parameter_vector`` says why),
    each as a separate scalar.

    Attributes:
        model: the model.
        is_free: for each constrained number, whether to differentiate in it.
        products: whether to add up the outer product of the scores where that costs as much as the
            Hessian: for linear sources, and for many coefficients; other sums always hold it.
        bases: by parameter, vectors along which to differentiate instead of in the coefficients of
            a function, as columns.
        light: whether only loops are compiled, for censored and truncated rows that are not many.
    """

    model: Model
    is_free: tuple[bool, ...]
    products: bool = True
    bases: tuple[tuple[str, Vector], ...] = field(default=(), compare=False)
    light: bool = False

    @property
    def by_predictors(self) -> bool:
        """Whether it differentiates in predictors: for regressions and many coefficients."""
        most = MOST_OF_MIXTURES if self.model.component_numbers else SCALARS
        many = sum(self.is_free) > most
        return self.model.linear or many or bool(self.model.nonlinear)

    @property
    def uses_blas(self) -> bool:
        """Whether it multiplies matrices, whatever the number of engines' threads."""
        return self.by_predictors

    @cached_property
    def predictors(self) -> Predictors:
        """The model's predictors."""
        return predictors_of(self.model, self.is_free, dict(self.bases))

    @cached_property
    def in_predictors(self) -> LossDerivatives:
        """The derivatives of a row in them."""
        return LossDerivatives(self.predictors.of_row, self.predictors.is_free)

    @property
    def uses_numpy(self) -> bool:
        """Whether sums of basis functions replace derivatives of rows."""
        return self.model.basis_functions is not None and sum(self.is_free) <= SCALARS

    @cached_property
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
        at = [arguments[i] for i in free]
        if self.model.component_numbers:
            value, scores, second = mixture_loss(self.model, kind, arguments, row, free)
            return _summed(value, scores, second)

        def loss(*numbers: Array) -> Array:
            filled = list(arguments)
            for i, number in zip(free, numbers, strict=True):
                filled[i] = number
            return self.loss(kind, filled, row)

        # densities and probabilities of classes have no loops
        derivatives = first_and_second if isinstance(kind, (Exact, Soft)) else shared_derivatives
        value, scores, second, *_ = derivatives(loss, at)
        return _summed(value, scores, second)

    def of_block(self, block: Block, arguments: Vector) -> Vector:
        """Return the sums of one block.

        Of many rows from basis functions, if the family has them; else by scalars; for linear
        sources or many coefficients by derivatives in the predictors.
        """
        if self.by_predictors:
            return predictor_sums(
                self.in_predictors, self.predictors, block, arguments, products=self.products
            )
        sums = None if block.few else basis_sums(self, block, arguments)
        return super().of_block(block, arguments) if sums is None else sums

    def unpack(self, sums: Vector, again: Callable[[], Vector] | None = None) -> LossSums:
        """Convert the vector of sums to means.

        Args:
            sums: the sums.
            again: adds them up with the scores' outer product, where it was left out.
        """
        d = sum(self.is_free)
        means = sums / sums[0]
        weight, loss, square = float(sums[0]), float(means[1]), float(means[2])
        score, rest = means[3 : 3 + d], means[3 + d :]
        if self.by_predictors:
            hessian, outer = rest[: d * d].reshape(d, d), rest[d * d :].reshape(-1 if d else 0, d)
        else:
            half = d * (d + 1) // 2
            hessian, outer = symmetric(rest[:half], d), symmetric(rest[half:], d)
        variance = max(square - loss * loss, 0.0)
        if again is None or outer.size:
            known = Lazy.known(ScoreMoments(variance, outer))
            return LossSums(weight, loss, score, hessian, known)

        def score_moments() -> ScoreMoments:
            assert again is not None
            return replace(self, products=True).unpack(again()).score_moments()

        return LossSums(weight, loss, score, hessian, Lazy(score_moments))


def _summed(value: Array, scores: Sequence[Array], second: Sequence[Array]) -> Sequence[Array]:
    outer = [scores[i] * scores[j] for i in range(len(scores)) for j in range(i + 1)]
    return (jnp.ones(()), value, value * value, *scores, *second, *outer)


def symmetric(lower: Numbers, d: int) -> Numbers:
    """Return the symmetric matrix of a lower triangle, given row by row."""
    return lower[_positions(d)]


@cache
def _positions(d: int) -> npt.NDArray[np.intp]:
    """Return the positions of a symmetric matrix's entries in its lower triangle, row by row."""
    i, j = np.indices((d, d))
    row, column = np.maximum(i, j), np.minimum(i, j)
    positions: npt.NDArray[np.intp] = row * (row + 1) // 2 + column
    return positions
