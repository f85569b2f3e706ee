"""The terms of the sums over symbols, from probabilities or from their logarithms.

Every function takes its array library ``xp``, NumPy or JAX, and works elementwise or along the last
axis. In xp.where the branch that is not chosen gets a harmless argument: otherwise its derivative
would be NaN in JAX, and NumPy would warn. 0.0 − x instead of −x gives 0 and not −0.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np


def entropy_terms(xp: Any, p: Any) -> Any:
    """The terms −p log p."""
    return 0.0 - p * xp.log(xp.where(p > 0.0, p, 1.0))


def cross_terms(xp: Any, p: Any, q: Any) -> Any:
    """The terms −p log q, and +inf where q alone is 0."""
    possible = q > 0.0
    terms = 0.0 - p * xp.log(xp.where(possible, q, 1.0))
    return xp.where((p > 0.0) & ~possible, math.inf, terms)


def divergence_terms(xp: Any, p: Any, q: Any, difference: Any) -> Any:
    """The terms p log(p/q) − p + q, and 0 where q alone is 0, for the caller to replace."""
    some, possible = p > 0.0, q > 0.0
    log_ratio = xp.log(xp.where(some, p, 1.0)) - xp.log(xp.where(possible, q, 1.0))
    return xp.where(some & ~possible, 0.0, nonnegative_terms(xp, p, difference, log_ratio))


def nonnegative_terms(xp: Any, p: Any, difference: Any, log_ratio: Any) -> Any:
    """The terms p log(p/q) + (q − p) ≥ 0 from p, q − p and log(p/q), also where q is near p.

    With t = (q − p)/p a term is p (t − log(1 + t)). For |t| ≥ 1/4 that is at least 0.027 p, and
    rounding the logarithms cannot make it negative.
    """
    near, far = abs(difference) < 0.25 * p, p * log_ratio + difference
    if xp is not np:
        t = xp.where(near, difference, 0.0) / xp.where(near, p, 1.0)
        return xp.where(near, p * _minus_log1p(t), far)
    # each NumPy operation passes through memory: compute only the few near terms
    p_, change = (np.broadcast_to(a, far.shape)[near] for a in (p, difference))
    far[near] = p_ * _minus_log1p(change / p_)
    return far


def _minus_log1p(t: Any) -> Any:
    """Compute t − log(1 + t) ≥ 0 for |t| ≤ 1/4, to relative precision.

    log(1 + t) = 2 artanh r with r = t/(2 + t) gives r (t − 2 r² (1/3 + r²/5 + …)), which does not
    cancel, as t = 2 r/(1 − r).
    """
    r = t / (2.0 + t)
    square = r * r
    # |t| < 1/4 gives r² ≤ 0.0205, and the eleventh term is below 1e-18 of the whole
    series = 1.0 / 21.0
    for k in range(8, -1, -1):
        series = series * square + 1.0 / (2 * k + 3)
    return r * (t - 2.0 * square * series)


def entropy_terms_of_logs(xp: Any, log_p: Any, log_q: Any) -> Any:
    """The terms −p log q, from logarithms, where q is 0 only if p is."""
    some = log_p > -math.inf
    return 0.0 - xp.where(
        some, xp.exp(xp.where(some, log_p, 0.0)) * xp.where(some, log_q, 0.0), 0.0
    )


def divergence_terms_of_logs(xp: Any, log_p: Any, log_q: Any) -> Any:
    """The terms p log(p/q) − p + q, from logarithms, and −p where q alone is 0."""
    some, possible = log_p > -math.inf, log_q > -math.inf
    p = xp.where(some, xp.exp(xp.where(some, log_p, 0.0)), 0.0)
    q = xp.where(possible, xp.exp(xp.where(possible, log_q, 0.0)), 0.0)
    both = some & possible
    u = xp.where(both, xp.where(both, log_p, 0.0) - xp.where(both, log_q, 0.0), 0.0)
    return nonnegative_terms(xp, p, q - p, u)


def _log_normaliser(xp: Any, z: Any) -> tuple[Any, Any]:
    """The largest of z along the last axis, and log Σ exp(z − largest), exact also near 0.

    The largest term itself is the 1 of log1p.
    """
    at = xp.argmax(z, axis=-1, keepdims=True)
    largest = xp.take_along_axis(z, at, axis=-1)  # max would share its derivative among ties
    top = xp.where(largest > -math.inf, largest, 0.0)
    others = (xp.arange(z.shape[-1]) != at) & (z > -math.inf)
    small = xp.where(others, xp.exp(xp.where(others, z - top, 0.0)), 0.0)
    return largest, xp.log1p(xp.sum(small, axis=-1, keepdims=True))


def log_normalised(xp: Any, z: Any) -> Any:
    """Z − log Σ exp z along the last axis; −inf where z is."""
    largest, rest = _log_normaliser(xp, z)
    top = xp.where(largest > -math.inf, largest, 0.0)
    return (z - top) - rest


def log_sum(xp: Any, z: Any) -> Any:
    """Log Σ exp z along the last axis, which is kept; −inf where all are."""
    largest, rest = _log_normaliser(xp, z)
    return largest + rest


def flat(xp: Any, terms: Any) -> Any:
    """Join the last two axes, those of a joint table."""
    return xp.reshape(terms, (*terms.shape[:-2], terms.shape[-2] * terms.shape[-1]))
