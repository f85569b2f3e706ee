"""Entropy, relative entropy and mutual information of samples: the public functions.

What kind of data a column holds decides between the estimators: labels and whole numbers are
counted (`discrete`, `contingency`), other numbers go to nearest neighbours (`neighbours`,
`dependence`). What was chosen, and why, stands in the estimate's `assumptions`.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import Any

import numpy as np

from kullback._core.errors import KullbackError, did_you_mean
from kullback._core.units import nats_per
from kullback._core.validation import check_level
from kullback.information.discrete import estimators as discrete
from kullback.information.discrete.counts import SymbolCounts, count_values, joint_counts
from kullback.information.discrete.divergence import divergence_of_counts
from kullback.information.discrete.mutual_information import mutual_information_of_counts
from kullback.information.estimate import Estimate
from kullback.information.inputs import (
    Observed,
    beside,
    column_names,
    left_out,
    observe,
    observe_rows,
)
from kullback.information.neighbours.divergence import nearest_neighbour_kl
from kullback.information.neighbours.entropy import NeighbourEstimate, nearest_neighbour_entropy
from kullback.information.neighbours.mutual_information import (
    mutual_information_continuous,
    mutual_information_mixed,
    mutual_information_with_label,
)

NEAREST = "nearest neighbours"


def estimate_entropy(
    data: Any,
    y: str | Sequence[str] | None = None,
    *,
    method: str = "auto",
    weights: Any = None,
    missing: str = "error",
    counts: bool = False,
    support: int | None = None,
    neighbours: int | None = None,
    unit: str = "nats",
    level: float = 0.95,
) -> Estimate:
    """Estimate the entropy of the law that a sample was drawn from.

    For labels and whole numbers H = −Σ p log p, from how often each value was seen; for other
    numbers the differential entropy H = −∫ p log p, from the distances to nearest neighbours.

    Args:
        data: values, as ``kl.fit`` takes them (arrays, tables, CSV or Parquet files, which are
            streamed), an array of shape (n, d) for rows of d numbers; or, with ``counts``, how
            often each symbol was seen, along the last axis, with any number of samples before it.
        y: the column of a table; a list of names for the joint entropy of several.
        method: "plug-in", "miller-madow", "grassberger", "chao-shen", "shrinkage" or "nsb" for
            counted values, "nearest neighbours" for others, or "auto".
        weights: how many rows each row stands for, for values that are counted.
        missing: "error", or "drop" to leave rows with missing values out.
        counts: whether ``data`` are counts.
        support: how many symbols there are, where that is known ("shrinkage" and "nsb").
        neighbours: how many of them, for "nearest neighbours".
        unit: "nats", "bits" or "hartleys".
        level: of the interval.

    Returns:
        The estimate; its ``assumptions`` say what was chosen and why, and what to beware of.

    Raises:
        DataError: for data that cannot be used.
        KullbackError: for an unknown method or unit.

    Sources: see ``information.discrete.estimators`` and ``information.neighbours.entropy``.

    Example:
        >>> import kullback as kl
        >>> print(kl.estimate_entropy(["a"] * 30 + ["b"] * 15 + ["c"] * 5, method="miller-madow"))
        0.917946 nats ± 0.081 (95%: 0.758316 to 1.07758), miller-madow
          rows are independent draws from one distribution
    """
    z = _options(unit, level)
    _known(method, (*discrete.NAMES, NEAREST, "auto"))
    if counts and not (y is None and weights is None):
        raise KullbackError("counts=True takes an array of counts, and no y or weights beside it.")
    if counts:
        found = discrete.entropy_of_counts(data, method=method, support=support)
        return _estimate(found, found.assumptions, unit, level, z)
    if method == NEAREST or (method == "auto" and _several(data, y)):
        seen = observe_rows(data, column_names(y), weights, missing)
        near = _nearest(seen, neighbours, support)
        return _estimate(near, (*near.assumptions, *seen.notes), unit, level, z)
    if not isinstance(y, str | None):
        table = joint_counts(data, tuple(y), weights=weights, missing=missing)
        found = discrete.entropy_of_counts(table.counts, method=method, support=support)
        return _estimate(found, (*found.assumptions, *_dropped(table.dropped)), unit, level, z)
    reason: tuple[str, ...] = ()
    if method == "auto":
        seen = observe(data, y, weights, missing)
        if not seen.discrete:
            near = _nearest(seen, neighbours, support)
            return _estimate(near, (*near.assumptions, *seen.notes), unit, level, z)
        reason = seen.notes
    if neighbours is not None:
        raise KullbackError("neighbours= is for nearest neighbours, and these values are counted.")
    tally = count_values(data, y=y, weights=weights, missing=missing)
    found = discrete.entropy_of_counts(tally.counts, method=method, support=support)
    notes = dict.fromkeys((*found.assumptions, *reason, *_dropped(tally.dropped)))
    return _estimate(found, tuple(notes), unit, level, z)


def estimate_kl(
    p: Any,
    q: Any,
    *,
    y: str | Sequence[str] | None = None,
    method: str = "auto",
    missing: str = "error",
    neighbours: int | None = None,
    unit: str = "nats",
    level: float = 0.95,
) -> Estimate:
    """Estimate the relative entropy D(p‖q) between the laws of two samples.

    Numbers: from the distances of the rows of p to their nearest neighbours in either sample (Wang,
    Kulkarni and Verdú 2009, bias-reduced). Labels and whole numbers: the relative entropy of the
    shares that were seen, +inf where a value of p was never seen in q.

    Args:
        p: a sample of p: an array, of shape (n, d) for rows of d numbers, a table or files.
        q: a sample of q, of the same kind.
        y: the column of both, or a list of names for several.
        method: "nearest neighbours", "plug-in", or "auto" by the kind of the values.
        missing: "error", or "drop" to leave rows with missing values out.
        neighbours: how many of them, for "nearest neighbours".
        unit: "nats", "bits" or "hartleys".
        level: of the interval.

    Returns:
        The estimate. It may be negative, as an estimate of 0 has to be half of the time, and says
        so.

    Raises:
        DataError: for data that cannot be used.
        KullbackError: for an unknown method or unit.

    Example:
        >>> import numpy as np, kullback as kl
        >>> rng = np.random.default_rng(1)
        >>> found = kl.estimate_kl(rng.normal(size=2000), rng.normal(1.0, 1.0, size=3000))
        >>> round(float(found), 2), round(found.stderr, 2)  # the truth is 0.5
        (0.5, 0.04)
    """
    z = _options(unit, level)
    _known(method, ("plug-in", NEAREST, "auto"))
    if method == "auto":
        several = _several(p, y) or _several(q, y)
        named = isinstance(y, str | None)
        counted = not several and (
            not named or all(observe(part, y, None, missing).discrete for part in (p, q))
        )
        method = "plug-in" if counted else NEAREST
    if method == NEAREST:
        rows = [observe_rows(part, column_names(y), None, missing) for part in (p, q)]
        found = nearest_neighbour_kl(rows[0].values, rows[1].values, k=neighbours, names=("p", "q"))
        notes = (*found.assumptions, *(note for part in rows for note in part.notes))
        return _estimate(found, notes, unit, level, z)
    tallies = [_tally(part, y, missing) for part in (p, q)]
    counted_found = divergence_of_counts(*tallies)
    gone = [note for tally in tallies for note in _dropped(tally.dropped)]
    return _estimate(counted_found, (*counted_found.assumptions, *gone), unit, level, z)


def estimate_mutual_information(
    x: Any,
    y: Any,
    data: Any = None,
    *,
    method: str = "auto",
    missing: str = "error",
    neighbours: int | None = None,
    unit: str = "nats",
    level: float = 0.95,
) -> Estimate:
    """Estimate the mutual information I(X; Y) = H(X) + H(Y) − H(X, Y) from paired rows.

    Two columns of numbers: Kraskov, Stögbauer and Grassberger (2004). Numbers beside a label: Ross
    (2014), with ties and rare labels, never above the label's entropy unsaid. Numbers of which
    some are tied: Gao, Kannan, Oh and Viswanath (2017). Two columns of labels or whole numbers:
    from their joint counts.

    Args:
        x: n values, or an array of shape (n, d); with ``data`` the name of a column.
        y: n values, or an array of shape (n, e); with ``data`` the name of a column.
        data: a table, or CSV or Parquet files.
        method: "ksg", "mixed", "label" (for y), one of the methods of ``kl.estimate_entropy`` for
            counted values, or "auto".
        missing: "error", or "drop" to leave rows with missing values out.
        neighbours: how many of them, by default 3.
        unit: "nats", "bits" or "hartleys".
        level: of the interval.

    Returns:
        The estimate. It may be negative, as an estimate of 0 has to be half of the time, and says
        so.

    Raises:
        DataError: for data that cannot be used.
        KullbackError: for an unknown method or unit.

    Example:
        >>> import numpy as np, kullback as kl
        >>> rng = np.random.default_rng(2)
        >>> x = rng.normal(size=2000)
        >>> found = kl.estimate_mutual_information(x, 0.6 * x + 0.8 * rng.normal(size=2000))
        >>> round(float(found), 2), round(found.stderr, 2)  # the truth is 0.22
        (0.23, 0.02)
    """
    z = _options(unit, level)
    _known(method, (*discrete.NAMES, "ksg", "mixed", "label", "auto"))
    k = 3 if neighbours is None else neighbours
    pair = beside(x, y, data, missing)
    first, second = pair.columns
    names = (first.name, second.name)
    for own in (first, second):
        if method in ("ksg", "mixed") and own.labels:
            raise KullbackError(
                f'method="{method}" measures distances between numbers, and {own.name} holds '
                'labels; use method="label", or "auto".'
            )
    if method == "auto":
        method, reason = _choose(first, second)
    else:
        reason = ()
    reason += (*first.notes, *second.notes)
    if method in discrete.NAMES or method == "counts":
        table = joint_counts(pair.data, pair.names, missing=missing)
        how = "auto" if method == "counts" else method
        found = mutual_information_of_counts(table, method=how)
        return _estimate(found, (*found.assumptions, *reason), unit, level, z)
    if method == "label":
        label, feature = (
            (second, first) if second.discrete or not first.discrete else (first, second)
        )
        near = mutual_information_with_label(feature.values, label.values.ravel(), k=k)
    elif method == "mixed":
        near = mutual_information_mixed(first.values, second.values, k=k, names=names)
    elif np.array_equal(first.values, second.values) and np.unique(first.values).size > k:
        same = "x and y are equal: of a continuous law, what a column tells of itself has no bound"
        near = NeighbourEstimate(math.inf, 0.0, "equal columns", (same,))
    else:
        near = mutual_information_continuous(first.values, second.values, k=k, names=names)
    return _estimate(near, (*near.assumptions, *reason), unit, level, z)


def _nearest(seen: Observed, k: int | None, support: int | None) -> NeighbourEstimate:
    if support is not None:
        raise KullbackError(
            f"support= is for values that are counted, and {seen.name} holds other numbers."
        )
    return nearest_neighbour_entropy(seen.values, k=k, name=seen.name)


def _tally(data: Any, y: str | Sequence[str] | None, missing: str) -> SymbolCounts:
    """Count the values of a column, or the combinations of several."""
    if y is None or isinstance(y, str):
        return count_values(data, y=y, missing=missing)
    table = joint_counts(data, tuple(y), missing=missing)
    symbols = np.empty(len(table.counts), dtype=object)
    columns = zip(table.symbols, table.cells.T, strict=True)
    symbols[:] = list(zip(*(own[codes].tolist() for own, codes in columns), strict=True))
    rows = int(table.counts.sum())
    return SymbolCounts(symbols, table.counts, rows, ", ".join(table.labels), table.dropped)


def _dropped(rows: int) -> tuple[str, ...]:
    return (left_out(rows),) if rows else ()


def _choose(x: Observed, y: Observed) -> tuple[str, tuple[str, ...]]:
    """The estimator of mutual information for two columns, and why."""
    if x.discrete and y.discrete:
        return "counts", ("both columns hold labels or whole numbers, which are counted",)
    for own in (x, y):
        if own.discrete and own.labels:
            return "label", (f"{own.name} holds labels",)
        if own.discrete and own.repeated:
            return "label", (f"{own.name} holds a few whole numbers, taken as labels",)
    if x.discrete or y.discrete:
        return "mixed", ("one column holds many whole numbers, and the other numbers",)
    return "ksg", ()


def _several(data: Any, y: Any) -> bool:
    """Whether rows of several numbers are asked for, of which some column is not counted."""
    if y is None or isinstance(y, str):
        return isinstance(data, np.ndarray) and data.ndim == 2
    return not all(observe(data, name, None, "drop").discrete for name in y)


def _known(method: str, names: Sequence[str]) -> None:
    if method not in names:
        known = ", ".join(f'"{name}"' for name in names)
        raise KullbackError(
            f'method="{method}" is no estimator here{did_you_mean(method, names) or "."} '
            f"Use one of {known}."
        )


def _options(unit: str, level: float) -> float:
    """Check what every estimate takes; gives the normal quantile of the interval."""
    nats_per(unit)
    check_level(level)
    return statistics.NormalDist().inv_cdf(0.5 + 0.5 * level)


def _estimate(found: Any, notes: Sequence[str], unit: str, level: float, z: float) -> Estimate:
    """Put a value in nats and its error into an estimate in the user's unit."""
    half = z * found.stderr
    ends = (found.value - half, found.value + half)
    return Estimate(found.value, found.stderr, ends, found.method, "nats", tuple(notes), level).to(
        unit
    )
