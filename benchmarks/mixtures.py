"""Mixtures of arrays in memory, in one process with the peer."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from in_memory import Vector, side_by_side
from measure import Measured
from scipy import special, stats

import kullback as kl

# The window of the events, as a detector has one.
LOWER, UPPER = 5.0, 7.0


def normals_against_scikit_learn(rows: int, repeats: int) -> Measured:
    from sklearn.mixture import GaussianMixture

    x = two_normals(rows)

    def fit() -> tuple[float, ...]:
        # the default tolerance, 1e-3, ends long before the maximum
        model = GaussianMixture(2, tol=1e-9, max_iter=10_000, random_state=0).fit(x[:, None])
        (p, q), (a, b) = model.weights_, model.means_.ravel()
        s, t = np.sqrt(model.covariances_.ravel())
        return p, a, s, q, b, t

    def log_likelihood(x: Vector, numbers: tuple[float, ...]) -> float:
        p, a, s, q, b, t = numbers
        return float(np.sum(np.log(p * stats.norm.pdf(x, a, s) + q * stats.norm.pdf(x, b, t))))

    def numbers(params: Any) -> tuple[float, ...]:
        own = [[params[f"components[{k}].{n}"] for n in ("loc", "scale")] for k in (0, 1)]
        return params["weights"][0], *own[0], params["weights"][1], *own[1]

    return side_by_side(
        kl.Mixture(kl.Normal(), components=2), x, repeats, fit, log_likelihood, numbers
    )


def peak_against_iminuit(rows: int, repeats: int) -> Measured:
    from minuit_peak import fit_of_peak

    x = peak(rows)
    fit = fit_of_peak(x, LOWER, UPPER)
    fit()  # numba compiles once

    def log_likelihood(x: Vector, numbers: tuple[float, ...]) -> float:
        fraction, mean, width, slope = numbers
        inside = special.ndtr((UPPER - mean) / width) - special.ndtr((LOWER - mean) / width)
        kept = -math.expm1(-(UPPER - LOWER) / slope)
        signal = fraction * stats.norm.pdf(x, mean, width) / inside
        rest = (1.0 - fraction) * np.exp(-(x - LOWER) / slope) / (slope * kept)
        return float(np.sum(np.log(signal + rest)))

    def numbers(params: Any) -> tuple[float, ...]:
        return (
            params["weights"][0],
            params["components[0].loc"],
            params["components[0].scale"],
            1.0 / params["components[1].rate"],
        )

    parts = [
        kl.Truncated(part, lower=LOWER, upper=UPPER) for part in (kl.Normal(), kl.Exponential())
    ]
    return side_by_side(kl.Mixture(parts), x, repeats, fit, log_likelihood, numbers)


# ---- the data: the same for every program and every run
# -------------------------------------------


def two_normals(rows: int, seed: int = 5) -> Vector:
    rng = np.random.default_rng(seed)
    first = rng.random(rows) < 0.35
    return np.where(first, rng.normal(0.0, 1.0, rows), rng.normal(4.0, 1.5, rows))


def peak(rows: int, seed: int = 6) -> Vector:
    """Events of a peak on an exponential background, in the window."""
    rng = np.random.default_rng(seed)
    signal = rng.random(rows) < 0.2
    kept = -math.expm1(-(UPPER - LOWER) / 2.0)
    rest = LOWER - 2.0 * np.log1p(-kept * rng.random(rows))
    return np.where(signal, rng.normal(6.0, 0.15, rows), rest)
