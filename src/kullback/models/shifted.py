"""Distributions that begin elsewhere: three-parameter Weibull, gamma and log-normal ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, final

import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Array, Vector
from kullback._core.domains import REAL, Domain, Interval
from kullback._core.errors import ModelError
from kullback.models.interval_probability import log_between
from kullback.models.parameter_vector import ParameterVector
from kullback.models.row_functions import OrderStatistic
from kullback.models.source import Coefficient, Fixed
from kullback.models.tails import Tails
from kullback.models.wrapper import Wrapper

# How far below the smallest outcome a search begins, in distances from it to the median. Nearer,
# the likelihood of many families is unbounded; farther, it hardly depends on the shift.
_DISTANCES = (0.02, 0.1, 0.5, 2.0, 10.0)


@final
class Shifted(Wrapper):
    """Outcomes of another model plus a number ``loc``: q(x − loc).

    ``kl.Shifted(kl.Weibull())`` is the three-parameter Weibull distribution. Where the base's
    density is infinite at its end, as a Weibull's of shape below 1, the likelihood is unbounded as
    ``loc`` tends to the smallest outcome. The estimate is then the local maximum that is not there,
    found from several starts below the smallest outcome; where there is none,
    ``fit.convergence`` says so. (Rounded rows that are given as intervals have no such problem.)

    Args:
        base: a model of continuous outcomes without a parameter ``loc``; its parameters keep their
            names. Of the log-normal, ``kl.LogNormal(median=kl.Param())`` has none.
        loc: the shift; or a source; None to estimate it.

    Raises:
        ModelError: for a base with a ``loc``, or of counts.

    Source: V. Smith (1985), "Maximum likelihood estimation in a class of nonregular cases",
    Biometrika 72.

    Example:
        >>> import kullback as kl
        >>> kl.Shifted(kl.Exponential(rate=2.0), loc=1.0).mean()
        1.5
    """

    own_parameters: Mapping[str, Domain] = MappingProxyType({"loc": REAL})
    own_dimensions: Mapping[str, int] = MappingProxyType({"loc": 1})

    def __init__(self, base: Any, *, loc: Any = None) -> None:
        self._assemble({"": base}, own={"loc": loc})
        self._refuse_atoms()
        if self.base.discrete:
            raise ModelError(
                f"Shifted moves continuous outcomes; {self.base!r} is of counts. "
                "Subtract a known number from the counts."
            )

    @property
    def support(self) -> Interval:  # type: ignore[override]  # of the base and the shift
        """The base's support, moved; all numbers while the shift is not known."""
        loc, s = self.sources["loc"], self.base.support
        if not isinstance(loc, Fixed):
            return Interval()
        shift = float(loc.number)
        return replace(s, lower=s.lower + shift, upper=s.upper + shift)

    @property
    def order_statistics(self) -> Mapping[str, OrderStatistic]:  # type: ignore[override]  # of the base
        """The shift, where the density falls from its end on: the estimate is the minimum."""
        return {"loc": "minimum"} if self.base.falling else {}

    def searched(self, vector: ParameterVector, low: float, high: float) -> ParameterVector:
        """Keep the shift where every exact outcome is possible."""
        s = self.base.support
        changed = tuple(_between(c, high - s.upper, low - s.lower) for c in vector.coefficients)
        return replace(vector, coefficients=changed)

    # ---- functions of a row ----------------------------------------------------------------

    def row_log_density(self, x: Array, parameters: Mapping[str, Array]) -> Array:
        """Log-density of each row: −inf below the shift."""
        return self.base.row_log_density(x - parameters["loc"], self.of_base(parameters))

    def row_log_cdf(self, x: Array, parameters: Mapping[str, Array]) -> Array:
        """Log-probability of an outcome ≤ ``x``."""
        return self.base.row_log_cdf(x - parameters["loc"], self.of_base(parameters))

    def row_log_survival(self, x: Array, parameters: Mapping[str, Array]) -> Array:
        """Log-probability of an outcome > ``x``."""
        return self.base.row_log_survival(x - parameters["loc"], self.of_base(parameters))

    def row_log_tails(self, x: Array, parameters: Mapping[str, Array]) -> tuple[Array, Array]:
        """Both."""
        return self.base.row_log_tails(x - parameters["loc"], self.of_base(parameters))

    def row_log_between(self, lower: Array, upper: Array, parameters: Mapping[str, Array]) -> Array:
        """Log-probability between two ends, which do not move with the shift as the base's do."""
        loc, support = parameters["loc"], self.base.support
        some = (lower < loc + support.upper) & (upper > loc + support.lower)
        # what is not used gets harmless ends
        inside = loc + support.interior
        low = jnp.where(some, lower, inside)
        high = jnp.where(some, upper, inside + 0.25 * min(1.0, support.width))
        return jnp.where(some, log_between(self, low, high, parameters), -jnp.inf)

    def row_quantile(self, u: Array, parameters: Mapping[str, Array]) -> Array:
        """The base's quantile, moved."""
        return self.base.row_quantile(u, self.of_base(parameters)) + parameters["loc"]

    def quantiles_at(self, u: Vector) -> Vector:
        """The base's quantiles, moved."""
        moved = self.base.quantiles_at(u) + float(np.asarray(self.params["loc"]))
        return np.asarray(moved)

    def draw(
        self,
        generator: np.random.Generator,
        shape: tuple[int, ...],
        parameters: Mapping[str, float | Vector],
    ) -> Vector:
        """Draw outcomes of the base, and move them."""
        return self.base.draw(generator, shape, self.base.default_params) + parameters["loc"]

    def mean(self) -> float:
        """The base's mean, moved."""
        return self.base.mean() + float(np.asarray(self.params["loc"]))

    def variance(self) -> float:
        """The base's variance."""
        return self.base.variance()

    def entropy(self) -> float:
        """The base's entropy."""
        return self.base.entropy()

    @property
    def tails(self) -> Tails | None:  # type: ignore[override]  # of the base
        """The base's ends and tails, moved."""
        base, loc = self.base.tails, float(np.asarray(self.params["loc"]))
        if base is None:
            return None
        return replace(
            base,
            lower=base.lower + loc,
            upper=base.upper + loc,
            kinks=tuple(k + loc for k in base.kinks),
            bend=None if base.bend is None else base.bend + loc,
            about=None if base.about is None else (base.about[0] + loc, base.about[1]),
        )

    def starts(self, values: Vector, weights: Vector) -> Sequence[Mapping[str, float | Vector]]:
        """Return the base's starts of the outcomes moved by several shifts."""
        low = float(np.min(values))
        spread = float(np.quantile(values, 0.5)) - low or float(np.ptp(values)) or abs(low) or 1.0
        found: list[Mapping[str, float | Vector]] = []
        given = self.sources["loc"]
        shifts = [low - d * spread for d in _DISTANCES]
        if isinstance(given, Fixed):
            shifts = [float(given.number)]
        elif self.base.falling:
            shifts = [low]
        for loc in shifts:
            moved = values - loc
            kept = self.base.support.contains(moved)
            if kept.any():
                first = self.starts_of_part("", moved[kept], weights[kept])[:1]
                found += [{"loc": loc, **start} for start in first]
        return found


def _between(c: Coefficient, lower: float, upper: float) -> Coefficient:
    """Narrow the domain of the shift, if it is free."""
    domain = c.domain
    if c.name != "loc" or c.value is not None or not isinstance(domain, Interval):
        return c
    low, high = max(domain.lower, lower), min(domain.upper, upper)
    if not low < high or (low, high) == (domain.lower, domain.upper):
        return c
    holds_lower = domain.holds_lower and low == domain.lower
    holds_upper = domain.holds_upper and high == domain.upper
    return replace(c, domain=Interval(low, high, holds_lower=holds_lower, holds_upper=holds_upper))
