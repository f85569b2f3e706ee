"""Expectations under a continuous model of one dimension, by quadrature of its density.

The same points give the total probability (which checks the rest), the entropy, the cross-entropy
and the relative entropy, the last also as ∫ p (r − 1 − log r) with r = q/p. That integrand is never
negative, and keeps the digits that differences of logarithms lose between nearly equal models.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from kullback._core.arrays import Vector
from kullback._core.errors import ModelError
from kullback.information.models.tails import outline
from kullback.models.model import Model
from kullback.models.tails import Tails
from kullback.special.change_of_variable import NEAREST, Coordinate
from kullback.special.gauss_kronrod import integrate

LogDensity: TypeAlias = Callable[[Vector], Vector]
_Weighted: TypeAlias = Callable[[Vector, Vector], Vector]

EPS = float(np.finfo(np.float64).eps)

# Widths of the first panels, in spreads on either side of the centre: narrow where a density bends,
# wide in its tails. 46 of them with 21 nodes each fill one call of 1,024 points.
_WIDTHS = np.array([0.25] * 8 + [0.5] * 5 + [1.0] * 4 + [2.0] * 3 + [4.0] * 3)
# The log-densities are accurate to about this many roundings of their largest term.
_ROUNDINGS = 4.0
# The total probability must be 1 to within this, or another centre is tried.
_MASS = 1e-9
# With more than this share of it missing, or of an integral beyond the last point, it fails.
LOST = 1e-3
_BEYOND = 1e-3
# Ends from which distances are exact to the last digit.
_EXACT_ENDS = (0.0, math.inf, -math.inf)
# Below this relative entropy, in nats, the two distributions overlap so far that the part of q
# beyond the points is negligible, and the form without cancellation holds.
_NEAR = 1e-2


class Expectations(NamedTuple):
    """Expectations under p, in nats, each with a bound on its numerical error."""

    entropy: tuple[float, float]  # E[−log p]
    cross_entropy: tuple[float, float]  # E[−log q]
    divergence: tuple[float, float]  # E[log p − log q]
    mass: float  # the total probability of p from the same points: 1 up to errors


def spread(model: Model, o: Tails) -> tuple[float, float]:
    """Find a centre and a spread: where the probability lies, and how finely to sample it.

    Raises:
        ModelError: where the model has neither moments nor quantiles.
    """
    if o.about is not None:
        return o.about
    if model.moments_are_quicker:  # to compile, than quantiles by inversion
        found = model.mean(), math.sqrt(model.variance())
        if _inside(found, o):
            return found
    return _by_quantiles(model)


def available(model: Model) -> bool:
    """Say whether the model can be integrated: whether its probability can be located."""
    try:
        spread(model, outline(model))
    except ModelError:
        return False
    return True


def _inside(found: tuple[float, float], o: Tails) -> bool:
    centre, scale = found
    return o.lower < centre < o.upper and 0.0 < scale < math.inf


def _by_quantiles(model: Model) -> tuple[float, float]:
    low, middle, high = np.asarray(model.quantile(np.array([0.25, 0.5, 0.75])))
    return float(middle), float(high - low)


def expectations(
    p: Model, log_q: LogDensity | None = None, *, q: Tails | None = None
) -> Expectations:
    """Integrate under p, continuous in one dimension; p itself stands for a missing q.

    Raises:
        ModelError: where p's probability cannot be located, or the integrand overflows.
    """
    o = outline(p)
    first = spread(p, o)
    result = _expectations(p, log_q, o, q, *first)
    if not abs(result.mass - 1.0) <= _MASS:
        try:
            second = _by_quantiles(p)
        except ModelError:  # a model without quantiles has no second centre
            second = first
        if second != first and _inside(second, o):
            again = _expectations(p, log_q, o, q, *second)
            result = min(result, again, key=lambda r: abs(r.mass - 1.0))
    if not abs(result.mass - 1.0) <= LOST:
        raise ModelError(
            f"the quadrature under {p!r} fails: its total probability is {result.mass:.6g} instead "
            f"of 1. Use method='monte carlo'."
        )
    if not all(map(math.isfinite, result.cross_entropy)):
        raise ModelError(
            f"the expectation under {p!r} is finite, but far out its integrand is a product of "
            f"numbers too small and too large for double precision: it cannot be computed here."
        )
    return result


def _expectations(
    p: Model, log_q: LogDensity | None, o: Tails, q: Tails | None, centre: float, scale: float
) -> Expectations:
    line = Coordinate(o.lower, o.upper, centre, scale, blunt=_blunt(o))
    # the rounding of x matters where a density is narrow relative to its distance from zero
    blur = EPS * abs(centre) / scale

    def weighted(x: Vector, log_slope: Vector) -> Vector:
        log_p = np.asarray(p.log_density(x))
        other = log_p if log_q is None else np.asarray(log_q(x))
        return integrands(log_p, other, log_slope, blur)

    near = q is not None and (q.lower, q.upper) == (o.lower, o.upper)
    low, high = line.limits
    edges = _edges(line, (*o.kinks, *(q.kinks if q else ())), low, high)
    integrals = integrate(
        lambda v: weighted(line.x(v), line.log_slope(v)),
        edges,
        (low, high),
        rounding=rounding_errors,
        required=lambda values: required(values, near=near),
    )
    values, errors = integrals.values.copy(), integrals.errors.copy()
    for side, v in enumerate((integrals.first, integrals.last)):
        if integrals.reached[side]:
            beyond, error = _beyond(p, line, v, side, weighted, _power_end(o, q or o, side))
            values, errors = values + beyond, errors + error
            if not error[2] <= _BEYOND * abs(values[2]):
                values[2] = math.inf  # refused, as are integrands that overflow
    return collect(values, errors, near=near)


def _blunt(o: Tails) -> bool:
    """Say whether the density is finite at ends other than zero."""
    ends = ((o.lower, o.lower_tail), (o.upper, o.upper_tail))
    return not any(
        math.isfinite(end) and end != 0.0 and tail and tail.order == "power" and tail.index < 1.0
        for end, tail in ends
    )


def _edges(line: Coordinate, kinks: tuple[float, ...], low: float, high: float) -> Vector:
    out = np.concatenate([[0.0], np.cumsum(_WIDTHS)]) * line.grain
    edges = line.shift + np.concatenate([-out[:0:-1], out])
    inside = edges[(edges > low) & (edges < high)]
    # the ends of the range may lie within the first panels
    more = ([low] if edges[0] <= low else []) + ([high] if edges[-1] >= high else [])
    at = [line.v(x) for x in kinks if line.lower < x < line.upper]
    return np.union1d(inside, [*more, *(v for v in at if low < v < high)])


@dataclass(frozen=True)
class _PowerEnd:
    """An end where p's probability is a power, distance^index or |x|^−index."""

    index: float
    rises: Vector  # mean increase of the averaged functions beyond the last point
    factors: Vector  # or the factor of their increase
    nearness: float  # the power holds up to the share y^−nearness


