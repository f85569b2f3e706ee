"""Isotonic recalibration of several classes: one against the rest, then renormalised.

Each class's probability is replaced by a non-decreasing function of itself, fitted by pooling
adjacent violators (Zadrozny & Elkan 2002). Plain pooling gives probability 0 below the lowest
forecast with an event, and a label may then cost +inf. Here half a row with an event is added below
all forecasts, and half a row without one above them, before pooling: the end blocks then have the
value (events + ½)/(rows + ½) or its mirror image, the half rows of Krichevsky & Trofimov (1981) at
one end each. Every fitted value lies strictly between 0 and 1, the fit stays monotone, and nothing
is clipped.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from kullback._core.arrays import Vector
from kullback._core.errors import DataError
from kullback.calibration.inputs import check_inputs, log_softmax

Floats: TypeAlias = NDArray[np.float64]

# The weight of each added row, in units of an average row (Krichevsky & Trofimov 1981).
_HALF = 0.5


@final
@dataclass(frozen=True, eq=False)
class IsotonicCalibration:
    """A non-decreasing map of each class's probability, then renormalised.

    Attributes:
        forecasts: for each class, the distinct forecast probabilities, ascending.
        fitted: for each class, the recalibrated values at these, strictly between 0 and 1; the map
            is linear between forecasts and constant beyond them.
        notes: warnings, a sentence each.
    """

    forecasts: tuple[Vector, ...]
    fitted: tuple[Vector, ...]
    notes: tuple[str, ...] = ()

    def apply(self, log_probabilities: Floats) -> Floats:
        """Recalibrate logits or log-probabilities, shape (rows, classes); results are finite."""
        given = np.exp(log_softmax(np.asarray(log_probabilities, np.float64)))
        mapped = np.empty_like(given)
        for k, (x, y) in enumerate(zip(self.forecasts, self.fitted, strict=True)):
            mapped[:, k] = np.interp(given[:, k], x, y)
        return np.asarray(np.log(mapped / mapped.sum(axis=1, keepdims=True)))


def fit_isotonic(logits: Any, targets: Any, weight: Any = None) -> IsotonicCalibration:
    """Fit an isotonic map for each class.

    Args:
        logits: logits or log-probabilities, shape (n, K); −inf for probability 0.
        targets: classes as codes 0 … K − 1, shape (n,), or probabilities, shape (n, K).
        weight: weights of the rows, shape (n,).

    Raises:
        DataError: shapes that do not match, NaN or +inf among the numbers, or no positive weight.
    """
    given, share = check_inputs(logits, targets, weight)
    row_weight = share.sum(axis=1)
    total = float(row_weight.sum())
    if not total > 0.0:
        raise DataError("all weights are zero; at least one must be positive")
    used = row_weight > 0.0
    given, share, row_weight = given[used], share[used], row_weight[used]
    probabilities = np.exp(log_softmax(given))
    half = (
        _HALF * float(row_weight @ row_weight) / total
    )  # an average row: Σw over Kish's number of rows
    maps = [
        _monotone(probabilities[:, k], share[:, k], row_weight, half)
        for k in range(probabilities.shape[1])
    ]
    return IsotonicCalibration(tuple(x for x, _ in maps), tuple(y for _, y in maps))


def pooled(forecast: Vector, events: Vector, weight: Vector) -> tuple[Vector, Vector, Vector]:
    """Distinct forecasts, ascending, with the weights of the events and of the rows at each."""
    order = np.argsort(forecast)
    x = forecast[order]
    first = np.flatnonzero(np.concatenate([[True], x[1:] != x[:-1]]))
    return x[first], np.add.reduceat(events[order], first), np.add.reduceat(weight[order], first)


def _monotone(
    forecast: Vector, events: Vector, weight: Vector, half: float
) -> tuple[Vector, Vector]:
    """The isotonic fit with half a row added at either end, at the ends of its blocks."""
    from scipy.optimize import isotonic_regression

    x, event, rows = pooled(forecast, events, weight)
    share = np.concatenate([[1.0], event / rows, [0.0]])
    fit = isotonic_regression(share, weights=np.concatenate([[half], rows, [half]])).x[1:-1]
    step = fit[1:] != fit[:-1]
    ends = np.concatenate([[True], step]) | np.concatenate([step, [True]])
    return x[ends], fit[ends]
