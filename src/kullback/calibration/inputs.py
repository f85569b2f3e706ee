"""The inputs of a recalibration: held-out logits with hard or soft targets and weights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from kullback._core.errors import DataError

Floats: TypeAlias = NDArray[np.float64]

# A search starts on about this many rows and ends a step or two from the minimum of all rows.
FIRST_ROWS = 4096
# Numbers of a block: 256 KiB, which fit a core's cache.
_CELLS = 1 << 15


def log_softmax(logits: Floats) -> Floats:
    """Log-probabilities of logits along the last axis; −inf stays −inf."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    total: Floats = np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return np.asarray(shifted - total)


@final
@dataclass(frozen=True, eq=False)
class CalibrationRows:
    """Rows to fit a recalibration to.

    Attributes:
        logits: logits less the row's largest, 0 where they are −inf.
        impossible: where they are −inf; None if none is.
        largest: the row's largest logit.
        targets: probabilities of the classes times the row's weight; they sum to 1.
        weight: row sums of the targets.
        size: Kish's effective number of rows, (Σw)²/Σw².
        notes: warnings, a sentence each.
    """

    logits: Floats
    impossible: NDArray[np.bool_] | None
    largest: Floats
    targets: Floats
    weight: Floats
    size: float
    notes: tuple[str, ...]

    @classmethod
    def of(cls, logits: Any, targets: Any, weight: Any) -> CalibrationRows:
        """Check and prepare logits, targets and weights.

        Raises:
            DataError: shapes that do not match, NaN or +inf among the numbers, or no positive
                weight.
        """
        given, share = check_inputs(logits, targets, weight)
        impossible: NDArray[np.bool_] | None = np.isneginf(given)
        notes: tuple[str, ...] = ()
        if impossible is not None and impossible.any():
            excluded = ((share > 0.0) & impossible).any(axis=1)
            if excluded.any():
                # such a row costs +inf at any scale, so the scale does not depend on it
                share[excluded] = 0.0
                notes = (
                    f"{int(excluded.sum()):,} rows gave their label probability 0, which no "
                    "scaling changes: they cost +inf and were not used to fit the scale",
                )
        else:
            impossible = None
        row_weight = share.sum(axis=1)
        total = float(row_weight.sum())
        if not total > 0.0:
            raise DataError("no row of positive weight gives its label a positive probability")
        used = row_weight > 0.0
        if not used.all():
            given, share, row_weight = given[used], share[used], row_weight[used]
            impossible = None if impossible is None else impossible[used]
        largest = given.max(axis=1)
        shifted = given - largest[:, None]
        if impossible is not None:
            shifted[impossible] = 0.0
        size = total * total / float(row_weight @ row_weight)
        return cls(shifted, impossible, largest, share / total, row_weight / total, size, notes)

    def thinned(self, step: int) -> CalibrationRows:
        """Every ``step``-th row, with weights that sum to 1."""
        part = slice(None, None, step)
        total = float(self.weight[part].sum())
        impossible = None if self.impossible is None else self.impossible[part]
        return CalibrationRows(
            self.logits[part],
            impossible,
            self.largest[part],
            self.targets[part] / total,
            self.weight[part] / total,
            self.size / step,
            self.notes,
        )

    def blocks(self) -> Iterator[slice]:
        """Yield runs of rows that fit a core's cache."""
        n, classes = self.logits.shape
        step = max(_CELLS // classes, 1)
        for first in range(0, n, step):
            yield slice(first, min(first + step, n))


def check_inputs(logits: Any, targets: Any, weight: Any) -> tuple[Floats, Floats]:
    """Check the inputs; return the logits, and the targets as probabilities times the weight.

    Raises:
        DataError: shapes that do not match, NaN or +inf among the numbers.
    """
    given = np.asarray(logits, dtype=np.float64)
    if given.ndim != 2 or given.size == 0:
        raise DataError(f"logits must have the shape (rows, classes), got {given.shape}")
    n, classes = given.shape
    if not np.isfinite(given.max(axis=1)).all():  # NaN if any is, −inf if all are
        raise DataError("logits must be below infinity and not NaN, with a finite one in each row")
    weights = np.ones(n) if weight is None else np.asarray(weight, np.float64)
    if weights.shape != (n,) or not np.isfinite(weights).all() or (weights < 0.0).any():
        raise DataError(f"weights must be {n:,} finite numbers of at least 0")
    return given, _shares(np.asarray(targets), n, classes) * weights[:, None]


def _shares(targets: NDArray[Any], n: int, classes: int) -> Floats:
    """Targets as probabilities of the classes, in a new array."""
    if targets.shape == (n, classes):
        share = np.array(targets, dtype=np.float64)
        if not np.isfinite(share).all() or (share < 0.0).any():
            raise DataError("probabilities of the targets must be finite and at least 0")
        return share
    if targets.shape != (n,):
        raise DataError(
            f"targets must have the shape ({n},) or ({n}, {classes}), got {targets.shape}"
        )
    codes = targets.astype(np.int64)
    if (codes != targets).any() or codes.min() < 0 or codes.max() >= classes:
        raise DataError(f"targets must be codes of the classes, 0 to {classes - 1}")
    share = np.zeros((n, classes))
    share[np.arange(n), codes] = 1.0
    return share
