"""Entropy, perplexity and conditional entropy of probabilities; the entropy also of models."""

from __future__ import annotations

from typing import Any

from kullback.information.arrays.explain import Measure
from kullback.information.arrays.terms import entropy_terms, flat
from kullback.information.arrays.validation import Axis, GivenArrays
from kullback.information.dispatch import OfOne, for_models


@for_models[OfOne]()
def entropy(p: Any, *, axis: Axis = -1, unit: str = "nats", counts: bool = False) -> Any:
    """Entropy H(p) = −Σ p log p of probabilities or of a model; −∫ p log p for a density.

    Args:
        p: probabilities that sum to one along ``axis``, as a list, a NumPy array or a JAX array;
            or a model with all parameters fixed.
        axis: the axis of the symbols; several, where a symbol is a tuple, as ``(-2, -1)`` for
            the entropy H(X, Y) of a joint table. Arrays only, as is ``counts``.
        unit: nats, bits or hartleys.
        counts: whether ``p`` holds counts or weights, to be divided by their sum.
        **options: for models only: ``method``, "auto" or one of "closed form", "quadrature" (for
            counts and labels a sum over the outcomes) and "monte carlo"; ``level`` of the
            interval; ``draws`` and ``seed`` of a simulation.

    Returns:
        For probabilities a float or an array (without ``axis``), from 0 to log K for K symbols:
        NumPy for NumPy, JAX for JAX, also under ``jit``, ``vmap`` and ``grad``. For a model an
        ``Estimate``, with its method and error. A density's entropy may be negative.

    Raises:
        DataError: ``p`` is not a distribution: it does not sum to one, is negative or not finite.
            Under ``jit``, ``vmap`` and ``grad`` values are not checked.
        ModelError: the model has a free parameter or is defective, or the method is not available.
        KullbackError: another unit, or a keyword that does not go with ``p``.

    Source: C. E. Shannon (1948), "A mathematical theory of communication", section 6.

    Example:
        >>> import kullback as kl
        >>> entropy([0.5, 0.25, 0.25, 0.0], unit="bits")
        1.5
        >>> entropy([30, 10], counts=True) == entropy([0.75, 0.25])
        True
        >>> print(entropy(kl.Exponential(rate=2.0)))
        0.3068528194 nats, closed form
    """
    with GivenArrays(p=p) as given:
        (p_,) = given.distributions(axis, counts)
        return given.measure(entropy_terms(given.xp, p_), unit)


def perplexity(p: Any, *, axis: Axis = -1, counts: bool = False) -> Measure:
    """Perplexity exp H(p), H in nats: the number of equally likely symbols with the same entropy.

    Args:
        p: probabilities, summing to one along ``axis``; counts, with ``counts=True``.
        axis: the axis, or the axes, of the symbols.
        counts: whether ``p`` holds counts or weights, to be divided by their sum.

    Returns:
        A number from 1 to the number of symbols, whatever the unit of information.

    Raises:
        DataError: ``p`` is not a distribution.

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
        given: the axis of X, the condition; several, where X is a tuple. H(X|Y) is
            ``axis=-2, given=-1``.
        unit: nats, bits or hartleys.
        counts: whether ``joint`` holds counts or weights, to be divided by their sum.

    Returns:
        From 0, where x determines y, to H(Y), where they are independent; one for each leading
        index.

    Raises:
        DataError: ``joint`` is not a joint distribution, or ``axis`` and ``given`` share an axis.

    >>> table = [[0.5, 0.0], [0.25, 0.25]]  # x = 0 determines y, x = 1 does not
    >>> conditional_entropy(table, unit="bits")
    0.5
    """
    with GivenArrays(joint=joint) as arrays:
        xp = arrays.xp
        p = arrays.table(given, axis, counts)
        of_x = xp.sum(p, axis=-1, keepdims=True)
        some = p > 0.0
        ratio = xp.where(some, p, 1.0) / xp.where(some, of_x, 1.0)  # ≤ 1, so no term is negative
        return arrays.measure(flat(xp, 0.0 - p * xp.log(ratio)), unit)
