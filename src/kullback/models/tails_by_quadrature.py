"""Both tails of a continuous density of any form, by quadrature, with their derivatives in a pass.

The nodes on each side of a point are visited once for the largest of their terms, and once for the
sums of the density, its scores and their products: not once for every derivative.
"""

from __future__ import annotations

from collections.abc import Mapping

import jax
import jax.numpy as jnp

from kullback._core.arrays import Array
from kullback._core.derivatives import compiled_loop, is_traced_for_numpy
from kullback.models.interval_probability import Between, Tailed
from kullback.special.moving_ends import of_moving_ends
from kullback.special.shared import Jet, by_jets, choose
from kullback.special.tail_integrals import side_rule


def log_tails(
    model: Tailed, x: Array, parameters: Mapping[str, Array], centre: float
) -> tuple[Array, Array]:
    """Return the log-probabilities of outcomes ≤ x and > x, with their derivatives in a pass.

    Args:
        model: the model, of which the log-density alone is taken.
        x: the points.
        parameters: scalars, or one value a row.
        centre: a possible outcome, on which side of it the smaller tail of a point lies.
    """
    names, support = tuple(parameters), model.support

    def log_density(at: Array, *numbers: Array) -> Array:
        return model.row_log_density(at, dict(zip(names, numbers, strict=True)))

    def jets(at: Array, *numbers: Array) -> tuple[Jet, Jet]:
        rows = Between(model, names, numbers, at, at)
        below, above = (_side(rows, at, sign) for sign in (-1.0, 1.0))
        # the larger from the smaller, which has all its digits: far from the mode the nodes miss
        # the mass on the mode's side
        equal = below.value == above.value
        small = (below.value < above.value) | (equal & (at < centre))
        return choose(small, below, above.complement()), choose(small, below.complement(), above)

    at = jnp.asarray(x, float)
    numbers = tuple(parameters.values())
    lower, upper = by_jets(jets, *numbers, fixed=(jax.lax.stop_gradient(at),))
    moving = of_moving_ends(log_density, len(numbers))
    first, last = (jnp.full_like(at, end) for end in (support.lower, support.upper))
    return lower + moving(first, at, lower, *numbers), upper + moving(at, last, upper, *numbers)


def _side(rows: Between, x: Array, sign: float) -> Jet:
    """The jet of the log-probability on a side of x."""
    node, size, tables = side_rule(x, rows.support, sign)
    some = size > 0.0
    factor = jnp.where(some, size, 1.0)

    def weighted(*entries: Array) -> tuple[Array, Array]:
        at, weight = node(*entries)
        return at, factor * weight

    def possible(*entries: Array) -> Array:
        at, weight = weighted(*entries)
        term = rows.log_density(at) + jnp.log(weight)
        return jnp.where(jnp.isfinite(term), term, -jnp.inf)

    def largest() -> Array:
        if is_traced_for_numpy():  # along an axis of the nodes' own
            columns = (jnp.asarray(table[:, None]) for table in tables)
            return jnp.max(possible(*columns), axis=0)
        entries = [jnp.asarray(table) for table in tables]

        def larger(i: Array, so_far: Array) -> Array:
            return jnp.maximum(so_far, possible(*(table[i] for table in entries)))

        start = jnp.full(jnp.shape(x), -jnp.inf)
        found: Array = jax.lax.fori_loop(0, len(tables[0]), larger, start)
        return found

    zero = rows.zero(x)
    about = zero._replace(value=compiled_loop(largest))
    found = rows.added(weighted, x, about, lambda: (0, jnp.asarray(len(tables[0]))), *tables)
    nothing = zero._replace(value=jnp.full_like(zero.value, -jnp.inf))
    return choose(some & jnp.isfinite(about.value), found, nothing)
