"""Draws of gamma numbers and counts at any parameters, from NumPy's random generator.

Its own methods give 0 for most gamma numbers of a small shape, and lose the last digits of large
counts or refuse them.
"""

from __future__ import annotations

import math

import numpy as np

from kullback._core.arrays import Vector

# Up to these NumPy's counts have an error of 1e-7 in the logarithms that decide on a proposal.
_LARGE_RATE = 1e6
_MANY_TRIALS = 2.0**30


def draw_gamma(
    generator: np.random.Generator, size: tuple[int, ...], shape: float | Vector
) -> tuple[Vector, Vector]:
    """Draw standard gamma numbers g·eʰ, as g and h: of a small shape, most are below the doubles.

    Below shape 1 a draw is one of shape + 1, times u^(1/shape) with u uniform (G. Marsaglia and
    W. W. Tsang, 2000, "A simple method for generating gamma variables", section 6).
    """
    shape = np.asarray(shape, np.float64)
    small = shape < 1.0
    g = generator.standard_gamma(np.where(small, shape + 1.0, shape), size)
    if not small.any():
        return g, np.zeros(())
    return g, np.where(small, -generator.standard_exponential(size) / shape, 0.0)


def draw_poisson(
    generator: np.random.Generator, size: tuple[int, ...], rate: float | Vector
) -> Vector:
    """Draw Poisson counts; an infinite rate gives an infinite count."""
    rate = np.asarray(rate, np.float64)
    large = rate > _LARGE_RATE
    if not large.any():
        return generator.poisson(rate, size).astype(np.float64)
    large = np.broadcast_to(large, size)
    out = generator.poisson(np.where(large, 0.0, rate), size).astype(np.float64)
    out[large] = _draw_large(generator, np.broadcast_to(rate, size)[large])
    return out


def _draw_large(generator: np.random.Generator, rate: Vector) -> Vector:
    """Draw Poisson counts of large rates by transformed rejection.

    W. Hörmann (1993), "The transformed rejection method for generating Poisson random variables",
    algorithm PTRS; the probability is that of Stirling's series (C. Loader, 2000).
    """
    count = rate.copy()
    left = np.flatnonzero(np.isfinite(rate))
    while left.size:
        mean = rate[left]
        b = 0.931 + 2.53 * np.sqrt(mean)
        a = -0.059 + 0.02483 * b
        inverse_alpha = 1.1239 + 1.1328 / (b - 3.4)
        u = generator.random(left.size) - 0.5
        edge = 0.5 - np.abs(u)
        k = np.floor((2.0 * a / edge + b) * u + mean + 0.43)
        height = generator.random(left.size) * inverse_alpha / (a / (edge * edge) + b)
        off = (k - mean) / mean
        near = np.abs(off) < 0.03  # 30 standard deviations or more
        k, t = np.where(near, k, mean), np.where(near, off, 0.0)
        # (1 + t) log(1 + t) − t = t² (1/2 − t/6 + t²/12 − ...), without cancellation
        series = np.zeros(left.size)
        for n in range(11, 1, -1):
            series = 1.0 / (n * (n - 1)) - t * series
        log_probability = (
            -mean * t * t * series - 0.5 * (np.log(k) + math.log(2.0 * math.pi)) - 1.0 / (12.0 * k)
        )
        taken = near & (np.log(height) <= log_probability)
        count[left[taken]] = k[taken]
        left = left[~taken]
    return count


def draw_binomial(
    generator: np.random.Generator,
    size: tuple[int, ...],
    trials: float | Vector,
    probability: float | Vector,
) -> Vector:
    """Draw binomial counts.

    Of very many trials, one half is decided at a time by the median of their uniform numbers, which
    has a beta distribution (J. H. Ahrens and U. Dieter, 1974, "Computer methods for sampling from
    gamma, beta, Poisson and binomial distributions").
    """
    n, p = (np.array(np.broadcast_to(v, size), np.float64) for v in (trials, probability))
    count = np.zeros(size)
    while (many := n > _MANY_TRIALS).any():
        total, share = n[many], p[many]
        place = np.floor(0.5 * (total + 1.0))
        middle = generator.beta(place, total + 1.0 - place)
        below = middle <= share
        count[many] += np.where(below, place, 0.0)
        n[many] = np.where(below, total - place, place - 1.0)
        p[many] = np.where(below, (share - middle) / (1.0 - middle), share / middle)
    return count + generator.binomial(n.astype(np.int64), p)
