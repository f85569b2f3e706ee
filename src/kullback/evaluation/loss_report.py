"""The loss report: a classifier's held-out cross-entropy, and what it is made of, as data."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from kullback._core.arrays import Vector
from kullback._core.extras import need
from kullback._core.units import nats_per
from kullback.information.estimate import Estimate
from kullback.report.loss_report_page import write_loss_report
from kullback.report.loss_report_plots import loss_report_figure


@final
@dataclass(frozen=True)
class Recalibration:
    """What one way of recalibrating would do, on rows that it was not fitted to.

    Attributes:
        name: "none", "temperature", "vector" or "isotonic".
        cross_entropy: of the recalibrated probabilities, cross-fitted.
        gain: by how much that is less than the given probabilities' cross-entropy, paired.
    """

    name: str
    cross_entropy: Estimate
    gain: Estimate


@final
@dataclass(frozen=True)
class Group:
    """The loss report of some of the rows: a class, or a slice.

    Attributes:
        name: the class, or the slice's value, as the data write it.
        rows: how many rows.
        weight: their total weight.
        cross_entropy: over these rows.
        explained: how much less that is than what predicting the classes' shares costs on the
            same rows.
        accuracy: share of rows whose most probable class is theirs.
    """

    name: Any
    rows: int
    weight: float
    cross_entropy: Estimate
    explained: Estimate
    accuracy: float


@final
@dataclass(frozen=True)
class CostlyRow:
    """A row and what it cost.

    Attributes:
        row: its number, counted from zero.
        label: its label; of soft labels or votes the most frequent one.
        predicted: the most probable class.
        confidence: the probability that this class was given.
        probability: the probability that the label was given.
        loss: −log q, in the loss report's unit.
    """

    row: int
    label: Any
    predicted: Any
    confidence: float
    probability: float
    loss: float


@final
@dataclass(frozen=True, eq=False)
class Curve:
    """A CORP reliability curve: isotonic regression of "the label is this class" on the forecast.

    Source: T. Dimitriadis, T. Gneiting, A. I. Jordan (2021), PNAS 118.

    Attributes:
        name: the class; None for all classes pooled: "the label is k" on k's probability, all k.
        forecast: distinct forecast probabilities, ascending, shape (m,).
        frequency: recalibrated probability at each, shape (m,).
        low: lower end of the band in which the curve would lie if the forecasts were calibrated.
        high: upper end of it.
        weight: weight of the rows at each forecast, shape (m,).
    """

    name: Any
    forecast: Vector
    frequency: Vector
    low: Vector
    high: Vector
    weight: Vector


@final
@dataclass(frozen=True, eq=False)
class LossReport:
    """A classifier's cross-entropy on rows that it did not see, and what it is made of.

        H(Y) = explained + cross-entropy;    cross-entropy = refinement + calibration
        cross-entropy = irreducible loss + relative entropy, where the irreducible loss H(Y | X) is
        known or estimated

    ``print(report)`` shows the table, ``report.plot()`` the pictures, ``report.report(path)``
    writes both as one HTML page.

    Attributes:
        label: the name of the outcome.
        source: where the probabilities come from, in words.
        classes: the class labels, in the order of the probabilities' columns.
        rows: how many rows.
        weight: their total weight.
        unit: nats, bits or hartleys: of every number here.
        cross_entropy: mean of −log q(label); +inf where a label was given probability 0.
        label_entropy: H(Y) of these rows' labels: the loss of the class shares.
        explained: label_entropy − cross_entropy, paired.
        accuracy: share of rows whose most probable class is theirs.
        refinement: cross-entropy that is left after the best recalibration, cross-fitted.
        calibration: what that recalibration removes: never negative, as doing nothing is a choice.
        recalibrations: every choice.
        irreducible_loss: estimate of H(Y | X), marked as what it is by its ``method``; None if
            there is none.
        relative_entropy: cross_entropy − irreducible loss; None where there is no irreducible loss.
        no_irreducible_loss: why there is none, in words; empty where there is one.
        impossible: numbers of the rows whose label was given probability 0.
        losses: −log q(label) of each row, in ``unit``, shape (rows,).
        labels: of each row the place of its label among the classes, shape (rows,); of soft labels
            or votes the most frequent one.
        probabilities: as they were given, shape (rows, K).
        by_class: a loss report of each class.
        slices: a loss report of each value of the columns that were asked for, by column.
        curves: reliability curves: all classes pooled first, then one a class.
        notes: what to beware of, a sentence each.
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
    refinement: Estimate
    calibration: Estimate
    recalibrations: tuple[Recalibration, ...]
    irreducible_loss: Estimate | None
    relative_entropy: Estimate | None
    no_irreducible_loss: str
    impossible: tuple[int, ...]
    losses: Vector
    labels: NDArray[np.intp]
    probabilities: NDArray[np.float64]
    by_class: tuple[Group, ...]
    slices: Mapping[str, tuple[Group, ...]]
    curves: tuple[Curve, ...]
    notes: tuple[str, ...]

    def to(self, unit: str) -> LossReport:
        """Give the same report in another unit.

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
    def waste(self) -> str:
        """What the relative entropy says, in words; empty where there is none."""
        if self.relative_entropy is None:
            return ""
        value, error = float(self.relative_entropy), self.relative_entropy.stderr
        if value > 0.0 or math.isnan(value):
            return "what the classifier wastes"
        if value > -2.0 * error:
            return "within its error of zero"
        return "below zero by more than its error: the irreducible loss is estimated too high"

    def worst(self, count: int = 10) -> tuple[int, ...]:
        """Numbers of the rows with the largest losses, worst first: look there for wrong labels.

        Args:
            count: how many.
        """
        order = np.argsort(-self.losses, kind="stable")
        return tuple(order[:count].tolist())

    def worst_rows(self, count: int = 10) -> tuple[CostlyRow, ...]:
        """The same rows, with their labels and what was predicted.

        Args:
            count: how many.
        """

        def told(row: int) -> CostlyRow:
            q, label = self.probabilities[row], int(self.labels[row])
            best = int(np.argmax(q))
            return CostlyRow(
                row,
                self.classes[label],
                self.classes[best],
                float(q[best]),
                float(q[label]),
                float(self.losses[row]),
            )

        return tuple(told(row) for row in self.worst(count))

    def plot(self) -> Any:
        """Draw the loss report: a matplotlib figure."""
        need("plot", "pictures")
        return loss_report_figure(self)

    def report(self, path: str | os.PathLike[str]) -> None:
        """Write the loss report as one HTML page that needs no other file.

        Args:
            path: of the file.
        """
        need("plot", "the page's pictures")
        write_loss_report(self, path)

    def __str__(self) -> str:
        """Set the loss report out as a table."""
        lines = [
            ("entropy of the label", self.label_entropy, "the loss of the class shares"),
            ("explained", self.explained, "entropy of the label − cross-entropy"),
            ("cross-entropy", self.cross_entropy, "mean of −log q(label)"),
            ("  refinement", self.refinement, "what the best recalibration leaves"),
            ("  calibration", self.calibration, self.calibration.method),
        ]
        if self.irreducible_loss is not None and self.relative_entropy is not None:
            lines += [
                ("irreducible loss", self.irreducible_loss, self.irreducible_loss.method),
                ("relative entropy", self.relative_entropy, self.waste),
            ]
        low, high = f"{100 * self.cross_entropy.level:.4g}%: from", "to"
        rows = [("", self.unit, "std. error", low, high, "")]
        for name, estimate, note in lines:
            numbers = (estimate.value, estimate.stderr, *estimate.interval)
            a, b, c, d = (_number(float(x)) for x in numbers)
            rows.append((name, a, b, c, d, note))
        widths = [max(len(row[i]) for row in rows) for i in range(5)]
        table = [
            "  ".join(
                [
                    f"{row[0]:<{widths[0]}}",
                    *(f"{row[i]:>{widths[i]}}" for i in range(1, 5)),
                    row[5],
                ]
            ).rstrip()
            for row in rows
        ]
        entropy = float(self.label_entropy)
        share = float(self.explained) / entropy if entropy > 0.0 else math.nan
        head = (
            f"{self.label}: {self.rows:,} rows, {len(self.classes)} classes, accuracy "
            f"{100 * self.accuracy:.2f}%"
            + (f", {100 * share:.1f}% of the label explained" if math.isfinite(share) else "")
        )
        tail = (
            [f"no irreducible loss: {self.no_irreducible_loss}"] if self.no_irreducible_loss else []
        )
        return "\n".join([head, *table, *tail, *self.notes])


def _converted(group: Group, unit: str) -> Group:
    return replace(
        group, cross_entropy=group.cross_entropy.to(unit), explained=group.explained.to(unit)
    )


def _number(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.6f}"
