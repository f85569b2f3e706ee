"""The abstract model: named parameters, a source for each, and the log-density of a row.

A model is immutable. With all parameters fixed it is a distribution, with ``log_density``, ``cdf``,
``quantile``, ``sample`` and so on; ``kl.fit`` estimates its free parameters.
"""

from __future__ import annotations

import abc
import math
import secrets
from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NoReturn, TypeAlias, overload

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from kullback._core.arrays import Array, ArrayLike, Vector, float64
from kullback._core.display import Display, Displayed, Table
from kullback._core.domains import Domain, Interval
from kullback._core.equality import same
from kullback._core.errors import ModelError, did_you_mean
from kullback.models.caution import Caution
from kullback.models.evaluation import blockwise, refuse_subnormal
from kullback.models.forms import BasisFunctions, ExponentialForm
from kullback.models.model_type import ModelType, hooks, translation
from kullback.models.other_names import translated_parameters
from kullback.models.parameter_vector import ParameterVector
from kullback.models.source import Coefficient, Fixed, SameAs, Source, as_source

Moment: TypeAlias = Literal["mean", "variance", "entropy"]
OrderStatistic: TypeAlias = Literal["minimum", "median", "maximum"]


class Model(Displayed, metaclass=ModelType):
    """Base class of probabilistic models of a row: abstract.

    A subclass defines ``parameters``, ``with_sources`` and ``row_log_density``; everything else has
    a default that is derived from these or raises a clear error.
    """

    support: Interval
    outcome: Literal["number", "label"] = "number"
    levels: tuple[Any, ...] | None = None
    """Class labels in the order of their codes; None for numbers, and until a sample gives them."""

    order_statistics: ClassVar[Mapping[str, OrderStatistic]] = {}
    """Parameters whose estimate is an order statistic of the sample, whatever the others are."""

    dimensions: ClassVar[Mapping[str, int]] = {}
    """For a family of scale, by parameter: the power of the outcomes' unit that it is measured in
    (1 for a scale, −1 for a rate, 2 for a variance); those that have none are left out."""

    limits: ClassVar[Mapping[str, str]] = {}
    """Limiting models as a parameter goes to infinity, by parameter."""

    fixed_by_default: ClassVar[Mapping[str, float]] = {}
    """Parameters that are fixed unless the user gives them a source."""

    exponential_form: ExponentialForm | None = None
    """The form that one pass over any number of rows determines, for a model that has it."""

    basis_functions: BasisFunctions | None = None
    """The form that makes a pass several times as fast, for a model that has it."""

    sources: Mapping[str, Source]

    # ---- hooks for subclasses --------------------------------------------------------------

    @property
    @abc.abstractmethod
    def parameters(self) -> Mapping[str, Domain]:
        """The parameters' names and domains, in the order of reports."""

    @abc.abstractmethod
    def with_sources(self, sources: Mapping[str, Source]) -> Model:
        """Return the same model with other sources."""

    @abc.abstractmethod
    def row_log_density(self, x: Array, parameters: Mapping[str, Array]) -> Array:
        """Log-density of each row (log-probability for counts and labels), −inf where impossible.

        This and the other ``row_`` methods are JAX functions, elementwise over rows, in float64.
        """

    def row_log_density_inside(self, x: Array, parameters: Mapping[str, Array]) -> Array:
        """Log-density of rows inside ``support``, without checking that."""
        return self.row_log_density(x, parameters)

    def row_log_cdf(self, x: Array, parameters: Mapping[str, Array]) -> Array:  # noqa: ARG002
        """Log-probability of an outcome ≤ ``x``."""
        raise self._lacks("distribution function")

    def row_log_survival(self, x: Array, parameters: Mapping[str, Array]) -> Array:  # noqa: ARG002
        """Log-probability of an outcome > ``x``."""
        raise self._lacks("survival function")

    def row_quantile(self, u: Array, parameters: Mapping[str, Array]) -> Array:  # noqa: ARG002
        """Smallest outcome whose distribution function reaches ``u``."""
        raise self._lacks("quantile function")

    def draw(self, key: Array, shape: tuple[int, ...], parameters: Mapping[str, Array]) -> Array:
        """Draw outcomes; by default through the quantile function."""
        # strictly inside (0, 1): an end would be an infinite quantile
        u = jax.random.uniform(key, shape, jnp.float64, minval=np.finfo(np.float64).tiny)
        return self.row_quantile(u, parameters)

    def moment(self, which: Moment, parameters: Mapping[str, Array]) -> Array:  # noqa: ARG002
        """Compute the mean, the variance or the entropy."""
        raise self._lacks(f"{which} in closed form")

    def _lacks(self, what: str) -> ModelError:
        return ModelError(f"{self.name} does not provide its {what}.")

    def starts(self, values: Vector, weights: Vector) -> Sequence[Mapping[str, float | Vector]]:  # noqa: ARG002
        """Return starting values of the parameters; several where the likelihood has many peaks.

        Args:
            values: outcomes of a subsample (all rows if they or their distinct values are few).
            weights: their weights.
        """
        return ({},)

    def caution(self, estimates: Mapping[str, Vector]) -> Caution | None:  # noqa: ARG002
        """Return a caution about these estimates, or None."""
        return None

    def with_levels(self, levels: tuple[Any, ...]) -> Model:  # noqa: ARG002
        """Return the model for a sample with these class labels."""
        return self

    # ---- names and structure ---------------------------------------------------------------

    def __dir__(self) -> list[str]:
        hidden = hooks(type(self))
        return [name for name in super().__dir__() if name not in hidden]

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> NoReturn:
            kind = type(self).__name__
            raise translation(kind, name) or AttributeError(
                f"{kind!r} object has no attribute {name!r}", name=name, obj=self
            )

    def __eq__(self, other: object) -> bool:
        """Whether it is a model of the same class with the same sources and numbers."""
        return type(self) is type(other) and same(vars(self), vars(other))

    def __hash__(self) -> int:
        return hash((type(self), tuple(self.sources)))

    @property
    def name(self) -> str:
        """The model's name in messages and reports."""
        return type(self).__name__

    @property
    def structure(self) -> Hashable:
        """What compiled code depends on, as a cache key: not the parameters' values."""
        return (type(self), tuple((k, s.structure) for k, s in self.sources.items()))

    @property
    def discrete(self) -> bool:
        """Whether outcomes are whole numbers or classes, so that densities are probabilities."""
        return self.support.whole

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that the sources read."""
        return tuple(dict.fromkeys(c for s in self.sources.values() for c in s.columns))

    def _read_sources(self, arguments: Mapping[str, Any]) -> dict[str, Source]:
        """Return a source for each parameter, from the user's arguments by name."""
        unknown = [name for name in arguments if name not in self.parameters]
        if unknown:
            known = ", ".join(self.parameters)
            hint = did_you_mean(unknown[0], self.parameters)
            raise ModelError(
                translated_parameters(self.name, unknown)
                or f"{self.name} has no parameter {unknown[0]!r}{hint or '.'} It has {known}."
            )
        sources = {
            name: as_source(name, arguments.get(name)).for_parameter(domain)
            for name, domain in self.parameters.items()
        }
        for name, source in sources.items():
            if isinstance(source, SameAs):
                target = sources.get(source.other)
                if source.other == name or target is None or isinstance(target, SameAs):
                    others = ", ".join(repr(other) for other in sources if other != name)
                    raise ModelError(
                        f"{name}={source!r}: a tie needs another parameter that is not tied "
                        f"itself, one of {others}."
                    )
        return sources

    # ---- coefficients ----------------------------------------------------------------------

    @property
    def vector(self) -> ParameterVector:
        """All coefficients in order.

        Raises:
            ModelError: where a fixed number lies outside its parameter's domain.
        """
        return ParameterVector(tuple(c for group in self._coefficients().values() for c in group))

    @property
    def linear(self) -> bool:
        """Whether a parameter is a linear function of columns, through a link."""
        return any(source.predictor() is not source for source in self.sources.values())

    def by_predictors(self) -> Model:
        """Return the model of one number a row in place of each source that is linear."""
        return self.with_sources({n: source.predictor() for n, source in self.sources.items()})

    def _coefficients(self) -> dict[str, tuple[Coefficient, ...]]:
        return {
            name: source.coefficients(name, self.parameters[name])
            for name, source in self.sources.items()
        }

    def row_parameters(
        self, constrained: Sequence[Array], row: Mapping[str, Array]
    ) -> dict[str, Array]:
        """Compute every parameter from the coefficients on the constrained scale.

        Args:
            constrained: one scalar for each constrained number, in the vector's order.
            row: the columns of a block of rows.

        Returns:
            By name, a scalar, a vector (for vector parameters), or one value a row.
        """
        parameters: dict[str, Array] = {}
        position = 0
        taken: dict[str, list[Array]] = {}
        for name, coefficients in self._coefficients().items():
            taken[name] = []
            for c in coefficients:
                numbers = constrained[position : position + c.domain.size]
                taken[name].append(numbers[0] if c.domain.size == 1 else jnp.stack(numbers))
                position += c.domain.size
        ties = [name for name, source in self.sources.items() if isinstance(source, SameAs)]
        for name in [*(n for n in self.sources if n not in ties), *ties]:
            parameters[name] = self.sources[name].value(taken[name], row, parameters)
        return parameters

    def fixed_at(self, constrained: Mapping[str, Vector]) -> Model:
        """Return the same model with every coefficient fixed at these values by name."""
        sources = {}
        for name, coefficients in self._coefficients().items():
            values = [constrained[c.name] for c in coefficients]
            source = self.sources[name].fixed_at(values)
            if isinstance(source, Fixed) and self.parameters[name].size == 1:
                source = Fixed(source.number.reshape(()))
            sources[name] = source
        return self.with_sources(sources)

    # ---- what users call -------------------------------------------------------------------

    @property
    def params(self) -> dict[str, float | Vector]:
        """The parameters of a distribution: floats, or arrays for vectors.

        Raises:
            ModelError: while a parameter is free.
        """
        out: dict[str, float | Vector] = {}
        for name, source in self.sources.items():
            target = self.sources[source.other] if isinstance(source, SameAs) else source
            if not isinstance(target, Fixed) and target.columns:
                raise ModelError(
                    f"{name} of {self.name} depends on the row: use fit.predict_params(data)."
                )
            if not isinstance(target, Fixed):
                raise ModelError(
                    f"{self!r} is not a distribution yet: {name} is free. Fit it with "
                    f"kl.fit(model, data) and use fit.model, or fix it: {self.name}({name}=...)."
                )
            number = target.number
            out[name] = float(number) if number.size == 1 else number.copy()
        return out

    def _constrained(self) -> Vector:
        _ = self.params  # every parameter must have a value
        vector = self.vector
        constrained: Vector = vector.constrained(np.zeros(0))
        return constrained

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
        return self._evaluate("row_quantile", array, "u")

    def sample(self, n: Any, *, seed: Any = None) -> Vector:
        """Draw independent outcomes.

        Args:
            n: the number of outcomes, or a shape.
            seed: an integer or a JAX random key, which draws the same outcomes every time; None
                draws different ones.

        Returns:
            A float64 array; class labels come as their codes.

        Raises:
            ModelError: for a negative ``n``, an invalid seed, or a free parameter.
        """
        shape = n if isinstance(n, tuple) else (n,)
        if any(not isinstance(size, int | np.integer) or size < 0 for size in shape):
            raise ModelError(f"n must be a number of draws or a shape, got {n!r}.")
        with float64():
            key = _random_key(seed)
            parameters = self.row_parameters([jnp.asarray(v) for v in self._constrained()], {})
            return np.asarray(self.draw(key, shape, parameters), dtype=np.float64)

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

    def _evaluate(self, hook: str, x: ArrayLike, name: str = "x") -> float | Vector:
        numbers = np.asarray(x, dtype=np.float64)
        if name == "u" or self.support.lower == 0.0:  # elsewhere they add to larger numbers
            refuse_subnormal(numbers, name)
        values: float | Vector = blockwise(self, hook, numbers, self._constrained())
        return values

    def __repr__(self) -> str:
        """Show the call that makes the model, with ? for free parameters."""
        parts = (f"{name}={shown}" for name, shown in self._shown_sources.items())
        return f"{self.name}({', '.join(parts)})"

    @property
    def _shown_sources(self) -> dict[str, str]:
        return {
            name: "?" if type(source).__name__ == "Free" else repr(source)
            for name, source in self.sources.items()
        }

    def _display(self) -> Display:
        rows = [
            (name, "free" if shown == "?" else shown, self.parameters[name].phrase(name))
            for name, shown in self._shown_sources.items()
        ]
        return Display(self.name, [Table(rows, ("parameter", "value", "domain"))])


def _exponential(value: float | Vector) -> float | Vector:
    if isinstance(value, float):
        return math.exp(value)
    density: Vector = np.exp(value)
    return density


def _random_key(seed: Any) -> Array:
    """Return a JAX random key for a seed."""
    if seed is None:
        seed = secrets.randbits(63)
    if isinstance(seed, int | np.integer) and not isinstance(seed, bool):
        if not 0 <= seed < 2**63:
            raise ModelError(f"seed must lie in [0, 2**63), got {seed}.")
        return jax.random.key(int(seed))
    if isinstance(seed, jax.Array):
        return seed
    raise ModelError(f"seed must be an integer, a JAX random key or None, got {seed!r}.")
