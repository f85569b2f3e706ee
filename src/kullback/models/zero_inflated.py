"""Outcomes with a probability of zero of their own: zero-inflated and hurdle models."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, ClassVar, final

import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from kullback._core.arrays import Array, Vector
from kullback._core.domains import Domain, Interval
from kullback._core.errors import ModelError
from kullback.models.counts.probability import PROBABILITY
from kullback.models.model import Model
from kullback.models.truncated import Truncated
from kullback.models.wrapper import Wrapper
from kullback.special.smooth import log1mexp

# Below this log-probability (1e-304), a probability of zero of the counts may underflow.
_DEEP = -700.0


class _ZeroMass(Wrapper):
    """Zero with a probability, otherwise an outcome of a model of counts: abstract."""

    own_parameters: Mapping[str, Domain] = MappingProxyType({"zero_probability": PROBABILITY})
    takes_numbers: ClassVar[bool] = False
    """Whether the base may be a model of continuous outcomes."""
    _part_of_zeros: ClassVar[float] = 1.0
    """The part of the zeros that a start takes for those by themselves."""

    def __init__(self, base: Any, *, zero_probability: Any = None) -> None:
        self._assemble({"": base}, own={"zero_probability": zero_probability})
        s = self.base.support
        if not (s.whole or self.takes_numbers) or s.lower < 0.0:
            numbers = " or of positive numbers" * self.takes_numbers
            raise ModelError(
                f"{self._kind} needs a model of counts{numbers}, such as kl.Poisson(); "
                f"{self.base!r} is of {s.phrase('y')}.{_hint(self.base)}"
            )

    @property
    def counts(self) -> Model:
        """The model of the outcomes that are not zero by that probability."""
        return self.base

    @property
    def support(self) -> Interval:  # type: ignore[override]  # of the base
        """Zero, and the outcomes of the base."""
        return replace(self.base.support, lower=0.0, holds_lower=True)

    # ---- functions of a row ----------------------------------------------------------------

    def row_log_density(self, x: Array, parameters: Mapping[str, Array]) -> Array:
        """Log-density of each row (log-probability of a count, and of zero)."""
        p, own = parameters["zero_probability"], self.of_base(parameters)
        if not self.atoms:
            return _with_mass(p, x == 0.0, self.counts.row_log_density(x, own))
        zero = x == 0.0  # there the base, which may have a density at 0, gets another number
        other = self.base.row_log_density(jnp.where(zero, self.base.support.interior, x), own)
        return _with_mass(p, zero, jnp.where(zero, -jnp.inf, other))

    def row_log_density_inside(self, x: Array, parameters: Mapping[str, Array]) -> Array:
        """The same of outcomes that are possible, smooth between the counts."""
        if self.atoms:
            return self.row_log_density(x, parameters)
        zero, counts = x == 0.0, self.counts
        lacking = zero & (counts.support.lower > 0.0)
        safe = jnp.where(lacking, counts.support.lower, x)
        log_count = counts.row_log_density_inside(safe, self.of_base(parameters))
        log_count = jnp.where(lacking, -jnp.inf, log_count)
        return _with_mass(parameters["zero_probability"], zero, log_count)

    def row_log_cdf(self, x: Array, parameters: Mapping[str, Array]) -> Array:
        """Log-probability of an outcome ≤ ``x``."""
        low = self.counts.row_log_cdf(x, self.of_base(parameters))
        return _with_mass(parameters["zero_probability"], x >= 0.0, low)

    def row_log_survival(self, x: Array, parameters: Mapping[str, Array]) -> Array:
        """Log-probability of an outcome > ``x``."""
        high = self.counts.row_log_survival(x, self.of_base(parameters))
        return jnp.where(x < 0.0, 0.0, jnp.log1p(-parameters["zero_probability"]) + high)

    def row_log_tails(self, x: Array, parameters: Mapping[str, Array]) -> tuple[Array, Array]:
        """Both, of one evaluation of the counts'; where little lies beyond, the first from it."""
        p = parameters["zero_probability"]
        low, high = self.counts.row_log_tails(x, self.of_base(parameters))
        above = jnp.where(x < 0.0, 0.0, jnp.log1p(-p) + high)
        small = above < -1.0
        up_to = log1mexp(jnp.where(small, above, -1.0))
        return jnp.where(small, up_to, _with_mass(p, x >= 0.0, low)), above

    def row_log_between(self, lower: Array, upper: Array, parameters: Mapping[str, Array]) -> Array:
        """Log-probability of an outcome from ``lower`` to ``upper``, both ends included."""
        p, counts, s = parameters["zero_probability"], self.counts, self.counts.support
        first = jnp.maximum(jnp.ceil(lower) if s.whole else lower, s.lower)
        # an interval may hold zero alone, which the base may lack
        some = (first <= upper) if s.whole else (first < upper)
        first = jnp.where(some, first, s.lower)
        last = jnp.where(some, upper, s.lower if s.whole else s.interior)
        found = counts.row_log_between(first, last, self.of_base(parameters))
        return _with_mass(p, (lower <= 0.0) & (upper >= 0.0), jnp.where(some, found, -jnp.inf))

    # ---- moments and draws -----------------------------------------------------------------

    def mean(self) -> float:
        """Expected outcome: (1 − p) times that of the counts."""
        return (1.0 - self._zero) * self._fixed_counts.mean()

    def variance(self) -> float:
        """Variance of the outcome: (1 − p) (σ² + p μ²)."""
        counts, p = self._fixed_counts, self._zero
        return (1.0 - p) * (counts.variance() + p * counts.mean() ** 2)

    def entropy(self) -> float:
        """E[−log q(X)] in nats, from the entropy of the base.

        Of a continuous base it is p (−log p) + (1 − p) (−log(1 − p)) + (1 − p) times the base's
        differential entropy: it depends on the unit, and may be negative, as that does.
        """
        counts, p = self._fixed_counts, self._zero
        entropy = counts.entropy()
        log_zero = -math.inf if self.atoms else float(counts.log_density(0.0))
        zero = math.exp(log_zero)
        # the outcomes above zero: (1 − p) Σ b (−log(1 − p) − log b)
        above = entropy + (zero * log_zero if zero else 0.0)
        rest = (1.0 - p) * (above - (1.0 - zero) * math.log1p(-p)) if p < 1.0 else 0.0
        total = p + (1.0 - p) * zero
        return rest - (total * math.log(total) if total else 0.0)

    def own_starts(self, values: Vector, weights: Vector) -> Mapping[str, float]:
        """Return a probability of zero: a part of the share of zeros."""
        share = self._part_of_zeros * _share_of_zeros(values, weights)
        return {"zero_probability": min(max(share, 0.01), 0.99)}

    def of_base_alone(self, values: Vector) -> NDArray[np.bool_]:
        """Return which outcomes are above zero."""
        return np.asarray(values > 0.0)

    @property
    def _zero(self) -> float:
        return float(np.asarray(self.params["zero_probability"]))

    @property
    def _fixed_counts(self) -> Model:
        _ = self.params  # every parameter must have a value
        return self.counts

    def draw(
        self,
        generator: np.random.Generator,
        shape: tuple[int, ...],
        parameters: Mapping[str, float | Vector],
    ) -> Vector:
        """Draw counts, and replace each by zero with that probability."""
        zero = generator.random(shape) < parameters["zero_probability"]
        drawn = self.counts.draw(generator, shape, self.counts.default_params)
        return np.where(zero, 0.0, drawn)


