"""Cross-entropy, divergences and mutual information of probabilities; the first also of models."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from kullback.information.arrays.explain import Measure, Names
from kullback.information.arrays.terms import (
    cross_terms,
    divergence_terms,
    flat,
    nonnegative_terms,
)
from kullback.information.arrays.validation import Axis, Counts, GivenArrays, two_axes, two_weights
from kullback.information.dispatch import OfTwo, OfTwoWeighted, for_models


@for_models[OfTwo]()
def cross_entropy(
    p: Any,
    q: Any,
    *,
    axis: Axis = -1,
    unit: str = "nats",
    counts: Counts = False,
    explain: bool = False,
    names: Names = None,
) -> Any:
    """Cross-entropy H(p, q) = −Σ p log q = H(p) + D(p‖q) of probabilities or of two models.

    Args:
        p: probabilities that sum to one along ``axis``, or a model with all parameters fixed.
        q: the same, of equal shape; or one of the two is a single distribution against many.
            Both are arrays, or both are models.
        axis: the axis of the symbols, or several. Arrays only, as are the next three.
        unit: nats, bits or hartleys.
        counts: whether ``p`` and ``q`` hold counts, to be divided by their sum; "p" or "q" if only
            one of them does.
        explain: whether to return an ``Explanation``: each symbol's contribution, and which
            symbols are impossible under q.
        names: of the symbols, for the explanation.
        **options: for models only, as for ``entropy``.

    Returns:
        As ``entropy``. +inf where p > 0 and q = 0, or where p's tail is too heavy for −log q; an
        ``Estimate`` gives the reason in its ``assumptions``.

    Raises:
        DataError: ``p`` or ``q`` is not a distribution, or their shapes do not match.
        ModelError: a model has a free parameter, only one of the two is a model, their outcomes
            differ in kind or in labels, or it could not be decided whether the value is finite.
        KullbackError: another unit, or a keyword that does not go with ``p`` and ``q``.

    Source: T. M. Cover and J. A. Thomas (2006), "Elements of information theory", section 5.4.

    Example:
        >>> import kullback as kl
        >>> cross_entropy([0.5, 0.5], [0.25, 0.75], unit="bits")
        1.207518749639
        >>> print(cross_entropy([1, 3], [0, 1], counts="p", explain=True, names=["no", "yes"]))
        inf nats
          q gives no probability to 1 symbol that p gives some: 'no'
        >>> float(cross_entropy(kl.Exponential(rate=1.0), kl.Exponential(rate=0.5)))
        1.193147180559945
    """
    with GivenArrays(p=p, q=q) as given:
        terms = cross_terms(given.xp, *given.distributions(axis, counts))
        value = given.measure(terms, unit)
        return given.explained(value, terms, unit, explain, names)


@for_models[OfTwo]()
def kl_divergence(
    p: Any,
    q: Any,
    *,
    axis: Axis = -1,
    unit: str = "nats",
    counts: Counts = False,
    explain: bool = False,
    names: Names = None,
) -> Any:
    """Relative entropy D(p‖q) = Σ p log(p/q) ≥ 0 of probabilities or of two models.

    Args:
        p: probabilities that sum to one along ``axis``, or a model with all parameters fixed.
        q: the same, as for ``cross_entropy``.
        axis: the axis of the symbols, or several. Arrays only, as are the next three.
        unit: nats, bits or hartleys.
        counts: as for ``cross_entropy``.
        explain: whether to return an ``Explanation`` with each symbol's p log(p/q).
        names: of the symbols, for the explanation.
        **options: for models only, as for ``entropy``.

    Returns:
        As ``cross_entropy``. Never negative, 0 exactly where p = q, and accurate to the last digits
        where they are nearly equal.

    Raises:
        DataError, ModelError, KullbackError: as ``cross_entropy``.

    Source: S. Kullback and R. A. Leibler (1951), "On information and sufficiency".

    Example:
        >>> import kullback as kl
        >>> kl_divergence([0.5, 0.5], [0.25, 0.75], unit="bits")
        0.207518749639
        >>> kl_divergence([0.5, 0.5], [1.0, 0.0])
        inf
        >>> float(kl_divergence(kl.Normal(loc=0.0, scale=1.0), kl.Normal(loc=1.0, scale=1.0)))
        0.5
    """
    with GivenArrays(p=p, q=q) as given:
        xp = given.xp
        p_, q_ = given.distributions(axis, counts)
        terms = divergence_terms(xp, p_, q_, q_ - p_)
        impossible = (p_ > 0.0) & (q_ <= 0.0)
        value = given.measure(xp.where(impossible, math.inf, terms), unit)
        # the terms that textbooks write, without − p + q, which vanishes in their sum
        parts = xp.where(impossible, math.inf, terms + p_ - q_) if explain else terms
        return given.explained(value, parts, unit, explain, names)


@for_models[OfTwoWeighted]()
def jensen_shannon(
    p: Any,
    q: Any,
    *,
    weights: Sequence[float] = (0.5, 0.5),
    axis: Axis = -1,
    unit: str = "nats",
    counts: Counts = False,
) -> Any:
    """Jensen–Shannon divergence a D(p‖m) + b D(q‖m) with m = a p + b q and weights a, b.

    It is H(m) − a H(p) − b H(q), and the information that an outcome gives on which of the two it
    came from. Its square root is a metric for equal weights. (SciPy's ``jensenshannon`` is that
    square root.)

    Args:
        p: probabilities that sum to one along ``axis``, or a model with all parameters fixed.
        q: the same, as for ``cross_entropy``.
        weights: a and b, positive, with sum 1.
        axis: the axis of the symbols, or several. Arrays only, as is ``counts``.
        unit: nats, bits or hartleys.
        counts: as for ``cross_entropy``.
        **options: for models only, as for ``entropy``; there is no closed form, but for labels the
            sum is exact.

    Returns:
        As ``entropy``. From 0 at p = q to −a log a − b log b (1 bit, for equal weights), where
        they share no symbol; never infinite.

    Raises:
        DataError: the weights are not positive with sum 1, or as ``cross_entropy``.
        ModelError, KullbackError: as ``cross_entropy``.

    Source: J. Lin (1991), "Divergence measures based on the Shannon entropy", equation 4.1.

    Example:
        >>> import kullback as kl
        >>> jensen_shannon([1.0, 0.0], [0.5, 0.5], unit="bits")
        0.311278124459
        >>> certain = kl.Bernoulli(probability=1.0)
        >>> float(jensen_shannon(certain, kl.Bernoulli(probability=0.5), unit="bits"))
        0.311278124459
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


