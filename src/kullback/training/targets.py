"""What of the outcomes is trained on: labels with class weights and smoothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from kullback._core.arrays import Vector
from kullback._core.errors import ModelError
from kullback.data.observation import RowKind, Soft
from kullback.data.sample import ArraySample
from kullback.solvers.minibatch import Minibatch


@final
@dataclass(frozen=True, eq=False)
class Targets:
    """How outcomes become what is trained on.

    Attributes:
        seen: the kind of the rows.
        trained: the kind that they are trained as: smoothed labels are shares of the classes.
        factors: the weight of each class; None for outcomes that are numbers.
        smoothing: the share of every label that is spread over all classes.
        shares: the weighted shares of the classes, class weights included; None for numbers.
    """

    seen: RowKind
    trained: RowKind
    factors: Vector | None
    smoothing: float
    shares: Vector | None

    @classmethod
    def of(cls, sample: ArraySample, weight: Vector, how: Minibatch) -> Targets:
        """Learn them from rows."""
        levels = sample.levels
        if levels is None:
            if how.class_weight is not None or how.label_smoothing:
                raise ModelError("class_weight and label_smoothing need a model of classes.")
            return cls(sample.kind, sample.kind, None, 0.0, None)
        totals = weight @ shares_of(sample.kind, sample.fields, len(levels))
        factors = _class_factors(how.class_weight, levels, sample.label, totals)
        soft = isinstance(sample.kind, Soft) or how.label_smoothing > 0.0
        weighted = totals * factors
        if not weighted.sum() > 0.0:
            raise ModelError("class_weight gives a weight of 0 to every class that was seen.")
        return cls(
            sample.kind,
            Soft(len(levels)) if soft else sample.kind,
            factors,
            how.label_smoothing,
            weighted / weighted.sum(),
        )

    def columns(self, fields: Mapping[str, Vector], weight: Vector) -> tuple[dict[str, Any], Any]:
        """Give the outcome's columns as they are trained on, and the rows' weights."""
        if self.factors is None:
            return {name: fields[name] for name in self.seen.fields}, weight
        if not isinstance(self.trained, Soft):
            codes = fields["y"].astype(np.intp)
            return {"y": fields["y"]}, weight * self.factors[codes]
        count = len(self.factors)
        shares = shares_of(self.seen, fields, count)
        shares = ((1.0 - self.smoothing) * shares + self.smoothing / count) * self.factors
        names = self.trained.fields
        return {n: np.ascontiguousarray(shares[:, k]) for k, n in enumerate(names)}, weight

    def held_out(self, fields: Mapping[str, Vector], weight: Vector) -> tuple[Any, Vector]:
        """Give what held-out rows are scored by: labels as they are, and weights with the classes'.

        Codes of the classes, shape (n,), or their shares, shape (n, K); where outcomes are numbers,
        the numbers.
        """
        if self.factors is None:
            return fields[self.seen.fields[0]], weight
        shares = shares_of(self.seen, fields, len(self.factors))
        targets = shares if isinstance(self.seen, Soft) else fields["y"]
        return targets, weight * (shares @ self.factors)


def shares_of(kind: RowKind, fields: Mapping[str, Vector], count: int) -> Vector:
    """Give each row's shares of the classes, shape (n, K)."""
    if isinstance(kind, Soft):
        return np.stack([fields[name] for name in kind.fields], axis=1)
    return np.eye(count)[fields["y"].astype(np.intp)]


def entropy_of(shares: Vector) -> float:
    """Give the entropy of shares, in nats."""
    seen = shares[shares > 0.0]
    return float(-np.sum(seen * np.log(seen)))


def _class_factors(given: Any, levels: Sequence[Any], label: str, totals: Vector) -> Vector:
    if given is None:
        return np.ones(len(levels))
    if isinstance(given, str):
        if given != "balanced":
            raise ModelError(f'class_weight={given!r} must be "balanced" or a weight by class.')
        with np.errstate(divide="ignore"):
            return np.where(totals > 0.0, totals.sum() / (len(levels) * totals), 1.0)
    unknown = [name for name in given if name not in levels]
    if unknown:
        raise ModelError(
            f"class_weight names {unknown[0]!r}, which is no class of {label}; the classes "
            f"are {', '.join(map(repr, levels[:20]))}"
        )
    factors = np.array([float(given.get(name, 1.0)) for name in levels])
    if not np.all(np.isfinite(factors)) or np.any(factors < 0.0) or not np.any(factors > 0.0):
        raise ModelError("class_weight needs weights of at least 0 that are not all 0.")
    return factors
