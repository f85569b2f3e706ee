"""The loss report: a classifier's held-out cross-entropy and its decomposition, as data."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from kullback._core.arrays import Vector
from kullback._core.display import Display, Displayed, Entries, Listed, Table, value_text
from kullback._core.extras import need
from kullback._core.units import nats_per
from kullback.information.estimate import Estimate
from kullback.report.loss_report_page import write_loss_report
from kullback.report.loss_report_plots import loss_report_figure
from kullback.results.trained import Epoch


@final
@dataclass(frozen=True, repr=False)
class Recalibration(Listed):
    """The effect of one recalibration map on rows that it was not fitted to.

    Attributes:
        name: "none", "temperature", "vector" or "isotonic".
        cross_entropy: of the recalibrated probabilities, cross-fitted.
        gain: the cross-entropy of the given probabilities less this one, paired.
    """

    name: str
    cross_entropy: Estimate
    gain: Estimate

    def _cells(self) -> dict[str, str]:
        return {
            "name": self.name,
            f"cross-entropy, {self.gain.unit}": _short(self.cross_entropy),
            "gain": _short(self.gain),
        }


@final
@dataclass(frozen=True, repr=False)
class Group(Listed):
    """The loss report of a group of rows: a class, or a slice.

    Attributes:
        name: the class, or the slice's value, as in the data.
        rows: the number of rows.
        weight: their total weight.
        cross_entropy: over these rows.
        explained: the loss of the baseline (class shares of all rows) on these rows, less
            ``cross_entropy``.
        accuracy: share of rows whose most probable class is correct.
    """

    name: Any
    rows: int
    weight: float
    cross_entropy: Estimate
    explained: Estimate
    accuracy: float

    def _cells(self) -> dict[str, str]:
        return {
            "name": value_text(self.name),
            "rows": f"{self.rows:,}",
            f"cross-entropy, {self.explained.unit}": _short(self.cross_entropy),
            "explained": _short(self.explained),
            "accuracy": "" if math.isnan(self.accuracy) else f"{100.0 * self.accuracy:.1f}%",
        }


@final
@dataclass(frozen=True, repr=False)
class RowLoss(Listed):
    """The log loss of a row.

    Attributes:
        row: its index, from zero.
        label: its label; of soft labels or votes the most frequent one.
        predicted: the most probable class.
        confidence: the probability of the predicted class.
        probability: the probability of the label.
        loss: −log q(label), in the loss report's unit.
        features: its values in the columns of X; empty without X.
    """

    row: int
    label: Any
    predicted: Any
    confidence: float
    probability: float
    loss: float
    features: Mapping[str, Any]

    def _cells(self) -> dict[str, str]:
        return {
            "row": f"{self.row}",
            "label": value_text(self.label),
            "probability": f"{self.probability:.3g}",
            "predicted": value_text(self.predicted),
            "confidence": f"{self.confidence:.3g}",
            "loss": f"{self.loss:.4g}",
        }


@final
@dataclass(frozen=True, eq=False, repr=False)
class Curve(Listed):
    """A CORP reliability curve: isotonic regression of "the label is this class" on the forecast.

    Source: T. Dimitriadis, T. Gneiting, A. I. Jordan (2021), PNAS 118.

    Attributes:
        name: the class; None for all classes pooled: "the label is k" on k's probability, all k.
        forecast: distinct forecast probabilities, ascending, shape (m,).
        frequency: recalibrated probability at each, shape (m,).
        low: lower end of the band in which the curve would lie if the forecasts were calibrated.
        high: upper end of the band.
        weight: weight of the rows at each forecast, shape (m,).
    """

    name: Any
    forecast: Vector
    frequency: Vector
    low: Vector
    high: Vector
    weight: Vector

    def _cells(self) -> dict[str, str]:
        return {
            "name": "all classes" if self.name is None else value_text(self.name),
            "forecasts": f"{len(self.forecast):,}",
            "weight": f"{float(self.weight.sum()):,.6g}",
        }


@final
@dataclass(frozen=True, eq=False, repr=False)
class LossReport(Displayed):
    """A classifier's cross-entropy (log loss) on rows that it was not trained on, decomposed.

        H(Y) = explained + cross-entropy;    cross-entropy = refinement + calibration
        cross-entropy = irreducible loss + relative entropy, where the irreducible loss H(Y | X) is
        known or estimated

    The relative entropy is the excess loss over the irreducible loss. ``print(report)`` shows the
    table, ``report.plot()`` the figure, ``report.report(path)`` writes both as one HTML page.

    Attributes:
        label: the name of the outcome.
        source: where the probabilities come from.
        classes: the class labels, in the order of the probabilities' columns.
        rows: the number of rows.
        weight: their total weight.
        unit: nats, bits or hartleys, of all losses and entropies.
        cross_entropy: the log loss, mean of −log q(label); +inf if some label has probability 0.
        label_entropy: H(Y) of these rows' labels: the loss of the baseline (class shares).
        explained: label_entropy − cross_entropy, paired.
        accuracy: share of rows whose most probable class is correct.
        brier_score: mean of Σ_k (q_k − 1[label = k])², from 0 to 2: twice the score of two classes
            that counts only one of them. Source: G. W. Brier (1950), Monthly Weather Review 78.
        refinement: cross-entropy after the best recalibration, cross-fitted; NaN if too few rows
            count to fit one.
        calibration: cross_entropy − refinement; never negative, as "none" is among the maps; +inf
            if only a map makes the loss finite; NaN like the refinement.
        recalibrations: all maps that could be fitted.
        irreducible_loss: estimate of H(Y | X) by its ``method``; None if it is not estimated.
        relative_entropy: the excess loss, cross_entropy − irreducible_loss; None likewise.
        irreducible_loss_note: why the irreducible loss is not estimated; empty if it is.
        impossible: indices of the rows whose label has probability 0.
        losses: −log q(label) of each row, in ``unit``, shape (rows,).
        labels: index of each row's label in ``classes``, shape (rows,); of soft labels or votes
            that of the most frequent one.
        probabilities: as given, shape (rows, K).
        by_class: a loss report of each class.
        slices: a loss report of each value of the requested columns, by column.
        curves: reliability curves: of all classes pooled, then of each class.
        notes: warnings, a sentence each.
        features: the columns of X that are neither outcome nor weights.
        history: the epochs of the training, of a fit with networks.
    """

    label: str
    source: str
    classes: tuple[Any, ...]
    rows: int
    weight: float
    unit: str
    cross_entropy: Estimate
    label_entropy: Estimate
    explained: Estimate
    accuracy: float
    brier_score: float
    refinement: Estimate
    calibration: Estimate
    recalibrations: tuple[Recalibration, ...]
    irreducible_loss: Estimate | None
    relative_entropy: Estimate | None
    irreducible_loss_note: str
    impossible: tuple[int, ...]
    losses: Vector
    labels: NDArray[np.intp]
    probabilities: NDArray[np.float64]
    by_class: tuple[Group, ...]
    slices: Mapping[str, tuple[Group, ...]]
    curves: tuple[Curve, ...]
    notes: tuple[str, ...]
    features: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    history: tuple[Epoch, ...] = ()

    def __post_init__(self) -> None:
        """Let the tuples of results show themselves as tables."""
        for name in ("recalibrations", "by_class", "curves"):
            object.__setattr__(self, name, Entries(getattr(self, name)))
        slices = {name: Entries(groups) for name, groups in self.slices.items()}
        object.__setattr__(self, "slices", slices)

    def to(self, unit: str) -> LossReport:
        """Return the same report in another unit.

        Args:
            unit: nats, bits or hartleys.

        Raises:
            KullbackError: for another unit.
        """
        factor = nats_per(self.unit) / nats_per(unit)
        return replace(
            self,
            unit=unit,
            cross_entropy=self.cross_entropy.to(unit),
            label_entropy=self.label_entropy.to(unit),
            explained=self.explained.to(unit),
            refinement=self.refinement.to(unit),
            calibration=self.calibration.to(unit),
            recalibrations=tuple(
                Recalibration(r.name, r.cross_entropy.to(unit), r.gain.to(unit))
                for r in self.recalibrations
            ),
            irreducible_loss=None
            if self.irreducible_loss is None
            else self.irreducible_loss.to(unit),
            relative_entropy=(
                None if self.relative_entropy is None else self.relative_entropy.to(unit)
            ),
            losses=self.losses * factor,
            by_class=tuple(_converted(group, unit) for group in self.by_class),
            slices={
                name: tuple(_converted(group, unit) for group in groups)
                for name, groups in self.slices.items()
            },
        )

    @property
    def shares(self) -> Vector:
        """Share of each class in the rows' weight, shape (K,): the baseline's probabilities."""
        return np.array([group.weight for group in self.by_class]) / self.weight

    @property
    def brier_baseline(self) -> float:
        """The Brier score of the baseline (class shares): 1 − Σ π_k²."""
        return 1.0 - float(self.shares @ self.shares)

    def confusion(self) -> NDArray[np.intp]:
        """Count rows by label (first axis) and most probable class, shape (K, K)."""
        k = len(self.classes)
        pairs = self.labels * k + self.probabilities.argmax(axis=1)
        return np.bincount(pairs, minlength=k * k).reshape(k, k)

    @property
    def relative_entropy_note(self) -> str:
        """How to read the relative entropy, for tables; empty if it is not estimated."""
        if self.relative_entropy is None:
            return ""
        value, error = float(self.relative_entropy), self.relative_entropy.stderr
        if value > 0.0 or math.isnan(value):
            return "excess loss over the irreducible loss"
        if value > -2.0 * error:
            return "within two standard errors of zero"
        return "below zero by over two standard errors: the irreducible loss is overestimated"

    def worst(self, count: int = 10) -> tuple[int, ...]:
        """Indices of the rows with the largest losses, in descending order.

        Wrong labels are usually among them.

        Args:
            count: the number of rows.
        """
        order = np.argsort(-self.losses, kind="stable")
        return tuple(order[:count].tolist())

    def worst_rows(self, count: int = 10) -> tuple[RowLoss, ...]:
        """The same rows with their labels and predictions.

        Args:
            count: the number of rows.
        """

        def row_loss(row: int) -> RowLoss:
            q, label = self.probabilities[row], int(self.labels[row])
            best = int(np.argmax(q))
            return RowLoss(
                row,
                self.classes[label],
                self.classes[best],
                float(q[best]),
                float(q[label]),
                float(self.losses[row]),
                {name: values[row] for name, values in self.features.items()},
            )

        return Entries(row_loss(row) for row in self.worst(count))

    def plot(self) -> Any:
        """Draw the loss report as a matplotlib figure."""
        return loss_report_figure(self)

    def report(self, path: str | os.PathLike[str]) -> None:
        """Write the loss report as one self-contained HTML page.

        Args:
            path: of the file.
        """
        need("plot", "the page's figures")
        write_loss_report(self, path)

    def __str__(self) -> str:
        """Format the loss report as a table."""
        note = self.irreducible_loss_note
        tail = [f"irreducible loss not estimated: {note}"] if note else []
        return "\n".join([self._heading, str(self._table), *tail, *self.notes])

    __repr__ = __str__

    def _display(self) -> Display:
        note = self.irreducible_loss_note
        tail = [f"irreducible loss not estimated: {note}"] if note else []
        return Display(self._heading, [self._table], [*tail, *self.notes])

    @property
    def _heading(self) -> str:
        entropy = float(self.label_entropy)
        share = float(self.explained) / entropy if entropy > 0.0 else math.nan
        explained = f", {100 * share:.1f}% of the label explained" if math.isfinite(share) else ""
        return (
            f"{self.label}: {self.rows:,} rows, {len(self.classes)} classes, accuracy "
            f"{100 * self.accuracy:.2f}%{explained}"
        )

    @property
    def lines(self) -> tuple[tuple[str, Estimate, str], ...]:
        """Name, estimate and note of each line of the decomposition."""
        lines = [
            ("entropy of the label", self.label_entropy, "baseline: loss of the class shares"),
            ("explained", self.explained, "entropy of the label − cross-entropy"),
            ("cross-entropy", self.cross_entropy, "log loss: mean of −log q(label)"),
            ("  refinement", self.refinement, "loss after the best recalibration"),
            ("  calibration", self.calibration, self.calibration.method),
        ]
        if self.irreducible_loss is not None and self.relative_entropy is not None:
            lines += [
                ("irreducible loss", self.irreducible_loss, self.irreducible_loss.method),
                ("relative entropy", self.relative_entropy, self.relative_entropy_note),
            ]
        return tuple(lines)

    @property
    def _table(self) -> Table:
        low, high = f"{100 * self.cross_entropy.level:.4g}%: from", "to"
        rows = []
        for name, estimate, note in self.lines:
            numbers = (estimate.value, estimate.stderr, *estimate.interval)
            rows.append((name, *(_number(float(x)) for x in numbers), note))
        return Table(rows, ("", self.unit, "std. error", low, high, ""), range(1, 5))


def _converted(group: Group, unit: str) -> Group:
    return replace(
        group, cross_entropy=group.cross_entropy.to(unit), explained=group.explained.to(unit)
    )


def _number(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.6f}"


def _short(estimate: Estimate) -> str:
    return "" if math.isnan(float(estimate)) else f"{float(estimate):.4g}"
