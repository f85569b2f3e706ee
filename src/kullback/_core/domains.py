"""Domains: the values that a parameter or an outcome may take, and their unconstrained scale.

A domain is data. It defines which values belong to it, and maps an unconstrained vector ``u`` to
them (``constrained``), with the first two derivatives that the chain rule needs. All of it is
written against the array API, so that it runs in NumPy without compilation and in JAX under
``vmap``.
"""

from __future__ import annotations

import abc
import math
from dataclasses import dataclass
from typing import Any, ClassVar, Final, final

import numpy as np

from kullback._core.arrays import Vector, namespace


class Domain(abc.ABC):
    """The values that a parameter may take: abstract."""

    @property
    @abc.abstractmethod
    def size(self) -> int:
        """Number of numbers in one value."""

    @property
    @abc.abstractmethod
    def n_free(self) -> int:
        """Number of unconstrained numbers that describe one value."""

    @property
    def bounded(self) -> bool:
        """Whether it has an end, so that ``u`` can diverge while the value stands still."""
        return True

    @abc.abstractmethod
    def contains(self, value: Any) -> Any:
        """Return, elementwise, whether values lie inside."""

    @abc.abstractmethod
    def constrained(self, u: Any) -> Any:
        """Map ``u`` of shape (n_free,) to the value, shape (size,)."""

    @abc.abstractmethod
    def unconstrained(self, value: Any) -> Any:
        """Map a value of shape (size,) to its ``u``, shape (n_free,)."""

    @abc.abstractmethod
    def jacobian(self, u: Any) -> Any:
        """Return ∂ value / ∂ u, shape (size, n_free)."""

    @abc.abstractmethod
    def curvature(self, u: Any, gradient: Any) -> Any:
        """Return Σ_k gradient_k ∂² value_k / ∂u∂u', shape (n_free, n_free)."""

    @abc.abstractmethod
    def phrase(self, name: str) -> str:
        """Return the condition as text: ``"y > 0"``."""


