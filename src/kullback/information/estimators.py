"""Estimate entropy, relative entropy and mutual information from samples: the public functions.

The values of a column decide between the estimators: labels and whole numbers are counted
(`discrete`), other numbers go to nearest neighbours (`neighbours`). The estimate's `assumptions`
state the choice and its reason.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import Any, final

import numpy as np

from kullback._core.arrays import Vector
from kullback._core.errors import KullbackError, did_you_mean
from kullback._core.units import nats_per
from kullback._core.validation import check_level
from kullback.data.streams import read_once
from kullback.information.discrete import estimators as discrete
from kullback.information.discrete.counts import SymbolCounts, count_values, joint_counts
from kullback.information.discrete.divergence import divergence_of_counts
from kullback.information.discrete.mutual_information import mutual_information_of_counts
from kullback.information.discrete.shared_support import METHOD as SHARED_SUPPORT
from kullback.information.discrete.shared_support import divergence_of_shared_support
from kullback.information.estimate import Estimate
from kullback.information.inputs import Column, left_out, read_column, read_pair, read_rows
from kullback.information.neighbours.divergence import nearest_neighbour_kl
from kullback.information.neighbours.entropy import (
    NeighbourEstimate,
    NoDensityError,
    nearest_neighbour_entropy,
)
from kullback.information.neighbours.grid import averaged_over_cells, grid_steps
from kullback.information.neighbours.mutual_information import (
    mutual_information_continuous,
    mutual_information_mixed,
    mutual_information_with_label,
)
from kullback.information.neighbours.rounded import entropy_of_rounded, kl_of_rounded

NEAREST = "nearest neighbours"
# Pairs of values are counted where no more of the rows than this have a pair of their own: with
# 0.003 of them the bias of the counts' estimate of 0 was its whole error (independent normals,
# 10,000 rows rounded to half a standard deviation: 95% intervals held 75% of 40 samples).
_FEW_ALONE = 0.001
# Beside a label less is lost by counting, up to the share at which Grassberger's estimate ends.
_FEW_ALONE_OF_LABELS = 0.02


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
    """Estimate the entropy of the distribution that a sample was drawn from.

    For labels and whole numbers H = −Σ p log p, from the counts of the values; for other numbers
    the differential entropy H = −∫ p log p, from the distances to nearest neighbours. Of rounded
    numbers it is that before rounding: the mean over values spread over the cells of their grid.

    Args:
        data: values, as for ``kl.fit`` (arrays, tables, CSV or Parquet files, which are streamed),
            or an array of shape (n, d) for rows of d numbers; with ``counts`` the counts of the
            symbols along the last axis, of one sample or of many.
        y: the column of a table; a list of names for the joint entropy of several.
        method: "plug-in", "miller-madow", "grassberger", "chao-shen", "shrinkage" or "nsb" for
            counted values, "nearest neighbours" for others, or "auto".
        weights: frequency weights of the rows, for values that are counted.
        missing: "error", or "drop" to leave rows with missing values out.
        counts: whether ``data`` are counts.
        support: the number of symbols, where it is known ("shrinkage" and "nsb").
        neighbours: their number, for "nearest neighbours".
        unit: "nats", "bits" or "hartleys".
        level: of the interval.

    Returns:
        The estimate; its ``assumptions`` give the chosen method, the reason, and cautions.

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
    finish = _Output(unit, level)
    method = _check_method(method, (*discrete.NAMES, NEAREST, "auto"))
    if counts:
        if y is not None or weights is not None:
            raise KullbackError("counts=True takes an array of counts without y or weights.")
        return finish(discrete.entropy_of_counts(data, method=method, support=support))
    data = read_once(data, y, weights)
    if method == NEAREST or (method == "auto" and _are_rows(data, y)):
        column = read_rows(data, y, weights, missing)
        return finish(_nearest(column, neighbours, support), *column.notes)
    if not isinstance(y, str | None):
        table = joint_counts(data, tuple(y), weights=weights, missing=missing)
        found = discrete.entropy_of_counts(table.counts, method=method, support=support)
        return finish(found, *left_out(table.dropped))
    reason: tuple[str, ...] = ()
    if method == "auto":
        column = read_column(data, y, weights, missing)
        if not column.discrete:
            return finish(_nearest(column, neighbours, support), *column.notes)
        reason = column.notes
    if neighbours is not None:
        raise KullbackError("neighbours= is for nearest neighbours, and these values are counted.")
    tally = count_values(data, y=y, weights=weights, missing=missing)
    found = discrete.entropy_of_counts(tally.counts, method=method, support=support)
    notes = dict.fromkeys((*reason, *left_out(tally.dropped)))
    return finish(found, *(note for note in notes if note not in found.assumptions))


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
    """Estimate the relative entropy D(p‖q) between the distributions of two samples.

    Numbers: from the distances of the rows of p to their nearest neighbours in either sample (Wang,
    Kulkarni and Verdú 2009, bias-reduced). Labels and whole numbers: from their counts, where p and
    q may share values of which some were not seen (Zhang and Grabchak 2014); +inf where more than a
    fifth of the rows of p have values that the sample of q lacks.

    Args:
        p: a sample of p: an array, of shape (n, d) for rows of d numbers, a table or files.
        q: a sample of q, of the same kind.
        y: the column of both, or a list of names for several.
        method: "nearest neighbours"; for counted values "zhang-grabchak", or "plug-in" for the
            relative entropy of the shares, +inf where a value of p does not occur in q; or "auto"
            by the kind of the values.
        missing: "error", or "drop" to leave rows with missing values out.
        neighbours: their number, for "nearest neighbours".
        unit: "nats", "bits" or "hartleys".
        level: of the interval.

    Returns:
        The estimate. It may be negative, as estimates of 0 are half of the time; a note says so.

    Raises:
        DataError, KullbackError: as ``estimate_entropy``.

    Example:
        >>> import numpy as np, kullback as kl
        >>> rng = np.random.default_rng(1)
        >>> found = kl.estimate_kl(rng.normal(size=2000), rng.normal(1.0, 1.0, size=3000))
        >>> round(float(found), 2), round(found.stderr, 2)  # the truth is 0.5
        (0.5, 0.04)
    """
    finish = _Output(unit, level)
    method = _check_method(method, ("plug-in", SHARED_SUPPORT, NEAREST, "auto"))
    p, q = read_once(p, y), read_once(q, y)
    if method == "auto":
        counted = not (_are_rows(p, y) or _are_rows(q, y)) and (
            not isinstance(y, str | None)
            or all(read_column(part, y, None, missing).discrete for part in (p, q))
        )
        method = SHARED_SUPPORT if counted else NEAREST
    if method == NEAREST:
        rows = [read_rows(part, y, None, missing) for part in (p, q)]
        x, y_rows = (part.values for part in rows)
        try:
            near = kl_of_rounded(x, y_rows, k=neighbours, names=("p", "q"))
            near = near or nearest_neighbour_kl(x, y_rows, k=neighbours, names=("p", "q"))
        except NoDensityError as error:
            raise NoDensityError(error.repeats, SHARED_SUPPORT) from None
        return finish(near, *rows[0].notes, *rows[1].notes)
    tallies = [_tally(part, y, missing) for part in (p, q)]
    notes = (note for tally in tallies for note in left_out(tally.dropped))
    of_counts = divergence_of_counts if method == "plug-in" else divergence_of_shared_support
    return finish(of_counts(*tallies), *notes)


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

    Two columns of numbers: Kraskov, Stögbauer and Grassberger (2004). Numbers and a label: Ross
    (2014), with ties and rare labels, and a note where the estimate exceeds the label's entropy.
    Columns of which some values repeat, as rounded ones and whole numbers do: from their joint
    counts where these cover the distribution, and else as columns of numbers, with every value
    spread over its cell of the grid ("grid"). Labels: from their joint counts.

    Args:
        x: n values, or an array of shape (n, d); with ``data`` the name of a column.
        y: n values, or an array of shape (n, e); with ``data`` the name of a column.
        data: a table, or CSV or Parquet files.
        method: "ksg", "grid", "mixed" (Gao, Kannan, Oh and Viswanath 2017, for values some of which
            are tied), "label" (for y), one of the methods of ``kl.estimate_entropy`` for
            counted values, or "auto".
        missing: "error", or "drop" to leave rows with missing values out.
        neighbours: their number, by default 3.
        unit: "nats", "bits" or "hartleys".
        level: of the interval.

    Returns:
        The estimate. It may be negative, as estimates of 0 are half of the time; a note says so.

    Raises:
        DataError, KullbackError: as ``estimate_entropy``.

    Example:
        >>> import numpy as np, kullback as kl
        >>> rng = np.random.default_rng(2)
        >>> x = rng.normal(size=2000)
        >>> found = kl.estimate_mutual_information(x, 0.6 * x + 0.8 * rng.normal(size=2000))
        >>> round(float(found), 2), round(found.stderr, 2)  # the truth is 0.22
        (0.23, 0.02)
    """
    finish = _Output(unit, level)
    method = _check_method(method, (*discrete.NAMES, "ksg", "grid", "mixed", "label", "auto"))
    k = 3 if neighbours is None else neighbours
    pair = read_pair(x, y, data, missing)
    first, second = pair.columns
    names = (first.name, second.name)
    for column in (first, second):
        if method in ("ksg", "grid", "mixed") and column.labels:
            raise KullbackError(
                f'method="{method}" measures distances between numbers, and {column.name} holds '
                'labels; use method="label", or "auto".'
            )
    method, *reason = _choose(first, second) if method == "auto" else (method,)
    reason += (*first.notes, *second.notes)
    if method in discrete.NAMES or method == "counts":
        table = joint_counts(pair.data, pair.names, missing=missing)
        how = "auto" if method == "counts" else method
        return finish(mutual_information_of_counts(table, method=how), *reason)
    if method == "label":
        swap = _as_label(first) > _as_label(second)
        label, feature = (first, second) if swap else (second, first)
        codes, steps = label.values.ravel(), grid_steps(feature.values)
        if steps.any() and not feature.labels:
            near = averaged_over_cells(
                lambda one, other: mutual_information_with_label(one, other, k=k),
                (feature.values, codes),
                (steps, np.zeros(1)),
                (feature.name, label.name),
            )
        else:
            near = mutual_information_with_label(feature.values, codes, k=k)
    elif method == "grid":
        near = averaged_over_cells(
            lambda one, other: mutual_information_continuous(one, other, k=k, names=names),
            (first.values, second.values),
            (grid_steps(first.values), grid_steps(second.values)),
            names,
        )
    elif method == "mixed":
        near = mutual_information_mixed(first.values, second.values, k=k, names=names)
    elif np.array_equal(first.values, second.values) and np.unique(first.values).size > k:
        same = "x and y are equal: the information of a continuous column with itself is infinite"
        near = NeighbourEstimate(math.inf, 0.0, "equal columns", (same,))
    else:
        near = mutual_information_continuous(first.values, second.values, k=k, names=names)
    return finish(near, *reason)


def _nearest(column: Column, k: int | None, support: int | None) -> NeighbourEstimate:
    if support is not None:
        raise KullbackError(
            f"support= is for values that are counted, and {column.name} holds other numbers."
        )
    rounded = entropy_of_rounded(column.values, k=k, name=column.name)
    return rounded or nearest_neighbour_entropy(column.values, k=k, name=column.name)


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


def _choose(x: Column, y: Column) -> tuple[str, ...]:
    """Return the estimator of mutual information for two columns, and the reason."""
    single = x.values.ndim == y.values.ndim == 1
    rounded = [not one.labels and bool(grid_steps(one.values).any()) for one in (x, y)]
    if x.discrete and y.discrete and not any(rounded):
        return "counts", "both columns hold labels or whole numbers, which are counted"
    if single and all(one.discrete or grid for one, grid in zip((x, y), rounded, strict=True)):
        alone = _share_alone(x.values, y.values)
        if alone <= (_FEW_ALONE_OF_LABELS if x.labels or y.labels else _FEW_ALONE):
            what = "labels or whole numbers" if x.discrete and y.discrete else "values that repeat"
            return "counts", f"both columns hold {what}, which are counted"
    for column in (x, y):
        if column.discrete and column.labels:
            return "label", f"{column.name} holds labels"
        if column.discrete and column.repeated:
            return "label", f"{column.name} holds a few whole numbers, taken as labels"
    if any(rounded):
        return ("grid",)
    if x.discrete or y.discrete:
        return "mixed", "one column holds many whole numbers, and the other numbers"
    return ("ksg",)


def _as_label(column: Column) -> int:
    """Rank two columns by how well they serve as the label beside a feature."""
    return 3 if column.labels else int(column.discrete) + int(column.discrete and column.repeated)


def _share_alone(x: Vector, y: Vector) -> float:
    """The share of rows whose pair of values occurs once."""
    codes = [np.unique(values, return_inverse=True)[1] for values in (x, y)]
    pairs = codes[0].astype(np.int64) * (int(codes[1].max()) + 1) + codes[1]
    sizes = np.unique(pairs, return_counts=True)[1]
    return float(np.count_nonzero(sizes == 1)) / len(x)


def _are_rows(data: Any, y: Any) -> bool:
    """Say whether the data are rows of several numbers, some of which are not counted."""
    if y is None or isinstance(y, str):
        return isinstance(data, np.ndarray) and data.ndim == 2
    return not all(read_column(data, name, None, "drop").discrete for name in y)


def _check_method(method: str, names: Sequence[str]) -> str:
    """Return the name of an estimator, which may be written with underscores."""
    method = method.replace("_", "-")
    if method not in names:
        known = ", ".join(f'"{name}"' for name in names)
        hint = did_you_mean(method, names) or "."
        raise KullbackError(f'method="{method}" is not an estimator here{hint} Use one of {known}.')
    return method


@final
class _Output:
    """Check the unit and the level, and build estimates with them from values in nats."""

    def __init__(self, unit: str, level: float) -> None:
        nats_per(unit)
        check_level(level)
        self.unit, self.level = unit, level
        self.z = NormalDist().inv_cdf(0.5 + 0.5 * level)

    def __call__(self, found: Any, *notes: str) -> Estimate:
        half = self.z * found.stderr
        ends = (found.value - half, found.value + half)
        notes = (*found.assumptions, *notes)
        out = Estimate(found.value, found.stderr, ends, found.method, "nats", notes, self.level)
        return out.to(self.unit)
