"""Distributions that are cut: the part between two ends, divided by its probability."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, final

import jax.numpy as jnp

from kullback._core.arrays import Array
from kullback._core.domains import Interval
from kullback._core.errors import ModelError
from kullback.models.expectation import moments
from kullback.models.interval_probability import log_at_least
from kullback.models.row_functions import Moment
from kullback.models.tails import FLAT, Tails
from kullback.models.wrapper import Wrapper
from kullback.special.smooth import log1mexp


@final
class Truncated(Wrapper):
    """A distribution cut at one or two ends: q(x) / P(lower ≤ X ≤ upper) between them.

    The ends are known numbers, and possible outcomes: of counts, ``lower=1`` leaves out zero alone.
    Mean, quantiles, entropy and draws are those of the cut distribution. Where the *sampling* was
    cut, and the distribution of all outcomes is asked for, fit the base with
    ``kl.fit(base, ..., truncation=(lower, upper))``: the estimates are the same, and ``fit.model``
    is then the distribution that is not cut.

    Args:
        base: the model that is cut, such as ``kl.Gamma()``; its parameters keep their names.
        lower: the smallest possible outcome; None for that of the base.
        upper: the largest one, likewise.

    Raises:
        ModelError: for ends that are out of order, or that leave nothing or everything of the base.

    Example:
        >>> import kullback as kl
        >>> positive = kl.Truncated(kl.Poisson(rate=1.0), lower=1)
        >>> round(positive.density(1), 6)  # 1/(e − 1)
        0.581977
    """

    def __init__(self, base: Any, *, lower: Any = None, upper: Any = None) -> None:
        ends = {name: _end(name, end) for name, end in (("lower", lower), ("upper", upper))}
        self._assemble({"": base}, ends)
        if math.isfinite(self.base.period):
            raise ModelError(f"Truncated needs numbers on a line; {self.base!r} is of angles.")
        self._refuse_atoms()
        _ = self.support  # raises for ends that leave nothing

    @property
    def support(self) -> Interval:  # type: ignore[override]  # of the settings
        """The possible outcomes: those of the base between the ends."""
        s, (lower, upper) = self.base.support, self._ends
        if s.whole:
            lower = None if lower is None else math.ceil(lower)
            upper = None if upper is None else math.floor(upper)
        if lower is not None and lower > s.lower:
            s = _cut(self, s, lower=float(lower), holds_lower=True)
        if upper is not None and upper < s.upper:
            s = _cut(self, s, upper=float(upper), holds_upper=True)
        return s

    @property
    def _ends(self) -> tuple[float | None, float | None]:
        return self.settings["lower"], self.settings["upper"]

    # ---- functions of a row ----------------------------------------------------------------

    def row_log_density(self, x: Array, parameters: Mapping[str, Array]) -> Array:
        """Log-density of each row, −inf outside the ends."""
        base, (lower, upper) = self.of_base(parameters), self._ends
        value = self.base.row_log_density(x, base) - self._log_kept(base)
        outside = jnp.zeros(jnp.shape(x), dtype=bool)
        if lower is not None:
            outside |= x < lower
        if upper is not None:
            outside |= x > upper
        return jnp.where(outside, -jnp.inf, value)

    def row_log_density_inside(self, x: Array, parameters: Mapping[str, Array]) -> Array:
        """Log-density of rows between the ends."""
        base = self.of_base(parameters)
        return self.base.row_log_density_inside(x, base) - self._log_kept(base)

    def _log_kept(self, base: Mapping[str, Array]) -> Array:
        """Log-probability of the base between the ends."""
        s, (lower, upper) = self.base.support, self._ends
        if s.whole and upper is None and lower is not None and math.ceil(lower) - 1.0 == s.lower:
            # without the first count alone: of elementary functions, and without loss of digits
            return log1mexp(self.base.row_log_density(jnp.asarray(s.lower), base))
        return self._log_of_base(lower, upper, base)

    def _log_of_base(self, lower: Any, upper: Any, base: Mapping[str, Array]) -> Array:
        """Log-probability of the base between any ends, None for none."""
        if lower is None and upper is None:
            return jnp.zeros(())
        if lower is None:
            return self.base.row_log_cdf(jnp.asarray(upper), base)
        if upper is None:
            return log_at_least(self.base, jnp.asarray(lower), base)
        return self.base.row_log_between(jnp.asarray(lower), jnp.asarray(upper), base)

    def row_log_cdf(self, x: Array, parameters: Mapping[str, Array]) -> Array:
        """Log-probability of an outcome ≤ ``x``."""
        at, before, beyond = self._inside(x)
        base = self.of_base(parameters)
        value = self._log_of_base(self._ends[0], at, base) - self._log_kept(base)
        return _outside(x, before, -jnp.inf, beyond, 0.0, value)

    def row_log_survival(self, x: Array, parameters: Mapping[str, Array]) -> Array:
        """Log-probability of an outcome > ``x``."""
        at, before, beyond = self._inside(x)
        base = self.of_base(parameters)
        first = at + 1.0 if self.base.support.whole else at
        value = self._log_of_base(first, self._ends[1], base) - self._log_kept(base)
        return _outside(x, before, 0.0, beyond, -jnp.inf, value)

    def row_log_tails(self, x: Array, parameters: Mapping[str, Array]) -> tuple[Array, Array]:
        """Both, of which the larger one is computed from the smaller, and keeps its last digits."""
        low, high = self.row_log_cdf(x, parameters), self.row_log_survival(x, parameters)
        left = low < high
        larger = log1mexp(jnp.where(left, low, high))
        return jnp.where(left, low, larger), jnp.where(left, larger, high)

    def _inside(self, x: Array) -> tuple[Array, Array, Array]:
        """Points between the ends, and which are below or beyond, where another is substituted."""
        whole, (lower, upper) = self.base.support.whole, self._ends
        at = jnp.floor(x) if whole else x
        before = beyond = jnp.zeros(jnp.shape(x), dtype=bool)
        if lower is not None:
            before = (at < lower) if whole else (at <= lower)
        if upper is not None:
            beyond = (at >= math.floor(upper)) if whole else (at >= upper)
        return jnp.where(before | beyond, self.support.interior, at), before, beyond

    def row_log_between(self, lower: Array, upper: Array, parameters: Mapping[str, Array]) -> Array:
        """Log-probability between two ends: the base's, of the part that the cut leaves."""
        base, (own_lower, own_upper) = self.of_base(parameters), self._ends
        if own_lower is not None:
            lower = jnp.maximum(lower, own_lower)
        if own_upper is not None:
            upper = jnp.minimum(upper, own_upper)
        return self._log_of_base(lower, upper, base) - self._log_kept(base)

    def moment(self, which: Moment, parameters: Mapping[str, Array]) -> Array:
        """Compute the mean or the variance, where one end is cut and the base has a formula."""
        s, lower, upper = self.base.support, *self._ends
        lower = None if lower is not None and lower <= s.lower else lower
        upper = None if upper is not None and upper >= s.upper else upper
        end, side = (upper, "upper") if lower is None else (lower, "lower")
        if which == "entropy" or end is None or None not in (lower, upper):
            return super().moment(which, parameters)
        both: Sequence[Array] = self.base.cut_moments(end, side, self.of_base(parameters))
        return both[which == "variance"]

    def mean(self) -> float:
        """Expected outcome of the cut distribution."""
        return moments(self).mean

    def variance(self) -> float:
        """Variance of the cut distribution."""
        return moments(self).variance

    def entropy(self) -> float:
        """Entropy of the cut distribution, in nats."""
        return moments(self).entropy

    @property
    def tails(self) -> Tails | None:  # type: ignore[override]  # of the base
        """The ends, and how the density falls there: at a cut it is finite."""
        base = self.base.tails
        if base is None:
            return None
        lower, upper = self._ends
        if lower is not None and lower > base.lower:
            base = replace(base, lower=lower, lower_tail=FLAT)
        if upper is not None and upper < base.upper:
            base = replace(base, upper=upper, upper_tail=FLAT, defect="")
        kinks = tuple(k for k in base.kinks if base.lower < k < base.upper)
        bend = base.bend if base.bend is None or base.lower < base.bend < base.upper else None
        return replace(base, kinks=kinks, bend=bend, about=None)


def _end(name: str, value: Any) -> float | None:
    if value is None:
        return None
    try:
        if isinstance(value, str):  # of digits too: a text in the place of a number is a column
            raise ValueError
        end = float(value)
    except (TypeError, ValueError):
        raise ModelError(f"{name} must be a number or None, got {value!r}.") from None
    if math.isnan(end):
        raise ModelError(f"{name} must be a number or None, got nan.")
    return end if math.isfinite(end) else None


def _outside(
    x: Array, before: Array, least: float, beyond: Array, most: float, value: Array
) -> Array:
    value = jnp.where(before, least, jnp.where(beyond, most, value))
    return jnp.where(jnp.isnan(x), jnp.nan, value)


def _cut(model: Truncated, support: Interval, **end: Any) -> Interval:
    try:
        return replace(support, **end)
    except ValueError:
        raise ModelError(
            f"{model!r} leaves nothing to be estimated of {support.phrase('y')}: lower must lie "
            f"below upper, with at least two outcomes between them."
        ) from None
