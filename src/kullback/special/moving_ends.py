"""Log-probabilities between two ends from their jets, and the derivatives that moving ends add.

Those in an end are the density's there over the probability, evaluated only where an end moves.
"""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp

from kullback._core.arrays import Array
from kullback._core.derivatives import slope
from kullback._core.domains import Interval
from kullback.special.partials import with_partials
from kullback.special.shared import Jet, by_jets


def log_between_by_jet(
    jet: Callable[..., Jet],
    log_density: Callable[..., Array],
    support: Interval,
    lower: Array,
    upper: Array,
    *numbers: Array,
) -> Array:
    """Log-probability of a continuous outcome between two ends, from its jet where these stay.

    Args:
        jet: of the two ends, ``support.lower`` ≤ lower < upper ≤ ``support.upper``, and the
            numbers; in the numbers.
        log_density: of an outcome and the numbers, for the derivatives in ends that move.
        support: the possible outcomes.
        lower: the lower ends.
        upper: the upper ends.
        numbers: what the probability is differentiated in.
    """
    low, high = jnp.maximum(lower, support.lower), jnp.minimum(upper, support.upper)
    none = low >= high
    low, high = jnp.where(none, support.interior, low), jnp.where(none, support.upper, high)

    def inside(x: Array, *at: Array) -> Array:
        # an end of the support does not move
        within = (x > support.lower) & (x < support.upper)
        value = log_density(jnp.where(within, x, support.interior), *at)
        return jnp.where(within, value, -jnp.inf)

    return jnp.where(none, -jnp.inf, by_jet(jet, inside, low, high, *numbers))


def by_jet(
    jet: Callable[..., Jet],
    log_density: Callable[..., Array],
    lower: Array,
    upper: Array,
    *numbers: Array,
) -> Array:
    """Log-probability between two ends from its jet where these stay, wherever they are.

    Args:
        jet: of the two ends and the numbers; in the numbers.
        log_density: of an outcome and the numbers, for the derivatives in ends that move.
        lower: the lower ends.
        upper: the upper ends.
        numbers: what the probability is differentiated in.
    """
    low, high = (jnp.asarray(end, float) for end in jnp.broadcast_arrays(lower, upper))
    fixed = (jax.lax.stop_gradient(low), jax.lax.stop_gradient(high))
    value = by_jets(lambda *at: [jet(*at)], *numbers, fixed=fixed)[0]
    return value + of_moving_ends(log_density, len(numbers))(low, high, value, *numbers)


def of_moving_ends(log_density: Callable[..., Array], count: int) -> Callable[..., Array]:
    """A function that is 0, with the derivatives that moving ends add: evaluated if they move."""

    def share(x: Array, low: Array, high: Array, value: Array, *numbers: Array) -> Array:
        moved = value + added(low, high, value, *numbers)
        return jnp.exp(log_density(x, *numbers) - moved)

    def nothing(*_: Array) -> Array:
        return jnp.zeros(())

    def mixed(by: Callable[..., Array]) -> Callable[..., Array]:
        """A function that is 0, with the mixed derivatives of an end and another argument."""

        @with_partials(
            lambda low, *others: -share(low, low, *others) * by(low, *others[2:]),
            lambda low, high, *others: share(high, low, high, *others) * by(high, *others[1:]),
            *[nothing] * (1 + count),
        )
        def zero(low: Array, high: Array, value: Array, *numbers: Array) -> Array:  # noqa: ARG001
            return jnp.zeros_like(value)

        return zero

    def score(k: int) -> Callable[..., Array]:
        def by(x: Array, *numbers: Array) -> Array:
            def along(number: Array) -> Array:
                return log_density(x, *numbers[:k], number, *numbers[k + 1 :])

            found: Array = slope(along, jnp.broadcast_to(numbers[k], jnp.shape(x)))
            return found

        return by

    @with_partials(
        lambda low, *others: -share(low, low, *others),
        lambda low, high, *others: share(high, low, high, *others),
        mixed(lambda x, *_: -jnp.ones_like(x)),
        *(mixed(score(k)) for k in range(count)),
    )
    def added(low: Array, high: Array, value: Array, *numbers: Array) -> Array:  # noqa: ARG001
        return jnp.zeros_like(value)

    return added
