"""The facts about the sample that a fit stores."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, final

from kullback._core.arrays import Vector
from kullback._core.display import Listed
from kullback._core.equality import Comparable
from kullback._core.errors import KullbackError
from kullback.data.sample import RowSource
from kullback.objective.first_pass import FirstPass
from kullback.results.entropy_estimate import EntropyEstimate

# What weights are: how many equal rows a row stands for, or the inverse of its chance to be drawn.
FREQUENCY, SAMPLING = WEIGHT_KINDS = ("frequency", "sampling")


@final
@dataclass(frozen=True, eq=False, repr=False)
class SampleInfo(Listed, Comparable):
    """The facts about the sample that a fit stores.

    Attributes:
        label: name of the outcome in messages.
        source: where the rows came from.
        rows: number of rows.
        weight: their total weight.
        dropped: number of rows left out because a value was missing.
        entropy: exact entropy of the empirical distribution in nats, for discrete outcomes.
        levels: class labels in the order of their codes, for labels.
        values: outcomes to estimate the entropy of a continuous distribution from: rows of equal
            weight spread evenly over the sample; None where rows have weights, and in a loaded fit.
        entropy_estimate: the estimate from them, in a loaded fit.
        inexact: the rows whose outcome was not observed itself, as text: "120 of 400 rows are
            right-censored"; empty where there are none.
        weight_kind: what the weights are: "frequency" or "sampling".
        instructions: of the processors that added up its sums: the same rows and the same
            instructions give the same bits, whatever the engine.
        pearson: Pearson's statistic of the fitted counts and its variance, in a fit without rows.
    """

    label: str
    source: str
    rows: int
    weight: float
    dropped: int
    entropy: float | None
    levels: tuple[Any, ...] | None
    values: Vector | None = field(default=None, compare=False)
    entropy_estimate: EntropyEstimate | None = field(default=None, compare=False)
    inexact: str = ""
    weight_kind: str = FREQUENCY
    instructions: tuple[str, ...] = field(default=(), compare=False)
    pearson: tuple[float, float] | None = field(default=None, compare=False)

    def refuse_sampling(self, what: str) -> None:
        """Raise for sampling weights.

        Args:
            what: what they do not allow.

        Raises:
            KullbackError: with what does.
        """
        if self.weight_kind == SAMPLING:
            raise KullbackError(
                f"{what} needs the likelihood of the rows, but with sampling weights Σ w log q is "
                "not one. Standard errors, Wald intervals and fit.test hold; or give "
                'weight_kind="frequency" if a row of weight k stands for k equal rows.',
                reason="sampling weights",
            )

    @classmethod
    def of(cls, sample: RowSource, known: FirstPass) -> SampleInfo:
        """Take the facts from a sample and its first pass."""
        return cls(
            label=sample.label,
            source=sample.describe_source(),
            rows=known.summary.rows,
            weight=known.summary.weight,
            dropped=sample.dropped,
            entropy=known.entropy,
            levels=sample.levels,
            values=known.continuous,
            inexact=known.summary.inexact,
        )

    def _cells(self) -> dict[str, str]:
        return {
            "label": self.label,
            "source": self.source,
            "rows": f"{self.rows:,}",
            "weight": f"{self.weight:,.12g}",
            "dropped": f"{self.dropped:,}",
        }
