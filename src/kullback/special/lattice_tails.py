"""Tails of count distributions without a formula, from one loop with all derivatives.

A tail is its first term times 1 + r(0) + r(0) r(1) + …, by the ratios of neighbours. Each term's
logarithm carries its derivatives, relative to the first one's, so that the logarithm of the sum has
their mean as its score, and the mean second derivative and the covariance of the scores as its
second derivatives.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import jax
import jax.numpy as jnp

from kullback._core.arrays import Array
from kullback.special.shared import Jet, pairs

# Terms below this share of the sum do not count, in derivatives either.
_SHARE = 1e-20
# A sum that has not ended after so many terms has no value: NaN.
_MOST_TERMS = 1_000_000.0

Derivatives: TypeAlias = Sequence[Array]
"""Slopes, and the lower triangle of the second derivatives row by row."""


def ratio_sum_jet(
    step: Callable[[Array, Derivatives], tuple[Array, Derivatives]],
    numbers: int,
    count: Array,
    unimodal: Array | bool = True,
) -> Jet:
    """The jet of log(1 + r(0) + r(0) r(1) + …) with at most ``count`` + 1 terms.

    Args:
        step: of the index of a term and the derivatives of its logarithm; returns r, and the
            derivatives of the next one's. Those of the first are 0.
        numbers: what it is differentiated in.
        count: how many terms follow the first, shape (rows,); may be infinite.
        unimodal: whether terms that fall go on falling, so that small ones end the sum.
    """
    places = pairs(numbers)
    size = numbers + len(places)
    State: TypeAlias = tuple[Array, Array, Array, list[Array], list[Array]]

    def going(i: Array, term: Array, total: Array) -> Array:
        return (i < count) & ~((term < _SHARE * total) & unimodal)

    def unfinished(state: State) -> Array:
        return jnp.any(going(*state[:3])) & (state[0] < _MOST_TERMS)

    def add(state: State) -> State:
        i, term, total, known, sums = state
        on = going(i, term, total)
        ratio, found = step(jnp.where(on, i, 0.0), known)
        term = jnp.where(on, term * ratio, term)
        slopes = found[:numbers]
        squares = (
            v + slopes[j] * slopes[k] for v, (j, k) in zip(found[numbers:], places, strict=True)
        )
        added = [jnp.where(on, term * v, 0.0) for v in (*slopes, *squares)]
        known = [jnp.where(on, v, old) for v, old in zip(found, known, strict=True)]
        sums = [total + v for total, v in zip(sums, added, strict=True)]
        return i + 1.0, term, total + jnp.where(on, term, 0.0), known, sums

    zero = jnp.zeros_like(count)
    start = (jnp.zeros(()), zero + 1.0, zero + 1.0, [zero] * size, [zero] * size)
    i, term, total, _, sums = jax.lax.while_loop(unfinished, add, start)
    total = jnp.where(going(i, term, total), jnp.nan, total)
    means = [v / total for v in sums]
    second = zip(means[numbers:], places, strict=True)
    return Jet(
        jnp.log(total),
        tuple(means[:numbers]),
        tuple(v - means[j] * means[k] for v, (j, k) in second),
    )
