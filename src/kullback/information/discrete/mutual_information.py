"""Mutual information of discrete columns from their joint counts, with a standard error."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kullback._core.arrays import Vector
from kullback._core.errors import DataError
from kullback.information.discrete.counts import Contingency
from kullback.information.discrete.estimators import (
    METHODS,
    DiscreteEntropy,
    check_method,
    estimate,
)
from kullback.information.discrete.fingerprint import Fingerprint
from kullback.information.discrete.jackknife import CountGroups
from kullback.information.discrete.nsb import posterior_moments
from kullback.information.discrete.selection import CountSummary, choose

# A value below zero by no more than this many standard errors is within its error of zero: the
# 95% interval then reaches it.
_ERRORS = 1.96

# A value of a single row, an identifier's for instance, determines the other column's value.
_TOO_HIGH = "pairs seen once look like full dependence, and this one is probably far too high"


def mutual_information_of_counts(
    table: Any, *, method: str = "auto", support: tuple[int, int] | None = None
) -> DiscreteEntropy:
    """Estimate I(X; Y) = H(X) + H(Y) − H(X, Y), in nats, each entropy by the same estimator.

    The standard error is the jackknife's over the rows, one value for each cell, less what it
    counts twice where X and Y are nearly independent (the second-order part of the variance, which
    is (k_XY − k_X − k_Y + 1 + 2φ²)/(2n²), φ² the mean square contingency).

    Args:
        table: counts of shape (X, Y), or a `Contingency` of two columns.
        method: as for `entropy_of_counts`; "auto" chooses by the joint counts.
        support: the numbers of symbols of X and of Y, where known: for "shrinkage" and "nsb".

    Returns:
        The estimate: at most the smaller of H(X) and H(Y) by the same estimator. It may be
        negative (a corrected estimate of 0 is, half of the time); `assumptions` reports it.

    Raises:
        DataError: for a table that does not hold counts of two columns, or is all zero.
        KullbackError: for an unknown method.

    >>> found = mutual_information_of_counts([[30, 10], [10, 30]], method="plug-in")
    >>> round(found.value, 6), round(found.stderr, 6)
    (0.130812, 0.054151)
    """
    check_method(method)
    cells, counts = _read(table)
    x, y = (np.bincount(codes, counts).astype(np.int64) for codes in cells.T)
    known = (None, None, None) if support is None else _sizes(support, x, y)
    sentences: tuple[str, ...] = ()
    if method == "auto":
        method, why = choose(CountSummary.of(counts[None, :]), known[2], _TOO_HIGH)
        sentences = (why,)
    sentences += ("rows are independent draws from one distribution",)
    n = float(counts.sum())
    if method == "plug-in":
        k_x, k_y, k_xy = (float(np.count_nonzero(part)) for part in (x, y, counts))
        sentences += (
            f"the plug-in estimate is too high by about {(k_xy - k_x - k_y + 1.0) / (2.0 * n):.2g} "
            "nats, (k_XY − k_X − k_Y + 1)/(2n)",
        )
    (h_x, without_x), (h_y, without_y), (h_xy, without_xy) = (
        _entropy_and_without(part, method, size)
        for part, size in zip((x, y, counts), known, strict=True)
    )
    stderr = math.nan
    if n > 1.0:
        left = without_x[cells[:, 0]] + without_y[cells[:, 1]] - without_xy
        centred = left - float(np.sum(counts * left)) / n
        jackknife = (n - 1.0) / n * float(np.sum(counts * centred * centred))
        second = _second_order(cells, counts, x, y) / (2.0 * n * n)
        first = jackknife - 2.0 * second
        variance = second + first if first > 0.0 else second
        if method == "grassberger":  # its alternating terms, see `standard_error`
            often = sum(float(np.sum(part > 1)) for part in (x, y, counts))
            variance += often / (4.0 * n * n)
        stderr = math.sqrt(variance)
    value, more = _bounded(h_x + h_y - h_xy, stderr, min(h_x, h_y))
    return DiscreteEntropy(value, stderr, method, sentences + more)


def _bounded(value: float, stderr: float, bound: float) -> tuple[float, tuple[str, ...]]:
    """Limit the estimate to the smaller entropy, and report a value beyond a bound."""
    # Grassberger's entropy of a single symbol may be a little below zero
    bound = bound if bound > 0.0 else 0.0
    rounding = 1e-12 * max(bound, 1.0)
    if value > bound + rounding:
        return bound, (
            f"the sum of the corrected entropies was {value:.4g} nats, above the smaller entropy "
            f"{bound:.4g}, which bounds the mutual information and is returned instead",
        )
    if value > bound:
        return bound, ()
    if value >= 0.0:
        return value, ()
    if value > -rounding:
        return 0.0, ()
    if value >= -_ERRORS * stderr:
        return value, ("below zero, within its error of zero",)
    return value, (
        "below zero by more than its error: the sample is too small for this correction",
    )


def _read(table: Any) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The cells that hold rows, and their counts."""
    if isinstance(table, Contingency):
        cells, counts = table.cells, table.counts
    else:
        array = np.asarray(table)
        if array.ndim != 2 or array.dtype.kind not in "iuf":
            raise DataError(
                "mutual information needs a table of counts of two variables, not "
                f"{array.dtype} of shape {array.shape}"
            )
        wrong = ~np.isfinite(array) if array.dtype.kind == "f" else np.zeros(array.shape, np.bool_)
        if array.dtype.kind != "u":
            wrong |= array < 0
        if wrong.any():
            row, column = (int(i) for i in np.argwhere(wrong)[0])
            raise DataError(
                f"the count in row {row} and column {column} is {array[row, column]}; a count is "
                "how many rows had the two symbols"
            )
        cells = np.argwhere(array > 0)
        counts = array[tuple(cells.T)]
    if cells.shape[1] != 2:
        raise DataError(
            f"mutual information is of two variables, and the table has {cells.shape[1]}; join "
            "some of them first"
        )
    if not counts.size:
        raise DataError("the table has 0 rows: every count is zero")
    if counts.dtype.kind == "f" and not bool(np.all(counts == np.floor(counts))):
        raise DataError(
            "mutual information needs counts of rows, and these are sums of weights that are not "
            "whole: the number of rows, and so the error, is unknown"
        )
    return cells.astype(np.int64, copy=False), counts.astype(np.int64, copy=False)


