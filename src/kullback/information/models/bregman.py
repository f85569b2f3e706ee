"""The relative entropy of two members of an exponential family, by one formula for all."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Array, float64
from kullback._core.compilation import COMPILED
from kullback.information.models.method_choice import ClosedForm
from kullback.information.models.tails import default_numbers
from kullback.models.family import Family

# Eight roundings of each product: those of the statistics' means, from a small linear system, and
# of the coefficients.
_ROUNDING = 8.0 * float(np.finfo(np.float64).eps)


def bregman(p: Family, q: Family) -> ClosedForm:
    """D(p‖q) of two members of an exponential family, from its statistics.

    log q = a(θ)·T + b(θ), and the expected score at θ_p is zero: E_p[T] solves the linear
    equations ∂a/∂θ · E[T] + ∂b/∂θ = 0. Then D = (a_p − a_q)·E[T] + b_p − b_q, the Bregman
    divergence of the log-partition function. A statistic with the same coefficient in both drops
    out.
    """
    origin = _origin(p, q)
    names = tuple(name for name in p.default_parameters if name not in p.order_statistics)
    first, second = default_numbers(p), default_numbers(q)
    numbers = [np.array([n[name] for name in p.default_parameters]) for n in (first, second)]
    with float64():
        parts = COMPILED.call(
            (bregman, type(p)), lambda: _coefficients(p, names), *numbers, np.float64(origin)
        )
        a_p, b_p, a_q, b_q, slopes, slope = (np.asarray(part) for part in parts)
    # columns of equal scale, so that least squares does not depend on units
    size = np.max(np.abs(slopes), axis=0)
    scale = np.where(size > 0.0, size, 1.0)
    mean = np.linalg.lstsq(slopes / scale, -slope, rcond=None)[0] / scale
    terms = (a_p - a_q) * mean
    pieces = np.concatenate([np.abs(a_p * mean), np.abs(a_q * mean), np.abs([b_p, b_q])])
    value = math.fsum([*terms.tolist(), float(b_p - b_q)])
    return ClosedForm(value, _ROUNDING * float(pieces.sum()), "closed form (Bregman divergence)")


def _origin(p: Family, q: Family) -> float:
    """A point of the support from which the statistics of p keep their digits."""
    mean = p.mean() if p._mean is not None else math.nan
    outcome = mean if math.isfinite(mean) else float(p.quantile(0.5))
    return outcome if bool(q.support.contains(np.array([outcome]))[0]) else 1.0


def _coefficients(family: Family, names: tuple[str, ...]) -> Callable[..., tuple[Array, ...]]:
    def log_density(statistics: Array, theta: Array, origin: Array) -> Array:
        parameters = {name: theta[i] for i, name in enumerate(family.default_parameters)}
        parts = [statistics[k] for k in range(statistics.size)]
        formula: Any = family._log_density_of
        value: Array = formula(parts, origin, **parameters)
        return value

    free = np.array([i for i, name in enumerate(family.default_parameters) if name in names])

    def coefficients(theta_p: Array, theta_q: Array, origin: Array) -> tuple[Array, ...]:
        zero = jnp.zeros(len(family.statistics(origin, origin)))

        def affine(theta: Array) -> tuple[Array, Array]:
            return jax.grad(log_density)(zero, theta, origin), log_density(zero, theta, origin)

        a_p, b_p = affine(theta_p)
        a_q, b_q = affine(theta_q)
        slopes, slope = jax.jacfwd(affine)(theta_p)
        return a_p, b_p, a_q, b_q, slopes[:, free].T, slope[free]

    return coefficients
