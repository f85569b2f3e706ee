"""Entropy estimates of the form log n − Σ n_i L(n_i) / n: their L, and many samples at once."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from kullback._core.arrays import Vector
from kullback.information.discrete.batched.cell_sums import CellSums


def grassberger_logarithm(count: Vector) -> Vector:
    """Grassberger's G(j) = ψ(j) + ½ (−1)^j [ψ((j + 1)/2) − ψ(j/2)] = ψ(⌊j/2⌋ + ½) + log 2."""
    from scipy.special import digamma

    return np.asarray(digamma(np.floor(0.5 * count) + 0.5) + math.log(2.0))


def plug_in_step(count: Vector) -> Vector:
    """The difference j log j − (j − 1) log(j − 1), which keeps its digits where j is large."""
    rest = np.where(count > 1.0, count - 1.0, 1.0)
    return np.asarray(np.log(count) + np.where(count > 1.0, rest * np.log(count / rest), 0.0))


def miller_madow_step(count: Vector) -> Vector:
    """The same with the term (k − 1)/2, which is smaller without a symbol that was seen once."""
    return np.asarray(plug_in_step(count) - 0.5 * (count == 1.0))


@final
@dataclass(frozen=True, eq=False)
class Additive:
    """An estimator of this form.

    Attributes:
        logarithm: L.
        step: j L(j) − (j − 1) L(j − 1): what a row of a symbol seen j times adds to the sum. For
            the standard error, so Grassberger's is that of Miller and Madow.
        corrected: whether (k − 1)/(2n) is added.
    """

    logarithm: Callable[[Vector], Vector]
    step: Callable[[Vector], Vector]
    corrected: bool = False


ADDITIVE: Mapping[str, Additive] = {
    "plug-in": Additive(np.log, plug_in_step),
    "miller-madow": Additive(np.log, miller_madow_step, corrected=True),
    "grassberger": Additive(grassberger_logarithm, miller_madow_step),
}


def of_many(counts: NDArray[Any], method: str) -> tuple[Vector, Vector, CellSums] | None:
    """Estimate the entropies of many samples, with the jackknife's variances.

    Args:
        counts: integers, shape (samples, symbols).
        method: one of `ADDITIVE`.

    Returns:
        Values, variances and the sums that they came from; None where this is not the way to them
        (see `CellSums.of`), or a sample has no rows.
    """
    form = ADDITIVE[method]
    # The spread of the steps is their mean square less their squared mean: taken from a typical
    # one, neither is large.
    first = counts[: max(1 << 12 // counts.shape[1], 1)].ravel()
    first = first[first > 0].astype(np.float64)
    centre = float(np.average(form.step(first), weights=first)) if first.size else 0.0

    def terms(count: Vector) -> Vector:
        step = form.step(count) - centre
        return np.stack([count * form.logarithm(count), count * step, count * step * step])

    found = CellSums.of(counts, terms)
    if found is None or not found.sizes.all():
        return None
    n = found.sizes
    logs, steps, squares = found.sums
    value = np.log(n) - logs / n
    if form.corrected:
        value += (found.seen - 1.0) / (2.0 * n)
    mean = steps / n
    spread = squares / n - mean * mean
    # rounding makes of equal steps a small negative number
    spread = np.where(spread > 0.0, spread, 0.0)
    variance = spread / np.where(n > 1.0, n - 1.0, np.nan)
    return value, variance, found
