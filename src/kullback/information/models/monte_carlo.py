"""Expectations under any model that can be drawn from and has a log-density: by simulation.

The draws depend on the model, the seed and their number alone. An entropy, a cross-entropy and a
relative entropy from the same seed are therefore averages over the same draws (common random
numbers), and H(p, q) = H(p) + D(p‖q) holds for them to rounding.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import final

import numpy as np

from kullback._core.arrays import Vector
from kullback._core.errors import ModelError
from kullback.models.model import Model


@final
@dataclass(frozen=True)
class Simulated:
    """A mean over draws.

    Attributes:
        value: in nats.
        stderr: its standard error.
        draws: how many.
    """

    value: float
    stderr: float
    draws: int

    def interval(self, level: float) -> tuple[float, float]:
        """Give the normal interval at a level."""
        reach = NormalDist().inv_cdf(0.5 + 0.5 * level) * self.stderr
        return self.value - reach, self.value + reach


def draw(p: Model, draws: int, seed: int) -> Vector:
    """Draw outcomes of p: equal arguments give equal draws."""
    return np.asarray(p.sample(draws, seed=seed))


def log_density(model: Model, x: Vector) -> Vector:
    """Log-density of each draw.

    Raises:
        ModelError: where it is NaN.
    """
    value = np.asarray(model.log_density(x), dtype=np.float64)
    if np.any(np.isnan(value)):
        raise ModelError(f"the log-density of {model!r} is NaN at {x[np.isnan(value)][0]!r}.")
    return value


def mean(values: Vector) -> Simulated:
    """Average over draws, with the standard error; +∞ where one of them is."""
    n = values.shape[0]
    if np.any(values == np.inf):
        return Simulated(math.inf, 0.0, n)
    deviation = float(np.std(values, ddof=1))
    return Simulated(float(np.mean(values)), deviation / math.sqrt(n), n)


def entropy(p: Model, draws: int, seed: int) -> Simulated:
    """H(p) = E_p[−log p]."""
    return mean(-log_density(p, draw(p, draws, seed)))


def cross_entropy(p: Model, q: Model, draws: int, seed: int) -> Simulated:
    """H(p, q) = E_p[−log q]."""
    return mean(-log_density(q, draw(p, draws, seed)))


def kl_divergence(p: Model, q: Model, draws: int, seed: int) -> Simulated:
    """D(p‖q) = E_p[log p − log q]."""
    x = draw(p, draws, seed)
    return mean(log_density(p, x) - log_density(q, x))


def jensen_shannon(
    p: Model, q: Model, weights: tuple[float, float], draws: int, seed: int
) -> Simulated:
    """Σ weight · D(· ‖ mixture): half of the draws from p, half from q."""
    parts = []
    for own, other, share in ((p, q, weights[0]), (q, p, weights[1])):
        x = draw(own, draws, seed)
        gap = log_density(other, x) - log_density(own, x)
        parts.append(mean(-np.logaddexp(math.log(share), math.log1p(-share) + gap)))
    value = weights[0] * parts[0].value + weights[1] * parts[1].value
    # the same seed gives the two sets of draws in common: their errors may add up
    stderr = weights[0] * parts[0].stderr + weights[1] * parts[1].stderr
    return Simulated(value, stderr, 2 * draws)
