"""Mean, variance and entropy of a distribution that has no formula for them, from its density."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from kullback._core.arrays import Vector
from kullback._core.errors import ModelError
from kullback.models.model import Model
from kullback.models.row_functions import NOT_PROVIDED
from kullback.models.tails import Tail, Tails
from kullback.special.change_of_variable import Coordinate
from kullback.special.gauss_kronrod import integrate

_EPS = float(np.finfo(np.float64).eps)

# Widths of the first panels, in spreads from the median outwards.
_WIDTHS = np.array([0.25] * 8 + [0.5] * 5 + [1.0] * 4 + [2.0] * 3 + [4.0] * 3)

# The total probability must be 1 to within this.
_MASS = 1e-9

# Counts are added in blocks, at most so many, until so small a share is left.
_BLOCK, _MOST, _NEGLIGIBLE = 1 << 12, 1 << 22, 1e-18


class Moments(NamedTuple):
    """The moments, in the outcomes' unit and in nats: inf or NaN where they do not exist."""

    mean: float
    variance: float
    entropy: float


def moments(model: Model) -> Moments:
    """Compute the moments of a distribution of numbers with all parameters fixed.

    Raises:
        ModelError: where its density cannot be integrated.
    """
    totals, centre = _summed(model) if model.discrete else _integrated(model)
    mass, first, second, entropy = totals.tolist()
    if not abs(mass - 1.0) <= _MASS:
        raise ModelError(
            f"the moments of {model!r} cannot be computed: its density integrates to {mass:.9g}.",
            reason=NOT_PROVIDED,
        )
    shift, second = first / mass, second / mass
    return Moments(centre + shift, second - shift * shift, entropy / mass)


def _functions(model: Model, x: Vector, centre: float, log_slope: Vector) -> Vector:
    """The density times 1, x − centre, (x − centre)² and −log q, shape (4, n)."""
    log_q = np.asarray(model.log_density(x))
    with np.errstate(over="ignore", invalid="ignore"):
        weight, gap = np.exp(log_q + log_slope), x - centre
        functions = np.stack([np.ones_like(x), gap, gap * gap, -log_q])
        found: Vector = weight * np.where(weight > 0.0, functions, 0.0)
    return found


def _integrated(model: Model) -> tuple[Vector, float]:
    s = model.support
    tails = model.tails or Tails(s.lower, s.upper)
    low, centre, high = np.asarray(model.quantile(np.array([0.25, 0.5, 0.75]))).tolist()
    line = Coordinate(tails.lower, tails.upper, centre, high - low)
    exists = np.array([True, *(_exists(tails, power) for power in (1.0, 2.0)), True])
    out = np.concatenate([[0.0], np.cumsum(_WIDTHS)]) * line.grain
    first, last = line.limits
    kinks = [line.v(k) for k in tails.kinks if line.lower < k < line.upper]
    edges = np.concatenate([line.shift - out, line.shift + out, kinks])
    # beyond these limits the outcomes themselves have lost their digits
    edges = np.unique(np.clip(edges, first, last))

    def integrand(v: Vector) -> Vector:
        return _functions(model, line.x(v), centre, line.log_slope(v))

    found = integrate(
        integrand,
        edges,
        line.limits,
        rounding=lambda sizes: 4.0 * _EPS * sizes,
        required=lambda _: exists,
    )
    totals = found.values.copy()
    totals[~exists] = _infinite(tails)
    return totals, centre


def _exists(tails: Tails, power: float) -> bool:
    """Whether the mean of |x|^power is finite."""
    return not any(_heavy(tail, power) for tail in _far(tails))


def _far(tails: Tails) -> list[Tail]:
    pairs = ((tails.lower, tails.lower_tail), (tails.upper, tails.upper_tail))
    return [tail for end, tail in pairs if math.isinf(end) and tail is not None]


def _heavy(tail: Tail, power: float) -> bool:
    return tail.order == "power" and tail.index <= power


def _infinite(tails: Tails) -> float:
    """The value of a moment that does not exist: infinite where one tail alone is heavy."""
    heavy = [_heavy(tail, 1.0) for tail in _far(tails)]
    return math.nan if sum(heavy) > 1 else math.inf


def _summed(model: Model) -> tuple[Vector, float]:
    """Add counts from the smallest one on."""
    centre = float(model.quantile(0.5))
    totals, begin, last = np.zeros(4), model.support.lower, model.support.upper
    while begin <= last:
        x = np.arange(begin, min(begin + _BLOCK, last + 1.0))
        totals += _functions(model, x, centre, np.zeros(x.size)).sum(axis=1)
        begin += _BLOCK
        gap = max(begin - centre, 1.0)
        with np.errstate(divide="ignore"):
            left = float(model.log_survival(begin - 1.0)) + 2.0 * math.log(gap)
        if begin > centre and left < math.log(_NEGLIGIBLE):
            break
        if begin - model.support.lower >= _MOST:
            raise ModelError(
                f"the moments of {model!r} cannot be added up: they need too many counts.",
                reason=NOT_PROVIDED,
            )
    return totals, centre
