"""CORP reliability curves with consistency bands.

The curve is the isotonic regression of "the label is this class" on its probability, without
bins to choose. The pointwise band shows where the curve would lie if the forecasts were calibrated:
labels are drawn from the forecasts and the regression is repeated (Dimitriadis, Gneiting & Jordan
2021, section "Uncertainty quantification").
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from kullback._core.arrays import Vector
from kullback.calibration.isotonic import pooled
from kullback.evaluation.loss_report import Curve

Floats: TypeAlias = NDArray[np.float64]

# Points kept of a curve: more cannot be seen in a figure.
POINTS = 200
# The ends of a 95% band from 200 draws are the 5th largest and smallest.
_DRAWS = 200


def reliability_curves(
    probabilities: Floats,
    share: Floats,
    weight: Vector,
    classes: Sequence[Any],
    *,
    level: float,
    seed: int,
) -> tuple[Curve, ...]:
    """The curve of all classes pooled, then the curve of each class.

    Args:
        probabilities: shape (n, K).
        share: each row's proportions of the classes, shape (n, K).
        weight: weights of the rows.
        classes: their names.
        level: of the bands.
        seed: of the draws.
    """
    used = weight > 0.0
    q, p, w = probabilities[used], share[used], weight[used]
    rng = np.random.default_rng(seed)
    every = np.repeat(w, q.shape[1])
    curves = [_curve(None, q.ravel(), p.ravel(), every, level, rng)]
    for k, name in enumerate(classes):
        curves.append(_curve(name, q[:, k], p[:, k], w, level, rng))
    return tuple(curves)


def _curve(
    name: Any,
    forecast: Vector,
    share: Vector,
    weight: Vector,
    level: float,
    rng: np.random.Generator,
) -> Curve:
    """The curve of one class: exact at every distinct forecast, then thinned."""
    from scipy.optimize import isotonic_regression

    x, event, rows = pooled(forecast, share * weight, weight)
    fit = isotonic_regression(event / rows, weights=rows).x
    # Kish's number of rows, for the variance of the drawn labels
    effective = float(weight.sum()) / float(weight @ weight)
    x, fit, rows = _thinned(x, fit, rows)
    # forecasts of one point differ little, so the sum of their labels is binomial
    size = np.rint(rows * effective).astype(np.int64)
    size[size < 1] = 1
    drawn = rng.binomial(size, np.where(x > 1.0, 1.0, x), (_DRAWS, len(x))) / size
    refit = np.array([isotonic_regression(row, weights=rows).x for row in drawn])
    tail = 0.5 * (1.0 - level)
    low, high = np.quantile(refit, [tail, 1.0 - tail], axis=0, method="inverted_cdf")
    return Curve(name, x, fit, low, high, rows)


def _thinned(x: Vector, fit: Vector, rows: Vector) -> tuple[Vector, Vector, Vector]:
    """At most POINTS points: means of runs, half of them of equal weight, half of equal length."""
    if len(x) <= POINTS:
        return x, fit, rows
    half = POINTS // 2
    before = np.cumsum(rows) - 0.5 * rows
    by_weight = (before * (half / float(rows.sum()))).astype(np.int64)
    by_length = ((x - x[0]) * (half / float(x[-1] - x[0]))).astype(np.int64)
    by_length[by_length == half] = half - 1
    change = (np.diff(by_weight) > 0) | (np.diff(by_length) > 0)
    first = np.concatenate([[0], np.flatnonzero(change) + 1])
    total = np.add.reduceat(rows, first)
    return (
        np.add.reduceat(x * rows, first) / total,
        np.add.reduceat(fit * rows, first) / total,
        total,
    )
