"""Confidence bands of a fitted distribution's density, distribution function or quantiles."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import numpy as np
from numpy.typing import NDArray

from kullback._core.arrays import Vector
from kullback._core.display import Display, Displayed, Table
from kullback._core.domains import UNIT
from kullback._core.errors import KullbackError
from kullback._core.validation import check_choice, check_level
from kullback.data.frames import new_frame
from kullback.models.model import Model
from kullback.results.standardised import ROUGH, Standardised, lengths, slopes

if TYPE_CHECKING:  # Fit.band calls this module, which only reads the fit
    from kullback.results.fit_numbers import FitNumbers

KINDS = ("density", "cdf", "survival", "quantile")

# Points of a band without given ones, and the probabilities that they lie between.
_POINTS, _TAIL = 200, 0.001
# Draws of the largest deviation: its 95% quantile then has a standard error of 0.5%.
_DRAWS, _SEED = 40_000, 20_251_128
_AT_ONCE = 1 << 22


@final
@dataclass(frozen=True, eq=False, repr=False)
class Band(Displayed):
    """A confidence band: a curve of the fitted model between two others.

    Attributes:
        at: where: outcomes, or probabilities of quantiles; shape (n,).
        value: the curve of the fitted model.
        lower: lower ends; NaN where they are unknown.
        upper: upper ends.
        what: "density", "cdf", "survival" or "quantile".
        level: probability with which the band holds: each point of the true curve by itself, or
            all of them together.
        simultaneous: whether all together.
        notes: what limits it, a sentence each.
    """

    at: Vector
    value: Vector
    lower: Vector
    upper: Vector
    what: str
    level: float
    simultaneous: bool
    notes: tuple[str, ...] = ()

    def to_frame(self) -> Any:
        """Return a frame of one row a point: pandas where it is installed, else an Arrow table."""
        return new_frame({n: getattr(self, n) for n in ("at", "value", "lower", "upper")})

    def _display(self) -> Display:
        columns = (self.at, self.value, self.lower, self.upper)
        rows = [[f"{x:.6g}" for x in row] for row in zip(*columns, strict=True)]
        how = "all points together" if self.simultaneous else "each point by itself"
        title = f"{self.what} at {self.at.size} points, {100 * self.level:.4g}% band of {how}"
        return Display(
            title, [Table(rows, ("at", "value", "lower", "upper"), range(4))], self.notes
        )


def make_band(fit: FitNumbers, what: str, at: Any, level: float, simultaneous: bool) -> Band:
    """Return a band of the fitted distribution; see ``Fit.band``."""
    check_level(level)
    check_choice("what", what, KINDS)
    model = fit.model
    if model.outcome != "number" or model.columns:
        of = "labels" if model.outcome != "number" else f"rows with {', '.join(model.columns)}"
        raise KullbackError(f"a band is of one distribution of numbers; {model.name} is of {of}.")
    if what == "quantile" and model.discrete:
        raise KullbackError(
            f"quantiles of {model.name} are whole numbers, which change in steps: use the band of "
            "the cdf."
        )
    points = _points(model, what, at)
    point = Standardised.of(fit)
    notes, size = point.notes, point.origin.size
    scaled = _on_scale(model, what, points)
    gradient = error = np.zeros((1, points.size))
    if point.unknown:
        notes = (f"the band is unknown, as {point.unknown}",)
        gradient = np.full((1, points.size), np.nan)
    elif size:
        gradient, error = slopes(lambda z: _on_scale(point.model(z), what, points), size)
    errors = lengths(gradient)
    unknown = ~(lengths(error) <= ROUGH * errors)
    with np.errstate(invalid="ignore"):  # an infinite value, less an unknown error
        half = _factor(gradient[:, ~unknown], level, simultaneous) * errors
        ends = np.stack([_from_scale(model, what, scaled + side * half) for side in (-1.0, 1.0)])
    ends[:, unknown] = np.nan
    value = _from_scale(model, what, scaled)
    certain = _certain(model, what, points)
    ends[:, certain] = value[certain]
    if what == "survival":
        ends = ends[::-1]
    return Band(points, value, ends[0], ends[1], what, level, simultaneous, notes)


def _points(model: Model, what: str, at: Any) -> Vector:
    """The points that the user gave, or some over the distribution."""
    if at is not None:
        points = np.atleast_1d(np.asarray(at, dtype=np.float64))
        if points.ndim > 1 or not np.all(np.isfinite(points)):
            raise KullbackError("at must be finite numbers, in one dimension.")
        return points
    if what == "quantile":
        return np.linspace(_TAIL, 1.0 - _TAIL, _POINTS)
    low, high = (float(model.quantile(u)) for u in (_TAIL, 1.0 - _TAIL))
    if not model.discrete:
        return np.linspace(low, high, _POINTS)
    return np.unique(np.round(np.linspace(low, high, min(_POINTS, int(high - low) + 1))))


def _on_scale(model: Model, what: str, points: Vector) -> Vector:
    """The curve on the scale on which the band is symmetric."""
    with np.errstate(divide="ignore", invalid="ignore"):  # 0 and 1 are infinitely far
        if what == "density":
            return np.asarray(model.log_density(points))
        if what == "quantile":
            return np.asarray(model.support.unconstrained(np.asarray(model.quantile(points))))
        odds: Vector = np.asarray(model.log_cdf(points)) - np.asarray(model.log_survival(points))
        return odds


def _from_scale(model: Model, what: str, scaled: Vector) -> Vector:
    """The curve from its values on that scale."""
    if what == "density":
        return np.exp(scaled)
    if what == "quantile":
        return np.asarray(model.support.constrained(scaled))
    return np.asarray(UNIT.constrained(-scaled if what == "survival" else scaled))


def _certain(model: Model, what: str, points: Vector) -> NDArray[np.bool_]:
    """Whether the curve is 0 or 1 there whatever the parameters are, outside the support."""
    support = model.support
    if what == "quantile":
        return np.zeros(points.shape, dtype=bool)
    if what == "density":
        return np.asarray(~support.contains(points))
    low = points < support.lower if support.whole else points <= support.lower
    return np.asarray(low | (points >= support.upper))


def _factor(gradient: Vector, level: float, simultaneous: bool) -> float:
    """The half width of the band in standard errors: of each point, or of all.

    Of all, it is the quantile of the largest deviation in standard errors, over the points, of a
    normal vector of estimates, from draws of it with a fixed seed. Between the quantile of one
    point and that of Scheffé, √χ²(level) of k degrees of freedom, which it reaches where the points
    depend on the estimates in every possible way.
    """
    z = statistics.NormalDist().inv_cdf(0.5 + 0.5 * level)
    size, points = gradient.shape
    if not simultaneous or size == 1 or not points:
        return z
    directions = gradient / lengths(gradient)
    random = np.random.default_rng(_SEED)
    largest = [
        np.max(np.abs(random.standard_normal((part, size)) @ directions), axis=1)
        for part in _parts(_DRAWS, max(_AT_ONCE // points, 1))
    ]
    return max(float(np.quantile(np.concatenate(largest), level)), z)


def _parts(total: int, most: int) -> list[int]:
    """Split a number into parts of at most so many."""
    return [min(most, total - begin) for begin in range(0, total, most)]
