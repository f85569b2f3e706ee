"""Entropy, cross-entropy and divergences of probabilities or of models: one name for both.

Arrays go to ``measures``, models to ``between``; ``dispatch`` tells which they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Unpack, overload

import jax
import numpy.typing as npt

from kullback.information.arrays import entropy as of_arrays_
from kullback.information.arrays.explain import Explanation
from kullback.information.arrays.validation import Axis, Counts
from kullback.information.dispatch import ModelOptions, are_models, of_arrays
from kullback.information.estimate import Estimate, Number
from kullback.models.model import Model

# ---- entropy -------------------------------------------------------------------------------------


@overload
def entropy(p: Model, *, unit: str = ..., **options: Unpack[ModelOptions]) -> Estimate: ...
@overload
def entropy(  # type: ignore[overload-overlap]  # a JAX array is array-like too; the first match counts
    p: jax.Array, *, axis: Axis = ..., unit: str = ..., counts: bool = ...
) -> jax.Array: ...
@overload
def entropy(p: Sequence[float], *, unit: str = ..., counts: bool = ...) -> float: ...
@overload
def entropy(
    p: npt.ArrayLike, *, axis: Axis = ..., unit: str = ..., counts: bool = ...
) -> Number: ...
def entropy(
    p: Any,
    *,
    axis: Axis = -1,
    unit: str = "nats",
    counts: bool = False,
    **options: Unpack[ModelOptions],
) -> Any:
    """Entropy H(p) = −Σ p log p: of probabilities, or of a model; ∫ for a density.

    Args:
        p: probabilities that sum to one along ``axis``, as a list, a NumPy array or a JAX array;
            or a model with all parameters fixed.
        axis: the axis of the symbols; several, where a symbol is a tuple, as ``(-2, -1)`` for
            the entropy H(X, Y) of a joint table. Arrays only, as is ``counts``.
        unit: nats, bits or hartleys.
        counts: whether ``p`` holds counts or weights, to be divided by their sum.
        **options: for models only: ``method``, "auto" or one of "closed form", "quadrature" and
            "monte carlo"; ``level`` of the interval; ``draws`` and ``seed`` of a simulation.

    Returns:
        For probabilities a float or an array (``axis`` is gone), from 0 to log K of K symbols:
        NumPy for NumPy, JAX for JAX, which may be under ``jit``, ``vmap`` and ``grad``. For a
        model an ``Estimate``, with its method and error. A density's entropy may be negative.

    Raises:
        DataError: ``p`` is no distribution: it does not sum to one, is negative or not finite.
            Under ``jit``, ``vmap`` and ``grad`` values are not known, and not checked.
        ModelError: the model has a free parameter.
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
    if are_models("entropy", {"p": p}, {"axis": axis != -1, "counts": counts}, options):
        from kullback.information.models import divergence as of_models

        return of_models.entropy(p, unit=unit, **options)
    return of_arrays_.entropy(p, axis=axis, unit=unit, counts=counts)


# ---- cross-entropy -------------------------------------------------------------------------------


