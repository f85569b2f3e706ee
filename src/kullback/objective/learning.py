"""What models learn from the rows that they are fitted to, beside levels: mostly in one pass.

Knots and centres of the terms of formulas, the mean of offsets, and for formulas without a constant
the coefficients that give all rows nearly the same predictor, which a search starts from. What
learns from what was learned, as in log(center(x) + 9):scale(center(x)**2), takes a pass more.
"""

from __future__ import annotations

import abc
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Generic, TypeVar, final

import numpy as np
from numpy.typing import NDArray

from kullback._core.arrays import Vector
from kullback._core.errors import DataError
from kullback.data.blocks import Block
from kullback.data.sample import RowSource
from kullback.models.formula.bases import Basis
from kullback.models.formula.factors import Numeric
from kullback.models.formula.syntax import Name
from kullback.models.linear import Linear
from kullback.models.model import Model
from kullback.objective.statistics import Statistic

ModelT = TypeVar("ModelT", bound=Model)
Partial = TypeVar("Partial")

# A message shows so many rows.
_SHOWN = 3


def bound(model: ModelT, sample: RowSource, engine_of: Callable[[RowSource], Any]) -> ModelT:
    """Return the model for a sample: with its levels, and with what formulas learn from the rows.

    Args:
        model: the model.
        sample: the rows.
        engine_of: makes an engine, which adds statistics up over them.

    Raises:
        KullbackError: for a sample that the model does not suit.
    """
    model = model.bind(sample.schema)
    designs = (s.terms for s in model.sources.values() if isinstance(s, Linear) and s.terms)
    stages = 1 + max((n.stage for design in designs for n in design.numbers), default=0)
    passes: list[Callable[[Linear], _Learner[Any] | None]]
    passes = [*(partial(_Terms.of, stage=k) for k in range(stages)), _Constant.of]
    for learner_of in passes:
        learners = {
            name: learner
            for name, source in model.sources.items()
            if isinstance(source, Linear) and (learner := learner_of(source)) is not None
        }
        if learners:
            every = _Every(tuple(learners.values()))
            found = engine_of(sample).reduce(every, np.zeros(0))
            learned = {
                name: learner.source(own, sample)
                for (name, learner), own in zip(learners.items(), found, strict=True)
            }
            model = model.with_sources({**model.sources, **learned})
    return model


class _Learner(Statistic[Partial], Generic[Partial]):
    """Learns something about a source: abstract."""

    @abc.abstractmethod
    def source(self, found: Partial, sample: RowSource) -> Linear:
        """Return the source with what was learned."""


@final
@dataclass(frozen=True, eq=False)
class _Every(Statistic[tuple[Any, ...]]):
    """What the learners of several parameters learn, in one pass."""

    learners: tuple[_Learner[Any], ...]

    @property
    def uses_blas(self) -> bool:
        """True: designs are multiplied."""
        return True

    def of_block(self, block: Block, arguments: Vector) -> tuple[Any, ...]:
        """Learn from rows."""
        return tuple(learner.of_block(block, arguments) for learner in self.learners)

    def merge(self, left: tuple[Any, ...], right: tuple[Any, ...]) -> tuple[Any, ...]:
        """Join what was learned."""
        triples = zip(self.learners, left, right, strict=True)
        return tuple(learner.merge(a, b) for learner, a, b in triples)


@final
@dataclass(frozen=True, eq=False)
class _Found:
    """What the terms of a source learn from rows.

    Attributes:
        weight: of the rows.
        offsets: Σ w offset.
        values: of the argument of each basis, the distinct ones with their weights.
        wrong: of each computed number, how many are not finite, and the first with their row.
    """

    weight: float
    offsets: float
    values: tuple[tuple[Vector, Vector], ...]
    wrong: tuple[tuple[int, tuple[tuple[int, str], ...]], ...]


