"""Partial effects: the outcome as one column varies while the others stay at a typical value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, final

import numpy as np

from kullback._core.arrays import Vector
from kullback._core.domains import BINARY
from kullback._core.errors import KullbackError, ModelError, did_you_mean
from kullback._core.validation import check_level
from kullback.data.sample import RowSource
from kullback.models.mixture import Mixture
from kullback.models.model import Model
from kullback.models.source import Known
from kullback.results.predictions import of_component, predict
from kullback.results.problem import problem_of

if TYPE_CHECKING:  # Fit.partial_effects calls this module, which only reads the fit
    from kullback.results.fit_numbers import FitNumbers

# Points of a curve; a column of at most so many distinct numbers has a point for each.
_POINTS, _FEW = 41, 6
# Rows that a picture shows.
_ROWS = 1_000


@final
@dataclass(frozen=True, eq=False)
class PartialEffect:
    """What the outcome is expected to be along one column, with a confidence interval.

    Attributes:
        column: the column.
        at: its values, numbers or categories, n of them.
        value: the quantity there, shape (n,); of class labels (n, K).
        lower: lower ends of the intervals; NaN where they are unknown.
        upper: upper ends.
        what: "mean", "median" or "probability".
        level: of the intervals, each by itself.
        held: the values at which the other columns are held.
        categories: whether ``at`` are categories; else numbers.
        connected: whether they are points of a curve.
        weight: the weight of the rows of each category; None for numbers.
        rows: of some rows, for a picture: the column's value, or the index of the category, and the
            two ends of the outcome, shape (3, rows).
        components: of a mixture by component, the quantity and its two ends, shape (3, n).
    """

    column: str
    at: tuple[Any, ...]
    value: Vector
    lower: Vector
    upper: Vector
    what: str
    level: float
    held: Mapping[str, Any]
    categories: bool
    connected: bool
    weight: Vector | None
    rows: Vector = field(repr=False)
    components: Mapping[str, Vector] = field(default_factory=dict, repr=False)


def partial_effects(
    fit: FitNumbers, columns: Sequence[str] | None, level: float
) -> dict[str, PartialEffect]:
    """Return the partial effects of columns; see ``Fit.partial_effects``."""
    check_level(level)
    form = fit.form
    known = _known(form)
    names = tuple(n for n in form.columns if n not in known) if columns is None else tuple(columns)
    for name in names:
        if name not in form.columns:
            hint = did_you_mean(str(name), form.columns) or "."
            reads = ", ".join(form.columns) or "none"
            raise KullbackError(
                f"{form.name} does not read a column {name!r}{hint} It reads {reads}."
            )
    if not names:
        return {}
    sample = _sample(fit)
    seen = _Seen(sample, form.columns, known, fit.sample_info.rows)
    grids = {name: seen.grid(name) for name in names}
    whole = {
        other: np.concatenate(
            [
                _array(grids[name] if name == other else [seen.typical[other]] * len(grids[name]))
                for name in names
            ]
        )
        for other in form.columns
    }
    what, value, ends = _curve(fit, whole, level)
    components = _components(fit, whole, what, level)
    effects, begin = {}, 0
    for name in names:
        part = slice(begin, begin + len(grids[name]))
        begin = part.stop
        categories = name in seen.levels
        effects[name] = PartialEffect(
            name,
            tuple(grids[name]),
            value[part],
            ends[0][part],
            ends[1][part],
            what,
            level,
            {other: v for other, v in seen.typical.items() if other != name},
            categories,
            not categories and len(grids[name]) > _FEW,
            seen.counts.get(name),
            seen.rows(name),
            {label: own[:, part] for label, own in components.items()},
        )
    return effects


def _components(
    fit: FitNumbers, rows: Mapping[str, Any], what: str, level: float
) -> dict[str, Vector]:
    """What the outcome is at rows in each component of a mixture, with its ends."""
    model = fit.model
    if not isinstance(model, Mixture):
        return {}
    of = "quantile" if what == "median" else "mean"
    found = {}
    with suppress(ModelError):  # a component has no mean, where the mixture's was not asked for
        for prefix in model.parts:
            found[prefix.rstrip(".")] = of_component(fit, rows, prefix, of, level)
    return found


def _known(form: Model) -> frozenset[str]:
    """The columns that are a parameter themselves, such as numbers of trials, and nothing else."""
    sources = form.sources.values()
    taken = {name for s in sources if not isinstance(s, Known) for name in s.columns}
    return frozenset(s.column for s in sources if isinstance(s, Known)) - taken


def _sample(fit: FitNumbers) -> RowSource:
    return problem_of(fit, "a partial effect").sample


def _array(values: Sequence[Any]) -> Any:
    return np.asarray(values, dtype=object if isinstance(values[0], str) else None)


def _curve(fit: FitNumbers, rows: Mapping[str, Any], level: float) -> tuple[str, Vector, Any]:
    """What the outcome is at rows, and the ends of its intervals."""
    model = fit.model
    if model.outcome == "label":
        shape: tuple[int, ...] = (-1, len(model.levels or ()))
        return ("probability", *_with_ends(fit, rows, level, "probability", None, shape))
    if model.discrete:  # whose median jumps
        what = "probability" if model.support == BINARY else "mean"
        return (what, *_with_ends(fit, rows, level, "mean"))
    if not fit.sample_info.inexact:  # beyond the limits of rows the mean rests on the model alone
        with suppress(ModelError):  # it has none
            value, ends = _with_ends(fit, rows, level, "mean")
            if np.all(np.isfinite(value)):
                return "mean", value, ends
    return ("median", *_with_ends(fit, rows, level, "quantile", 0.5))


def _with_ends(
    fit: FitNumbers,
    rows: Mapping[str, Any],
    level: float,
    what: str,
    at: float | None = None,
    shape: tuple[int, ...] = (-1,),
) -> tuple[Vector, tuple[Vector, Vector]]:
    found = predict(fit, rows, what, at, "confidence", level)
    value, lower, upper = (
        np.asarray(found[name], dtype=np.float64).reshape(shape)
        for name in ("estimate", "lower", "upper")
    )
    return value, (lower, upper)


class _Seen:
    """What the columns of a sample hold, from one pass over it.

    Attributes:
        levels: of the columns of categories, in the order of their codes.
        counts: the weight of the rows of each.
        typical: by column, its mean, its most frequent category, or its median if it is known.
    """

    def __init__(
        self, sample: RowSource, names: Sequence[str], known: frozenset[str], total: int
    ) -> None:
        self.levels = {n: v for n, v in sample.schema.categories.items() if n in names}
        self.counts = {name: np.zeros(len(self.levels[name])) for name in self.levels}
        numbers = [name for name in names if name not in self.levels]
        sums = dict.fromkeys(numbers, 0.0)
        self._ends = {name: (np.inf, -np.inf) for name in numbers}
        self._few: dict[str, Vector | None] = {name: np.zeros(0) for name in numbers}
        step, done, weight = -(-total // _ROWS), 0, 0.0
        drawn: list[dict[str, Vector]] = []
        for chunk in sample.chunks():
            w = np.ones(chunk.count) if chunk.weight is None else chunk.weight
            seen = w > 0.0  # a row of weight zero is an absent one
            count = int(np.count_nonzero(seen))
            if not count:
                continue
            w = w[seen]
            weight += float(w.sum())
            for name in names:
                values = chunk.fields[name][seen]
                if name in self.levels:
                    self.counts[name] += np.bincount(
                        values.astype(np.intp), w, minlength=len(self.levels[name])
                    )
                    continue
                sums[name] += float(w @ values)
                low, high = self._ends[name]
                self._ends[name] = min(low, float(values.min())), max(high, float(values.max()))
                few = self._few[name]
                if few is not None:
                    few = np.unique(np.concatenate([few, values]))
                    self._few[name] = few if few.size <= _FEW else None
            lower, upper = chunk.kind.ends(chunk.fields)
            some = slice(-done % step, None, step)
            own = {name: chunk.fields[name][seen][some] for name in names}
            drawn.append({**own, _LOWER: lower[seen][some], _UPPER: upper[seen][some]})
            done += count
        self._drawn = {n: np.concatenate([part[n] for part in drawn]) for n in drawn[0]}
        self.typical: dict[str, Any] = {}
        for name in names:
            if name in self.levels:
                self.typical[name] = self.levels[name][int(np.argmax(self.counts[name]))]
            elif name in known:  # which may have to be a whole number
                self.typical[name] = float(np.quantile(self._drawn[name], 0.5, method="lower"))
            else:
                self.typical[name] = sums[name] / weight

    def grid(self, name: str) -> list[Any]:
        """The values of a column at which an effect is computed."""
        if name in self.levels:
            return list(self.levels[name])
        few = self._few[name]
        if few is not None:
            return list(few.tolist())
        return list(np.linspace(*self._ends[name], _POINTS).tolist())

    def rows(self, name: str) -> Vector:
        """Some rows: their places along a column, and the ends of their outcomes."""
        return np.stack([self._drawn[name], self._drawn[_LOWER], self._drawn[_UPPER]])


# The ends of outcomes among the columns, whose names cannot begin with a space here.
_LOWER, _UPPER = " lower", " upper"
