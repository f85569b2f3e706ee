"""Expectations by simulation, under any model that can be sampled and has a log-density.

The draws depend on the model, the seed and their number alone. An entropy, a cross-entropy and a
relative entropy from the same seed are therefore averages over the same draws (common random
numbers), and H(p, q) = H(p) + D(p‖q) holds for them to rounding.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from kullback._core.arrays import Vector
from kullback._core.errors import ModelError
from kullback.models.model import Model


class Simulated(NamedTuple):
    """A mean over draws, in nats, with its standard error and the number of draws."""

    value: float
    stderr: float
    draws: int


def cross_entropy(p: Model, q: Model, draws: int, seed: int) -> Simulated:
    """H(p, q) = E_p[−log q], and H(p) where q is p."""
    return _mean(-_log_density(q, np.asarray(p.sample(draws, seed=seed))))


def kl_divergence(p: Model, q: Model, draws: int, seed: int) -> Simulated:
    """D(p‖q) = E_p[log p − log q]."""
    x = np.asarray(p.sample(draws, seed=seed))
    return _mean(_log_density(p, x) - _log_density(q, x))


def jensen_shannon(
    p: Model, q: Model, weights: tuple[float, float], draws: int, seed: int
) -> Simulated:
    """Σ weight · D(· ‖ mixture): half of the draws from p, half from q."""
    parts = []
    for own, other, share in ((p, q, weights[0]), (q, p, weights[1])):
        x = np.asarray(own.sample(draws, seed=seed))
        gap = _log_density(other, x) - _log_density(own, x)
        parts.append(_mean(-np.logaddexp(math.log(share), math.log1p(-share) + gap)))
    value = weights[0] * parts[0].value + weights[1] * parts[1].value
    # equal seeds make the two sets of draws dependent: their errors may add up
    stderr = weights[0] * parts[0].stderr + weights[1] * parts[1].stderr
    return Simulated(value, stderr, 2 * draws)


def _log_density(model: Model, x: Vector) -> Vector:
    value = np.asarray(model.log_density(x), dtype=np.float64)
    if np.any(np.isnan(value)):
        raise ModelError(f"the log-density of {model!r} is NaN at {x[np.isnan(value)][0]!r}.")
    return value


def _mean(values: Vector) -> Simulated:
    """Average over draws, with the standard error; +∞ where one of them is."""
    n = values.shape[0]
    if np.any(values == np.inf):
        return Simulated(math.inf, 0.0, n)
    deviation = float(np.std(values, ddof=1))
    return Simulated(float(np.mean(values)), deviation / math.sqrt(n), n)
