"""The mass of a density on one side of a point, by quadrature, in JAX: for densities of any form.

The distance from the point is taken on a logarithmic scale, so that the nodes suit densities of any
width: the double-exponential rule of H. Takahasi and M. Mori (1974). Counts are added up.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Array, Vector
from kullback._core.domains import Interval

# Nodes of the double-exponential variable: distances from e^−29 to e^29. The error is that of
# doubles for densities as wide as 1, and 1e-8 for those a thousand times as wide or as narrow.
_REACH, _NODES = 3.6, 289

_T, _STEP = np.linspace(-_REACH, _REACH, _NODES, retstep=True)
_INNER = 0.5 * math.pi * np.sinh(_T)
_SLOPES = 0.5 * math.pi * np.cosh(_T) * _STEP
# To an infinite end by distances e^inner. Between two ends, from the nearer one: the share of the
# way is 1/(1 + e^(−2 inner)).
_DISTANCES = np.exp(_INNER)
_NEARER = 1.0 / (1.0 + np.exp(2.0 * np.abs(_INNER)))
_SECOND = np.where(_INNER > 0.0, 1.0, 0.0)

# So many whole numbers are added up from the point on.
_COUNTS = 2_048


def log_mass_above(log_density: Callable[[Array], Array], x: Array, support: Interval) -> Array:
    """Log of ∫ density over outcomes > x."""
    return _log_mass(log_density, x, support, 1.0)


def log_mass_below(log_density: Callable[[Array], Array], x: Array, support: Interval) -> Array:
    """Log of ∫ density over outcomes ≤ x."""
    return _log_mass(log_density, x, support, -1.0)


def _log_mass(
    log_density: Callable[[Array], Array], x: Array, support: Interval, sign: float
) -> Array:
    shape = (-1, *(1,) * jnp.ndim(x))
    if support.whole:
        first = jnp.floor(x) + 1.0 if sign > 0.0 else jnp.floor(x)
        terms = log_density(first + sign * jnp.arange(float(_COUNTS)).reshape(shape))
        return _log_total(terms)
    node, size, tables = side_rule(x, support, sign)
    at, weight = node(*(jnp.asarray(table).reshape(shape) for table in tables))
    terms = log_density(at) + jnp.log(weight)
    return jnp.where(size > 0.0, _log_total(terms) + jnp.log(size), -jnp.inf)


def side_rule(
    x: Array, support: Interval, sign: float
) -> tuple[Callable[..., tuple[Array, Array]], Array, Sequence[Vector]]:
    """Return a rule for integrals over the outcomes above (sign 1) or below (−1) a point.

    Returns:
        A function of an entry of each table: an outcome and its weight, the factor of all weights,
        0 where no outcome is on that side, and the tables.
    """
    end = support.upper if sign > 0.0 else support.lower
    # a point beyond the support has all of it on one side
    start = jnp.clip(x, support.lower, support.upper)
    if math.isinf(end):

        def from_start(distance: Array, weight: Array) -> tuple[Array, Array]:
            return start + sign * distance, weight

        return from_start, jnp.ones_like(start), (_DISTANCES, _DISTANCES * _SLOPES)
    width = jnp.abs(end - start)
    nonzero = jnp.where(width > 0.0, width, 1.0)

    def between(nearer: Array, second: Array, weight: Array) -> tuple[Array, Array]:
        way = sign * nonzero * nearer
        return jnp.where(second > 0.0, end - way, start + way), weight

    weights = 2.0 * _SLOPES * _NEARER * (1.0 - _NEARER)
    return between, width, (_NEARER, _SECOND, weights)


def _log_total(terms: Any) -> Array:
    """Log of the sum of exponentials along the first axis; −inf terms have no slope."""
    kept = jnp.isfinite(terms)
    top = jnp.max(jnp.where(kept, terms, -jnp.inf), axis=0)
    top = jnp.where(jnp.isfinite(top), top, 0.0)
    total = jnp.sum(jnp.where(kept, jnp.exp(jnp.where(kept, terms - top, 0.0)), 0.0), axis=0)
    some = total > 0.0
    return jnp.where(some, top + jnp.log(jnp.where(some, total, 1.0)), -jnp.inf)