@final
@dataclass(frozen=True, eq=False)
class _Terms(_Learner[_Found]):
    """Learns bases and the mean of offsets, and checks that computed numbers are finite."""

    linear: Linear
    numbers: tuple[Numeric, ...]
    bases: tuple[Basis, ...]

    @classmethod
    def of(cls, linear: Linear, *, stage: int) -> _Terms | None:
        """Make the learner of a pass; None where it would learn nothing."""
        if linear.terms is None or linear.estimate is not None:
            return None
        every = linear.terms.bases.values()
        bases = tuple(b for b in every if b.state is None and b.stage == stage)
        computed = (n for n in linear.terms.numbers if n.stage == stage)
        numbers = tuple(n for n in computed if not isinstance(n.node, Name))
        known = stage > 0 or not (linear.offsets or linear.exposures)
        return None if known and not (bases or numbers) else cls(linear, numbers, bases)

    def of_block(self, block: Block, arguments: Vector) -> _Found:  # noqa: ARG002
        """Learn from rows."""
        n = block.count
        row = {name: values[:n] for name, values in block.fields.items()}
        weight = block.weight[:n]
        with np.errstate(all="ignore"):  # what is not finite is refused
            wrong = tuple(self._wrong(number, row, block) for number in self.numbers)
            values = tuple(_distinct(b.argument.evaluate(row)[0], weight) for b in self.bases)
            offset = self.linear.offset_of(row)
        offsets = 0.0 if offset is None else float(weight @ offset)
        return _Found(float(weight.sum()), offsets, values, wrong)

    def _wrong(
        self, number: Numeric, row: Mapping[str, Vector], block: Block
    ) -> tuple[int, tuple[tuple[int, str], ...]]:
        values = np.broadcast_to(number.evaluate(row)[0], block.count)
        wrong: NDArray[np.intp] = np.flatnonzero(~np.isfinite(values))
        shown = tuple(
            (block.row_number(i), ", ".join(f"{n}={row[n][i]:g}" for n in number.columns))
            for i in wrong[:_SHOWN].tolist()
        )
        return int(wrong.size), shown

    def merge(self, left: _Found, right: _Found) -> _Found:
        """Join what was learned."""
        pairs = zip(left.values, right.values, strict=True)
        values = tuple(
            _distinct(np.concatenate([a[0], b[0]]), np.concatenate([a[1], b[1]])) for a, b in pairs
        )
        wrong = tuple(
            (a[0] + b[0], (a[1] + b[1])[:_SHOWN])
            for a, b in zip(left.wrong, right.wrong, strict=True)
        )
        return _Found(left.weight + right.weight, left.offsets + right.offsets, values, wrong)

    def source(self, found: _Found, sample: RowSource) -> Linear:
        """Return the source with what was learned.

        Raises:
            DataError: for a computed number that is not finite.
        """
        assert self.linear.terms is not None  # since `of`
        for number, (count, first) in zip(self.numbers, found.wrong, strict=True):
            if count:
                shown = ", ".join(f"{sample.locate(row)} ({values})" for row, values in first)
                more = f" and {count - _SHOWN:,} more" if count > _SHOWN else ""
                raise DataError(f"{number.node} is not a finite number in {shown}{more}.")
        states: dict[Any, Basis] = {
            b.node: b.learned(*own) for b, own in zip(self.bases, found.values, strict=True)
        }
        mean = found.offsets / found.weight if found.weight else 0.0
        terms = self.linear.terms.with_bases(states) if states else self.linear.terms
        return replace(self.linear, terms=terms, offset_mean=mean)


def _distinct(values: Vector, weight: Vector) -> tuple[Vector, Vector]:
    """The distinct values in their order, with the weight of each."""
    order = np.argsort(values, kind="stable")  # which joins two sorted halves in linear time
    values, weight = values[order], weight[order]
    first = np.flatnonzero(np.concatenate([[True], values[1:] != values[:-1]]))
    return values[first], np.add.reduceat(weight, first)


@final
@dataclass(frozen=True, eq=False)
class _Constant(_Learner[tuple[Vector, Vector]]):
    """Learns the coefficients b that minimise Σ w (1 − x'b)², of a design without a constant."""

    linear: Linear

    @classmethod
    def of(cls, linear: Linear) -> _Constant | None:
        """Make the learner; None where a constant is known."""
        known = linear.terms is None or linear.intercept or linear.ones is not None
        return None if known or linear.estimate is not None else cls(linear)

    def of_block(self, block: Block, arguments: Vector) -> tuple[Vector, Vector]:  # noqa: ARG002
        """Learn from rows."""
        n = block.count
        design = self.linear.design({name: values[:n] for name, values in block.fields.items()})
        weight = block.weight[:n]
        return design.cross(weight), design.transpose_dot(weight)

    def merge(
        self, left: tuple[Vector, Vector], right: tuple[Vector, Vector]
    ) -> tuple[Vector, Vector]:
        """Add."""
        return left[0] + right[0], left[1] + right[1]

    def source(self, found: tuple[Vector, Vector], sample: RowSource) -> Linear:  # noqa: ARG002
        """Return the source with the coefficients."""
        squares, sums = found
        ones, *_ = np.linalg.lstsq(squares, sums, rcond=None)
        return replace(self.linear, ones=np.asarray(ones, dtype=np.float64))
