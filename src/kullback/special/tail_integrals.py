"""The mass of a density on one side of a point, by quadrature, in JAX: for densities of any form.

The distance from the point is taken on a logarithmic scale, so that the nodes suit densities of any
width: the double-exponential rule of H. Takahasi and M. Mori (1974). Counts are added up.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Array
from kullback._core.domains import Interval

# Nodes of the double-exponential variable: distances from e^−29 to e^29. The error is that of
# doubles for densities as wide as 1, and 1e-8 for those a thousand times as wide or as narrow.
_REACH, _NODES = 3.6, 289

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
    end = support.upper if sign > 0.0 else support.lower
    # a point beyond the support has all of it on one side
    start = jnp.clip(x, support.lower, support.upper)
    t, step = np.linspace(-_REACH, _REACH, _NODES, retstep=True)
    inner = 0.5 * math.pi * np.sinh(t)
    slope = 0.5 * math.pi * np.cosh(t) * step
    if math.isinf(end):
        # x = start + e^inner
        distance = jnp.asarray(np.exp(inner)).reshape(shape)
        weight = jnp.asarray(inner + np.log(slope)).reshape(shape)
        return _log_total(log_density(start + sign * distance) + weight)
    # between start and end, from the nearer one: the share of the way is 1/(1 + e^(−2 inner))
    nearer = jnp.asarray(1.0 / (1.0 + np.exp(2.0 * np.abs(inner)))).reshape(shape)
    weights = np.log(2.0 * slope) - np.log1p(np.exp(-2.0 * inner)) - np.log1p(np.exp(2.0 * inner))
    width = jnp.abs(end - start)
    second = jnp.asarray(inner > 0.0).reshape(shape)
    at = jnp.where(second, end - sign * width * nearer, start + sign * width * nearer)
    terms = log_density(at) + jnp.asarray(weights).reshape(shape)
    positive = width > 0.0
    total = _log_total(terms) + jnp.log(jnp.where(positive, width, 1.0))
    return jnp.where(positive, total, -jnp.inf)


def _log_total(terms: Any) -> Array:
    """Log of the sum of exponentials along the first axis; −inf terms have no slope."""
    kept = jnp.isfinite(terms)
    top = jnp.max(jnp.where(kept, terms, -jnp.inf), axis=0)
    top = jnp.where(jnp.isfinite(top), top, 0.0)
    total = jnp.sum(jnp.where(kept, jnp.exp(jnp.where(kept, terms - top, 0.0)), 0.0), axis=0)
    some = total > 0.0
    return jnp.where(some, top + jnp.log(jnp.where(some, total, 1.0)), -jnp.inf)
