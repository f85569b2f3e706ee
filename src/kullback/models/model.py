"""The abstract model: what users call on it, made of the functions of a row.

A model is immutable. With all parameters fixed it is a distribution, with ``log_density``, ``cdf``,
``quantile``, ``sample`` and so on; ``kl.fit`` estimates its free parameters.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, overload

import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from kullback._core.arrays import ArrayLike, Vector, float64
from kullback._core.errors import ModelError
from kullback.models.draws import BLOCK, inner_uniforms, key_of, rounded_inside, stream
from kullback.models.evaluation import blockwise, log_tails, refuse_subnormal
from kullback.models.inversion import find_quantiles
from kullback.models.row_functions import NOT_PROVIDED, Moment, RowFunctions


class Model(RowFunctions):
    """Base class of probabilistic models of a row: abstract.

    A subclass defines ``parameters``, ``with_sources`` and ``row_log_density``; everything else has
    a default that is derived from these or raises a clear error.
    """

    @overload
    def log_density(self, x: float) -> float: ...
    @overload
    def log_density(self, x: npt.ArrayLike) -> Vector: ...
    def log_density(self, x: ArrayLike) -> float | Vector:
        """Log-density at ``x`` (log-probability for counts and labels), in nats.

        Args:
            x: numbers of any shape.

        Returns:
            A float or a float64 array of the same shape; −inf outside the support.
        """
        return self._evaluate("row_log_density", x)

    @overload
    def density(self, x: float) -> float: ...
    @overload
    def density(self, x: npt.ArrayLike) -> Vector: ...
    def density(self, x: ArrayLike) -> float | Vector:
        """Density at ``x``: the exponential of ``log_density``."""
        return _exponential(self.log_density(x))

    @overload
    def log_cdf(self, x: float) -> float: ...
    @overload
    def log_cdf(self, x: npt.ArrayLike) -> Vector: ...
    def log_cdf(self, x: ArrayLike) -> float | Vector:
        """Log-probability of an outcome ≤ ``x``."""
        return self._evaluate("row_log_cdf", x)

    @overload
    def cdf(self, x: float) -> float: ...
    @overload
    def cdf(self, x: npt.ArrayLike) -> Vector: ...
    def cdf(self, x: ArrayLike) -> float | Vector:
        """Probability of an outcome ≤ ``x``."""
        return _exponential(self.log_cdf(x))

    @overload
    def log_survival(self, x: float) -> float: ...
    @overload
    def log_survival(self, x: npt.ArrayLike) -> Vector: ...
    def log_survival(self, x: ArrayLike) -> float | Vector:
        """Log-probability of an outcome > ``x``."""
        return self._evaluate("row_log_survival", x)

    @overload
    def survival(self, x: float) -> float: ...
    @overload
    def survival(self, x: npt.ArrayLike) -> Vector: ...
    def survival(self, x: ArrayLike) -> float | Vector:
        """Probability of an outcome > ``x``."""
        return _exponential(self.log_survival(x))

    @overload
    def hazard(self, x: float) -> float: ...
    @overload
    def hazard(self, x: npt.ArrayLike) -> Vector: ...
    def hazard(self, x: ArrayLike) -> float | Vector:
        """Hazard at ``x``: q(x) / P(X > x); of counts the probability P(X = x) / P(X ≥ x).

        It is computed from logarithms, so that it has a value where both are 0 as doubles; its
        relative error is some 1e-16 times the size of ``log_survival(x)``.

        Args:
            x: numbers of any shape.

        Returns:
            A float or a float64 array of the same shape; 0 below the support, NaN above it.

        Example:
            >>> import kullback as kl
            >>> kl.Geometric(probability=0.25).hazard([0, 1, 1.5])
            array([0.25, 0.25, 0.  ])
        """
        numbers = np.asarray(x, dtype=np.float64)
        density = np.asarray(self.log_density(numbers))
        beyond = np.asarray(self.log_survival(numbers))
        mass = np.isin(numbers, self.atoms) | self.discrete
        beyond = np.where(mass, np.logaddexp(beyond, density), beyond)
        with np.errstate(invalid="ignore", over="ignore"):  # above the support, and at its end
            hazard = np.exp(density - beyond)
        return float(hazard) if numbers.ndim == 0 else hazard

    @overload
    def cumulative_hazard(self, x: float) -> float: ...
    @overload
    def cumulative_hazard(self, x: npt.ArrayLike) -> Vector: ...
    def cumulative_hazard(self, x: ArrayLike) -> float | Vector:
        """Cumulative hazard at ``x``: −log P(X > x), of counts too.

        Of continuous outcomes it is the integral of the hazard up to ``x``.
        """
        return 0.0 - self.log_survival(x)  # 0, not −0, below the support

    @overload
    def quantile(self, u: float) -> float: ...
    @overload
    def quantile(self, u: npt.ArrayLike) -> Vector: ...
    def quantile(self, u: ArrayLike) -> float | Vector:
        """Smallest outcome with ``cdf ≥ u``.

        Args:
            u: probabilities, 0 ≤ u ≤ 1.

        Raises:
            ModelError: for numbers outside [0, 1].
        """
        array = np.asarray(u, dtype=np.float64)
        if not np.all((array >= 0.0) & (array <= 1.0)):
            raise ModelError("u must lie in [0, 1]: quantile takes probabilities.")
        refuse_subnormal(array, "u")
        quantiles = self.quantiles_at(array)
        return float(quantiles) if array.ndim == 0 else quantiles

    def sample(self, n: Any, *, seed: Any = None) -> Vector:
        """Draw independent outcomes.

        Nothing is compiled. With a seed, the first outcomes are the same whatever their number is.
        (Another version of NumPy may draw others.)

        Args:
            n: the number of outcomes, or a shape.
            seed: an integer or a JAX random key, which draws the same outcomes every time; None
                draws different ones.

        Returns:
            A float64 array; class labels come as their codes. An outcome beyond 1.8e308 is given as
            infinite, one between 0 and 2.2e-308 as the latter where 0 is impossible.

        Raises:
            ModelError: for a negative ``n``, an invalid seed, or a free parameter.
        """
        shape = n if isinstance(n, tuple) else (n,)
        if any(not isinstance(size, int | np.integer) or size < 0 for size in shape):
            raise ModelError(f"n must be a number of draws or a shape, got {n!r}.")
        key, parameters = key_of(seed), self.default_params
        out = np.empty(shape)
        rows = out.reshape(-1)
        with np.errstate(all="ignore"):
            for begin in range(0, rows.size, BLOCK):
                drawn = self.draw(stream(key, begin // BLOCK), (BLOCK,), parameters)
                part = rows[begin : begin + BLOCK]
                part[:] = rounded_inside(drawn[: part.size], self.support)
        return out

    def draw(
        self,
        generator: np.random.Generator,
        shape: tuple[int, ...],
        parameters: Mapping[str, float | Vector],  # noqa: ARG002
    ) -> Vector:
        """Draw outcomes; by default through the quantile function.

        Args:
            generator: the random numbers.
            shape: of the draws.
            parameters: the default parameters by name.
        """
        return self.quantiles_at(inner_uniforms(generator, shape))

    def mean(self) -> float:
        """Expected outcome."""
        return self._moment("mean")

    def variance(self) -> float:
        """Variance of the outcome."""
        return self._moment("variance")

    def entropy(self) -> float:
        """Entropy in nats: H = E[−log q(X)] (differential for continuous models)."""
        return self._moment("entropy")

    def _moment(self, which: Moment) -> float:
        with float64():
            parameters = self.row_parameters([jnp.asarray(v) for v in self._constrained()], {})
            return float(self.moment(which, parameters))

    def _evaluate(self, hook: str, x: ArrayLike) -> float | Vector:
        numbers = np.asarray(x, dtype=np.float64)
        if self.support.lower == 0.0:  # elsewhere they add to larger numbers
            refuse_subnormal(numbers, "x")
        values = blockwise(self, hook, numbers, self._constrained())
        return float(values) if numbers.ndim == 0 else values

    def quantiles_at(self, u: Vector) -> Vector:
        """Quantiles at levels of any shape: by the model's formula, else by a search.

        A model made of another may return those of the other.
        """
        try:
            return blockwise(self, "row_quantile", u, self._constrained())
        except ModelError as error:
            if error.reason != NOT_PROVIDED:
                raise
        return find_quantiles(u, self._both_tails(), self.support)

    def _both_tails(self) -> Callable[[Vector], Sequence[Vector]]:
        """Return the function of log-probabilities of outcomes ≤ x and > x."""
        return log_tails(self, self._constrained())


def _exponential(value: float | Vector) -> float | Vector:
    if isinstance(value, float):
        return math.exp(value)
    density: Vector = np.exp(value)
    return density
