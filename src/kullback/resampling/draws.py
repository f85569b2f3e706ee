"""Samples of a fitted distribution: batches of replicates, each in ascending order."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from kullback._core.arrays import Vector
from kullback._core.errors import ModelError
from kullback.models.evaluation import blockwise
from kullback.models.model import Model
from kullback.models.row_functions import NOT_PROVIDED

# Counts are drawn from a table of up to so many values. It is complete where its probabilities add
# up to 1 but for the rounding of each.
_MOST_VALUES, _ROUNDING = 2**14, 2.0**-52

# Quantiles found at once: so few are evaluated in NumPy, whose logarithms and exponentials take a
# third of the time of compiled ones (half a million of a Weibull: 2.6 and 9 ms).
_QUANTILES = 2**16

# Outcomes drawn at once: 32 MiB.
_CELLS = 2**22


def sorted_draws(model: Model, rows: int, count: int, seed: int) -> Iterator[Vector]:
    """Yield samples, shape (rows, replicates), each column in ascending order.

    Sorted uniform numbers are cumulated exponential ones over their sum (L. Devroye, 1986,
    Non-Uniform Random Variate Generation, section V.3), so that a quantile function in closed form,
    and a table of counts, need no sorting. Other models draw, and the draws are sorted.

    Args:
        model: a distribution.
        rows: the number of outcomes of a sample.
        count: the number of samples in all.
        seed: of the draws. They depend on it, on ``rows`` and on the model, and only the last
            batch on ``count``.
    """
    batch = max(_CELLS // rows, 1)
    seeds = np.random.SeedSequence(seed).spawn(-(-count // batch))
    for number, own in enumerate(seeds):
        size = min(batch, count - number * batch)
        yield _sorted(model, rows, size, own)


def _sorted(model: Model, rows: int, size: int, seed: np.random.SeedSequence) -> Vector:
    rng = np.random.Generator(np.random.SFC64(seed))
    sums = rng.standard_exponential((rows + 1, size))
    np.cumsum(sums, axis=0, out=sums)
    uniform = sums[:-1] / sums[-1]
    numbers = model.vector.constrained(np.zeros(0))
    if model.discrete:
        cumulative = _table(model, numbers)
        if cumulative is not None:
            below = np.searchsorted(cumulative, uniform.reshape(-1), side="right")
            counts: Vector = model.support.lower + below.reshape(uniform.shape).astype(np.float64)
            return counts
    step = max(_QUANTILES // size, 1)
    try:
        parts = [
            blockwise(model, "row_quantile", uniform[begin : begin + step], numbers)
            for begin in range(0, rows, step)
        ]
        return np.concatenate(parts)
    except ModelError as error:
        if error.reason != NOT_PROVIDED:
            raise
    draws = model.sample((size, rows), seed=int(rng.integers(2**63)))
    return np.ascontiguousarray(np.sort(draws, axis=1).T)


def _table(model: Model, numbers: Vector) -> Vector | None:
    """Return P(X ≤ k) of the whole numbers k from the least, up to 1; None for too many of them."""
    size = 64
    while size <= _MOST_VALUES:
        values = model.support.lower + np.arange(float(size))
        cumulative = np.cumsum(np.exp(blockwise(model, "row_log_density", values, numbers)))
        if 1.0 - cumulative[-1] < _ROUNDING * size:
            end = int(np.searchsorted(cumulative, cumulative[-1]))  # from here on the rest is 0
            cumulative[end:] = 1.0
            return cumulative[: end + 1]
        size *= 2
    return None
