"""Fréchet distribution: the largest of many heavy-tailed outcomes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, final

import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Array, Vector
from kullback._core.domains import POSITIVE, Domain
from kullback.models.basis_form import Accurate, BasisForm
from kullback.models.family import Family
from kullback.models.positive.weibull import Weibull
from kullback.models.starting_values import LEAST_SPREAD
from kullback.models.tails import Tail, Tails, half_line
from kullback.special.constants import EULER_GAMMA
from kullback.special.gamma import log_gamma_ratio, log_gamma_second_difference
from kullback.special.hazards import log_cdf_of_hazard
from kullback.special.numerics import log, log_quotient, reciprocal

# As the Weibull's: beyond it the compiled kernel keeps the digits of x − scale.
_MOST_SHAPE = 100.0


@final
class Frechet(Family):
    """Fréchet (inverse Weibull) distribution: P(X ≤ x) = exp(−(x/scale)^−shape), x > 0.

    Density (shape/scale) (x/scale)^(−shape−1) exp(−(x/scale)^−shape). Parameters: ``shape`` > 0,
    which is the tail index, and ``scale`` > 0. Mean scale·Γ(1 − 1/shape) for shape > 1, else
    infinite. 1/X is Weibull with the same shape and scale 1/scale; with a location it is the
    generalised extreme value distribution of a positive shape. Source: M. Fréchet (1927), "Sur la
    loi de probabilité de l'écart maximum".

    Example:
        >>> import kullback as kl
        >>> round(kl.Frechet(shape=2.0, scale=1.0).mean(), 6)
        1.772454
    """

    default_parameters: ClassVar[Mapping[str, Domain]] = {"shape": POSITIVE, "scale": POSITIVE}
    support = POSITIVE
    dimensions: ClassVar[Mapping[str, int]] = {"scale": 1}
    basis = ("t = log(x/scale)", "z = (x/scale)^−shape", "z t")

    @staticmethod
    def _log_density(x: Array, shape: Array, scale: Array) -> Array:
        t = log_quotient(x, scale)
        value: Array = Frechet._log_density_of_basis((t, jnp.exp(-shape * t)), shape, scale)
        return value

    @staticmethod
    def _log_density_of_basis(basis: Sequence[Any], shape: Array, scale: Array) -> Any:
        return log(shape) - log(scale) - (shape + 1.0) * basis[0] - basis[1]

    @staticmethod
    def _basis(x: Vector, rows: Vector, shape: float | Vector, scale: float | Vector) -> Accurate:
        # those of the Weibull with the other sign of the shape
        Weibull._basis(x, rows, np.negative(shape), scale)
        return shape <= _MOST_SHAPE

    @staticmethod
    def _basis_derivatives(
        basis: Sequence[BasisForm], shape: Array, scale: Array
    ) -> Mapping[str, Sequence[BasisForm | Array]]:
        t, z, zt = basis
        r = reciprocal(scale)
        return {
            "shape": (BasisForm({}), -zt, -(zt * t)),
            "scale": (-r, r * shape * z, r * (shape * zt - z)),
        }

    @staticmethod
    def _log_cdf(x: Array, shape: Array, scale: Array) -> Array:
        return -jnp.exp(-shape * log_quotient(x, scale))

    @staticmethod
    def _log_survival(x: Array, shape: Array, scale: Array) -> Array:
        z = -shape * log_quotient(x, scale)
        return log_cdf_of_hazard(jnp.exp(z), z)

    @staticmethod
    def _quantile(u: Array, shape: Array, scale: Array) -> Array:
        return scale * jnp.exp(-jnp.log(-jnp.log(u)) / shape)

    @staticmethod
    def _mean(shape: Array, scale: Array) -> Array:
        finite = shape > 1.0
        mean = scale * jnp.exp(log_gamma_ratio(1.0, -1.0 / jnp.where(finite, shape, 2.0)))
        return jnp.where(finite, mean, jnp.inf)

    @staticmethod
    def _variance(shape: Array, scale: Array) -> Array:
        finite = shape > 2.0
        r = 1.0 / jnp.where(finite, shape, 3.0)
        mean = scale * jnp.exp(log_gamma_ratio(1.0, -r))
        ratio = jnp.expm1(log_gamma_second_difference(1.0 - 2.0 * r, r))
        return jnp.where(finite, mean * mean * ratio, jnp.inf)

    @staticmethod
    def _entropy(shape: Array, scale: Array) -> Array:
        return 1.0 + EULER_GAMMA * (1.0 + 1.0 / shape) + jnp.log(scale) - jnp.log(shape)

    @staticmethod
    def _tails(shape: float, **_: float) -> Tails:
        return half_line(Tail("stretched", shape), Tail("power", shape, nearness=shape))

    @staticmethod
    def _starts(values: Vector, weights: Vector) -> list[dict[str, float]]:
        # log X is a Gumbel variable: mean log(scale) + γ/shape, sd π/(√6 shape)
        logs = np.log(values)
        mean = float(np.average(logs, weights=weights))
        sd = float(np.sqrt(np.average((logs - mean) ** 2, weights=weights)))
        shape = math.pi / math.sqrt(6.0) / max(sd, LEAST_SPREAD)
        return [{"shape": shape, "scale": float(np.exp(mean - EULER_GAMMA / shape))}]
