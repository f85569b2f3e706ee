"""Cross-fitted recalibration: each row's loss under a map fitted to the other folds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from kullback._core.arrays import Vector
from kullback.calibration.isotonic import fit_isotonic
from kullback.calibration.scaling import fit_temperature, fit_vector

Floats: TypeAlias = NDArray[np.float64]

FOLDS = 5
_FITS: Mapping[str, Callable[[Any, Any, Any], Any]] = {
    "temperature": fit_temperature,
    "vector": fit_vector,
    "isotonic": fit_isotonic,
}
NAMES = ("none", *_FITS)


def row_losses(log_probabilities: Floats, share: Floats) -> Vector:
    """The log loss −Σ p log q of each row: +inf where a class with a share has probability 0."""
    some = share > 0.0
    terms = np.where(some, share, 0.0) * np.where(some, log_probabilities, 0.0)
    out: Vector = -terms.sum(axis=1) + 0.0  # no −0
    return out


def folds(share: Floats, weight: Vector, seed: int) -> NDArray[np.int64]:
    """The fold of each row, 0 … FOLDS − 1; every class is spread evenly over the folds.

    Rows of weight zero are assigned after the others.
    """
    n = len(share)
    order = np.random.default_rng(seed).permutation(n)
    label = np.where(weight > 0.0, share.argmax(axis=1), share.shape[1])
    order = order[np.argsort(label[order], kind="stable")]
    fold = np.empty(n, dtype=np.int64)
    fold[order] = np.arange(n) % min(FOLDS, n)
    return fold


def cross_fitted(
    log_probabilities: Floats, share: Floats, weight: Vector, seed: int
) -> dict[str, Vector]:
    """Cross-fitted losses of each row under every recalibration, "none" first.

    Args:
        log_probabilities: shape (n, K).
        share: each row's proportions of the classes, shape (n, K).
        weight: weights of the rows.
        seed: of the folds.

    Returns:
        The losses by the recalibration's name: without maps if fewer than two rows count, and
        without the scalings, which leave probability 0 as it is, if too few rows have a finite loss
        to fit them.
    """
    by_name = {"none": row_losses(log_probabilities, share)}
    fold = folds(share, weight, seed)
    counted = weight > 0.0
    finite = counted & np.isfinite(by_name["none"])
    for name, fit in _FITS.items():
        usable = counted if name == "isotonic" else finite
        if len(np.unique(fold[usable])) < 2:
            continue
        mapped = np.empty(len(share))
        for k in np.unique(fold).tolist():
            held, rest = fold == k, fold != k
            fitted = fit(log_probabilities[rest], share[rest], weight[rest])
            mapped[held] = row_losses(fitted.apply(log_probabilities[held]), share[held])
        by_name[name] = mapped
    return by_name
