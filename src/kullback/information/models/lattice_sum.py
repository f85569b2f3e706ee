"""Expectations under a discrete model, by summing over its outcomes.

Up to 2^18 outcomes are added one by one, until the rest is negligible. Where that is not enough, as
for a power tail, and the probabilities change by parts in a thousand from one outcome to the next,
the sum is an integral by the midpoint rule of Euler and Maclaurin, corrected at its near end only,
as the far end vanishes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from kullback._core.arrays import Vector
from kullback._core.errors import ModelError
from kullback.information.models.integrate import (
    EPS,
    LOST,
    Expectations,
    LogDensity,
    collect,
    integrands,
    required,
    rounding_errors,
)
from kullback.models.evaluation import blockwise
from kullback.models.model import Model
from kullback.special.change_of_variable import Coordinate
from kullback.special.gauss_kronrod import integrate

# Outcomes that are added one by one: sixteen calls of the compiled density.
_ONE_BY_ONE = 1 << 18
_BLOCK = 1 << 14
# The last block may hold this share of the whole.
_NEGLIGIBLE = 1e-18
# Standard deviations about the mean that are added first.
_DEVIATIONS = 12.0
# The outcomes added one by one before the integral: a power of x changes there by 1/4096 from one
# outcome to the next, and the third correction, the last one used, is of the order 4096^−5.
_FIRST = 1 << 12


def outcomes(p: Model) -> tuple[float, float, float]:
    """Return a range of outcomes that holds nearly all probability, and a point in its middle.

    From the moments where the model has them and they are finite, else from quantiles, which take
    longer to compile.
    """
    lower, upper = p.support.lower, p.support.upper
    mean, deviation = _moments(p)
    if not math.isfinite(deviation):
        low, middle, high = np.asarray(p.quantile(np.array([1e-17, 0.5, 1.0 - 2.0**-53])))
        return float(low), float(high), float(middle)
    low = max(lower, float(math.floor(mean - _DEVIATIONS * deviation)))
    high = min(upper, float(math.ceil(mean + _DEVIATIONS * deviation)))
    return low, high, mean


def _moments(p: Model) -> tuple[float, float]:
    """Return mean and standard deviation; NaN where the model has no formula for them."""
    try:
        return p.mean(), math.sqrt(p.variance())
    except ModelError:
        return math.nan, math.nan


def finite_outcomes(model: Model) -> Vector | None:
    """Return all outcomes of a model with at most a block of them, else None."""
    lower, upper = model.support.lower, model.support.upper
    if not math.isfinite(upper) or upper - lower >= _BLOCK:
        return None
    return np.arange(lower, upper + 1.0)


def expectations(p: Model, q: Model | None = None, share: float = 0.0) -> Expectations:
    """Sum under p, discrete; q is p itself if left out.

    Args:
        p: the model that outcomes are drawn from.
        q: the model whose log-density is averaged.
        share: of p in the mixture share·p + (1 − share)·q that takes the place of q.

    Raises:
        ModelError: where p's probability is spread over too many outcomes and is not smooth.
    """
    other = q or p

    def terms_of(log_p: Vector, log_q: Vector) -> Vector:
        if share:
            log_q = np.logaddexp(math.log(share) + log_p, math.log1p(-share) + log_q)
        return integrands(log_p, log_q, np.zeros_like(log_p))

    def terms(x: Vector) -> Vector:
        return terms_of(np.asarray(p.log_density(x)), np.asarray(other.log_density(x)))

    def terms_inside(x: Vector) -> Vector:
        """The same terms at real numbers: the formulas are smooth in the outcome."""
        of_both = (
            np.asarray(blockwise(model, "row_log_density_inside", x, model._constrained()))
            for model in (p, other)
        )
        return terms_of(*of_both)

    every = finite_outcomes(p)
    if every is not None:
        parts = terms(every)
        return collect(parts.sum(axis=1), EPS * np.abs(parts).sum(axis=1), near=True)
    low, high, middle = outcomes(p)
    if high - low < _ONE_BY_ONE:
        added = _added(p, terms, low, high)
        if added is not None:
            return added
    if share and not _holds(other, p.support.lower + _FIRST):
        raise ModelError(f"{p!r} spreads over too many outcomes for this sum.")
    # the mixture bends where the other model's probability lies, however narrow that is
    bends = outcomes(other) if share else ()
    return _integrated(p, terms, terms_inside, (low, high, middle), bends)


def _holds(model: Model, first: float) -> bool:
    """Whether every outcome from the first on is one of the model's."""
    return model.support.lower <= first and math.isinf(model.support.upper)


