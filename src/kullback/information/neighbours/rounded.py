"""Estimates from rounded numbers: of the density before rounding, over spreads of the values.

Rounding leaves a value's cell known, and its place in the cell not. Values drawn uniformly inside
their cells have a density, whose entropy is that of the rounded values plus the logarithm of the
cell's width. Nearest neighbours estimate it also where cells hold few rows, where the entropy of
the rounded values is biased: for 300 rows of a normal distribution rounded to a fiftieth of its
standard deviation that sum is 0.05 nats too low, and for a log-normal one 0.2. With full cells the
two agree.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from kullback._core.arrays import Vector
from kullback.information.neighbours.cells import Cells, cells_of
from kullback.information.neighbours.divergence import nearest_neighbour_kl
from kullback.information.neighbours.entropy import (
    NeighbourEstimate,
    nearest_neighbour_entropy,
    negative_value,
)

# Means over so many spreads, and fewer where there are more rows than that together.
_SPREADS, _ROWS, _FEWEST = 20, 400_000, 4
# At least this share of the variance of one spread is kept.
_LEAST_LEFT = 0.5
# The error of the correction for the shape inside the cells, as a share of it: exact cell masses of
# normal, exponential, log-normal and gamma distributions of 8 cells or more leave a fifth at most,
# of log-normal ones of 9 cells a half.
_OF_CORRECTION = 0.3


def entropy_of_rounded(
    x: npt.ArrayLike, *, k: int | None = None, name: str = "x"
) -> NeighbourEstimate | None:
    """Differential entropy before rounding, of a column of which some values repeat.

    The mean of the nearest-neighbour estimates of the values spread over their cells, less
    h² J/24 for cells of width h, where the shape inside a cell matters: J is the Fisher
    information of location, from the square roots of the cells' shares. Values that were rounded
    to several steps, as tens and hundreds among whole numbers, are spread over the wider cells as
    far as there are more of them than of values beside them.

    Args:
        x: the values, of shape (n,).
        k: neighbours, as for `nearest_neighbour_entropy`.
        name: of the values in messages.

    Returns:
        The estimate, or None where too few values repeat for rounding to matter.

    Raises:
        NoDensityError: where the values are too coarse, or repeat for another reason.

    >>> x = np.random.default_rng(1).normal(size=1000).round(1)
    >>> estimate = entropy_of_rounded(x)  # the truth is log(2πe)/2 = 1.4189
    >>> round(estimate.value, 3), round(estimate.stderr, 3)
    (1.413, 0.028)
    """
    cells = cells_of(x, name)
    if cells is None:
        return None
    found = _averaged((cells,), lambda y: nearest_neighbour_entropy(y, k=k, name=name))
    if not cells.correction:
        return found
    note = f"the shape inside the cells takes {cells.correction:.2g} nats off the entropy"
    return replace(
        found, value=found.value - cells.correction, assumptions=(*found.assumptions, note)
    )


def divergence_of_rounded(
    cells: Cells, estimate: Callable[[Vector], NeighbourEstimate]
) -> NeighbourEstimate:
    """Relative entropy to a model of the density before rounding, over spreads of its values.

    Args:
        cells: of the values.
        estimate: of values spread over their cells.
    """
    found = _averaged((cells,), estimate)
    # flattened cells raise mean −log q by twice what they raise the entropy by
    return _not_negative(replace(found, value=found.value - cells.correction))


def kl_of_rounded(
    p: npt.ArrayLike, q: npt.ArrayLike, *, k: int | None, names: tuple[str, str]
) -> NeighbourEstimate | None:
    """Relative entropy of two columns of which one is rounded; None where neither is.

    Both are spread over their cells; with equal steps the estimate is of the rounded
    distributions, whose relative entropy is at most that of the densities.

    Raises:
        NoDensityError: as `entropy_of_rounded`.
    """
    cells = [cells_of(side, name) for side, name in zip((p, q), names, strict=True)]
    if cells == [None, None]:
        return None
    plain = [
        one or Cells(rows, rows, rows, 0.0, ())
        for one, rows in zip(cells, (np.ravel(p), np.ravel(q)), strict=True)
    ]
    found = _averaged(tuple(plain), lambda x, y: nearest_neighbour_kl(x, y, k=k, names=names))
    return _not_negative(found)


def _not_negative(found: NeighbourEstimate) -> NeighbourEstimate:
    notes = negative_value(found.value, found.stderr, "a relative entropy")
    return replace(found, assumptions=(*found.assumptions, *notes))


def _averaged(
    cells: tuple[Cells, ...], estimate: Callable[..., NeighbourEstimate]
) -> NeighbourEstimate:
    """The mean of an estimate over spreads of one or two columns over their cells."""
    times = max(_FEWEST, min(_SPREADS, _ROWS // max(own.values.size for own in cells)))
    random, found = np.random.default_rng(0), []
    for _ in range(times):
        found.append(
            estimate(
                *(own.low + (own.high - own.low) * random.random(own.low.size) for own in cells)
            )
        )
        if not math.isfinite(found[-1].value):
            return found[-1]
    values = np.array([one.value for one in found])
    variance = float(np.mean([one.stderr**2 for one in found]))
    # one spread's variance is that of the mean and what differs between spreads
    between = float(values.var(ddof=1)) * (1.0 - 1.0 / times)
    left = max(1.0 - between / variance, _LEAST_LEFT) if variance > 0.0 else 1.0
    correction = sum(own.correction for own in cells)
    notes = [note for note in found[0].assumptions if not note.startswith("the value is ")]
    return NeighbourEstimate(
        float(values.mean()),
        math.hypot(math.sqrt(left * variance), _OF_CORRECTION * correction),
        f"{found[0].method}, mean over {times} spreads of rounded values",
        (*notes, *(note for own in cells for note in own.notes)),
        found[0].entropy_stderr * math.sqrt(left),
    )
