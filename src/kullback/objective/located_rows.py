"""One outcome for each row, inside the support of a model: what starting values are made of."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from kullback._core.arrays import Vector
from kullback._core.domains import Interval
from kullback.data.observation import RowKind


def located_inside(support: Interval, kind: RowKind, fields: Mapping[str, Vector]) -> Vector:
    """Return the middle of what each row allows in the support, or the only end that it has.

    For positive outcomes far apart it is the geometric mean of the ends, as (0.01, 100) says more
    of the logarithm than of the outcome.

    >>> from kullback.data.observation import Event, Observed
    >>> from kullback._core.domains import POSITIVE
    >>> located_inside(POSITIVE, Observed(Event.LEFT), {"y.upper": np.array([2.0])})
    array([1.])
    """
    lower, upper = kind.ends(fields)
    low, high = np.maximum(lower, support.lower), np.minimum(upper, support.upper)
    finite_low, finite_high = np.isfinite(low), np.isfinite(high)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        middle = low + 0.5 * (high - low)
        if support.lower == 0.0 and not support.whole:
            middle = np.where(low > 0.0, np.sqrt(low) * np.sqrt(high), middle)
    one_sided = np.where(finite_low, low, np.where(finite_high, high, support.interior))
    values: Vector = np.where(finite_low & finite_high & (low < high), middle, one_sided)
    if support.whole:
        values = np.clip(np.floor(values), np.ceil(low), np.floor(high))
    # an end of the support that is not in it, as of a row that is right-censored at 0
    return np.where(support.contains(values), values, support.interior)
