"""Held-out rows to recalibrate on: logits with hard or soft targets and weights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from kullback._core.errors import DataError

Floats: TypeAlias = NDArray[np.float64]

# Numbers that are worked on together: 256 KiB, which stay in a core's cache.
_CELLS = 1 << 15


def log_softmax(logits: Floats) -> Floats:
    """Log-probabilities of logits along the last axis; −inf stays −inf."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    total: Floats = np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return np.asarray(shifted - total)


@final
@dataclass(frozen=True, eq=False)
class Rows:
    """Rows to fit to.

    Attributes:
        logits: logits less the row's largest, 0 where they are −inf.
        dead: where they are −inf; None where nowhere.
        largest: the row's largest logit.
        targets: probabilities of the classes times the weight, 1 in all.
        weight: sums of the targets' rows.
        size: Kish's effective number of rows, (Σw)²/Σw².
        notes: what to beware of.
    """

    logits: Floats
    dead: NDArray[np.bool_] | None
    largest: Floats
    targets: Floats
    weight: Floats
    size: float
    notes: tuple[str, ...]

    @classmethod
    def of(cls, logits: Any, targets: Any, weight: Any) -> Rows:
        """Check and prepare what was given.

        Raises:
            DataError: shapes that do not go together, NaN or +inf among the numbers, or no weight.
        """
        given, share = checked(logits, targets, weight)
        dead: NDArray[np.bool_] | None = np.isneginf(given)
        notes: tuple[str, ...] = ()
        if dead is not None and dead.any():
            lost = ((share > 0.0) & dead).any(axis=1)
            if lost.any():
                # such a row costs +inf at any scale and so has no say in it
                share[lost] = 0.0
                notes = (
                    f"{int(lost.sum()):,} rows gave their label probability 0, which no scaling "
                    "changes: they cost +inf all the same, and had no say in the scale",
                )
        else:
            dead = None
        each = share.sum(axis=1)
        total = float(each.sum())
        if not total > 0.0:
            raise DataError("no row with a weight above zero gives its label a probability above 0")
        kept = each > 0.0
        if not kept.all():
            given, share, each = given[kept], share[kept], each[kept]
            dead = None if dead is None else dead[kept]
        largest = given.max(axis=1)
        moved = given - largest[:, None]
        if dead is not None:
            moved[dead] = 0.0
        size = total * total / float(each @ each)
        return cls(moved, dead, largest, share / total, each / total, size, notes)

    def thinned(self, step: int) -> Rows:
        """Every ``step``-th row, of weight 1 in all."""
        part = slice(None, None, step)
        total = float(self.weight[part].sum())
        dead = None if self.dead is None else self.dead[part]
        return Rows(
            self.logits[part],
            dead,
            self.largest[part],
            self.targets[part] / total,
            self.weight[part] / total,
            self.size / step,
            self.notes,
        )

    def parts(self) -> Iterator[slice]:
        """Runs of rows that fit a core's cache."""
        n, classes = self.logits.shape
        step = max(_CELLS // classes, 1)
        for first in range(0, n, step):
            yield slice(first, min(first + step, n))


def checked(logits: Any, targets: Any, weight: Any) -> tuple[Floats, Floats]:
    """Check what was given: the logits, and the targets as probabilities times the weight.

    Raises:
        DataError: shapes that do not go together, NaN or +inf among the numbers.
    """
    given = np.asarray(logits, dtype=np.float64)
    if given.ndim != 2 or given.size == 0:
        raise DataError(f"logits must have the shape (rows, classes), not {given.shape}")
    n, classes = given.shape
    if not np.isfinite(given.max(axis=1)).all():  # NaN where any is, −inf where all are
        raise DataError("logits must be numbers below infinity, with a finite one in each row")
    weights = np.ones(n) if weight is None else np.asarray(weight, np.float64)
    if weights.shape != (n,) or not np.isfinite(weights).all() or (weights < 0.0).any():
        raise DataError(f"weights must be {n:,} finite numbers that are not negative")
    return given, _shares(np.asarray(targets), n, classes) * weights[:, None]


def _shares(targets: NDArray[Any], n: int, classes: int) -> Floats:
    """Targets as probabilities of the classes, a fresh array."""
    if targets.shape == (n, classes):
        share = np.array(targets, dtype=np.float64)
        if not np.isfinite(share).all() or (share < 0.0).any():
            raise DataError("probabilities of the targets must be finite and not negative")
        return share
    if targets.shape != (n,):
        raise DataError(
            f"targets must have the shape ({n},) or ({n}, {classes}), not {targets.shape}"
        )
    codes = targets.astype(np.int64)
    if (codes != targets).any() or codes.min() < 0 or codes.max() >= classes:
        raise DataError(f"targets must be codes of the classes, 0 to {classes - 1}")
    share = np.zeros((n, classes))
    share[np.arange(n), codes] = 1.0
    return share