@final
class ZeroInflated(_ZeroMass):
    """Counts among which there are too many zeros: P(0) = p + (1 − p) q(0), P(y) = (1 − p) q(y).

    A zero is either one by itself, with the probability ``zero_probability``, or one of the base's.

    Args:
        base: the model of the counts, such as ``kl.Poisson()``; its parameters keep their names.
        zero_probability: p, from 0 to 1; or a source; None to estimate it.

    Raises:
        ModelError: for a base that is not a model of counts.

    Source: D. Lambert (1992), "Zero-inflated Poisson regression", Technometrics 34.

    Example:
        >>> import kullback as kl
        >>> model = kl.ZeroInflated(kl.Poisson(rate=2.0), zero_probability=0.5)
        >>> round(model.density(0), 6), model.mean()  # 0.5 + 0.5 e^−2
        (0.567668, 1.0)
    """

    _part_of_zeros: ClassVar[float] = 0.5

    def starts(self, values: Vector, weights: Vector) -> Sequence[Mapping[str, float | Vector]]:
        """Return starts from all counts and from those above zero, as if these were all."""
        own = self.own_starts(values, weights)
        p = own["zero_probability"]
        above = self.of_base_alone(values)
        found = list(self.starts_of_part("", values, (1.0 - p * (values == 0.0)) * weights))
        if above.any():
            found += self.starts_of_part("", values[above], weights[above])
        return [{**own, **start} for start in found]