def _power_end(p: Tails, q: Tails, side: int) -> _PowerEnd | None:
    """Describe an end where −log p and −log q are a logarithm or a power; None for others.

    With y = 1/distance or |x| and probability y^−index beyond y, the mean of log y beyond is
    1/index more than at its beginning, and that of y^a is index/(index − a) times as much.
    """
    ends = ((p.lower, q.lower), (p.upper, q.upper))[side]
    own, other = ((p.lower_tail, q.lower_tail), (p.upper_tail, q.upper_tail))[side]
    if own is None or own.order != "power":
        return None
    # a density in x is a power one more, or less, than the probability beyond
    step = 1.0 if math.isinf(ends[0]) else -1.0
    rise, factor = 0.0, 1.0
    if ends[0] != ends[1]:
        pass  # q's density is finite and positive there
    elif other is not None and other.order == "power":
        rise = other.index + step
    elif other is not None and other.order == "stretched" and other.index < own.index:
        factor = own.index / (own.index - other.index)
    else:
        return None
    own_rise = (own.index + step) / own.index
    rises = np.array([0.0, own_rise, rise / own.index, 0.0, 0.0, 0.0, 0.0])
    factors = np.array([1.0, 1.0, factor, 1.0, 1.0, 1.0, 1.0])
    return _PowerEnd(own.index, rises, factors, own.nearness)


