"""The first pass: check, summarise and, where that loses nothing, condense the sample."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from kullback._core.arrays import Vector
from kullback._core.domains import Interval
from kullback._core.errors import DataError
from kullback.data.blocks import Block
from kullback.data.observation import Exact, Observed, RowKind
from kullback.data.sample import ArraySample, Chunk, ChunkSample, RowSource
from kullback.models.forms import ExponentialForm
from kullback.models.linear import Linear
from kullback.models.model import Model
from kullback.objective.distinct_values import Tabulate
from kullback.objective.equal_rows import countable, merged_rows
from kullback.objective.located_rows import located_inside
from kullback.objective.sample_summary import MOST_THINNED, THINNED, SampleSummary, SummariseSample
from kullback.objective.statistics import Joint, OfKinds, Statistic
from kullback.objective.sufficient_statistics import SufficientMoments, SufficientSums, moments_of

# Starting values are computed by NumPy from at most this many rows.
FOR_STARTS = 4_096
# So many exact rows, and this share of all, give starting values without the others.
_FEW_EXACT, _SHARE_EXACT = 32, 0.1

# The entropy of a continuous distribution is estimated from at most this many rows: the standard
# error is then 0.005 nats for a normal distribution, and the time some 20 ms.
FOR_ENTROPY = 65_536


# The subsample of a regression: a part of the rows, but so many for a column. Fewer rows come
# before it where they are so many for a column that their estimate is nearer than any start.
_PART, _ROWS_OF_A_COLUMN, _FEWEST_OF_A_COLUMN = 16, 64, 16

# For more rows than this in memory, the first pass adds up only what the estimate and its standard
# errors need, where that is the smaller part of the work; for fewer, it adds up everything.
_AT_ONCE = 1 << 20


@final
@dataclass(frozen=True)
class FirstPass:
    """The results of the first pass: a summary, and the condensed sample where that loses nothing.

    Attributes:
        summary: counts, extremes, and a thinned subsample.
        moments: of the sufficient statistics of the exact rows, for a family with them.
        table: the distinct outcomes of the exact rows with their weights, for discrete outcomes.
        locate: returns the name of a row in messages, from its number.
        merged: the distinct rows with their weights, of a regression, where these are few.
    """

    summary: SampleSummary
    moments: SufficientMoments | None
    table: ArraySample | None
    locate: Callable[[int], str]
    merged: ChunkSample | None = None

    @property
    def cheap(self) -> bool:
        """Whether a pass is cheap: over a condensed sample, or few rows."""
        if self.merged is not None:
            return self.merged.count <= THINNED
        return sum(self.summary.kinds[kind] for kind in self.kinds_of_passes) <= THINNED

    @property
    def condensed(self) -> bool:
        """Whether moments or a table determine the likelihood."""
        return not self.kinds_of_passes

    @property
    def kinds_of_passes(self) -> frozenset[RowKind]:
        """The kinds of rows that neither moments nor a table hold."""
        condensed = self.moments is not None or self.table is not None
        return frozenset(k for k in self.summary.kinds if k != Exact() or not condensed)

    @property
    def entropy(self) -> float | None:
        """Entropy of the empirical distribution, for discrete exact outcomes; else None."""
        if self.table is None or not self.condensed:
            return None
        weight = self.table.weight
        assert weight is not None
        p = weight[weight > 0.0] / np.sum(weight)
        return abs(float(np.sum(p * np.log(p))))

    @property
    def continuous(self) -> Vector | None:
        """Exact outcomes to estimate a continuous entropy from, each as often as its weight says.

        None where rows are not exact, or weights are not whole numbers or too large together.
        """
        if self.table is not None or not self.summary.all_exact:
            return None
        d = self.summary.at_most(FOR_ENTROPY)
        times = d.weights
        if (times == 1.0).all():
            return d.values
        if (times != np.floor(times)).any() or times.sum() > 16 * FOR_ENTROPY:
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

    def for_starts(self, support: Interval) -> tuple[Vector, Vector]:
        """Return outcomes inside a support with their weights, to compute starting values from.

        Of a subsample: the exact ones where these are many, which are then as good as all; else
        every row's, as the middle of what it allows, or its only end.
        """
        exact = sum(n for k, n in self.summary.kinds.items() if not isinstance(k, Observed))
        if exact >= max(_FEW_EXACT, _SHARE_EXACT * self.summary.rows) or self.condensed:
            return self.few
        pieces = self.summary.at_most(FOR_STARTS).pieces
        values = np.concatenate([located_inside(support, p.kind, p.fields) for p in pieces])
        weights = np.concatenate([p.weights for p in pieces])
        kept = weights > 0.0
        return values[kept], weights[kept]

    def subsamples(self, model: Model) -> list[RowSource]:
        """Return samples of growing size to start on, the largest with all thinned rows.

        Of a regression, whose rows cost more than a distribution's, the last but one is a sixteenth
        of the rows, if they are many for its columns: the last is for a search without an end on
        it, and may be the same.
        """
        kept = self.summary.rows // self.summary.stride
        if not model.linear:
            sizes = [n for n in (FOR_STARTS, THINNED) if n < kept]
            return [self.subsample(model, n) for n in (*sizes, MOST_THINNED)]
        columns = max(len(s.labels) for s in model.sources.values() if isinstance(s, Linear))
        most = min(max(self.summary.rows // _PART, _ROWS_OF_A_COLUMN * columns), kept)
        sizes = [n for n in (FOR_STARTS, THINNED) if _FEWEST_OF_A_COLUMN * columns <= n < most]
        return [self.subsample(model, n) for n in (*sizes, most, MOST_THINNED)]

    def subsample(self, model: Model, most: int, *, proportionate: bool = False) -> RowSource:
        """Return at most about ``most`` of the thinned rows as a sample to start on.

        For models without covariates the extremes are added: parameters that give them positive
        probability give it to every row, so that an estimate on the subsample is valid on all rows.
        They weigh as much as one of its rows, or, ``proportionate``, as one of all rows: where an
        end of the support is near, a derivative may come from them alone.
        """
        d = self.summary.at_most(most)
        chunks = [Chunk(p.kind, dict(p.fields), p.weights, p.first) for p in d.pieces]
        if not model.columns and d.all_exact and math.isfinite(d.minimum):
            ends = np.array([d.minimum, d.maximum])
            own = np.mean(d.weights) / (d.stride if proportionate else 1)
            chunks.append(Chunk(Exact(), {"y": ends}, np.full(2, own)))
        return ChunkSample(tuple(chunks))


def first_pass(
    model: Model,
    sample: RowSource,
    reduce: Callable[..., Any],
    first_block: Callable[[RowKind], Block | None],
) -> FirstPass:
    """Read the sample once: check it, summarise it, and condense it where possible.

    Args:
        model: the model.
        sample: the sample.
        reduce: adds up a statistic over the sample.
        first_block: returns its first block of a kind, or None.

    Raises:
        DataError: for rows outside the model's support, or a sample without a maximum.
    """
    exact = Exact() in sample.kinds and not model.columns
    block = first_block(Exact()) if exact and not model.discrete else None
    statistics: list[Statistic[Any]] = [SummariseSample(model.support, in_memory=sample.in_memory)]
    arguments = [np.zeros(0)]
    exact_rows = frozenset([Exact()])
    form = model.exponential_form
    if block is not None and form is not None:
        # a point inside the data, so that differences from it keep their digits
        with np.errstate(over="ignore"):  # an infinite mean is refused below
            origin = float(np.mean(block.fields["y"][: min(block.count, FOR_STARTS)]))
        # else every pass reads the rows themselves, or they are refused
        if model.support.spans(origin, origin):
            sums = SufficientSums(form, products=not _lazily(sample, form))
            statistics.append(OfKinds(sums, exact_rows))
            arguments.append(np.array([origin]))
    elif exact and model.discrete:
        statistics.append(OfKinds(Tabulate(), exact_rows))
        arguments.append(np.zeros(0))
    counter = countable(sample, model.columns, first_block) if model.linear else None
    if counter is not None:
        statistics.append(counter)
        arguments.append(np.zeros(0))
    joint = Joint(tuple(statistics), tuple(arguments))
    summary, *rest = reduce(joint, np.zeros(0))
    summary.check(model, sample.label, sample.locate)
    moments = table = None
    last = statistics[-1]
    if isinstance(last, OfKinds) and rest[0] is not None:
        found = rest[0]
        if isinstance(last.statistic, SufficientSums):
            moments = moments_of(
                last.statistic,
                found,
                arguments[-1],
                lambda sums, at: reduce(OfKinds(sums, exact_rows), at),
                sample.label,
            )
        elif found.values is not None:
            table = ArraySample({"y": found.values}, found.weights, label=sample.label)
    merged = counter and merged_rows(counter, rest[0], summary.rows, sample)
    known = FirstPass(summary, moments, table, sample.locate, merged)
    _refuse_constant(model, known, sample.label)
    return known


def _lazily(sample: RowSource, form: ExponentialForm) -> bool:
    """Whether to add up the products of the statistics only when they are needed."""
    if not (sample.in_memory and form.quick_sums):
        return False
    return sum(chunk.count for chunk in sample.chunks()) > _AT_ONCE


def _refuse_constant(model: Model, known: FirstPass, label: str) -> None:
    """Raise for a single distinct value where a scale is free: the likelihood is unbounded."""
    d = known.summary
    value, other = d.common
    exact = any(k == Exact() or (isinstance(k, Observed) and not k.event) for k in d.kinds)
    if value != other or not exact or model.discrete or model.columns:
        return
    free = [c.name for c in model.vector.free]
    if len(free) < 2:
        return
    if not d.all_exact:
        raise DataError(
            f"{model.name} cannot be fitted: the only value of {label} that was observed itself is "
            f"{value!r}, which all other rows allow, and the likelihood is unbounded as the "
            "distribution narrows around it. Give at least two distinct values, or fix all but one "
            f"of {', '.join(free)}."
        )
    rows = f"all {d.rows:,} rows of" if d.rows > 1 else "the only row of"
    raise DataError(
        f"{model.name} cannot be fitted: {rows} {label} hold{'s' if d.rows == 1 else ''} the same "
        f"value {d.minimum!r}, and the likelihood is unbounded as the distribution narrows "
        f"around it. Give at least two distinct values, or fix all but one of {', '.join(free)}."
    )
