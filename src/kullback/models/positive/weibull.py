"""Weibull distribution: lifetimes with a hazard that is a power of time."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, final

import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Array, Vector
from kullback._core.domains import POSITIVE, Domain
from kullback.models.basis_form import Accurate, BasisForm
from kullback.models.family import Family
from kullback.models.starting_values import LEAST_SPREAD
from kullback.models.tails import Tail, Tails, half_line
from kullback.special.constants import EULER_GAMMA
from kullback.special.gamma import log_gamma_ratio, log_gamma_second_difference
from kullback.special.hazards import log_cdf_of_hazard
from kullback.special.numerics import log, log_quotient, reciprocal

# log(x/scale) has an error of 1e-16, and z that error times the shape. Beyond this shape the whole
# sample is near the scale, and the compiled kernel keeps the digits of x − scale.
_MOST_SHAPE = 100.0


@final
class Weibull(Family):
    """Weibull distribution: P(X > x) = exp(−(x/scale)^shape), x > 0.

    Density (shape/scale) (x/scale)^(shape−1) exp(−(x/scale)^shape). Parameters: ``shape`` > 0 and
    ``scale`` > 0. Mean scale·Γ(1 + 1/shape). Source: W. Weibull (1951), "A statistical distribution
    function of wide applicability".

    Example:
        >>> import kullback as kl
        >>> kl.Weibull(shape=1.0, scale=3.0).mean()
        3.0
    """

    default_parameters: ClassVar[Mapping[str, Domain]] = {"shape": POSITIVE, "scale": POSITIVE}
    support = POSITIVE
    dimensions: ClassVar[Mapping[str, int]] = {"scale": 1}
    exponential_tail = "upper"
    basis = ("t = log(x/scale)", "z = (x/scale)^shape", "z t")

    @staticmethod
    def _log_density(x: Array, shape: Array, scale: Array) -> Array:
        t = log_quotient(x, scale)
        basis = (t, jnp.exp(shape * t))
        value: Array = Weibull._log_density_of_basis(basis, shape, scale)
        return value

    @staticmethod
    def _log_density_of_basis(basis: Sequence[Any], shape: Array, scale: Array) -> Any:
        return log(shape) - log(scale) + (shape - 1.0) * basis[0] - basis[1]

    @staticmethod
    def _basis(x: Vector, rows: Vector, shape: float | Vector, scale: float | Vector) -> Accurate:
        t, z, zt, _ = rows
        np.multiply(x, np.divide(1.0, scale), out=t)
        np.log(t, out=t)
        np.multiply(t, shape, out=z)
        np.exp(z, out=z)
        np.multiply(z, t, out=zt)
        return shape <= _MOST_SHAPE

    @staticmethod
    def _basis_derivatives(
        basis: Sequence[BasisForm], shape: Array, scale: Array
    ) -> Mapping[str, Sequence[BasisForm | Array]]:
        t, z, zt = basis
        r = reciprocal(scale)
        return {
            "shape": (BasisForm({}), zt, zt * t),
            "scale": (-r, -r * shape * z, -r * (shape * zt + z)),
        }

    @staticmethod
    def _coordinate(x: Vector, origin: Vector) -> Vector:
        t = (x - origin) / origin  # log(x/origin), with relative precision near the origin
        small = np.flatnonzero(t < -0.5)
        t = np.log1p(t)
        t[small] = np.log(x[small] / origin[small])
        return t

    @staticmethod
    def _log_density_of_coordinate(
        t: Array,
        exponential: Callable[[Array, Array], Array],
        origin: Array,
        shape: Array,
        scale: Array,
    ) -> Array:
        h = log_quotient(origin, scale)  # so that log(x/scale) = t + h
        return log(shape) - log(scale) + (shape - 1.0) * (t + h) - exponential(shape, shape * h)

    @staticmethod
    def _log_survival(x: Array, shape: Array, scale: Array) -> Array:
        return -jnp.exp(shape * log_quotient(x, scale))

    @staticmethod
    def _log_cdf(x: Array, shape: Array, scale: Array) -> Array:
        z = shape * log_quotient(x, scale)
        return log_cdf_of_hazard(jnp.exp(z), z)

    @staticmethod
    def _quantile(u: Array, shape: Array, scale: Array) -> Array:
        return scale * jnp.exp(jnp.log(-jnp.log1p(-u)) / shape)

    @staticmethod
    def _mean(shape: Array, scale: Array) -> Array:
        return scale * jnp.exp(log_gamma_ratio(1.0, 1.0 / shape))

    @staticmethod
    def _variance(shape: Array, scale: Array) -> Array:
        mean = Weibull._mean(shape, scale)
        return mean * mean * jnp.expm1(log_gamma_second_difference(jnp.float64(1.0), 1.0 / shape))

    @staticmethod
    def _entropy(shape: Array, scale: Array) -> Array:
        return EULER_GAMMA * (1.0 - 1.0 / shape) + jnp.log(scale) - jnp.log(shape) + 1.0

    @staticmethod
    def _tails(shape: float, scale: float) -> Tails:
        upper = Tail("stretched", shape, scale**-shape, shape - 1.0)
        return half_line(Tail("power", shape, nearness=shape), upper)

    @staticmethod
    def _starts(values: Vector, weights: Vector) -> list[dict[str, float]]:
        # log X is a Gumbel variable of minima: mean log(scale) − γ/shape, sd π/(√6 shape)
        logs = np.log(values)
        mean = float(np.average(logs, weights=weights))
        sd = float(np.sqrt(np.average((logs - mean) ** 2, weights=weights)))
        shape = math.pi / math.sqrt(6.0) / max(sd, LEAST_SPREAD)
        return [{"shape": shape, "scale": float(np.exp(mean + EULER_GAMMA / shape))}]
