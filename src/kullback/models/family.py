"""The base class of families: short final classes with parameters, support and formulas.

A family states its default parametrisation, in which estimates are reported, and any alternatives;
naming a parameter of an alternative selects it. A family whose log-density is affine in a few
statistics of the outcome states those instead, and is fitted from one pass over any number of rows.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any, ClassVar, Literal, TypeAlias

import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Array, Vector, float64
from kullback._core.domains import Interval
from kullback.models.basis_form import Accurate, BasisForm
from kullback.models.caution import Caution
from kullback.models.inversion import find_quantiles
from kullback.models.parametrisation import Reparametrised
from kullback.models.row_functions import Moment
from kullback.models.source import Fixed, Free, Param
from kullback.models.tails import Tails
from kullback.special.smooth import log1mexp

Formula: TypeAlias = Callable[..., Any]


class Family(Reparametrised):
    """A parametric family of distributions: abstract. See CONTRIBUTING.md, "Add a family".

    A subclass states, as class attributes:

    * ``default_parameters``: names and domains of its parameters;
    * ``support``: the possible outcomes;
    * optionally ``alternatives`` (other parametrisations), ``fixed_by_default`` (parameters that
      are fixed unless the user gives them a source), ``required`` (parameters that the user must
      fix), ``order_statistics`` and ``limits``;

    and as static methods, elementwise in JAX, with the default parameters as keywords:

    * ``_log_density(x, ...)``; or, for an exponential family, ``_statistics(x, origin)``, a tuple
      of statistics measured from the point ``origin`` so that they keep their digits, and
      ``_log_density_of(statistics, origin, ...)``, which is affine in them (not for counts, which
      are fitted from the table of their distinct values);
    * optionally, where the log-density and its scores are affine in a few *basis functions* of the
      outcome at the current parameters (``basis``: their names), ``_basis``, ``_basis_derivatives``
      and ``_log_density_of_basis``, which make a pass several times as fast (see ``write_basis``,
      ``basis_derivatives`` and ``log_density_of_basis``);
    * optionally ``_log_density_change(x, origin, ...)``, the log-density less that of ``origin``,
      where it is simpler: for intervals;
    * optionally ``_log_cdf``, ``_log_survival``, ``_quantile(u, ...)``, ``_mean``,
      ``_variance``, ``_entropy``, and ``_cut_moments(end, side, ...)``, mean and variance above
      (side 1) or below (side −1) an end;

    and, in NumPy:

    * ``_draw(generator, shape, ...)``: outcomes, from a ``numpy.random.Generator``;
    * ``_estimate(means, origin, fixed)``: the maximum-likelihood estimate in closed form from the
      weighted means of the statistics, or None where the fixed parameters rule one out;
    * ``_sums(x, origin, low, high)``: Σ of each statistic over numbers in [low, high], where that
      is cheaper than the statistics of every row, else None;
    * ``_starts(values, weights)``: starting values, the most promising first;
    * ``_caution(...)``: a ``Caution`` about the estimates, or None;
    * ``_tails(...)``: the ``Tails`` of a distribution of numbers.
    """

    basis: ClassVar[Sequence[str]] = ()
    exponential_tail: ClassVar[Literal["lower", "upper"] | None] = None

    _log_density: ClassVar[Formula | None] = None
    _log_density_change: ClassVar[Formula | None] = None
    _statistics: ClassVar[Formula | None] = None
    _log_density_of: ClassVar[Formula | None] = None
    _basis: ClassVar[Formula | None] = None
    _basis_derivatives: ClassVar[Formula | None] = None
    _log_density_of_basis: ClassVar[Formula | None] = None
    _coordinate: ClassVar[Formula | None] = None
    _log_density_of_coordinate: ClassVar[Formula | None] = None
    _log_cdf: ClassVar[Formula | None] = None
    _log_survival: ClassVar[Formula | None] = None
    _log_tails: ClassVar[Formula | None] = None
    _log_between: ClassVar[Formula | None] = None
    _quantile: ClassVar[Formula | None] = None
    _draw: ClassVar[Formula | None] = None
    _mean: ClassVar[Formula | None] = None
    _variance: ClassVar[Formula | None] = None
    _entropy: ClassVar[Formula | None] = None
    _cut_moments: ClassVar[Formula | None] = None
    _estimate: ClassVar[Formula | None] = None
    _sums: ClassVar[Formula | None] = None
    _starts: ClassVar[Formula | None] = None
    _caution: ClassVar[Formula | None] = None
    _tails: ClassVar[Formula | None] = None

    def __init_subclass__(cls, **keywords: Any) -> None:
        """Check the declaration and set the constructor's signature, which tools show."""
        super().__init_subclass__(**keywords)
        if cls._log_density is None and (cls._statistics is None or cls._log_density_of is None):
            raise TypeError(
                f"{cls.__name__} needs _log_density, or _statistics and _log_density_of"
            )
        of_basis = (cls._basis, cls._basis_derivatives, cls._log_density_of_basis)
        if cls.basis and None in of_basis:
            raise TypeError(
                f"{cls.__name__} states basis functions and needs _basis, _basis_derivatives and "
                f"_log_density_of_basis"
            )
        names = dict.fromkeys(
            [*cls.default_parameters, *(n for a in cls.alternatives for n in a.parameters)]
        )
        cls.__signature__ = inspect.Signature(
            [inspect.Parameter(n, inspect.Parameter.KEYWORD_ONLY, default=None) for n in names]
        )

    # ---- formulas --------------------------------------------------------------------------

    @property
    def exponential_form(self) -> Family | None:  # type: ignore[override]
        """The family, where its log-density is affine in a few sufficient statistics."""
        return self if self._statistics is not None and not self.columns else None

    @property
    def basis_functions(self) -> Family | None:  # type: ignore[override]
        """The family, where it states basis functions."""
        return self if self.basis and not self.columns else None

    @property
    def one_exponential(self) -> Family | None:  # type: ignore[override]
        """The family, where its log-density has one exponential of a coordinate."""
        both = self._coordinate is not None and self._log_density_of_coordinate is not None
        return self if both and not self.columns else None

    @property
    def statistics_structure(self) -> Hashable:
        """The class: the statistics do not depend on parameters."""
        return type(self)

    @property
    def elementary(self) -> bool:
        """Whether ``statistics`` of a NumPy array run in NumPy, without compilation."""
        return _is_elementary(type(self))

    def statistics(self, x: Any, origin: Any) -> tuple[Any, ...]:
        """Compute the sufficient statistics of each row, measured from ``origin``."""
        if self._statistics is None:
            raise self._lacks("sufficient statistics")
        return tuple(self._statistics(x, origin))

    @property
    def quick_sums(self) -> bool:
        """Whether the family states a faster way to sum its statistics."""
        return self._sums is not None

    def sums(self, x: Vector, origin: float, low: float, high: float) -> Sequence[float] | None:
        """Return the sums of the statistics of numbers in [low, high] the faster way, or None."""
        sums: Sequence[float] | None = None
        if self._sums is not None:
            sums = self._sums(x, origin, low, high)
        return sums

    def log_density_of(
        self, statistics: Sequence[Array], origin: Array, parameters: Mapping[str, Array]
    ) -> Array:
        """Compute the log-density from statistics (the mean log-density from their means)."""
        if self._log_density_of is None:
            raise self._lacks("sufficient statistics")
        value: Array = self._log_density_of(statistics, origin, **self.to_default(parameters))
        return value

    def write_basis(
        self, x: Vector, rows: Vector, parameters: Mapping[str, float | Vector]
    ) -> Accurate:
        """Write the basis functions of each outcome at default parameters, in NumPy.

        Args:
            x: outcomes inside the support, shape (n,).
            rows: the output: a row for each basis function and a scratch row, each of shape (n,).
            parameters: default parameters by name; of many groups, arrays of shape (groups, 1)
                beside outcomes of shape (groups, n).

        Returns:
            Whether they are accurate at these parameters, of each group; if not, what is written
            has no meaning.
        """
        if self._basis is None:
            raise self._lacks("basis functions")
        accurate: Accurate = self._basis(x, rows, **parameters)
        return accurate

    def basis_derivatives(
        self, basis: Sequence[BasisForm], parameters: Mapping[str, Array]
    ) -> Mapping[str, Sequence[BasisForm | Array]]:
        """Return each basis function's derivative by default parameter, a polynomial in them.

        The degree is at most two, and the scores are affine in the basis functions.
        """
        if self._basis_derivatives is None:
            raise self._lacks("basis functions")
        slopes: Mapping[str, Sequence[BasisForm | Array]] = self._basis_derivatives(
            basis, **parameters
        )
        return slopes

    def coordinate(self, x: Vector, origin: Vector) -> Vector:
        """Compute the coordinate of each outcome by the family's formula, in NumPy."""
        assert self._coordinate is not None  # since this is a form
        value: Vector = self._coordinate(x, origin)
        return value

    def log_density_of_coordinate(
        self,
        coordinate: Array,
        exponential: Callable[[Array, Array], Array],
        origin: Array,
        parameters: Mapping[str, Array],
    ) -> Array:
        """Compute the log-density from the coordinate by the family's formula."""
        assert self._log_density_of_coordinate is not None  # since this is a form
        at = self.to_default(parameters)
        value: Array = self._log_density_of_coordinate(coordinate, exponential, origin, **at)
        return value

    def log_density_of_basis(
        self, basis: Sequence[BasisForm], parameters: Mapping[str, Array]
    ) -> BasisForm:
        """Log-density, affine in the basis functions, at default parameters."""
        if self._log_density_of_basis is None:
            raise self._lacks("basis functions")
        value: BasisForm = self._log_density_of_basis(basis, **parameters)
        return value

    def row_log_density(self, x: Array, parameters: Mapping[str, Array]) -> Array:
        """Log-density of each row, −inf outside the support."""
        inside = _inside(x, self.support)
        # outside, a possible outcome is substituted, so that derivatives do not become NaN
        safe = jnp.where(inside, x, self.support.interior)
        value = self.row_log_density_inside(safe, parameters)
        return jnp.where(inside, value, jnp.where(jnp.isnan(x), jnp.nan, -jnp.inf))

    def row_log_density_inside(self, x: Array, parameters: Mapping[str, Array]) -> Array:
        """Log-density of rows inside the support."""
        if self._log_density is None:
            origin = jnp.asarray(self.support.interior)
            return self.log_density_of(self.statistics(x, origin), origin, parameters)
        value: Array = self._log_density(x, **self.to_default(parameters))
        return value

    def row_log_density_change(
        self, x: Array, origin: Array, parameters: Mapping[str, Array]
    ) -> Array | None:
        """Log-density less that of ``origin``, by the family's formula."""
        if self._log_density_change is None:
            return None
        value: Array = self._log_density_change(x, origin, **self.to_default(parameters))
        return value

    def row_log_cdf(self, x: Array, parameters: Mapping[str, Array]) -> Array:
        """Log-probability of an outcome ≤ ``x``: 0 beyond the support, −inf before it."""
        if self._log_cdf is None and self._log_survival is not None:
            return log1mexp(self.row_log_survival(x, parameters))
        if self._log_cdf is None:
            raise self._lacks("distribution function")
        return self._tail(self._log_cdf, x, parameters, before=-jnp.inf, beyond=0.0)

    def row_log_survival(self, x: Array, parameters: Mapping[str, Array]) -> Array:
        """Log-probability of an outcome > ``x``: −inf beyond the support, 0 before it."""
        if self._log_survival is None:
            return log1mexp(self.row_log_cdf(x, parameters))
        return self._tail(self._log_survival, x, parameters, before=0.0, beyond=-jnp.inf)

    def row_log_tails(self, x: Array, parameters: Mapping[str, Array]) -> tuple[Array, Array]:
        """Both tails, of one evaluation where the family states them together."""
        if self._log_tails is None:
            return super().row_log_tails(x, parameters)
        formula = self._log_tails
        known: list[Any] = []

        def side(which: int) -> Formula:
            def of_both(at: Array, **numbers: Array) -> Any:
                if not known:
                    known.append(formula(at, **numbers))
                return known[0][which]

            return of_both

        return (
            self._tail(side(0), x, parameters, before=-jnp.inf, beyond=0.0),
            self._tail(side(1), x, parameters, before=0.0, beyond=-jnp.inf),
        )

    def row_log_between(self, lower: Array, upper: Array, parameters: Mapping[str, Array]) -> Array:
        """Log-probability between two ends: the family's formula, else from tails and density."""
        if self._log_between is None:
            return super().row_log_between(lower, upper, parameters)
        value: Array = self._log_between(lower, upper, **self.to_default(parameters))
        return value

    def _tail(
        self,
        formula: Formula,
        x: Array,
        parameters: Mapping[str, Array],
        *,
        before: float,
        beyond: float,
    ) -> Array:
        s = self.support
        at = jnp.floor(x) if s.whole else x
        low = (at < s.lower) if s.holds_lower else (at <= s.lower)
        high = at >= s.upper
        inside = ~(low | high)
        value = formula(jnp.where(inside, at, s.interior), **self.to_default(parameters))
        value = jnp.where(low, before, jnp.where(high, beyond, value))
        return jnp.where(jnp.isnan(x), jnp.nan, value)

    def row_quantile(self, u: Array, parameters: Mapping[str, Array]) -> Array:
        """Quantiles by the family's formula."""
        if self._quantile is None:
            raise self._lacks("quantile function as a formula")
        value: Array = self._quantile(u, **self.to_default(parameters))
        return value

    def quantiles_at(self, u: Vector) -> Vector:
        """Quantiles by the family's formula, else from the distribution function."""
        if self._quantile is not None:
            return super().quantiles_at(u)
        return find_quantiles(u, self._both_tails(), self.support)

    @property
    def tails(self) -> Tails | None:  # type: ignore[override]  # it depends on the parameters
        """The ends of a distribution of numbers, and how its density falls there."""
        if self.discrete:
            return None
        tails = Tails(self.support.lower, self.support.upper)
        if self._tails is not None:
            numbers = self.default_params
            tails = self._tails(**{name: numbers[name] for name in self.default_parameters})
        own, about = self.params, tails.about
        if about is None and {"loc", "scale"} <= set(own) and _endless(tails):
            about = float(own["loc"]), float(own["scale"])
        bend = float(own["loc"]) if "loc" in own else None
        return replace(tails, about=about, bend=bend)

    @property
    def moments_are_quicker(self) -> bool:  # type: ignore[override]
        """Whether mean and variance are formulas, and quantiles are found by inversion."""
        moments = self._mean is not None and self._variance is not None
        return moments and self._quantile is None

    def draw(
        self,
        generator: np.random.Generator,
        shape: tuple[int, ...],
        parameters: Mapping[str, float | Vector],
    ) -> Vector:
        """Draw outcomes by the family's method, else through the quantile function."""
        if self._draw is None:
            return super().draw(generator, shape, parameters)
        value: Vector = self._draw(generator, shape, **parameters)
        return value

    def moment(self, which: Moment, parameters: Mapping[str, Array]) -> Array:
        """Compute the mean, the variance or the entropy."""
        formulas = {"mean": self._mean, "variance": self._variance, "entropy": self._entropy}
        formula = formulas[which]
        if formula is None:
            raise self._lacks(f"{which} in closed form")
        value: Array = formula(**self.to_default(parameters))
        return value

    def cut_moments(self, end: float, side: str, parameters: Mapping[str, Array]) -> Any:
        """Compute mean and variance of the part above or below an end."""
        if self._cut_moments is None:
            return super().cut_moments(end, side, parameters)
        sign = 1.0 if side == "lower" else -1.0
        return self._cut_moments(end, sign, **self.to_default(parameters))

    # ---- estimates, in NumPy ---------------------------------------------------------------

    def closed_form(
        self, means: Sequence[float], origin: float, fixed: Mapping[str, float]
    ) -> Mapping[str, float | Vector] | None:
        """Return the maximum-likelihood estimate from the mean statistics, or None.

        Args:
            means: weighted means of the statistics.
            origin: the point that they are measured from.
            fixed: values of the fixed parameters, in the chosen parametrisation.
        """
        if self._estimate is None or (fixed and self.parametrisation is not None):
            return None
        estimate = self._estimate(means, origin, fixed)
        return None if estimate is None else self.from_default(estimate)

    def starts(self, values: Vector, weights: Vector) -> Sequence[Mapping[str, float | Vector]]:
        """Return starting values in the chosen parametrisation."""
        if self._starts is None:
            return ({},)
        return [self.from_default(start) for start in self._starts(values, weights)]

    def caution(self, estimates: Mapping[str, Vector]) -> Caution | None:
        """Return a caution about these estimates, or None."""
        if self._caution is None:
            return None
        # a parameter that varies from row to row has no number of its own
        alone = {
            name: estimates[name][0]
            for name, source in self.sources.items()
            if isinstance(source, Free | Fixed | Param) and name in estimates
        }
        with float64():
            numbers = {name: jnp.asarray(alone.get(name, np.nan)) for name in self.sources}
            caution: Caution | None = self._caution(
                **{name: float(v) for name, v in self.to_default(numbers).items()}
            )
        return caution


def _endless(tails: Tails) -> bool:
    return math.isinf(tails.lower) and math.isinf(tails.upper)


@cache
def _is_elementary(kind: type[Family]) -> bool:
    inside = np.array([kind.support.interior])
    assert kind._statistics is not None
    return all(isinstance(t, np.ndarray) for t in kind._statistics(inside, inside))


def _inside(x: Array, support: Interval) -> Array:
    above = x >= support.lower if support.holds_lower else x > support.lower
    below = x <= support.upper if support.holds_upper else x < support.upper
    inside = above & below & jnp.isfinite(x)
    return inside & (x == jnp.floor(x)) if support.whole else inside
