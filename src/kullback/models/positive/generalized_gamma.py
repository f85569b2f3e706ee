"""Generalised gamma distribution: gamma, Weibull and log-normal in one, with three parameters."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar, final

import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Array, Vector
from kullback._core.domains import POSITIVE, REAL, Domain, Interval
from kullback.models.caution import Caution
from kullback.models.family import Family
from kullback.models.samplers import draw_gamma
from kullback.models.starting_values import LEAST_SPREAD
from kullback.models.tails import Tail, Tails, half_line
from kullback.special.constants import EULER_GAMMA
from kullback.special.generalized_gamma import (
    log_constant,
    log_density,
    log_mean_exponential,
    log_tails,
    mean_logarithm,
)
from kullback.special.numerics import log, reciprocal

# From here on the density differs from its limit by less than the rounding of a search.
_DIVERGED = 1e5

# Shapes that starts are tried at, with the mean (ψ(k) − log k)/Q and the standard deviation
# √ψ'(k)/|Q| of w there
_STANDARD = (
    (0.0, 0.0, 1.0),
    (1.0, -EULER_GAMMA, math.pi / math.sqrt(6.0)),
    (-1.0, EULER_GAMMA, math.pi / math.sqrt(6.0)),
    (2.5, -1.90334867563358, 2.54217885052134),
)


@final
class GeneralizedGamma(Family):
    """Generalised gamma: (log X − loc)/scale = log(G/k)/shape, G gamma of shape k = 1/shape².

    Density |Q| k^k exp(k (Q w − e^(Q w))) / (scale x Γ(k)) of x > 0, with w = (log x − loc)/scale
    and Q = ``shape``. Parameters: ``loc`` and ``scale`` > 0 of the logarithm, and any real
    ``shape``: 1 is the Weibull, ``scale`` the gamma, 0 the log-normal and −1 the Fréchet
    distribution. SciPy's ``gengamma(a, c, scale=s)`` has a = 1/Q², c = Q/scale and
    s = e^loc |Q|^(2 scale/Q). Mean e^loc Γ(k + scale/Q)/(k^(scale/Q) Γ(k)), infinite where
    Q·scale ≤ −1. As Q diverges with scale = 1/(a |Q|), X/e^loc tends to a power distribution, of
    density a y^(a−1) up to 1, and for Q < 0 to a Pareto distribution from 1 on; ``fit.convergence``
    says so. Source: R. L. Prentice (1974), "A log gamma model and its maximum likelihood
    estimation"; R's flexsurv calls the parameters mu, sigma and Q.

    Example:
        >>> import kullback as kl
        >>> round(kl.GeneralizedGamma(loc=0.0, scale=1.0, shape=1.0).mean(), 6)  # exponential
        1.0
    """

    default_parameters: ClassVar[Mapping[str, Domain]] = {
        "loc": REAL,
        "scale": POSITIVE,
        "shape": Interval(far=True),
    }
    support = POSITIVE
    limits: ClassVar[Mapping[str, str]] = {"shape": "a power of x, up to e^loc or from there on"}

    @staticmethod
    def _log_density(x: Array, loc: Array, scale: Array, shape: Array) -> Array:
        y = jnp.log(x)
        return log_density((y - loc) * reciprocal(scale), shape) - y - log(scale)

    @staticmethod
    def _log_cdf(x: Array, loc: Array, scale: Array, shape: Array) -> Array:
        return log_tails((jnp.log(x) - loc) * reciprocal(scale), shape)[0]

    @staticmethod
    def _log_survival(x: Array, loc: Array, scale: Array, shape: Array) -> Array:
        return log_tails((jnp.log(x) - loc) * reciprocal(scale), shape)[1]

    @staticmethod
    def _log_tails(x: Array, loc: Array, scale: Array, shape: Array) -> tuple[Array, Array]:
        return log_tails((jnp.log(x) - loc) * reciprocal(scale), shape)

    @staticmethod
    def _draw(
        generator: np.random.Generator,
        size: tuple[int, ...],
        loc: float,
        scale: float,
        shape: float,
    ) -> Vector:
        if shape == 0.0:
            return np.exp(loc + scale * generator.standard_normal(size))
        k = 1.0 / shape**2
        g, h = draw_gamma(generator, size, k)
        return np.asarray(np.exp(loc + scale * (np.log(g / k) + h) / shape))

    @staticmethod
    def _mean(loc: Array, scale: Array, shape: Array) -> Array:
        return jnp.exp(loc + log_mean_exponential(shape, scale))

    @staticmethod
    def _variance(loc: Array, scale: Array, shape: Array) -> Array:
        first, second = (log_mean_exponential(shape, n * scale) for n in (1.0, 2.0))
        finite = jnp.isfinite(second)
        ratio = jnp.where(finite, second - 2.0 * jnp.where(finite, first, 0.0), 0.0)
        variance = jnp.exp(2.0 * (loc + jnp.where(finite, first, 0.0))) * jnp.expm1(ratio)
        return jnp.where(finite, variance, jnp.inf)

    @staticmethod
    def _entropy(loc: Array, scale: Array, shape: Array) -> Array:
        mean, scaled = mean_logarithm(shape)
        return loc + scale * mean + jnp.log(scale) - log_constant(shape) - scaled

    @staticmethod
    def _tails(loc: float, scale: float, shape: float) -> Tails:
        if shape == 0.0:
            return half_line(Tail("log-square"), Tail("log-square"))
        index = 1.0 / (abs(shape) * scale)
        steep = abs(shape) / scale
        if shape < 0.0:
            return half_line(Tail("stretched", steep), Tail("power", index))
        rate = math.exp(-steep * loc) / shape**2
        return half_line(Tail("power", index), Tail("stretched", steep, rate, index - 1.0))

    @staticmethod
    def _caution(loc: float, scale: float, shape: float) -> Caution | None:
        if not abs(shape) > _DIVERGED:
            return None
        end, index = math.exp(loc), 1.0 / (abs(shape) * scale)
        limit = (
            f"density proportional to x^{index - 1.0:.3g} up to {end:.6g}, where it ends"
            if shape > 0.0
            else f"a Pareto distribution from {end:.6g} on, of shape {index:.3g}: fit kl.Pareto()"
        )
        sign = "−" if shape < 0.0 else ""
        return Caution(
            f"The likelihood keeps increasing as shape diverges to {sign}infinity and scale tends "
            f"to 0. In that limit the distribution is {limit}. Bound or fix shape, "
            "kl.Param(lower=..., upper=...), or choose another model.",
            no_maximum=True,
            reason=f"no maximum: shape diverges to {sign}infinity and scale tends to 0",
            instead=True,
        )

    @staticmethod
    def _starts(values: Vector, weights: Vector) -> list[dict[str, float]]:
        # the moments of log X at the shape of the log-normal, the Weibull, the Fréchet distribution
        # and of one that is steep towards the largest outcomes
        logs = np.log(values)
        mean = float(np.average(logs, weights=weights))
        sd = max(float(np.sqrt(np.average((logs - mean) ** 2, weights=weights))), LEAST_SPREAD)
        starts = []
        for shape, centre, spread in _STANDARD:
            scale = sd / spread
            starts.append({"loc": mean - scale * centre, "scale": scale, "shape": shape})
        return starts
