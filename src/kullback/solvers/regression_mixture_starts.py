"""Starting values of mixtures whose parts depend on columns: the EM algorithm from many splits.

Each step weights the rows of a component by its shares, and takes few Newton steps. Random halves
start nearly equal regressions, from which the algorithm hardly moves; small random subsets, and
splits by the residuals of one regression and by the side of a column's median, different ones.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from kullback._core.arrays import Vector
from kullback._core.errors import KullbackError, ModelError
from kullback.data.blocks import Block, blocks
from kullback.data.observation import Event, Observed
from kullback.data.sample import Chunk, ChunkSample, RowSource
from kullback.models.composite import Composite, mixes_regressions
from kullback.models.linear import Linear
from kullback.models.mixture_labels import interchangeable
from kullback.models.mixture_starts import best_ends
from kullback.models.model import Model
from kullback.models.parameter_vector import ParameterVector
from kullback.models.source import Fixed, SameAs
from kullback.models.wrapper import Wrapper
from kullback.objective.component_terms import component_terms, shares_of
from kullback.objective.cross_entropy import CrossEntropy
from kullback.objective.first_pass import FirstPass
from kullback.objective.likelihood import RowsTerm
from kullback.objective.located_rows import located_inside
from kullback.objective.starting_values import points_from
from kullback.solvers.multinomial_steps import towards_shares
from kullback.solvers.newton import Newton
from kullback.solvers.solver import minimise

# Every split is followed on so few rows, the best ones on more.
_FEW, _MORE = 400, 2_000

# Random subsets tried; steps from each split, and further ones of the best, as many as are followed
# and returned.
_RANDOM, _FIRST, _FURTHER, _FOLLOWED, _RETURNED = 12, 6, 20, 4, 3

# Evaluations of a component's loss: for a split, which may be anything, and in later steps.
_AT_FIRST, _LATER = 12, 2

# Splits tried for a component that is a mixture itself, of rows of which it has so large a share.
_NESTED, _SEEN = 6, 0.1

# The columns whose medians split the residuals.
_COLUMNS = 4

# A component with less than this share of a row does not see it.
_NONE = 1e-9

# The log-likelihood a row changes by less in the last step.
_STILL = 1e-8

Values = dict[str, Vector]
Reduce = Callable[[RowSource], Callable[..., Any]]


@final
@dataclass(frozen=True)
class _State:
    """Where a step ended.

    Attributes:
        at: the unconstrained numbers of each component.
        weights: the numbers of the weights.
        shares: of the components in each row.
        value: log-likelihood a row.
        regular: whether each component has more rows than twice its coefficients.
    """

    at: tuple[Vector, ...]
    weights: Vector
    shares: Vector
    value: float
    regular: bool


def regression_mixture_starts(
    model: Model, vector: ParameterVector, known: FirstPass, reduce_over: Reduce
) -> list[Vector]:
    """Return starting points on the unconstrained scale, the most promising first.

    Args:
        model: a mixture of models that read columns, or a model made of one.
        vector: its coefficients.
        known: the first pass.
        reduce_over: returns what adds statistics up over a sample.

    Raises:
        ModelError: where no split leads anywhere.
    """
    more = known.subsample(model, _MORE) if known.summary.rows > _FEW else None
    found = _values_of(model, known.subsample(model, _FEW), more, reduce_over)
    return [vector.unconstrained(_given(vector, values)) for values in found]


def _values_of(
    model: Model,
    few: RowSource,
    more: RowSource | None,
    reduce_over: Reduce,
    splits: int | None = None,
) -> list[Values]:
    """Return starting values by coefficient, the most promising first.

    Args:
        model: one for which ``mixes_regressions`` is true.
        few: rows to follow every split on.
        more: rows to follow the best on; None for the same.
        reduce_over: returns what adds statistics up over a sample.
        splits: how many splits are tried; None for all.

    Raises:
        ModelError: where no split leads anywhere.
    """
    assert isinstance(model, Composite)  # as it holds a mixture
    if not model.components:
        assert isinstance(model, Wrapper)  # the other composites
        return _of_wrapper(model, few, more, reduce_over, splits)
    on_few = _Rows(model, few, reduce_over)
    on_more = on_few if more is None else _Rows(model, more, reduce_over)
    tried = islice(on_few.splits(), splits)
    begun = [s for split in tried if (s := on_few.steps(split, _FIRST)) is not None]
    ended = best_ends(begun, _FOLLOWED)
    if splits is None:
        ended = [s for b in ended if (s := on_more.further(b, _FURTHER)) is not None]
    if not ended:
        raise ModelError(
            f"{model.name} could not compute starting values from these data: in no split of the "
            "rows could all components be estimated. Choose fewer components."
        )
    return [on_more.values(state) for state in best_ends(ended, _RETURNED)]


def _of_wrapper(
    model: Wrapper, few: RowSource, more: RowSource | None, *others: Any
) -> list[Values]:
    """Return starting values of a model made of one other: its own, and those of the base."""
    rows = list((few if more is None else more).chunks())
    y = np.concatenate([located_inside(model.support, c.kind, c.fields) for c in rows])
    weight = np.concatenate([np.ones(c.count) if c.weight is None else c.weight for c in rows])
    own = model.own_starts(y, weight)
    if own is None:
        raise ModelError(
            f"{model.name} has no starting values where the base reads columns: write the mixture "
            f"outside, kl.Mixture([kl.{type(model).__name__}(...), ...]), with "
            f'kl.same_as("components[0].{next(iter(model.own_parameters))}") for what is shared.'
        )

    def of_base(sample: RowSource) -> RowSource:
        each = ((c, located_inside(model.support, c.kind, c.fields)) for c in sample.chunks())
        return ChunkSample(tuple(_some(c, model.of_base_alone(own)) for c, own in each))

    more = None if more is None else of_base(more)
    found = _values_of(model.base, of_base(few), more, *others)
    numbers = {n: np.atleast_1d(model.sources[n].starts_at(value)) for n, value in own.items()}
    return [values | numbers for values in found]


def _some(chunk: Chunk, kept: NDArray[np.bool_], weight: Vector | None = None) -> Chunk:
    """Return some rows of a chunk, with other weights perhaps."""
    fields = {name: field[kept] for name, field in chunk.fields.items()}
    weight = chunk.weight if weight is None else weight
    return Chunk(chunk.kind, fields, None if weight is None else weight[kept])


def _given(vector: ParameterVector, values: Values) -> Values:
    """Put the user's starting values in the place of those that were found."""
    return {c.name: values[c.name] if c.start is None else c.start for c in vector.free}


