"""The first pass: check, summarise and, where that loses nothing, condense the sample."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from kullback._core.arrays import Vector
from kullback._core.errors import DataError
from kullback.data.blocks import Block
from kullback.data.observation import Exact
from kullback.data.sample import ArraySample, Chunk, ChunkSample, Sample
from kullback.models.family import Family
from kullback.models.model import Model
from kullback.objective.distinct_values import Table, Tabulate
from kullback.objective.sample_summary import MOST_THINNED, THINNED, SampleSummary, SummariseSample
from kullback.objective.statistics import Joint, Statistic
from kullback.objective.sufficient_statistics import SufficientMoments, SufficientSums, moments_of

# Starting values are computed by NumPy from at most this many rows.
FOR_STARTS = 4_096

# The entropy of a continuous distribution is estimated from at most this many rows: the standard
# error is then 0.005 nats for a normal distribution, and the time some 20 ms.
FOR_ENTROPY = 65_536


# For more rows than this in memory, the first pass adds up only what the estimate and its standard
# errors need, where that is the smaller part of the work; for fewer, it adds up everything.
_AT_ONCE = 1 << 20


@final
@dataclass(frozen=True)
class FirstPass:
    """The results of the first pass: a summary, and the condensed sample where that loses nothing.

    Attributes:
        summary: counts, extremes, and a thinned subsample.
        moments: of the sufficient statistics, for a family with them.
        table: the distinct outcomes with their weights, for discrete outcomes.
        locate: returns the name of a row in messages, from its number.
    """

    summary: SampleSummary
    moments: SufficientMoments | None
    table: ArraySample | None
    locate: Callable[[int], str]

    @property
    def cheap(self) -> bool:
        """Whether a pass is cheap: over a condensed sample, or few rows."""
        return self.condensed or self.summary.stride == 1

    @property
    def condensed(self) -> bool:
        """Whether moments or a table determine the likelihood."""
        return self.moments is not None or self.table is not None

    @property
    def entropy(self) -> float | None:
        """Entropy of the empirical distribution, for discrete outcomes; else None."""
        if self.table is None:
            return None
        weight = self.table.weight
        assert weight is not None
        p = weight[weight > 0.0] / np.sum(weight)
        return abs(float(np.sum(p * np.log(p))))

    @property
    def continuous(self) -> Vector | None:
        """Outcomes to estimate a continuous entropy from, each as often as its weight says.

        None where weights are not whole numbers, or their sum is too large.
        """
        d = self.summary.at_most(FOR_ENTROPY)
        times = d.weights
        if self.table is not None or bool(np.any(times != np.floor(times))):
            return None
        if float(times.sum()) > 16 * FOR_ENTROPY:
            return None
        return np.repeat(d.values, times.astype(np.intp))

    @property
    def few(self) -> tuple[Vector, Vector]:
        """Outcomes and weights of a subsample, or of all rows where these are few."""
        if self.table is not None:
            assert self.table.weight is not None
            return self.table.fields["y"], self.table.weight
        step = -(-self.summary.values.size // FOR_STARTS)
        values, weights = self.summary.values[::step], self.summary.weights[::step]
        kept = weights > 0.0
        return values[kept], weights[kept]

    def subsamples(self, model: Model) -> list[Sample]:
        """Return samples of growing size to start on, the largest with all thinned rows."""
        kept = self.summary.rows // self.summary.stride
        sizes = [n for n in (FOR_STARTS, THINNED) if n < kept]
        return [self.subsample(model, n) for n in (*sizes, MOST_THINNED)]

    def subsample(self, model: Model, most: int) -> Sample:
        """Return at most about ``most`` of the thinned rows as a sample to start on.

        For models without covariates the extremes are added: parameters that give them positive
        probability give it to every row, so that an estimate on the subsample is valid on all rows.
        """
        d = self.summary.at_most(most)
        chunks = [Chunk(p.kind, dict(p.fields), p.weights, p.first) for p in d.pieces]
        if not model.columns and math.isfinite(d.minimum):
            ends = np.array([d.minimum, d.maximum])
            chunks.append(Chunk(Exact(), {"y": ends}, np.full(2, np.mean(d.weights))))
        return ChunkSample(tuple(chunks))


def first_pass(
    model: Model,
    sample: Sample,
    reduce: Callable[..., Any],
    first_block: Callable[[], Block],
) -> FirstPass:
    """Read the sample once: check it, summarise it, and condense it where possible.

    Args:
        model: the model.
        sample: the sample.
        reduce: adds up a statistic over the sample.
        first_block: returns its first block.

    Raises:
        DataError: for rows outside the model's support, or a sample without a maximum.
    """
    exact = all(isinstance(kind, Exact) for kind in sample.kinds) and not model.columns
    statistics: list[Statistic[Any]] = [SummariseSample(model.support, in_memory=sample.in_memory)]
    arguments = [np.zeros(0)]
    family = model if isinstance(model, Family) and model.sufficient else None
    if exact and family is not None and not model.discrete:
        block = first_block()
        # a point inside the data, so that differences from it keep their digits
        with np.errstate(over="ignore"):  # an infinite mean is refused below
            origin = np.array([np.mean(block.fields["y"][: min(block.count, FOR_STARTS)])])
        # else every pass reads the rows themselves, or they are refused
        if bool(model.support.contains(origin)[0]):
            statistics.append(SufficientSums(family, products=not _lazily(sample, family)))
            arguments.append(origin)
    elif exact and model.discrete:
        statistics.append(Tabulate())
        arguments.append(np.zeros(0))
    joint = Joint(tuple(statistics), tuple(arguments))
    summary, *rest = reduce(joint, np.zeros(0))
    summary.check(model, sample.label, sample.locate)
    moments = table = None
    last = statistics[-1]
    if isinstance(last, SufficientSums):
        moments = moments_of(last, rest[0], arguments[-1], reduce, sample.label)
    elif rest:
        found: Table = rest[0]
        if found.values is not None:
            table = ArraySample({"y": found.values}, found.weights, label=sample.label)
    known = FirstPass(summary, moments, table, sample.locate)
    _refuse_constant(model, known, sample.label)
    return known


def _lazily(sample: Sample, family: Family) -> bool:
    """Whether to add up the products of the statistics only when they are needed."""
    if not (sample.in_memory and family.quick_sums):
        return False
    return sum(chunk.count for chunk in sample.chunks()) > _AT_ONCE


def _refuse_constant(model: Model, known: FirstPass, label: str) -> None:
    """Raise for a single distinct value where a scale is free: the likelihood is unbounded."""
    d = known.summary
    free = [c.name for c in model.vector.free]
    if model.discrete or model.columns or d.minimum < d.maximum or len(free) < 2:
        return
    rows = f"all {d.rows:,} rows of" if d.rows > 1 else "the only row of"
    raise DataError(
        f"{model.name} cannot be fitted: {rows} {label} hold{'s' if d.rows == 1 else ''} the same "
        f"value {d.minimum!r}, and the likelihood is unbounded as the distribution narrows "
        f"around it. Give at least two distinct values, or fix all but one of {', '.join(free)}."
    )
