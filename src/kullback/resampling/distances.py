"""Distances between the empirical distribution function and that of each replicate's model.

With F_i the model's distribution function at the i-th smallest of n outcomes,

    Kolmogorov–Smirnov   D  = max(i/n − F_i, F_i − (i − 1)/n)
    Cramér–von Mises     W² = 1/(12n) + Σ (F_i − (2i − 1)/(2n))²
    Anderson–Darling     A² = −n − Σ (2i − 1)(log F_i + log(1 − F_{n+1−i}))/n

Source: R. B. D'Agostino and M. A. Stephens (1986), Goodness-of-Fit Techniques, section 4.2. A² is
computed from the logarithms of both tails.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Array, Vector
from kullback.groups.lanes import folded
from kullback.models.evaluation import blockwise
from kullback.models.model import Model
from kullback.objective.one_exponential import ExponentialLoss
from kullback.objective.statistics import LossDerivatives
from kullback.resampling.lanes import by_tiles

# Rows in one NumPy call: with a thousand replicates they stay in a core's second cache.
_ROWS = 32

NAMES = ("kolmogorov_smirnov", "cramer_von_mises", "anderson_darling")


def distances(model: Model, theta: Vector, y: Vector, pool: ThreadPoolExecutor | None) -> Vector:
    """Return the three distances of each replicate, shape (3, replicates).

    Args:
        model: the model.
        theta: all constrained numbers of each replicate, shape (k, replicates).
        y: the outcomes of each, ascending, shape (rows, replicates).
        pool: the threads; None for this one.
    """
    n = y.shape[0]
    sums = _of_one_exponential(model, theta, y, pool)
    if sums is None:
        sums = _by_tails(model, theta, y, pool)
    above, below, squares, logs = sums
    return np.stack(
        [np.maximum(above, below), 1.0 / (12.0 * n) + squares, -float(n) - logs / float(n)]
    )


def _by_tails(model: Model, theta: Vector, y: Vector, pool: ThreadPoolExecutor | None) -> Vector:
    """Return both largest distances, and the sums of squares and logarithms, by both tails."""
    n = y.shape[0]
    rank = np.arange(1.0, n + 1.0)[:, None]
    columns = [(y, True), (rank, False), (np.full((n, 1), float(n)), False)]
    columns.append((np.ones((n, 1)), False))
    key = ("distances", model.structure)
    return by_tiles(key, lambda: _program(model), theta, columns, pool, _join)


def _of_one_exponential(
    model: Model, theta: Vector, y: Vector, pool: ThreadPoolExecutor | None
) -> Vector | None:
    """Return the same where the logarithm of one tail is −z, an exponential; else None.

    The other is log(1 − e^−z), and the distribution function one of e^−z and 1 − e^−z.
    """
    form = model.one_exponential
    if form is None or form.exponential_tail is None:
        return None
    loss = ExponentialLoss.of(LossDerivatives(model, model.vector.is_free))
    if loss is None:
        return None
    upper = form.exponential_tail == "upper"
    n, origin = float(y.shape[0]), float(np.mean(y[:, 0]))
    slope, level = loss.rates(theta, np.full(y.shape[1], origin))

    def tile(begin: int) -> Vector:
        part = y[begin : begin + _ROWS]
        rank = np.arange(begin + 1.0, begin + part.shape[0] + 1.0)[:, None]
        at, after = 2.0 * rank - 1.0, 2.0 * (n - rank) + 1.0
        z = form.coordinate(part.reshape(-1), np.full(part.size, origin)).reshape(part.shape)
        with np.errstate(divide="ignore", over="ignore"):  # then the result is not finite
            z *= slope
            z += level
            np.exp(z, out=z)
            np.negative(z, out=z)
            rest = np.expm1(z)
            np.negative(rest, out=rest)  # 1 − e^−z
            cdf = rest if upper else np.exp(z)
            other = np.log(rest)
        logs = at * other + after * z if upper else at * z + after * other
        above, below = (rank / n - cdf).max(axis=0), (cdf - (rank - 1.0) / n).max(axis=0)
        cdf -= at / (2.0 * n)
        cdf *= cdf
        return np.stack([above, below, cdf.sum(axis=0), logs.sum(axis=0)])

    begins = range(0, y.shape[0], _ROWS)
    total, *parts = map(tile, begins) if pool is None else pool.map(tile, begins)
    for part in parts:
        total = _join(total, part)
    return total if np.all(np.isfinite(total)) else None  # z below the least double


def distances_of_one(model: Model, numbers: Vector, y: Vector) -> Vector:
    """Return the three distances of one sample, in NumPy and without the program of many.

    Args:
        model: the model.
        numbers: all its constrained numbers.
        y: the outcomes, ascending, shape (rows,).
    """
    n = y.size
    log_cdf, log_survival = (
        blockwise(model, hook, y, numbers) for hook in ("row_log_cdf", "row_log_survival")
    )
    cdf, rank = np.exp(log_cdf), np.arange(1.0, n + 1.0)
    with np.errstate(invalid="ignore"):  # −inf at an end of the support
        logs = float(np.sum((2.0 * rank - 1.0) * (log_cdf + log_survival[::-1])))
    return np.array(
        [
            max(np.max(rank / n - cdf), np.max(cdf - (rank - 1.0) / n)),
            1.0 / (12.0 * n) + np.sum((cdf - (2.0 * rank - 1.0) / (2.0 * n)) ** 2),
            -n - logs / n,
        ]
    )


def _join(total: Vector, found: Vector) -> Vector:
    return np.concatenate([np.maximum(total[:2], found[:2]), total[2:] + found[2:]])


def _program(model: Model) -> Callable[..., Array]:
    def program(theta: Array, y: Array, rank: Array, size: Array, real: Array) -> Array:
        numbers = [theta[i][None, :] for i in range(theta.shape[0])]
        log_cdf, log_survival = model.row_log_tails(y, model.row_parameters(numbers, {}))
        log_cdf, log_survival = (jnp.broadcast_to(v, y.shape) for v in (log_cdf, log_survival))
        cdf = jnp.exp(log_cdf)
        inside = real > 0.0
        above = jnp.where(inside, rank / size - cdf, -jnp.inf)
        below = jnp.where(inside, cdf - (rank - 1.0) / size, -jnp.inf)
        squares = jnp.where(inside, (cdf - (2.0 * rank - 1.0) / (2.0 * size)) ** 2, 0.0)
        # Σ (2i − 1) log(1 − F_{n+1−i}), by the rank of its outcome
        weighted = (2.0 * rank - 1.0) * log_cdf + (2.0 * (size - rank) + 1.0) * log_survival
        logs = jnp.where(inside, weighted, 0.0)
        barrier: Any = jax.lax.optimization_barrier
        squares, logs = barrier((squares, logs))
        return jnp.stack([above.max(axis=0), below.max(axis=0), folded(squares), folded(logs)])

    return program
