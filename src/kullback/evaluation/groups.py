"""Loss reports of groups of rows: the classes, and the values of columns."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from kullback._core.arrays import Vector
from kullback._core.errors import DataError
from kullback.data.arrays import is_missing
from kullback.evaluation.loss_report import Group
from kullback.information.estimate import Estimate

Floats: TypeAlias = NDArray[np.float64]

# A column of numbers with more values than this is cut at its quartiles.
_FEW_VALUES = 12
# A column of text with more values than this is refused: its table would be too long to read.
_MANY_VALUES = 1000


@final
@dataclass(frozen=True, eq=False)
class GroupEvaluator:
    """The loss report of any group of rows, from the losses of all rows in nats.

    Attributes:
        logs: −log q of every class, shape (n, K).
        share: each row's proportions of the classes, shape (n, K).
        weight: weights of the rows.
        baseline: −log of the classes' shares in all rows, shape (K,).
        best: the most probable class of each row.
        level: of the intervals.
        unit: of the estimates.
        size: nats per unit.
        clusters: the number of each row's cluster; None where every row is one.
    """

    logs: Floats
    share: Floats
    weight: Vector
    baseline: Vector
    best: NDArray[np.int64]
    level: float
    unit: str
    size: float
    clusters: NDArray[np.intp] | None = None

    def group(self, name: Any, rows: NDArray[Any], share: Floats) -> Group:
        """The loss report of some rows.

        Args:
            name: of the group.
            rows: their indices.
            share: the part of each row's label that counts, shape (rows, K).
        """
        weight = self.weight[rows] * share.sum(axis=1)
        part = share / share.sum(axis=1, keepdims=True)
        some = part > 0.0
        loss = np.where(some, part * np.where(some, self.logs[rows], 0.0), 0.0).sum(axis=1)
        baseline = np.where(some, part * np.where(some, self.baseline, 0.0), 0.0).sum(axis=1)
        correct = part[np.arange(len(part)), self.best[rows]]
        return self._report(name, rows, weight, loss, baseline, correct)

    def of_class(self, k: int, name: Any) -> Group:
        """The loss report of a class: of its rows, or of its shares in rows with soft labels."""
        rows = np.flatnonzero((self.share[:, k] > 0.0) & (self.weight > 0.0))
        baseline = np.full(len(rows), self.baseline[k])
        correct = (self.best[rows] == k).astype(np.float64)
        weight = self.weight[rows] * self.share[rows, k]
        return self._report(name, rows, weight, self.logs[rows, k], baseline, correct)

    def _report(
        self,
        name: Any,
        rows: NDArray[Any],
        weight: Vector,
        loss: Vector,
        baseline: Vector,
        correct: Vector,
    ) -> Group:
        total = float(weight.sum())
        return Group(
            name,
            int((weight > 0.0).sum()),
            total,
            self._mean(loss, weight, rows),
            self._mean(baseline - loss, weight, rows),
            float(weight @ correct) / total if total > 0.0 else math.nan,
        )

    def _mean(self, values: Vector, weight: Vector, rows: NDArray[Any]) -> Estimate:
        """A weighted mean with the normal interval of a ratio of sums, of rows or of clusters."""
        from scipy.special import ndtri

        used = weight > 0.0
        values, weight, rows = values[used], weight[used], rows[used]
        n = len(values)
        if n == 0:
            nan = math.nan
            return Estimate(nan, nan, (nan, nan), "no rows", self.unit, (), self.level)
        share = weight / weight.sum()
        value = float(share @ values)
        error = math.nan
        if n > 1 and math.isfinite(value):
            deviation = share * (values - value)
            if self.clusters is not None:
                _, place = np.unique(self.clusters[rows], return_inverse=True)
                deviation = np.bincount(place, deviation)
                n = len(deviation)
        if n > 1 and math.isfinite(value):
            error = math.sqrt(n / (n - 1.0) * float(deviation @ deviation))
        half_width = float(ndtri(0.5 + 0.5 * self.level)) * error
        size = self.size
        return Estimate(
            value / size,
            error / size,
            ((value - half_width) / size, (value + half_width) / size),
            f"mean of the rows, normal interval{'' if self.clusters is None else ' of clusters'}",
            self.unit,
            (),
            self.level,
        )


def class_groups(evaluator: GroupEvaluator, classes: Sequence[Any]) -> tuple[Group, ...]:
    """A loss report of each class."""
    return tuple(evaluator.of_class(k, name) for k, name in enumerate(classes))


def slice_groups(evaluator: GroupEvaluator, values: NDArray[Any], column: str) -> tuple[Group, ...]:
    """A loss report of each value of a column, or of each quarter of a numeric column.

    Raises:
        DataError: a column of text with too many values.
    """
    names, code = _cut(values, column)
    groups = []
    for k, name in enumerate(names):
        rows = np.flatnonzero((code == k) & (evaluator.weight > 0.0))
        if len(rows):
            groups.append(evaluator.group(name, rows, evaluator.share[rows]))
    return tuple(groups)


def _cut(values: NDArray[Any], column: str) -> tuple[list[Any], NDArray[np.int64]]:
    """The names of the groups, and the group of each row."""
    if values.dtype.kind in "fiub":
        absent = np.isnan(values) if values.dtype.kind == "f" else np.zeros(len(values), bool)
        known = values[~absent]
        distinct, index = np.unique(known, return_inverse=True)
        names: list[Any] = distinct.tolist()
        if len(distinct) > _FEW_VALUES:
            cuts = np.unique(np.quantile(known, [0.25, 0.5, 0.75], method="inverted_cdf"))
            cuts = cuts[cuts < known.max()]
            index = np.searchsorted(cuts, known, side="left")
            edges = [known.min(), *cuts.tolist(), known.max()]
            names = [
                f"{'(' if k else '['}{edges[k]:.6g}, {edges[k + 1]:.6g}]"
                for k in range(len(edges) - 1)
            ]
        code = np.full(len(values), len(names), dtype=np.int64)
        code[~absent] = index
        return [*names, "missing"], code
    codes: dict[Any, int] = {}
    plain = ["missing" if is_missing(v) else v for v in values.tolist()]
    code = np.fromiter((codes.setdefault(v, len(codes)) for v in plain), np.int64, len(plain))
    if len(codes) > _MANY_VALUES:
        raise DataError(
            f'column "{column}" has {len(codes):,} different values: choose a column of groups, or '
            "group its values first"
        )
    order = sorted(codes, key=lambda name: (type(name).__name__, name))
    rank = np.empty(len(order), dtype=np.int64)
    for new, name in enumerate(order):
        rank[codes[name]] = new
    return order, rank[code]
