"""The relative entropy of two members of an exponential family, by one formula for all."""

from __future__ import annotations

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Array, Vector, float64
from kullback._core.compilation import COMPILED
from kullback._core.errors import ModelError
from kullback.information.models.method_choice import ClosedForm
from kullback.models.forms import ExponentialForm
from kullback.models.model import Model
from kullback.models.row_functions import Moment

# Eight roundings of each product: those of the statistics' means, from a small linear system, and
# of the coefficients.
_ROUNDING = 8.0 * float(np.finfo(np.float64).eps)


def bregman(p: Model, q: Model) -> ClosedForm | None:
    """D(p‖q) of two members of an exponential family, from its statistics; None where it has none.

    log q = a(θ)·T + b(θ), and the expected score at θ_p is zero: E_p[T] solves the linear
    equations ∂a/∂θ · E[T] + ∂b/∂θ = 0. Then D = (a_p − a_q)·E[T] + b_p − b_q, the Bregman
    divergence of the log-partition function. A statistic with the same coefficient in both drops
    out.
    """
    p, q = p.in_default(), q.in_default()
    form, other = p.exponential_form, q.exponential_form
    if form is None or other is None or tuple(p.parameters) != tuple(q.parameters):
        return None
    if form.statistics_structure != other.statistics_structure:
        return None
    origin = _origin(p, q)
    if origin is None:
        return None
    names = tuple(name for name in p.parameters if name not in p.order_statistics)
    numbers = [np.array([m.params[name] for name in p.parameters]) for m in (p, q)]
    with float64():
        parts = COMPILED.call(
            (bregman, p.structure),
            lambda: _coefficients(form, tuple(p.parameters), names),
            *numbers,
            np.float64(origin),
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


def moment(model: Model, which: Moment) -> float:
    """Return the mean, the variance or the entropy; NaN where the model has no formula for it."""
    try:
        return float(getattr(model, which)())
    except ModelError:
        return math.nan


def _origin(p: Model, q: Model) -> float | None:
    """A point of the support from which the statistics of p keep their digits; None: unknown."""
    outcome = moment(p, "mean")
    if not math.isfinite(outcome):
        try:
            outcome = float(p.quantile(0.5))
        except ModelError:
            return None
    inside: Vector = q.support.contains(np.array([outcome, 1.0]))
    return outcome if inside[0] else 1.0 if inside[1] else q.support.interior


def _coefficients(
    form: ExponentialForm, every: tuple[str, ...], names: tuple[str, ...]
) -> Callable[..., tuple[Array, ...]]:
    def log_density(statistics: Array, theta: Array, origin: Array) -> Array:
        parameters = {name: theta[i] for i, name in enumerate(every)}
        parts = [statistics[k] for k in range(statistics.size)]
        return form.log_density_of(parts, origin, parameters)

    free = np.array([i for i, name in enumerate(every) if name in names])

    def coefficients(theta_p: Array, theta_q: Array, origin: Array) -> tuple[Array, ...]:
        zero = jnp.zeros(len(form.statistics(origin, origin)))

        def affine(theta: Array) -> tuple[Array, Array]:
            return jax.grad(log_density)(zero, theta, origin), log_density(zero, theta, origin)

        a_p, b_p = affine(theta_p)
        a_q, b_q = affine(theta_q)
        slopes, slope = jax.jacfwd(affine)(theta_p)
        return a_p, b_p, a_q, b_q, slopes[:, free].T, slope[free]

    return coefficients
