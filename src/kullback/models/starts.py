"""What starting values are made of: moments of a sample, kept inside the parameters' supports.

On the host, with NumPy: a sample of a few thousand rows is looked at once a fit.
"""

from __future__ import annotations

import numpy as np

from kullback._core.arrays import Vector

# A constant sample has no spread, and its likelihood no maximum; a start must still be finite, and
# this is the least relative spread (or spread of the logarithms) that starts take a sample to have.
LEAST_SPREAD = 1e-6


def _log_mean_excess(values: Vector, weights: Vector) -> tuple[float, float]:
    """Give the mean, and log(mean) − mean(log), from deviations so that it keeps its digits."""
    mean = float(np.average(values, weights=weights))
    t = (values - mean) / mean
    near = np.abs(t) < 0.5
    logs = np.where(near, np.log1p(np.where(near, t, 0.0)), np.log(values) - np.log(mean))
    return mean, float(np.average(t - logs, weights=weights))


def gamma_start(values: Vector, weights: Vector) -> dict[str, float]:
    """Approximate the gamma's estimate to 1.5 % (T. P. Minka, 2002)."""
    mean, s = _log_mean_excess(values, weights)
    s = max(s, 0.5 * LEAST_SPREAD**2)
    shape = (3.0 - s + np.sqrt((s - 3.0) ** 2 + 24.0 * s)) / (12.0 * s)
    return {"shape": float(shape), "rate": float(shape / mean)}


def root_mean_square(values: Vector, weights: Vector) -> float:
    """Give the weighted root mean square, also where squares would leave the doubles."""
    largest = float(values.max())
    if largest == 0.0:
        return 0.0
    return largest * float(np.sqrt(np.average((values / largest) ** 2, weights=weights)))


def mean_inside(values: Vector, weights: Vector) -> float:
    """The weighted mean; where it is 0, that of half an event in all rows, to start inside."""
    mean = float(np.average(values, weights=weights))
    return mean if mean > 0.0 else 0.5 / float(np.sum(weights) + 1.0)


def share_inside(mean: float, weight: float) -> float:
    """A mean share; where it is 0 or 1, half an event away, to start inside."""
    return mean if 0.0 < mean < 1.0 else abs(mean - 0.5 / (weight + 1.0))
