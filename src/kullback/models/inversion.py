"""Quantiles of any distribution function, by a search that ends at one double."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from kullback._core.arrays import Vector
from kullback._core.domains import Interval

# The doubles are searched by rank: 0 is 0.0, 1 the smallest normal double, 2 the next, −1 its
# negative. The search halves a range of ranks, which suits any magnitude of the outcomes and any
# width of the distribution, or interpolates where the log tail is smooth (T. R. Chandrupatla 1997),
# and it ends at the exact double. Subnormal doubles, which JAX takes for zero, have no rank.
_BEFORE_NORMAL = int(np.float64(np.finfo(np.float64).tiny).view(np.int64)) - 1


# Ranks of doubles of both signs are up to 2^64 apart, beyond the range of their type.
_FAR = 2.0**62

# From this step on every step halves the range. (Of 2,000 levels the last one ends after 27 to 32
# steps for gamma and beta, after up to 107 for Student's t near 0, where halving alone takes 65.)
_MOST_SMOOTH = 32

# The first steps away from the start, where an end is unseen: a factor of 2, 2^4, 2^16, 2^64, ...
_OCTAVE, _GROWTH = 2.0**52, 4.0

# Fewer levels are searched one after the other, by Python's numbers, which is faster.
_FEW = 16

# More levels are searched in the cells of a grid, of twice so many points.
_MANY = 512

_Ranks = npt.NDArray[np.int64]
_Tails = Callable[[Vector], Sequence[Vector]]
_Places = npt.NDArray[np.intp]
# Of several distributions: the places of the points say which distribution each is of.
_RowTails = Callable[[Vector, _Places], Sequence[Vector]]


def find_quantiles(u: Vector, log_tails: _Tails, support: Interval) -> Vector:
    """Find the smallest ``x`` in the support with cdf(x) ≥ u, for levels of any shape.

    The smaller of the two tails is compared, in logarithms, so that both ends keep their digits.
    A quantile between 0 and 2.2e-308, the smallest normal double, is given as the latter. The
    tails are evaluated for those levels alone whose search has not ended.

    Args:
        u: probabilities.
        log_tails: log-probabilities of outcomes ≤ x and > x.
        support: where the outcomes lie.

    Returns:
        The quantiles; the support's ends for u = 0 and u = 1.
    """
    out = np.where(u <= 0.0, support.lower, support.upper).reshape(-1)
    searched = np.flatnonzero((u > 0.0) & (u < 1.0))
    levels = u.reshape(-1)[searched]
    with np.errstate(all="ignore"):
        if searched.size > _MANY:
            out[searched] = _search_in_cells(levels, log_tails, support)
        elif searched.size > _FEW:
            out[searched] = _search(levels, _of_one(log_tails), support)
        else:
            out[searched] = [_search_one(u, log_tails, support) for u in levels.tolist()]
    return out.reshape(u.shape)


def find_row_quantiles(u: Vector, log_tails: _RowTails, support: Interval) -> Vector:
    """Find the same of as many distributions as there are levels, one level each.

    Args:
        u: probabilities, shape (n,).
        log_tails: log-probabilities of outcomes ≤ x and > x, of numbers x and their places among
            the levels.
        support: where the outcomes of all of them lie.

    Returns:
        The quantiles; the support's ends for u = 0 and u = 1, and NaN for NaN.
    """
    out = np.where(u <= 0.0, support.lower, np.where(u >= 1.0, support.upper, np.nan))
    searched = np.flatnonzero((u > 0.0) & (u < 1.0))
    with np.errstate(all="ignore"):
        out[searched] = _search(
            u[searched], lambda x, place: log_tails(x, searched[place]), support
        )
    return out


# In both searches the quantile lies between the ranks a and b, c is the rank before, and fa, fb, fc
# are the excesses of the smaller tail there. The left end of the first range is never reached, the
# right one always. Whole numbers are searched as such, so that no step stays inside of one.


def _search_one(u: float, log_tails: _Tails, support: Interval) -> float:
    low = u <= 0.5
    target = math.log(u) if low else math.log1p(-u)
    a, b = _rank(support.lower) - 1, _rank(support.upper)
    c, fa, fb, fc = a, -math.inf, math.inf, -math.inf
    steps = 0
    while True:
        first, last = (a, b) if a < b else (b, a)
        if last - first <= 1:
            break
        if support.whole and _floor(last) - _floor(first) <= 1.0:
            break
        if steps == 0:
            x = _start(support)
        elif math.isinf(fb):
            step = int(min(_OCTAVE * _GROWTH ** min(steps - 1, 8), 0.5 * abs(b - a)))
            x = a + step if b > a else a - step
        else:
            x = a + int(_share_of_one(a, b, c, fa, fb, fc, steps) * (b - a))
        x = min(max(x, first + 1), last - 1)
        if support.whole:
            x = _rank(_floor(x))
            if x <= first:
                x = max(_rank(_floor(first) + 1.0), first + 1)
        tail = float(log_tails(np.asarray(_number(x)))[0 if low else 1])
        fx = tail - target if low else target - tail
        if (fx >= 0.0) == (fa >= 0.0):
            c, fc = a, fa
        else:
            c, fc, b, fb = b, fb, a, fa
        a, fa = x, fx
        steps += 1
    found = a if fa >= 0.0 else b
    return _floor(found) if support.whole else _number(found)


def _share_of_one(a: int, b: int, c: int, fa: float, fb: float, fc: float, steps: int) -> float:
    """Return where from a to b the next point lies: by inverse interpolation where it is safe."""
    if steps >= _MOST_SMOOTH or fa == fb or fc in (fa, fb) or math.isinf(fa) or math.isinf(fc):
        return 0.5
    xi, phi = (a - b) / (c - b), (fa - fb) / (fc - fb)
    if not (phi * phi < xi and (1.0 - phi) ** 2 < 1.0 - xi):
        return 0.5
    along = (c - a) / (b - a)
    inverse = fa / (fb - fa) * fc / (fb - fc) + along * fa / (fc - fa) * fb / (fc - fb)
    return min(max(inverse, 0.0), 1.0) if math.isfinite(inverse) else 0.5


def _search_in_cells(u: Vector, log_tails: _Tails, support: Interval) -> Vector:
    """Search each level in a cell of a grid from the first quantile to the last.

    The grid has points at equal distances, and points at equal distances in rank.
    """
    first, last = (_search_one(float(v), log_tails, support) for v in (np.min(u), np.max(u)))
    if not math.isfinite(last - first):
        return _search(u, _of_one(log_tails), support)
    ranks = np.linspace(_rank(first), _rank(last), _MANY).astype(np.int64)
    ranks = np.concatenate([ranks, _ranks(np.linspace(first, last, _MANY)), [_rank(last)]])
    ranks = np.unique(np.append(np.clip(ranks, _rank(first), _rank(last)), _rank(first) - 1))
    log_cdf, log_survival = log_tails(_numbers(ranks))
    right = np.searchsorted(np.maximum.accumulate(log_cdf - log_survival), np.log(u / (1.0 - u)))
    right = np.clip(right, 1, ranks.size - 1)
    excesses = [_excess(u, log_cdf[k], log_survival[k]) for k in (right - 1, right)]
    inside = (excesses[0] < 0.0) & (excesses[1] >= 0.0)  # the others are there by rounding
    cells = (ranks[right - 1], ranks[right], *excesses)
    out = np.empty(u.shape)
    tails = _of_one(log_tails)
    out[inside] = _search(u[inside], tails, support, [v[inside] for v in cells])
    out[~inside] = _search(u[~inside], tails, support)
    return out


def _of_one(log_tails: _Tails) -> _RowTails:
    return lambda x, _: log_tails(x)


def _excess(u: Vector, log_cdf: Vector, log_survival: Vector) -> Vector:
    """Return by how much the smaller tail exceeds its level, in logarithms."""
    return np.where(u <= 0.5, log_cdf - np.log(u), np.log1p(-u) - log_survival)


def _search(
    u: Vector, log_tails: _RowTails, support: Interval, cells: Sequence[Any] | None = None
) -> Vector:
    """Search all levels at once.

    Args:
        u: the levels.
        log_tails: log-probabilities of outcomes ≤ x and > x, of numbers and their places.
        support: where the outcomes lie.
        cells: for each level the ranks below its quantile and at or above it, and the excesses
            there. In a cell the numbers are interpolated and not their ranks, which are far from
            linear around 0.
    """
    low = u <= 0.5
    target = np.where(low, np.log(u), np.log1p(-u))
    a = np.full(u.shape, _rank(support.lower) - 1)
    b = np.full(u.shape, _rank(support.upper))
    fa, fb = np.full(u.shape, -np.inf), np.full(u.shape, np.inf)
    if cells is not None:
        a, b, fa, fb = cells
    c, fc = a, fa
    found = np.empty(u.shape)
    place = np.arange(u.size)
    steps = 0
    while True:
        first, last = np.minimum(a, b), np.maximum(a, b)
        ended = _gap(last, first) <= 1.0
        if support.whole:
            ended |= np.floor(_numbers(last)) - np.floor(_numbers(first)) <= 1.0
        if ended.any():
            found[place[ended]] = _numbers(np.where(fa >= 0.0, a, b)[ended])
            go_on = ~ended
            place, low = place[go_on], low[go_on]
            a, b, c, first, last = (v[go_on] for v in (a, b, c, first, last))
            fa, fb, fc, target = (v[go_on] for v in (fa, fb, fc, target))
        if not place.size:
            return np.floor(found) if support.whole else found
        width = _gap(b, a)
        if cells is not None and steps < _MOST_SMOOTH:
            at, to, before = _numbers(a), _numbers(b), _numbers(c)
            share = fa / (fa - fb)
            if steps:
                share = _inverse((at - to) / (before - to), (before - at) / (to - at), fa, fb, fc)
            x = _ranks(at + share * (to - at))
        elif steps == 0:
            x = np.full(a.shape, _start(support))
        else:
            outward = np.minimum(_OCTAVE * _GROWTH ** min(steps - 1, 8), 0.5 * np.abs(width))
            inward = np.abs(_share(a, b, c, fa, fb, fc, steps) * width)
            move = np.where(np.isinf(fb), outward, inward)
            move = np.clip(move, 1.0, np.maximum(np.abs(width) - 1.0, 1.0))
            x = a + (np.sign(width) * move).astype(np.int64)
        x = np.clip(x, first + 1, last - 1)
        if support.whole:
            x = _ranks(np.floor(_numbers(x)))
            beyond = np.maximum(_ranks(np.floor(_numbers(first)) + 1.0), first + 1)
            x = np.where(x <= first, beyond, x)
        log_cdf, log_survival = log_tails(_numbers(x), place)
        fx = np.where(low, log_cdf - target, target - log_survival)
        same = (fx >= 0.0) == (fa >= 0.0)
        c, fc = np.where(same, a, b), np.where(same, fa, fb)
        b, fb = np.where(same, b, a), np.where(same, fb, fa)
        a, fa = x, fx
        steps += 1


def _share(
    a: _Ranks, b: _Ranks, c: _Ranks, fa: Vector, fb: Vector, fc: Vector, steps: int
) -> Vector:
    """Return the same of arrays."""
    if steps >= _MOST_SMOOTH:
        return np.full(a.shape, 0.5)
    return _inverse(_gap(a, b) / _gap(c, b), _gap(c, a) / _gap(b, a), fa, fb, fc)


def _inverse(xi: Vector, along: Vector, fa: Vector, fb: Vector, fc: Vector) -> Vector:
    phi = (fa - fb) / (fc - fb)
    smooth = (phi * phi < xi) & ((1.0 - phi) ** 2 < 1.0 - xi)
    inverse = fa / (fb - fa) * fc / (fb - fc) + along * fa / (fc - fa) * fb / (fc - fb)
    return np.where(smooth & np.isfinite(inverse), np.clip(inverse, 0.0, 1.0), 0.5)


def _gap(b: _Ranks, a: _Ranks) -> Vector:
    """Return b − a: exact where they are near, and without overflow where they are far apart."""
    far = b.astype(np.float64) - a.astype(np.float64)
    return np.where(np.abs(far) > _FAR, far, (b - a).astype(np.float64))


# ---- ranks -------------------------------------------------------------------------------------


def _start(support: Interval) -> int:
    """Return the rank of a number well inside the support."""
    return _rank(support.interior or 1.0)


def _rank(x: float) -> int:
    """Count the normal doubles from zero to x, negative for x < 0."""
    (bits,) = struct.unpack("<q", struct.pack("<d", abs(x)))
    rank = max(bits - _BEFORE_NORMAL, 0)
    return int(rank if x >= 0.0 else -rank)


def _number(rank: int) -> float:
    """Return the double of a rank."""
    if rank == 0:
        return 0.0
    (x,) = struct.unpack("<d", struct.pack("<q", abs(rank) + _BEFORE_NORMAL))
    return float(x) if rank > 0 else -float(x)


def _floor(rank: int) -> float:
    """Return the double of a rank, rounded down."""
    x = _number(rank)
    return float(math.floor(x)) if math.isfinite(x) else x


def _ranks(x: Vector) -> _Ranks:
    rank = np.maximum(np.abs(x).view(np.int64) - _BEFORE_NORMAL, 0)
    return np.where(x >= 0.0, rank, -rank)


def _numbers(rank: _Ranks) -> Vector:
    bits = np.where(rank == 0, 0, np.abs(rank) + _BEFORE_NORMAL)
    return np.copysign(bits.view(np.float64), rank)