@overload
def cross_entropy(
    p: Model, q: Model, *, unit: str = ..., **options: Unpack[ModelOptions]
) -> Estimate: ...
@overload
def cross_entropy(
    p: npt.ArrayLike,
    q: npt.ArrayLike,
    *,
    axis: Axis = ...,
    unit: str = ...,
    counts: Counts = ...,
    explain: Literal[True],
    names: Sequence[object] | None = ...,
) -> Explanation: ...
@overload
def cross_entropy(  # type: ignore[overload-overlap]
    p: jax.Array, q: npt.ArrayLike, *, axis: Axis = ..., unit: str = ..., counts: Counts = ...
) -> jax.Array: ...
@overload
def cross_entropy(  # type: ignore[overload-overlap]
    p: npt.ArrayLike, q: jax.Array, *, axis: Axis = ..., unit: str = ..., counts: Counts = ...
) -> jax.Array: ...
@overload
def cross_entropy(
    p: Sequence[float], q: Sequence[float], *, unit: str = ..., counts: Counts = ...
) -> float: ...
@overload
def cross_entropy(
    p: npt.ArrayLike, q: npt.ArrayLike, *, axis: Axis = ..., unit: str = ..., counts: Counts = ...
) -> Number: ...
def cross_entropy(
    p: Any,
    q: Any,
    *,
    axis: Axis = -1,
    unit: str = "nats",
    counts: Counts = False,
    explain: bool = False,
    names: Sequence[object] | None = None,
    **options: Unpack[ModelOptions],
) -> Any:
    """Cross-entropy H(p, q) = −Σ p log q = H(p) + D(p‖q): of probabilities, or of two models.

    Args:
        p: probabilities that sum to one along ``axis``, or a model with all parameters fixed.
        q: the same, of equal shape; or one of the two is a single distribution against many.
            Both are arrays, or both are models.
        axis: the axis of the symbols, or several. Arrays only, as are the next three.
        unit: nats, bits or hartleys.
        counts: whether ``p`` and ``q`` hold counts, to be divided by their sum; "p" or "q" if only
            one of them does.
        explain: whether to give an ``Explanation``: each symbol's contribution, and which symbols
            are impossible under q.
        names: of the symbols, for the explanation.
        **options: for models only, as for ``entropy``.

    Returns:
        As ``entropy``. +inf where p has mass and q has none.

    Raises:
        DataError: ``p`` or ``q`` is no distribution, or their shapes do not match.
        ModelError: a model has a free parameter, or only one of the two is a model.
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
    array_only = of_arrays(axis, counts, explain, names)
    if are_models("cross_entropy", {"p": p, "q": q}, array_only, options):
        from kullback.information.models import divergence as of_models

        return of_models.cross_entropy(p, q, unit=unit, **options)
    return of_arrays_.cross_entropy(
        p, q, axis=axis, unit=unit, counts=counts, explain=explain, names=names
    )


# ---- relative entropy ----------------------------------------------------------------------------


@overload
def kl_divergence(
    p: Model, q: Model, *, unit: str = ..., **options: Unpack[ModelOptions]
) -> Estimate: ...
@overload
def kl_divergence(
    p: npt.ArrayLike,
    q: npt.ArrayLike,
    *,
    axis: Axis = ...,
    unit: str = ...,
    counts: Counts = ...,
    explain: Literal[True],
    names: Sequence[object] | None = ...,
) -> Explanation: ...
@overload
def kl_divergence(  # type: ignore[overload-overlap]
    p: jax.Array, q: npt.ArrayLike, *, axis: Axis = ..., unit: str = ..., counts: Counts = ...
) -> jax.Array: ...
@overload
def kl_divergence(  # type: ignore[overload-overlap]
    p: npt.ArrayLike, q: jax.Array, *, axis: Axis = ..., unit: str = ..., counts: Counts = ...
) -> jax.Array: ...
@overload
def kl_divergence(
    p: Sequence[float], q: Sequence[float], *, unit: str = ..., counts: Counts = ...
) -> float: ...
@overload
def kl_divergence(
    p: npt.ArrayLike, q: npt.ArrayLike, *, axis: Axis = ..., unit: str = ..., counts: Counts = ...
) -> Number: ...
def kl_divergence(
    p: Any,
    q: Any,
    *,
    axis: Axis = -1,
    unit: str = "nats",
    counts: Counts = False,
    explain: bool = False,
    names: Sequence[object] | None = None,
    **options: Unpack[ModelOptions],
) -> Any:
    """Relative entropy D(p‖q) = Σ p log(p/q) ≥ 0: of probabilities, or of two models.

    The arguments and the errors are those of ``cross_entropy``.

    Args:
        p: probabilities that sum to one along ``axis``, or a model with all parameters fixed.
        q: the same, of equal shape; or one of the two is a single distribution against many.
        axis: the axis of the symbols, or several. Arrays only, as are the next three.
        unit: nats, bits or hartleys.
        counts: whether ``p`` and ``q`` hold counts, to be divided by their sum; "p" or "q" if only
            one of them does.
        explain: whether to give an ``Explanation`` with each symbol's p log(p/q).
        names: of the symbols, for the explanation.
        **options: for models only, as for ``entropy``.

    Returns:
        As ``entropy``. Never negative, 0 exactly where p is q, and right to its last digits where
        they are nearly equal. +inf where p has mass and q has none.

    Raises:
        DataError: ``p`` or ``q`` is no distribution, or their shapes do not match.
        ModelError: a model has a free parameter, or only one of the two is a model.
        KullbackError: another unit, or a keyword that does not go with ``p`` and ``q``.

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
    array_only = of_arrays(axis, counts, explain, names)
    if are_models("kl_divergence", {"p": p, "q": q}, array_only, options):
        from kullback.information.models import divergence as of_models

        return of_models.kl_divergence(p, q, unit=unit, **options)
    return of_arrays_.kl_divergence(
        p, q, axis=axis, unit=unit, counts=counts, explain=explain, names=names
    )