@final
class _Rows:
    """Rows, and the steps of the EM algorithm on them."""

    def __init__(self, mixture: Composite, sample: RowSource, reduce_over: Reduce) -> None:
        self.mixture, self.reduce_over = mixture, reduce_over
        self.chunks = list(sample.chunks())
        self.weight = np.concatenate(
            [np.ones(c.count) if c.weight is None else c.weight for c in self.chunks]
        )
        self.blocks = [block for c in self.chunks for block in blocks([replace(c, weight=None)])]
        self.parts = [
            _Part(part, self._located(part), self.weight) for part in mixture.parts.values()
        ]
        source = mixture.sources["weights"]
        self.design = None
        if isinstance(source, Linear):
            parts = [source.design(c.fields).to_dense() for c in self.chunks]
            self.design = np.concatenate(parts, axis=1)
        self.given = source.number if isinstance(source, Fixed) else None

    def _located(self, part: Model) -> Vector:
        return np.concatenate([located_inside(part.support, c.kind, c.fields) for c in self.chunks])

    # ---- splits ----------------------------------------------------------------------------

    def splits(self) -> Iterator[Vector]:
        """Yield shares to begin with."""
        count, size = len(self.parts), self.weight.size
        for key in self._keys():
            rank = np.empty(size)
            rank[np.argsort(key, kind="stable")] = (np.arange(size) + 0.5) / size
            group = np.minimum((rank * count).astype(int), count - 1)
            for places in self._orders():
                shares = np.full((count, size), 0.02 / count)
                shares[np.asarray(places)[group], np.arange(size)] += 0.98
                yield shares
        random = np.random.default_rng(0)
        least = max(part.vector.n_free for part in self.parts)
        each = min(3 * least + 2, size // count)
        for _ in range(_RANDOM):
            rows = random.permutation(size)
            shares = np.zeros((count, size))
            for k in range(count):
                shares[k, rows[k * each : (k + 1) * each]] = 1.0
            yield shares

    def _orders(self) -> list[list[int]]:
        """The components in order, and from the last on where they differ."""
        order = list(range(len(self.parts)))
        return [order] if len(interchangeable(self.mixture)) == 1 else [order, order[::-1]]

    def _keys(self) -> list[Vector]:
        """What the rows are split by: the residuals of one regression, and their products."""
        try:
            u = self._residuals()
        except (KullbackError, ValueError, ArithmeticError):  # such as no distribution function
            return []
        if not np.isfinite(u).all():
            return []
        outcomes = {name for c in self.chunks for name in c.kind.fields}
        names = [name for name in self.chunks[0].fields if name not in outcomes][:_COLUMNS]
        keys = [u, np.abs(u)]
        for name in names:
            column = np.concatenate([c.fields[name] for c in self.chunks])
            keys.append(u * (column - np.median(column)))
        return keys

    def _residuals(self) -> Vector:
        """The probability of smaller outcomes under one regression for all rows, less a half."""
        count = len(self.parts)
        everyone = np.ones(self.weight.size)
        at = tuple(self._fit(part, everyone, None) for part in self.parts)
        weights = np.full(count, 1.0 / count)
        if self.design is not None:
            weights = np.zeros((count - 1) * len(self.design))
        numbers = self._numbers(at, weights)
        left = [
            Block(
                Observed(Event.LEFT),
                block.index,
                {
                    **{n: f for n, f in block.fields.items() if n not in block.kind.fields},
                    "y.upper": np.resize(located, block.capacity),
                },
                block.weight,
                block.count,
                block.tiles,
                block.origin,
            )
            for block, located in zip(self.blocks, self._by_block(self.parts[0].y), strict=True)
        ]
        terms = np.concatenate([component_terms(self.mixture, block, numbers)[0] for block in left])
        return np.exp(terms + math.log(count)) - 0.5

    def _by_block(self, values: Vector) -> list[Vector]:
        return np.split(values, np.cumsum([block.count for block in self.blocks])[:-1])

    # ---- steps -----------------------------------------------------------------------------

    def steps(self, shares: Vector, most: int) -> _State | None:
        """Take steps from a split; None where a component cannot be estimated."""
        return self._steps(shares, most, [None] * len(self.parts), None)

    def further(self, state: _State, most: int) -> _State | None:
        """Take further steps, on other rows perhaps."""
        shares, _ = self._expect(state.at, state.weights)
        return self._steps(shares, most, state.at, state.weights)

    def _steps(
        self, shares: Vector, most: int, at: Sequence[Vector | None], weights: Vector | None
    ) -> _State | None:
        value, state = -math.inf, None
        for _ in range(most):
            try:
                with np.errstate(all="ignore"):
                    found = tuple(
                        self._fit(part, own, before)
                        for part, own, before in zip(self.parts, shares, at, strict=True)
                    )
                    weights = self._weights(shares, weights)
                    shares, new = self._expect(found, weights)
            except (KullbackError, ValueError, ArithmeticError, np.linalg.LinAlgError):
                return state
            if not math.isfinite(new):
                return state
            # effective numbers: a component of few rows, repeated, may be on its way to collapse
            own = shares * self.weight
            sizes = np.sum(own, axis=1) ** 2 / np.sum(own**2, axis=1)
            enough = [
                n > 2.0 * part.vector.n_free for n, part in zip(sizes, self.parts, strict=True)
            ]
            state = _State(found, weights, shares, new, all(enough))
            if new - value < _STILL or not state.regular:
                return state
            value, at = new, found
        return state

    def _fit(self, part: _Part, shares: Vector, before: Vector | None) -> Vector:
        """Take steps towards the minimum of a component's loss over its shares of the rows."""
        if before is None and mixes_regressions(part.model):
            before = self._nested(part, shares)
        sample = self._seen(shares, _NONE)
        sums = RowsTerm(self.reduce_over(sample)).sums
        objective = CrossEntropy(part.model, part.vector, sums)
        start = part.start(shares) if before is None else before
        if not start.size:
            return start
        most = _AT_FIRST if before is None else _LATER
        return minimise(Newton(), objective, start, most).best.at

    def _seen(self, shares: Vector, least: float) -> RowSource:
        """Return the rows of which a component has at least some share, weighted by it."""
        ends = np.cumsum([chunk.count for chunk in self.chunks])[:-1]
        each = zip(self.chunks, np.split(shares * self.weight, ends), strict=True)
        found = [_some(chunk, weight > least, weight) for chunk, weight in each]
        return ChunkSample(tuple(chunk for chunk in found if chunk.count))

    def _nested(self, part: _Part, shares: Vector) -> Vector:
        """Return where the search for a component begins that is a mixture itself."""
        seen = self._seen(shares, _SEEN)
        (values,) = _values_of(part.model, seen, None, self.reduce_over, _NESTED)[:1]
        return part.vector.unconstrained(_given(part.vector, values))

    def _weights(self, shares: Vector, before: Vector | None) -> Vector:
        """Return the weights that suit the shares; of columns, after a Newton step."""
        if self.given is not None:
            return self.given
        own = shares * self.weight
        if self.design is None:
            sizes = np.sum(own, axis=1)
            return np.asarray(sizes / np.sum(sizes))
        return towards_shares(self.design, own, before, _LATER)

    def _expect(self, at: Sequence[Vector], weights: Vector) -> tuple[Vector, float]:
        """Return the shares of the components, and the log-likelihood a row."""
        numbers = self._numbers(at, weights)
        terms = [component_terms(self.mixture, block, numbers) for block in self.blocks]
        shares, total = shares_of(np.concatenate(terms, axis=1))
        return shares, float(self.weight @ total / np.sum(self.weight))

    # ---- numbers ---------------------------------------------------------------------------

    def _numbers(self, at: Sequence[Vector], weights: Vector) -> Vector:
        values = self._values(at, weights)
        numbers = [
            values[c.name] if c.value is None else c.value for c in self.mixture.vector.coefficients
        ]
        return np.concatenate(numbers)

    def values(self, state: _State) -> Values:
        """Return the numbers of a state by coefficient."""
        return self._values(state.at, state.weights)

    def _values(self, at: Sequence[Vector], weights: Vector) -> Values:
        found: Values = {"weights": weights}
        for prefix, part, u in zip(self.mixture.parts, self.parts, at, strict=True):
            numbers = part.vector.split(part.vector.constrained(u))
            found |= {prefix + name: value for name, value in numbers.items()}
        groups: dict[str, list[Vector]] = {}
        for name, source in self.mixture.sources.items():
            if isinstance(source, SameAs) and source.other in found and name in found:
                groups.setdefault(source.other, [found[source.other]]).append(found[name])
        return found | {name: np.mean(values, axis=0) for name, values in groups.items()}


@final
class _Part:
    """A component with its coefficients and located outcomes."""

    def __init__(self, model: Model, y: Vector, weight: Vector) -> None:
        self.model, self.vector, self.y, self.weight = model, model.vector, y, weight
        self.possible = np.asarray(model.support.contains(y))

    def start(self, shares: Vector) -> Vector:
        """Return where a search begins: the model's start without columns."""
        used = self.possible & (shares > 0.5) & (self.weight > 0.0)
        used = used if used.any() else self.possible
        found = self.model.starts(self.y[used], self.weight[used])
        return points_from(self.model, self.vector, found)[0]
