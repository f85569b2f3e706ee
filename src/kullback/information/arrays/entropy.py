"""Entropies and divergences of arrays of probabilities: pure functions, no model.

``logits`` has the same of logits, and what is said here holds there too.

NumPy arrays and lists give NumPy (a Python float where one number is left), computed in float64.
JAX arrays give JAX arrays of their own precision (halves are computed in float32), and every
function may be put under ``jit``, ``vmap`` and ``grad``. Values are checked wherever they are
known: a tracer has none, so inside ``jit``, ``vmap`` or ``grad`` only shapes are checked.

The conventions, of values and of derivatives (formulas as Cover & Thomas 2006, chapter 2):

- ``0 log 0`` is 0 exactly, and so is its derivative where p = 0. The slope of −p log p is +inf
  there, but a differentiable p(θ) ≥ 0 that touches 0 has p'(θ) = 0, and the product
  p'(θ) log p(θ) has the limit 0 (as for p = softmax(θ) where a probability vanishes).
- Where p has mass and q has none the value is +inf. Such a symbol adds 0 to the derivative.
- D(p‖q) is summed as Σ p log(p/q) − p + q, whose terms are all ≥ 0. Where p and q sum to one only
  to rounding this is the D of what they stand for (to the relative error of their sums), while
  Σ p log(p/q) is off by the absolute error and may be negative. Off the simplex it is Csiszár's
  I-divergence, so that the derivatives are log(p/q) and 1 − p/q, and vanish at p = q.

JAX's processors take subnormal numbers (below 2.2e-308, in float32 1.2e-38) for 0.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from kullback._core.errors import DataError
from kullback.information.arrays.explain import Explanation, Measure
from kullback.information.arrays.terms import (
    cross_terms,
    divergence_terms,
    entropy_terms,
    flat,
    nonnegative_terms,
)
from kullback.information.arrays.validation import Axis, Counts, GivenArrays, two_axes, two_weights


def entropy(p: Any, *, axis: Axis = -1, unit: str = "nats", counts: bool = False) -> Measure:
    """H(p) = −Σ p log p of probabilities; all is told at ``kullback.entropy``.

    >>> entropy([0.5, 0.25, 0.25], unit="bits")
    1.5
    """
    with GivenArrays(p=p) as given:
        (p_,) = given.distributions(axis, counts)
        return given.measure(entropy_terms(given.xp, p_), unit)


def cross_entropy(
    p: Any,
    q: Any,
    *,
    axis: Axis = -1,
    unit: str = "nats",
    counts: Counts = False,
    explain: bool = False,
    names: Sequence[object] | None = None,
) -> Measure | Explanation:
    """H(p, q) = −Σ p log q of probabilities; all is told at ``kullback.cross_entropy``.

    >>> cross_entropy([0.5, 0.5], [0.25, 0.75], unit="bits")
    1.207518749639
    """
    with GivenArrays(p=p, q=q) as given:
        p_, q_ = given.distributions(axis, counts)
        terms = cross_terms(given.xp, p_, q_)
        if not explain:
            _no_names(names)
            return given.measure(terms, unit)
        return given.explanation(given.measure(terms, unit), terms, names, unit)


def kl_divergence(
    p: Any,
    q: Any,
    *,
    axis: Axis = -1,
    unit: str = "nats",
    counts: Counts = False,
    explain: bool = False,
    names: Sequence[object] | None = None,
) -> Measure | Explanation:
    """D(p‖q) = Σ p log(p/q) of probabilities; all is told at ``kullback.kl_divergence``.

    >>> kl_divergence([0.5, 0.5], [0.25, 0.75], unit="bits")
    0.207518749639
    """
    with GivenArrays(p=p, q=q) as given:
        xp = given.xp
        p_, q_ = given.distributions(axis, counts)
        terms = divergence_terms(xp, p_, q_, q_ - p_)
        impossible = (p_ > 0.0) & (q_ <= 0.0)
        value = given.measure(xp.where(impossible, math.inf, terms), unit)
        if not explain:
            _no_names(names)
            return value
        # the terms that textbooks write, without − p + q, which vanishes in their sum
        parts = xp.where(impossible, math.inf, terms + p_ - q_)
        return given.explanation(value, parts, names, unit)


def jensen_shannon(
    p: Any,
    q: Any,
    *,
    weights: Sequence[float] = (0.5, 0.5),
    axis: Axis = -1,
    unit: str = "nats",
    counts: Counts = False,
) -> Measure:
    """Jensen–Shannon divergence of probabilities; all is told at ``kullback.jensen_shannon``.

    >>> jensen_shannon([1.0, 0.0], [0.0, 1.0], unit="bits")
    1.0
    """
    a, b = two_weights(weights)
    with GivenArrays(p=p, q=q) as given:
        xp = given.xp
        p_, q_ = given.distributions(axis, counts)
        mixture, change = a * p_ + b * q_, q_ - p_
        # mixture − p = b (q − p), which keeps the digits of a small difference
        first = divergence_terms(xp, p_, mixture, b * change)
        second = divergence_terms(xp, q_, mixture, -a * change)
        return given.measure(a * first + b * second, unit)


def perplexity(p: Any, *, axis: Axis = -1, counts: bool = False) -> Measure:
    """Perplexity exp H(p), H in nats: how many equally likely symbols are as uncertain.

    Args:
        p: probabilities, summing to one along ``axis``; counts, with ``counts=True``.
        axis: the axis, or the axes, along which the symbols lie.
        counts: whether ``p`` holds counts or weights, to be divided by their sum.

    Returns:
        A number from 1 to the number of symbols, whatever the unit of information.

    Raises:
        DataError: ``p`` is no distribution.

    >>> perplexity([0.25, 0.25, 0.25, 0.25, 0.0])
    4.0
    """
    with GivenArrays(p=p) as given:
        (p_,) = given.distributions(axis, counts)
        return given.result(given.xp.exp(given.xp.sum(entropy_terms(given.xp, p_), axis=-1)))


def conditional_entropy(
    joint: Any, *, axis: Axis = -1, given: Axis = -2, unit: str = "nats", counts: bool = False
) -> Measure:
    """Conditional entropy H(Y|X) = −Σ p(x, y) log(p(x, y)/p(x)) of a joint table.

    Args:
        joint: probabilities p(x, y), shape (..., X, Y), summing to one over both axes together.
        axis: the axis of Y; several, where Y is a tuple.
        given: the axis of X, which is known; several, where X is a tuple. H(X|Y) is
            ``axis=-2, given=-1``.
        unit: nats, bits or hartleys.
        counts: whether ``joint`` holds counts or weights, to be divided by their sum.

    Returns:
        From 0, where x tells y, to H(Y), where it tells nothing; one for each leading index.

    Raises:
        DataError: ``joint`` is no joint distribution, or ``axis`` and ``given`` share an axis.

    >>> conditional_entropy(
    ...     [[0.5, 0.0], [0.25, 0.25]], unit="bits"
    ... )  # x = 0 tells y, x = 1 does not
    0.5
    """
    with GivenArrays(joint=joint) as arrays:
        xp = arrays.xp
        p = arrays.table(given, axis, counts)
        of_x = xp.sum(p, axis=-1, keepdims=True)
        some = p > 0.0
        ratio = xp.where(some, p, 1.0) / xp.where(some, of_x, 1.0)  # ≤ 1, so no term is negative
        return arrays.measure(flat(xp, 0.0 - p * xp.log(ratio)), unit)


def mutual_information(
    joint: Any, *, axis: tuple[Axis, Axis] = (-2, -1), unit: str = "nats", counts: bool = False
) -> Measure:
    """Mutual information I(X; Y) = D(p(x, y) ‖ p(x) p(y)) of a joint table; never negative.

    Args:
        joint: probabilities p(x, y), shape (..., X, Y), summing to one over both axes together.
        axis: the axes of X and of Y; each may be several axes, as in ``((0, 1), 2)``.
        unit: nats, bits or hartleys.
        counts: whether ``joint`` holds counts or weights, to be divided by their sum. The result
            is then that of the table itself, which overstates the I of what it was drawn from.

    Returns:
        From 0, where X and Y are independent, to the smaller of H(X) and H(Y); one for each
        leading index.

    Raises:
        DataError: ``joint`` is no joint distribution.

    >>> mutual_information([[0.5, 0.0], [0.0, 0.5]], unit="bits")
    1.0
    """
    with GivenArrays(joint=joint) as arrays:
        xp = arrays.xp
        p = arrays.table(*two_axes(axis), counts)
        of_x, of_y = xp.sum(p, axis=-1, keepdims=True), xp.sum(p, axis=-2, keepdims=True)
        product = of_x * of_y
        logs = [xp.log(xp.where(a > 0.0, a, 1.0)) for a in (p, of_x, of_y)]
        # from three logarithms: p(x) p(y) may be 0 by underflow, which is no +inf
        terms = nonnegative_terms(xp, p, product - p, logs[0] - logs[1] - logs[2])
        return arrays.measure(flat(xp, terms), unit)


def _no_names(names: Sequence[object] | None) -> None:
    if names is not None:
        raise DataError("names= names the symbols of an explanation: add explain=True")
