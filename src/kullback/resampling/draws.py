"""Samples of a fitted distribution: batches of replicates, each in ascending order."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from kullback._core.arrays import Vector
from kullback._core.errors import ModelError
from kullback.models.evaluation import blockwise
from kullback.models.model import Model
from kullback.models.row_functions import NOT_PROVIDED

# Outcomes drawn at once: 32 MiB.
_CELLS = 2**22


def sorted_draws(model: Model, rows: int, count: int, seed: int) -> Iterator[Vector]:
    """Yield samples, shape (rows, replicates), each column in ascending order.

    Sorted uniform numbers are cumulated exponential ones over their sum (L. Devroye, 1986,
    Non-Uniform Random Variate Generation, section V.3), so that a quantile function in closed form
    needs no sorting. Other models draw, and the draws are sorted.

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
    try:
        numbers = model.vector.constrained(np.zeros(0))
        return blockwise(model, "row_quantile", uniform, numbers)
    except ModelError as error:
        if error.reason != NOT_PROVIDED:
            raise
    draws = model.sample((size, rows), seed=int(rng.integers(2**63)))
    return np.ascontiguousarray(np.sort(draws, axis=1).T)