# ---- Jensen–Shannon divergence -------------------------------------------------------------------


@overload
def jensen_shannon(
    p: Model,
    q: Model,
    *,
    weights: tuple[float, float] = ...,
    unit: str = ...,
    **options: Unpack[ModelOptions],
) -> Estimate: ...
@overload
def jensen_shannon(  # type: ignore[overload-overlap]
    p: jax.Array,
    q: npt.ArrayLike,
    *,
    weights: tuple[float, float] = ...,
    axis: Axis = ...,
    unit: str = ...,
    counts: Counts = ...,
) -> jax.Array: ...
@overload
def jensen_shannon(  # type: ignore[overload-overlap]
    p: npt.ArrayLike,
    q: jax.Array,
    *,
    weights: tuple[float, float] = ...,
    axis: Axis = ...,
    unit: str = ...,
    counts: Counts = ...,
) -> jax.Array: ...
@overload
def jensen_shannon(
    p: Sequence[float],
    q: Sequence[float],
    *,
    weights: tuple[float, float] = ...,
    unit: str = ...,
    counts: Counts = ...,
) -> float: ...
@overload
def jensen_shannon(
    p: npt.ArrayLike,
    q: npt.ArrayLike,
    *,
    weights: tuple[float, float] = ...,
    axis: Axis = ...,
    unit: str = ...,
    counts: Counts = ...,
) -> Number: ...
def jensen_shannon(
    p: Any,
    q: Any,
    *,
    weights: tuple[float, float] = (0.5, 0.5),
    axis: Axis = -1,
    unit: str = "nats",
    counts: Counts = False,
    **options: Unpack[ModelOptions],
) -> Any:
    """Jensen–Shannon divergence a D(p‖m) + b D(q‖m) with m = a p + b q and weights a, b.

    It is H(m) − a H(p) − b H(q), and the information that an outcome gives on which of the two it
    came from. Its square root is a metric for equal weights. (SciPy's ``jensenshannon`` is that
    square root.)

    Args:
        p: probabilities that sum to one along ``axis``, or a model with all parameters fixed.
        q: the same, of equal shape; or one of the two is a single distribution against many.
        weights: a and b, positive, with sum 1.
        axis: the axis of the symbols, or several. Arrays only, as is ``counts``.
        unit: nats, bits or hartleys.
        counts: whether ``p`` and ``q`` hold counts, to be divided by their sum; "p" or "q" if only
            one of them does.
        **options: for models only, as for ``entropy``.

    Returns:
        As ``entropy``. From 0 at p = q to −a log a − b log b (1 bit, for equal weights), where
        they share no symbol; never infinite.

    Raises:
        DataError: ``p`` or ``q`` is no distribution, their shapes do not match, or the weights are
            not positive with sum 1.
        ModelError: a model has a free parameter, or only one of the two is a model.
        KullbackError: another unit, or a keyword that does not go with ``p`` and ``q``.

    Source: J. Lin (1991), "Divergence measures based on the Shannon entropy", equation 4.1.

    Example:
        >>> import kullback as kl
        >>> jensen_shannon([1.0, 0.0], [0.5, 0.5], unit="bits")
        0.311278124459
        >>> certain = kl.Bernoulli(probability=1.0)
        >>> float(jensen_shannon(certain, kl.Bernoulli(probability=0.5), unit="bits"))
        0.311278124459
    """
    array_only = of_arrays(axis, counts)
    if are_models("jensen_shannon", {"p": p, "q": q}, array_only, options):
        from kullback.information.models import divergence as of_models

        return of_models.jensen_shannon(p, q, weights=weights, unit=unit, **options)
    return of_arrays_.jensen_shannon(p, q, weights=weights, axis=axis, unit=unit, counts=counts)
