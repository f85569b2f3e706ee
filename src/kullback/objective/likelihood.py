"""The likelihood as a sum of terms: each adds up the loss of some of the rows, its cheapest way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol, final, runtime_checkable

from kullback._core.arrays import Vector
from kullback.data.observation import RowKind
from kullback.objective.statistics import LossDerivatives, LossSums, OfKinds
from kullback.objective.sufficient_statistics import SufficientMoments, derivatives_of_moments


@runtime_checkable
class Term(Protocol):
    """The loss of some of the rows, with its derivatives."""

    def sums(self, derivatives: LossDerivatives, constrained: Vector) -> LossSums:
        """Return the sums over these rows at constrained coefficients."""


@final
@dataclass(frozen=True)
class RowsTerm:
    """Rows that every evaluation passes over.

    Attributes:
        reduce: adds a statistic up over a sample.
        kinds: the kinds of rows; None for all.
    """

    reduce: Callable[..., Any]
    kinds: frozenset[RowKind] | None = None

    def sums(self, derivatives: LossDerivatives, constrained: Vector) -> LossSums:
        """Pass over the rows."""

        def add_up(derivatives: LossDerivatives) -> Vector:
            of = derivatives if self.kinds is None else OfKinds(derivatives, self.kinds)
            sums: Vector = self.reduce(of, constrained)
            return sums

        with_products = replace(derivatives, products=True)
        return derivatives.unpack(add_up(derivatives), lambda: add_up(with_products))


@final
@dataclass(frozen=True)
class MomentsTerm:
    """Exact rows of which the moments of a family's sufficient statistics are known.

    Attributes:
        moments: the moments.
    """

    moments: SufficientMoments

    def sums(self, derivatives: LossDerivatives, constrained: Vector) -> LossSums:
        """Compute the sums from the moments."""
        return derivatives_of_moments(derivatives, self.moments, constrained)


@final
@dataclass(frozen=True)
class Likelihood:
    """The loss of all rows.

    Attributes:
        terms: every row in one of them; they are merged in this order.
    """

    terms: tuple[Term, ...]

    def sums(self, derivatives: LossDerivatives, constrained: Vector) -> LossSums:
        """Return the sums over all rows, per unit of weight."""
        return LossSums.joined([term.sums(derivatives, constrained) for term in self.terms])
