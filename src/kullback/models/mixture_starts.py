"""Starting values of a mixture: the EM algorithm from many splits of the outcomes, in NumPy.

A step computes the share of each component in each outcome, and estimates the components from the
outcomes weighted by their shares: in closed form where the family has one, else by its starting
values, which are near. Newton's method on the mixture itself ends the search, so that the steps
need to come near a maximum only. One file for all families: nothing here depends on their form.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice, permutations
from typing import Any, Protocol, TypeVar, final, runtime_checkable

import numpy as np

from kullback._core.arrays import Vector
from kullback._core.domains import Interval
from kullback._core.errors import KullbackError, ModelError
from kullback.models.composite import Composite
from kullback.models.evaluation import blockwise
from kullback.models.mixture_labels import in_order, interchangeable
from kullback.models.model import Model
from kullback.models.source import Fixed, Free, SameAs

# Steps from every split, and further ones from the best: EM is fast at first and slow at the end,
# where Newton's method takes over.
_FIRST, _FURTHER = 12, 60

# Of more outcomes than this the first steps take a part.
_FEW = 1_024

# After so many steps it is checked whether a component is collapsing.
_CHECKED = 4

# Random splits, beside those by rank and by distance from the median; how many results are followed
# further; and how many of these the search starts from.
_RANDOM, _FOLLOWED, _RETURNED = 12, 5, 3

# Orders in which different components are tried in each split.
_ORDERS = 6

# The log-likelihood of an outcome changes by less in a step: near enough for Newton's method.
_STILL = 1e-7

# A number beyond its bounds is moved inside by this part of their distance, or of itself.
_ROOM = 0.01

# Two results are one where their log-likelihoods an outcome differ by less.
_SAME = 1e-5

# A component with less than this part of the outcomes' variance, on few different outcomes, may be
# on its way to collapse, where the likelihood is unbounded: the rule of the outside answers in
# tests/reference/mixtures, "regular" maxima.
_NARROW, _SEVERAL = 1e-3, 20.0


@final
@dataclass(frozen=True)
class _State:
    """The numbers of the mixture by parameter, with what they give.

    Attributes:
        numbers: every parameter, ties included.
        shares: of each component in each outcome, shape (components, outcomes).
        value: log-likelihood an outcome.
        regular: whether every component describes several different outcomes.
    """

    numbers: Mapping[str, Any]
    shares: Vector
    value: float
    regular: bool


def mixture_starts(
    mixture: Composite, values: Vector, weights: Vector, *, briefly: bool = False
) -> list[dict[str, float | Vector]]:
    """Return what the EM algorithm comes to, the best first.

    Args:
        mixture: the mixture.
        values: outcomes of a subsample.
        weights: their weights.
        briefly: whether to take the first steps from one split alone, as for a mixture in another,
            in every step of that.
    """
    if mixture.columns or all(c.start is not None for c in mixture.vector.free):
        return [_given_starts(mixture)]
    rows = _Rows(mixture, values, weights)
    with np.errstate(all="ignore"):
        if briefly:
            state = rows.steps(next(rows.splits()), _CHECKED)
            return [] if state is None else [rows.ordered(state)]
        thin = slice(None, None, -(-values.size // _FEW))
        few = _Rows(mixture, values[thin], weights[thin]) if values.size > _FEW else rows
        begun = [s for split in few.splits() if (s := few.steps(split, _FIRST)) is not None]
        followed = [rows.at(state) for state in best_ends(begun, _FOLLOWED)]
        ended = [s for f in followed if (s := rows.steps(f.shares, _FURTHER)) is not None]
    return [rows.ordered(state) for state in best_ends([*ended, *followed], _RETURNED)]


def _given_starts(mixture: Composite) -> dict[str, float | Vector]:
    """Return the user's starts: the EM algorithm here does not know the columns of the rows.

    Raises:
        ModelError: where a number has none.
    """
    found: dict[str, float | Vector] = {}
    for c in mixture.vector.free:
        if c.start is not None:
            found[c.name] = c.start if c.start.size > 1 else float(c.start[0])
        elif c.name in mixture.own_parameters:  # the weights
            found[c.name] = np.full(c.domain.size, 1.0 / c.domain.size)
        else:
            raise ModelError(
                f"components of {mixture.name} depend on columns, so that each needs starting "
                f"values: {c.name} has none. Give {c.name.rpartition('.')[2]}=kl.Param(start=...)."
            )
    return found


@runtime_checkable
class Ended(Protocol):
    """Where steps of the EM algorithm ended."""

    @property
    def value(self) -> float:
        """The log-likelihood a row."""

    @property
    def regular(self) -> bool:
        """Whether no component may be on its way to collapse."""


EndedT = TypeVar("EndedT", bound=Ended)


def best_ends(states: Iterable[EndedT], count: int) -> list[EndedT]:
    """Return the best, one of those that are equal; regular ones only, where there are any."""
    found: list[EndedT] = []
    for state in sorted(states, key=lambda state: (not state.regular, -state.value)):
        if found and state.regular < found[0].regular:
            break
        if all(abs(state.value - other.value) > _SAME for other in found):
            found.append(state)
    return found[:count]


@final
class _Rows:
    """The outcomes, and the steps of the EM algorithm on them."""

    def __init__(self, mixture: Composite, values: Vector, weights: Vector) -> None:
        self.mixture, self.values, self.weights = mixture, values, weights
        self.parts = [
            _Part(part, values, weights, {n: mixture.sources[prefix + n] for n in part.parameters})
            for prefix, part in mixture.parts.items()
        ]
        known = (
            (c.name, c.start if c.value is None else c.value) for c in mixture.vector.coefficients
        )
        self.held = {name: value for name, value in known if value is not None}
        self.bounds = {c.name: c.domain for c in mixture.vector.free}
        _, self.distinct = np.unique(values, return_inverse=True)
        self.variance = _moments(values, weights)[1]

    # ---- splits ----------------------------------------------------------------------------

    def splits(self) -> Iterator[Vector]:
        """Yield shares to begin with: every outcome in one component, mostly."""
        count, total = len(self.parts), float(np.sum(self.weights))
        even = np.arange(1, count) / count
        middle = self.values[np.argsort(self.values)[self.values.size // 2]]
        orders = list(islice(self._orders(), _ORDERS))
        random = np.random.default_rng(0)
        cuts = [even, *(np.sort(random.random(count - 1)) for _ in range(_RANDOM))]
        for key, levels in [
            *((self.values, levels) for levels in cuts),
            (np.abs(self.values - middle), even),
        ]:
            order = np.argsort(key, kind="stable")
            rank = np.empty(self.values.size)
            rank[order] = (np.cumsum(self.weights[order]) - 0.5 * self.weights[order]) / total
            group = np.searchsorted(levels, rank)
            for places in orders:
                # a little for all components, so that none is without spread
                shares = np.full((count, self.values.size), 0.01 / count)
                shares[np.asarray(places)[group], np.arange(self.values.size)] += 0.99
                yield shares

    def _orders(self) -> Iterator[tuple[int, ...]]:
        """Yield the orders of the components that differ, those of equal ones once."""
        kind = {k: g for g, group in enumerate(interchangeable(self.mixture)) for k in group}
        known: set[tuple[int, ...]] = set()
        for places in islice(permutations(range(len(self.parts))), 720):
            kinds = tuple(kind[k] for k in places)
            if kinds not in known:
                known.add(kinds)
                yield places

    # ---- steps -----------------------------------------------------------------------------

    def steps(self, shares: Vector, most: int) -> _State | None:
        """Take steps until they change little; None where a step fails."""
        value, state = -math.inf, None
        for step in range(1, most + 1):
            try:
                numbers = self._maximise(shares)
            except (KullbackError, ValueError, FloatingPointError, IndexError):
                return state
            shares, new = self._expect(numbers)
            if not math.isfinite(new):
                return state
            still = abs(new - value) < _STILL
            checked = still or step % _CHECKED == 0
            regular = not checked or all(map(self._regular, self.parts, shares))
            state = _State(numbers, shares, new, regular)
            if still or not regular:
                break
            value = new
        return state

    def at(self, state: _State) -> _State:
        """Return a state of fewer outcomes as one of these."""
        shares, value = self._expect(state.numbers)
        return replace(state, shares=shares, value=value)

    def _maximise(self, shares: Vector) -> dict[str, Any]:
        """Estimate the components from the outcomes weighted by their shares."""
        weighted = shares * self.weights
        sizes = np.sum(weighted, axis=1)
        numbers: dict[str, Any] = {"weights": sizes / np.sum(sizes)}
        for (prefix, _), part, own in zip(
            self.mixture.parts.items(), self.parts, weighted, strict=True
        ):
            numbers |= {prefix + n: v for n, v in part.estimate(own).items()}
        groups: dict[str, list[str]] = {}
        for name, source in self.mixture.sources.items():
            if isinstance(source, SameAs):
                groups.setdefault(source.other, [source.other]).append(name)
        share = dict(zip(self.mixture.parts, sizes, strict=True))
        for target, names in groups.items():
            numbers[target] = _common(self.mixture.parameters[target], numbers, names, share)
        for name, value in self.held.items():
            numbers[name] = value if np.size(value) > 1 else float(value[0])
        for name, domain in self.bounds.items():
            if isinstance(domain, Interval) and name in numbers:
                numbers[name] = _within(domain, numbers[name])
        for target, names in groups.items():
            numbers |= dict.fromkeys(names, numbers[target])
        return numbers

    def _expect(self, numbers: Mapping[str, Any]) -> tuple[Vector, float]:
        """Return the shares of the components, and the log-likelihood an outcome."""
        logs = np.stack(
            [
                part.log_density(self.values, [numbers[prefix + n] for n in part.model.parameters])
                for prefix, part in zip(self.mixture.parts, self.parts, strict=True)
            ]
        )
        largest = np.max(logs, axis=0)
        shares = np.asarray(numbers["weights"])[:, None] * np.exp(logs - largest)
        total = np.sum(shares, axis=0)
        losses = self.weights * (largest + np.log(total))
        return shares / total, float(np.sum(losses) / np.sum(self.weights))

    def _regular(self, part: _Part, shares: Vector) -> bool:
        """Whether a component describes several different outcomes."""
        own = shares * self.weights
        if not np.sum(own) >= (1.0 + part.free) * np.min(self.weights):
            return False
        if self.mixture.discrete:
            return True
        by_value = np.bincount(self.distinct, own)
        several = float(np.sum(by_value) ** 2 / np.sum(by_value**2))
        wide = _moments(self.values, own)[1] > _NARROW * self.variance
        return several >= 1.0 + part.free and (wide or several > _SEVERAL)

    def ordered(self, state: _State) -> dict[str, Any]:
        """Return the numbers with components that could change places in order."""
        names = {c.name for c in self.mixture.vector.coefficients}
        values = {n: np.atleast_1d(v) for n, v in state.numbers.items() if n in names}
        located = [_moments(self.values, own * self.weights) for own in state.shares]
        found = in_order(self.mixture, values, located) or values
        others = {n: v for n, v in state.numbers.items() if n not in names}
        return {n: v if v.size > 1 else float(v[0]) for n, v in found.items()} | others


@final
class _Part:
    """A component, with the statistics of the outcomes that its estimate is a formula of."""

    def __init__(
        self, model: Model, values: Vector, weights: Vector, sources: Mapping[str, Any]
    ) -> None:
        self.model, self.values = model, values
        self.fixed = {
            n: float(s.number)
            for n, s in sources.items()
            if isinstance(s, Fixed) and s.number.size == 1
        }
        self.free = sum(not isinstance(s, Fixed) for s in sources.values())
        self.possible = np.asarray(model.support.contains(values))
        # the density as a function of all of its parameters, whatever their sources
        self.density = model.with_sources({n: Free() for n in model.parameters})
        form: Any = model.exponential_form
        self.form = form if form is not None and form.elementary and self.possible.all() else None
        if self.form is not None:
            self.origin = float(np.average(values, weights=weights))
            self.statistics = np.stack(self.form.statistics(values, np.array([self.origin])))

    def log_density(self, values: Vector, numbers: Sequence[Any]) -> Vector:
        """Log-density at parameters in the order of the model's."""
        constrained = np.concatenate([np.atleast_1d(np.asarray(v, float)) for v in numbers])
        return blockwise(self.density, "row_log_density", values, constrained)

    def estimate(self, weights: Vector) -> Mapping[str, Any]:
        """Estimate the parameters from weighted outcomes."""
        if self.form is not None:
            means = self.statistics @ weights / np.sum(weights)
            closed: Mapping[str, Any] | None = self.form.closed_form(
                means.tolist(), self.origin, self.fixed
            )
            if closed is not None:
                return closed
        used = self.possible & (weights > 0.0)
        x, w = self.values[used], weights[used]
        if isinstance(self.model, Composite) and self.model.components:
            return mixture_starts(self.model, x, w, briefly=True)[0]
        start: Mapping[str, Any] = self.model.starts(x, w)[0]
        return start


def _common(
    domain: Any, numbers: Mapping[str, Any], names: Sequence[str], sizes: Mapping[str, float]
) -> float:
    """Return one number for tied parameters: their mean by the components' sizes."""
    size = [next(s for prefix, s in sizes.items() if name.startswith(prefix)) for name in names]
    values = np.array([numbers[name] for name in names])
    if isinstance(domain, Interval) and domain.lower == 0.0:  # of scales, the root mean square
        return float(np.sqrt(np.average(values**2, weights=size)))
    return float(np.average(values, weights=size))


def _within(domain: Interval, value: float) -> float:
    """Return a number inside the bounds: on them a search could not move."""
    room = _ROOM * (domain.width if math.isfinite(domain.width) else abs(value) or 1.0)
    if value <= domain.lower:
        return domain.lower + room
    return domain.upper - room if value >= domain.upper else float(value)


def _moments(values: Vector, weights: Vector) -> tuple[float, float]:
    mean = np.average(values, weights=weights)
    return float(mean), float(np.average((values - mean) ** 2, weights=weights))