@final
class Hurdle(_ZeroMass):
    """Zero with a probability p of its own, else an outcome above: P(y) = (1 − p) q(y)/(1 − q(0)).

    The base may be of counts or of positive numbers, such as rain or costs. The log-density of the
    latter is log p at 0 and log((1 − p) q(y)) above: a probability there, densities here. Losses
    are compared with those of other such models only, and divergences have no quadrature.

    R's pscl models the probability of crossing the hurdle, P(Y > 0), instead: it is
    1 − ``zero_probability``.

    Args:
        base: the model of the outcomes above zero, such as ``kl.Gamma()``, or ``kl.Poisson()``, of
            which the part above zero is used; its parameters keep their names.
        zero_probability: p = P(Y = 0), from 0 to 1; or a source; None to estimate it.

    Raises:
        ModelError: for a base that may be negative.

    Source: J. Mullahy (1986), "Specification and testing of some modified count data models",
    Journal of Econometrics 33.

    Example:
        >>> import kullback as kl
        >>> model = kl.Hurdle(kl.Geometric(probability=0.5), zero_probability=0.2)
        >>> model.density(0), model.density(1)  # of those above zero, half are one
        (0.2, 0.4)
        >>> rain = kl.Hurdle(kl.Exponential(rate=0.5), zero_probability=0.6)
        >>> rain.cdf(0.0), rain.quantile(0.5), rain.mean()
        (0.6, 0.0, 0.8)
    """

    takes_numbers: ClassVar[bool] = True

    @property
    def counts(self) -> Model:
        """The base above zero."""
        if self.base.support.lower > 0.0 or not self.base.discrete:
            return self.base
        return Truncated(self.base, lower=1)

    @property
    def atoms(self) -> tuple[float, ...]:  # type: ignore[override]  # of the base
        """Zero, where other outcomes have a density."""
        return () if self.base.discrete else (0.0,)

    def quantiles_at(self, u: Vector) -> Vector:
        """Zero up to its probability, then the base's quantiles."""
        if not self.atoms:
            return super().quantiles_at(u)
        p = self._zero
        above = u > p
        out = np.zeros(u.shape)
        out[above] = self._fixed_counts.quantiles_at((u[above] - p) / (1.0 - p))
        return out

    def starts(self, values: Vector, weights: Vector) -> Sequence[Mapping[str, float | Vector]]:
        """Return starts from the outcomes above zero, and from all counts."""
        own = self.own_starts(values, weights)
        above = self.of_base_alone(values)
        found = list(self.starts_of_part("", values[above], weights[above])) if above.any() else []
        if self.base.support.lower == 0.0 and self.base.discrete:
            found += self.starts_of_part("", values, weights)
        return [{**own, **start} for start in found or [{}]]


def _with_mass(p: Array, zero: Array, log_count: Array) -> Array:
    """Log(p + (1 − p) q) where zero is among the outcomes, log((1 − p) q) elsewhere."""
    rest = jnp.log1p(-p) + log_count
    # q in logarithms where it may underflow, and then only where p is positive, for the derivatives
    deep = log_count < _DEEP
    shallow = jnp.log(p + (1.0 - p) * jnp.exp(jnp.where(deep | ~zero, -1.0, log_count)))
    some = deep & (p > 0.0)
    log_p = jnp.log(jnp.where(some, p, 1.0))
    count = jnp.where(some, rest, -1.0)
    larger, smaller = jnp.maximum(log_p, count), jnp.minimum(log_p, count)
    lowest = larger + jnp.log1p(jnp.exp(smaller - larger))
    return jnp.where(zero, jnp.where(deep, jnp.where(some, lowest, rest), shallow), rest)


def _hint(base: Model) -> str:
    """What to write instead, for a continuous base."""
    if base.discrete:
        return ""
    if base.support.lower >= 0.0:
        return f" kl.Hurdle({base!r}) is zero with a probability, or a number above."
    return f" kl.Hurdle(kl.Truncated({base!r}, lower=0)) is of positive numbers."


def _share_of_zeros(values: Vector, weights: Vector) -> float:
    return float(np.average(values == 0.0, weights=weights))