@final
@dataclass(frozen=True)
class Interval(Domain):
    """An interval of the real line: ``value = u``, ``lower + e^u``, ``upper − e^−u`` or a logistic.

    Or all of it with ``value = sinh u``.

    Attributes:
        lower: left end; −inf for none.
        upper: right end; inf for none.
        holds_lower: whether the left end itself belongs to it.
        holds_upper: whether the right end itself belongs to it.
        whole: whether only whole numbers belong to it.
        far: whether a search of all real numbers goes by factors where they are large: for one that
            may diverge while another tends to 0.
    """

    lower: float = -math.inf
    upper: float = math.inf
    holds_lower: bool = False
    holds_upper: bool = False
    whole: bool = False
    far: bool = False

    def __post_init__(self) -> None:
        """Check that the ends are in order."""
        if not self.lower < self.upper:
            raise ValueError(f"an interval needs lower < upper, got [{self.lower}, {self.upper}]")

    size = 1
    n_free = 1

    @property
    def bounded(self) -> bool:
        """Whether it has a finite end."""
        return math.isfinite(self.lower) or math.isfinite(self.upper)

    def contains(self, value: Any) -> Any:
        """Return, elementwise, whether values lie inside; NaN does not."""
        x = np.asarray(value)
        above = x >= self.lower if self.holds_lower else x > self.lower
        below = x <= self.upper if self.holds_upper else x < self.upper
        inside = above & below
        return inside & (x == np.floor(x)) if self.whole else inside

    def meets(self, lower: Any, upper: Any) -> Any:
        """Return, elementwise, whether a number from ``lower`` to ``upper`` lies inside."""
        low, high = np.maximum(lower, self.lower), np.minimum(upper, self.upper)
        if not self.whole:
            return (low < high) | ((low == high) & self.contains(low))
        low, high = np.ceil(low), np.floor(high)
        low = np.where(self.contains(low), low, low + 1.0)
        return low <= np.where(self.contains(high), high, high - 1.0)

    def spans(self, low: float, high: float) -> bool:
        """Return whether all numbers from ``low`` to ``high`` lie inside; False for NaN."""
        above = low >= self.lower if self.holds_lower else low > self.lower
        below = high <= self.upper if self.holds_upper else high < self.upper
        return above and below

    @property
    def interior(self) -> float:
        """A number well inside the interval."""
        lower, upper = self.lower, self.upper
        if self.whole:
            return max(lower, 0.0) if self.holds_lower else lower + 1.0
        if lower > -math.inf and upper < math.inf:
            return 0.5 * (lower + upper)
        return lower + 1.0 if lower > -math.inf else upper - 1.0 if upper < math.inf else 0.5

    def constrained(self, u: Any) -> Any:
        """Map ``u`` to the value."""
        xp = namespace(u)
        if math.isinf(self.lower) and math.isinf(self.upper):
            return xp.sinh(u) if self.far else u
        if math.isinf(self.upper):
            return self.lower + xp.exp(u)
        if math.isinf(self.lower):
            return self.upper - xp.exp(-u)
        # from the nearer end, so that the distance to either end keeps its digits
        near_lower = self.lower + self.width * _logistic(xp, u)
        near_upper = self.upper - self.width * _logistic(xp, -u)
        return xp.where(u < 0, near_lower, near_upper)

    @property
    def width(self) -> float:
        """``upper − lower``."""
        return self.upper - self.lower

    def unconstrained(self, value: Any) -> Any:
        """Map the value to ``u``."""
        xp = namespace(value)
        if math.isinf(self.lower) and math.isinf(self.upper):
            return xp.asinh(value) if self.far else value
        if math.isinf(self.upper):
            return xp.log(value - self.lower)
        if math.isinf(self.lower):
            return -xp.log(self.upper - value)
        return xp.log(value - self.lower) - xp.log(self.upper - value)

    def _slope(self, u: Any) -> tuple[Any, Any]:
        """Return d value / du and d² value / du²."""
        xp = namespace(u)
        if math.isinf(self.lower) and math.isinf(self.upper):
            return (xp.cosh(u), xp.sinh(u)) if self.far else (xp.ones_like(u), xp.zeros_like(u))
        if math.isinf(self.upper):
            slope = xp.exp(u)
            return slope, slope
        if math.isinf(self.lower):
            slope = xp.exp(-u)
            return slope, -slope
        p, q = _logistic(xp, u), _logistic(xp, -u)
        return self.width * p * q, self.width * p * q * (q - p)

    def jacobian(self, u: Any) -> Any:
        """Return d value / du, shape (1, 1)."""
        return self._slope(u)[0][:, None]

    def curvature(self, u: Any, gradient: Any) -> Any:
        """Return gradient · d² value / du², shape (1, 1)."""
        return (gradient * self._slope(u)[1])[:, None]

    def phrase(self, name: str) -> str:
        """Return the condition as text."""
        if self.whole:
            first = self.lower if self.holds_lower else self.lower + 1
            if math.isinf(self.upper):
                return f"{name} = {first:g}, {first + 1:g}, {first + 2:g}, ..."
            last = self.upper if self.holds_upper else self.upper - 1
            return (
                f"{name} = {first:g}"
                if last == first
                else (
                    f"{name} = {first:g} or {last:g}"
                    if last == first + 1
                    else f"{name} = {first:g}, ..., {last:g}"
                )
            )
        left = "<=" if self.holds_lower else "<"
        right = "<=" if self.holds_upper else "<"
        if math.isinf(self.lower) and math.isinf(self.upper):
            return f"any finite {name}"
        if math.isinf(self.upper):
            return f"{name} {left.replace('<', '>')} {self.lower:g}"
        if math.isinf(self.lower):
            return f"{name} {right} {self.upper:g}"
        return f"{self.lower:g} {left} {name} {right} {self.upper:g}"


def _logistic(xp: Any, u: Any) -> Any:
    """``1 / (1 + e^−u)`` without overflow on either side."""
    small = xp.exp(-xp.abs(u))
    return xp.where(u >= 0, 1.0 / (1.0 + small), small / (1.0 + small))


