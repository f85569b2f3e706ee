"""``evaluate``: the decomposition of a classifier's loss on held-out rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kullback._core.arrays import Vector
from kullback._core.errors import DataError, KullbackError
from kullback._core.units import nats_per
from kullback.data.checks import HERE, check_columns, count_of, shown_rows
from kullback.evaluation.bootstrap import Replicates, resample
from kullback.evaluation.curves import reliability_curves
from kullback.evaluation.groups import GroupEvaluator, class_groups, slice_groups
from kullback.evaluation.inputs import EvaluationInputs, Floats, read_inputs
from kullback.evaluation.irreducible_loss import IrreducibleLoss, estimate_irreducible_loss
from kullback.evaluation.loss_report import LossReport, Recalibration
from kullback.evaluation.recalibration import FOLDS, cross_fitted
from kullback.information.estimate import Estimate
from kullback.results.trained import TrainedFit

_PAIRED = "paired bootstrap of the rows"
_CROSS_FITTED = f"cross-fitted on {FOLDS} folds, {_PAIRED}"
_TOO_FEW = "too few rows to recalibrate"
# Rows named in a note.
_NAMED = 5


def evaluate(
    model_or_probabilities: Any,
    X: Any = None,  # noqa: N803  # its name in scikit-learn
    y: Any = None,
    *,
    weights: Any = None,
    classes: Any = None,
    slices: Sequence[str] = (),
    clusters: Any = None,
    unit: str = "nats",
    level: float = 0.95,
    seed: int = 0,
) -> LossReport:
    """Decompose a classifier's cross-entropy (log loss) on rows that it was not trained on.

    H(Y) = explained + cross-entropy, cross-entropy = refinement + calibration, and where the
    irreducible loss H(Y | X) can be estimated, cross-entropy = irreducible loss + relative entropy.
    Their intervals are percentile intervals of one paired bootstrap of the rows (1,000 replicates);
    the intervals of classes and slices are normal.

    *Recalibration* is cross-fitted: temperature, vector and isotonic maps are fitted to four fifths
    of the rows and scored on the rest. The one with the lowest loss is chosen, "none" among them,
    so ``calibration`` is never negative. If a map is chosen, its interval is not cut at 0: where it
    contains 0, there may be no gain. If "none" is chosen, the gain is 0, with an interval from 0 to
    the upper end of the best map's gain.

    *Nothing is clipped.* A row whose label has probability 0 costs +inf and is listed in
    ``impossible`` and ``notes``.

    Args:
        model_or_probabilities: probabilities, shape (n, K), or (n,) for the second of two classes;
            or a fitted model with ``predict_proba`` and ``classes_``. A row's sum may be off 1 by
            the rounding of float32, 2⁻²⁰ + K·2⁻²⁴; rows are not renormalised. Columns of a table
            that are named like the labels are matched by name, in any order, those of y too;
            otherwise they are taken in the order of the classes, and ``notes`` says so.
        X: the features: an array, a table, a mapping of names to arrays, or a path. Needed for a
            model, for ``slices``, and for the irreducible loss if each row has one label.
        y: the labels, shape (n,); or the name of their column of X, and then the other columns are
            the features; or soft labels, shape (n, K); or counts of annotators' votes, shape
            (n, K). Every row counts once, whatever its number of votes.
        weights: of the rows: numbers, or the name of a column of X.
        classes: the labels in the order of the probabilities' columns; by default the model's, or
            the names of a table's columns, or the codes 0 … K − 1, or the sorted labels of y.
        slices: names of columns of X (x0, x1, ... of an array) to report value by value;
            columns of many numbers are cut at their quartiles.
        clusters: a column of X, or an array: rows of one value, such as a patient's, may depend on
            one another. Whole clusters are then resampled, and errors are those of clusters; the
            bands of reliability curves remain those of rows.
        unit: "nats", "bits" or "hartleys".
        level: of the intervals and bands.
        seed: of the folds, the bootstrap and the bands.

    Raises:
        DataError: invalid probabilities, labels or weights; the message lists their rows.
        KullbackError: an unknown unit, or a level outside (0, 1).

    Example:
        >>> import numpy as np
        >>> y = np.array([0, 1, 1, 0, 1, 0, 1, 1])
        >>> q = np.array([0.1, 0.8, 0.7, 0.3, 0.9, 0.4, 0.6, 0.2])
        >>> report = evaluate(q, y=y, unit="bits")
        >>> round(float(report.cross_entropy), 6), report.worst(2)
        (0.681367, (7, 5))
    """
    size = nats_per(unit)
    if not 0.0 < level < 1.0:
        raise KullbackError(f"level must lie in (0, 1), got {level!r}.")
    inputs = read_inputs(model_or_probabilities, X, y, weights, classes, clusters)
    if slices and inputs.table is None:
        raise DataError("slices are columns of X, but X was not given")
    if inputs.table is not None:
        check_columns(slices, inputs.table.names, "slices", inputs.table.description)
    labels, weight = inputs.labels, inputs.weight
    share, total = labels.share, float(weight.sum())
    with np.errstate(divide="ignore"):  # log 0 = −inf, which is reported below
        logs = np.log(inputs.probabilities)
    candidates = cross_fitted(logs, share, weight, seed)
    irreducible = estimate_irreducible_loss(inputs)
    bootstrap = _BootstrapEstimates(
        candidates,
        share,
        irreducible,
        weight,
        inputs.clusters,
        level=level,
        unit=unit,
        seed=seed,
    )
    recalibrations = tuple(bootstrap.recalibration(name) for name in candidates)
    chosen = _best_recalibration(recalibrations)
    impossible = np.flatnonzero(np.isinf(candidates["none"]) & (weight > 0.0))
    best = inputs.probabilities.argmax(axis=1)
    marginal = (weight @ share) / total
    with np.errstate(divide="ignore"):
        baseline = -np.log(marginal)
    evaluator = GroupEvaluator(
        -logs, share, weight, baseline, best, level, unit, size, inputs.clusters
    )
    cross_entropy = bootstrap.cross_entropy("none", _PAIRED)
    irreducible_estimate, relative = bootstrap.irreducible_loss(irreducible)
    by_slice = {
        name: slice_groups(evaluator, inputs.table.column(name), name)
        for name in slices
        if inputs.table is not None
    }
    correct = share[np.arange(len(share)), best]
    # the expected Σ_k (q_k − 1[label = k])² of a label drawn from the row's shares
    q = inputs.probabilities
    brier = (q * q).sum(axis=1) - 2.0 * (q * share).sum(axis=1) + share.sum(axis=1)
    return LossReport(
        label=inputs.label,
        source=inputs.source,
        classes=labels.classes,
        rows=len(share),
        weight=total,
        unit=unit,
        cross_entropy=cross_entropy,
        label_entropy=bootstrap.label_entropy(),
        explained=bootstrap.explained(),
        accuracy=float(weight @ correct) / total,
        brier_score=float(weight @ brier) / total,
        refinement=bootstrap.refinement(chosen),
        calibration=bootstrap.calibration(chosen, recalibrations),
        recalibrations=recalibrations,
        irreducible_loss=irreducible_estimate,
        relative_entropy=relative,
        irreducible_loss_note=irreducible.reason,
        impossible=tuple(impossible.tolist()),
        losses=candidates["none"] / size,
        labels=share.argmax(axis=1),
        probabilities=inputs.probabilities,
        by_class=class_groups(evaluator, labels.classes),
        slices=by_slice,
        curves=reliability_curves(
            inputs.probabilities, share, weight, labels.classes, level=level, seed=seed
        ),
        notes=_notes(inputs, impossible, marginal, irreducible_estimate, cross_entropy, candidates),
        features={name: inputs.table.column(name) for name in inputs.features}
        if inputs.table is not None
        else {},
        history=model_or_probabilities.history
        if isinstance(model_or_probabilities, TrainedFit)
        else (),
    )


class _BootstrapEstimates:
    """Weighted sums over the rows, resampled together, and the estimates computed from them."""

    def __init__(
        self,
        candidates: dict[str, Vector],
        share: Floats,
        irreducible: IrreducibleLoss,
        weight: Vector,
        clusters: NDArray[np.intp] | None,
        *,
        level: float,
        unit: str,
        seed: int,
    ) -> None:
        columns: list[Vector] = [np.ones(len(share))]
        self._column: dict[str, int] = {}

        def add(name: str, values: Vector) -> None:
            self._column[name] = len(columns)
            columns.append(values)

        def add_loss(name: str, values: Vector) -> None:
            infinite = np.isinf(values)
            add(name, np.where(infinite, 0.0, values))
            if infinite.any():
                add(f"infinite {name}", np.where(infinite, 1.0, 0.0))

        none = candidates["none"]
        for name, losses in candidates.items():
            add_loss(name, losses)
            # a row that costs +inf with and without the map has gain 0
            both = np.isinf(none) & np.isinf(losses)
            with np.errstate(invalid="ignore"):
                add_loss(f"gain {name}", np.where(both, 0.0, none - losses))
        if irreducible.entropies is not None:
            add("irreducible_loss", irreducible.entropies)
        self._first_class = len(columns)
        table = np.column_stack([*columns, share])
        size = nats_per(unit)
        self._all: Replicates = resample(
            table, weight, clusters, level=level, unit=unit, size=size, seed=seed
        )
        entropies = self._entropy(self._all.drawn)
        # the plug-in entropy of a resample is below that of the rows by ½ Σ var(π_k)/π_k, as much
        # as theirs is below the truth: the replicates are shifted back around the rows' own
        drawn = self._shares(self._all.drawn)
        own = self._shares(self._all.sums[None, :])[0]
        present = own > 0.0
        self._shift = 0.5 * float((drawn[:, present].var(axis=0) / own[present]).sum())
        self._drawn_entropy = entropies + self._shift

    def _mean(self, sums: Floats, name: str) -> Vector:
        mean: Vector = sums[:, self._column[name]] / sums[:, 0]
        infinite = self._column.get(f"infinite {name}")
        return mean if infinite is None else np.where(sums[:, infinite] > 0.0, np.inf, mean)

    def _shares(self, sums: Floats) -> Floats:
        part: Floats = sums[:, self._first_class :] / sums[:, :1]
        return part

    def _entropy(self, sums: Floats) -> Vector:
        part = self._shares(sums)
        logs = np.log(np.where(part > 0.0, part, 1.0))
        entropy: Vector = -(part * logs).sum(axis=1) + 0.0
        return entropy

    def cross_entropy(self, name: str, method: str) -> Estimate:
        return self._all.estimate(lambda sums: self._mean(sums, name), method)

    def recalibration(self, name: str) -> Recalibration:
        method = _PAIRED if name == "none" else _CROSS_FITTED
        gain = self._all.estimate(lambda sums: self._mean(sums, f"gain {name}"), method)
        return Recalibration(name, self.cross_entropy(name, method), gain)

    def refinement(self, chosen: str) -> Estimate:
        """The loss after the chosen map; NaN if there were too few rows to fit one."""
        if len([name for name in self._column if name.startswith("gain ")]) == 1:
            return self._all.unknown(_TOO_FEW)
        return self.cross_entropy(chosen, f"after recalibration: {chosen}; {_CROSS_FITTED}")

    def calibration(self, chosen: str, recalibrations: Sequence[Recalibration]) -> Estimate:
        """The gain of the chosen map; for "none" 0, up to the possible gain of the best map."""
        if chosen != "none":
            return self._all.estimate(
                lambda sums: self._mean(sums, f"gain {chosen}"), f"{chosen}, {_CROSS_FITTED}"
            )
        others = [r for r in recalibrations if r.name != "none"]
        method = f"no map lowers the loss, {_CROSS_FITTED}"
        own = self._all
        if not others:
            return own.unknown(_TOO_FEW)
        nearest = max(others, key=lambda r: float(r.gain.value)).gain
        high = max(float(nearest.interval[1]), 0.0)
        return Estimate(0.0, nearest.stderr, (0.0, high), method, own.unit, (), own.level)

    def label_entropy(self) -> Estimate:
        value = float(self._entropy(self._all.sums[None, :])[0])
        return self._all.of(value, self._drawn_entropy, f"plug-in, {_PAIRED}")

    def explained(self) -> Estimate:
        value = float(self._entropy(self._all.sums[None, :])[0])
        loss = float(self._mean(self._all.sums[None, :], "none")[0])
        drawn = self._drawn_entropy - self._mean(self._all.drawn, "none")
        return self._all.of(value - loss, drawn, _PAIRED)

    def irreducible_loss(
        self, irreducible: IrreducibleLoss
    ) -> tuple[Estimate | None, Estimate | None]:
        """The irreducible loss, and the relative entropy above it."""
        if irreducible.reason:
            return None, None
        every = self._all
        loss = self._mean(every.drawn, "none")
        value = float(self._mean(every.sums[None, :], "none")[0])
        if irreducible.entropies is not None:
            low = float(self._mean(every.sums[None, :], "irreducible_loss")[0])
            drawn = self._mean(every.drawn, "irreducible_loss")
        else:
            # a single number; its error is taken as independent of the cross-entropy's
            low = irreducible.value
            normal = np.random.default_rng(0).standard_normal(len(loss))
            drawn = low + irreducible.stderr * (normal - normal.mean()) / normal.std()
        return (
            every.of(low, drawn, irreducible.method, *irreducible.assumptions),
            every.of(value - low, loss - drawn, f"cross-entropy − irreducible loss, {_PAIRED}"),
        )


def _best_recalibration(recalibrations: Sequence[Recalibration]) -> str:
    """The map with the lowest loss; "none" first among equals."""
    best = recalibrations[0]
    for other in recalibrations[1:]:
        less = float(other.cross_entropy.value) < float(best.cross_entropy.value)
        # where rows cost +inf under both, the other rows decide
        same = float(other.cross_entropy.value) == float(best.cross_entropy.value)
        if less or (same and float(other.gain.value) > float(best.gain.value)):
            best = other
    return best.name


def _notes(
    inputs: EvaluationInputs,
    impossible: Any,
    marginal: Vector,
    irreducible: Estimate | None,
    cross_entropy: Estimate,
    candidates: dict[str, Vector],
) -> tuple[str, ...]:
    notes = list(inputs.labels.notes)
    if inputs.clusters is not None:
        notes.append(
            f"errors are those of {np.unique(inputs.clusters).size:,} clusters of rows; the bands "
            "of the reliability curves are those of rows"
        )
    if len(impossible):
        which = np.zeros(len(inputs.weight), dtype=bool)
        which[impossible] = True
        notes.append(
            f"{count_of(len(impossible), 'row')} gave the label probability 0, so the "
            f"cross-entropy is +inf: {shown_rows(which, HERE)}. Only isotonic recalibration "
            "corrects this"
        )
    absent = [name for name, part in zip(inputs.labels.classes, marginal, strict=True) if not part]
    if absent:
        names = ", ".join(str(name) for name in absent[:_NAMED])
        more = f" and {len(absent) - _NAMED} more" if len(absent) > _NAMED else ""
        notes.append(f"no row is of class {names}{more}")
    if int((marginal > 0.0).sum()) == 1:
        notes.append("all rows are of one class: H(Y) = 0")
    if irreducible is not None and float(irreducible.value) > float(cross_entropy.value):
        notes.append(
            "the estimated irreducible loss exceeds the cross-entropy: the estimate is too high, "
            "or the rows were used to train the classifier"
        )
    if len(candidates) == 1:
        notes.append(f"{_TOO_FEW}: refinement and calibration were not estimated")
    elif "temperature" not in candidates:
        notes.append(
            "too few rows give their label a positive probability to fit temperature and vector "
            "scaling, which leave probability 0 as it is"
        )
    if (inputs.weight == 0.0).any():
        notes.append(f"{count_of(int((inputs.weight == 0.0).sum()), 'row')} of weight 0 skipped")
    return tuple(notes)
