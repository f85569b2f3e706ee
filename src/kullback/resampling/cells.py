"""The chi-square statistic: Σ (O − E)²/E over cells of outcomes.

K. Pearson (1900). The expected counts E are those of each replicate's own estimate.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Final

import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from kullback._core.arrays import Array, Vector
from kullback.models.evaluation import blockwise
from kullback.models.model import Model
from kullback.resampling.lanes import ROWS, by_tiles

# Values of a count are joined, from the least upwards, until a cell expects so many rows; the last
# cell takes the remainder. (W. G. Cochran, 1954, "Some methods for strengthening the common χ²
# tests".)
LEAST_EXPECTED: Final = 5.0

# A table of more values is tested in cells that the user gives.
MOST_VALUES: Final = 20_000


def by_rule(
    model: Model, theta: Vector, counts: Vector, pool: ThreadPoolExecutor | None
) -> tuple[Vector, Vector]:
    """Return χ² and the number of cells of each replicate, by the rule of expected counts.

    Args:
        model: a model of counts.
        theta: all constrained numbers of each replicate, shape (k, replicates).
        counts: how often each value was observed, from the least possible one upwards, shape
            (values, replicates).
        pool: the threads; None for this one.
    """
    n = counts.sum(axis=0)
    values = model.support.lower + np.arange(float(len(counts)))
    expected = n * _probabilities(model, theta, values, pool)
    size = n.size
    o, e = np.zeros(size), np.zeros(size)  # the cell that is being filled
    last_o, last_e = np.zeros(size), np.ones(size)  # the last full one
    statistic, cells = np.zeros(size), np.zeros(size)

    def close(full: NDArray[np.bool_]) -> None:
        nonlocal o, e, last_o, last_e, statistic, cells
        term = (last_o - last_e) ** 2 / last_e
        statistic = np.where(full & (cells > 0.0), statistic + term, statistic)
        last_o, last_e = np.where(full, o, last_o), np.where(full, e, last_e)
        o, e = np.where(full, 0.0, o), np.where(full, 0.0, e)
        cells = cells + full

    for own_o, own_e in zip(counts, expected, strict=True):
        o, e = o + own_o, e + own_e
        close(e >= LEAST_EXPECTED)
    e = e + np.maximum(n - expected.sum(axis=0), 0.0)  # of values beyond those observed
    close((e >= LEAST_EXPECTED) | (cells == 0.0))
    return statistic + (last_o + o - last_e - e) ** 2 / (last_e + e), cells


def _probabilities(
    model: Model, theta: Vector, values: Vector, pool: ThreadPoolExecutor | None
) -> Vector:
    """Return the probability of each value in each replicate, shape (values, replicates)."""

    def program(numbers: Array, at: Array, real: Array) -> Array:  # noqa: ARG001
        scalars = [numbers[i][None, :] for i in range(numbers.shape[0])]
        value = model.row_log_density(at, model.row_parameters(scalars, {}))
        return jnp.broadcast_to(jnp.exp(value), (at.shape[0], numbers.shape[1]))

    parts = []
    for begin in range(0, values.size, ROWS):
        at = values[begin : begin + ROWS, None]
        columns = [(at, False), (np.ones(at.shape), False)]
        key = ("probabilities", model.structure)
        parts.append(by_tiles(key, lambda: program, theta, columns, pool)[: at.size])
    return np.concatenate(parts)


def in_cells(model: Model, theta: Vector, ends: Vector, counts: Vector) -> Vector:
    """Return χ² of each replicate in given cells.

    Args:
        model: the model.
        theta: all constrained numbers of each replicate, shape (k, replicates).
        ends: the upper ends of all cells but the last, which has none: x ≤ end.
        counts: of each cell, shape (cells, replicates).
    """
    cdf, last = np.empty((ends.size, theta.shape[1])), np.empty((1, theta.shape[1]))
    for i, numbers in enumerate(theta.T):
        cdf[:, i] = np.exp(blockwise(model, "row_log_cdf", ends, numbers))
        last[:, i] = np.exp(blockwise(model, "row_log_survival", ends[-1:], numbers))
    first, rest = cdf[:1], np.diff(cdf, axis=0)
    expected = counts.sum(axis=0) * np.concatenate([first, rest, last])
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = (counts - expected) ** 2 / expected
    # a cell that can hold nothing and holds nothing
    out: Vector = np.where((counts == 0.0) & (expected == 0.0), 0.0, terms).sum(axis=0)
    return out


def counted(y: Vector, ends: Vector) -> Vector:
    """Return how many outcomes of each column, ascending, are in each cell."""
    below = np.stack([np.searchsorted(column, ends, side="right") for column in y.T], axis=1)
    edges = np.concatenate([np.zeros((1, y.shape[1])), below, np.full((1, y.shape[1]), len(y))])
    return np.diff(edges, axis=0)
