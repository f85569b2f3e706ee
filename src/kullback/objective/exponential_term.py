"""The loss of censored and truncated rows with one exponential an end: three sums in NumPy.

Where the log-density is c₀ + c₁ t + c₂ z, z = exp(a t + b), with a coordinate t of the outcome
alone, and one tail's logarithm is −z (Weibull: the upper one, z its cumulative hazard), the loss of
a row is that of its event, if it was one, with the z of its time, less the z of where its window
begins. So the loss of all rows is that of the events with another sum of z, and its derivatives
follow from the sums of z, z t and z t² as in ``one_exponential``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, final
from weakref import WeakKeyDictionary

import numpy as np

from kullback._core.arrays import Vector
from kullback._core.lazy import Lazy
from kullback._core.numpy_sums import ROW
from kullback.data.blocks import Block
from kullback.data.observation import Event, Exact, Observed, RowKind, Window
from kullback.models.forms import OneExponential
from kullback.models.model import Model
from kullback.objective.likelihood import RowsTerm
from kullback.objective.one_exponential import ExponentialLoss, sums_along
from kullback.objective.sample_summary import SampleSummary
from kullback.objective.statistics import LossDerivatives, LossSums, Statistic, symmetric

# Rows in one NumPy call: their arrays stay in a core's second cache.
_RUN = 16_384

# Rows that the origin is the median of.
_FOR_ORIGIN = 1_000

# Blocks of a kind whose coordinates are kept, four million rows: a pass over more of them computes
# them again, as memory for one more column is not taken for granted.
_KEPT = 64

_EVENTS = {"upper": Event.RIGHT, "lower": Event.LEFT}
_WINDOWS = {"upper": Window.LOWER, "lower": Window.UPPER}


def origin_of(model: Model, summary: SampleSummary) -> float | None:
    """Return the origin of the coordinate, in the middle of the rows.

    None where the loss of any row has no such form, or all rows are exact: these have basis
    functions, of which the second moments over the rows are known as well.
    """
    form = model.one_exponential
    if form is None or form.exponential_tail is None or set(summary.kinds) == {Exact()}:
        return None
    if any(_ends(form, kind) is None for kind in summary.kinds):
        return None
    values = summary.values
    origin = float(np.median(values[:: max(values.size // _FOR_ORIGIN, 1)]))
    inside = math.isfinite(origin) and model.support.spans(origin, origin)
    return origin if inside else None


def _ends(form: OneExponential, kind: RowKind) -> tuple[bool, str, str | None] | None:
    """Whether rows were events, and the fields of their z and of their window's; None for none."""
    if isinstance(kind, Exact):
        return True, "y", None
    tail = form.exponential_tail
    if not isinstance(kind, Observed) or tail is None:
        return None
    if kind.event not in (Event.EXACT, _EVENTS[tail]):
        return None
    if kind.window not in (Window.NONE, _WINDOWS[tail]):
        return None
    window = (
        None if kind.window == Window.NONE else f"window.{'lower' if tail == 'upper' else tail}"
    )
    return kind.event == Event.EXACT, kind.fields[0], window


@final
@dataclass(frozen=True)
class ExponentialTerm:
    """Rows of exponential tails.

    Attributes:
        rows: the same rows in the usual form, for where this one has no finite sums, and for the
            second moments over the rows.
        origin: of the coordinate.
    """

    rows: RowsTerm
    origin: float

    def sums(self, derivatives: LossDerivatives, constrained: Vector) -> LossSums:
        """Pass over the rows."""
        loss = ExponentialLoss.of(derivatives)
        if loss is None:
            return self.rows.sums(derivatives, constrained)
        at, origin = constrained[:, None], np.array([self.origin])
        rates = loss.rates(at, origin)
        statistic = _Sums(loss.form, type(loss.form).__name__)
        sums = self.rows.reduce(statistic, np.array([self.origin, *rates[:, 0]]))
        weight, events = sums[:2]
        if not (events > 0.0 and np.all(np.isfinite(sums))):
            return self.rows.sums(derivatives, constrained)
        found = loss.derived(at, origin, rates, sums[2:, None] / events)[:, 0] * (events / weight)
        if not np.all(np.isfinite(found)):
            return self.rows.sums(derivatives, constrained)
        d = sum(derivatives.is_free)
        usual = Lazy(lambda: self.rows.sums(derivatives, constrained).score_moments())
        score, hessian = found[1 : 1 + d], symmetric(found[1 + d :], d)
        return LossSums(float(weight), float(found[0]), score, hessian, usual)


@final
@dataclass(frozen=True)
class _Sums(Statistic[Vector]):
    """Σ w, and Σ w (1, t) over events and ± Σ w (z, z t, z t²) over ends; given origin, a and b.

    Attributes:
        form: the form of the log-density.
        name: that of the family, which the coordinate depends on.
    """

    form: OneExponential
    name: str

    @property
    def uses_numpy(self) -> bool:
        """True."""
        return True

    def of_block(self, block: Block, arguments: Vector) -> Vector:
        """Return the sums of one block."""
        origin, *rates = arguments
        ends = _ends(self.form, block.kind)
        assert ends is not None  # as the kinds were looked at
        event, time, window = ends
        w = block.weight[: block.count] if block.weighted else None
        weight = float(block.count) if w is None else float(np.sum(w))
        t, v = self._coordinates(block, time, origin, w)
        sums = np.zeros(6)
        sums[0] = weight
        sums[3:] = _exponentials(t, v, rates)
        if event:
            sums[1] = weight if t.size == block.count else np.nan
            sums[2] = np.sum(t) if v is None else np.sum(t * v)
        if window is not None:
            sums[3:] -= _exponentials(*self._coordinates(block, window, origin, w), rates)
        return sums

    def merge(self, left: Vector, right: Vector) -> Vector:
        """Add."""
        return left + right

    def _coordinates(
        self, block: Block, field: str, origin: float, w: Vector | None
    ) -> tuple[Vector, Vector | None]:
        """The coordinates of an end and its weights, without ends where z is 0."""
        key, known = (self.name, field, origin), _COORDINATES.get(block, {})
        if key not in known:
            x = block.fields[field][: block.count]
            with np.errstate(divide="ignore", invalid="ignore"):
                t = self.form.coordinate(x, np.broadcast_to(origin, x.shape))
            # an end at which the tail begins: no outcome lies before it
            found = np.isfinite(t)
            known = {**known, key: (t, None) if found.all() else (t[found], found)}
            if block.index < _KEPT:
                _COORDINATES[block] = known
        t, found = known[key]
        return t, w if found is None or w is None else w[found]


_COORDINATES: WeakKeyDictionary[Block, dict[Any, Any]] = WeakKeyDictionary()


def _exponentials(t: Vector, w: Vector | None, rates: Iterable[float]) -> Vector:
    """Σ w (z, z t, z t²)."""
    ab, sums = np.array([*rates])[:, None], np.zeros(3)
    whole = t.size - t.size % ROW
    # rows of few numbers, which BLAS does not split among threads
    runs = [slice(begin, min(begin + _RUN, whole)) for begin in range(0, whole, _RUN)]
    with np.errstate(over="ignore", invalid="ignore"):  # a step too far: the sum is infinite
        for run in [*runs, slice(whole, t.size)]:
            part, own = (None if v is None else v[run] for v in (t, w))
            if part is None or not part.size:
                continue
            shape = (-1, min(ROW, part.size))
            part, own = part.reshape(shape), None if own is None else own.reshape(shape)
            sums += np.add.reduce(sums_along(part, own, ab), axis=1)
    return sums