def _sizes(
    support: tuple[int, int], x: NDArray[np.int64], y: NDArray[np.int64]
) -> tuple[float, float, float]:
    for size, seen, name in ((support[0], x, "X"), (support[1], y, "Y")):
        found = int(np.count_nonzero(seen))
        if size < found:
            raise DataError(
                f"support={size} symbols of {name}, and {found} different ones were seen; give the "
                "number of possible symbols, unseen ones included"
            )
    return float(support[0]), float(support[1]), float(support[0]) * float(support[1])


def _entropy_and_without(
    counts: NDArray[np.int64], method: str, support: float | None
) -> tuple[float, Vector]:
    """The entropy, and that without one row of each symbol with rows, up to a constant."""
    groups = CountGroups.of(counts[None, :])
    if method == "nsb":
        value = estimate(counts[None, :], method, support)[0]
        without = _nsb_without(groups, support)
    else:
        found = METHODS[method](groups, support)
        value, without = found.value, found.without[0]
    place = np.searchsorted(groups.counts[0], counts)
    return float(value[0]), without[np.where(counts > 0, place, 0)]


def _nsb_without(groups: CountGroups, support: float | None) -> Vector:
    """NSB's value without one row of a symbol with each distinct count, all in one call."""
    from scipy.sparse import csr_array

    own = groups.counts[0]
    if support == 1.0 or float(groups.summary.rows[0]) == 1.0:
        return np.zeros(own.size)
    values = np.union1d(np.union1d(own, own - 1), 0)
    row = np.zeros(values.size)
    row[np.searchsorted(values, own)] = groups.symbols[0]
    matrix = np.repeat(row[None, :], own.size, axis=0)
    left = np.arange(own.size)
    matrix[left, np.searchsorted(values, own)] -= 1.0
    matrix[left, np.searchsorted(values, own - 1)] += 1.0
    prints = Fingerprint(values[1:].astype(np.float64), csr_array(matrix[:, 1:]))  # without 0
    if support is None and bool(np.any(prints.observed == prints.sizes)):
        # without the only coincidence NSB is undefined, and so is the jackknife
        return np.full(own.size, math.nan)
    return posterior_moments(prints, math.inf if support is None else support)[0]


def _second_order(
    cells: NDArray[np.int64], counts: NDArray[np.int64], x: NDArray[np.int64], y: NDArray[np.int64]
) -> float:
    """tr((H Σ)²) n² of the Hessian H of I and the covariance Σ of the shares, at the sample's.

    It is (k_X − 1)(k_Y − 1) for independent variables, where 2nI is about χ² with that many degrees
    of freedom.
    """
    n = float(counts.sum())
    expected = x[cells[:, 0]] * (y[cells[:, 1]] / n)
    square = float(np.sum(counts * (counts / expected))) / n - 1.0  # φ²
    excess = counts.size - np.count_nonzero(x) - np.count_nonzero(y) + 1.0
    return max(float(excess + 2.0 * square), 0.0)
