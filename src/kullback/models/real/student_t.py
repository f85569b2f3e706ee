"""Student's t distribution: symmetric, with heavy tails."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, final

import jax
import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Array, Vector
from kullback._core.domains import POSITIVE, REAL, Domain
from kullback.models.basis_form import Accurate, BasisForm
from kullback.models.family import Family
from kullback.models.real.student_basis import BASIS, basis_derivatives, write_basis
from kullback.models.samplers import draw_gamma
from kullback.models.starting_values import symmetric_starts
from kullback.models.tails import Tail, Tails, symmetric
from kullback.special.constants import LOG_PI
from kullback.special.gamma import digamma_difference, log_gamma_ratio
from kullback.special.moving_ends import log_between_by_jet
from kullback.special.numerics import log, reciprocal
from kullback.special.student import log1p_square
from kullback.special.student_interval import t_interval_jet
from kullback.special.student_tail import log_t_sides

# The score in df, of order 1/df², is a difference of basis functions of order 1/df, so the sum of
# its squares has an error of about 1e-16 df². Beyond this df the compiled kernel is used.
_MOST_DF = 1e3


@final
class StudentT(Family):
    """Student's t distribution: a normal with heavy tails, x any number.

    q(x) = Γ((df + 1)/2) / (Γ(df/2) √(π df) scale) · (1 + z²/df)^(−(df + 1)/2), z = (x − loc)/scale.
    Parameters: ``df`` > 0 (1: Cauchy; large: normal), ``loc`` and ``scale`` > 0. The mean is loc
    where df > 1 (else undefined), the variance scale² df/(df − 2) where df > 2. Source:
    N. L. Johnson, S. Kotz and N. Balakrishnan (1995), Continuous Univariate Distributions 2,
    chapter 28.

    Example:
        >>> import kullback as kl
        >>> kl.StudentT(df=4.0, loc=1.0, scale=2.0).variance()
        8.0
    """

    default_parameters: ClassVar[Mapping[str, Domain]] = {
        "df": POSITIVE,
        "loc": REAL,
        "scale": POSITIVE,
    }
    support = REAL
    dimensions: ClassVar[Mapping[str, int]] = {"loc": 1, "scale": 1}
    limits: ClassVar[Mapping[str, str]] = {"df": "Normal"}
    basis = BASIS

    @staticmethod
    def _log_density(x: Array, df: Array, loc: Array, scale: Array) -> Array:
        w = (x - loc) * (reciprocal(scale) * jax.lax.rsqrt(df))
        value: Array = StudentT._log_density_of_basis((log1p_square(w),), df, loc, scale)
        return value

    @staticmethod
    def _log_density_of_basis(
        basis: Sequence[Any],
        df: Array,
        loc: Array,  # noqa: ARG004
        scale: Array,
    ) -> Any:
        constant = log_gamma_ratio(0.5 * df, 0.5) - 0.5 * (log(df) + LOG_PI) - log(scale)
        return constant - (0.5 * (df + 1.0)) * basis[0]

    @staticmethod
    def _basis(
        x: Vector,
        rows: Vector,
        df: float | Vector,
        loc: float | Vector,
        scale: float | Vector,
    ) -> Accurate:
        return write_basis(x, rows, loc, scale * np.sqrt(df)) & (df <= _MOST_DF)

    @staticmethod
    def _basis_derivatives(
        basis: Sequence[BasisForm],
        df: Array,
        loc: Array,  # noqa: ARG004
        scale: Array,
    ) -> Mapping[str, Sequence[BasisForm]]:
        along, times_w = basis_derivatives(basis)
        r = reciprocal(scale)
        # w = (x − loc)/(scale √df)
        return {
            "df": [-0.5 * reciprocal(df) * slope for slope in times_w],
            "loc": [-(r * jax.lax.rsqrt(df)) * slope for slope in along],
            "scale": [-r * slope for slope in times_w],
        }

    @staticmethod
    def _log_density_change(x: Array, origin: Array, df: Array, loc: Array, scale: Array) -> Array:
        unit = reciprocal(scale) * jax.lax.rsqrt(df)
        before = log1p_square((origin - loc) * unit)
        return 0.5 * (df + 1.0) * (before - log1p_square((x - loc) * unit))

    @staticmethod
    def _log_cdf(x: Array, df: Array, loc: Array, scale: Array) -> Array:
        return StudentT._log_tails(x, df, loc, scale)[0]

    @staticmethod
    def _log_survival(x: Array, df: Array, loc: Array, scale: Array) -> Array:
        return StudentT._log_tails(x, df, loc, scale)[1]

    @staticmethod
    def _log_tails(x: Array, df: Array, loc: Array, scale: Array) -> tuple[Array, Array]:
        w = (x - loc) * (reciprocal(scale) * jax.lax.rsqrt(df))
        return log_t_sides(0.5 * df, w)

    @staticmethod
    def _log_between(lower: Array, upper: Array, df: Array, loc: Array, scale: Array) -> Array:
        def log_density(x: Array, a: Array, loc: Array, log_size: Array) -> Array:
            df = 2.0 * a
            return StudentT._log_density(x, df, loc, jnp.exp(log_size) * jax.lax.rsqrt(df))

        numbers = 0.5 * df, loc, log(scale) + 0.5 * log(df)
        return log_between_by_jet(t_interval_jet, log_density, REAL, lower, upper, *numbers)

    @staticmethod
    def _draw(
        generator: np.random.Generator, size: tuple[int, ...], df: float, loc: float, scale: float
    ) -> Vector:
        normal = generator.standard_normal(size)
        g, h = draw_gamma(generator, size, 0.5 * df)
        root = np.exp(-0.25 * h)  # alone, e^(−h/2) may be beyond the doubles
        return np.asarray(loc + scale * root * (normal / np.sqrt(g / (0.5 * df))) * root)

    @staticmethod
    def _mean(df: Array, loc: Array, scale: Array) -> Array:  # noqa: ARG004
        return jnp.where(df > 1.0, loc, jnp.nan)

    @staticmethod
    def _variance(df: Array, loc: Array, scale: Array) -> Array:  # noqa: ARG004
        finite = scale * scale * df / jnp.where(df > 2.0, df - 2.0, 1.0)
        return jnp.where(df > 2.0, finite, jnp.where(df > 1.0, jnp.inf, jnp.nan))

    @staticmethod
    def _entropy(df: Array, loc: Array, scale: Array) -> Array:  # noqa: ARG004
        a = 0.5 * df
        constant = 0.5 * (log(df) + LOG_PI) + log(scale) - log_gamma_ratio(a, 0.5)
        return constant + (a + 0.5) * digamma_difference(a, 0.5)

    @staticmethod
    def _tails(df: float, **_: float) -> Tails:
        return symmetric(Tail("power", df))

    @staticmethod
    def _starts(values: Vector, weights: Vector) -> list[dict[str, float]]:
        # The upper quartile at each number of degrees of freedom. The likelihood may have one peak
        # near the normal and another with heavy tails.
        quartiles = {5.0: 0.7266868, 1.0: 1.0, 40.0: 0.6807}
        return [
            {"df": df, **symmetric_starts(values, weights, quartile, 1.0)[0]}
            for df, quartile in quartiles.items()
        ]
