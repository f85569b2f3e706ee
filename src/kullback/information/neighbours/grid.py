"""Rounded columns: the step of their grid, and mutual information of values spread over it."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from kullback._core.arrays import Vector
from kullback.information.neighbours.entropy import (
    NORMAL_975,
    NeighbourEstimate,
    negative_value,
)

# A column is rounded where more than this share of its rows, the two most frequent values apart (a
# limit of detection, zeros), repeat an earlier one: fewer ties hardly move nearest neighbours.
_REPEATED = 0.02
# Multiples of a decimal step are off by some units in the last place of the largest value.
_ROUNDING = 2.0**-46
# Means over so many spreads, fewer where there are more rows than that together.
_SPREADS, _ROWS = 10, 200_000
# The variance of one spread is the mean's plus that between spreads. Most of the latter is taken
# off, and a tenth of the variance at least is kept. Coverage of 95% intervals in 400 samples of 300
# whole numbers of standard deviation 2 and correlation 0.3, in 400 of 1,000 rows, and in 200 of
# 10,000, with 75% taken off: 95.2, 97.2, 97.5%; with 85%: 93.0, 95.8, 96.5%; with all: 88.2, 92.8,
# 93.0%. With 75% and a quarter kept, as before, it was 97.0, 99.5, 99.5%.
_TAKEN_OFF, _LEAST_VARIANCE = 0.85, 0.1
# Under a dependence above this share of a rounded side's entropy, or above so many nats in fewer
# rows than that, intervals covered the truth in 90 to 92% of 400 samples.
_STRONG, _STRONG_NATS, _FEW_ROWS = 0.27, 0.6, 500


def grid_step(values: Vector) -> float | None:
    """Return the step of which all differences of values are multiples, of a column with repeats.

    None for a column whose values hardly repeat, are all equal, or lie on no grid.

    >>> grid_step(np.array([0.1, 0.3, 0.3, 0.3, 0.6, 0.6, 0.6, 0.9, 0.9, 0.9])).__round__(12)
    0.1
    """
    distinct, sizes = np.unique(values, return_counts=True)
    sizes = np.sort(sizes)[:-2]
    if not sizes.size or int(sizes.sum()) - sizes.size <= _REPEATED * int(sizes.sum()):
        return None
    rest = np.diff(distinct)
    rounding = _ROUNDING * float(np.abs(distinct).max())
    step = _least(rest, rounding)
    while step > 1000.0 * rounding:
        rest = np.abs(rest - np.round(rest / step) * step)
        rest = rest[rest > rounding]
        if not rest.size:
            return _refined(distinct, step)
        step = _least(rest, rounding)
    return None


def _least(differences: Vector, rounding: float) -> float:
    """The least difference, with more digits from larger ones while these are multiples of it."""
    least = float(differences.min())
    step = float(differences[differences <= least + rounding].mean())
    for reach in (10.0, 1e2, 1e3, 1e4, 1e5, 1e6):
        near = differences[differences < reach * step]
        times = np.round(near / step)
        if np.abs(near - times * step).max() > 0.01 * step:
            break
        step = float(near.sum() / times.sum())
    return step


def _refined(distinct: Vector, step: float) -> float:
    """The step from the whole range, with more digits than from one difference."""
    span = float(distinct[-1] - distinct[0])
    return span / round(span / step)


def grid_steps(values: Vector) -> Vector:
    """Return the step of every column's grid, 0 for a column that lies on none."""
    columns = values.reshape(len(values), -1).T
    return np.array([grid_step(column) or 0.0 for column in columns])


def averaged_over_cells(
    estimate: Callable[[Vector, Vector], NeighbourEstimate],
    columns: tuple[Vector, Vector],
    steps: tuple[Vector, Vector],
    names: tuple[str, str],
) -> NeighbourEstimate:
    """Average an estimate of mutual information over rounded values, spread over their cells.

    Uniform noise of one step keeps every value in its cell: the value is a function of the noisy
    one, so that the mutual information stays what it was, and there is a density. The variance is
    that of one spread, less most of what averaging takes off.

    Args:
        estimate: from nearest neighbours, of two columns.
        columns: the two columns, or groups of columns.
        steps: as `grid_steps` gives them.
        names: the names of the columns in messages.
    """
    rows = len(columns[0])
    times = max(1, min(_SPREADS, _ROWS // rows))
    random = np.random.default_rng(0)
    found = []
    for _ in range(times):
        noisy = [
            column + (random.random((rows, step.size)) - 0.5).reshape(column.shape) * step
            for column, step in zip(columns, steps, strict=True)
        ]
        found.append(estimate(noisy[0], noisy[1]))
    value = float(np.mean([one.value for one in found]))
    variance = float(np.mean([one.stderr**2 for one in found]))
    if times > 1:
        between = float(np.var([one.value for one in found], ddof=1)) * (1.0 - 1.0 / times)
        variance = max(variance - _TAKEN_OFF * between, _LEAST_VARIANCE * variance)
    stderr = math.sqrt(variance)
    # a note on the value is of one spread
    notes = [note for note in found[0].assumptions if not note.startswith("the value is ")]
    for step, name in zip(steps, names, strict=True):
        if step.any():
            sizes = ", ".join(f"{one:.6g}" for one in step[step > 0.0])
            notes.append(
                f"{name} is rounded to multiples of {sizes}: its values are spread over their cells"
            )
    if value < -stderr * NORMAL_975:
        stderr = -value / NORMAL_975 * (1.0 + 1e-12)
        notes.append(
            "the value is below zero by more than the spread of such estimates: the error was "
            "raised so that the interval reaches zero, as mutual information never is below it"
        )
    else:
        notes += negative_value(value, stderr, "mutual information")
    if value < stderr * NORMAL_975:
        notes.append(
            "near independence the interval covers the truth in 97 to 100% of samples: it is wider "
            "than it says"
        )
    elif (value > _STRONG_NATS and rows < _FEW_ROWS) or value > _STRONG * _least_entropy(
        columns, steps
    ):
        notes.append(
            "with values so coarse or so few, and dependence so strong, the interval covers the "
            "truth in about 90% of samples, less often than it says"
        )
    method = f"{found[0].method}, mean over {times} spreads of rounded values"
    return NeighbourEstimate(value, stderr, method, tuple(notes))


def _least_entropy(columns: tuple[Vector, Vector], steps: tuple[Vector, Vector]) -> float:
    """The least entropy, from its shares, of a side of which every column is rounded."""
    found = [math.inf]
    for column, step in zip(columns, steps, strict=True):
        if step.all():
            shares = np.unique(column, axis=0, return_counts=True)[1] / len(column)
            found.append(-float(shares @ np.log(shares)))
    return min(found)