def mutual_information(
    joint: Any, *, axis: tuple[Axis, Axis] = (-2, -1), unit: str = "nats", counts: bool = False
) -> Measure:
    """Mutual information I(X; Y) = D(p(x, y) ‖ p(x) p(y)) of a joint table; never negative.

    Args:
        joint: probabilities p(x, y), shape (..., X, Y), summing to one over both axes together.
        axis: the axes of X and of Y; each may be several axes, as in ``((0, 1), 2)``.
        unit: nats, bits or hartleys.
        counts: whether ``joint`` holds counts or weights, to be divided by their sum. The result
            is then that of the table itself, which overestimates the I of its distribution.

    Returns:
        From 0, where X and Y are independent, to the smaller of H(X) and H(Y); one for each
        leading index.

    Raises:
        DataError: ``joint`` is not a joint distribution.

    >>> mutual_information([[0.5, 0.0], [0.0, 0.5]], unit="bits")
    1.0
    """
    with GivenArrays(joint=joint) as arrays:
        xp = arrays.xp
        p = arrays.table(*two_axes(axis), counts)
        of_x, of_y = xp.sum(p, axis=-1, keepdims=True), xp.sum(p, axis=-2, keepdims=True)
        product = of_x * of_y
        logs = [xp.log(xp.where(a > 0.0, a, 1.0)) for a in (p, of_x, of_y)]
        # from three logarithms: where p(x) p(y) underflows to 0 the value is not +inf
        terms = nonnegative_terms(xp, p, product - p, logs[0] - logs[1] - logs[2])
        return arrays.measure(flat(xp, terms), unit)