def _added(p: Model, terms: LogDensity, low: float, high: float) -> Expectations | None:
    """Add outcome by outcome, from the middle outwards until the rest is negligible.

    None where it is not after so many outcomes.
    """
    lower, upper = p.support.lower, p.support.upper
    left, right, done = low, high, 0
    sums = sizes = np.full(7, -0.0)  # −0 + x is x, also where x is −0
    blocks = [np.arange(a, min(a + _BLOCK, high + 1.0)) for a in np.arange(low, high + 1.0, _BLOCK)]
    while blocks:
        edges = []
        for block in blocks:
            parts = terms(block)
            sums = sums + parts.sum(axis=1)
            sizes = sizes + np.abs(parts).sum(axis=1)
            # at its outer end, the last outcome times the length of the block bounds the rest
            for side, edge in ((0, 0), (1, -1)):
                if block[edge] == (left, right)[side]:
                    edges.append((side, np.abs(parts[:, edge]) * block.size))
        needed = required(sums, near=True)
        open_sides = [s for s, rest in edges if (rest > _NEGLIGIBLE * sizes)[needed].any()]
        done += sum(block.size for block in blocks)
        blocks = []
        # a block at most as long as the sum so far, and at least as long as the smallest compiled
        step = min(max(64.0, right - left), float(_BLOCK))
        if 0 in open_sides and left > lower:
            blocks.append(np.arange(max(left - step, lower), left))
            left = float(blocks[-1][0])
        if 1 in open_sides and right < upper:
            blocks.append(np.arange(right + 1.0, min(right + step, upper) + 1.0))
            right = float(blocks[-1][-1])
        if done > _ONE_BY_ONE and blocks:
            return None
    return collect(sums, EPS * sizes, near=True)


def _integrated(
    p: Model,
    terms: LogDensity,
    inside: LogDensity,
    range_: tuple[float, float, float],
    bends: Sequence[float],
) -> Expectations:
    """Add the first outcomes, and integrate over the others."""
    lower, upper = p.support.lower, p.support.upper
    low, high, middle = range_
    if math.isfinite(upper) and high >= upper - 2 * _FIRST:
        raise ModelError(f"{p!r} spreads over too many outcomes to be summed up to its last one.")
    joined = low <= lower + 2 * _FIRST  # whether the probability begins at the first outcome
    if joined:
        start = lower + _FIRST - 0.5
        first = terms(np.arange(lower, lower + _FIRST)).sum(axis=1)
        middle = max(middle, 2.0 * start)
        line = Coordinate(start, math.inf, middle, middle - start)
        limits = (math.log(1e-15 * start / line.unit), line.limits[1])
        edges = np.linspace(-20.0, 4.0, 47)
    else:
        first = np.zeros(7)
        line = Coordinate(-math.inf, math.inf, middle, (high - low) / 16.0)
        limits = ((lower - middle) / line.scale, (upper - middle) / line.scale)
        limits = (math.asinh(limits[0]), math.asinh(min(limits[1], 1e300)))
        edges = np.linspace(max(-4.0, limits[0]), min(4.0, limits[1]), 40)
    at = [line.v(x) for x in bends if line.lower < x < line.upper]
    edges = np.union1d(edges, [v for v in at if edges[0] < v < edges[-1]])

    integrals = integrate(
        lambda v: inside(line.x(v)) * np.exp(line.log_slope(v)),
        edges,
        limits,
        rounding=rounding_errors,
        required=lambda values: required(values, near=True),
    )
    if integrals.reached[1] and math.isinf(upper):
        raise ModelError(
            f"the probabilities of {p!r} fall too slowly for this sum: beyond 1e100 too much is "
            "left. method='monte carlo' gives an average over draws."
        )
    values = integrals.values + first
    if joined:
        values = values + _corrections(inside, start)
    found = collect(values, integrals.errors + 1e-16 * integrals.sizes, near=True)
    if not abs(found.mass - 1.0) <= LOST:
        raise ModelError(
            f"{p!r} spreads over too many outcomes to be summed: its probabilities are not smooth."
        )
    return found


def _corrections(f: LogDensity, start: float) -> Vector:
    """Σ_{x > start} f(x) − ∫_start f: f′/24 − 7 f‴/5760, at start, midway between two outcomes.

    (Midpoint form of the Euler–Maclaurin formula; the derivatives by central differences over 64
    outcomes, which at 4,096 is a step of 1/64 of the scale.)
    """
    h = 64.0
    at = f(start + h * np.array([-3.0, -2.0, -1.0, 1.0, 2.0, 3.0]))
    first = at @ np.array([-1.0, 9.0, -45.0, 45.0, -9.0, 1.0]) / (60.0 * h)
    third = at @ np.array([1.0, -8.0, 13.0, -13.0, 8.0, -1.0]) / (8.0 * h**3)
    out: Vector = first / 24.0 - 7.0 * third / 5760.0
    return out
