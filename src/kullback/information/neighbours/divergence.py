"""Relative entropy of a continuous sample to a model or to another sample, in nats.

From distances to nearest neighbours, with the weights over 1 … k neighbours of `entropy`.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from kullback._core.arrays import Vector
from kullback._core.errors import DataError
from kullback.information.neighbours.entropy import (
    INDEPENDENT,
    NeighbourEstimate,
    dimension_warning,
    extrapolation_warning,
    log_densities,
    method_name,
    negative_value,
    repeated_rows,
)
from kullback.information.neighbours.search import matrix, nearest, overlap, whiten
from kullback.information.neighbours.weights import (
    NOISE_LEFT_OUT,
    digamma_of_ranks,
    neighbour_number,
    noise_covariance,
    order_weights,
)

# The default. It has the noise of two samples, and so needs more neighbours than an entropy.
_NEIGHBOURS = 20


def nearest_neighbour_divergence(
    x: npt.ArrayLike,
    log_density: npt.ArrayLike,
    *,
    k: int | None = None,
    extrapolate: bool = True,
    name: str = "x",
) -> NeighbourEstimate:
    """Relative entropy D(p‖q) of a sample's distribution p to a model q, given log q at its rows.

    The mean of −log q less ``nearest_neighbour_entropy``, with the error of the difference: where q
    is near p, log p and log q vary together, and it is small. Fitting the model to the same rows
    lowers the mean by about (parameters)/(2n).

    Args:
        x: rows, of shape (n,) or (n, d).
        log_density: log q of each row, shape (n,), in nats.
        k: neighbours, as for the entropy.
        extrapolate: as for the entropy.
        name: the name of the rows in messages.

    Returns:
        The estimate, with ``entropy_stderr`` that of the entropy alone; +∞ where q is zero at a row
        or p is degenerate.

    Raises:
        DataError: as for the entropy, and for a log-density that is NaN, +∞ or of another length.

    >>> import numpy as np
    >>> x = np.random.default_rng(1).normal(size=5000)
    >>> log_q = -0.5 * (x - 1.0) ** 2 - 0.5 * np.log(2.0 * np.pi)  # N(1, 1): the truth is 0.5
    >>> estimate = nearest_neighbour_divergence(x, log_q)
    >>> round(estimate.value, 2), round(estimate.stderr, 2)
    (0.5, 0.02)
    """
    found = log_densities(x, k, extrapolate, name)
    log_q = np.asarray(log_density, dtype=np.float64)
    n = len(matrix(x, name))
    if log_q.shape != (n,) or not (log_q < math.inf).all():
        raise DataError(
            f"the log-density has shape {log_q.shape}, and "
            f"{int((~(log_q < math.inf)).sum())} values that are NaN or +∞; {name} has {n} rows, "
            f"so give ({n},) numbers"
        )
    if isinstance(found, NeighbourEstimate):
        return replace(found, value=math.inf)
    impossible = np.flatnonzero(log_q == -math.inf)
    if impossible.size:
        sentence = (
            f"{impossible.size} rows have density 0 under the model, the first of them row "
            f"{impossible[0]}: the relative entropy is +∞"
        )
        return NeighbourEstimate(math.inf, 0.0, found.method, (sentence,), found.stderr(found.logs))
    ratios = found.logs - log_q[found.order, None]
    value, stderr = float(found.weights @ ratios.mean(axis=0)), found.stderr(ratios)
    notes = (*found.assumptions, *found.warnings(stderr))
    notes += (*negative_value(value, stderr, "a relative entropy"),)
    return NeighbourEstimate(value, stderr, found.method, notes, found.stderr(found.logs))


def nearest_neighbour_kl(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    *,
    k: int | None = None,
    extrapolate: bool = True,
    names: tuple[str, str] = ("x", "y"),
) -> NeighbourEstimate:
    """Relative entropy D(p‖q) of the distribution p of ``x`` to that of ``y``, q.

    D_j = d · mean log(ν_j/ρ_j) + log(m/(n − 1)), with ρ_j(i) and ν_j(i) the distances from row i of
    ``x`` to its j-th neighbour among the other rows of ``x`` and among those of ``y``: Q. Wang,
    S. Kulkarni and S. Verdú (2009), "Divergence estimation for multidimensional densities via
    k-nearest-neighbor distances". Its bias is reduced by weights over j = 1 … k, as for entropy.

    The variance has four parts: of log p/q over the rows of x, of p/q over those of y (from how
    much each row of y moves the estimate), and the noise of a finite k in either. Where p/q has a
    large or infinite variance under q (q's tails are the lighter ones) the estimate is too small,
    and its interval covers the truth less often than it says.

    Args:
        x: n rows drawn from p, of shape (n,) or (n, d).
        y: m rows drawn from q, of shape (m,) or (m, d).
        k: neighbours, by default 20.
        extrapolate: False for the plain estimator of k neighbours.
        names: the names of x and y in messages.

    Returns:
        The estimate, which may be slightly negative; +∞ where one of the samples alone lies in a
        plane.

    Raises:
        DataError: for values that are not finite numbers, too few rows, columns that do not match
            or are constant, and discrete data, as for the entropy.

    >>> import numpy as np
    >>> rng = np.random.default_rng(1)
    >>> x, y = rng.normal(size=2000), rng.normal(1.0, 1.0, size=3000)
    >>> estimate = nearest_neighbour_kl(x, y)  # the truth is 0.5
    >>> round(estimate.value, 2), round(estimate.stderr, 2)
    (0.5, 0.04)
    """
    from scipy.special import polygamma

    p, q = matrix(x, names[0]), matrix(y, names[1])
    (n, d), m = p.shape, len(q)
    if q.shape[1] != d:
        raise DataError(f"x has {d} columns and y has {q.shape[1]}: both need the same columns")
    k = neighbour_number(k, _NEIGHBOURS, min(n - 1, m - 1), min(n, m))
    method = method_name("Wang–Kulkarni–Verdú", k, extrapolate)
    repeats = [*repeated_rows(p, names[0]), *repeated_rows(q, names[1])]
    pooled = np.concatenate([p, q])
    white = whiten(pooled, "x and y together")
    if white.dependent is not None:
        raise DataError(
            f"column {white.dependent} is the same linear function of the columns before it in x "
            "and y: leave it out, the relative entropy stays the same"
        )
    for name, rows in zip(names, (p, q), strict=True):
        flat = whiten(rows, name).dependent
        if flat is not None:
            sentence = (
                f"column {flat} is a linear function of the columns before it in {name} alone: its "
                "distribution lies in a plane of probability 0 under the other, and the relative "
                "entropy is +∞"
            )
            return NeighbourEstimate(math.inf, 0.0, method, (sentence,))
    inside, outside = white.rows[:n], white.rows[n:]
    own = nearest(inside, inside, k, own=True)
    # One neighbour more among y: where a row of y is left out, the next one replaces it.
    other = nearest(inside[own.order], outside, k + 1, own=False)
    gaps = d * np.log(other.distances)
    terms = gaps[:, :k] - d * np.log(own.distances)
    terms += digamma_of_ranks(k, own.copies) - digamma_of_ranks(k, other.copies)
    weights = order_weights(d, k) if extrapolate else np.eye(k)[-1]
    by_order = terms.mean(axis=0) + math.log(m / (n - 1))
    value = float(weights @ by_order)
    ratio = _influence(np.diff(gaps, axis=1) * weights, other.indices[:, :k], m)
    ranks = np.arange(1, k + 1)
    shared = float(weights @ polygamma(1, np.maximum.outer(ranks, ranks)) @ weights)
    spread = float(weights @ (terms.var(axis=0) - 2.0 * polygamma(1, ranks)))
    noise = float(weights @ noise_covariance(d, k) @ weights) + shared
    of_q = max(n / m * float(ratio.var()) - NOISE_LEFT_OUT * shared, 0.0)
    stderr = math.sqrt((max(spread, 0.0) + noise + of_q) / n)
    assumptions = [
        f"{INDEPENDENT} from two distributions with densities, and q is positive wherever p is",
        *repeats,
        *overlap(own, other),
        *dimension_warning(d),
        *extrapolation_warning(float(value - by_order[-1]), stderr),
        *negative_value(value, stderr, "a relative entropy"),
    ]
    return NeighbourEstimate(value, stderr, method, tuple(assumptions))


def _influence(steps: Vector, indices: npt.NDArray[np.intp], m: int) -> Vector:
    """The change of the estimate by each row of y, times m: the j-th neighbour moves orders ≥ j."""
    n = len(steps)
    moved = np.cumsum(steps[:, ::-1], axis=1)[:, ::-1]
    return np.asarray(np.bincount(indices.ravel(), moved.ravel(), minlength=m) * (m / n))
