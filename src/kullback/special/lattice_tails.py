"""Probabilities of ranges of counts without a formula, from one loop with all derivatives.

Terms are relative to one in the range, by the ratios of neighbours, upwards from it and then
downwards. Each term's logarithm carries its derivatives, relative to those of the first, so that
the logarithm of the sum has their mean as its score, and the mean second derivative and the
covariance of the scores as its second derivatives. No difference is taken: no digits cancel.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import jax
import jax.numpy as jnp

from kullback._core.arrays import Array
from kullback._core.derivatives import compiled_loop
from kullback.special.shared import Jet, pairs

# Terms below this share of the sum do not count, in derivatives either.
_SHARE = 1e-20
# A sum that has not ended after so many terms to a side has no value: NaN.
_MOST_TERMS = 1_000_000.0

Derivatives: TypeAlias = Sequence[Array]
"""Slopes, and the lower triangle of the second derivatives row by row."""

_State: TypeAlias = tuple[Array, Array, Array, Array, list[Array], list[Array]]


def lattice_sum_jet(
    step: Callable[[Array, Array, Derivatives], tuple[Array, Derivatives]],
    numbers: int,
    above: Array,
    below: Array,
    falling: Callable[[Array], Array] = jnp.ones_like,
) -> Jet:
    """The jet of the logarithm of a sum of terms around one that is 1.

    Args:
        step: of the index of a term, counted from that one, whether it lies below it, and the
            derivatives of its logarithm; returns the ratio of the next one outwards to it, and the
            derivatives of that one's. Those of the first are 0.
        numbers: what it is differentiated in.
        above: how many terms there are above the first, shape (rows,); may be infinite.
        below: how many below it.
        falling: whether terms on a side (true: below) that fall go on falling, so that small ones
            end the sum.
    """
    places = pairs(numbers)
    size = numbers + len(places)

    def going(i: Array, down: Array, term: Array, total: Array) -> Array:
        ended = (term < _SHARE * total) & falling(down)
        return (i < jnp.where(down, below, above)) & (i < _MOST_TERMS) & ~ended

    def unfinished(state: _State) -> Array:
        return jnp.any(going(*state[:4]) | ~state[1])

    def add(state: _State) -> _State:
        i, down, term, total, known, sums = state
        on = going(i, down, term, total)
        ratio, found = step(jnp.where(on, i, 0.0), down, known)
        moved = jnp.where(on, term * ratio, 0.0)
        slopes, second = found[:numbers], zip(found[numbers:], places, strict=True)
        squares = (v + slopes[j] * slopes[k] for v, (j, k) in second)
        added = [jnp.where(on, moved * v, 0.0) for v in (*slopes, *squares)]
        total = jnp.where(i < _MOST_TERMS, total + moved, jnp.nan)
        return (  # a side that has ended is followed by the one below, from the first term again
            jnp.where(on, i + 1.0, 0.0),
            down | ~on,
            jnp.where(on, moved, jnp.where(down, 0.0, 1.0)),
            total,
            [jnp.where(on, v, 0.0) for v in found],
            [sum_ + v for sum_, v in zip(sums, added, strict=True)],
        )

    zero = jnp.zeros_like(above + below)
    start = (zero, zero > 0.0, zero + 1.0, zero + 1.0, [zero] * size, [zero] * size)
    i, _, _, total, _, sums = compiled_loop(lambda: jax.lax.while_loop(unfinished, add, start))
    total = jnp.where(i < _MOST_TERMS, total, jnp.nan)
    means = [v / total for v in sums]
    curvatures = (
        v - means[j] * means[k] for v, (j, k) in zip(means[numbers:], places, strict=True)
    )
    return Jet(jnp.log(total), tuple(means[:numbers]), tuple(curvatures))
