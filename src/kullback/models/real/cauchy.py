"""Cauchy distribution: symmetric, without mean and variance."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, final

import jax.numpy as jnp

from kullback._core.arrays import Array, Vector
from kullback._core.domains import POSITIVE, REAL, Domain
from kullback.models.basis_form import Accurate, BasisForm
from kullback.models.family import Family
from kullback.models.real.student_basis import BASIS, basis_derivatives, write_basis
from kullback.models.starting_values import symmetric_starts, weighted_quantiles
from kullback.models.tails import Tail, Tails, symmetric
from kullback.special.constants import LOG_PI
from kullback.special.numerics import log, reciprocal
from kullback.special.student import log1p_square, log_cauchy_tail


@final
class Cauchy(Family):
    """Cauchy distribution: q(x) = 1 / (π scale (1 + z²)), z = (x − loc)/scale, x any number.

    Parameters: ``loc`` (the median) and ``scale`` > 0 (half the interquartile range). Its mean
    and variance do not exist. Source: N. L. Johnson, S. Kotz and N. Balakrishnan (1994), Continuous
    Univariate Distributions 1, chapter 16.

    Example:
        >>> import kullback as kl
        >>> kl.Cauchy(loc=1.0, scale=2.0).quantile(0.75)
        3.0
    """

    default_parameters: ClassVar[Mapping[str, Domain]] = {"loc": REAL, "scale": POSITIVE}
    support = REAL
    dimensions: ClassVar[Mapping[str, int]] = {"loc": 1, "scale": 1}
    basis = BASIS

    @staticmethod
    def _log_density(x: Array, loc: Array, scale: Array) -> Array:
        square = log1p_square((x - loc) * reciprocal(scale))
        value: Array = Cauchy._log_density_of_basis((square,), loc, scale)
        return value

    @staticmethod
    def _log_density_of_basis(
        basis: Sequence[Any],
        loc: Array,  # noqa: ARG004
        scale: Array,
    ) -> Any:
        return -basis[0] - (log(scale) + LOG_PI)

    @staticmethod
    def _basis(x: Vector, rows: Vector, loc: float | Vector, scale: float | Vector) -> Accurate:
        return write_basis(x, rows, loc, scale)

    @staticmethod
    def _basis_derivatives(
        basis: Sequence[BasisForm],
        loc: Array,  # noqa: ARG004
        scale: Array,
    ) -> Mapping[str, Sequence[BasisForm]]:
        along, times_w = basis_derivatives(basis)
        r = reciprocal(scale)
        return {"loc": [-r * s for s in along], "scale": [-r * s for s in times_w]}

    @staticmethod
    def _log_cdf(x: Array, loc: Array, scale: Array) -> Array:
        return log_cauchy_tail((loc - x) * reciprocal(scale))

    @staticmethod
    def _log_survival(x: Array, loc: Array, scale: Array) -> Array:
        return log_cauchy_tail((x - loc) * reciprocal(scale))

    @staticmethod
    def _quantile(u: Array, loc: Array, scale: Array) -> Array:
        # the distance from the nearer end keeps its digits; at an end it is exactly zero
        end = jnp.where(u < 0.5, u, 1.0 - u)
        tail = jnp.abs(1.0 / jnp.tan(jnp.pi * end))
        middle = jnp.tan(jnp.pi * (u - 0.5))
        return loc + scale * jnp.where(end > 0.25, middle, jnp.where(u < 0.5, -tail, tail))

    @staticmethod
    def _mean(loc: Array, scale: Array) -> Array:  # noqa: ARG004
        return jnp.full_like(loc, jnp.nan)

    @staticmethod
    def _variance(loc: Array, scale: Array) -> Array:  # noqa: ARG004
        return jnp.full_like(loc, jnp.nan)

    @staticmethod
    def _entropy(loc: Array, scale: Array) -> Array:  # noqa: ARG004
        return log(scale) + math.log(4.0 * math.pi)

    @staticmethod
    def _tails(**_: float) -> Tails:
        return symmetric(Tail("power", 1.0))

    @staticmethod
    def _starts(values: Vector, weights: Vector) -> list[dict[str, float]]:
        # with a fixed scale the likelihood may peak near each cluster, hence two more starts
        first = symmetric_starts(values, weights, 1.0, 1.0)[0]
        sides = weighted_quantiles(values, weights, (0.25, 0.75))
        return [first, *({"loc": side, "scale": first["scale"]} for side in sides)]
