"""Log-probabilities that an outcome lies between ends, from densities and tails, in JAX.

Between ends far apart it is a difference of two tails, of the smaller ones. Where these nearly
cancel, the density is added up instead: over whole numbers, or by a Gauss–Legendre sum in a
variable in which it is smooth up to the ends of its support. Derivatives are then the density's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Array
from kullback._core.domains import Interval
from kullback.special.smooth import log1mexp

# Where one tail is less than e^0.1 times the other, their difference would lose more than a digit.
# The density then changes so little that 32 nodes reach rounding (tests/rows compare with mpmath).
_NARROW = 0.1
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(32)

# So many probabilities of whole numbers are added up; of more, the tails are subtracted.
_MOST_COUNTS = 32


@runtime_checkable
class Tailed(Protocol):
    """What is needed of a model."""

    support: Interval

    def row_log_density(self, x: Array, parameters: Mapping[str, Array]) -> Array:
        """Log-density."""

    def row_log_cdf(self, x: Array, parameters: Mapping[str, Array]) -> Array:
        """Log-probability of an outcome ≤ ``x``."""

    def row_log_survival(self, x: Array, parameters: Mapping[str, Array]) -> Array:
        """Log-probability of an outcome > ``x``."""


def log_at_least(model: Tailed, lower: Array, parameters: Mapping[str, Array]) -> Array:
    """Log-probability of an outcome ≥ ``lower``."""
    return model.row_log_survival(_below(model, lower), parameters)


def log_between(
    model: Tailed, lower: Array, upper: Array, parameters: Mapping[str, Array]
) -> Array:
    """Log-probability of an outcome from ``lower`` to ``upper``, both ends included.

    Args:
        model: the model.
        lower: the lower ends.
        upper: the upper ends: above them, for whole numbers at least as large.
        parameters: scalars, or one value a row.
    """
    below = _below(model, lower)
    ends = jnp.stack(jnp.broadcast_arrays(below, upper))  # one program for both ends
    f_low, f_high = model.row_log_cdf(ends, parameters)
    s_low, s_high = model.row_log_survival(ends, parameters)
    left, right = f_high < s_high, s_low < f_low
    larger = jnp.where(left, f_high, jnp.where(right, s_low, 0.0))
    smaller = jnp.where(left, f_low, jnp.where(right, s_high, jnp.logaddexp(f_low, s_high)))
    narrow = larger - smaller < _NARROW
    if model.support.whole:
        narrow &= jnp.floor(upper) - below <= _MOST_COUNTS
        added = _log_sum(model, jnp.where(narrow, below + 1.0, 0.0), upper, parameters)
    else:
        added = _log_integral(model, lower, upper, narrow, parameters)
    # what is not used gets harmless arguments, so that its derivatives are finite
    wide = jnp.where(narrow, 0.0, larger) + log1mexp(jnp.where(narrow, -1.0, smaller - larger))
    return jnp.where(narrow, added, wide)


def _below(model: Tailed, lower: Array) -> Array:
    """The largest outcome that is not an end's, or the end itself for continuous outcomes."""
    return jnp.ceil(lower) - 1.0 if model.support.whole else lower


def _log_sum(model: Tailed, first: Array, last: Array, parameters: Mapping[str, Array]) -> Array:
    """Add up the probabilities of whole numbers."""
    numbers = first + jnp.arange(float(_MOST_COUNTS)).reshape(-1, *(1,) * jnp.ndim(first))
    terms = model.row_log_density(numbers, parameters)
    return _log_total(jnp.where(numbers <= last, terms, -jnp.inf))


def _log_integral(
    model: Tailed, lower: Array, upper: Array, narrow: Array, parameters: Mapping[str, Array]
) -> Array:
    """Integrate the density: over the logarithm of the distance to an end of the support."""
    s = model.support
    inside = s.interior
    low = jnp.where(narrow, lower, inside)
    width = jnp.where(narrow, upper - lower, 0.5 * (s.upper - inside) if s.upper < np.inf else 1.0)
    shape = (-1, *(1,) * jnp.ndim(low))
    t = jnp.asarray(0.5 * (1.0 + _NODES)).reshape(shape)
    weight = jnp.asarray(0.5 * _WEIGHTS).reshape(shape)
    if s.lower > -np.inf:
        # v = log(x − L), or log((x − L)/(U − x)): dx = (x − L) (U − x)/(U − L) dv
        distance = low - s.lower
        span = jnp.log1p(width / distance)
        if s.upper < np.inf:
            rest = s.upper - low
            span = span - jnp.log1p(-width / rest)
            ratio = distance / rest * jnp.exp(t * span)
            x = (s.lower + s.upper * ratio) / (1.0 + ratio)
            weight = weight * span * (x - s.lower) * (s.upper - x) / (s.upper - s.lower)
        else:
            x = s.lower + distance * jnp.exp(t * span)
            weight = weight * span * (x - s.lower)
    else:
        x = low + t * width
        weight = weight * width
    terms = model.row_log_density(x, parameters) + jnp.log(weight)
    return _log_total(jnp.where(narrow, terms, 0.0))


def _log_total(terms: Array) -> Array:
    """Return log Σ exp of terms; −inf, with derivatives of zero, where all are −inf."""
    largest = jax.lax.stop_gradient(jnp.max(terms, axis=0))
    largest = jnp.where(jnp.isfinite(largest), largest, 0.0)
    total = jnp.sum(jnp.exp(terms - largest), axis=0)
    possible = total > 0.0
    return jnp.where(possible, jnp.log(jnp.where(possible, total, 1.0)) + largest, -jnp.inf)
