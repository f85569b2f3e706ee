"""The loss of a mixture's rows with its derivatives, from those of the components.

With t_k the log-probability of a row in component k, w_k its weight and L = log Σ w_k e^(t_k):

    ∂_i L = Σ_k r_k ∂_i t_k,    ∂_ij L = Σ_k r_k (∂_ij t_k + ∂_i t_k ∂_j t_k) − ∂_i L ∂_j L,

r_k = w_k e^(t_k − L) being the shares of the components. Each t_k is differentiated in its own few
numbers: in all numbers, the derivatives of two gamma components would be 21 evaluations of each
incomplete gamma function, and are 3.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import jax.numpy as jnp

from kullback._core.arrays import Array
from kullback._core.derivatives import first_and_second
from kullback.data.observation import Event, Exact, Observed, RowKind, Window, kind_of
from kullback.models.model import Model
from kullback.objective.log_terms import log_term
from kullback.special.numerics import log, reciprocal
from kullback.special.shared import shared_derivatives

Jet = tuple[Array, list[Array], list[Array]]
"""A value, its first derivatives, and the lower triangle of its second ones, row by row."""

_WINDOWS = {Window.LOWER: Event.RIGHT, Window.UPPER: Event.LEFT, Window.BOTH: Event.INTERVAL}


def mixture_loss(
    model: Model,
    kind: RowKind,
    arguments: Sequence[Array],
    row: Mapping[str, Array],
    free: Sequence[int],
) -> Jet:
    """Return −log q of each row with its derivatives in the free numbers.

    Args:
        model: a model with ``components``.
        kind: the kind of row.
        arguments: the constrained numbers.
        row: the columns.
        free: the positions of the numbers to differentiate in.
    """
    if not isinstance(kind, Observed):
        return _negative(_jet(model, kind, arguments, row, free))
    term = _jet(model, kind_of(kind.event, Window.NONE), arguments, row, free)
    if kind.window == Window.NONE:
        return _negative(term)
    ends = {n.replace("window", "y"): v for n, v in row.items() if n.startswith("window")}
    others = {n: v for n, v in row.items() if not n.startswith(("y", "window"))}
    event = Observed(_WINDOWS[kind.window])
    window = _jet(model, event, arguments, {**others, **ends}, free)
    value, first, second = (
        [b - a for a, b in zip(one, other, strict=True)]
        for one, other in zip(_flat(term), _flat(window), strict=True)
    )
    return value[0], first, second


def _flat(jet: Jet) -> tuple[list[Array], list[Array], list[Array]]:
    return [jet[0]], jet[1], jet[2]


def _negative(jet: Jet) -> Jet:
    return -jet[0], [-v for v in jet[1]], [-v for v in jet[2]]


def _jet(
    model: Model,
    kind: RowKind,
    arguments: Sequence[Array],
    row: Mapping[str, Array],
    free: Sequence[int],
) -> Jet:
    """Return log Σ w_k e^(t_k) with its derivatives."""
    weights = model.component_weights(model.row_parameters(arguments, row))
    jets = [
        _of_component(model, k, kind, arguments, row, free) for k in range(len(model.components))
    ]
    largest = jets[0][1][0]
    for _, (term, _, _) in jets[1:]:
        largest = jnp.maximum(largest, term)
    largest = jnp.where(largest > -jnp.inf, largest, 0.0)
    powers = [jnp.exp(term - largest) for _, (term, _, _) in jets]
    total = jnp.zeros(())
    for w, power in zip(weights, powers, strict=True):
        total = total + w * power
    possible = total > 0.0
    total = jnp.where(possible, total, 1.0)
    value = jnp.where(possible, log(total) + largest, -jnp.inf)
    divided = reciprocal(total)
    powers = [power * divided for power in powers]  # e^(t_k − L), the derivatives in weights
    shares = [w * power for w, power in zip(weights, powers, strict=True)]
    d = len(free)
    # a weight that is free is a number of its own, and no component's
    of_weights = model.component_numbers[-1]
    own_weight = {free.index(i): k for k, i in enumerate(of_weights) if i in free}
    first: list[Any] = [None] * d
    second: list[list[Any]] = [[None] * d for _ in range(d)]
    for place, k in own_weight.items():
        first[place] = powers[k]
    for (places, (_, slopes, bends)), r, power, k in zip(
        jets, shares, powers, range(len(jets)), strict=True
    ):
        weight = next((place for place, of in own_weight.items() if of == k), None)
        entry = 0
        for a, i in enumerate(places):
            first[i] = _plus(first[i], r * slopes[a])
            for b, j in enumerate(places[: a + 1]):
                low, high = max(i, j), min(i, j)
                second[low][high] = _plus(
                    second[low][high], r * (bends[entry] + slopes[a] * slopes[b])
                )
                entry += 1
            if weight is not None:
                low, high = max(i, weight), min(i, weight)
                second[low][high] = _plus(second[low][high], power * slopes[a])
    # a number that no component has, as one of covariates alone, does not occur
    first = [jnp.zeros(()) if v is None else v for v in first]
    lower = [_minus(second[i][j], first[i] * first[j]) for i in range(d) for j in range(i + 1)]
    return value, first, lower


def _plus(total: Any, term: Array) -> Array:
    return term if total is None else total + term


def _minus(value: Any, product: Array) -> Array:
    return -product if value is None else value - product


def _of_component(
    model: Model,
    k: int,
    kind: RowKind,
    arguments: Sequence[Array],
    row: Mapping[str, Array],
    free: Sequence[int],
) -> tuple[list[int], Jet]:
    """Return t_k with its derivatives, and the places of its numbers among the free ones."""
    component = model.components[k]
    own = model.component_numbers[k]
    places = [place for place, i in enumerate(free) if i in own]
    derivatives = first_and_second if isinstance(kind, Exact) else shared_derivatives

    def term(*numbers: Array) -> Array:
        filled = list(arguments)
        for place, number in zip(places, numbers, strict=True):
            filled[free[place]] = number
        return log_term(kind, component, model.row_parameters(filled, row), row)

    at = [arguments[free[place]] for place in places]
    value, slopes, bends, *_ = derivatives(term, at)
    return places, (value, slopes, bends)
