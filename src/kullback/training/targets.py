"""The targets of a training: outcomes, or labels with class weights and smoothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from kullback._core.arrays import Vector
from kullback._core.errors import ModelError
from kullback.data.observation import RowKind, Soft
from kullback.data.sample import ArraySample
from kullback.results.trained import CLASS_WEIGHTS
from kullback.solvers.minibatch import Minibatch

# How many classes a message lists.
_SHOWN = 5


@final
@dataclass(frozen=True, eq=False)
class Targets:
    """The map from observed outcomes to the targets of a training.

    Attributes:
        observed_kind: the kind of the rows.
        training_kind: the kind that they are trained as: smoothed labels are class shares.
        class_weights: the weight of each class; None for outcomes that are numbers.
        smoothing: the share of every label that is spread over all classes.
        class_shares: the shares of the classes among the rows as they are; None for numbers.
        trained_shares: the same with class weights; None for numbers.
    """

    observed_kind: RowKind
    training_kind: RowKind
    class_weights: Vector | None
    smoothing: float
    class_shares: Vector | None
    trained_shares: Vector | None

    @classmethod
    def of(cls, sample: ArraySample, weight: Vector, solver: Minibatch) -> Targets:
        """Set up the targets of a sample."""
        levels = sample.levels
        if levels is None:
            if solver.class_weight is not None or solver.label_smoothing:
                raise ModelError("class_weight and label_smoothing need a model of classes.")
            return cls(sample.kind, sample.kind, None, 0.0, None, None)
        totals = weight @ shares_of(sample.kind, sample.fields, len(levels))
        factors = class_factors(solver.class_weight, levels, sample.label, totals)
        soft = isinstance(sample.kind, Soft) or solver.label_smoothing > 0.0
        weighted = totals * factors
        if not weighted.sum() > 0.0:
            raise ModelError("class_weight gives a weight of 0 to every class of the sample.")
        return cls(
            sample.kind,
            Soft(len(levels)) if soft else sample.kind,
            factors,
            solver.label_smoothing,
            totals / totals.sum(),
            weighted / weighted.sum(),
        )

    @property
    def log_odds_added(self) -> Vector | None:
        """What class weights add to a network's logits, shape (K,); None where they are equal.

        A network trained with weights f has the probabilities f p / Σ f p. A class of weight 0 was
        not trained: nothing puts its probability back, and 0 stands here.
        """
        f = self.class_weights
        if f is None or np.all(f == f[0]):
            return None
        logs = np.log(np.where(f > 0.0, f, 1.0))
        out: Vector = logs - logs.mean()
        return out

    def about_class_weights(self, levels: Sequence[Any], *, put_back: bool) -> str:
        """Report what the class weights did, for the reason of a training; empty without any."""
        if self.log_odds_added is None or self.class_weights is None:
            return ""
        assert self.class_shares is not None
        assert self.trained_shares is not None
        weights = [f"{f:.4g} for {k!r}" for k, f in zip(levels, self.class_weights, strict=True)]
        more = f" and {len(weights) - _SHOWN:,} more" if len(weights) > _SHOWN else ""
        text = f"; {CLASS_WEIGHTS} ({', '.join(weights[:_SHOWN])}{more}) were used in training only"
        if put_back:
            others = " of the other classes" if np.any(self.class_weights == 0.0) else ""
            text += f", and the probabilities{others} are put back to the shares of the rows"
        else:
            k = int(np.argmax(self.trained_shares - self.class_shares))
            text += (
                f": the probabilities are those of rows weighted so, among which {levels[k]!r} has "
                f"{100.0 * self.trained_shares[k]:.3g} % and not "
                f"{100.0 * self.class_shares[k]:.3g} %; with a calibration they are put back"
            )
        untrained = [repr(k) for k, f in zip(levels, self.class_weights, strict=True) if f == 0.0]
        if untrained:
            share = 100.0 * float(self.class_shares[self.class_weights == 0.0].sum())
            text += (
                f"; not trained because of weight 0: {', '.join(untrained[:_SHOWN])}, whose "
                f"probabilities cannot be put back to their {share:.3g} % of the rows by any "
                "calibration: give a weight above 0"
            )
        return text

    def columns(self, fields: Mapping[str, Vector], weight: Vector) -> tuple[dict[str, Any], Any]:
        """Return the outcome's columns as they are trained on, and the rows' weights."""
        if self.class_weights is None:
            return {name: fields[name] for name in self.observed_kind.fields}, weight
        if not isinstance(self.training_kind, Soft):
            codes = fields["y"].astype(np.intp)
            return {"y": fields["y"]}, weight * self.class_weights[codes]
        count = len(self.class_weights)
        shares = shares_of(self.observed_kind, fields, count)
        if self.log_odds_added is not None:  # weights of the labels, which are then smoothed
            shares = shares * self.class_weights
            total = shares.sum(axis=1)
            shares = shares / np.where(total > 0.0, total, 1.0)[:, None]
            weight = weight * total
        shares = (1.0 - self.smoothing) * shares + self.smoothing / count
        names = self.training_kind.fields
        return {n: np.ascontiguousarray(shares[:, k]) for k, n in enumerate(names)}, weight

    def held_out(self, fields: Mapping[str, Vector], weight: Vector) -> tuple[Any, Vector]:
        """Return held-out targets and weights of the rows as they are: no class weights.

        Targets are codes of the classes, shape (n,), or their shares, shape (n, K); where outcomes
        are numbers, the numbers.
        """
        if self.class_weights is None:
            return fields[self.observed_kind.fields[0]], weight
        shares = shares_of(self.observed_kind, fields, len(self.class_weights))
        return (shares if isinstance(self.observed_kind, Soft) else fields["y"]), weight


def shares_of(kind: RowKind, fields: Mapping[str, Vector], count: int) -> Vector:
    """Each row's shares of the classes, shape (n, K)."""
    if isinstance(kind, Soft):
        return np.stack([fields[name] for name in kind.fields], axis=1)
    return np.eye(count)[fields["y"].astype(np.intp)]


def entropy_of(shares: Vector) -> float:
    """The entropy of shares, in nats."""
    positive = shares[shares > 0.0]
    return float(-np.sum(positive * np.log(positive)))


def class_factors(class_weight: Any, levels: Sequence[Any], label: str, totals: Vector) -> Vector:
    """The weight of each class, from the option and the total weight of its rows."""
    if class_weight is None:
        return np.ones(len(levels))
    if isinstance(class_weight, str):
        if class_weight != "balanced":
            raise ModelError(
                f'class_weight={class_weight!r} must be "balanced" or a weight by class.'
            )
        with np.errstate(divide="ignore"):
            return np.where(totals > 0.0, totals.sum() / (len(levels) * totals), 1.0)
    unknown = [name for name in class_weight if name not in levels]
    if unknown:
        raise ModelError(
            f"class_weight names {unknown[0]!r}, which is not a class of {label}; the classes "
            f"are {', '.join(map(repr, levels[:20]))}"
        )
    factors = np.array([float(class_weight.get(name, 1.0)) for name in levels])
    if not np.all(np.isfinite(factors)) or np.any(factors < 0.0) or not np.any(factors > 0.0):
        raise ModelError("class_weight needs weights of at least 0 that are not all 0.")
    return factors
