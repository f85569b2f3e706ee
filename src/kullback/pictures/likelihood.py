"""Pictures of the likelihood: regions of two numbers by likelihood ratio, and the curve of one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import TYPE_CHECKING, Any, final

import numpy as np

from kullback._core.arrays import Vector
from kullback._core.domains import REAL, Interval, Reals
from kullback._core.errors import DataError, KullbackError, ModelError
from kullback._core.held import Held
from kullback._core.spanned import Spanned
from kullback.models.held_numbers import places_of
from kullback.objective.zero_probability import ZERO_PROBABILITY
from kullback.pictures.style import ENTROPY, FAINT, INK, RELATIVE, log_axis, plain

if TYPE_CHECKING:  # a fit draws itself
    from kullback.results.fit import Fit

_LEVELS = (0.5, 0.9, 0.95, 0.99)
_WALD = 0.95

# Each axis has so many cells, at whose corners the likelihood is evaluated. Between them the root
# of 1 + deviance, which is nearly that of 1 + a square, is interpolated by cubics at so many places
# a side: to a hundredth of the deviance.
_CELLS, _FINE = 14, 11
# Where rows are impossible at some corners of a cell, it is evaluated at so many places a side.
_PARTS = 4
# Places along an edge of the picture that must lie outside the largest region.
_EDGE = 7
# A fit begins at the nearest so many others: at some of them a row may be impossible.
_STARTS = 8
# The picture goes so many standard errors in each direction at least, and at most where the
# likelihood does not fall far enough.
_LEAST, _MOST, _STEP = 2.0, 12.0, 0.5
# From this ratio of its ends on, the axis of a positive number is logarithmic.
_DECADE = 10.0


def draw_likelihood(axes: Any, fit: Fit, names: Sequence[str] | None) -> str:
    """Draw the likelihood of one or two estimated numbers, and return what it is.

    Args:
        axes: of matplotlib.
        fit: the fit, with its rows.
        names: the numbers; None for all where the fit has one or two.

    Returns:
        "Likelihood", or "Profile likelihood" where the fit has more numbers: the largest one
        whatever these are.

    Raises:
        KullbackError: for other numbers, or a fit whose likelihood cannot be drawn.
    """
    around = _around(fit, names)
    draw = _draw_curve if len(around.names) == 1 else _draw_regions
    draw(axes, around)
    return "Profile likelihood" if around.profile else "Likelihood"


@final
@dataclass(frozen=True, eq=False)
class _Around:
    """The likelihood around the estimate, in standard errors on the unconstrained scale.

    Attributes:
        fit: the fit.
        names: the numbers, one or two.
        scales: their domains, in the unit of the fit.
        powers: they are in units of two to these powers.
        estimate: their estimates, in the unit of the fit.
        root: Cholesky factor of the covariance on the unconstrained scale.
        profile: whether other numbers were estimated, which are then estimated again.
        others: what these were, by place: where a fit nearby begins.
    """

    fit: Fit
    names: tuple[str, ...]
    scales: tuple[Interval, ...]
    powers: tuple[int, ...]
    estimate: Vector
    root: Vector
    profile: bool
    others: dict[tuple[float, ...], dict[str, float]]

    @cached_property
    def largest(self) -> float:
        """The deviance at the edge of the largest region."""
        return _quantile(_LEVELS[-1], len(self.names))

    def numbers(self, at: Vector) -> list[Vector]:
        """Return the numbers at places, one array each; shape of ``at``: (k, ...)."""
        u = np.tensordot(self.root, at, 1)
        out = []
        for k, (scale, power) in enumerate(zip(self.scales, self.powers, strict=True)):
            centre = scale.unconstrained(self.estimate[k : k + 1])[0]
            out.append(np.asarray(np.ldexp(scale.constrained(centre + u[k]), power)))
        return out

    def deviance(self, *at: float) -> float:
        """Twice the log-likelihood below its maximum: inf where a row is impossible, or NaN."""
        values = [float(value) for value in self.numbers(np.array(at))]
        given = dict(zip(self.names, values, strict=True))
        problem = self.fit.problem
        assert problem is not None  # _around checks
        try:
            loss = self._again(at, given) if self.profile else problem.cross_entropy(given)
        except ModelError:  # the end of the domain, in doubles
            return math.nan
        return 2.0 * self.fit.n * (loss - self.fit.cross_entropy)

    def _again(self, at: tuple[float, ...], given: dict[str, float]) -> float:
        """The cross-entropy where the others are fitted again, from where a fit nearby ended."""
        problem = self.fit.problem
        assert problem is not None
        near = sorted(self.others, key=lambda place: math.dist(place, at))
        for place in near[:_STARTS]:
            try:
                again = problem.refit(fixed=given, start=self.others[place])
            except DataError as error:
                if error.reason != ZERO_PROBABILITY:
                    raise
                continue  # a row is impossible at this start
            if again.convergence.converged:
                self.others[at] = _estimated(again)
                return again.cross_entropy
        return math.nan

    def reach(self, axis: int, sign: float) -> float:
        """How far from the estimate, in one direction, the largest region ends."""
        at = [0.0] * len(self.names)
        at[axis] = sign * _LEAST
        while abs(at[axis]) < _MOST and self.deviance(*at) <= self.largest:
            at[axis] += sign * _STEP
        return at[axis] + sign * _STEP


def _around(fit: Fit, names: Sequence[str] | None) -> _Around:
    """Check what is to be drawn."""
    what = "kind='likelihood'"
    fit.sample_info.refuse_sampling(what)
    if fit.problem is None:
        raise KullbackError(
            f"{what} needs the rows, which this fit does not have: one that was loaded, copied or "
            "made with keep_data=False holds results only."
        )
    if not fit.convergence.converged:
        raise KullbackError(f"{what} draws around a maximum, but this fit did not converge.")
    if fit.form.penalised:
        raise KullbackError(
            f"{what} draws around a maximum of the likelihood, but the coefficients of "
            f"{' and '.join(fit.form.penalised)} have a ridge penalty."
        )
    places = places_of(fit.vector)
    if isinstance(names, str) or (names is None and len(fit.names) not in (1, 2)):
        shown = ", ".join(map(repr, fit.names[:2])) or "..."
        got = f"got {names!r}" if names else f"and this fit has {len(fit.names)}"
        raise KullbackError(
            f"{what} draws one or two numbers, {got}: name them, as in parameters=[{shown}]."
        )
    chosen = tuple(fit.names if names is None else names)
    if len(chosen) not in (1, 2) or len(set(chosen)) < len(chosen):
        raise KullbackError(f"{what} draws one number or two different ones, got {list(chosen)!r}.")
    for name in chosen:
        if name in fit.vector.on_bound:
            raise KullbackError(
                f"{what} draws around the estimate, but that of {name} is an end of its range: "
                f"fit.interval(method='profile', parameters=[{name!r}]) has its interval."
            )
        if name not in fit.names:
            raise KullbackError(
                f"this fit estimated no number {name!r}: {what} draws {', '.join(fit.names)}."
            )
        c, _ = places[name]
        if not isinstance(c.domain, Interval | Reals | Held | Spanned):
            raise KullbackError(
                f"the {c.domain.size} numbers of {c.name} determine each other: {what} does not "
                "draw them."
            )
    domains = [places[name][0].domain for name in chosen]
    scales = tuple(d if isinstance(d, Interval) else REAL for d in domains)
    powers = tuple(fit.power * fit.form.dimensions.get(places[n][0].name, 0) for n in chosen)
    own = _estimated(fit)
    estimate = np.ldexp([own[name] for name in chosen], -np.array(powers))
    at = [fit.names.index(name) for name in chosen]
    slopes = [
        math.ldexp(float(scale.jacobian(scale.unconstrained(estimate[k : k + 1]))[0, 0]), power)
        for k, (scale, power) in enumerate(zip(scales, powers, strict=True))
    ]
    covariance = fit.covariance("observed")[np.ix_(at, at)] / slopes / np.array(slopes)[:, None]
    if not np.all(np.isfinite(covariance)):
        raise KullbackError(f"{what} needs standard errors of {' and '.join(chosen)}.")
    root = np.linalg.cholesky(covariance)
    more = fit.parameter_count > len(chosen)
    others = {(0.0,) * len(chosen): {n: v for n, v in own.items() if n not in chosen}}
    return _Around(fit, chosen, scales, powers, estimate, root, more, others)


def _estimated(fit: Fit) -> dict[str, float]:
    """The numbers that a fit estimated, on no bound, by name."""
    return {n: value for n, value in fit.model.coefficients.items() if n in fit.names}


def _quantile(level: float, numbers: int) -> float:
    """Return the quantile of chi-squared with as many degrees of freedom as numbers."""
    from scipy import special

    return float(2.0 * special.gammaincinv(0.5 * numbers, level))


# ---- two numbers ---------------------------------------------------------------------------------


def _draw_regions(axes: Any, around: _Around) -> None:
    x, y, deviance = _surface(around)
    edges = [_quantile(level, 2) for level in _LEVELS]
    shades = [(ENTROPY, alpha) for alpha in (0.55, 0.38, 0.24, 0.12)]
    inside = np.maximum(deviance, 0.0)  # rounding
    axes.contourf(x, y, inside, [0.0, *edges], colors=shades)
    lines = axes.contour(x, y, deviance, edges, colors=ENTROPY, linewidths=1.0)
    turn = np.linspace(0.0, 2.0 * np.pi, 241)
    circle = math.sqrt(_quantile(_WALD, 2)) * np.array([np.cos(turn), np.sin(turn)])
    wald = f"Wald region, {100.0 * _WALD:g}%"
    axes.plot(*around.numbers(circle), "--", color=RELATIVE, linewidth=1.2, label=wald)
    axes.plot(*around.numbers(np.zeros((2, 1))), "o", color=INK, markersize=5.0, label="estimate")
    seen = deviance <= 1.3 * edges[-1]
    for name, numbers, scale, axis in zip(
        around.names, (x, y), around.scales, (axes.xaxis, axes.yaxis), strict=True
    ):
        low, high = float(numbers[seen].min()), float(numbers[seen].max())
        _set_axis(axes, axis, name, low, high, scale)
    _label_regions(axes, lines)


def _surface(around: _Around) -> tuple[Vector, Vector, Vector]:
    """Return two numbers and the deviance over a grid around the estimate."""
    from scipy import interpolate

    ends = _ends(around)
    coarse = [_places(side, _CELLS + 1) for side in ends]
    values, _ = _evaluated(around, coarse)
    finite = np.isfinite(values)
    if np.all(finite):
        sides = [_places(side, _FINE * _CELLS + 1) for side in ends]
        root = interpolate.RectBivariateSpline(*coarse, np.sqrt(1.0 + values))
        deviance = np.square(root(*sides)) - 1.0
    else:
        sides = [_places(side, _PARTS * _CELLS + 1) for side in ends]
        deviance = _with_gaps(around, coarse, values, sides)
    x, y = around.numbers(np.stack(np.meshgrid(*sides, indexing="ij")))
    return x, y, np.ma.masked_invalid(deviance)


def _with_gaps(
    around: _Around, coarse: list[Vector], values: Vector, sides: list[Vector]
) -> Vector:
    """Interpolate where all corners of a cell have a deviance, and evaluate where some have."""
    from scipy import interpolate

    finite = np.isfinite(values)
    known = np.stack([side[k] for side, k in zip(coarse, np.nonzero(finite), strict=True)], axis=-1)
    roots = interpolate.CloughTocher2DInterpolator(known, np.sqrt(1.0 + values[finite]))
    places = np.stack(np.meshgrid(*sides, indexing="ij"), axis=-1)
    deviance: Vector = np.square(roots(places)) - 1.0
    share = interpolate.RegularGridInterpolator(coarse, finite.astype(np.float64))(places)
    unknown = interpolate.RegularGridInterpolator(coarse, np.isnan(values) * 1.0)(places)
    deviance[share <= 0.0] = np.where(unknown[share <= 0.0] > 0.0, np.nan, np.inf)
    for k, m in np.argwhere((share > 0.0) & (share < 1.0 - 1e-9)).tolist():
        deviance[k, m] = around.deviance(*places[k, m].tolist())
    deviance[np.isinf(deviance)] = 4.0 * around.largest  # regions end there
    return deviance


def _ends(around: _Around) -> list[list[float]]:
    """The ends of each axis: beyond the largest region, which may be skewed."""
    ends = [[around.reach(axis, sign) for sign in (-1.0, 1.0)] for axis in (0, 1)]
    short = list(product((0, 1), (0, 1)))
    while short:
        before = short
        short = []
        for axis, side in before:
            places = _places(ends[1 - axis], _EDGE).tolist()
            edge = [(ends[axis][side], place)[:: 1 - 2 * axis] for place in places]
            inside = any(around.deviance(*place) <= around.largest for place in edge)
            if inside and abs(ends[axis][side]) < _MOST:
                ends[axis][side] *= 1.25
                short.append((axis, side))
    return ends


def _places(ends: Sequence[float], points: int) -> Vector:
    low, high = ends
    return np.linspace(low, high, points)


def _evaluated(around: _Around, sides: list[Vector]) -> tuple[Vector, list[Vector]]:
    """Evaluate the deviance at every place of a grid."""
    places = list(product(*(side.tolist() for side in sides)))
    # outwards from the estimate: each fit begins where one nearby ended
    order = sorted(range(len(places)), key=lambda k: math.hypot(*places[k]))
    values = np.empty(len(places))
    values[order] = [around.deviance(*places[k]) for k in order]
    return values.reshape([side.size for side in sides]), sides


def _label_regions(axes: Any, lines: Any) -> None:
    """Write the level of each region on its edge: neighbours at opposite ends."""
    low, high = axes.get_ylim()
    for k, (level, path) in enumerate(zip(_LEVELS, lines.get_paths(), strict=True)):
        places = path.vertices
        if not len(places):
            continue
        inside = places[(places[:, 1] >= low) & (places[:, 1] <= high)]
        at = inside[np.argmax(inside[:, 1]) if k % 2 == 0 else np.argmin(inside[:, 1])]
        text = axes.text(*at, f"{100.0 * level:g}%", ha="center", va="center", fontsize=8)
        text.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 0.8, "alpha": 0.85})


# ---- one number ----------------------------------------------------------------------------------


def _draw_curve(axes: Any, around: _Around) -> None:
    from scipy.interpolate import CubicSpline

    ends = [around.reach(0, sign) for sign in (-1.0, 1.0)]
    deviance, (at,) = _evaluated(around, [_places(ends, 2 * _CELLS + 1)])
    if np.all(np.isfinite(deviance)):
        spline = CubicSpline(at, np.sqrt(1.0 + deviance))
        at = _places(ends, 2 * _CELLS * _FINE + 1)
        deviance = np.square(spline(at)) - 1.0
    (x,) = around.numbers(at[None])
    name = "profile log-likelihood" if around.profile else "log-likelihood"
    axes.plot(x, -0.5 * deviance, color=ENTROPY, label=name)
    axes.plot(x, -0.5 * at * at, "--", color=RELATIVE, linewidth=1.2, label="Wald approximation")
    axes.plot(*around.numbers(np.zeros((1, 1))), [0.0], "o", color=INK, label="estimate")
    _set_axis(axes, axes.xaxis, around.names[0], float(x[0]), float(x[-1]), around.scales[0])
    for level in _LEVELS:
        height = -0.5 * _quantile(level, 1)
        axes.axhline(height, color=FAINT, linewidth=0.8, linestyle=":")
        axes.annotate(
            f"{100.0 * level:g}%",
            (1.0, height),
            xycoords=("axes fraction", "data"),
            xytext=(3, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
        )
    axes.set_ylim(-0.75 * around.largest, 0.06 * around.largest)
    axes.set_ylabel("log-likelihood below its maximum, nats")


def _set_axis(axes: Any, axis: Any, name: str, low: float, high: float, scale: Interval) -> None:
    which = axis.axis_name
    axes.set(**{f"{which}lim": (low, high), f"{which}label": plain(name)})
    if scale.lower == 0.0 and math.isinf(scale.upper) and high > _DECADE * low:
        log_axis(axis)
