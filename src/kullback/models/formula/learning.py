"""What models learn from the rows that they are fitted to, beside levels: in one pass or two.

Knots and centres of the terms of formulas, the mean of offsets, and for formulas without a constant
the coefficients that give all rows nearly the same predictor, which a search starts from.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar, final

import numpy as np
from numpy.typing import NDArray

from kullback._core.arrays import Vector
from kullback._core.errors import DataError
from kullback.data.sample import Chunk, RowSource
from kullback.models.formula.bases import Basis
from kullback.models.formula.factors import Numeric
from kullback.models.formula.syntax import Name
from kullback.models.linear import Linear
from kullback.models.model import Model

ModelT = TypeVar("ModelT", bound=Model)

# A message shows so many rows.
_SHOWN = 3


def bound(model: ModelT, sample: RowSource) -> ModelT:
    """Return the model for a sample: with its levels, and with what formulas learn from the rows.

    Raises:
        KullbackError: for a sample that the model does not suit.
    """
    model = model.bind(sample.schema)
    for make in (_TermLearner.of, _ConstantLearner.of):
        learners = {
            name: learner
            for name, source in model.sources.items()
            if isinstance(source, Linear) and (learner := make(source)) is not None
        }
        if learners:
            for chunk in sample.chunks():
                for learner in learners.values():
                    learner.add(chunk, sample.locate)
            learned = {name: learner.source() for name, learner in learners.items()}
            model = model.with_sources({**model.sources, **learned})
    return model


@final
class _TermLearner:
    """Learns bases and the mean of offsets, and checks that computed numbers are finite."""

    def __init__(self, linear: Linear, numbers: tuple[Numeric, ...], bases: tuple[Basis, ...]):
        self.linear, self.numbers, self.bases = linear, numbers, bases
        self.values: dict[Any, tuple[Vector, Vector]] = {}
        self.weight = self.offsets = 0.0

    @classmethod
    def of(cls, linear: Linear) -> _TermLearner | None:
        """Make the learner; None where the levels are all that is learned."""
        if linear.terms is None or linear.estimate is not None:
            return None
        factors = dict.fromkeys(f for part in linear.terms.parts for f, _ in part.factors)
        bases = tuple(f for f in factors if isinstance(f, Basis) and f.state is None)
        computed = [f for f in factors if isinstance(f, Numeric)] + [b.argument for b in bases]
        numbers = tuple(f for f in computed if not isinstance(f.node, Name))
        if not (bases or numbers or linear.offsets or linear.exposures):
            return None
        return cls(linear, numbers, bases)

    def add(self, chunk: Chunk, locate: Callable[[int], str]) -> None:
        """Learn from rows."""
        row = chunk.fields
        weight = np.ones(chunk.count) if chunk.weight is None else chunk.weight
        with np.errstate(all="ignore"):  # what is not finite is refused
            for number in self.numbers:
                values = np.broadcast_to(number.evaluate(row)[0], chunk.count)
                wrong = np.flatnonzero(~np.isfinite(values))
                if wrong.size:
                    self._refuse(number, row, wrong, chunk.row_numbers, locate)
            for basis in self.bases:
                self._collect(basis, basis.argument.evaluate(row)[0], weight)
            offset = self.linear.offset_of(row)
        self.weight += float(weight.sum())
        if offset is not None:
            self.offsets += float(weight @ offset)

    def _refuse(
        self,
        number: Numeric,
        row: Mapping[str, Vector],
        wrong: NDArray[np.intp],
        rows: NDArray[np.int64],
        locate: Callable[[int], str],
    ) -> None:
        shown = [
            f"{locate(int(rows[i]))} ({', '.join(f'{n}={row[n][i]:g}' for n in number.columns)})"
            for i in wrong[:_SHOWN].tolist()
        ]
        more = f" and {wrong.size - _SHOWN:,} more" if wrong.size > _SHOWN else ""
        raise DataError(f"{number.node} is not a finite number in {', '.join(shown)}{more}.")

    def _collect(self, basis: Basis, values: Vector, weight: Vector) -> None:
        """Keep the distinct values with their weights."""
        before = self.values.get(basis)
        if before is not None:
            values = np.concatenate([before[0], values])
            weight = np.concatenate([before[1], weight])
        values, weight = values[weight > 0.0], weight[weight > 0.0]
        distinct, place = np.unique(values, return_inverse=True)
        total = np.bincount(place, weight, len(distinct)).astype(np.float64)
        self.values[basis] = distinct, total

    def source(self) -> Linear:
        """Return the source with what was learned."""
        assert self.linear.terms is not None  # since `of`
        states = {basis.node: basis.learned(*own) for basis, own in self.values.items()}
        mean = self.offsets / self.weight if self.weight else 0.0
        terms = self.linear.terms.with_bases(states) if states else self.linear.terms
        return replace(self.linear, terms=terms, offset_mean=mean)


@final
class _ConstantLearner:
    """Learns the coefficients b that minimise Σ w (1 − x'b)², of a design without a constant."""

    def __init__(self, linear: Linear) -> None:
        self.linear = linear
        size = len(linear.labels)
        self.squares, self.sums = np.zeros((size, size)), np.zeros(size)

    @classmethod
    def of(cls, linear: Linear) -> _ConstantLearner | None:
        """Make the learner; None where a constant is known."""
        known = linear.terms is None or linear.intercept or linear.ones is not None
        return None if known or linear.estimate is not None else cls(linear)

    def add(self, chunk: Chunk, locate: Callable[[int], str]) -> None:  # noqa: ARG002
        """Learn from rows."""
        weight = np.ones(chunk.count) if chunk.weight is None else chunk.weight
        design = self.linear.design(chunk.fields)
        self.squares += design.cross(weight)
        self.sums += design.transpose_dot(weight)

    def source(self) -> Linear:
        """Return the source with the coefficients."""
        found, *_ = np.linalg.lstsq(self.squares, self.sums, rcond=None)
        return replace(self.linear, ones=np.asarray(found, dtype=np.float64))