@dataclass(frozen=True)
class Simplex(Domain):
    """K probabilities that sum to one: ``value = softmax(u_1, ..., u_{K−1}, 0)``.

    Attributes:
        size: the number K of probabilities.
    """

    size: int = 2

    @property
    def n_free(self) -> int:
        """K − 1."""
        return self.size - 1

    def contains(self, value: Any) -> Any:
        """Return whether the vector is non-negative and sums to one, to K roundings' 1e-9."""
        p = np.asarray(value)
        return bool(np.all(p >= 0.0) and abs(float(np.sum(p)) - 1.0) <= 1e-9)

    def constrained(self, u: Any) -> Any:
        """Softmax with the last logit at 0."""
        xp = namespace(u)
        logits = xp.concatenate([u, xp.zeros(1, dtype=u.dtype)])
        odds = xp.exp(logits - xp.max(logits))
        return odds / xp.sum(odds)

    def unconstrained(self, value: Any) -> Any:
        """Log odds against the last probability."""
        xp = namespace(value)
        return xp.log(value[:-1]) - xp.log(value[-1])

    def jacobian(self, u: Any) -> Any:
        """``diag(p) − p p'`` without its last column."""
        xp = namespace(u)
        p = self.constrained(u)
        return (xp.eye(self.size) * p[:, None] - p[:, None] * p[None, :])[:, :-1]

    def curvature(self, u: Any, gradient: Any) -> Any:
        """Σ_k g_k ∂²p_k/∂u_i∂u_j = δ_ij p_i h_i − p_i p_j (h_i + h_j) with h = g − Σ g p."""
        xp = namespace(u)
        p = self.constrained(u)
        centred = gradient - xp.sum(gradient * p)
        full = xp.eye(self.size) * (p * centred)[:, None]
        full = full - p[:, None] * p[None, :] * (centred[:, None] + centred[None, :])
        return full[:-1, :-1]

    def phrase(self, name: str) -> str:
        """Return the condition as text."""
        return f"{name} >= 0 with sum 1"


@final
@dataclass(frozen=True)
class Shares(Simplex):
    """The weights of K components, which may depend on columns: softmax with the first logit 0."""

    levels: ClassVar[None] = None


@final
@dataclass(frozen=True)
class Logits(Domain):
    """K numbers of which only the differences matter: free ones have the last at 0.

    Attributes:
        size: the number K of classes.
        levels: their labels; None where they are not known.
    """

    size: int = 2
    levels: tuple[Any, ...] | None = None

    bounded = False

    @property
    def n_free(self) -> int:
        """K − 1."""
        return self.size - 1

    def contains(self, value: Any) -> Any:
        """Return whether all are finite."""
        return finite(np.asarray(value))

    def constrained(self, u: Any) -> Any:
        """Append the last logit, 0."""
        xp = namespace(u)
        return xp.concatenate([u, xp.zeros(1, dtype=u.dtype)])

    def unconstrained(self, value: Any) -> Any:
        """Return the differences from the last logit."""
        return value[:-1] - value[-1]

    def jacobian(self, u: Any) -> Any:
        """Return the identity above a row of zeros."""
        return namespace(u).eye(self.size)[:, :-1]

    def curvature(self, u: Any, gradient: Any) -> Any:  # noqa: ARG002  # the map is linear
        """Return zeros."""
        return namespace(u).zeros((self.n_free, self.n_free))

    def phrase(self, name: str) -> str:
        """Describe the domain, for messages."""
        return f"{name}: {self.size} finite numbers"


@final
@dataclass(frozen=True)
class Reals(Domain):
    """A vector of real numbers: ``value = u``.

    Attributes:
        size: the number of numbers.
    """

    size: int = 1
    bounded = False

    @property
    def n_free(self) -> int:
        """All of them."""
        return self.size

    def contains(self, value: Any) -> Any:
        """Return, elementwise, whether numbers are finite."""
        return np.isfinite(np.asarray(value))

    def constrained(self, u: Any) -> Any:
        """Return ``u``."""
        return u

    def unconstrained(self, value: Any) -> Any:
        """Return the value."""
        return value

    def jacobian(self, u: Any) -> Any:
        """Return the identity."""
        return namespace(u).eye(self.size)

    def curvature(self, u: Any, gradient: Any) -> Any:  # noqa: ARG002
        """Return zeros."""
        return namespace(u).zeros((self.size, self.size))

    def phrase(self, name: str) -> str:
        """Return the condition as text."""
        return f"{self.size} finite numbers {name}"


REAL: Final = Interval()
POSITIVE: Final = Interval(lower=0.0)
NON_NEGATIVE: Final = Interval(lower=0.0, holds_lower=True)
UNIT: Final = Interval(lower=0.0, upper=1.0)
COUNTS: Final = Interval(lower=0.0, holds_lower=True, whole=True)
POSITIVE_COUNTS: Final = Interval(lower=1.0, holds_lower=True, whole=True)
BINARY: Final = Interval(lower=0.0, upper=1.0, holds_lower=True, holds_upper=True, whole=True)


def finite(value: Vector) -> bool:
    """Return whether every entry is a finite number."""
    return bool(np.all(np.isfinite(value)))
