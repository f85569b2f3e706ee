"""Entropies and divergences of arrays of logits, computed without leaving the logarithms.

Logits are logarithms of probabilities up to a constant: p = exp(z)/Σ exp(z); −inf is p = 0. The
probabilities stay logarithms, so that none underflows. Types and conventions are those of
``information.arrays``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from kullback.information.arrays.explain import Measure
from kullback.information.arrays.terms import (
    divergence_terms_of_logs,
    entropy_terms_of_logs,
    flat,
    log_normalised,
    log_sum,
)
from kullback.information.arrays.validation import Axis, GivenArrays, two_axes, two_weights


def entropy_from_logits(logits: Any, *, axis: Axis = -1, unit: str = "nats") -> Measure:
    """Entropy H(p) of p = exp(z)/Σ exp(z), from the logits z.

    Args:
        logits: real numbers, or −inf where p is 0, up to a constant.
        axis: the axis, or the axes, of the symbols.
        unit: nats, bits or hartleys.

    Raises:
        DataError: a logit is NaN or +inf, or all are −inf.

    >>> entropy_from_logits([0.0, -1000.0])  # exp(−1000) · 1001 is below the smallest double
    0.0
    """
    with GivenArrays(logits=logits) as given:
        (log_p,) = given.distributions(axis, logits=True)
        return given.measure(entropy_terms_of_logs(given.xp, log_p, log_p), unit)


def cross_entropy_from_logits(
    p: Any, logits: Any, *, axis: Axis = -1, unit: str = "nats", counts: bool = False
) -> Measure:
    """Cross-entropy H(p, q) of probabilities p and q = exp(z)/Σ exp(z): a classifier's loss.

    Args:
        p: probabilities, as for ``kullback.cross_entropy``.
        logits: real numbers z, or −inf where q is 0.
        axis: the axis, or the axes, of the symbols.
        unit: nats, bits or hartleys.
        counts: whether ``p`` holds counts or weights, to be divided by their sum.

    Returns:
        +inf where p has mass on a logit of −inf. The derivative by the logits is q − p.

    Raises:
        DataError: ``p`` is not a distribution, a logit is NaN or +inf, or all are −inf.

    >>> cross_entropy_from_logits([0.0, 1.0], [0.0, -10000.0])
    10000.0
    """
    with GivenArrays(p=p, logits=logits) as given:
        xp = given.xp
        given.align(axis)
        p_, log_q = given.distribution("p", counts), given.distribution("logits", logits=True)
        possible = log_q > -math.inf
        terms = 0.0 - p_ * xp.where(possible, log_q, 0.0)
        return given.measure(xp.where((p_ > 0.0) & ~possible, math.inf, terms), unit)


def kl_divergence_from_logits(
    p_logits: Any, q_logits: Any, *, axis: Axis = -1, unit: str = "nats"
) -> Measure:
    """Relative entropy D(p‖q) of two distributions, both from their logits.

    Args:
        p_logits: real numbers, or −inf where p is 0.
        q_logits: the same of q, of equal shape; or one of the two is one distribution against many.
        axis: the axis, or the axes, of the symbols.
        unit: nats, bits or hartleys.

    Returns:
        Never negative; +inf where p has a finite logit, however small, and q one of −inf.

    Raises:
        DataError: the shapes do not match, a logit is NaN or +inf, or all are −inf.

    >>> kl_divergence_from_logits([0.0, -10000.0], [-10000.0, 0.0])
    10000.0
    """
    with GivenArrays(p_logits=p_logits, q_logits=q_logits) as given:
        xp = given.xp
        log_p, log_q = given.distributions(axis, logits=True)
        terms = divergence_terms_of_logs(xp, log_p, log_q)
        infinite = (log_p > -math.inf) & (log_q == -math.inf)
        return given.measure(xp.where(infinite, math.inf, terms), unit)


def jensen_shannon_from_logits(
    p_logits: Any,
    q_logits: Any,
    *,
    weights: Sequence[float] = (0.5, 0.5),
    axis: Axis = -1,
    unit: str = "nats",
) -> Measure:
    """Jensen–Shannon divergence of two distributions, both from their logits.

    Args:
        p_logits: real numbers, or −inf where p is 0.
        q_logits: the same of q, of equal shape; or one of the two is one distribution against many.
        weights: those of p and of q, positive, with sum 1.
        axis: the axis, or the axes, of the symbols.
        unit: nats, bits or hartleys.

    Raises:
        DataError: as ``kl_divergence_from_logits``, or the weights are not positive with sum 1.

    >>> jensen_shannon_from_logits([0.0, -10000.0], [-10000.0, 0.0], unit="bits")
    1.0
    """
    a, b = two_weights(weights)
    with GivenArrays(p_logits=p_logits, q_logits=q_logits) as given:
        xp = given.xp
        log_p, log_q = given.distributions(axis, logits=True)
        some = (log_p > -math.inf) | (log_q > -math.inf)
        left = xp.where(some, log_p + math.log(a), 0.0)
        right = xp.where(some, log_q + math.log(b), 0.0)
        mixture = xp.where(some, xp.logaddexp(left, right), -math.inf)
        first = divergence_terms_of_logs(xp, log_p, mixture)
        second = divergence_terms_of_logs(xp, log_q, mixture)
        return given.measure(a * first + b * second, unit)


def perplexity_from_logits(logits: Any, *, axis: Axis = -1) -> Measure:
    """Perplexity exp H(p) of p = exp(z)/Σ exp(z), H in nats, from the logits z.

    Args:
        logits: real numbers, or −inf where p is 0, up to a constant.
        axis: the axis, or the axes, of the symbols.

    Raises:
        DataError: a logit is NaN or +inf, or all are −inf.

    >>> perplexity_from_logits([7.0, 7.0, 7.0])
    3.0
    """
    with GivenArrays(logits=logits) as given:
        (log_p,) = given.distributions(axis, logits=True)
        terms = entropy_terms_of_logs(given.xp, log_p, log_p)
        return given.result(given.xp.exp(given.xp.sum(terms, axis=-1)))


def conditional_entropy_from_logits(
    joint: Any, *, axis: Axis = -1, given: Axis = -2, unit: str = "nats"
) -> Measure:
    """Conditional entropy H(Y|X) of a joint table, from its logits.

    Args:
        joint: real numbers, shape (..., X, Y), or −inf where p(x, y) is 0, up to a constant.
        axis: the axis of Y; several, where Y is a tuple.
        given: the axis of X, the condition; several, where X is a tuple.
        unit: nats, bits or hartleys.

    Raises:
        DataError: a logit is NaN or +inf, all are −inf, or ``axis`` and ``given`` share an axis.

    >>> conditional_entropy_from_logits([[3.0, 3.0], [3.0, 3.0]], unit="bits")
    1.0
    """
    with GivenArrays(joint=joint) as arrays:
        log_p = arrays.table(given, axis, logits=True)
        log_conditional = log_normalised(arrays.xp, log_p)  # log p(y|x)
        terms = entropy_terms_of_logs(arrays.xp, log_p, log_conditional)
        return arrays.measure(flat(arrays.xp, terms), unit)


def mutual_information_from_logits(
    joint: Any, *, axis: tuple[Axis, Axis] = (-2, -1), unit: str = "nats"
) -> Measure:
    """Mutual information I(X; Y) of a joint table, from its logits.

    Args:
        joint: real numbers, shape (..., X, Y), or −inf where p(x, y) is 0, up to a constant.
        axis: the axes of X and of Y; each may be several axes, as in ``((0, 1), 2)``.
        unit: nats, bits or hartleys.

    Raises:
        DataError: a logit is NaN or +inf, all are −inf, or X and Y share an axis.

    >>> mutual_information_from_logits([[0.0, -10000.0], [-10000.0, 0.0]], unit="bits")
    1.0
    """
    with GivenArrays(joint=joint) as arrays:
        xp = arrays.xp
        log_p = arrays.table(*two_axes(axis), logits=True)
        product = log_sum(xp, log_p) + log_sum(xp, log_p.swapaxes(-1, -2)).swapaxes(-1, -2)
        return arrays.measure(flat(xp, divergence_terms_of_logs(xp, log_p, product)), unit)