def _beyond(
    p: Model, line: Coordinate, v: float, side: int, weighted: _Weighted, end: _PowerEnd | None
) -> tuple[Vector, Vector]:
    """Return the integrals beyond the last point, and their errors."""
    if end is None:
        return _declining(line, v, side, weighted)
    x, slope = line.x(np.array([v])), line.log_slope(np.array([v]))
    log_p = np.asarray(p.log_density(x))
    at = weighted(x, -log_p)[:, 0]  # the functions at weight one
    if math.isinf((line.lower, line.upper)[side]):
        # this far out the power holds to the last digit
        mass = float(np.exp(log_p + slope)[0]) / end.index
    else:
        log_mass = p.log_cdf(x) if side == 0 else p.log_survival(x)
        mass = float(np.exp(np.asarray(log_mass)[0]))
    mean = at * end.factors + end.rises
    mean[3] = mean[2] - mean[1]  # log p − log q
    # the distance from an end other than zero is known to this share
    rounding = NEAREST if (line.lower, line.upper)[side] not in _EXACT_ENDS else EPS
    share = max(rounding, math.exp(-abs(v) * end.nearness))
    return mass * mean, share * mass * np.abs(mean)


def _declining(line: Coordinate, v: float, side: int, weighted: _Weighted) -> tuple[Vector, Vector]:
    """The same for an unknown tail, on the assumption that integrands decline no slower beyond.

    The integral is then at most their value over the rate of the decline; this bound is its error.
    """
    points = np.array([v, v + (1.0 if side == 0 else -1.0)])
    here, before = weighted(line.x(points), line.log_slope(points)).T
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = np.log(np.abs(before)) - np.log(np.abs(here))
        most = np.where(here == 0.0, 0.0, np.where(rate > 0.0, here / rate, math.inf))
    return most, np.abs(most)


def integrands(log_p: Vector, log_q: Vector, log_slope: Vector, blur: float = 0.0) -> Vector:
    """Stack p dx times the functions to be averaged, shape (K, n); log dx is the ``log_slope``.

    They are 1, −log p, −log q, log p − log q, r − 1 − log r, and the rounding errors of the last
    two, to which the rounding of the points adds ``blur``. Where p dx underflows the product is 0.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        weight, other = np.exp(log_p + log_slope), np.exp(log_q + log_slope)
        log_r = np.where(log_p == log_q, 0.0, log_q - log_p)
        # r − 1 − log r; by its series where the two cancel, which they do to second order
        small = np.abs(log_r) < 1e-2
        t = np.where(small, log_r, 0.0)
        series = t * t * (0.5 + t * (1 / 6 + t * (1 / 24 + t * (1 / 120 + t * (1 / 720)))))
        rest = np.where(small, weight * np.expm1(t), other - weight)
        noise = blur + _ROUNDINGS * EPS * (1.0 + np.abs(log_p) + np.abs(log_q))
        functions = np.stack([np.ones_like(log_p), -log_p, -log_q, -log_r, noise])
        plain = weight * np.where(weight > 0.0, functions, 0.0)
        deviation = np.where(small, weight * series, rest + plain[3])
        near_noise = np.abs(rest) * np.where(other > 0.0, noise, 0.0)
    return np.stack([*plain[:4], deviation, plain[4], near_noise])


def required(values: Vector, *, near: bool) -> npt.NDArray[np.bool_]:
    """Say which integrals must be accurate: the fifth only between close models."""
    required = np.arange(values.size) < 4
    required[4] = near and abs(float(values[3])) < 2.0 * _NEAR
    return required


def rounding_errors(sizes: Vector) -> Vector:
    """Rounding error of each integral, from the integrals of absolute values."""
    noise, near_noise = sizes[5], sizes[6]
    extra = np.array([noise, noise, noise, noise, near_noise, math.inf, math.inf])
    out: Vector = 0.25 * extra + EPS * sizes
    return out


def collect(values: Vector, errors: Vector, *, near: bool) -> Expectations:
    """Turn the integrals into expectations with bounds on their errors."""
    mass, entropy, cross, plain, deviation, noise, near_noise = (float(v) for v in values)
    gap = abs(mass - 1.0)

    def with_error(value: float, own: float) -> tuple[float, float]:
        # probability that is missing or counted twice affects all of them
        return value, own + noise + gap * abs(value)

    divergence = with_error(plain, float(errors[3]))
    if near and abs(plain) < _NEAR:
        error = float(errors[4]) + near_noise + (gap + 2.0 * EPS) * deviation
        if error < divergence[1]:
            divergence = deviation, error
    first, second = with_error(entropy, float(errors[1])), with_error(cross, float(errors[2]))
    return Expectations(first, second, divergence, mass)
