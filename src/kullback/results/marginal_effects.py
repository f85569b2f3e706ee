"""Average marginal effects of columns on a prediction, with delta-method errors."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, final

import numpy as np

from kullback._core.arrays import Vector
from kullback._core.display import Display, Displayed, Table
from kullback._core.errors import KullbackError, did_you_mean
from kullback._core.validation import check_level
from kullback.data.frames import new_frame
from kullback.data.sample import RowSource
from kullback.models.model import Model
from kullback.models.row_evaluation import RUN
from kullback.models.source import Known
from kullback.results.predictions import check, quantity
from kullback.results.problem import rows_of
from kullback.results.row_derivatives import RowDerivatives, RowQuantity

if TYPE_CHECKING:  # Fit.marginal_effects calls this module, which only reads the fit
    from kullback.results.fit_numbers import FitNumbers

# The step of the differences, in standard deviations of a column: the five-point formulas are then
# exact to 1e-10 of a smooth curve, and lose five digits to rounding.
_STEP = 4e-3

# Coefficients of a derivative by five points, at these numbers of steps, over 12 steps.
_CENTRAL = {-2: 1.0, -1: -8.0, 1: 8.0, 2: -1.0}
_FORWARD = {0: -25.0, 1: 48.0, 2: -36.0, 3: 16.0, 4: -3.0}


class Effect(NamedTuple):
    """The effect of a column, or of one level of a category.

    Attributes:
        variable: the column.
        contrast: "dY/dX" for a derivative, "b - a" for the change from level a to level b; of
            labels after the class, "c: dY/dX".
        estimate: the mean effect over the rows.
        stderr: its standard error.
        z: estimate / stderr.
        p_value: of a two-sided test that the effect is 0.
        lower: the lower end of its interval.
        upper: the upper end.
    """

    variable: str
    contrast: str
    estimate: float
    stderr: float
    z: float
    p_value: float
    lower: float
    upper: float


@final
@dataclass(frozen=True, eq=False, repr=False)
class MarginalEffects(Displayed):
    """Average marginal effects, as ``fit.marginal_effects`` returns them.

    Attributes:
        effects: one for each number, and for each level of a category but the first.
        what: the prediction that they are effects on.
        level: of the intervals.
    """

    effects: tuple[Effect, ...]
    what: str
    level: float

    def __iter__(self) -> Iterator[Effect]:
        return iter(self.effects)

    def __len__(self) -> int:
        """The number of effects."""
        return len(self.effects)

    def to_frame(self) -> Any:
        """Return a frame of one row an effect: pandas where it is installed, else Arrow."""
        return new_frame({n: [getattr(e, n) for e in self.effects] for n in Effect._fields})

    def __str__(self) -> str:
        return str(self._display())

    def _table(self) -> Table:
        head = ("variable", "contrast", "effect", "std. error", "z", "p", "lower", "upper")
        rows = [
            (e.variable, e.contrast, f"{e.estimate:.6g}", f"{e.stderr:.3g}", f"{e.z:.2f}",
             f"{e.p_value:.3g}", f"{e.lower:.6g}", f"{e.upper:.6g}")
            for e in self.effects
        ]  # fmt: skip
        return Table(rows, head, range(2, len(head)))

    def _display(self) -> Display:
        title = f"average marginal effects on the {self.what}, {100 * self.level:.4g}% intervals"
        return Display(title, [self._table()])


def marginal_effects(
    fit: FitNumbers, variables: Sequence[str] | str | None, what: str | None, at: Any, level: float
) -> MarginalEffects:
    """Return average marginal effects; see ``Fit.marginal_effects``."""
    model = fit.model
    check_level(level)
    labels = model.levels if model.outcome == "label" else None
    what = ("mean" if labels is None else "probability") if what is None else what
    check(model, what, at, None, level)
    if what in ("class", "parameters"):
        raise KullbackError(f"{what!r} is not a number of each row: effects are of one.")
    points = None if at is None else np.asarray(at, dtype=object if labels else np.float64)
    if points is not None and points.ndim:
        raise KullbackError(
            f"effects are on one number of each row: at= needs one value, got {at!r}."
        )
    names = _variables(model, variables)
    sample = rows_of(fit, "a marginal effect").sample
    derivatives = RowDerivatives.of(fit)
    levels = {n: v for s in model.sources.values() for n, v in (s.categories or {}).items()}
    # of labels, without at=, those on the probability of every class
    on: list[tuple[str, Any]] = [("", points)]
    if labels and points is None:
        on = [(f"{label}: ", np.asarray(label, dtype=object)) for label in labels]
    each = [(p, _Average(sample, derivatives, quantity(model, what, x, None))) for p, x in on]
    found = []
    with np.errstate(all="ignore"):
        for name in names:
            for prefix, average in each:
                known = levels.get(name)
                own = average.slope(name) if known is None else average.contrasts(name, known)
                found += [_effect(name, prefix + c, s, derivatives, level) for c, s in own]
    return MarginalEffects(tuple(found), what, level)


def _variables(model: Model, variables: Sequence[str] | str | None) -> list[str]:
    sources = [s for s in model.sources.values() if not isinstance(s, Known)]
    known: dict[str, None] = {}
    for source in sources:
        added = {*getattr(source, "offsets", ()), *getattr(source, "exposures", ())}
        terms = getattr(source, "terms", None)
        own = set(source.columns) if terms is None else set(terms.columns)
        known |= dict.fromkeys(n for n in source.columns if n in own or n not in added)
    if not known:
        raise KullbackError(f"{model.name} reads no columns, which could have effects.")
    if variables is None:
        return list(known)
    names = [variables] if isinstance(variables, str) else list(variables)
    for name in names:
        if name not in model.columns:
            raise KullbackError(
                f"{name!r} is not a column of the model{did_you_mean(name, known) or '.'} It has "
                f"{', '.join(known)}."
            )
    return names


@final
@dataclass(frozen=True, eq=False)
class _Average:
    """Weighted means of a quantity over the rows, where a column is changed.

    Attributes:
        sample: the rows.
        derivatives: of the rows.
        f: the quantity.
    """

    sample: RowSource
    derivatives: RowDerivatives
    f: RowQuantity

    def _runs(self) -> Iterator[tuple[dict[str, Vector], Vector]]:
        columns = self.derivatives.parameters.model.columns
        for chunk in self.sample.chunks():
            weight = np.ones(chunk.count) if chunk.weight is None else chunk.weight
            for begin in range(0, chunk.count, RUN):
                rows = slice(begin, begin + RUN)
                kept = weight[rows] > 0.0
                if kept.any():
                    fields = {n: chunk.fields[n][rows][kept] for n in columns}
                    yield fields, weight[rows][kept]

    def _sum(self, fields: dict[str, Vector], weight: Vector) -> Vector:
        """Σ w f and its derivatives, one number after the other."""
        at = self.derivatives.at(fields, weight.size, self.f)
        size = len(self.derivatives.covariance)
        return np.append(np.sum(weight * at.value), at.gradient(weight, size))

    def slope(self, name: str) -> list[tuple[str, Vector]]:
        """The mean derivative in a column of numbers, with its own derivatives."""
        low, high, deviation = self._range(name)
        total, sums = 0.0, np.zeros(1 + len(self.derivatives.covariance))
        for fields, weight in self._runs():
            x = fields[name]
            total += weight.sum()
            # no point leaves the range of the rows, beyond which a function may have no value
            h = _STEP * (np.minimum(deviation, x) if low > 0.0 else np.full(x.size, deviation))
            forward, backward = x - 2.0 * h < low, x + 2.0 * h > high
            for steps in range(-4, 5):
                own = np.where(
                    forward,
                    _FORWARD.get(steps, 0.0),
                    np.where(backward, -_FORWARD.get(-steps, 0.0), _CENTRAL.get(steps, 0.0)),
                )
                used = own != 0.0
                if used.any() and deviation > 0.0:
                    moved = {n: v[used] for n, v in fields.items()}
                    moved[name] = x[used] + steps * h[used]
                    sums += self._sum(moved, (weight * own / (12.0 * h))[used])
        return [("dY/dX", sums / total if deviation > 0.0 else np.full(sums.size, np.nan))]

    def _range(self, name: str) -> tuple[float, float, float]:
        """The smallest and largest value of a column, and its standard deviation."""
        low, high = math.inf, -math.inf
        sums = np.zeros(3)
        origin = None
        for fields, weight in self._runs():
            x = fields[name]
            origin = x[0] if origin is None else origin
            low, high = min(low, float(x.min())), max(high, float(x.max()))
            y = x - origin
            sums += [weight.sum(), weight @ y, weight @ (y * y)]
        mean = sums[1] / sums[0]
        return low, high, math.sqrt(max(sums[2] / sums[0] - mean * mean, 0.0))

    def contrasts(self, name: str, levels: Sequence[Any]) -> list[tuple[str, Vector]]:
        """The mean change from the first level of a category to each other one."""
        total = 0.0
        sums = np.zeros((len(levels), 1 + len(self.derivatives.covariance)))
        for fields, weight in self._runs():
            total += weight.sum()
            for code in range(len(levels)):
                changed = {**fields, name: np.full(weight.size, float(code))}
                sums[code] += self._sum(changed, weight)
        return [
            (f"{levels[k]} - {levels[0]}", (sums[k] - sums[0]) / total)
            for k in range(1, len(levels))
        ]


def _effect(
    variable: str, contrast: str, sums: Vector, derivatives: RowDerivatives, level: float
) -> Effect:
    estimate, gradient = float(sums[0]), sums[1:]
    error = math.sqrt(max(float(gradient @ derivatives.covariance @ gradient), 0.0))
    error = error if derivatives.known and np.isfinite(gradient).all() else math.nan
    normal = statistics.NormalDist()
    z = estimate / error if error else math.nan
    half = normal.inv_cdf(0.5 + 0.5 * level) * error
    p = math.erfc(abs(z) / math.sqrt(2.0))
    return Effect(variable, contrast, estimate, error, z, p, estimate - half, estimate + half)
