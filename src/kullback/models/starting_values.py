"""Sample moments for starting values, kept inside the parameters' domains.

In NumPy: each fit computes them once, from a few thousand rows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from kullback._core.arrays import Vector

# The likelihood of a constant sample is unbounded, but a start must be finite: the smallest
# relative spread (or spread of the logarithms) that starts assume.
LEAST_SPREAD = 1e-6


def _log_mean_excess(values: Vector, weights: Vector) -> tuple[float, float]:
    """Return the mean, and log(mean) − mean(log) from deviations, which keeps its digits."""
    mean = float(np.average(values, weights=weights))
    t = (values - mean) / mean
    near = np.abs(t) < 0.5
    logs = np.where(near, np.log1p(np.where(near, t, 0.0)), np.log(values) - np.log(mean))
    return mean, float(np.average(t - logs, weights=weights))


def gamma_start(values: Vector, weights: Vector) -> dict[str, float]:
    """Return the maximum-likelihood estimate of a gamma distribution from rows."""
    mean, s = _log_mean_excess(values, weights)
    shape = gamma_shape(max(s, 0.5 * LEAST_SPREAD**2))
    return {"shape": shape, "rate": shape / mean}


def gamma_shape(s: float) -> float:
    """Solve log(a) − ψ(a) = s > 0: the gamma's shape from log(mean) − mean(log).

    Newton's method for log(a), from an approximation to 1.5 % (T. P. Minka, 2002); the error is
    1e-7 after two steps and at rounding after four.
    """
    shape = (3.0 - s + math.sqrt((s - 3.0) ** 2 + 24.0 * s)) / (12.0 * s)
    for _ in range(4):
        value, slope = _log_minus_digamma(shape)
        shape *= math.exp((s - value) / (slope * shape))
    return shape


def _log_minus_digamma(a: float) -> tuple[float, float]:
    """Return log(a) − ψ(a) and its derivative, by recurrence to a ≥ 12 and DLMF 5.11.2."""
    value = slope = 0.0
    x = a
    while x < 12.0:
        value += 1.0 / x
        slope -= 1.0 / (x * x)
        x += 1.0
    value += math.log(a / x)
    slope += 1.0 / a - 1.0 / x
    t = 1.0 / (x * x)
    value += 0.5 / x + t * (1 / 12 - t * (1 / 120 - t * (1 / 252 - t * (1 / 240 - t / 132))))
    tail = t * (1 / 6 - t * (1 / 30 - t * (1 / 42 - t * (1 / 30 - t * 5 / 66))))
    return value, slope - 0.5 * t - tail / x


def root_mean_square(values: Vector, weights: Vector) -> float:
    """Return the weighted root mean square, also where the squares would overflow."""
    largest = float(values.max())
    if largest == 0.0:
        return 0.0
    return largest * float(np.sqrt(np.average((values / largest) ** 2, weights=weights)))


def mean_inside(values: Vector, weights: Vector) -> float:
    """Return the weighted mean; instead of 0, that of half an event in all rows."""
    mean = float(np.average(values, weights=weights))
    return mean if mean > 0.0 else 0.5 / float(np.sum(weights) + 1.0)


def share_inside(mean: float, weight: float) -> float:
    """Return a mean share; instead of 0 or 1, half an event away from it."""
    return mean if 0.0 < mean < 1.0 else abs(mean - 0.5 / (weight + 1.0))


def weighted_quantiles(values: Vector, weights: Vector, levels: Sequence[float]) -> list[float]:
    """Return quantiles of weighted rows: the smallest value whose share reaches the level."""
    # np.quantile(method="inverted_cdf") rounds the shares: 0.1 + ... + 0.1 may then miss 0.75
    keep = weights > 0.0
    order = np.argsort(values[keep])
    ordered, share = values[keep][order], np.cumsum(weights[keep][order])
    at = np.searchsorted(share, np.multiply(levels, share[-1]))
    return [float(q) for q in ordered[at]]


def start_scale(loc: float, *candidates: float) -> float:
    """Return the first positive, finite candidate; for a constant sample, some small scale."""
    for candidate in candidates:
        if 0.0 < candidate < math.inf:
            return candidate
    return LEAST_SPREAD * abs(loc) or 1.0


def mean_and_deviation(values: Vector, weights: Vector) -> tuple[float, float]:
    """Return the mean and the standard deviation, with squares scaled against overflow."""
    mean = float(np.average(values, weights=weights))
    largest = float(np.max(np.abs(values - mean))) or 1.0
    square = float(np.average(((values - mean) / largest) ** 2, weights=weights))
    return mean, largest * math.sqrt(square)


def symmetric_starts(
    values: Vector, weights: Vector, upper_quartile: float, deviation: float
) -> list[dict[str, float]]:
    """Return starts of a symmetric distribution, by quartiles and by moments.

    Args:
        values: the outcomes.
        weights: their weights.
        upper_quartile: of the distribution with loc 0 and scale 1.
        deviation: its standard deviation, or what takes its place.
    """
    low, median, high = weighted_quantiles(values, weights, (0.25, 0.5, 0.75))
    mean, sd = mean_and_deviation(values, weights)
    by_quartiles, by_moments = 0.5 * (high - low) / upper_quartile, sd / deviation
    return [
        {"loc": median, "scale": start_scale(median, by_quartiles, by_moments)},
        {"loc": mean, "scale": start_scale(mean, by_moments)},
    ]


def l_moments(values: Vector, weights: Vector) -> tuple[float, float, float]:
    """Return the first two L-moments and the L-skewness of weighted rows (Hosking, 1990).

    The probability-weighted moments use the middle of each row's weight as its plotting position.
    """
    order = np.argsort(values)
    x, w = values[order], weights[order] / np.sum(weights)
    level = np.cumsum(w) - 0.5 * w
    centre = float(np.sum(w * x))
    # measured from the mean, so that nothing cancels at a large loc
    b1 = float(np.sum(w * level * (x - centre)))
    b2 = float(np.sum(w * level * level * (x - centre)))
    second = 2.0 * b1
    return centre, second, (6.0 * b2 - 6.0 * b1) / second if second > 0.0 else 0.0
